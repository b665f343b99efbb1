#include "format/verify/page.h"

#include <stdio.h>
#include <string.h>

#include "format/run/progress.h"
#include "format/verify/page_parts.h"

/* The last component of an archive's path: where it lies is not the archive's. */
static void add_title(const struct ferry_page *page, const char *archive, struct ferry_buf *title)
{
    const char *path = strcmp(archive, "-") == 0 ? "stdin" : archive;
    size_t len = strlen(path), first;

    while (len > 1 && path[len - 1] == '/')
        len--;
    for (first = len; first > 0 && path[first - 1] != '/';)
        first--;
    if (first == len) /* "/" */
        first = 0;
    (void)!ferry_buf_print(title, &page->html->err, "%s%.*s", title->len ? " + " : "",
                           (int)(len - first), path + first);
}

/* Gives a malloc'ed text; NULL when there is no memory. */
static char *title_of(const struct ferry_page *page)
{
    struct ferry_buf title;

    ferry_buf_init(&title, SIZE_MAX);
    for (size_t i = 0; i < page->archive_count; i++)
        add_title(page, page->archives[i], &title);
    return (char *)title.data;
}

static bool is_whole(const struct ferry_page *page)
{
    return ferry_verify_is_whole(page->contents->report);
}

static bool is_delta(const struct ferry_page *page)
{
    return page->contents->report->in_base.count > 0;
}

static const char *verdict_of(const struct ferry_page *page)
{
    if (!is_whole(page))
        return "Not whole";
    if (is_delta(page))
        return page->depth == FERRY_VERIFY_QUICK
                   ? "Delta, complete together with its base, bytes not checked"
                   : "Delta, whole together with its base";
    return page->depth == FERRY_VERIFY_QUICK ? "Complete, bytes not checked" : "Whole";
}

static void write_head(const struct ferry_page *page, const char *title)
{
    struct ferry_html *h = page->html;

    ferry_html_put(h, "<!DOCTYPE html>\n"
                      "<html lang=\"en\">\n"
                      "<head>\n"
                      "<meta charset=\"utf-8\"/>\n"
                      "<meta http-equiv=\"Content-Security-Policy\" "
                      "content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                      "<meta name=\"color-scheme\" content=\"light dark\"/>\n");
    ferry_html_put(h, "<title>%s: %s</title>\n<style>\n", title, verdict_of(page));
    ferry_html_raw(h, ferry_page_style);
    ferry_html_put(h,
                   "</style>\n</head>\n<body>\n<main>\n<header>\n"
                   "<p class=\"kind\">Archive of container images</p>\n<h1>%s</h1>\n</header>\n",
                   title);
}

/* What was looked at, and so what the verdict means. */
static const char *meaning_of(const struct ferry_page *page)
{
    switch (page->depth) {
    case FERRY_VERIFY_QUICK:
        return "Everything that an image reaches is here, in its right size. The bytes of configs "
               "and layers were not read.";
    case FERRY_VERIFY_DEEP:
        return "Everything that an image reaches is here, every byte is what its digest says, and "
               "every layer unpacks to what its image expects.";
    default:
        return "Everything that an image reaches is here, and every byte is what its digest says.";
    }
}

static const char *checked_text(const struct ferry_page *page)
{
    switch (page->depth) {
    case FERRY_VERIFY_QUICK:
        return "Checked: the structure, and sizes.";
    case FERRY_VERIFY_DEEP:
        return "Checked: the structure, every byte, and what layers unpack to.";
    default:
        return "Checked: the structure, and every byte.";
    }
}

#define DAMAGES_SHOWN 12

static void write_damages(const struct ferry_page *page, const struct ferry_fault *fault)
{
    struct ferry_damaged walk;
    size_t count = 0;

    ferry_damaged_begin(&walk, page->contents, fault);
    for (const char *name; (name = ferry_damaged_next(&walk)); count++) {
        if (count >= DAMAGES_SHOWN)
            continue;
        ferry_html_raw(page->html, count ? ", " : "<p class=\"damages\">Damages ");
        ferry_page_name(page->html, name);
    }
    if (count > DAMAGES_SHOWN)
        ferry_html_put(page->html, " and %zu more", count - DAMAGES_SHOWN);
    if (count > 0)
        ferry_html_raw(page->html, "</p>");
}

