#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a test module of this folder; status 77 (skipped) when the guest files have not been made."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import guest  # noqa: E402

if not guest.guest_files_present():
    print("no guest files: run scripts/guest/fetch-debian.sh")
    sys.exit(77)
unittest.main(module=sys.argv[1], argv=[sys.argv[1]] + sys.argv[2:], verbosity=2)
