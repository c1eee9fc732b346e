# SPDX-License-Identifier: Apache-2.0
"""What the side-by-side benchmarks share: the two monitors' command lines, watching a guest's console,
and what the host spends on it. Imported by the "run" programs of this folder."""
import json
import os
import platform
import pty
import re
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("KINDLING_BUILD", os.path.join(ROOT, "build"))
GUEST = os.path.join(BUILD, "guest")
PROMPT = b"root@kindling:~# "
BENCH_READY = b"bench_cpu is ready"
QEMU = "qemu-system-aarch64"


def fail(sentence):
    print(f"{os.path.basename(sys.argv[0])}: error: {sentence}", file=sys.stderr)
    sys.exit(1)


def need(path, remedy):
    if not os.path.exists(path):
        fail(f"{os.path.relpath(path)} is missing; {remedy}")
    return path


def boot_command(kernel, initramfs, disk, cmdline, memory, smp=1, engine=None):
    command = [need(os.path.join(BUILD, "bin/boot"), "build it: scripts/demo.sh --smoke")]
    command += ["--mem", f"{memory}M", "--smp", str(smp), "--cmdline", f"console=ttyS0 {cmdline}"]
    if engine:
        command += ["--engine", engine]
    if initramfs:
        command += ["--initramfs", initramfs]
    return command + [kernel] + ([disk] if disk else [])


def qemu_command(kernel, initramfs, disk, cmdline, memory, smp=1, cpu="cortex-a72", qemu=QEMU):
    if not shutil.which(qemu):
        fail(f"{qemu} is missing; install it: scripts/setup.sh bench")
    command = [qemu, "-M", "virt", "-cpu", cpu, "-smp", str(smp)]
    command += ["-m", str(memory), "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"]
    command += ["-global", "virtio-mmio.force-legacy=false", "-device", "virtio-rng-device"]
    command += ["-append", f"console=ttyAMA0 {cmdline}", "-kernel", kernel]
    if initramfs:
        command += ["-initrd", initramfs]
    if disk:
        command += ["-drive", f"if=none,id=root,format=raw,file={disk}"]
        command += ["-device", "virtio-blk-device,drive=root"]
    return command


def write_bench_initramfs(path):
    """A cpio archive (newc) with bench_cpu as its init, whose first line is BENCH_READY."""
    with open(need(os.path.join(BUILD, "bench/bench_cpu.arm64"), "build the target bench_cpu"), "rb") as file:
        program = file.read()
    archive = b""
    for name, mode, data in (("init", 0o100755, program), ("TRAILER!!!", 0, b"")):
        # inode, mode, owner, group, links, time, size, 4 device numbers, length of the name, check
        fields = (1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        archive += f"070701{''.join(f'{field:08x}' for field in fields)}{name}\0".encode()
        archive += b"\0" * (-len(archive) % 4) + data
        archive += b"\0" * (-len(archive) % 4)
    with open(path, "wb") as file:
        file.write(archive)


MONITORS = {"kindling": boot_command, "qemu": qemu_command}


class Guest:
    """A monitor with a guest, its console on pipes. Use as a context: it ends with the block.
    `terminal`: what is typed comes from a terminal, for monitors that make a difference."""

    def __init__(self, command, terminal=False):
        self.output = b""
        self.log = tempfile.TemporaryFile()
        self.started = time.monotonic()
        keyboard, end = pty.openpty() if terminal else (None, subprocess.PIPE)
        self.process = subprocess.Popen(command, stdin=end, stdout=subprocess.PIPE, stderr=self.log)
        self.input = self.process.stdin
        if terminal:
            os.close(end)
            self.input = os.fdopen(keyboard, "wb")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()
        self.input.close()
        self.process.stdout.close()
        self.log.close()

    def wait_for(self, wanted, timeout):
        """Seconds from exec until the console shows `wanted` (bytes; None: its end)."""
        self.read_until(wanted, self.started + timeout)
        return time.monotonic() - self.started

    def type(self, text):
        self.input.write(text)
        self.input.flush()

    def ask(self, line, wanted, timeout):
        """Types a line; what the console shows from then on until `wanted`."""
        self.output = b""
        self.type(line.encode() + b"\n")
        self.read_until(wanted, time.monotonic() + timeout)
        return self.output

    def read_until(self, wanted, deadline):
        while wanted is None or wanted not in self.output:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
            if not ready:
                self.give_up(f"no {wanted!r} in time")
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                if wanted is None:
                    break
                self.give_up(f"the monitor ended before {wanted!r}")
            self.output += chunk

    def give_up(self, why):
        self.log.seek(0)
        sys.stderr.buffer.write(self.output[-2000:] + b"\n" + self.log.read()[-2000:] + b"\n")
        fail(f"{self.process.args[0]}: {why}")

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def running_seconds(self):
        """CPU time of the monitor's present threads, finer than cpu_seconds()."""
        total = 0
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{thread}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
        return total / 1e9

    def memory_beside_ram(self, ram_mib):
        """Resident KiB of the monitor, its mapping of guest RAM (known by its size) left out."""
        total = ram = 0
        size = 0
        with open(f"/proc/{self.process.pid}/smaps", encoding="ascii") as file:
            for line in file:
                match = re.match(r"(Size|Rss):\s+(\d+) kB", line)
                if not match:
                    continue
                if match[1] == "Size":
                    size = int(match[2])
                    continue
                total += int(match[2])
                if ram_mib * 1024 <= size < ram_mib * 1024 + 1024:
                    ram += int(match[2])
        return total - ram, ram


def host(qemu=QEMU):
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = re.search(r"model name\s*:\s*(.*)", file.read())[1]
    except (OSError, TypeError):
        pass
    qemu = shutil.which(qemu) and subprocess.run(
        [qemu, "--version"], capture_output=True, text=True, check=False).stdout.split("\n")[0]
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "qemu": qemu,
            "load": os.getloadavg()[0]}


def write_json(path, results):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(results, file, indent=2)
        file.write("\n")


def median(values):
    return statistics.median(values)