static void write_faults(const struct ferry_page *page)
{
    const struct ferry_verify_report *report = page->contents->report;

    ferry_html_put(page->html, "<ol class=\"faults\">\n");
    for (size_t i = 0; i < report->fault_count && i < FERRY_PAGE_FAULTS_MAX; i++) {
        ferry_html_put(page->html, "<li><p>%s%s</p>", report->faults[i].text,
                       report->faults[i].is_healed ? " (healed by another archive)" : "");
        write_damages(page, &report->faults[i]);
        ferry_html_put(page->html, "</li>\n");
    }
    ferry_html_put(page->html, "</ol>\n");
    if (report->fault_count > FERRY_PAGE_FAULTS_MAX)
        ferry_html_put(page->html, "<p>And %zu more.</p>\n",
                       report->fault_count - FERRY_PAGE_FAULTS_MAX);
}

/* "8 of 13 images are damaged." */
static void write_damaged(const struct ferry_page *page)
{
    const struct ferry_contents *c = page->contents;
    size_t referrers = ferry_page_count_referrers(c), damaged[2] = { 0, 0 };

    for (size_t i = 0; i < c->count; i++)
        damaged[ferry_page_is_referrer(c, i)] += !c->images[i].whole;
    ferry_html_put(page->html, "%zu of %zu images", damaged[0], c->count - referrers);
    if (damaged[1] > 0)
        ferry_html_put(page->html, " and %zu of %zu that belong to them", damaged[1], referrers);
    ferry_html_raw(page->html, " are damaged. ");
}

static void write_verdict(const struct ferry_page *page)
{
    static const char good[] = "M4 11 L9 16 L18 5", bad[] = "M5 5 L17 17 M17 5 L5 17";
    size_t faults = page->contents->report->fault_count;
    bool is_bad = !is_whole(page);
    struct ferry_html *h = page->html;

    ferry_html_put(h,
                   "<section class=\"verdict %s\" aria-labelledby=\"verdict\">\n"
                   "<h2 id=\"verdict\"><svg width=\"22\" height=\"22\" aria-hidden=\"true\">"
                   "<path d=\"%s\"/></svg>%s",
                   is_bad                                                ? "bad"
                   : page->depth == FERRY_VERIFY_QUICK || is_delta(page) ? "part"
                                                                         : "good",
                   is_bad ? bad : good, verdict_of(page));
    if (is_bad) {
        ferry_html_put(h, ": %zu fault%s</h2>\n<p>", faults, ferry_plural(faults));
        write_damaged(page);
        ferry_html_put(h, "%s</p>\n", checked_text(page));
    } else {
        ferry_html_put(h, "</h2>\n<p>%s%s</p>\n", meaning_of(page),
                       is_delta(page) ? " Not so the layers that an earlier archive, the base, has."
                                      : "");
    }
    if (faults > 0)
        write_faults(page);
    ferry_html_put(h, "</section>\n");
}

static void write_total(struct ferry_html *h, const char *what, size_t number, const char *note)
{
    ferry_html_put(h, "<div><dt>%s</dt><dd>%zu</dd><dd class=\"note\">%s</dd></div>\n", what,
                   number, note);
}

static void write_bytes(struct ferry_html *h, const char *what, int64_t bytes, const char *note)
{
    ferry_html_put(h, "<div><dt>%s</dt><dd>", what);
    ferry_html_size(h, bytes);
    ferry_html_put(h, "</dd><dd class=\"note\">%s</dd></div>\n", note);
}

