#include "import/name_map.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"

#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

/* Digests of the images: their documents are one letter each. */
static const char *digest_of(char letter)
{
    struct sample document = sample_blob("x", &letter, 1);

    return sample_format("%s", document.digest.text);
}

/* "@A" becomes "@sha256:...", "%A" the tag "sha256-..." of what belongs to it. */
static const char *expand(const char *text)
{
    const char *out = "";

    for (; *text; text++) {
        if (*text == '@' && text[1] >= 'A' && text[1] <= 'Z')
            out = sample_format("%s@%s", out, digest_of(*++text));
        else if (*text == '%' && text[1] >= 'A' && text[1] <= 'Z')
            out = sample_format("%ssha256-%s", out, digest_of(*++text) + strlen("sha256:"));
        else
            out = sample_format("%s%c", out, *text);
    }
    return out;
}

/*
 * An archive in a line: names, "=" and the letter of its image: "q.io/a:1=A q.io/b@=B :v1=C".
 * '@' stands for the digest of the letter, ":v1" is a bare tag, "=C" has no name at all.
 * "q.io/a>A=S" is a referrer of A that was found in q.io/a; ">A=S" one of another tool.
 */
static struct ferry_graph *make_graph(const char *line)
{
    struct ferry_graph *graph = NULL;
    struct ferry_err err;
    char word[300];
    int used;

    CHECK_OK(ferry_graph_new(&graph, &err));
    for (; sscanf(line, "%299s%n", word, &used) == 1; line += used) {
        char *equals = strrchr(word, '='), *subject = strchr(word, '>');
        struct sample root = sample_blob(FERRY_TYPE_OCI_MANIFEST, equals + 1, 1);
        struct ferry_reference ref = { 0 };
        struct ferry_descriptor d;

        *equals = '\0';
        if (subject)
            *subject = '\0';
        if (word[0] == ':')
            snprintf(ref.tag, sizeof(ref.tag), "%.128s", expand(word + 1));
        else if (word[0] && strchr(word, '@'))
            CHECK_OK(
                ferry_reference_parse(sample_format("%s%s", word, root.digest.text), &ref, &err));
        else if (word[0])
            CHECK_OK(ferry_reference_parse(expand(word), &ref, &err));
        CHECK_OK(ferry_descriptor_init(&d, root.media_type, &root.digest, 1, &err));
        if (subject) {
            struct ferry_digest digest;

            CHECK_OK(ferry_digest_parse(digest_of(subject[1]), &digest, &err));
            CHECK_OK(ferry_graph_add_referrer(graph, &ref, &digest, &d, &err));
        } else {
            CHECK_OK(ferry_graph_add_image(graph, &ref, &d, &err));
        }
        ferry_descriptor_release(&d);
    }
    return graph;
}

struct row {
    const char *name;
    const char *archive;
    const char *options; /* words: a DEST, --map, --keep-registry, --image */
    const char *file;    /* of -f, or NULL */
    const char *want;    /* the targets, '@' before the letter of a digest; or NULL: refused */
    enum ferry_code code;
    const char *says;
};

