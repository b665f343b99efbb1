#!/bin/bash
# Everything, from a bare Debian 12: installs what is missing (as root; anybody else is told what is
# missing), builds, and runs all tests. Fails if any of it fails.
#
#   tests/run.sh                      the presets dev and asan
#   FERRY_PRESETS="tsan" tests/run.sh others
#   FERRY_CTEST="-L unit" tests/run.sh  further options for ctest
set -euo pipefail
cd "$(dirname "$0")/.."

. tests/packages.sh
need_packages "${BUILD_PACKAGES[@]}" "${EXAMPLE_PACKAGES[@]}" "${TEST_PACKAGES[@]}"

read -r -a presets <<<"${FERRY_PRESETS:-dev asan}"
read -r -a options <<<"${FERRY_CTEST:-}"

for preset in "${presets[@]}"; do
    cmake --preset "$preset"
    cmake --build --preset "$preset"
done
# All are built before the first test runs, so that ctest has the last word. Most tests wait for
# servers more than they compute.
for preset in "${presets[@]}"; do
    echo "== preset $preset"
    ctest --test-dir "build/$preset" --no-tests=error --output-on-failure \
        --parallel $(($(nproc) + 1)) ${options[@]+"${options[@]}"}
done
