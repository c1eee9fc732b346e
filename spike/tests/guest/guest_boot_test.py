#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boots Debian's arm64 kernel with four processors and uses the machine as a person does."""
import hashlib
import random
import re
import unittest

from guest import PROMPT, Disk, Guest

# Said where the host takes the processor away from the guest for long.
EXPECTED_WARNINGS = ("hrtimer: interrupt took",)


class GuestBoot(unittest.TestCase):
    def test_command_line_runs_a_command(self):
        with Disk() as disk, Guest(
                disk, "--smp", "4", append='quiet kindling.run="echo $((6*7)); nproc; uname -m"') as guest:
            console = guest.read_until(None)
            self.assertEqual(guest.process.wait(60), 0, guest.stderr())
        self.assertRegex(console, r"42\n4\naarch64\nkindling.run: exit status 0\n")

    def test_session(self):
        """One boot, since each takes seconds: processors, log, clock, paste, persistence, reboot."""
        with Disk() as disk:
            with Guest(disk, "--smp", "4") as guest:
                guest.read_until(PROMPT)
                self.assertEqual(guest.run("nproc"), ("4\n", 0))
                self.check_kernel_log(guest)
                self.check_interrupts(guest)
                self.check_clock(guest)
                self.check_paste(guest)
                self.assertEqual(guest.run("echo kept > /root/file; sync"), ("", 0))
                # The old shell may still print a prompt, and would take what is typed now.
                guest.type(b"reboot\n")
                guest.read_until(b"Kindling guest:")
                guest.read_until(PROMPT)
                self.assertEqual(guest.run("cat /root/file"), ("kept\n", 0))
                guest.run("echo again >> /root/file")
                guest.type(b"sync; poweroff\n")
                self.assertEqual(guest.end(), 0, guest.stderr())
                self.assertIn("Guest-boot-time = ", guest.stderr())
            with Guest(disk) as guest:
                guest.read_until(PROMPT)
                self.assertEqual(guest.run("cat /root/file"), ("kept\nagain\n", 0))
                self.assertEqual(guest.run("nproc"), ("1\n", 0))
                # Ctrl-A x leaves at once.
                guest.type(b"\x01x")
                self.assertEqual(guest.end(), 0, guest.stderr())
                self.assertTrue(guest.terminal_is_restored())

    def check_kernel_log(self, guest):
        log, status = guest.run("dmesg -r")
        self.assertEqual(status, 0)
        bad = [line for line in log.splitlines()
               if re.match(r"<[0-4]>", line) and not any(known in line for known in EXPECTED_WARNINGS)]
        self.assertEqual(bad, [])

    def check_interrupts(self, guest):
        """Every processor takes its own timer's interrupts."""
        line = guest.run("grep arch_timer /proc/interrupts")[0]
        counts = [int(word) for word in line.split()[1:5]]
        self.assertTrue(all(count > 0 for count in counts), line)

    def check_clock(self, guest):
        self.assertEqual(guest.run("cat /sys/class/rtc/rtc0/name")[1], 0)
        text, _ = guest.run("date +%Y")
        self.assertGreaterEqual(int(text), 2024)

    def check_paste(self, guest):
        """100 kB typed at once arrive whole."""
        letters = "abcdefghijklmnopqrstuvwxyz0123456789"
        generator = random.Random(1)
        text = "".join(
            "".join(generator.choice(letters) for _ in range(63)) + "\n" for _ in range(1600))
        guest.type(b"stty -echo; cat > /tmp/paste; stty echo\n")
        guest.read_until(b"stty echo\r\n")
        guest.type(text.encode() + b"\x04")
        guest.read_until(PROMPT)
        digest = hashlib.sha256(text.encode()).hexdigest()
        output, _ = guest.run("sha256sum < /tmp/paste")
        self.assertEqual(output.split()[0], digest)

    def test_end_of_input_keeps_the_guest_running(self):
        with Disk() as disk, Guest(disk, append='quiet kindling.run="sleep 1; echo still here"',
                                 terminal=False) as guest:
            guest.close_input()
            console = guest.read_until(None)
            self.assertEqual(guest.process.wait(60), 0, guest.stderr())
        self.assertIn("still here\n", console)


if __name__ == "__main__":
    unittest.main()
