#include "format/verify/page_parts.h"

static void write_signer(const struct ferry_page *page, const struct ferry_signer *signer)
{
    const struct ferry_signature *signature = &page->contents->report->signature;
    struct ferry_html *h = page->html;
    FERRY_OWNED_BUF who;

    ferry_buf_init(&who, SIZE_MAX);
    if (ferry_signer_print(signer, signature->state != FERRY_SIGNATURE_UNCHECKED, &who, &h->err) <
        0)
        return;
    ferry_html_put(h, "<p>%s, issued by %s", (const char *)who.data, signer->issuer);
    if (signer->sha256[0])
        ferry_html_put(h, ", until %s; certificate <code>sha256:%s</code>", signer->not_after,
                       signer->sha256);
    ferry_html_put(h, "</p>\n");
}

void ferry_page_signature(const struct ferry_page *page)
{
    const struct ferry_signature *signature = &page->contents->report->signature;

    if (signature->count == 0)
        return;
    ferry_html_put(page->html, "<section aria-labelledby=\"signature\">\n"
                               "<h2 id=\"signature\">Signature</h2>\n");
    for (size_t i = 0; i < signature->count; i++)
        write_signer(page, &signature->signers[i]);
    ferry_html_put(page->html, "</section>\n");
}