static const struct row rows[] = {
    /* The path below DEST. */
    { "plain", "q.io/a/b:1=A debian:12=B", "r.io", NULL, "r.io/a/b:1 r.io/library/debian:12", 0,
      0 },
    { "prefix", "q.io/a/b:1=A", "r.io:5000/x/y", NULL, "r.io:5000/x/y/a/b:1", 0, 0 },
    { "prefix_slash", "q.io/a/b:1=A", "r.io/x/", NULL, "r.io/x/a/b:1", 0, 0 },
    { "by_digest", "q.io/a@=A", "r.io/x", NULL, "r.io/x/a@A", 0, 0 },
    { "tag_and_digest", "q.io/a:1@=A", "r.io", NULL, "r.io/a:1", 0, 0 },
    { "same_image_twice", "q.io/a:1=A q.io/a:2=A", "r.io", NULL, "r.io/a:1 r.io/a:2", 0, 0 },
    { "no_images", "", "r.io", NULL, NULL, FERRY_ENOTFOUND, "holds no image" },
    { "too_long", "q.io/" HEX ":1=A", "r.io/" HEX "/" HEX "/" HEX, NULL, NULL, FERRY_EUSAGE,
      "255 bytes" },

    /* --keep-registry */
    { "keep", "q.io/a:1=A debian=B", "r.io --keep-registry", NULL,
      "r.io/q.io/a:1 r.io/docker.io/library/debian:latest", 0, 0 },
    { "keep_port", "q.io:5000/a:1=A", "r.io/x --keep-registry", NULL, "r.io/x/q.io-5000/a:1", 0,
      0 },
    { "keep_upper_case", "Q.IO/a:1=A", "r.io --keep-registry", NULL, "r.io/q.io/a:1", 0, 0 },
    { "keep_ipv6", "[::1]:5000/a:1=A", "r.io --keep-registry", NULL, NULL, FERRY_EUSAGE, "--map" },
    { "keep_bare_tag", ":v1=A", "r.io/x --keep-registry", NULL, "r.io/x:v1", 0, 0 },

    /* Names that are a tag alone, or nothing. */
    { "bare_tag", ":v1=A", "r.io/x", NULL, "r.io/x:v1", 0, 0 },
    { "bare_tag_without_repository", ":v1=A", "r.io", NULL, NULL, FERRY_EUSAGE, "r.io/REPOSITORY" },
    { "nameless", "=A", "r.io/x", NULL, "r.io/x@A", 0, 0 },
    { "nameless_without_repository", "=A", "r.io", NULL, NULL, FERRY_EUSAGE, "no repository" },

    /* DEST with a tag. */
    { "single", "q.io/a:1=A", "r.io/x/y:2", NULL, "r.io/x/y:2", 0, 0 },
    { "single_bare_tag", ":v1=A", "r.io/y:2", NULL, "r.io/y:2", 0, 0 },
    { "single_nameless", "=A", "r.io/y:2", NULL, "r.io/y:2", 0, 0 },
    { "single_of_two", "q.io/a:1=A q.io/b:1=B", "r.io/y:2", NULL, NULL, FERRY_EUSAGE, "--image" },
    { "single_chosen", "q.io/a:1=A q.io/b:1=B", "r.io/y:2 --image */b:*", NULL, "r.io/y:2", 0, 0 },

    /* --map */
    { "map_registry", "q.io/a/b:1=A", "r.io --map q.io=z", NULL, "r.io/z/a/b:1", 0, 0 },
    { "map_path", "q.io/a/b:1=A q.io/c:1=B", "r.io/p --map q.io/a=z", NULL,
      "r.io/p/z/b:1 r.io/p/c:1", 0, 0 },
    { "map_whole_name", "q.io/a/b:1=A", "r.io --map q.io/a/b=z", NULL, "r.io/z:1", 0, 0 },
    { "map_longest", "q.io/a/b:1=A q.io/a/c:1=B",
      "r.io --map q.io/a=x --map q.io/a/b=y --map q.io=z", NULL, "r.io/y:1 r.io/x/c:1", 0, 0 },
    { "map_components_only", "q.io/abc:1=A", "r.io --map q.io/ab=z", NULL, "r.io/abc:1", 0, 0 },
    { "map_to_nothing", "q.io/a/b:1=A", "r.io --map q.io/a=", NULL, "r.io/b:1", 0, 0 },
    { "map_all_to_nothing", "q.io/a:1=A", "r.io/x --map q.io/a=", NULL, "r.io/x:1", 0, 0 },
    { "map_wins_over_keep", "q.io/a:1=A q.io/b:1=B", "r.io --keep-registry --map q.io/a=z", NULL,
      "r.io/z:1 r.io/q.io/b:1", 0, 0 },
    { "map_to_no_repository", "q.io/a:1=A", "r.io --map q.io=UPPER", NULL, NULL, FERRY_EUSAGE,
      "is not a repository" },
    { "map_climbs", "q.io/a:1=A", "r.io --map q.io=../x", NULL, NULL, FERRY_EUSAGE, "repository" },
    { "map_short_name", "debian:1=A me/x:1=B", "r.io --map debian=d --map me=m", NULL,
      "r.io/d:1 r.io/m/x:1", 0, 0 },
    { "map_without_equals", "q.io/a:1=A", "r.io --map q.io", NULL, NULL, FERRY_EUSAGE, "SRC=DST" },
    { "map_without_source", "q.io/a:1=A", "r.io --map =x", NULL, NULL, FERRY_EUSAGE, "SRC=DST" },

    /* --max-depth, and the rules of registries that are known */
    { "depth_joins", "q.io/a/b/c:1=A", "r.io/m --max-depth 2", NULL, "r.io/m/a-b-c:1", 0, 0 },
    { "depth_of_one", "q.io/a/b:1=A", "r.io --max-depth 1", NULL, "r.io/a-b:1", 0, 0 },
    { "depth_that_is_kept", "q.io/a/b:1=A", "r.io/m --max-depth 3", NULL, "r.io/m/a/b:1", 0, 0 },
    { "depth_by_map", "q.io/a/b:1=A", "r.io --max-depth 2 --map q.io=x/y", NULL, "r.io/x/y-a-b:1",
      0, 0 },
    { "depth_behind_registry", "q.io:5000/a/b:1=A", "r.io --keep-registry --max-depth 2", NULL,
      "r.io/q.io-5000/a-b:1", 0, 0 },
    { "depth_collides", "q.io/a/b-c:1=A q.io/a/b/c:1=B", "r.io --max-depth 2", NULL, NULL,
      FERRY_EUSAGE, "q.io/a/b-c:1 and q.io/a/b/c:1 would both become r.io/a/b-c:1" },
    { "depth_meets_another_tag", "q.io/a/b-c:1=A q.io/a/b/c:2=B", "r.io --max-depth 2", NULL,
      "r.io/a/b-c:1 r.io/a/b-c:2", 0, 0 },
    { "depth_of_a_line", "q.io/a:1=A", "r.io --max-depth 2", "q.io/a:1 x/y/z:1\n", NULL,
      FERRY_EUSAGE, "line 1: q.io/a:1 would go to r.io/x/y/z:1, a path of 3 components" },
    { "depth_of_one_name", "q.io/a:1=A", "r.io/x/y/z:1 --max-depth 2", NULL, NULL, FERRY_EUSAGE,
      "--max-depth is 2" },
    { "hub_too_deep", "q.io/a/b/c:1=A", "docker.io", NULL, NULL, FERRY_EUSAGE,
      "q.io/a/b/c:1 would go to docker.io/a/b/c:1, and Docker Hub takes NAMESPACE/NAME alone: pass "
      "--max-depth 2" },
    { "hub_too_shallow", "q.io/a:1=A", "index.docker.io", NULL, NULL, FERRY_EUSAGE,
      "Docker Hub wants NAMESPACE/NAME" },
    { "hub_joined", "q.io/a/b/c:1=A", "docker.io/me --max-depth 2", NULL, "docker.io/me/a-b-c:1", 0,
      0 },
    { "openshift_too_deep", "q.io/a/b:1=A",
      "default-route-openshift-image-registry.apps.example.com/p", NULL, NULL, FERRY_EUSAGE,
      "OpenShift's own registry takes PROJECT/NAME alone" },
    { "openshift_service", "q.io/a/b:1=A", "image-registry.openshift-image-registry.svc:5000/p",
      NULL, NULL, FERRY_EUSAGE, "--max-depth 2" },
    { "openshift_right", "q.io/a/b:1=A", "image-registry.openshift-image-registry.svc:5000", NULL,
      "image-registry.openshift-image-registry.svc:5000/a/b:1", 0, 0 },
    { "google_too_shallow", "q.io/a/b:1=A", "europe-docker.pkg.dev", NULL, NULL, FERRY_EUSAGE,
      "PROJECT/REPOSITORY/NAME" },
    { "google_right", "q.io/a/b/c/d:1=A", "europe-docker.pkg.dev", NULL,
      "europe-docker.pkg.dev/a/b/c/d:1", 0, 0 },
    { "github_too_shallow", "q.io/a:1=A", "ghcr.io", NULL, NULL, FERRY_EUSAGE, "OWNER/NAME" },

    /* --image */
    { "image_whole", "q.io/a:1=A q.io/b:1=B", "r.io --image q.io/b:1", NULL, "r.io/b:1", 0, 0 },
    { "image_from_a_slash", "q.io/x/a:1=A q.io/b:1=B", "r.io --image a:*", NULL, "r.io/x/a:1", 0,
      0 },
    { "image_any", "q.io/a:1=A q.io/b:2=B", "r.io --image a:* --image b:2", NULL,
      "r.io/a:1 r.io/b:2", 0, 0 },
    { "image_none", "q.io/a:1=A q.io/b:2=B", "r.io --image * --image x", NULL, NULL,
      FERRY_ENOTFOUND, "--image x: no image of the archive matches" },
    { "image_two", "q.io/a:1=A q.io/b:2=B q.io/c:3=C", "r.io --image c:3 --image a:1", NULL,
      "r.io/a:1 r.io/c:3", 0, 0 },
    { "image_none", "q.io/a:1=A", "r.io --image b", NULL, NULL, FERRY_ENOTFOUND, "--image" },

    /* -f */
    { "file_source", "q.io/a:1=A q.io/b:1=B", "r.io/x", "q.io/b:1\n", "r.io/x/b:1", 0, 0 },
    { "file_order", "q.io/a:1=A q.io/b:1=B", "r.io", "q.io/b:1\nq.io/a:1\n", "r.io/b:1 r.io/a:1", 0,
      0 },
    { "file_full", "q.io/a:1=A", "r.io:5000/x", "q.io/a:1 r.io:5000/y/z:2\n", "r.io:5000/y/z:2", 0,
      0 },
    { "file_path", "q.io/a:1=A", "r.io/x", "q.io/a:1 y/z:2\n", "r.io/x/y/z:2", 0, 0 },
    { "file_inherits_tag", "q.io/a:1=A", "r.io", "q.io/a:1=y/z\n", "r.io/y/z:1", 0, 0 },
    { "file_word", "debian:12=A", "r.io/x", "debian:12 os:stable\n", "r.io/x/os:stable", 0, 0 },
    { "file_by_digest", "q.io/a@=A", "r.io", "q.io/a@A=y\n", "r.io/y@A", 0, 0 },
    { "file_tag_for_a_digest", "q.io/a@=A", "r.io", "q.io/a@A=y:7\n", "r.io/y:7", 0, 0 },
    { "file_by_digest_of_a_tag", "q.io/a:1=B q.io/a:2=A q.io/b:1=A", "r.io", "q.io/a@A=y:7\n",
      "r.io/y:7", 0, 0 },
    { "file_by_digest_inherits", "q.io/a:1=A", "r.io", "q.io/a@A=y\n", "r.io/y:1", 0, 0 },
    { "file_by_digest_elsewhere", "q.io/a:1=A q.io/b:1=B", "r.io", "q.io/b@A=y\n", NULL,
      FERRY_ENOTFOUND, "is not in the archive" },
    { "file_tag_and_digest", "q.io/a:1=A", "r.io", "q.io/a:1@A=y\n", "r.io/y:1", 0, 0 },
    { "file_tag_and_other_digest", "q.io/a:1=A", "r.io", "q.io/a:1@B=y\n", NULL, FERRY_ENOTFOUND,
      "line 1" },
    { "file_twice", "q.io/a:1=A", "r.io", "q.io/a:1=y\nq.io/a:1=z\n", "r.io/y:1 r.io/z:1", 0, 0 },
    { "file_with_map", "q.io/a:1=A", "r.io --map q.io=z", "q.io/a:1\n", "r.io/z/a:1", 0, 0 },
    { "file_not_there", "q.io/a:1=A", "r.io", "q.io/a:1\nq.io/b:1\n", NULL, FERRY_ENOTFOUND,
      "list.txt: line 2: q.io/b:1 is not in the archive" },
    { "file_elsewhere", "q.io/a:1=A", "r.io", "q.io/a:1=s.io/a:1\n", NULL, FERRY_EUSAGE,
      "is not at the destination r.io" },
    { "file_other_port", "q.io/a:1=A", "r.io:5000", "q.io/a:1=r.io:5001/a:1\n", NULL, FERRY_EUSAGE,
      "is not at the destination" },
    { "file_bad_source", "q.io/a:1=A", "r.io", "Q!\n", NULL, FERRY_EUSAGE, "line 1" },
    { "file_bad_destination", "q.io/a:1=A", "r.io", "q.io/a:1=UP:1\n", NULL, FERRY_EUSAGE,
      "line 1" },
    { "file_two_places", "q.io/a:1=A", "r.io", "q.io/a:1 x y:2\n", "r.io/x:1 r.io/y:2", 0, 0 },
    { "file_glob", "q.io/a:1.1=A q.io/a:1.2=B q.io/a:2=C q.io/b:1.1=D", "r.io", "q.io/a:1.* x/y\n",
      "r.io/x/y:1.1 r.io/x/y:1.2", 0, 0 },
    { "file_glob_alone", "q.io/a:1=A q.io/a:2=B q.io/b:1=C", "r.io/x", "q.io/a:*\n",
      "r.io/x/a:1 r.io/x/a:2", 0, 0 },
    { "file_all", "q.io/a:1=A q.io/a:2=B q.io/a@=C q.io/a/b:1=D", "r.io", "q.io/a r.io/x\n",
      "r.io/x@C r.io/x:1 r.io/x:2", 0, 0 },
    { "file_latest", "debian:latest=A debian:12=B", "r.io", "debian\n",
      "r.io/library/debian:latest", 0, 0 },
    { "file_latest_to_a_tag", "debian:latest=A debian:12=B", "r.io", "debian os:new\n",
      "r.io/os:new", 0, 0 },
    { "file_glob_to_a_tag", "q.io/a:1=A", "r.io", "\nq.io/a:*=x:1\n", NULL, FERRY_EUSAGE,
      "list.txt: line 2: q.io/a:* names more than one tag: expected a repository" },
    { "file_glob_without_a_match", "q.io/a:1=A", "r.io", "q.io/a:2*\n", NULL, FERRY_ENOTFOUND,
      "line 1: no image of the archive is q.io/a:2*" },
    { "file_all_of_nothing", "q.io/a:1=A", "r.io", "q.io/b=x\n", NULL, FERRY_ENOTFOUND,
      "no image of the archive is q.io/b:*" },
    { "file_glob_beside_a_line", "q.io/a:1=A q.io/a:2=B", "r.io", "q.io/a:* x\nq.io/a:2 x:1\n",
      NULL, FERRY_EUSAGE, "would both become r.io/x:1" },
    { "file_by_another_name", "q.io/a:1=A", "docker.io/x", "q.io/a:1 index.docker.io/y/z:1\n",
      "docker.io/y/z:1", 0, 0 },
    { "file_localhost", "q.io/a:1=A", "r.io", "q.io/a:1 localhost/a:1\n", NULL, FERRY_EUSAGE,
      "is not at the destination" },
    { "file_host_without_a_dot", "q.io/a:1=A", "registry/x", "q.io/a:1 registry/y:1\n",
      "registry/y:1", 0, 0 },
    { "file_and_image", "q.io/a:1=A q.io/b:1=B", "r.io --image a:*", "q.io/a:1 x\nq.io/b:1 y\n",
      "r.io/x:1", 0, 0 },
    { "file_and_tag", "q.io/a:1=A", "r.io/x:1", "q.io/a:1\n", NULL, FERRY_EUSAGE, "--file" },
    { "map_and_tag", "q.io/a:1=A", "r.io/x:1 --map q.io=y", NULL, NULL, FERRY_EUSAGE, "--map" },
    { "file_empty", "q.io/a:1=A", "r.io", "# nothing\n", NULL, FERRY_ENOTFOUND, "" },

    /* What belongs to an image goes with it. */
    { "referrer", "q.io/a:1=A q.io/a>A=S", "r.io", NULL, "r.io/a:1 r.io/a@S", 0, 0 },
    { "cosign", "q.io/a:1=A q.io/a:%A.sig=S", "r.io/x", NULL, "r.io/x/a:1 r.io/x/a:%A.sig", 0, 0 },
    { "chain", "q.io/a:%B.sig=S q.io/a>A=B q.io/a:1=A", "r.io", NULL,
      "r.io/a:1 r.io/a@B r.io/a:%B.sig", 0, 0 },
    { "referrer_of_the_chosen", "q.io/a:1=A q.io/b:1=B q.io/a>A=S q.io/b>B=T", "r.io --image b:*",
      NULL, "r.io/b:1 r.io/b@T", 0, 0 },
    { "referrer_where_it_was_found", "q.io/a:1=A q.io/b:1=A q.io/b>A=S", "r.io", NULL,
      "r.io/a:1 r.io/b:1 r.io/b@S", 0, 0 },
    { "referrer_of_another_tool", "q.io/a:1=A q.io/b:1=A >A=S", "r.io", NULL,
      "r.io/a:1 r.io/b:1 r.io/a@S r.io/b@S", 0, 0 },
    { "referrer_once", "q.io/a:1=A q.io/a:2=A q.io/a>A=S", "r.io", NULL,
      "r.io/a:1 r.io/a:2 r.io/a@S", 0, 0 },
    { "referrer_follows_a_map", "q.io/a:1=A q.io/a>A=S", "r.io --map q.io/a=z", NULL,
      "r.io/z:1 r.io/z@S", 0, 0 },
    { "referrer_follows_a_line", "q.io/a:1=A q.io/b:1=B q.io/a>A=S", "r.io", "q.io/a:1=y:7\n",
      "r.io/y:7 r.io/y@S", 0, 0 },
    { "referrer_of_a_single", "q.io/a:1=A q.io/a:%A.sig=S", "r.io/y:7", NULL,
      "r.io/y:7 r.io/y:%A.sig", 0, 0 },
    { "cosign_bare", ":1=A :%A.sig=S", "r.io/y", NULL, "r.io/y:1 r.io/y:%A.sig", 0, 0 },
    { "cosign_in_a_line", "q.io/a:1=A q.io/a:%A.sig=S", "r.io", "q.io/a:1=y\nq.io/a:%A.sig=y\n",
      "r.io/y:1 r.io/y:%A.sig", 0, 0 },
    { "subject_elsewhere", "q.io/a:%B.sig=S", "r.io", NULL, "r.io/a:%B.sig", 0, 0 },
    { "subject_under_another_name", "q.io/a:1=A q.io/b:%A.sig=S", "r.io", NULL,
      "r.io/a:1 r.io/b:%A.sig", 0, 0 },
    { "subjects_in_a_ring", "q.io/a:%B.sig=A q.io/a:%A.sig=B", "r.io", NULL,
      "r.io/a:%B.sig r.io/a:%A.sig", 0, 0 },
    { "subject_not_chosen", "q.io/a:1=A q.io/a:%A.sig=S q.io/b:1=B", "r.io --image b:1", NULL,
      "r.io/b:1", 0, 0 },
    { "signature_alone_chosen", "q.io/a:1=A q.io/a:%A.sig=S", "r.io --image *.sig", NULL,
      "r.io/a:%A.sig", 0, 0 },

    /* Two images under one name. */
    { "collision", "q.io/a:1=A p.io/a:1=B", "r.io", NULL, NULL, FERRY_EUSAGE, "--keep-registry" },
    { "collision_kept_apart", "q.io/a:1=A p.io/a:1=B", "r.io --keep-registry", NULL,
      "r.io/q.io/a:1 r.io/p.io/a:1", 0, 0 },
    { "collision_of_the_same", "q.io/a:1=A p.io/a:1=A", "r.io", NULL, "r.io/a:1 r.io/a:1", 0, 0 },
    { "collision_by_map", "q.io/a:1=A q.io/b:1=B", "r.io --map q.io/a=x --map q.io/b=x", NULL, NULL,
      FERRY_EUSAGE, "would both become r.io/x:1" },
    { "collision_by_file", "q.io/a:1=A q.io/b:1=B", "r.io", "q.io/a:1=x:1\nq.io/b:1=x:1\n", NULL,
      FERRY_EUSAGE, "would both become" },
    { "collision_of_three", "o.io/a:1=A p.io/a:1=A q.io/a:1=B", "r.io", NULL, NULL, FERRY_EUSAGE,
      "would both become" },
    { "digests_do_not_collide", "q.io/a@=A p.io/a@=B", "r.io", NULL, "r.io/a@A r.io/a@B", 0, 0 },
};

