#include "format/archive/archive_set.h"

#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

#include "format/archive/load.h"
#include "format/oci/lend.h"

/* A round finds two levels of indexes at the least, whose nesting has no other limit. */
#define ROUNDS_MAX 16

const char *ferry_archive_name(const struct ferry_archive *archive)
{
    return strcmp(archive->path, "-") == 0 ? "stdin" : archive->path;
}

/* What is named "b" is not named by "blob". */
bool ferry_archive_is_named(const struct ferry_archive *archive, const char *text)
{
    const char *name = ferry_archive_name(archive);
    size_t len = strlen(name);

    return strncmp(text, name, len) == 0 &&
           (text[len] == ':' || text[len] == '/' ||
            (text[len] == '.' && isdigit((unsigned char)text[len + 1])));
}

static void release(struct ferry_archive *archive)
{
    ferry_reader_free(archive->reader);
    ferry_signature_release(&archive->signature);
    for (size_t i = 0; i < archive->bad_count; i++)
        free(archive->bad[i].text);
    free(archive->bad);
}

void ferry_archive_set_free(struct ferry_archive_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++) {
        release(&set->items[i]);
        ferry_graph_free(set->graphs[i]);
    }
    ferry_graph_free(set->united);
    free(set->overruled.items);
    free(set->graphs);
    free(set->items);
    pthread_mutex_destroy(&set->lock);
    free(set);
}

/* What is wrong with one archive leaves the others as they are. A medium that cannot be read is
 * such a thing only where there are others. */
static bool is_fault(const struct ferry_archive_set *set, int code)
{
    return ferry_reader_blames_archive(code) || (code == FERRY_EIO && set->count > 1);
}

void ferry_archive_fail(struct ferry_archive *archive, struct ferry_err *why)
{
    if (!ferry_archive_is_named(archive, why->msg))
        ferry_wrap(why, "%s", ferry_archive_name(archive));
    if (archive->fault.code == FERRY_OK)
        archive->fault = *why;
}

/* --- opening --------------------------------------------------------------------------------- */

/* Whether it can be opened once more without a loss. */
static bool is_pipe(const char *path)
{
    struct stat st;

    return strcmp(path, "-") == 0 ||
           (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

/* Of a tar that is cut or damaged, or lacks a volume, what stands before that can still be had, in
 * order. */
static int open_damaged(struct ferry_archive *archive, struct ferry_err *err)
{
    int rc = ferry_reader_open_in_order(archive->path, &archive->reader, err);

    return rc == FERRY_EFORMAT || rc == FERRY_ELIMIT ? 0 : rc;
}

static int open_one(struct ferry_archive_set *set, struct ferry_archive *archive,
                    const struct ferry_archive_set_options *options, struct ferry_err *err)
{
    const struct ferry_reader_options how = { .path = archive->path,
                                              .in_order = options->way == FERRY_ARCHIVE_IN_ORDER,
                                              .prompt = options->prompt };
    int rc = ferry_reader_open_with(&how, &archive->reader, err);

    if (!is_fault(set, rc))
        return rc;
    ferry_archive_fail(archive, err);
    if (rc == FERRY_EUNFIT || is_pipe(archive->path) || options->prompt)
        return 0;
    archive->is_cut = true;
    return open_damaged(archive, err);
}

/* --- loading --------------------------------------------------------------------------------- */

/* A graph that has read nothing but, it may be, the text of an index.json. */
static int renew_graph(struct ferry_archive_set *set, size_t place, struct ferry_err *err)
{
    struct ferry_graph *old = set->graphs[place], *graph;

    FERRY_TRY(ferry_graph_new(&graph, err));
    if (old) {
        graph->text = old->text;
        ferry_buf_init(&old->text, 0);
    }
    ferry_graph_free(old);
    ferry_graph_lend(graph, set->graphs, set->count);
    set->graphs[place] = set->items[place].graph = graph;
    return 0;
}

/* The reader's bytes come all the same, for others. */
static int give_up(struct ferry_archive_set *set, size_t place, struct ferry_err *err)
{
    struct ferry_archive *archive = &set->items[place];

    ferry_archive_fail(archive, err);
    FERRY_TRY(renew_graph(set, place, err));
    if (ferry_reader_can_restart(archive->reader))
        return ferry_reader_restart(archive->reader, err);
    ferry_reader_replay(archive->reader);
    return 0;
}

static bool is_refused(const struct ferry_archive_set *set, const struct ferry_archive *archive)
{
    return ferry_signature_is_fault(&archive->signature, set->policy);
}

static int load_one(struct ferry_archive_set *set, size_t place, struct ferry_err *err)
{
    struct ferry_archive *archive = &set->items[place];
    int rc;

    FERRY_TRY(renew_graph(set, place, err));
    ferry_signature_release(&archive->signature);
    rc = ferry_archive_load_signed(archive->reader, set->policy, &archive->signature,
                                   archive->graph, err);
    archive->is_read = rc == 0;
    if (rc == 0 && set->count > 1 && is_refused(set, archive)) {
        *err = archive->signature.why;
        archive->is_read = false;
        return give_up(set, place, err);
    }
    return is_fault(set, rc) || (rc < 0 && is_refused(set, archive)) ? give_up(set, place, err)
                                                                     : rc;
}

/* Those that can be read again come first: a pipe may need what they know. */
static int load_each(struct ferry_archive_set *set, bool can_restart, struct ferry_err *err)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].reader && ferry_reader_can_restart(set->items[i].reader) == can_restart)
            FERRY_TRY(load_one(set, i, err));
    return 0;
}

