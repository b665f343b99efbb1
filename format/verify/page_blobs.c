#include "format/oci/left_out.h"
#include "format/run/progress.h"
#include "format/verify/page_parts.h"

/* Of more rows the largest are in a table, and the others are summed up. */
#define SHARED_SHOWN 20
#define IN_BASE_SHOWN 20
#define ELSEWHERE_SHOWN 100
#define UNLISTED_SHOWN 100

/* A blob, and by what it is large. */
struct row {
    const struct ferry_node *node;
    size_t images;
    int64_t weight;
};

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    return x->node->place < y->node->place ? -1 : x->node->place > y->node->place;
}

/* The blobs of one kind, heaviest first. Gives a malloc'ed array; NULL when there is no memory. */
static struct row *sort_rows(const struct ferry_page *page, enum ferry_space space, size_t *count)
{
    const struct ferry_contents *c = page->contents;
    const struct ferry_graph *graph = c->report->graph;
    struct row *rows = calloc(graph->count + 1, sizeof(*rows));

    *count = 0;
    if (!rows) {
        ferry_fail_memory(&page->html->err);
        return NULL;
    }
    for (size_t i = 0; i < graph->count; i++) {
        struct row *row = &rows[*count];

        if (c->spaces[i] != space)
            continue;
        *row = (struct row){ graph->nodes[i], c->reached_by[i], graph->nodes[i]->descriptor.size };
        if (space == FERRY_SPACE_SHARED &&
            __builtin_mul_overflow(row->weight, (int64_t)row->images - 1, &row->weight))
            row->weight = INT64_MAX;
        ++*count;
    }
    qsort(rows, *count, sizeof(*rows), compare_rows);
    return rows;
}

static const char *what_is(const struct ferry_node *node)
{
    if (node->kind == FERRY_KIND_INDEX)
        return "index";
    if (node->is_manifest)
        return "manifest";
    return node->is_config ? "config" : "layer";
}

static void write_shared(const struct ferry_page *page, const struct row *row,
                         const char *const labels[])
{
    struct ferry_html *h = page->html;

    ferry_html_raw(h, FERRY_PAGE_ROW);
    ferry_html_digest(h, &row->node->descriptor.digest);
    ferry_html_put(h, " <span class=\"note\">%s</span></th>", what_is(row->node));
    ferry_page_cell_size(h, labels[1], row->node->descriptor.size);
    ferry_page_cell_begin(h, labels[2]);
    ferry_html_put(h, "%zu", row->images);
    ferry_page_cell_end(h);
    ferry_page_cell_size(h, labels[3], row->weight);
    ferry_html_raw(h, "</tr>\n");
}

static void write_rest(struct ferry_html *h, const struct row *rows, size_t shown, size_t count,
                       const char *verb)
{
    int64_t sum = 0;

    if (count <= shown)
        return;
    for (size_t i = shown; i < count; i++)
        if (!ferry_add(sum, rows[i].weight, &sum))
            sum = INT64_MAX;
    ferry_html_put(h, "<p>And %zu more, which %s ", count - shown, verb);
    ferry_html_size(h, sum);
    ferry_html_raw(h, ".</p>\n");
}

void ferry_page_shared(const struct ferry_page *page)
{
    static const char *const labels[] = { "Blob", ">Size", ">Images", ">Saves", NULL };
    const struct ferry_contents *c = page->contents;
    struct ferry_html *h = page->html;
    size_t count;
    FERRY_OWNED_MEM struct row *rows = sort_rows(page, FERRY_SPACE_SHARED, &count);

    if (!rows || count == 0)
        return;
    ferry_html_put(h,
                   "<section aria-labelledby=\"shared\">\n<h2 id=\"shared\">What is shared</h2>\n"
                   "<p>%zu blob%s of ",
                   count, ferry_plural(count));
    ferry_html_size(h, c->bytes[FERRY_SPACE_SHARED]);
    ferry_html_raw(h, " stand here once for several images, which saves ");
    ferry_html_size(h, c->saved);
    ferry_html_raw(h, ".</p>\n");
    ferry_page_table_begin(h, labels);
    for (size_t i = 0; i < count && i < SHARED_SHOWN; i++)
        write_shared(page, &rows[i], labels);
    ferry_page_table_end(h);
    write_rest(h, rows, SHARED_SHOWN, count, "save");
    ferry_html_raw(h, "</section>\n");
}

static void write_layer_in_base(const struct ferry_page *page, const struct row *row,
                                const char *const labels[])
{
    struct ferry_html *h = page->html;

    ferry_html_raw(h, FERRY_PAGE_ROW);
    ferry_html_digest(h, &row->node->descriptor.digest);
    ferry_html_raw(h, "</th>");
    ferry_page_cell_begin(h, labels[1]);
    ferry_html_put(h, "%s", row->node->base_repository);
    ferry_page_cell_end(h);
    ferry_page_cell_size(h, labels[2], row->weight);
    ferry_html_raw(h, "</tr>\n");
}

