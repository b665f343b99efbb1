#include "import/archive_notes.h"

#include "format/archive/set_notes.h"

static void note(void *ctx, const char *text)
{
    ferry_progress_say(ctx, "%s", text);
}

static void warn(void *ctx, const char *text)
{
    ferry_progress_warn(ctx, "%s", text);
}

/* Who signed an archive, or who did not. */
static int say_signature(const struct ferry_archive *archive,
                         const struct ferry_signature_policy *policy,
                         struct ferry_progress *progress, struct ferry_err *err)
{
    const struct ferry_signature *found = &archive->signature;
    FERRY_OWNED_BUF text;

    ferry_buf_init(&text, SIZE_MAX);
    if (found->state == FERRY_SIGNATURE_NONE && policy->trust)
        ferry_progress_warn(progress, "%s; --require-signature would refuse it", found->why.msg);
    if (found->state == FERRY_SIGNATURE_NONE || !archive->is_read)
        return 0;
    FERRY_TRY(ferry_signature_print(found, &text, err));
    ferry_progress_say(progress, "%s: %s", ferry_archive_name(archive), (const char *)text.data);
    return 0;
}

int ferry_archive_notes_say(const struct ferry_archive_set *archives,
                            const struct ferry_signature_policy *policy,
                            struct ferry_progress *progress, struct ferry_err *err)
{
    const struct ferry_set_listener listener = { .say = note, .warn = warn, .ctx = progress };

    for (size_t i = 0; i < archives->count; i++) {
        if (archives->items[i].fault.code != FERRY_OK)
            ferry_progress_warn(progress, "%s", archives->items[i].fault.msg);
        FERRY_TRY(say_signature(&archives->items[i], policy, progress, err));
    }
    ferry_set_notes(archives, &listener);
    return 0;
}