#define LINE_MAX_LEN 600

/* The options of a row; they point into `line`. */
static int parse_row(const struct row *row, char line[LINE_MAX_LEN], struct import_opts *opts,
                     struct ferry_err *err)
{
    char *argv[20] = { "ociferry-import" }, *rest = NULL;
    bool is_done = false;
    int argc = 1;

    snprintf(line, LINE_MAX_LEN, "a.tar %s", row->options);
    for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    if (row->file) {
        const char *text = expand(row->file);

        sample_write("list.txt", text, strlen(text));
        argv[argc++] = "-f";
        argv[argc++] = "list.txt";
    }
    return ferry_import_opts_parse(argc, argv, opts, &is_done, err);
}

static int map_row(const struct row *row, struct ferry_target **targets, size_t *count,
                   struct ferry_graph *graph, struct ferry_err *err)
{
    char line[LINE_MAX_LEN];
    struct import_opts opts;
    int rc = parse_row(row, line, &opts, err);

    if (rc == 0)
        rc = ferry_name_map(&opts, graph, targets, count, err);
    ferry_import_opts_release(&opts);
    return rc;
}

/* [R24] */
static void test_name_map_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        FERRY_OWNED(ferry_graph) graph = make_graph(rows[i].archive);
        FERRY_OWNED_MEM struct ferry_target *targets = NULL;
        const char *found = "";
        struct ferry_err err = { 0 };
        size_t count = 0;
        int rc = map_row(&rows[i], &targets, &count, graph, &err);

        if (!rows[i].want) {
            if (rc != (int)rows[i].code || !strstr(err.msg, rows[i].says))
                fail_msg("row \"%s\": %d, \"%s\"", rows[i].name, rc, err.msg);
            CHECK_ROW(rows[i].name, !targets);
            continue;
        }
        if (rc < 0)
            fail_msg("row \"%s\": %s", rows[i].name, err.msg);
        for (size_t k = 0; k < count; k++) {
            char text[FERRY_REFERENCE_TEXT_MAX];

            ferry_reference_format(&targets[k].ref, text);
            found = sample_format("%s%s%s", found, k ? " " : "", text);
        }
        if (strcmp(found, expand(rows[i].want)) != 0)
            fail_msg("row \"%s\": \"%s\"", rows[i].name, found);
    }
}