/* Whoever has the page of a base at hand finds the digest there. */
static void write_bases(struct ferry_html *h, const struct ferry_bases *bases)
{
    ferry_html_put(h,
                   "<p>Without %s this archive can be imported only where that was. The digest of "
                   "its <code>index.json</code>:</p>\n<ul class=\"names\">\n",
                   bases->count == 1 ? "its base" : "its bases, one or several of these,");
    for (size_t i = 0; i < bases->count; i++)
        ferry_html_put(h, "<li>%s</li>\n", bases->digests[i].text);
    ferry_html_raw(h, "</ul>\n");
}

void ferry_page_in_base(const struct ferry_page *page)
{
    static const char *const labels[] = { "Layer", "There in", ">Size", NULL };
    const struct ferry_verify_report *report = page->contents->report;
    struct ferry_html *h = page->html;
    size_t count;
    FERRY_OWNED_MEM struct row *rows = sort_rows(page, FERRY_SPACE_BASE, &count);

    if (!rows || count == 0)
        return;
    ferry_html_put(h,
                   "<section aria-labelledby=\"in-base\">\n"
                   "<h2 id=\"in-base\">Left to an earlier archive</h2>\n<p>%zu layer%s of ",
                   count, ferry_plural(count));
    ferry_html_size(h, report->in_base.bytes);
    ferry_html_put(h, " %s not here: an earlier archive, the base of this one, has %s.</p>\n",
                   count == 1 ? "is" : "are", count == 1 ? "it" : "them");
    write_bases(h, &report->graph->bases);
    ferry_page_table_begin(h, labels);
    for (size_t i = 0; i < count && i < IN_BASE_SHOWN; i++)
        write_layer_in_base(page, &rows[i], labels);
    ferry_page_table_end(h);
    write_rest(h, rows, IN_BASE_SHOWN, count, "have");
    ferry_html_raw(h, "</section>\n");
}

static void write_elsewhere(const struct ferry_page *page, const struct row *row,
                            const char *const labels[])
{
    char *const *urls = row->node->descriptor.urls;
    struct ferry_html *h = page->html;

    ferry_html_raw(h, FERRY_PAGE_ROW);
    ferry_html_digest(h, &row->node->descriptor.digest);
    ferry_html_raw(h, "</th>");
    ferry_page_cell_begin(h, labels[1]);
    ferry_html_put(h, "%s", urls ? urls[0] : "not said");
    ferry_page_cell_end(h);
    ferry_page_cell_size(h, labels[2], row->weight);
    ferry_html_raw(h, "</tr>\n");
}

static void write_manifests_left_out(const struct ferry_page *page)
{
    FERRY_OWNED_MEM struct ferry_left_out *list = NULL;
    char platforms[FERRY_LEFT_OUT_TEXT_MAX];
    size_t count;

    if (ferry_left_out_list(page->contents->report->graph, NULL, &list, &count, &page->html->err) <
            0 ||
        count == 0)
        return;
    ferry_left_out_platforms(list, count, platforms);
    ferry_html_put(page->html,
                   "<p>%zu manifest%s that indexes list for other platforms%s%s, with all that "
                   "they reach.</p>\n",
                   count, ferry_plural(count), platforms[0] ? ": " : "", platforms);
}

void ferry_page_left_out(const struct ferry_page *page)
{
    static const char *const labels[] = { "Layer", "Kept at", ">Size", NULL };
    struct ferry_html *h = page->html;
    size_t count;
    FERRY_OWNED_MEM struct row *rows = sort_rows(page, FERRY_SPACE_ELSEWHERE, &count);

    if (!rows || count + page->contents->report->manifests_left_out == 0)
        return;
    ferry_html_raw(h, "<section aria-labelledby=\"left-out\">\n"
                      "<h2 id=\"left-out\">Left out on purpose</h2>\n");
    write_manifests_left_out(page);
    if (count > 0) {
        ferry_html_put(h, "<p>%zu layer%s that the images have from elsewhere.</p>\n", count,
                       ferry_plural(count));
        ferry_page_table_begin(h, labels);
        for (size_t i = 0; i < count && i < ELSEWHERE_SHOWN; i++)
            write_elsewhere(page, &rows[i], labels);
        ferry_page_table_end(h);
        write_rest(h, rows, ELSEWHERE_SHOWN, count, "have");
    }
    ferry_html_raw(h, "</section>\n");
}

void ferry_page_unlisted(const struct ferry_page *page)
{
    const struct ferry_verify_report *report = page->contents->report;
    struct ferry_html *h = page->html;
    size_t shown = report->unlisted_named < UNLISTED_SHOWN ? report->unlisted_named
                                                           : UNLISTED_SHOWN;

    if (report->unlisted_count == 0)
        return;
    ferry_html_put(h,
                   "<section aria-labelledby=\"unlisted\">\n"
                   "<h2 id=\"unlisted\">Not part of any image</h2>\n"
                   "<p>%zu entr%s of the archive, to which no image refers. No import takes them "
                   "along.</p>\n<ul class=\"names\">\n",
                   report->unlisted_count, report->unlisted_count == 1 ? "y" : "ies");
    for (size_t i = 0; i < shown; i++)
        ferry_html_put(h, "<li>%s</li>\n", report->unlisted[i]);
    ferry_html_raw(h, "</ul>\n");
    if (report->unlisted_count > shown)
        ferry_html_put(h, "<p>And %zu more.</p>\n", report->unlisted_count - shown);
    ferry_html_raw(h, "</section>\n");
}
