#include "import/config_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/run/output_file.h"
#include "import/cluster_config.h"

#define CONFIG_MAX ((size_t)64 * 1024 * 1024)

struct config_file {
    enum ferry_config_kind kind;
    char *path;
    char *host; /* of a hosts.toml */
    struct ferry_output_file *file;
};

struct ferry_config_files {
    struct config_file *items;
    size_t count, room;
    char **folders; /* that were made */
    size_t folder_count, folder_room;
};

void ferry_config_files_free(struct ferry_config_files *files)
{
    if (!files)
        return;
    for (size_t i = 0; i < files->count; i++) {
        struct config_file *item = &files->items[i];

        ferry_output_file_free(item->file);
        free(item->host);
        free(item->path);
    }
    while (files->folder_count > 0) {
        FERRY_OWNED_MEM char *folder = files->folders[--files->folder_count];

        if (folder)
            rmdir(folder); /* fails where a file stands in it */
    }
    free(files->folders);
    free(files->items);
    free(files);
}

/* Where images came from, and where they are. */
struct places {
    struct ferry_mirrors pairs;
    struct ferry_mirrors rules; /* for those who know prefixes */
    struct ferry_mirrors hosts; /* for hosts.toml */
};

#define OWNED_PLACES __attribute__((cleanup(places_release))) struct places

static void places_release(struct places *places)
{
    ferry_mirrors_release(&places->pairs);
    ferry_mirrors_release(&places->rules);
    ferry_mirrors_release(&places->hosts);
}

static int add_pair(struct ferry_mirrors *pairs, const struct ferry_target *target,
                    struct ferry_err *err)
{
    const struct ferry_reference *source = &target->image->ref;
    char from[FERRY_REFERENCE_TEXT_MAX], to[FERRY_REFERENCE_TEXT_MAX];

    snprintf(from, sizeof(from), "%s/%s", source->registry, source->repository);
    snprintf(to, sizeof(to), "%s/%s", target->ref.registry, target->ref.repository);
    return ferry_mirrors_add(pairs, from, to, err);
}

static int find_places(const struct ferry_push_plan *plan, bool all, struct places *places,
                       struct ferry_err *err)
{
    for (size_t i = 0; i < plan->target_count; i++)
        if (plan->targets[i].image->ref.registry[0] &&
            (all || ferry_outcome_is_there(&plan->outcomes[i])))
            FERRY_TRY(add_pair(&places->pairs, &plan->targets[i], err));
    return ferry_mirror_rules(&places->pairs, &places->rules, err);
}

static int add_file(struct ferry_config_files *files, enum ferry_config_kind kind, const char *path,
                    struct config_file **out, struct ferry_err *err)
{
    FERRY_TRY(
        ferry_grow((void **)&files->items, files->count, &files->room, sizeof(*files->items), err));
    *out = &files->items[files->count++];
    **out = (struct config_file){ .kind = kind };
    return ferry_text(&(*out)->path, err, "%s", path);
}

static int make_folder(struct ferry_config_files *files, const char *path, struct ferry_err *err)
{
    FERRY_TRY(ferry_grow((void **)&files->folders, files->folder_count, &files->folder_room,
                         sizeof(*files->folders), err));
    if (mkdir(path, 0777) != 0)
        return errno == EEXIST
                   ? 0
                   : ferry_fail(err, FERRY_EIO, "%s: cannot create: %s", path, strerror(errno));
    files->folders[files->folder_count++] = NULL;
    return ferry_text(&files->folders[files->folder_count - 1], err, "%s", path);
}

/* FOLDER/HOST/hosts.toml for each source registry. */
static int open_hosts(struct ferry_config_files *files, const char *folder,
                      const struct ferry_mirrors *hosts, struct ferry_err *err)
{
    FERRY_TRY(make_folder(files, folder, err));
    for (size_t i = 0; i < hosts->count; i++) {
        const char *host = hosts->items[i].source;
        FERRY_OWNED_MEM char *below = NULL;
        FERRY_OWNED_MEM char *path = NULL;
        struct config_file *item;

        FERRY_TRY(ferry_text(&below, err, "%s/%s", folder, host));
        FERRY_TRY(make_folder(files, below, err));
        FERRY_TRY(ferry_text(&path, err, "%s/hosts.toml", below));
        FERRY_TRY(add_file(files, FERRY_CONFIG_HOSTS_TOML, path, &item, err));
        FERRY_TRY(ferry_text(&item->host, err, "%s", host));
        FERRY_TRY(ferry_output_file_open(path, &item->file, err));
    }
    return 0;
}

