#!/bin/bash
# How fast ociferry-verify reads, beside `openssl dgst -sha256` over the same file. Not run by CI.
#
#   tests/bench/verify.sh [--dir DIR] [--rounds N] [--scale N] [CASE...]
#
#   huge   one layer of 2 GiB                       (--scale 4 makes it 512 MiB, and so on)
#   many   100 layers of 20 MiB
#   small  9000 layers of 4 KiB: what an entry costs, whatever is in it
#
# Without CASE all of them. DIR (default /var/tmp/ferry-bench) keeps the archives between runs. Each
# case is read out of the page cache, and from the disk below DIR after it was dropped from there. Rounds
# are interleaved, medians are printed.
#
# Columns: MiB a second by the clock and by processor seconds, peak RSS in MiB, and how much of openssl's
# speed that is, by the clock and by processor seconds.
set -euo pipefail

dir=/var/tmp/ferry-bench rounds=5 scale=1 cases=()
while [ $# -gt 0 ]; do
    case $1 in
    --dir) dir=$2; shift ;;
    --rounds) rounds=$2; shift ;;
    --scale) scale=$2; shift ;;
    -*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2 ;;
    *) cases+=("$1") ;;
    esac
    shift
done
[ ${#cases[@]} -gt 0 ] || cases=(huge many small)
mkdir -p "$dir"

export TMPDIR=$dir
FERRY_BUILD=${FERRY_BUILD:-$(cd "$(dirname "$0")/../.." && pwd)/build/release}
. "$(dirname "$0")/../support/lib.sh" || exit
for program in ociferry-verify measure openssl jq; do
    command -v $program >/dev/null || fail "$program is not here; build the preset release first"
done

# make FILE LAYERS BYTES: an archive of one image whose layers are noise.
make() {
    local layout=$T/layout digest file oci=application/vnd.oci.image
    mkdir -p "$layout/blobs/sha256" "$T/parts"
    head -c $(($2 * $3)) /dev/zero |
        openssl enc -aes-128-ctr -nosalt -K "$(printf '%032x' "$2")" -iv 00 2>/dev/null |
        split -b "$3" -a 6 - "$T/parts/"
    find "$T/parts" -type f -exec sha256sum {} + | sort -k2 >"$T/sums"
    while read -r digest file; do
        mv "$file" "$layout/blobs/sha256/$digest"
        echo "$digest"
    done <"$T/sums" >"$T/layers"
    jq -Rcn '{os: "linux", architecture: "amd64", rootfs: {type: "layers",
        diff_ids: [inputs | "sha256:" + .]}}' "$T/layers" >"$T/config"
    store "$layout" "$T/config"
    jq -Rcn --argjson c "$DESC" --arg o $oci --argjson s "$3" '{schemaVersion: 2,
        mediaType: ($o + ".manifest.v1+json"), config: ($c + {mediaType: ($o + ".config.v1+json")}),
        layers: [inputs | {mediaType: ($o + ".layer.v1.tar"), digest: ("sha256:" + .), size: $s}]}' \
        "$T/layers" >"$T/manifest"
    store "$layout" "$T/manifest"
    jq -cn --argjson m "$DESC" --arg o $oci \
        '{schemaVersion: 2, manifests: [$m + {mediaType: ($o + ".manifest.v1+json")}]}' >"$layout/index.json"
    printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
    # The documents first, as an exporter writes them.
    tar -C "$layout" -cf "$T/archive" oci-layout index.json \
        "blobs/sha256/$(jq -r '.manifests[0].digest[7:]' "$layout/index.json")" \
        --exclude "blobs/sha256/$(jq -r '.manifests[0].digest[7:]' "$layout/index.json")" blobs
    mv "$T/archive" "$1"
    rm -r "$layout"
}
store() { # LAYOUT FILE: sets DESC, without a media type
    local digest
    digest=$(openssl dgst -sha256 -r "$2" | cut -d' ' -f1)
    DESC=$(jq -cn --arg d "sha256:$digest" --argjson s "$(file_size "$2")" '{digest: $d, size: $s}')
    mv "$2" "$1/blobs/sha256/$digest"
}
make_huge() { make "$1" 1 $((2048 * 1024 * 1024 / scale)); }
make_many() { make "$1" 100 $((20 * 1024 * 1024 / scale)); }
make_small() { make "$1" $((9000 / scale)) 4096; }

read_cached() { cat "$1" >/dev/null; }
read_disk() { dd if="$1" iflag=nocache count=0 status=none; } # drops it from the cache

run_ferry() { measure "$T/one.json" ociferry-verify -q "$1"; }
run_openssl() { measure "$T/one.json" openssl dgst -sha256 "$1" >/dev/null; }

# median FILE MEMBER
median() { jq -s "map(.$2) | sort | .[length / 2 | floor]" "$1"; }

echo "$(nproc) processors, $rounds rounds, $dir$([ "$scale" = 1 ] || echo ", scale 1/$scale")"
printf '%-24s %8s %10s %9s %9s %8s\n' "" "MiB/s" "MiB/CPU s" "peak MiB" "of openssl" "by CPU"
for case in "${cases[@]}"; do
    archive=$dir/verify.$case.$scale.tar
    if [ ! -f "$archive" ]; then
        make_$case "$archive"
        sync "$archive"
    fi
    bytes=$(file_size "$archive")
    for from in cached disk; do
        for ((i = 0; i < rounds; i++)); do
            for tool in ferry openssl; do
                read_$from "$archive"
                run_$tool "$archive" || fail "$tool: $archive"
                cat "$T/one.json" >>"$T/$case.$from.$tool"
            done
        done
        for tool in ferry openssl; do
            file=$T/$case.$from.$tool base=$T/$case.$from.openssl
            awk -v name="$case $from $tool" -v mib="$((bytes / 1048576))" -v wall="$(median "$file" wall_s)" \
                -v cpu="$(median "$file" cpu_s)" -v peak="$(median "$file" peak_kib)" \
                -v base_wall="$(median "$base" wall_s)" -v base_cpu="$(median "$base" cpu_s)" 'BEGIN {
                printf "%-24s %8.0f %10.0f %9.1f %9.2f %9.2f\n", name, mib / wall, mib / cpu, peak / 1024,
                    base_wall / wall, base_cpu / cpu }'
        done
    done
done