static void write_totals(const struct ferry_page *page)
{
    const struct ferry_contents *c = page->contents;
    const struct ferry_verify_report *report = c->report;
    size_t referrers = ferry_page_count_referrers(c);
    size_t names = report->graph->image_count - ferry_graph_referrers(report->graph);
    char note[64];

    snprintf(note, sizeof(note), "under %zu name%s", names, ferry_plural(names));
    ferry_html_put(page->html, "<section aria-label=\"In short\">\n<dl class=\"totals\">\n");
    write_total(page->html, "Images", c->count - referrers, note);
    if (referrers > 0)
        write_total(page->html, "Belong to them", referrers, "signatures and the like");
    write_total(page->html, "Blobs", report->blobs, "found and right");
    write_bytes(page->html, "Bytes", report->bytes, "in these");
    if (c->saved > 0)
        write_bytes(page->html, "Saved", c->saved, "by what images share");
    if (is_delta(page))
        write_bytes(page->html, "In a base", report->in_base.bytes, "and not in these");
    if (report->left_out + report->manifests_left_out > 0)
        write_total(page->html, "Left out", report->left_out + report->manifests_left_out,
                    "on purpose");
    ferry_html_put(page->html, "</dl>\n</section>\n");
}

#define GROUP 4 /* digits that a person compares at once */

/* `name`: of one of several archives, else "". */
static void write_digest(const struct ferry_page *page, const char *name,
                         const struct ferry_digest *digest)
{
    const char *hex = ferry_digest_hex(digest);

    if (!digest->text[0]) /* it was not found, which is a fault */
        return;
    ferry_html_put(page->html, "<p class=\"identity\">%s%s<code><span>%s:</span><wbr/>", name,
                   name[0] ? ": " : "", ferry_algorithm_name(digest->algorithm));
    for (size_t i = 0; hex[i]; i += GROUP) {
        char group[GROUP + 1] = { 0 };

        memcpy(group, hex + i, GROUP);
        ferry_html_put(page->html, "<span>%s</span><wbr/>", group);
    }
    ferry_html_put(page->html, "</code></p>\n");
}

static void write_identity(const struct ferry_page *page)
{
    const struct ferry_verify_report *report = page->contents->report;
    size_t count = ferry_verify_count(report);

    if (count == 1 && !report->graph->index.text[0])
        return;
    ferry_html_put(
        page->html,
        "<section aria-labelledby=\"identity\">\n<h2 id=\"identity\">Identity</h2>\n"
        "<p>The digest of <code>index.json</code> stands for the whole archive: it covers "
        "every image, and through them every byte.</p>\n");
    if (count == 1)
        write_digest(page, "", &report->graph->index);
    for (size_t i = 0; count > 1 && i < count; i++)
        write_digest(page, ferry_archive_name(&report->set->items[i]),
                     &report->set->items[i].graph->index);
    ferry_html_put(page->html, "<p class=\"note\">Without this program: <code>tar -xOf ARCHIVE "
                               "index.json | sha256sum</code></p>\n</section>\n");
}

static void write_foot(const struct ferry_page *page)
{
    const struct ferry_graph *graph = page->contents->report->graph;
    const char *origin = "";

    if (graph->is_ours)
        origin = " The archive follows version 1 of the format that SPEC.md of ociferry describes.";
    else if (graph->index.text[0])
        origin = " The archive is an OCI image layout that another tool wrote.";
    ferry_html_put(page->html,
                   "<footer>\n"
                   "<dl class=\"sign\"><div><dt>Checked on</dt><dd></dd></div>"
                   "<div><dt>By</dt><dd></dd></div></dl>\n"
                   "<p>Written by ociferry-verify " FERRY_VERSION ".%s</p>\n"
                   "</footer>\n</main>\n</body>\n</html>\n",
                   origin);
}

/* From what must be seen to what may be looked up. */
static void (*const parts[])(const struct ferry_page *page) = {
    write_verdict,      write_totals,        write_identity,       ferry_page_signature,
    ferry_page_chart,   ferry_page_images,   ferry_page_referrers, ferry_page_shared,
    ferry_page_in_base, ferry_page_left_out, ferry_page_volumes,   ferry_page_unlisted,
    write_foot,
};

void ferry_page_write(const struct ferry_page *page)
{
    FERRY_OWNED_MEM char *title = title_of(page);

    if (!title)
        return;
    write_head(page, title);
    for (size_t i = 0; i < FERRY_COUNT(parts); i++)
        parts[i](page);
}
