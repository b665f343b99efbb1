#include "format/verify/signature_report.h"

#include <stdio.h>

int ferry_signature_list(const struct ferry_signature *signature, struct ferry_err *err)
{
    for (size_t i = 0; i < signature->count; i++) {
        const struct ferry_signer *signer = &signature->signers[i];
        FERRY_OWNED_BUF text;

        ferry_buf_init(&text, SIZE_MAX);
        FERRY_TRY(
            ferry_signer_print(signer, signature->state != FERRY_SIGNATURE_UNCHECKED, &text, err));
        printf("signer %s, issued by %s", (const char *)text.data, signer->issuer);
        if (signer->sha256[0])
            printf(", until %s, sha256 %s", signer->not_after, signer->sha256);
        printf("\n");
    }
    return 0;
}

/* What is not known is absent. */
static json_t *format_signer(const struct ferry_signer *signer)
{
    bool is_known = signer->sha256[0];

    return json_pack("{s:s, s:s, s:s*, s:s*, s:b, s:s*}", "subject", signer->subject, "issuer",
                     signer->issuer, "sha256", is_known ? signer->sha256 : NULL, "notAfter",
                     is_known ? signer->not_after : NULL, "trusted", signer->trusted, "error",
                     signer->fault);
}

int ferry_signature_json(const struct ferry_signature *signature, json_t **out,
                         struct ferry_err *err)
{
    static const char *const states[] = { [FERRY_SIGNATURE_UNKNOWN] = "unknown",
                                          [FERRY_SIGNATURE_NONE] = "none",
                                          [FERRY_SIGNATURE_UNCHECKED] = "unchecked",
                                          [FERRY_SIGNATURE_TRUSTED] = "trusted",
                                          [FERRY_SIGNATURE_BAD] = "bad" };
    json_t *signers = json_array();

    for (size_t i = 0; i < signature->count; i++)
        if (json_array_append_new(signers, format_signer(&signature->signers[i])) < 0) {
            json_decref(signers);
            return ferry_fail_memory(err);
        }
    *out = json_pack("{s:s, s:o}", "state", states[signature->state], "signers", signers);
    return *out ? 0 : ferry_fail_memory(err);
}
