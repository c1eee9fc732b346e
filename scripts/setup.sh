#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that the project needs. Without arguments, those to build, test and
# make guest files; else the named groups: build test guest kernel debian bench lint.

. "$(dirname "$0")/lib/common.sh"
. "$KINDLING_ROOT/scripts/lib/setup.sh"

if (($# == 0)); then set -- build test guest; fi
install_packages "$@"
