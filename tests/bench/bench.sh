#!/bin/bash
# How long, how much CPU, memory and writing: ociferry beside skopeo and plain curl. Not run by CI.
#
#   tests/bench/bench.sh [--dir DIR] [--rounds N] [--jobs N] [--export|--import] [CASE...]
#
#   huge   one layer of 3 GiB                       (--scale 4 makes it 768 MiB, and so on)
#   many   60 layers of 20 MiB
#   tags   200 tags of one small layer each
#   real   8 images of gzip layers, made of the files below /usr, which share layers; about 1 GiB
#
# Without CASE all of them. DIR (default /var/tmp/ferry-bench) keeps the images between runs; on a
# disk it shows the disk, on /dev/shm the programs. It needs about 12 GiB there.
#
# Export pulls from nginx, which serves a folder as the pull side of a registry: the server costs next
# to nothing. Import pushes into docker-registry, with empty storage each time; there the registry
# is what is measured, mostly. Rounds are interleaved (each program once, then again), medians are
# printed. "curl" is `curl | tee FILE | sha256sum` over all the blobs on one connection: what one
# stream that is hashed and written costs. skopeo writes oci-archive: where there is one image; where
# there are several, which it cannot put into one archive, it fills an oci: folder that tar then packs.
#
# Columns: wall seconds, CPU seconds per GiB, peak RSS in MiB of the largest process, bytes sent to
# the disk per byte of the images (none in /dev/shm), wall time beside ociferry's.
set -euo pipefail

dir=/var/tmp/ferry-bench rounds=5 jobs="" sides="export import" scale=1 cases=()
while [ $# -gt 0 ]; do
    case $1 in
    --dir) dir=$2; shift ;;
    --rounds) rounds=$2; shift ;;
    --jobs) jobs=$2; shift ;;
    --scale) scale=$2; shift ;;
    --export) sides="export" ;;
    --import) sides="import" ;;
    -*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2 ;;
    *) cases+=("$1") ;;
    esac
    shift
done
[ ${#cases[@]} -gt 0 ] || cases=(huge many tags real)
mkdir -p "$dir"

export TMPDIR=$dir
FERRY_BUILD=${FERRY_BUILD:-$(cd "$(dirname "$0")/../.." && pwd)/build/release}
. "$(dirname "$0")/../support/lib.sh" || exit
. "$ROOT/tests/packages.sh"
need_packages "${EXAMPLE_PACKAGES[@]}" "${BENCH_PACKAGES[@]}"
for program in ociferry-export ociferry-import measure skopeo nginx jq; do
    command -v $program >/dev/null || fail "$program is not here; build the preset release first"
done

# --- the images, as files that nginx can serve: DIR/www/v2/CASE/N/... -------------------------------

www=$dir/www
noise() { # SEED BYTES
    head -c "$2" /dev/zero | openssl enc -aes-128-ctr -nosalt -K "$(printf '%s' "$1" | md5sum | cut -c1-32)" \
        -iv 00000000000000000000000000000000
}

# store REPO FILE: as a blob of the repository. Sets DIGEST and SIZE.
store() {
    DIGEST=sha256:$(openssl dgst -sha256 -r "$2" | cut -d' ' -f1)
    SIZE=$(file_size "$2")
    mkdir -p "$www/v2/$1/blobs" "$www/v2/$1/manifests"
    mv "$2" "$www/v2/$1/blobs/$DIGEST"
}

# image REPO TYPE LAYER_FILE...: config and manifest with the tag 1; the layer files are moved, or
# linked where they belong to several images ("=FILE").
image() {
    local repo=$1 type=$2 file layers=()
    shift 2
    for file in "$@"; do
        if [ "${file#=}" != "$file" ]; then
            ln "${file#=}" "$T/linked"
            file=$T/linked
        fi
        store "$repo" "$file"
        layers+=("{\"mediaType\":\"$type\",\"digest\":\"$DIGEST\",\"size\":$SIZE}")
    done
    # diff_ids are not looked at by anything here; there must be as many as layers.
    printf '%s\n' "${layers[@]}" | jq -cs '{architecture: "amd64", os: "linux",
        rootfs: {type: "layers", diff_ids: map(.digest)}}' >"$T/config"
    store "$repo" "$T/config"
    printf '%s\n' "${layers[@]}" | jq -cs --arg d "$DIGEST" --argjson s "$SIZE" '{schemaVersion: 2,
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $d, size: $s},
        layers: .}' >"$T/manifest"
    DIGEST=sha256:$(openssl dgst -sha256 -r "$T/manifest" | cut -d' ' -f1)
    cp "$T/manifest" "$www/v2/$repo/manifests/$DIGEST"
    mv "$T/manifest" "$www/v2/$repo/manifests/1"
}

