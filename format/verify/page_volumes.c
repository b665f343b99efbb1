#include "format/run/progress.h"
#include "format/verify/page_parts.h"

static void write_volume(struct ferry_html *h, const struct ferry_volume_result *volume,
                         const char *const labels[])
{
    bool is_good = volume->state == FERRY_VOLUME_GOOD || volume->state == FERRY_VOLUME_UNCHECKED;

    ferry_html_put(h, FERRY_PAGE_ROW "<b>%s</b><br/>", volume->file);
    ferry_html_put(h, "<code class=\"digest\">%s</code>",
                   volume->sha256[0] ? volume->sha256 : FERRY_PAGE_NOTHING);
    ferry_html_raw(h, "</th>");
    ferry_page_cell_begin(h, labels[1]);
    ferry_html_put(h, is_good ? "%s" : "<strong class=\"damaged\">%s</strong>",
                   ferry_volume_state_text(volume->state));
    ferry_page_cell_end(h);
    ferry_page_cell_size(h, labels[2], volume->bytes);
    ferry_html_raw(h, "</tr>\n");
}

void ferry_page_volumes(const struct ferry_page *page)
{
    static const char *const labels[] = { "File and sha256", "State", ">Size", NULL };
    const struct ferry_volume_results *volumes = &page->contents->report->volumes;
    struct ferry_html *h = page->html;

    if (volumes->count == 0)
        return;
    ferry_html_put(
        h,
        "<section aria-labelledby=\"volumes\">\n<h2 id=\"volumes\">Volumes</h2>\n"
        "<p>The archive lies in %zu file%s. <code>sha256sum -c</code> checks them against "
        "the file of sums beside them.</p>\n",
        volumes->count, ferry_plural(volumes->count));
    ferry_page_table_begin(h, labels);
    for (size_t i = 0; i < volumes->count; i++)
        write_volume(h, &volumes->items[i], labels);
    ferry_page_table_end(h);
    ferry_html_raw(h, "</section>\n");
}
