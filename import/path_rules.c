#include "import/path_rules.h"

#include <fnmatch.h>
#include <string.h>

/* What these registries say of themselves; the first that matches counts. */
static const struct {
    const char *host; /* glob, without port */
    const char *who, *form;
    int least, most; /* components; 0: any number */
} known[] = {
    { "docker.io", "Docker Hub", "NAMESPACE/NAME", 2, 2 },
    { "image-registry.openshift-image-registry.svc*", "OpenShift's own registry", "PROJECT/NAME", 2,
      2 },
    { "default-route-openshift-image-registry.*", "OpenShift's own registry", "PROJECT/NAME", 2,
      2 },
    { "ghcr.io", "GitHub's registry", "OWNER/NAME", 2, 0 },
    { "*-docker.pkg.dev", "Artifact Registry", "PROJECT/REPOSITORY/NAME", 3, 0 },
};

void ferry_path_flatten(char *repository, int max_depth)
{
    int depth = 1;

    for (char *p = repository; max_depth > 0 && *p; p++)
        if (*p == '/' && ++depth > max_depth)
            *p = '-';
}

static int count_components(const char *repository)
{
    int count = 1;

    for (const char *p = repository; *p; p++)
        count += *p == '/';
    return count;
}

static int check_known(const struct ferry_reference *ref, size_t rule, const char *image,
                       struct ferry_err *err)
{
    int depth = count_components(ref->repository), most = known[rule].most;
    char name[FERRY_REFERENCE_TEXT_MAX];

    ferry_reference_format(ref, name);
    if (depth < known[rule].least)
        return ferry_fail(err, FERRY_EUSAGE,
                          "%s would go to %s, and %s wants %s: name the rest in the destination or "
                          "with --map",
                          image, name, known[rule].who, known[rule].form);
    if (most > 0 && depth > most)
        return ferry_fail(err, FERRY_EUSAGE,
                          "%s would go to %s, and %s takes %s alone: pass --max-depth %d, or name "
                          "another place with --map",
                          image, name, known[rule].who, known[rule].form, most);
    return 0;
}

int ferry_path_check(const struct ferry_reference *ref, int max_depth, const char *image,
                     struct ferry_err *err)
{
    int depth = count_components(ref->repository);
    char host[FERRY_REGISTRY_MAX], name[FERRY_REFERENCE_TEXT_MAX];

    ferry_reference_format(ref, name);
    if (max_depth > 0 && depth > max_depth)
        return ferry_fail(err, FERRY_EUSAGE,
                          "%s would go to %s, a path of %d components, and --max-depth is %d",
                          image, name, depth, max_depth);
    memcpy(host, ref->registry, sizeof(host));
    host[strcspn(host, ":")] = '\0';
    for (size_t i = 0; i < FERRY_COUNT(known); i++)
        if (fnmatch(known[i].host, host, 0) == 0)
            return check_known(ref, i, image, err);
    return 0;
}
