# What every scenario leans on; sourced, not run. A scenario opens like this:
#
#   . "$(dirname "$0")/../support/lib.sh"
#   goal "images keep their digests from registry to registry"
#   start_source SRC; start_registry DST
#
# FERRY_BIN      folders of the programs, separated by ":"
# FERRY_SUPPORT  folder of fault_proxy and measure
# FERRY_IMAGES   what make_images.sh made; made afresh when unset
# FERRY_SANITIZED  not empty: memory is not measured, large images are smaller
# FERRY_SERVER_SECONDS  how long a registry lives at the most (900)
# FERRY_KEEP     not empty: the scenario's folder is kept and named
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
FERRY_BUILD=${FERRY_BUILD:-$ROOT/build/dev}
FERRY_BIN=${FERRY_BIN:-$FERRY_BUILD/export:$FERRY_BUILD/import:$FERRY_BUILD/format}
FERRY_SUPPORT=${FERRY_SUPPORT:-$FERRY_BUILD/tests}
PATH=$FERRY_BIN:$FERRY_SUPPORT:$PATH:/usr/sbin:/sbin
SUPPORT=$ROOT/tests/support

T=$(mktemp -d "${TMPDIR:-/tmp}/ferry-test.XXXXXX")
mkdir "$T/home"
# Nobody's credentials, nobody's certificates and nobody's proxy.
export HOME=$T/home LC_ALL=C
unset REGISTRY_AUTH_FILE DOCKER_CONFIG XDG_RUNTIME_DIR http_proxy https_proxy all_proxy \
    HTTP_PROXY HTTPS_PROXY ALL_PROXY SSL_CERT_FILE SSL_CERT_DIR
SERVERS=()
MOUNTED=()

