#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Types every line of snapshots.md, in two shells on pseudo-terminals, and compares the answers: those of
the guest word for word, of the others with any numbers. "..." stands for anything."""
import fcntl
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import termios
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ["KINDLING_BUILD"]
HOST, GUEST = "$ ", "root@kindling:~# "
PROMPT = "host% "  # of the shells: not found in what they print
NAME = "name of the snapshot to write: "
KEY = re.compile(r"<(?:Ctrl-A )?(\S+)>$")
PATIENCE = 20  # seconds; a test that passes never waits for them
NUMBER = r"\d+(?:\.\d+)?"
UNITS = r"(?:MiB|KiB|min|ms|us|s)"


class Terminal:
    """A shell in a folder."""

    def __init__(self, folder):
        self.master, slave = pty.openpty()
        environment = dict(os.environ, PS1=PROMPT, TERM="dumb")
        self.process = subprocess.Popen(["bash", "--norc", "--noprofile", "--noediting"], stdin=slave,
                                        stdout=slave, stderr=slave, cwd=folder, env=environment,
                                        preexec_fn=lambda: take_terminal(slave))
        os.close(slave)
        self.seen = ""
        self.wait(re.escape(PROMPT))

    def type(self, text):
        os.write(self.master, text.encode())

    def wait(self, pattern):
        """What comes up to the end of `pattern`, which is taken."""
        deadline = time.monotonic() + PATIENCE
        while (found := re.search(pattern, self.seen)) is None:
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise SystemExit(f"no {pattern!r} within {PATIENCE} s; the terminal shows:\n{self.seen[-3000:]}")
            self.seen += os.read(self.master, 65536).decode(errors="replace").replace("\r", "")
        taken, self.seen = self.seen[:found.end()], self.seen[found.end():]
        return taken

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def take_terminal(slave):
    """Makes it the controlling terminal of this process."""
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


def pattern_of(line, exact):
    text = re.escape(line).replace(re.escape("..."), ".*")
    if not exact:
        text = re.sub(NUMBER.replace(r"\.", r"\\\."), lambda _: NUMBER, text)
        text = re.sub(r"\b(MiB|KiB|min|ms|us|s)\b", lambda _: UNITS, text)
        text = re.sub(r"(\\ )+", lambda _: " +", text)
    return text


def blocks(text):
    """Each example: its terminal, and its lines."""
    for kind, body in re.findall(r"^```console(.*)\n((?:.*\n)*?)```$", text, re.MULTILINE):
        yield kind.strip(), body.splitlines()


def follow(terminal, lines):
    exact, prompt = True, None
    for line in lines:
        key = KEY.match(line)
        if key or line.startswith((HOST, GUEST)):
            if prompt is not None:
                terminal.wait(prompt)
            prompt = None
        if key:
            exact = False
            terminal.type("\n" if key[1] == "Enter" else f"\x01{key[1]}")
            if key[1] == "Enter":
                terminal.wait(re.escape(GUEST))
            elif key[1] == "x":
                terminal.wait(re.escape(PROMPT))
        elif line.startswith(HOST):
            command = line[len(HOST):]
            terminal.type(command + "\n")
            terminal.wait(re.escape(command) + "\n")
            exact = False
            # A machine does not end by itself: one that boots has a prompt, one that goes on has had it.
            prompt = re.escape(PROMPT)
            if command.startswith("build/bin/boot --"):
                prompt = None if "--restore" in command else re.escape(GUEST)
        elif line.startswith(GUEST):
            command = line[len(GUEST):]
            terminal.type(command + "\n")
            terminal.wait(re.escape(command) + "\n")
            exact, prompt = True, re.escape(GUEST)
        elif NAME in line:
            before, name = line.split(NAME)
            terminal.wait(pattern_of(before + NAME, exact=False))
            terminal.type(name + "\n")
        else:
            terminal.wait(pattern_of(line, exact))
    if prompt is not None:
        terminal.wait(prompt)


def main():
    if not os.path.exists(os.path.join(BUILD, "guest/rootfs.ext4")):
        print("no guest files: run scripts/guest/fetch-debian.sh")
        return 77
    with open(os.path.join(HERE, "snapshots.md"), encoding="utf-8") as file:
        examples = list(blocks(file.read()))
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(BUILD, os.path.join(folder, "build"))
        os.symlink(os.path.join(HERE, "../scripts"), os.path.join(folder, "scripts"))
        terminals = {}
        for kind, lines in examples:
            if kind not in terminals:
                terminals[kind] = Terminal(folder)
            follow(terminals[kind], lines)
        for terminal in terminals.values():
            terminal.close()
    print(f"{len(examples)} examples are as they are written")
    return 0


sys.exit(main())
