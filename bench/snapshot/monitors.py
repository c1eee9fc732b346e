# SPDX-License-Identifier: Apache-2.0
"""How each monitor starts a guest, writes a snapshot of it and goes on from one."""
import glob
import json
import os
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import side_by_side as sbs  # noqa: E402

PROGRAMS = os.path.join(sbs.BUILD, "guest-programs")


class Guest:
    """What runs: `kernel`, what it prints when it is up, and what it may be asked, with the answer."""

    def __init__(self, kernel, remedy, disk, up, question, answer):
        self.kernel, self.remedy, self.disk = kernel, remedy, disk
        self.up, self.question, self.answer = up, question, answer


GUESTS = {
    # Prints by itself; answers without being asked.
    "tick": Guest(os.path.join(PROGRAMS, "tick.bin"), "build the target bench_snapshot", None, b".", b"", b"."),
    # Writes to 100 pages and answers.
    "dirty": Guest(os.path.join(PROGRAMS, "dirty.bin"), "build the target bench_snapshot", None, b"r", b"1", b"d"),
    # At its shell's prompt. The answer cannot be an echo.
    "linux": Guest(os.path.join(sbs.GUEST, "Image.microvm"), "scripts/guest/build-kernel.sh makes it",
                   os.path.join(sbs.GUEST, "rootfs.ext4"), sbs.PROMPT, b"echo answer-$((6*7))\n", b"answer-42"),
}


class Lines:
    """A Unix socket that takes and gives JSON objects, one a line."""

    def __init__(self, path, patience=10):
        deadline = time.monotonic() + patience
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(path)
                break
            except OSError as error:
                self.socket.close()
                if time.monotonic() > deadline:
                    sbs.fail(f"{path}: {error}")
                time.sleep(0.01)
        self.file = self.socket.makefile("rw", encoding="utf-8")

    def close(self):
        self.file.close()
        self.socket.close()

    def ask(self, request):
        print(json.dumps(request), file=self.file, flush=True)
        while True:
            line = self.file.readline()
            if not line:
                sbs.fail(f"the monitor hung up on {request}")
            reply = json.loads(line)
            if "event" not in reply:
                return reply


def forget_cached(paths):
    """Drops what the host's page cache holds of these files."""
    for path in paths:
        file = os.open(path, os.O_RDONLY)
        os.fsync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


def bytes_on_disk(paths):
    return sum(os.stat(path).st_blocks * 512 for path in paths)


class Kindling:
    """A guest's snapshots are called after it and its memory, in a store in `folder`."""
    types_into_the_past = False

    def __init__(self, folder, engine=None):
        self.folder, self.engine = folder, engine
        self.control = None

    def start(self, kind, memory, track=False):
        guest = GUESTS[kind]
        sbs.need(guest.kernel, guest.remedy)
        command = sbs.boot_command(guest.kernel, None, copy_of_disk(guest, self.folder),
                                   "root=/dev/vda rw quiet", memory, engine=self.engine)
        path = os.path.join(self.folder, "control")
        command[1:1] = ["--store", self.folder, "--control-sock", path] + track * ["--track-dirty"]
        running = sbs.Guest(command)
        self.control = Lines(path)
        return running

    def save(self, name, kind="full"):
        begun = time.monotonic()
        reply = self.control.ask({"command": "snapshot", "name": name, "type": kind})
        if not reply["ok"]:
            sbs.fail(reply["error"])
        return {"stopped": reply["stopped_us"] / 1e6, "seconds": time.monotonic() - begun,
                "bytes": reply["ram_bytes"] + reply["disk_bytes"],
                "on_disk": bytes_on_disk(self.files(name))}

    def end(self):
        self.control.ask({"command": "quit"})
        self.control.close()

    def files(self, name):
        return glob.glob(os.path.join(self.folder, "snapshots", name, "*"))

    def restore_command(self, kind, memory, name):
        command = [os.path.join(sbs.BUILD, "bin/boot"), "--store", self.folder, "--restore", name]
        return command + (["--engine", self.engine] if self.engine else [])


class Qemu:
    """`how`: savevm, which writes into the guest's qcow2 disk, or migrate, to a file of its own."""
    types_into_the_past = True  # what is typed before the guest is there is lost

    def __init__(self, folder, how, qemu=sbs.QEMU):
        self.folder, self.how, self.qemu = folder, how, qemu
        self.control = None
        self.serial = 0
        self.disks = {}

    def command(self, kind, memory, disk):
        guest = GUESTS[kind]
        sbs.need(guest.kernel, guest.remedy)
        command = sbs.qemu_command(guest.kernel, None, None, "root=/dev/vda rw quiet", memory, qemu=self.qemu)
        return command + ["-drive", f"if=none,id=disk,format=qcow2,file={disk}",
                          "-device", "virtio-blk-device,drive=disk"]

    def start(self, kind, memory, track=False):
        self.serial += 1
        disk = os.path.join(self.folder, f"disk{self.serial}.qcow2")
        root = GUESTS[kind].disk
        make = ["create", "-f", "qcow2", disk, "64M"]
        if root:
            make = ["convert", "-f", "raw", "-O", "qcow2", root, disk]
        try:
            subprocess.run(["qemu-img", *make], check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            sbs.fail(f"qemu-img: {error}; scripts/setup.sh bench installs it")
        self.disks["present"] = disk
        path = os.path.join(self.folder, f"qmp{self.serial}")
        running = sbs.Guest(self.command(kind, memory, disk) + ["-qmp", f"unix:{path},server=on,wait=off"])
        self.control = Lines(path)
        self.control.file.readline()  # the greeting
        self.execute("qmp_capabilities")
        return running

    def execute(self, command, **arguments):
        reply = self.control.ask({"execute": command, "arguments": arguments})
        if "error" in reply:
            sbs.fail(f"QEMU: {command}: {reply['error']}")
        return reply["return"]

    def save(self, name, kind="full"):
        disk = self.disks[name] = self.disks["present"]
        before = bytes_on_disk([disk])
        begun = time.monotonic()
        if self.how == "savevm":
            said = self.execute("human-monitor-command", **{"command-line": f"savevm {name}"})
            if said:
                sbs.fail(f"QEMU: savevm: {said}")
        else:
            # Of a guest that runs: what comes from one that was stopped stays stopped.
            self.execute("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
            self.execute("migrate", uri=f"exec:cat > {self.stream(name)}")
            while self.execute("query-migrate")["status"] != "completed":
                time.sleep(0.001)
        taken = stopped = time.monotonic() - begun
        if self.how == "migrate":
            stopped = self.execute("query-migrate")["downtime"] / 1000
        written = bytes_on_disk(self.files(name)) - before
        return {"stopped": stopped, "seconds": taken, "bytes": written, "on_disk": written}

    def end(self):
        self.execute("quit")
        self.control.close()

    def stream(self, name):
        return os.path.join(self.folder, f"{name}.stream")

    def files(self, name):
        return [self.disks[name]] + ([self.stream(name)] if self.how == "migrate" else [])

    def restore_command(self, kind, memory, name):
        if self.how == "savevm":
            return self.command(kind, memory, self.disks[name]) + ["-loadvm", name]
        return self.command(kind, memory, self.disks[name] + ",snapshot=on") + \
            ["-incoming", f"exec:cat {self.stream(name)}"]


def copy_of_disk(guest, folder):
    if guest.disk is None:
        return None
    sbs.need(guest.disk, "scripts/guest/fetch-debian.sh makes it")
    copy = os.path.join(folder, "disk.img")
    subprocess.run(["cp", "--sparse=always", guest.disk, copy], check=True)
    return copy