tar_type=application/vnd.oci.image.layer.v1.tar

make_huge() {
    noise huge $((3 * 1024 * 1024 * 1024 / scale)) >"$T/layer"
    image huge/0 $tar_type "$T/layer"
}

make_many() {
    local i files=()
    for i in {1..60}; do
        noise "many$i" $((20 * 1024 * 1024 / scale)) >"$T/layer.$i"
        files+=("$T/layer.$i")
    done
    image many/0 $tar_type "${files[@]}"
}

make_tags() {
    local i
    for i in {1..200}; do
        noise "tags$i" 20000 >"$T/layer"
        image tags/$i $tar_type "$T/layer"
    done
}

# Files of this machine: the three base layers are shared by all, then each image has its own.
make_real() {
    local i files=() parts
    find /usr -xdev -type f -size -64M -readable 2>/dev/null | sort |
        awk 'BEGIN { srand(1) } { print int(rand() * 19) " " $0 }' >"$T/files"
    for i in {0..18}; do
        # About 150 MB a layer, before gzip.
        awk -v n="$i" '$1 == n { sub("^[0-9]+ ", ""); print }' "$T/files" |
            tar -C / -cf - -T - --ignore-failed-read 2>/dev/null |
            head -c $((150000000 / scale)) | gzip -n -1 >"$T/real.$i" || true
    done
    for i in {1..8}; do
        parts=("=$T/real.0" "=$T/real.1" "=$T/real.2" "$T/real.$((i * 2 + 1))" "$T/real.$((i * 2 + 2))")
        image real/$i $tar_type+gzip "${parts[@]}"
    done
}

for case in "${cases[@]}"; do
    if [ ! -f "$www/$case.$scale" ]; then
        echo "making the images of $case"
        rm -rf "$www/v2/$case" "$www/$case".*
        make_$case
        touch "$www/$case.$scale"
    fi
done

# --- nginx as the pull side -------------------------------------------------------------------------

for attempt in {1..20}; do
    port=$(dead_port)
    cat >"$T/nginx.conf" <<CONF
daemon off; worker_processes 1; pid $T/nginx.pid; error_log $T/nginx.log;
events { worker_connections 512; }
http {
    access_log off; sendfile on; keepalive_requests 1000000; client_body_temp_path $T;
    proxy_temp_path $T; fastcgi_temp_path $T; uwsgi_temp_path $T; scgi_temp_path $T;
    default_type application/octet-stream;
    server {
        listen 127.0.0.1:$port; root $www;
        location = /v2/ { default_type application/json; return 200 '{}'; }
        location ~ /manifests/ { default_type application/vnd.oci.image.manifest.v1+json; }
    }
}
CONF
    timeout 7200 nginx -c "$T/nginx.conf" -e "$T/nginx.log" &
    SERVERS+=($!)
    sleep 0.3
    if kill -0 $! 2>/dev/null; then
        break
    fi
done
wait_for nginx curl -sf "http://127.0.0.1:$port/v2/"
host=127.0.0.1:$port

# --- what is compared -------------------------------------------------------------------------------

list_refs() { (cd "$www/v2/$1" && for i in *; do echo "$host/$1/$i:1"; done | sort -V); }
out=$T/out.d

export_ferry() { ociferry-export -q ${jobs:+-j "$jobs"} -o "$out/a.tar" -f "$T/refs"; }
export_pipe() { ociferry-export -q ${jobs:+-j "$jobs"} -o - -f "$T/refs" >/dev/null; }
export_curl() { curl -s -K "$T/urls" | tee "$out/a.tar" | sha256sum >/dev/null; }
export_openssl() { curl -s -K "$T/urls" | tee "$out/a.tar" | openssl dgst -sha256 >/dev/null; }
export_skopeo() {
    local ref
    if [ "$(wc -l <"$T/refs")" -eq 1 ]; then
        skopeo copy -q --insecure-policy --src-tls-verify=false --preserve-digests \
            "docker://$(cat "$T/refs")" "oci-archive:$out/a.tar:1"
        return
    fi
    while read -r ref; do
        skopeo copy -q --insecure-policy --src-tls-verify=false --preserve-digests "docker://$ref" \
            "oci:$out/oci:${ref#*/}"
    done <"$T/refs"
    tar -C "$out/oci" -cf "$out/a.tar" .
}