/* Whether what others know by now makes a difference to it. */
static bool is_to_gain(const struct ferry_archive *archive)
{
    for (size_t i = 0; i < archive->graph->count; i++)
        if (archive->graph->nodes[i]->state == FERRY_NODE_BAD &&
            ferry_graph_can_borrow(archive->graph, archive->graph->nodes[i]))
            return true;
    return false;
}

static int fail_rounds(const struct ferry_archive *archive, struct ferry_err *err)
{
    return ferry_fail(
        err, FERRY_ELIMIT,
        "%s: its documents are spread over the other archives in such a way that %d "
        "rounds do not find them all: unpack all of them into one folder and give that",
        ferry_archive_name(archive), ROUNDS_MAX);
}

/* One that broke off may have done so at a document that others have. What is lent may lead to
 * further documents of the archive itself, and those be lent in turn. */
static int load_again(struct ferry_archive_set *set, struct ferry_err *err)
{
    bool again = true;

    for (int round = 1; again && set->count > 1; round++) {
        again = false;
        for (size_t i = 0; i < set->count; i++) {
            const struct ferry_archive *archive = &set->items[i];

            if (!archive->reader || !ferry_reader_can_restart(archive->reader) ||
                !(archive->is_read ? is_to_gain(archive) : round == 1))
                continue;
            if (round > ROUNDS_MAX)
                return fail_rounds(archive, err);
            FERRY_TRY(ferry_reader_restart(archive->reader, err));
            FERRY_TRY(load_one(set, i, err));
            again = true;
        }
    }
    return 0;
}

/* --- what the archives are to each other ----------------------------------------------------- */

static bool is_twin(const struct ferry_buf *a, const struct ferry_buf *b)
{
    size_t differ = 0;

    if (a->len == 0 || a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len && differ <= FERRY_TWIN_BYTES; i++)
        differ += a->data[i] != b->data[i];
    return differ <= FERRY_TWIN_BYTES;
}

static void find_twin(struct ferry_archive_set *set, struct ferry_archive *archive)
{
    archive->twin = FERRY_NO_ARCHIVE;
    for (size_t i = 0; i < set->count && !archive->is_read; i++)
        if (set->items[i].is_read && archive->twin == FERRY_NO_ARCHIVE &&
            is_twin(&archive->graph->text, &set->items[i].graph->text))
            archive->twin = i;
}

/* What another archive says in its place, with its own signature, needs no second one. NULL: it is
 * not refused. */
static const struct ferry_err *find_refusal(const struct ferry_archive_set *set,
                                            const struct ferry_archive *archive)
{
    bool is_loaded = archive->signature.why.code != FERRY_OK;

    if (archive->fault.code == FERRY_EUNFIT && (set->policy->trust || set->policy->required))
        return &archive->fault; /* which may be that it has two of them */
    return is_loaded && is_refused(set, archive) && archive->twin == FERRY_NO_ARCHIVE
               ? &archive->signature.why
               : NULL;
}

/* A bad signature ends it all. */
static int check_signatures(const struct ferry_archive_set *set, struct ferry_err *err)
{
    for (size_t i = 0; i < set->count && !set->policy->reports; i++) {
        const struct ferry_err *why = find_refusal(set, &set->items[i]);

        if (!why)
            continue;
        *err = *why;
        return (int)err->code;
    }
    return 0;
}

bool ferry_archive_set_is_known(const struct ferry_archive_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct ferry_archive *archive = &set->items[i];

        if (archive->fault.code == FERRY_EUNFIT ||
            (!archive->is_read && archive->twin == FERRY_NO_ARCHIVE))
            return false;
    }
    return true;
}