/* A rehearsal: what cannot be said fails before the import. */
static int open_one(struct ferry_config_files *files, const char *text, struct places *places,
                    struct ferry_err *err)
{
    FERRY_OWNED_BUF ignored = { .limit = CONFIG_MAX };
    enum ferry_config_kind kind;
    struct config_file *item;
    const char *path;

    FERRY_TRY(ferry_config_parse(text, &kind, &path, err));
    if (kind == FERRY_CONFIG_HOSTS_TOML) {
        if (places->hosts.count == 0)
            FERRY_TRY(ferry_mirror_hosts(&places->pairs, &places->hosts, err));
        return open_hosts(files, path, &places->hosts, err);
    }
    FERRY_TRY(ferry_config_format(kind, &places->rules, FERRY_TRANSPORT_TLS, &ignored, err));
    FERRY_TRY(add_file(files, kind, path, &item, err));
    return ferry_output_file_open(path, &item->file, err);
}

static int compare_repositories(const void *a, const void *b)
{
    const struct ferry_target *x = *(const struct ferry_target *const *)a;
    const struct ferry_target *y = *(const struct ferry_target *const *)b;
    int order = strcmp(x->ref.repository, y->ref.repository);

    return order ? order : strcmp(x->ref.tag, y->ref.tag);
}

static bool is_from(const struct ferry_target *a, const struct ferry_target *b)
{
    return ferry_reference_compare_repository(&a->image->ref, &b->image->ref) == 0;
}

/* Whether among these, which have one tag, one comes from where `source` does. */
static bool has_source(const struct ferry_target *const *list, size_t count,
                       const struct ferry_target *source)
{
    for (size_t i = 0; i < count; i++)
        if (is_from(list[i], source))
            return true;
    return false;
}

/* Of one repository at the destination: each tag has to be there of each source. Whether it is. */
static bool warn_of_repository(const struct ferry_target *const *list, size_t count,
                               struct ferry_progress *progress)
{
    for (size_t begin = 0, end; begin < count; begin = end) {
        for (end = begin + 1; end < count && strcmp(list[begin]->ref.tag, list[end]->ref.tag) == 0;)
            end++;
        for (size_t i = 0; i < count; i++) {
            const struct ferry_reference *source = &list[i]->image->ref;

            if ((i > 0 && is_from(list[i], list[i - 1])) ||
                has_source(&list[begin], end - begin, list[i]))
                continue;
            ferry_progress_warn(progress,
                                "--write-config: whoever asks for %s/%s:%s gets %s, as both are in "
                                "%s now: --keep-registry or --map keep them apart",
                                source->registry, source->repository, list[begin]->ref.tag,
                                list[begin]->image->name, list[begin]->ref.repository);
            return false;
        }
    }
    return true;
}

/* A rule leads from a repository to a repository, with all tags that are there. Once is enough. */
static int warn_of_merged(const struct ferry_push_plan *plan, struct ferry_progress *progress,
                          struct ferry_err *err)
{
    FERRY_OWNED_MEM const struct ferry_target **list = calloc(plan->target_count + 1,
                                                              sizeof(*list));
    size_t count = 0;

    if (!list)
        return ferry_fail_memory(err);
    for (size_t i = 0; i < plan->target_count; i++)
        if (plan->targets[i].image->ref.registry[0] && plan->targets[i].ref.tag[0])
            list[count++] = &plan->targets[i];
    qsort(list, count, sizeof(*list), compare_repositories);
    for (size_t begin = 0, end; begin < count; begin = end) {
        bool is_merged = false;

        for (end = begin + 1;
             end < count && strcmp(list[begin]->ref.repository, list[end]->ref.repository) == 0;
             end++)
            is_merged = is_merged || !is_from(list[begin], list[end]);
        if (is_merged && !warn_of_repository(&list[begin], end - begin, progress))
            break;
    }
    return 0;
}

static void warn(const struct ferry_target *target, bool serves_tags,
                 struct ferry_progress *progress)
{
    const struct ferry_reference *source = &target->image->ref;
    char name[FERRY_REFERENCE_TEXT_MAX];

    ferry_reference_format(&target->ref, name);
    if (!source->registry[0])
        ferry_progress_warn(progress,
                            "%s has no registry in its name: no cluster configuration leads to %s",
                            target->image->name, name);
    else if (serves_tags && source->tag[0] && strcmp(source->tag, target->ref.tag) != 0)
        ferry_progress_warn(progress,
                            "%s is %s now: a mirror keeps tags, so it is found by its digest alone",
                            target->image->name, name);
}