import_ferry() { ociferry-import -q ${jobs:+-j "$jobs"} "$T/in.tar" "$DST"; }
import_pipe() { ociferry-import -q ${jobs:+-j "$jobs"} - "$DST" <"$T/in.tar"; }
import_skopeo() {
    local ref
    if [ "$(wc -l <"$T/refs")" -eq 1 ]; then
        skopeo copy -q --insecure-policy --dest-tls-verify=false --preserve-digests \
            "oci-archive:$T/in.tar:1" "docker://$DST/$(cut -d/ -f2- "$T/refs")"
        return
    fi
    # Taken apart once: oci-archive: would do so for every image.
    mkdir "$out/oci"
    tar -C "$out/oci" -xf "$T/in.tar"
    while read -r ref; do
        skopeo copy -q --insecure-policy --dest-tls-verify=false --preserve-digests \
            "oci:$out/oci:$ref" "docker://$DST/${ref#*/}"
    done <"$T/refs"
}

export -f export_ferry export_pipe export_curl export_openssl export_skopeo \
    import_ferry import_pipe import_skopeo
export T out host jobs DST

# round SIDE TOOL CASE
round() {
    rm -rf "$out"
    mkdir "$out"
    if [ "$1" = import ]; then
        rm -rf "$T/DST.storage"
        start_registry DST
    fi
    sync
    measure "$T/one.json" bash -c "set -euo pipefail; $1_$2" || fail "$1 $2 $3"
    cat "$T/one.json" >>"$T/$1.$2.$3"
    if [ "$1" = import ]; then
        stop_last
    fi
    rm -rf "$out"
}

# report SIDE CASE BYTES TOOL...
report() {
    local side=$1 case=$2 bytes=$3 tool base
    shift 3
    base=$(jq -s 'map(.wall_s) | sort | .[length / 2 | floor]' "$T/$side.ferry.$case")
    for tool in "$@"; do
        jq -rs --arg name "$side $case $tool" --argjson bytes "$bytes" --argjson base "$base" '
            def median(f): map(f) | sort | .[length / 2 | floor];
            [$name, median(.wall_s), median(.cpu_s) * 1073741824 / $bytes, median(.peak_kib) / 1024,
             median(.stored) / $bytes, median(.wall_s) / $base] | @tsv' "$T/$side.$tool.$case" |
            awk -F'\t' '{ printf "%-24s %8.2f %10.2f %9.1f %9s %8.2f\n", $1, $2, $3, $4,
                ($5 > 0 ? sprintf("%.2f", $5) : "-"), $6 }'
    done
}

head_line() { printf '%-24s %8s %10s %9s %9s %8s\n' "" "wall s" "CPU s/GiB" "peak MiB" "written" "wall/us"; }

echo "$(nproc) processors, $rounds rounds, $dir$([ "$scale" = 1 ] || echo ", scale 1/$scale")"
for side in $sides; do
    for case in "${cases[@]}"; do
        list_refs "$case" >"$T/refs"
        # Every blob once, manifests too.
        (cd "$www" && find "v2/$case" -type f -not -name 1 -printf '%f %p %s\n' | sort -u -k1,1) >"$T/blobs"
        bytes=$(awk '{ n += $3 } END { printf "%.0f\n", n }' "$T/blobs")
        awk -v host="http://$host/" '{ print "url = \"" host $2 "\"" }' "$T/blobs" >"$T/urls"
        if [ "$side" = export ]; then
            tools=(ferry pipe curl openssl skopeo)
        else
            tools=(ferry pipe skopeo)
            # By full name where skopeo has to tell several images apart.
            style=full
            [ "$(wc -l <"$T/refs")" -gt 1 ] || style=tag
            ociferry-export -q --ref-name $style --force -o "$T/in.tar" -f "$T/refs"
        fi
        for ((i = 0; i < rounds; i++)); do
            for tool in "${tools[@]}"; do
                round "$side" "$tool" "$case"
            done
        done
        echo
        echo "$side $case: $(wc -l <"$T/refs") images, $(wc -l <"$T/blobs") blobs, $((bytes / 1048576)) MiB"
        head_line
        report "$side" "$case" "$bytes" "${tools[@]}"
        rm -f "$T/in.tar"
    done
done
