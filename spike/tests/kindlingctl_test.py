#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/kindlingctl, with machines that run the bare-metal guest vm_commanded, and without."""
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

BOOT = os.environ["KINDLING_BOOT"]
GUEST = os.path.join(os.environ["KINDLING_GUEST_PROGRAMS"], "vm_commanded.bin")
CTL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/kindlingctl")
# Long, for hosts that are busy: a test that passes never waits for it.
PATIENCE = "120"


def run(*arguments, **environment):
    """Exit status, standard output and standard error."""
    clean = {name: value for name, value in os.environ.items() if name != "KINDLING_CONTROL_SOCK"}
    done = subprocess.run([sys.executable, CTL, *arguments], capture_output=True, text=True,
                          env={**clean, **environment}, timeout=int(PATIENCE), check=False)
    return done.returncode, done.stdout, done.stderr


class WithoutAMachine(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "socket")

    def test_help_lists_the_commands(self):
        status, text, _ = run("--help")
        self.assertEqual(status, 0)
        for name in ("status", "pause", "resume", "checkpoint", "reset", "list", "balloon", "quit",
                     "events", "wait-for-boot", "send"):
            self.assertRegex(text, rf"\n +{name} ")
        self.assertIn("the newest by default", run("reset", "--help")[1])

    def test_wrong_command_lines_are_usage_errors(self):
        for arguments in ([], ["nonsense"], ["reset", "two"], ["pause", "now"], ["balloon"],
                          ["events", "--until"]):
            self.assertEqual(run("--control-sock", self.path, *arguments)[0], 2, arguments)
        status, _, errors = run("status")
        self.assertEqual(status, 2)
        self.assertIn("KINDLING_CONTROL_SOCK", errors)

    def test_no_machine_is_a_failure(self):
        status, text, errors = run("--control-sock", self.path, "status")
        self.assertEqual((status, text), (1, ""))
        self.assertEqual(errors, f"kindlingctl: {self.path}: No such file or directory; is a machine "
                         f"running with --control-sock {self.path}?\n")
        self.assertEqual(run("--control-sock", "a" * 300, "status")[0], 1)

    def test_what_is_no_machine_is_a_failure(self):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(self.path)
            server.listen()

            def answer(text):
                connection, _ = server.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(text)

            for text, message in ((b"220 hello\n", "not a machine's control socket"),
                                  (b"", "the machine ended before it replied")):
                thread = threading.Thread(target=answer, args=(text,))
                thread.start()
                status, _, errors = run("--control-sock", self.path, "status")
                thread.join()
                self.assertEqual(status, 1)
                self.assertIn(message, errors)


class WithAMachine(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "socket")
        self.boot = subprocess.Popen([BOOT, "--mem", "64M", "--control-sock", self.path, GUEST],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL)
        self.addCleanup(self.end)

    def end(self):
        if self.boot.poll() is None:
            self.boot.kill()
        self.boot.wait()
        self.boot.stdin.close()
        self.boot.stdout.close()

    def ctl(self, *arguments):
        return run("--control-sock", self.path, "--wait", PATIENCE, *arguments)

    def done(self, *arguments):
        """What a command that succeeds prints."""
        status, text, errors = self.ctl(*arguments)
        self.assertEqual((status, errors), (0, ""), arguments)
        return text

    def count(self):
        """Types a byte, and returns what the guest has then counted."""
        self.boot.stdin.write(b"x")
        self.boot.stdin.flush()
        while True:
            line = self.boot.stdout.readline()
            if re.fullmatch(rb"[0-9a-f]{16}\r\n", line):
                return int(line, 16)
            self.assertNotEqual(line, b"")

    def test_a_session(self):
        self.assertRegex(self.done("wait-for-boot"), r"^boot_time_ms: \d+\n$")
        self.assertIn("boot_time_ms", json.loads(self.done("--json", "wait-for-boot")))
        self.assertRegex(self.done("status"),
                         r"^state: running\nvcpus: 1\nmemory_bytes: 67108864\nbackend: soft\nengine: ")
        self.assertEqual(self.count(), 1)
        self.assertEqual(self.done("checkpoint"), "checkpoint: 1\n")
        self.assertEqual(self.count(), 2)
        self.assertRegex(self.done("list"), r"^checkpoint=1 age_ms=\d+ ram_bytes=\d+ disk_bytes=0\n$")
        self.assertRegex(self.done("reset"), r"^checkpoint: 1\ntook_us: \d+\n$")
        self.assertEqual(self.count(), 2)
        self.assertEqual(json.loads(self.done("--json", "reset", "1"))["checkpoint"], 1)
        self.assertEqual(self.count(), 2)
        self.assertEqual(self.done("pause"), "")
        self.assertIn("state: paused\n", self.done("status"))
        self.assertEqual(json.loads(self.done("--json", "status"))["state"], "paused")
        self.assertEqual(self.done("resume"), "")
        self.assertEqual(self.done("send", '{"command":"pause","id":5}'), '{"id":5,"ok":true}\n')
        self.assertEqual(run("resume", KINDLING_CONTROL_SOCK=self.path), (0, "", ""))
        self.assertEqual(self.done("quit"), "")
        self.assertEqual(self.boot.wait(int(PATIENCE)), 0)

    def test_refusals_are_failures(self):
        for arguments, message in ((["resume"], "the machine is not paused"),
                                   (["reset", "7"], "there is no checkpoint yet"),
                                   (["balloon", "64"], "this machine has no balloon device"),
                                   (["send", "nonsense"], "a request is one JSON object on one line")):
            self.assertEqual(self.ctl(*arguments), (1, "", f"kindlingctl: {message}\n"))

    def test_events_end_with_the_machine(self):
        watch = subprocess.Popen(
            [sys.executable, CTL, "--control-sock", self.path, "--wait", PATIENCE, "events"],
            stdout=subprocess.PIPE, text=True)
        # Until it has subscribed nobody knows which event is the first that it hears of; it may be the
        # second of the two.
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(watch.stdout))
        reader.start()
        while "paused\n" not in lines:
            self.done("pause")
            self.done("resume")
        self.done("checkpoint")
        self.done("quit")
        reader.join()
        watch.stdout.close()
        self.assertEqual(watch.wait(int(PATIENCE)), 0)
        self.assertIn("paused\n", lines)
        self.assertEqual(lines[-2:], ["checkpoint checkpoint=1\n", "ended reason=quit\n"])

    def test_events_until_one(self):
        watch = subprocess.Popen([sys.executable, CTL, "--control-sock", self.path, "--wait", PATIENCE,
                                  "--json", "events", "--until", "resumed"],
                                 stdout=subprocess.PIPE, text=True)
        while watch.poll() is None:
            self.done("pause")
            self.done("resume")
        lines = watch.stdout.readlines()
        watch.stdout.close()
        self.assertEqual(watch.returncode, 0)
        self.assertEqual(json.loads(lines[-1]), {"event": "resumed"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