int ferry_config_files_open(const struct import_opts *opts, const struct ferry_push_plan *plan,
                            struct ferry_progress *progress, struct ferry_config_files **out,
                            struct ferry_err *err)
{
    FERRY_OWNED(ferry_config_files) files = calloc(1, sizeof(*files));
    OWNED_PLACES places = { 0 };
    bool serves_tags = false;

    if (!files)
        return ferry_fail_memory(err);
    FERRY_TRY(find_places(plan, true, &places, err));
    if (opts->configs.count > 0 && places.pairs.count == 0)
        return ferry_fail(err, FERRY_EUSAGE,
                          "--write-config: no image has a registry in its name that a cluster "
                          "would ask for");
    for (size_t i = 0; i < opts->configs.count; i++)
        if (open_one(files, opts->configs.items[i], &places, err) < 0)
            return ferry_wrap(err, "--write-config");
    for (size_t i = 0; i < files->count; i++)
        serves_tags = serves_tags || ferry_config_serves_tags(files->items[i].kind);
    if (serves_tags)
        FERRY_TRY(warn_of_merged(plan, progress, err));
    for (size_t i = 0; i < plan->target_count && files->count > 0; i++)
        warn(&plan->targets[i], serves_tags, progress);
    for (size_t i = 0; i < files->count && opts->dry_run; i++)
        ferry_progress_say(progress, "%s: would be written", files->items[i].path);
    *out = ferry_steal(&files);
    return 0;
}

/* The one rule of a hosts.toml; an empty list when none of the registry's images was imported. */
static struct ferry_mirrors rule_of(const struct ferry_mirrors *hosts, const char *host)
{
    for (size_t i = 0; i < hosts->count; i++)
        if (strcmp(hosts->items[i].source, host) == 0)
            return (struct ferry_mirrors){ .items = &hosts->items[i], .count = 1 };
    return (struct ferry_mirrors){ 0 };
}

static int write_one(struct config_file *item, const struct places *places,
                     enum ferry_transport transport, struct ferry_progress *progress,
                     struct ferry_err *err)
{
    const struct ferry_mirrors rules = item->host ? rule_of(&places->hosts, item->host)
                                                  : places->rules;
    FERRY_OWNED_BUF text = { .limit = CONFIG_MAX };

    if (rules.count == 0) {
        ferry_progress_warn(progress, "%s is not written: nothing was imported for it", item->path);
        return 0;
    }
    FERRY_TRY(ferry_config_format(item->kind, &rules, transport, &text, err));
    FERRY_TRY(ferry_output_file_finish(item->file, text.data, text.len, err));
    if (strcmp(item->path, "-") != 0)
        ferry_progress_say(progress, "%s: written", item->path);
    return 0;
}

/* Whoever pulls by the digest of an index that was trimmed finds nothing at the mirror. */
static void warn_of_trimmed(const struct ferry_config_files *files,
                            const struct ferry_push_plan *plan, struct ferry_progress *progress)
{
    bool serves_digests = false;

    for (size_t i = 0; i < files->count; i++)
        serves_digests = serves_digests || files->items[i].kind != FERRY_CONFIG_ITMS;
    for (size_t i = 0; i < plan->target_count && serves_digests; i++)
        if (plan->outcomes[i].is_trimmed && !plan->outcomes[i].has_original &&
            ferry_outcome_is_there(&plan->outcomes[i]))
            ferry_progress_warn(progress,
                                "--write-config: who asks for %s by %s does not find it at the "
                                "mirror, where the index is another",
                                plan->targets[i].image->name,
                                plan->targets[i].image->root->descriptor.digest.text);
}

int ferry_config_files_write(struct ferry_config_files *files, const struct ferry_push_plan *plan,
                             enum ferry_transport transport, struct ferry_progress *progress,
                             struct ferry_err *err)
{
    OWNED_PLACES places = { 0 };
    bool has_hosts = false;

    FERRY_TRY(find_places(plan, false, &places, err));
    for (size_t i = 0; i < files->count; i++)
        has_hosts = has_hosts || files->items[i].host;
    if (has_hosts)
        FERRY_TRY(ferry_mirror_hosts(&places.pairs, &places.hosts, err));
    warn_of_trimmed(files, plan, progress);
    for (size_t i = 0; i < files->count; i++)
        if (write_one(&files->items[i], &places, transport, progress, err) < 0)
            return ferry_wrap(err, "--write-config");
    return 0;
}
