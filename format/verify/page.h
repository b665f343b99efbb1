/*
 * The page that goes with the medium: what a check found, for people, as one file of HTML. Of
 * several archives it is one page.
 *
 * What it is: a verdict with every fault, what identifies the archive, what is in it, where its
 * bytes go, what is left out; with a style for screens, phones and paper. It refers to nothing
 * outside itself and has no script; and no clock, so that the same archive gives the same page.
 * Fails: FERRY_ENOMEM, FERRY_ELIMIT; into the html.
 */
#ifndef FERRY_VERIFY_PAGE_H
#define FERRY_VERIFY_PAGE_H

#include "format/verify/contents.h"
#include "format/verify/html.h"

struct ferry_page {
    const struct ferry_contents *contents;
    const char *const *archives; /* as they were given: the last components are the title; "-" is
                                    stdin */
    size_t archive_count;
    enum ferry_verify_depth depth;
    struct ferry_html *html;
};

#define FERRY_PAGE_FAULTS_MAX 10000 /* that are listed; the others are counted */

void ferry_page_write(const struct ferry_page *page);

#endif
