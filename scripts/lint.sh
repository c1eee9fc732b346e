#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs clang-tidy with the checks of .clang-tidy over the tree, or over the files given. Needs a
# configured build (build/compile_commands.json); too slow for every change, so not part of CI.

. "$(dirname "$0")/lib/common.sh"
. "$KINDLING_ROOT/scripts/lib/setup.sh"
install_packages build test lint
configure_release ON
build_release
cd "$KINDLING_ROOT"
trap - ERR
list() {
  if (($# > 0)); then printf '%s\0' "$@"; else git ls-files -z '*.cc'; fi
}
list "$@" | xargs -0 -r -n 4 -P "$(nproc)" nice clang-tidy --quiet -p "$KINDLING_BUILD" --warnings-as-errors='*' ||
  die "clang-tidy found something; its messages are above"
