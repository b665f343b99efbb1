/*
 * The parts of the page, one after the other. A part that has nothing to say writes nothing.
 */
#ifndef FERRY_VERIFY_PAGE_PARTS_H
#define FERRY_VERIFY_PAGE_PARTS_H

#include "format/verify/page.h"

/* page_style.c: what stands between <style> and </style>. */
extern const char ferry_page_style[];

/* page_signature.c: who signed it. */
void ferry_page_signature(const struct ferry_page *page);

/* page_volumes.c: the files in which it lies, with their sums. */
void ferry_page_volumes(const struct ferry_page *page);

/* page_chart.c: where the space goes. */
void ferry_page_chart(const struct ferry_page *page);

/* page_images.c: the images, and what belongs to them: signatures, SBOMs and the like. */
void ferry_page_images(const struct ferry_page *page);
void ferry_page_referrers(const struct ferry_page *page);
bool ferry_page_is_referrer(const struct ferry_contents *contents, size_t image);
size_t ferry_page_count_referrers(const struct ferry_contents *contents);

/* The name of an image, its last component marked. */
void ferry_page_name(struct ferry_html *html, const char *name);

/* page_table.c: a table, whose rows can stand one below the other where there is no room for
 * columns. The labels end with NULL; one that begins with '>' is of numbers. They are our own
 * texts. */
void ferry_page_table_begin(struct ferry_html *html, const char *const labels[]);
void ferry_page_table_end(struct ferry_html *html);
void ferry_page_cell_begin(struct ferry_html *html, const char *label);
void ferry_page_cell_end(struct ferry_html *html);
void ferry_page_cell_size(struct ferry_html *html, const char *label, int64_t bytes);
#define FERRY_PAGE_ROW "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">"
#define FERRY_PAGE_NOTHING "\xe2\x80\x93" /* a dash */

/* page_blobs.c: what is shared, left to a base, and left out, and what nothing refers to. */
void ferry_page_shared(const struct ferry_page *page);
void ferry_page_in_base(const struct ferry_page *page);
void ferry_page_left_out(const struct ferry_page *page);
void ferry_page_unlisted(const struct ferry_page *page);

#endif
