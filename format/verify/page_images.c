#include <stdio.h>
#include <string.h>

#include "format/oci/left_out.h"
#include "format/run/progress.h"
#include "format/verify/page_parts.h"

#define PLATFORMS_LENGTH ((size_t)300) /* of the text, about */

bool ferry_page_is_referrer(const struct ferry_contents *contents, size_t image)
{
    return contents->report->graph->images[contents->images[image].name].has_subject;
}

size_t ferry_page_count_referrers(const struct ferry_contents *contents)
{
    size_t count = 0;

    for (size_t i = 0; i < contents->count; i++)
        count += ferry_page_is_referrer(contents, i);
    return count;
}

#define DIGITS_SHOWN 12 /* of a digest in a name: it stands there in full elsewhere */

/* Whether the last component is a digest, or ends with one: where its digits begin; else NULL. */
static const char *digits_of(const char *last)
{
    const char *at = strchr(last, '@');
    struct ferry_digest digest;
    struct ferry_err ignored;

    at = at ? at + 1 : last;
    return ferry_digest_parse(at, &digest, &ignored) == 0 ? strchr(at, ':') + 1 : NULL;
}

static void write_component(struct ferry_html *html, const char *last)
{
    const char *digits = digits_of(last);
    int len = digits ? (int)(digits - last) + DIGITS_SHOWN : (int)strcspn(last, ":@");
    char part[FERRY_REFERENCE_TEXT_MAX];

    snprintf(part, sizeof(part), "%.*s", len, last);
    if (digits)
        ferry_html_put(html, "<b>%s\xe2\x80\xa6</b>", part);
    else
        ferry_html_put(html, "<b>%s<wbr/>%s</b>", part, last + len);
}

void ferry_page_name(struct ferry_html *html, const char *name)
{
    char part[FERRY_REFERENCE_TEXT_MAX];
    const char *slash;

    ferry_html_raw(html, "<span class=\"name\">");
    for (; (slash = strchr(name, '/')); name = slash + 1) { /* a line may end behind each */
        snprintf(part, sizeof(part), "%.*s", (int)(slash + 1 - name), name);
        ferry_html_put(html, "%s<wbr/>", part);
    }
    write_component(html, name);
    ferry_html_raw(html, "</span>");
}

/* Of the kinds of space those that the archive has any of have a column. */
static const char size_label[] = ">Size";
static const char *const space_labels[FERRY_SPACE_KINDS] = {
    [FERRY_SPACE_OWN] = ">Own",        [FERRY_SPACE_SHARED] = ">Shared",
    [FERRY_SPACE_BASE] = ">In a base", [FERRY_SPACE_ELSEWHERE] = ">Left out",
    [FERRY_SPACE_FAULTY] = ">Faulty",
};

/* All the names of an image. */
static void write_names(const struct ferry_page *page, const struct ferry_contents_image *image)
{
    const struct ferry_contents *c = page->contents;
    size_t name = image->name;

    do {
        ferry_page_name(page->html, c->report->graph->images[name].name);
        ferry_html_put(page->html, "<br/>");
        name = c->next_name[name];
    } while (name > 0);
}

static void write_platforms(const struct ferry_page *page, const struct ferry_contents_image *image)
{
    struct ferry_err *err = &page->html->err;
    FERRY_OWNED_MEM struct ferry_left_out *list = NULL;
    FERRY_OWNED_BUF text;
    char left_out[FERRY_LEFT_OUT_TEXT_MAX];
    size_t count;

    ferry_buf_init(&text, 2 * PLATFORMS_LENGTH);
    if (ferry_contents_platforms(image->root, PLATFORMS_LENGTH, &text, err) < 0 ||
        ferry_left_out_list(page->contents->report->graph, image->root, &list, &count, err) < 0)
        return;
    ferry_left_out_platforms(list, count, left_out);
    if (text.len > 0 || left_out[0])
        ferry_html_put(page->html, "<span class=\"platforms\">%s%s%s</span><br/>",
                       text.len ? (char *)text.data : "", left_out[0] ? " without " : "", left_out);
}

