#include "format/verify/page_parts.h"

/* `name`: of one of several archives, else "". */
static void write_signer(const struct ferry_page *page, const char *name,
                         const struct ferry_signature *signature, const struct ferry_signer *signer)
{
    struct ferry_html *h = page->html;
    FERRY_OWNED_BUF who;

    ferry_buf_init(&who, SIZE_MAX);
    if (ferry_signer_print(signer, signature->state != FERRY_SIGNATURE_UNCHECKED, &who, &h->err) <
        0)
        return;
    ferry_html_put(h, "<p>%s%s%s, issued by %s", name, name[0] ? ": " : "", (const char *)who.data,
                   signer->issuer);
    if (signer->sha256[0])
        ferry_html_put(h, ", until %s; certificate <code>sha256:%s</code>", signer->not_after,
                       signer->sha256);
    ferry_html_put(h, "</p>\n");
}

static void write_signers(const struct ferry_page *page, const char *name,
                          const struct ferry_signature *signature)
{
    for (size_t i = 0; i < signature->count; i++)
        write_signer(page, name, signature, &signature->signers[i]);
}

void ferry_page_signature(const struct ferry_page *page)
{
    const struct ferry_verify_report *report = page->contents->report;
    size_t count = ferry_verify_count(report), signers = report->signature.count;

    for (size_t i = 0; count > 1 && i < count; i++)
        signers += report->set->items[i].signature.count;
    if (signers == 0)
        return;
    ferry_html_put(page->html, "<section aria-labelledby=\"signature\">\n"
                               "<h2 id=\"signature\">Signature</h2>\n");
    write_signers(page, "", &report->signature);
    for (size_t i = 0; count > 1 && i < count; i++)
        write_signers(page, ferry_archive_name(&report->set->items[i]),
                      &report->set->items[i].signature);
    ferry_html_put(page->html, "</section>\n");
}
