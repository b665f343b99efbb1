#include "export/tag_list.h"

#include <string.h>

#include "format/oci/json.h"

void ferry_tag_list_free(struct ferry_tag_list *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->count; i++)
        free(list->tags[i]);
    free(list->tags);
    free(list);
}

/* A list on its way. The sets are objects whose keys are the members. */
struct listing {
    struct ferry_session *session;
    const struct ferry_reference *ref;
    json_t *tags;
    json_t *pages; /* where the list went on */
    char *next;    /* where it goes on; NULL at the first page, and after the last */
};

static void listing_release(struct listing *l)
{
    json_decref(l->tags);
    json_decref(l->pages);
    free(l->next);
}

static int add_to_set(json_t *set, const char *text, struct ferry_err *err)
{
    return json_object_set_new(set, text, json_null()) < 0 ? ferry_fail_memory(err) : 0;
}

static int add_tags(struct listing *l, const json_t *names, struct ferry_err *err)
{
    size_t i;
    json_t *name;

    json_array_foreach(names, i, name)
    {
        const char *tag = json_string_value(name);

        if (!tag || !ferry_tag_valid(tag))
            return ferry_fail(err, FERRY_EPROTOCOL, "\"%.200s\" in its list of tags is not a tag",
                              tag ? tag : "(not a text)");
        FERRY_TRY(add_to_set(l->tags, tag, err));
        if (json_object_size(l->tags) > FERRY_TAGS_MAX)
            return ferry_fail(err, FERRY_ELIMIT, "more than %d tags", FERRY_TAGS_MAX);
    }
    return 0;
}

/* A list that comes back to where it was, or has nothing new on a page, would never end. */
static int check_progress(struct listing *l, bool is_stale, struct ferry_err *err)
{
    if (is_stale || json_object_get(l->pages, l->next))
        return ferry_fail(err, FERRY_EPROTOCOL,
                          "its list of tags goes in a circle: what follows page %zu was there "
                          "before",
                          json_object_size(l->pages) + 1);
    FERRY_TRY(add_to_set(l->pages, l->next, err));
    if (json_object_size(l->pages) >= FERRY_TAG_PAGES_MAX)
        return ferry_fail(err, FERRY_ELIMIT, "its list of tags has more than %d pages",
                          FERRY_TAG_PAGES_MAX);
    return 0;
}

static int take_page(struct listing *l, const struct ferry_reply *reply,
                     const struct ferry_buf *bytes, struct ferry_err *err)
{
    FERRY_OWNED_JSON *document = NULL;
    size_t before = json_object_size(l->tags);
    json_t *names;

    if (ferry_json_load(bytes->data, bytes->len, "its list of tags", &document, err) < 0 ||
        ferry_json_array(document, "tags", "its list of tags", &names, err) < 0)
        return ferry_blame_server(err);
    FERRY_TRY(add_tags(l, names, err));
    free(ferry_steal(&l->next));
    FERRY_TRY(ferry_reply_next(reply, &l->next, err));
    if (!l->next)
        return 0;
    return check_progress(l, json_array_size(names) > 0 && json_object_size(l->tags) == before,
                          err);
}

/* *broken when the body broke off: the session has made its own attempts up to the head. */
static int pull_page(struct listing *l, bool *broken, struct ferry_err *err)
{
    const struct ferry_call call = { .registry = l->ref->registry,
                                     .repository = l->ref->repository,
                                     .method = "GET",
                                     .path = l->next ? NULL : "tags/list?n=1000",
                                     .url = l->next,
                                     .accept = "application/json" };
    FERRY_OWNED_REPLY reply = { 0 };
    FERRY_OWNED_BUF bytes;
    int rc;

    ferry_buf_init(&bytes, (size_t)FERRY_MANIFEST_MAX);
    FERRY_TRY(ferry_session_call(l->session, &call, &reply, err));
    if (reply.status != 200)
        return ferry_reply_fail(&reply, err);
    rc = ferry_source_read_all(reply.body, &bytes, err);
    *broken = rc == FERRY_ENET;
    if (rc == FERRY_ELIMIT)
        return ferry_wrap(err, "a page of its list of tags");
    FERRY_TRY(rc);
    return take_page(l, &reply, &bytes, err);
}

static int pull_pages(struct listing *l, struct ferry_err *err)
{
    int attempt = 0;

    do {
        bool broken = false;

        if (pull_page(l, &broken, err) == 0)
            attempt = 0;
        else if (!broken || attempt++ == ferry_session_retries(l->session))
            return (int)err->code;
        else
            FERRY_TRY(ferry_session_backoff(l->session, attempt, err));
    } while (l->next || attempt > 0);
    return 0;
}

static int compare_tags(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int sort_tags(const struct listing *l, struct ferry_tag_list **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_tag_list) list = calloc(1, sizeof(*list));
    const char *tag;
    json_t *ignored;

    if (!list)
        return ferry_fail_memory(err);
    list->tags = calloc(json_object_size(l->tags) + 1, sizeof(*list->tags));
    if (!list->tags)
        return ferry_fail_memory(err);
    json_object_foreach(l->tags, tag, ignored)
    {
        FERRY_TRY(ferry_text(&list->tags[list->count], err, "%s", tag));
        list->count++;
    }
    qsort(list->tags, list->count, sizeof(*list->tags), compare_tags);
    *out = ferry_steal(&list);
    return 0;
}

int ferry_tag_list_pull(struct ferry_session *session, const struct ferry_reference *ref,
                        struct ferry_tag_list **out, struct ferry_err *err)
{
    __attribute__((cleanup(listing_release))) struct listing l = {
        .session = session, .ref = ref, .tags = json_object(), .pages = json_object()
    };

    if (!l.tags || !l.pages)
        return ferry_fail_memory(err);
    if (pull_pages(&l, err) < 0)
        return ferry_wrap(err, "tags of %s/%s", ref->registry, ref->repository);
    return sort_tags(&l, out, err);
}