static int unite(struct ferry_archive_set *set, struct ferry_err *err)
{
    FERRY_OWNED_MEM struct ferry_part *parts = calloc(set->count, sizeof(*parts));

    if (!parts)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < set->count; i++)
        parts[i] = (struct ferry_part){ ferry_archive_name(&set->items[i]), set->graphs[i] };
    FERRY_TRY(ferry_graph_unite(parts, set->count, &set->overruled, &set->united, err));
    set->graph = set->united;
    return 0;
}

/* One that is nowhere is another matter. */
static int note_documents(struct ferry_archive_set *set, size_t place, struct ferry_err *err)
{
    const struct ferry_graph *graph = set->graphs[place];

    for (size_t i = 0; i < graph->count; i++) {
        const struct ferry_node *node = graph->nodes[i];
        struct ferry_err why;

        if (!node->is_lent &&
            (node->state != FERRY_NODE_BAD || node->fault_code == FERRY_ENOTFOUND))
            continue;
        ferry_fail(&why, node->fault_code, "%s", node->fault ? node->fault : "out of memory");
        FERRY_TRY(ferry_archive_set_note(set, place, &node->descriptor.digest, &why, err));
    }
    return 0;
}

static int load(struct ferry_archive_set *set, struct ferry_err *err)
{
    FERRY_TRY(load_each(set, true, err));
    FERRY_TRY(load_each(set, false, err));
    FERRY_TRY(load_again(set, err));
    for (size_t i = 0; i < set->count; i++) {
        find_twin(set, &set->items[i]);
        FERRY_TRY(note_documents(set, i, err));
    }
    FERRY_TRY(check_signatures(set, err));
    set->graph = set->graphs[0];
    return set->count > 1 ? unite(set, err) : 0;
}

int ferry_archive_set_open(const struct ferry_archive_set_options *options,
                           struct ferry_archive_set **out, struct ferry_err *err)
{
    FERRY_OWNED(ferry_archive_set) set = calloc(1, sizeof(*set));
    size_t count = options->count;

    if (!set)
        return ferry_fail_memory(err);
    pthread_mutex_init(&set->lock, NULL);
    set->items = calloc(count, sizeof(*set->items));
    set->graphs = calloc(count, sizeof(struct ferry_graph *));
    if (!set->items || !set->graphs)
        return ferry_fail_memory(err);
    set->count = count;
    for (size_t i = 0; i < count; i++)
        set->items[i] = (struct ferry_archive){ .path = options->paths[i],
                                                .twin = FERRY_NO_ARCHIVE };
    for (size_t i = 0; i < count; i++) {
        FERRY_TRY(renew_graph(set, i, err));
        FERRY_TRY(open_one(set, &set->items[i], options, err));
    }
    set->policy = options->policy;
    FERRY_TRY(load(set, err));
    set->policy = NULL;
    *out = ferry_steal(&set);
    return 0;
}

/* --- copies ---------------------------------------------------------------------------------- */

int ferry_archive_set_blob(const struct ferry_archive_set *set, const struct ferry_digest *digest,
                           size_t *from, struct ferry_source **out, struct ferry_err *err)
{
    ferry_fail(err, FERRY_ENOTFOUND, "blob %s: no archive has a further copy", digest->text);
    for (; *from < set->count; ++*from) {
        struct ferry_reader *reader = set->items[*from].reader;
        int rc = FERRY_ENOTFOUND;

        if (reader && ferry_reader_is_random(reader))
            rc = ferry_reader_blob(reader, digest, out, err);
        if (rc != FERRY_ENOTFOUND)
            return rc;
    }
    return FERRY_ENOTFOUND;
}

int ferry_archive_set_note(struct ferry_archive_set *set, size_t archive,
                           const struct ferry_digest *digest, const struct ferry_err *why,
                           struct ferry_err *err)
{
    struct ferry_archive *item = &set->items[archive];
    struct ferry_bad_copy bad = { .digest = *digest, .code = why->code };
    int rc;

    FERRY_TRY(ferry_text(&bad.text, err, "%s", why->msg));
    pthread_mutex_lock(&set->lock);
    rc = ferry_grow((void **)&item->bad, item->bad_count, &item->bad_room, sizeof(bad), err);
    if (rc == 0)
        item->bad[item->bad_count++] = bad;
    pthread_mutex_unlock(&set->lock);
    if (rc < 0)
        free(bad.text);
    return rc;
}
