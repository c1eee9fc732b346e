#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs of --icount: the same guest and input give the same instructions, console and memory, whichever
engine runs it and whatever else the host does."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

from guest import BOOT, TIMEOUT, Disk, guest_file

# Two processors at work at once, the disk, the clock, random numbers, time that is slept through,
# input that waits for the guest from before it boots.
SCRIPT = b"""cat /proc/interrupts
for i in 1 2 3 4 5 6; do (dd if=/dev/urandom bs=64k count=4 2>/dev/null | md5sum) & done; wait
sleep 1000; date
cat /proc/uptime
echo kept > /root/file; sync; ls -l /root
poweroff -f
"""
REBOOT = 'quiet kindling.run="if [ -e /root/file ]; then date; else touch /root/file; sleep 5; reboot -f; fi"'


class Busy:
    """More processes that compute than the host has processors."""

    def __enter__(self):
        self.processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"])
                          for _ in range(2 * (os.cpu_count() or 1))]

    def __exit__(self, *unused):
        for process in self.processes:
            process.kill()
            process.wait()


def run(*options, script=SCRIPT):
    """The console of a run with its end, and what boot said about it."""
    command = [BOOT, "--smp", "2", "--mem", "128M", "--icount-report", *options]
    if os.path.exists(guest_file("Image.microvm")):
        command += [guest_file("Image.microvm")]
    else:
        command += ["--initramfs", guest_file("initramfs.cpio.gz"), guest_file("Image")]
    with Disk() as disk, tempfile.TemporaryFile() as console:
        done = subprocess.run(command + [disk.path], input=script, stdout=console,
                              stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
        console.seek(0)
        return done.returncode, console.read(), done.stderr.decode()


class Determinism(unittest.TestCase):
    def test_runs_repeat_themselves(self):
        first = run("--icount")
        status, console, report = first
        self.assertEqual(status, 0, report)
        self.assertRegex(console, rb"# cat /proc/interrupts\r\n +CPU0 ")
        self.assertRegex(console, rb"Jan +1 00:16:4\d UTC 2026")  # though nobody waited for it
        self.assertRegex(console, rb"\n100\d\.\d\d ")
        self.assertRegex(report, r"instructions retired: [0-9]{8,}, memory sha256: [0-9a-f]{64}\n")
        self.assertEqual(run("--icount", "--engine", "interp"), first)
        with Busy():
            self.assertEqual(run("--icount"), first)

    def test_a_reboot_goes_on_in_time(self):
        first = run("--icount", "--append", REBOOT, script=b"")
        self.assertEqual(first[0], 0, first[2])
        self.assertRegex(first[1], rb"Jan +1 00:00:0[5-9] UTC 2026")
        for engine in "auto", "interp":
            self.assertEqual(run("--icount", "--engine", engine, "--append", REBOOT, script=b""), first)

    def test_seed_and_speed_make_other_runs(self):
        script = b"\npoweroff -f\n"

        def memory(*options):
            status, _, report = run(*options, script=script)
            self.assertEqual(status, 0, report)
            return re.search("sha256: ([0-9a-f]{64})", report)[1]

        runs = {memory("--icount"), memory("--icount", "--seed", "7"), memory("--icount=3")}
        self.assertEqual(len(runs), 3)


if __name__ == "__main__":
    unittest.main()
