# SPDX-License-Identifier: Apache-2.0
"""A guest under test: boot with the default guest files, a disk of its own, its console on a
pseudo-terminal or on pipes."""
import os
import pty
import select
import subprocess
import tempfile
import termios
import time

BOOT = os.environ["KINDLING_BOOT"]
GUEST = os.environ["KINDLING_GUEST"]
PROMPT = b"root@kindling:~# "
# A boot takes seconds; a machine under heavy load may take minutes.
TIMEOUT = 240


def guest_file(name):
    return os.path.join(GUEST, name)


def guest_files_present():
    return all(os.path.exists(guest_file(name)) for name in ("Image", "initramfs.cpio.gz", "rootfs.ext4"))


class Disk:
    """A private copy of a root file system."""

    def __init__(self, name="rootfs.ext4"):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, name)
        subprocess.run(["cp", "--sparse=always", guest_file(name), self.path], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.folder.cleanup()


class Guest:
    """boot, running. As a context it is killed at the end if it still runs. Without a disk the options
    say what it runs, as `--restore` does."""

    def __init__(self, disk, *options, append="quiet", kernel="Image", terminal=True):
        command = [BOOT, *options]
        if disk is not None:
            command += ["--append", append]
            if kernel == "Image":
                command += ["--initramfs", guest_file("initramfs.cpio.gz")]
            command += [guest_file(kernel), disk.path]
        self.errors = tempfile.TemporaryFile()
        if terminal:
            self.reader, self.terminal = pty.openpty()
            os.set_blocking(self.reader, False)
            self.writer = self.reader
            self.settings = termios.tcgetattr(self.terminal)
            self.process = subprocess.Popen(command, stdin=self.terminal, stdout=self.terminal,
                                            stderr=self.errors)
        else:
            self.terminal = None
            guest_input, self.writer = os.pipe()
            self.reader, guest_output = os.pipe()
            self.process = subprocess.Popen(command, stdin=guest_input, stdout=guest_output,
                                            stderr=self.errors)
            os.close(guest_input)
            os.close(guest_output)
        self.output = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.errors.close()
        for descriptor in {self.reader, self.writer, self.terminal} - {None}:
            os.close(descriptor)

    def close_input(self):
        """End of file at the console, which must be on pipes."""
        os.close(self.writer)
        self.writer = None

    def terminal_is_restored(self):
        """Whether the terminal's settings are what they were before boot made it raw."""
        return termios.tcgetattr(self.terminal) == self.settings

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def read_until(self, wanted):
        """Console output up to and with `wanted`; None: up to the end."""
        deadline = time.monotonic() + TIMEOUT
        while wanted is None or wanted not in self.output:
            # The test holds the terminal open, so that its end does not show as end of file.
            ended = self.process.poll() is not None
            ready, _, _ = select.select([self.reader], [], [],
                                        0 if ended else min(max(deadline - time.monotonic(), 0), 1))
            chunk = os.read(self.reader, 65536) if ready else b""
            if not chunk:
                if not ended and not ready and time.monotonic() < deadline:
                    continue
                if wanted is None and (ended or ready):
                    break
                why = "ended" if ended or ready else f"said nothing more within {TIMEOUT} s"
                raise AssertionError(f"boot {why} before {wanted!r}; console: "
                                     f"{self.output[-3000:].decode(errors='replace')}\n{self.stderr()}")
            self.output += chunk
        end = len(self.output) if wanted is None else self.output.index(wanted) + len(wanted)
        seen, self.output = self.output[:end], self.output[end:]
        return seen.decode(errors="replace").replace("\r\n", "\n")

    def type(self, data):
        """Types at the console; waits as long as the guest does not read."""
        view = memoryview(data)
        deadline = time.monotonic() + TIMEOUT
        while view:
            readable, writable, _ = select.select(
                [self.reader], [self.writer], [], max(deadline - time.monotonic(), 0))
            if not readable and not writable:
                raise AssertionError("the console took no more input")
            if readable:
                self.output += os.read(self.reader, 65536)
            if writable:
                try:
                    view = view[os.write(self.writer, view[:4096]):]
                except BlockingIOError:
                    continue

    def run(self, command):
        """Types a command at the prompt; what it printed, and its exit status."""
        self.type(command.encode() + b"; echo \"[$?]\"\n")
        self.read_until(b"; echo \"[$?]\"\r\n")
        text = self.read_until(PROMPT)
        text = text[:-len(PROMPT)]
        body, _, status = text.rpartition("[")
        return body, int(status.rstrip("]\n"))

    def end(self):
        """Waits until boot ends; its exit status."""
        self.read_until(None)
        return self.process.wait(TIMEOUT)