/* A target keeps its image, whatever it is called there. */
static void test_name_map_targets_keep_their_images(void **state)
{
    FERRY_OWNED(ferry_graph) graph = make_graph("q.io/a:1=A q.io/b:1=B q.io/c:1=C");
    FERRY_OWNED_MEM struct ferry_target *targets = NULL;
    const struct row row = { .options = "r.io", .file = "q.io/c:1 x:1\nq.io/a:1\n" };
    struct ferry_err err;
    size_t count;

    (void)state;
    CHECK_OK(map_row(&row, &targets, &count, graph, &err));
    assert_int_equal(count, 2);
    assert_ptr_equal(targets[0].image, &graph->images[2]);
    assert_ptr_equal(targets[1].image, &graph->images[0]);
}

/* Which --map an image went by. */
static void test_name_map_tells_the_rule(void **state)
{
    FERRY_OWNED(ferry_graph) graph = make_graph("q.io/a:1=A q.io/b:1=B");
    FERRY_OWNED_MEM struct ferry_target *targets = NULL;
    const struct row row = { .options = "r.io --map q.io/a=x --map p.io=y" };
    struct ferry_err err;
    size_t count;

    (void)state;
    CHECK_OK(map_row(&row, &targets, &count, graph, &err));
    assert_int_equal(count, 2);
    assert_non_null(targets[0].rule);
    assert_null(targets[1].rule);
}

