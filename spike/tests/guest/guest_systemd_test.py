#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A Debian whose init is systemd (scripts/guest/build-debian.sh --systemd): it comes up with all its
units, with one processor and with four, and powers off by itself."""
import os
import unittest

from guest import PROMPT, Disk, Guest, guest_file

ROOT = "debian-systemd.ext4"
# A machine under heavy load may take minutes to find its devices.
PATIENT = "quiet systemd.default_timeout_start_sec=900"


@unittest.skipUnless(os.path.exists(guest_file(ROOT)), f"there is no {ROOT}")
class Systemd(unittest.TestCase):
    def boot(self, processors):
        with Disk(ROOT) as disk:
            with Guest(disk, "--smp", str(processors), "--mem", "1G", append=PATIENT) as guest:
                guest.read_until(b"login: ")
                guest.type(b"root\n")
                guest.read_until(PROMPT)
                guest.run("bind 'set enable-bracketed-paste off'")
                state, status = guest.run("systemctl is-system-running --wait")
                failed, _ = guest.run("systemctl --failed --no-legend --plain | cat")
                self.assertEqual((state, status, failed), ("running\n", 0, ""))
                self.assertEqual(guest.run("nproc"), (f"{processors}\n", 0))
                self.assertEqual(guest.run("systemctl is-active multi-user.target"), ("active\n", 0))
                guest.type(b"systemctl poweroff\n")
                end = guest.read_until(None)
                self.assertEqual(guest.process.wait(), 0, guest.stderr())
            self.assertIn("reboot: Power down", end)
            # What was not unmounted would be recovered.
            with Guest(disk, append="quiet init=/bin/sh") as guest:
                guest.read_until(b"# ")
                guest.type(b"dmesg | grep EXT4-fs; echo do''ne\n")
                mounted = guest.read_until(b"done\r\n")
                self.assertIn("mounted filesystem", mounted)
                self.assertNotRegex(mounted, "recovery|orphan")

    def test_one_processor(self):
        self.boot(1)

    def test_four_processors(self):
        self.boot(4)