# The only trap of EXIT: what another ran before this would take the place of the scenario's status.
cleanup() {
    local status=$? line=${BASH_LINENO[0]:-?} pid folder
    trap - EXIT
    for pid in ${SERVERS[@]+"${SERVERS[@]}"}; do
        kill "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    for folder in ${MOUNTED[@]+"${MOUNTED[@]}"}; do
        umount "$folder" || status=1
    done
    if [ "$status" -ne 0 ] && [ -z "${FAILED:-}" ] && [ "$status" -ne 77 ]; then
        echo "FAILED: ended with status $status near line $line of $0"
    fi
    if [ -n "${FERRY_KEEP:-}" ]; then
        echo "kept: $T"
    else
        chmod -R u+w "$T" && rm -rf "$T"
    fi
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

goal() { echo "goal: $*"; }
step() { echo "- $*"; }
skip() { echo "SKIPPED: $*"; exit 77; } # ctest: SKIP_RETURN_CODE

fail() {
    FAILED=yes
    printf 'FAILED: %s\n' "$*"
    printf '  at %s\n' "$(caller_line)"
    if [ -n "${RAN:-}" ]; then
        printf '  last command: %s\n' "$RAN"
        [ ! -s "$T/out" ] || head -c 2000 "$T/out" | sed 's/^/  stdout: /'
        [ ! -s "$T/err" ] || head -c 4000 "$T/err" | sed 's/^/  stderr: /'
    fi
    exit 1
}

# The innermost line of the scenario itself.
caller_line() {
    local i
    for ((i = 1; i < ${#BASH_SOURCE[@]}; i++)); do
        if [ "${BASH_SOURCE[i]}" != "${BASH_SOURCE[0]}" ]; then
            echo "${BASH_SOURCE[i]##*/}:${BASH_LINENO[i - 1]}"
            return
        fi
    done
}

# --- running and checking ------------------------------------------------------------------------

# run STATUS COMMAND...: runs it with $T/out and $T/err, and wants that exit status ("1|2": either).
run() {
    local want=$1 got=0
    shift
    RAN="$*"
    "$@" >"$T/out" 2>"$T/err" || got=$?
    [[ "|$want|" == *"|$got|"* ]] || fail "exit status: expected $want, found $got"
}

# The last command's stderr says it (extended regular expression, any case).
says() { grep -qiE -- "$1" "$T/err" || fail "stderr does not say: $1"; }
says_not() { ! grep -qiE -- "$1" "$T/err" || fail "stderr says: $1"; }
prints() { grep -qE -- "$1" "$T/out" || fail "stdout does not have: $1"; }

# Exactly one line on stderr, which starts with the name of the program.
one_line() {
    equal "lines on stderr" 1 "$(wc -l <"$T/err")"
    grep -qE '^ociferry-(export|import|verify): ' "$T/err" ||
        fail "stderr does not start with the name of the program"
}

equal() { [ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"; }
at_most() { [ "$3" -le "$2" ] || fail "$1: expected at most $2, found $3"; }
at_least() { [ "$3" -ge "$2" ] || fail "$1: expected at least $2, found $3"; }
same_file() { cmp -s "$2" "$3" || fail "$1: $2 and $3 differ"; }
there() { [ -s "$1" ] || fail "$1 should be there"; }
absent() { [ ! -e "$1" ] || fail "$1 should not be there"; }

# --- servers on loopback ---------------------------------------------------------------------------

wait_for() { # WHAT COMMAND...
    local what=$1 i
    shift
    for ((i = 0; i < 600; i++)); do
        if "$@" >/dev/null 2>&1; then
            return
        fi
        sleep 0.05
    done
    fail "$what did not come up within thirty seconds"
}

# "user" with the password "secret", as bcrypt, which is what the registry takes.
# shellcheck disable=SC2016
HTPASSWD='user:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a'

# start_registry NAME [STORAGE [auth [YAML]]]: a docker-registry on a port that the kernel chose. Sets
# NAME to host:port. With STORAGE serves what is there; with "auth" it wants user:secret, with
# YAML in its place what that says. YAML is added to its configuration.
start_registry() {
    local name=$1 storage=${2:-$T/$1.storage} auth=${3:-} log=$T/$1.registry.log config=$T/$1.yml
    mkdir -p "$storage"
    rm -f "$log" # of an earlier registry of that name
    cat >"$config" <<YAML
version: 0.1
log: {level: info, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: $storage, maxthreads: 100}
  delete: {enabled: true}
  maintenance: {uploadpurging: {enabled: false}}
http: {addr: "127.0.0.1:0", secret: ferry}
YAML
    if [ "$auth" = auth ]; then
        printf '%s\n' "$HTPASSWD" >"$T/$name.htpasswd"
        auth="{htpasswd: {realm: ferry, path: $T/$name.htpasswd}}"
    fi
    [ -z "$auth" ] || echo "auth: $auth" >>"$config"
    [ -z "${4:-}" ] || echo "$4" >>"$config"
    # A scenario that is killed outright cannot stop it: it ends by itself.
    timeout "${FERRY_SERVER_SECONDS:-900}" docker-registry serve "$config" >"$log" 2>&1 &
    SERVERS+=($!)
    wait_for "registry $name" grep -q 'listening on' "$log"
    printf -v "$name" '%s' "$(sed -n 's/.*listening on \(127[0-9.:]*\).*/\1/p' "$log" | head -n 1)"
    wait_for "registry $name" curl -s -o /dev/null "http://${!name}/v2/"
}

# start_proxy NAME UPSTREAM RULE...: fault_proxy in front of UPSTREAM (host:port). Sets NAME to
# host:port; its log is $T/NAME.log.
start_proxy() {
    local name=$1 upstream=$2
    shift 2
    rm -f "$T/$name.port"
    : >"$T/$name.log"
    fault_proxy "$@" --log "$T/$name.log" "${upstream##*:}" >"$T/$name.port" &
    SERVERS+=($!)
    wait_for "proxy $name" test -s "$T/$name.port"
    printf -v "$name" '%s' "127.0.0.1:$(cat "$T/$name.port")"
}

# start_connect NAME UPSTREAM OPTION...: a proxy for CONNECT that leads every host to UPSTREAM
# (host:port). Sets NAME to host:port; its log is $T/NAME.log.
start_connect() {
    local name=$1 upstream=$2
    shift 2
    rm -f "$T/$name.port"
    : >"$T/$name.log"
    connect_proxy --to "${upstream##*:}" --log "$T/$name.log" "$@" >"$T/$name.port" &
    SERVERS+=($!)
    wait_for "proxy $name" test -s "$T/$name.port"
    printf -v "$name" '%s' "127.0.0.1:$(cat "$T/$name.port")"
}

# Stops the server that was started last.
stop_last() {
    local pid=${SERVERS[-1]}
    unset 'SERVERS[-1]'
    kill "$pid"
    wait "$pid" 2>/dev/null || true
}

# A port of 127.0.0.1 at which nothing listens.
dead_port() {
    local port
    for port in $(shuf -i 20000-30000 -n 20); do
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
}

# mount_at FOLDER OPTION...: until the scenario ends. Fails where nobody may mount.
mount_at() { mount "${@:2}" "$1" && MOUNTED+=("$1"); }

# --- images ------------------------------------------------------------------------------------

# Sets IMAGES to the folder of fixture images (see make_images.sh).
need_images() {
    IMAGES=${FERRY_IMAGES:-}
    if [ -z "$IMAGES" ] || [ ! -f "$IMAGES/done" ]; then
        IMAGES=$T/images
        "$SUPPORT/make_images.sh" "$IMAGES"
    fi
    mapfile -t REFS <"$IMAGES/refs"
}

# start_source NAME: a registry with the fixture images; not to be written to.
start_source() {
    need_images
    start_registry "$1" "$IMAGES/registry"
}

# store_image NAME REPO TAG MIB...: an image with layers of so many MiB of noise, put straight into the
# storage of the registry NAME before it starts: pushing would take longer than the test itself.
# put_image HOST REPO TAG, once it runs, puts the manifest. Sets LAYERS to the digests.
store_blob() { # STORAGE REPO FILE; moves the file, sets DIGEST
    local hex
    hex=$(openssl dgst -sha256 -r "$3" | cut -d' ' -f1)
    mkdir -p "$1/blobs/sha256/${hex:0:2}/$hex" "$1/repositories/$2/_layers/sha256/$hex"
    mv "$3" "$1/blobs/sha256/${hex:0:2}/$hex/data"
    printf 'sha256:%s' "$hex" >"$1/repositories/$2/_layers/sha256/$hex/link"
    DIGEST=sha256:$hex
}
store_image() {
    local storage=$T/$1.storage/docker/registry/v2 repo=$2 tag=$3 mib layers="" config
    shift 3
    LAYERS=()
    for mib in "$@"; do
        head -c $((mib * 1024 * 1024)) /dev/zero |
            openssl enc -aes-128-ctr -nosalt -K "$(printf '%032x' ${#LAYERS[@]})" -iv 00 \
                2>/dev/null >"$T/layer"
        store_blob "$storage" "$repo" "$T/layer"
        LAYERS+=("$DIGEST")
        layers+=$(printf ',{"mediaType":"%s","digest":"%s","size":%d}' \
            application/vnd.oci.image.layer.v1.tar "$DIGEST" $((mib * 1024 * 1024)))
    done
    config=$(jq -cn '{architecture: "amd64", os: "linux",
        rootfs: {type: "layers", diff_ids: $ARGS.positional}}' --args "${LAYERS[@]}")
    printf %s "$config" >"$T/config"
    store_blob "$storage" "$repo" "$T/config"
    printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s","digest":"%s","size":%d},"layers":[%s]}' \
        application/vnd.oci.image.manifest.v1+json application/vnd.oci.image.config.v1+json \
        "$DIGEST" ${#config} "${layers#,}" >"$T/manifest.$tag"
}
put_image() {
    curl -sSf -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' \
        --data-binary "@$T/manifest.$3" "http://$1/v2/$2/manifests/$3"
}

# push_blob HOST REPO FILE: sets DIGEST, and DESC to a descriptor without a media type.
push_blob() {
    local upload
    DIGEST=sha256:$(sha256sum "$3" | cut -d' ' -f1)
    upload=$(curl -sSf -X POST -o /dev/null -D - "http://$1/v2/$2/blobs/uploads/" |
        sed -n 's/^Location: *\([^\r]*\).*/\1/ip' | tr -d '\r')
    curl -sSf -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$3" \
        "$upload&digest=$DIGEST" || fail "$1/$2 does not take the blob $3"
    DESC=$(jq -cn --arg d "$DIGEST" --argjson s "$(file_size "$3")" '{digest: $d, size: $s}')
}

# push_manifest HOST REPO TAG|digest FILE: as what its mediaType says. Sets DIGEST, and DESC to its
# descriptor.
push_manifest() {
    local name=$3
    DIGEST=sha256:$(sha256sum "$4" | cut -d' ' -f1)
    [ "$name" != digest ] || name=$DIGEST
    curl -sSf -X PUT -H "Content-Type: $(jq -r .mediaType "$4")" --data-binary "@$4" \
        "http://$1/v2/$2/manifests/$name" || fail "$1/$2 does not take the manifest $(cat "$4")"
    DESC=$(jq -c --arg d "$DIGEST" --argjson s "$(file_size "$4")" \
        '{mediaType, digest: $d, size: $s}' "$4")
}

ACCEPT='application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json,
 application/vnd.docker.distribution.manifest.list.v2+json,
 application/vnd.docker.distribution.manifest.v2+json'
ACCEPT=${ACCEPT//$'\n'/}

# raw HOST REPO TAG_OR_DIGEST: the manifest, byte by byte.
raw() { curl -sSf ${CURL_AUTH:+-u "$CURL_AUTH"} -H "Accept: $ACCEPT" "http://$1/v2/$2/manifests/$3"; }

# digest_of HOST REPO TAG
digest_of() { echo "sha256:$(raw "$1" "$2" "$3" | sha256sum | cut -d' ' -f1)"; }

# status_of URL: what HEAD answers.
status_of() {
    curl -sI ${CURL_AUTH:+-u "$CURL_AUTH"} -o /dev/null -w '%{http_code}' -H "Accept: $ACCEPT" "$1"
}

# at HOST REPO:TAG...: the references with their host.
at() {
    local host=$1
    shift
    printf "$host/%s\n" "$@"
}

# same_images SRC DST REPO:TAG...: skopeo reads the same raw manifest on both sides, and all that
# the manifest names is at the destination. SRC and DST may carry a path: host:port/prefix.
same_images() {
    local src=$1 dst=$2 ref path
    shift 2
    for ref in "$@"; do
        skopeo inspect --raw --tls-verify=false "docker://$src/$ref" >"$T/raw.src" ||
            fail "$ref: not at the source"
        skopeo inspect --raw --tls-verify=false "docker://$dst/$ref" >"$T/raw.dst" ||
            fail "$ref: not at the destination"
        same_file "raw manifest of $ref" "$T/raw.src" "$T/raw.dst"
        path=$dst/${ref%:*}
        complete "${path%%/*}" "${path#*/}" "$T/raw.dst"
    done
}

# complete HOST REPO FILE: everything that the manifest in FILE reaches is in the repository.
complete() {
    local host=$1 repo=$2 child
    # One curl for all: a HEAD each, "STATUS URL" a line.
    jq -r --arg url "http://$host/v2/$repo" '(.manifests[]? | "manifests/\(.digest)"),
        ((.config, .layers[]?) | select(.) | "blobs/\(.digest)") |
        "url = \"\($url)/\(.)\"\noutput = /dev/null"' "$3" >"$T/urls"
    curl -sI -K "$T/urls" ${CURL_AUTH:+-u "$CURL_AUTH"} -H "Accept: $ACCEPT" \
        -w '%{http_code} %{url_effective}\n' >"$T/statuses"
    equal "what $repo at $host lacks" "" "$(grep -v '^200 ' "$T/statuses" || true)"
    for child in $(jq -r '.manifests[]?.digest' "$3"); do
        raw "$host" "$repo" "$child" >"$T/child.${child#*:}"
        complete "$host" "$repo" "$T/child.${child#*:}"
    done
}

# no_image HOST REPO TAG_OR_DIGEST...: none of these manifests is there.
no_image() {
    local host=$1 repo=$2 name
    shift 2
    for name in "$@"; do
        equal "status of $repo $name at $host" 404 \
            "$(status_of "http://$host/v2/$repo/manifests/$name")"
    done
}

# log_count NAME REGEX / log_sum NAME REGEX req|resp: over the lines of a proxy's log.
log_count() { grep -cE -- "$2" "$T/$1.log" || true; }
log_sum() {
    { grep -E -- "$2" "$T/$1.log" || true; } |
        sed -n "s/.* $3=\([0-9]*\) .*/\1/p" | awk '{ n += $1 } END { printf "%.0f\n", n }'
}

file_size() { stat -c %s "$1"; }

# flip FILE OFFSET: turns one bit of that byte.
flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    # shellcheck disable=SC2059
    printf "\\x$(printf %02x $((byte ^ 16)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# entry_offset ARCHIVE NAME: where the bytes of this entry of a tar begin.
entry_offset() {
    tar -tRf "$1" | awk -v name="$2" '{ sub(":", "", $2) } $3 == name { print ($2 + 1) * 512 }'
}
