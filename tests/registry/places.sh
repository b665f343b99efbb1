#!/bin/bash
. "$(dirname "$0")/../support/lib.sh" || exit
goal "where images go: one list for both programs, depths, rules of registries, each before the first request"

start_source SRC
start_registry DST
for tag in 1.0 1.1 2.0; do
    skopeo copy -q --preserve-digests --src-tls-verify=false --dest-tls-verify=false \
        "docker://$SRC/app/$([ $tag = 2.0 ] && echo web || echo base):1" "docker://$DST/src/tool:$tag"
done
nowhere=127.0.0.1:$(dead_port)

# is DIGEST REPOSITORY TAG...: these tags are that image.
is() {
    local digest=$1 repo=$2 tag
    shift 2
    for tag in "$@"; do
        equal "digest of $repo:$tag" "$digest" "$(digest_of "$DST" "$repo" "$tag")"
    done
}
base=$(digest_of "$SRC" app/base 1)
web=$(digest_of "$SRC" app/web 1)

step "one list says what is exported, and where it is imported"
cat >"$T/list" <<LIST
# as oc image mirror takes it
$DST/src/tool:1.* $DST/globbed/tool            # two tags
$DST/src/tool:2.0=$DST/globbed/tool:next
$SRC/app/web:1 $DST/one/web two/web:new $DST/three/web
LIST
run 0 ociferry-export -f "$T/list" -o "$T/a.tar"
run 0 ociferry-import -f "$T/list" "$T/a.tar" "$DST/below"
is "$base" globbed/tool 1.0 1.1
is "$web" globbed/tool next
is "$web" one/web 1
is "$web" below/two/web new
is "$web" three/web 1

step "all images of a repository"
printf '%s all/tool\n' "$DST/src/tool" >"$T/list"
run 0 ociferry-import -f "$T/list" "$T/a.tar" "$DST"
is "$base" all/tool 1.0 1.1
is "$web" all/tool 2.0

bad() { # STATUS WORDS OPTION...
    local status=$1 words=$2
    shift 2
    run "$status" ociferry-import -q --retries 0 "$@"
    one_line
    says "$words"
}

step "a glob that matches nothing, a destination with a scheme"
bad 1 "[-][-]image nosuch: no image of the archive matches" --image '*' --image nosuch "$T/a.tar" "$nowhere"
bad 2 "\"docker://$nowhere/x\" is not a destination: it has a scheme" "$T/a.tar" "docker://$nowhere/x"
run 2 ociferry-export --dry-run "http://$SRC/app/web:1"
one_line
says "is not a reference .*it has a scheme: leave docker:// or https:// out; http:// is --plain-http"

step "lines that cannot be followed name file and line; nobody is asked"
printf '\n%s:9* x\n' "$DST/src/tool" >"$T/list"
bad 1 "list: line 2: no image of the archive is .*:9\*" -f "$T/list" "$T/a.tar" "$nowhere"
printf '%s:1.* x:y\n' "$DST/src/tool" >"$T/list"
bad 2 "list: line 1: .* expected a repository" -f "$T/list" "$T/a.tar" "$nowhere"
printf '%s:1.0 elsewhere.example/x\n' "$DST/src/tool" >"$T/list"
bad 2 "list: line 1: elsewhere.example/x is not at the destination $nowhere" -f "$T/list" "$T/a.tar" "$nowhere"
printf '%s:1.0 x:1\n%s:2.0 x:1\n' "$DST/src/tool" "$DST/src/tool" >"$T/list"
bad 2 "tool:1.0 and .*tool:2.0 would both become $nowhere/x:1" -f "$T/list" "$T/a.tar" "$nowhere"

step "--max-depth joins what is too long, and what then collides is refused"
run 0 ociferry-import --max-depth 2 "$T/a.tar" "$DST/flat"
is "$base" flat/src-tool 1.0 1.1
is "$web" flat/app-web 1
printf '%s:1.0\n%s src-tool:1.0\n' "$DST/src/tool" "$SRC/app/web:1" >"$T/list"
bad 2 "tool:1.0 and .*web:1 would both become $nowhere/src-tool:1.0" --max-depth 1 -f "$T/list" \
    "$T/a.tar" "$nowhere"

step "registries whose paths are known are not asked for what they would refuse"
bad 2 'tool:1.0 would go to docker.io/a/b/src/tool:1.0, and Docker Hub takes NAMESPACE/NAME alone: pass --max-depth 2' \
    "$T/a.tar" docker.io/a/b
bad 2 'OpenShift.*PROJECT/NAME alone' "$T/a.tar" default-route-openshift-image-registry.apps.example.com/p
bad 2 'wants PROJECT/REPOSITORY/NAME' "$T/a.tar" europe-docker.pkg.dev

step "a --map that nothing goes by is warned of"
run 0 ociferry-import --map "$DST/src=s" --map "quay.example/src=q" "$T/a.tar" "$DST/warned"
says 'warning.*--map quay.example/src=q: no image goes by it'
says_not "src=s: no image"
is "$base" warned/s/tool 1.0
