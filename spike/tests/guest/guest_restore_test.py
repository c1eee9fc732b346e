#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Linux that goes on from a snapshot: by the helper of its root its clock becomes right, and its random
numbers are its own."""
import os
import re
import tempfile
import time
import unittest

from guest import PROMPT, Disk, Guest, guest_file

LONG_AGO = "2001"
SNAPSHOT = b"\x01Sbase\n"
END = b"\x01x"
WAIT = f"while date | grep -q {LONG_AGO}; do :; done"  # on one line of the terminal
ADJUSTED = "the guest's clock is set and its random numbers are new"


class Restore(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.store = os.path.join(self.folder.name, "store")

    def snapshot(self, kernel, *options):
        """At the prompt, of a guest whose clock is wrong."""
        with Disk() as disk, Guest(disk, "--store", self.store, *options, kernel=kernel) as guest:
            guest.read_until(PROMPT)
            self.assertEqual(guest.run(f"date -s {LONG_AGO}-01-01 > /dev/null; date +%Y"),
                             (f"{LONG_AGO}\n", 0))
            guest.type(SNAPSHOT)
            guest.read_until(b"snapshot base: ")
            guest.type(END)
            self.assertEqual(guest.end(), 0, guest.stderr())

    def go_on(self, commands, *options):
        """What the commands printed in a clone, and what boot said."""
        with Guest(None, "--store", self.store, "--restore", "base", "--log-level", "info",
                   *options) as guest:
            guest.type(b"\n")
            guest.read_until(PROMPT)
            outputs = [guest.run(command)[0] for command in commands]
            guest.type(END)
            self.assertEqual(guest.end(), 0, guest.stderr())
            return outputs, guest.stderr()

    def check_clones(self):
        seen = set()
        for engine in "auto", "interp":
            before = time.time()
            (waited, now, numbers), said = self.go_on(
                [WAIT, "date +%s", "head -c 16 /dev/urandom | hexdump -C"], "--engine", engine)
            self.assertEqual(waited, "")
            self.assertGreaterEqual(int(now), int(before))
            self.assertLessEqual(int(now), time.time())
            self.assertIn(ADJUSTED, said)
            seen.add(numbers)
        self.assertEqual(len(seen), 2, "random numbers repeat themselves")

    def test_stock_kernel(self):
        self.snapshot("Image")
        self.check_clones()

    @unittest.skipUnless(os.path.exists(guest_file("Image.microvm")), "there is no Image.microvm")
    def test_microvm_kernel(self):
        self.snapshot("Image.microvm", "--smp", "2")
        self.check_clones()

    def test_a_guest_without_the_helper_goes_on(self):
        with Disk() as disk, Guest(disk, "--store", self.store) as guest:
            guest.read_until(PROMPT)
            guest.run("killall kindling-helper")
            guest.run(f"date -s {LONG_AGO}-01-01 > /dev/null")
            guest.type(SNAPSHOT)
            guest.read_until(b"snapshot base: ")
            guest.type(END)
            self.assertEqual(guest.end(), 0, guest.stderr())
        (year, _, now), said = self.go_on(
            ["date +%Y", "kindling-helper & true", f"{WAIT}; date +%Y"])
        self.assertEqual(year, f"{LONG_AGO}\n")
        self.assertGreater(int(re.search(r"\d{4}", now)[0]), int(LONG_AGO), "told when it listens")
        self.assertIn(ADJUSTED, said)

    def test_a_run_that_can_be_repeated_is_told_nothing(self):
        self.snapshot("Image", "--icount")
        (year,), said = self.go_on(["sleep 3; date +%Y"], "--icount")
        self.assertEqual(year, f"{LONG_AGO}\n")
        self.assertNotIn(ADJUSTED, said)


if __name__ == "__main__":
    unittest.main()
