# The Debian packages that building, the example and the tests need: the one list of them. Sourced.
# shellcheck shell=bash disable=SC2034

BUILD_PACKAGES=(gcc libc6-dev cmake ninja-build pkg-config libarchive-dev libcurl4-openssl-dev
    libjansson-dev libyaml-dev libzstd-dev libssl-dev ca-certificates)
EXAMPLE_PACKAGES=(docker-registry skopeo umoci curl jq)
TEST_PACKAGES=(libcmocka-dev nginx-light openssl zstd bsdutils clang-format yq python3 podman
    dosfstools)
BENCH_PACKAGES=(nginx-light zstd)

missing_packages() {
    local package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep 'ok installed' >/dev/null ||
            echo "$package"
    done
}

# need_packages PACKAGE...: installs what is missing; a user who may not is told what it is.
need_packages() {
    local missing
    if ! command -v dpkg-query >/dev/null; then
        echo "no Debian here; going on as if there were the likes of: $*" >&2
        return
    fi
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        echo "these packages are missing; as root: apt-get install ${missing[*]}" >&2
        return 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    apt-get install -q -y --no-install-recommends "${missing[@]}"
}