/* Where the images of a repository go that need not be in the archive. */
static void test_name_map_repository(void **state)
{
    static const struct {
        struct row row;
        const char *source, *want; /* NULL: nobody knows */
    } repositories[] = {
        { { .name = "path", .options = "r.io" }, "q.io/a/b", "a/b" },
        { { .name = "prefix", .options = "r.io/x/y" },
          "docker.io/library/debian",
          "x/y/library/debian" },
        { { .name = "keep_registry", .options = "r.io/x --keep-registry" },
          "q.io:5000/a",
          "x/q.io-5000/a" },
        { { .name = "map", .options = "r.io/x --map q.io/a=z --map q.io=y" }, "q.io/a/b", "x/z/b" },
        { { .name = "map_all", .options = "r.io --map q.io/a=z/z" }, "q.io/a", "z/z" },
        { { .name = "depth", .options = "r.io --max-depth 2" }, "q.io/a/b/c", "a/b-c" },
        { { .name = "line", .options = "r.io/x", .file = "q.io/b:1=c/d:2\nq.io/a:1=e/f:2\n" },
          "q.io/a",
          "x/e/f" },
        { { .name = "line_glob", .options = "r.io", .file = "q.io/a:*=e/f\n" }, "q.io/a", "e/f" },
        { { .name = "line_without_destination", .options = "r.io/x", .file = "q.io/a:1\n" },
          "q.io/a",
          "x/a" },
        { { .name = "no_line", .options = "r.io/x", .file = "q.io/b:1=c/d:2\n" }, "q.io/a", "x/a" },
        { { .name = "destination_with_a_tag", .options = "r.io/x/y:1" }, "q.io/a", "x/y" },
        { { .name = "other_registry", .options = "r.io", .file = "q.io/a:1=s.io/b:1\n" },
          "q.io/a",
          NULL },
        { { .name = "no_repository", .options = "r.io --map q.io/a=UPPER" }, "q.io/a", NULL },
    };

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(repositories); i++) {
        char line[LINE_MAX_LEN], found[FERRY_REPOSITORY_MAX];
        struct import_opts opts;
        struct ferry_err err;
        bool is_known;

        CHECK_OK(parse_row(&repositories[i].row, line, &opts, &err));
        is_known = ferry_name_map_repository(&opts, repositories[i].source, found);
        CHECK_ROW(repositories[i].row.name, is_known == !!repositories[i].want);
        CHECK_ROW(repositories[i].row.name, !is_known || strcmp(found, repositories[i].want) == 0);
        ferry_import_opts_release(&opts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_map_rules),
        cmocka_unit_test(test_name_map_targets_keep_their_images),
        cmocka_unit_test(test_name_map_tells_the_rule),
        cmocka_unit_test(test_name_map_repository),
    };

    return cmocka_run_group_tests_name("name_map", tests, sample_enter_folder, sample_leave_folder);
}
