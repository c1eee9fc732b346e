#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds everything, and runs every test, those that boot a guest included.
# Arguments go to ctest: `scripts/test.sh -R fdt`.

. "$(dirname "$0")/lib/common.sh"
. "$KINDLING_ROOT/scripts/lib/setup.sh"

install_packages build test guest
configure_release ON
build_release
"$KINDLING_ROOT/scripts/guest/fetch-debian.sh"
trap - ERR
cd "$KINDLING_BUILD"
status=0
ctest --output-on-failure --no-tests=error -j "$(nproc)" "$@" || status=$?
((status == 0)) || say "tests failed; run one alone with scripts/test.sh -R NAME"
exit "$status"
