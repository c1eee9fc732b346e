# SPDX-License-Identifier: Apache-2.0
# Shared by every script: where things are, how to speak, how to fail. Sourced, never run.
#
# A script that sources this file runs with `set -euo pipefail`; a command that fails unexpectedly is
# reported with its line, a foreseen failure with `die` and a sentence that says what to do.

set -Eeuo pipefail

KINDLING_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
KINDLING_BUILD=${KINDLING_BUILD:-$KINDLING_ROOT/build}
KINDLING_GUEST=$KINDLING_BUILD/guest
KINDLING_WORK=$KINDLING_BUILD/guest-work
KINDLING_SCRIPT=$(basename "$0")

say() { printf '%s: %s\n' "$KINDLING_SCRIPT" "$*" >&2; }

die() {
  printf '%s: error: %s\n' "$KINDLING_SCRIPT" "$*" >&2
  exit 1
}

trap 'printf "%s: error: line %s: the command \"%s\" failed\n" "$KINDLING_SCRIPT" "$LINENO" "$BASH_COMMAND" >&2' ERR

# quietly LOG COMMAND...: runs a long step with its output in LOG, and shows the end of it on failure.
quietly() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 && return 0
  tail -n 40 "$log" >&2
  die "\"$*\" failed; its whole output is in $log"
}

# content_hash PATH...: one hash over names, modes and contents, for stamp files.
content_hash() {
  local path
  for path in "$@"; do
    find "$path" -type f -printf '%p %m\n' -exec sha256sum {} +
  done | sed "s|$KINDLING_ROOT/||g" | LC_ALL=C sort | sha256sum | cut -d' ' -f1
}

# up_to_date STAMP HASH FILE...: true if every file is there and was made from the inputs HASH names.
up_to_date() {
  local stamp=$1 hash=$2 file
  shift 2
  [[ -f $stamp && $(<"$stamp") == "$hash" ]] || return 1
  for file in "$@"; do [[ -s $file ]] || return 1; done
}

# take_turns NAME: scripts that write the same files wait for one another; held until the script ends.
take_turns() {
  mkdir -p "$KINDLING_WORK" "$KINDLING_GUEST"
  exec 9>"$KINDLING_WORK/$1.lock"
  flock -n 9 && return 0
  say "waiting for another script that prepares the same files"
  flock 9
}

# with_root_ids COMMAND...: runs COMMAND so that the files it packs belong to root.
with_root_ids() {
  if ((EUID == 0)); then
    "$@"
  else
    fakeroot -- "$@"
  fi
}
