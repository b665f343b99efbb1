#include "format/verify/page_parts.h"

/* Styled as blocks, rows and cells lose what they are to those who do not see them; the roles say
 * it again. */
void ferry_page_table_begin(struct ferry_html *html, const char *const labels[])
{
    ferry_html_raw(html, "<table role=\"table\">\n<thead role=\"rowgroup\"><tr role=\"row\">");
    for (; *labels; labels++) {
        bool is_number = **labels == '>';

        ferry_html_put(html, "<th role=\"columnheader\" scope=\"col\" class=\"%s\">%s</th>",
                       is_number ? "number" : "text", *labels + is_number);
    }
    ferry_html_raw(html, "</tr></thead>\n<tbody role=\"rowgroup\">\n");
}

void ferry_page_table_end(struct ferry_html *html)
{
    ferry_html_raw(html, "</tbody>\n</table>\n");
}

void ferry_page_cell_begin(struct ferry_html *html, const char *label)
{
    bool is_number = *label == '>';

    ferry_html_put(html, "<td role=\"cell\" class=\"%s\" data-label=\"%s\">",
                   is_number ? "number" : "text", label + is_number);
}

void ferry_page_cell_end(struct ferry_html *html)
{
    ferry_html_raw(html, "</td>");
}

void ferry_page_cell_size(struct ferry_html *html, const char *label, int64_t bytes)
{
    ferry_page_cell_begin(html, label);
    if (bytes > 0)
        ferry_html_size(html, bytes);
    else
        ferry_html_raw(html, FERRY_PAGE_NOTHING);
    ferry_page_cell_end(html);
}