static void write_image(const struct ferry_page *page, const struct ferry_contents_image *image)
{
    ferry_html_raw(page->html, FERRY_PAGE_ROW);
    write_names(page, image);
    write_platforms(page, image);
    ferry_html_digest(page->html, &image->root->descriptor.digest);
    if (!image->whole)
        ferry_html_raw(page->html, "<br/><strong class=\"damaged\">Damaged</strong>");
    ferry_html_raw(page->html, "</th>");
    ferry_page_cell_size(page->html, size_label, image->sum);
    for (size_t i = 0; i < FERRY_SPACE_KINDS; i++)
        if (page->contents->bytes[i] > 0)
            ferry_page_cell_size(page->html, space_labels[i], image->bytes[i]);
    ferry_html_raw(page->html, "</tr>\n");
}

/* By name, for a person who looks one up. */
struct row {
    const char *name;
    size_t image;
};

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int by_name = strcmp(x->name, y->name);

    return by_name ? by_name : x->image < y->image ? -1 : x->image > y->image;
}

/* Those that are referrers, or those that are not. Gives a malloc'ed array; NULL for no memory. */
static struct row *sort_rows(const struct ferry_page *page, bool referrers, size_t *count)
{
    const struct ferry_contents *c = page->contents;
    struct row *rows = calloc(c->count + 1, sizeof(*rows));

    *count = 0;
    if (!rows) {
        ferry_fail_memory(&page->html->err);
        return NULL;
    }
    for (size_t i = 0; i < c->count; i++)
        if (ferry_page_is_referrer(c, i) == referrers)
            rows[(*count)++] = (struct row){ c->report->graph->images[c->images[i].name].name, i };
    qsort(rows, *count, sizeof(*rows), compare_rows);
    return rows;
}

void ferry_page_images(const struct ferry_page *page)
{
    const char *labels[FERRY_SPACE_KINDS + 3] = { "Image", size_label };
    size_t count, label_count = 2;
    FERRY_OWNED_MEM struct row *rows = sort_rows(page, false, &count);

    if (!rows || count == 0)
        return;
    for (size_t i = 0; i < FERRY_SPACE_KINDS; i++)
        if (page->contents->bytes[i] > 0)
            labels[label_count++] = space_labels[i];
    ferry_html_raw(page->html,
                   "<section aria-labelledby=\"images\">\n<h2 id=\"images\">Images</h2>\n");
    ferry_page_table_begin(page->html, labels);
    for (size_t i = 0; i < count; i++)
        write_image(page, &page->contents->images[rows[i].image]);
    ferry_page_table_end(page->html);
    ferry_html_raw(page->html, "</section>\n");
}

/* The image through which the subject was met, and its digest. */
static void write_subject(const struct ferry_page *page, const struct ferry_digest *subject)
{
    const struct ferry_graph *graph = page->contents->report->graph;
    const struct ferry_node *node = ferry_graph_find(graph, subject);

    if (node) {
        ferry_page_name(page->html, graph->images[node->first_image].name);
        ferry_html_raw(page->html, "<br/>");
    }
    ferry_html_digest(page->html, subject);
}

void ferry_page_referrers(const struct ferry_page *page)
{
    static const char *const labels[] = { "Name", "Belongs to", size_label, NULL };
    const struct ferry_graph *graph = page->contents->report->graph;
    struct ferry_html *h = page->html;
    size_t count;
    FERRY_OWNED_MEM struct row *rows = sort_rows(page, true, &count);

    if (!rows || count == 0)
        return;
    ferry_html_raw(h, "<section aria-labelledby=\"belongs\">\n"
                      "<h2 id=\"belongs\">What belongs to images</h2>\n"
                      "<p>Signatures, attestations, SBOMs and the like.</p>\n");
    ferry_page_table_begin(h, labels);
    for (size_t i = 0; i < count; i++) {
        const struct ferry_contents_image *image = &page->contents->images[rows[i].image];

        ferry_html_raw(h, FERRY_PAGE_ROW);
        write_names(page, image);
        ferry_html_digest(h, &image->root->descriptor.digest);
        if (!image->whole)
            ferry_html_raw(h, "<br/><strong class=\"damaged\">Damaged</strong>");
        ferry_html_raw(h, "</th>");
        ferry_page_cell_begin(h, labels[1]);
        write_subject(page, &graph->images[image->name].subject);
        ferry_page_cell_end(h);
        ferry_page_cell_size(h, size_label, image->sum);
        ferry_html_raw(h, "</tr>\n");
    }
    ferry_page_table_end(h);
    ferry_html_raw(h, "</section>\n");
}
