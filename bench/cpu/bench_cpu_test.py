# SPDX-License-Identifier: Apache-2.0
"""The benchmark programs compute the same on every machine, and the reports are computed right.
KINDLING_BUILD names the build's folder."""
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import report  # noqa: E402

BUILD = os.environ["KINDLING_BUILD"]
# Of three iterations each.
CHECKSUMS = {
    "mark": 14519990810312,
    "sha256": 5736678714021859628,
    "crc32": 2791128259,
    "muldiv": 1690347534195795190,
    "sieve": 162166739,
    "flags": 893303755749834366,
    "records": 4083970032797976937,
    "fib": 17714,
    "qsort": 10982890135707406697,
    "vcall": 3840277976,
    "interp": 3673534144569933813,
    "interpcg": 3673534144569933813,
    "nbody": 16510740853812231804,
    "mandel": 220353,
    "fpmix": 18177750674422100880,
    "libm": 8133,
    "matmul": 14236418597334884718,
    "matmulf": 9882443748115598041,
    "saxpy": 4879867276258580869,
    "blend": 1037780301762623889,
    "chase_l1": 3,
    "chase_l2": 3,
    "chase_mem": 3,
    "chase_tlb": 3,
    "memcpy64k": 13940352320382997743,
    "memcpy16m": 10060049703375801551,
    "memcpysm": 95690,
    "memset64k": 1150450636566231323,
    "strops": 50862,
    "atomic": 16160972372837141801,
    "syscall": 300,
    "pgfault": 9,
    "ctxsw": 38,
    "forkexit": 3,
    "forkexec": 3,
    "mprotect": 14,
    "build": 7711140458842138655,
}
# qemu-aarch64 cannot start /proc/self/exe on a host that does not know arm64 programs.
NEED_EXEC = {"forkexec", "build"}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Program(unittest.TestCase):
    native = os.path.join(BUILD, "bench/bench_cpu.native")

    def check(self, name, *command):
        done = run(*command, name, "3")
        self.assertEqual(done.returncode, 0, f"{name}: {done.stderr}")
        fields = done.stdout.split()
        self.assertEqual((fields[:2], int(fields[3])), ([name, "3"], CHECKSUMS[name]))

    def test_list_names_every_workload_and_a_known_group(self):
        groups = dict(line.split() for line in run(self.native, "--list").stdout.splitlines())
        self.assertEqual(set(groups), set(CHECKSUMS))
        self.assertEqual(set(groups.values()), set(report.GROUPS))

    def test_native_checksums(self):
        for name in CHECKSUMS:
            self.check(name, self.native)

    @unittest.skipUnless(shutil.which("qemu-aarch64"), "qemu-aarch64 is missing")
    def test_arm64_checksums(self):
        for name in CHECKSUMS.keys() - NEED_EXEC:
            self.check(name, "qemu-aarch64", os.path.join(BUILD, "bench/bench_cpu.arm64"))

    def test_finds_the_iterations_for_a_time(self):
        name, count, nanoseconds, _ = run(self.native, "fib", "0.02s").stdout.split()
        self.assertEqual(name, "fib")
        self.assertGreater(int(count), 1)
        self.assertGreater(int(nanoseconds), 0)

    def test_refuses_what_it_cannot_run(self):
        for arguments in ((), ("nothing",), ("fib", "0"), ("fib", "x"), ("fib", "1", "2"), ("--fib",)):
            self.assertEqual(run(self.native, *arguments).returncode, 2, arguments)


class Report(unittest.TestCase):
    rows = [
        report.row("a", "integer", {"native": [9, 10, 50], "kindling": [20, 20], "qemu": [40, 80]}),
        report.row("b", "integer", {"native": [1], "kindling": [8], "qemu": [4]}),
        report.row("syscall", "system", {"kindling": [100], "qemu": [700]}),
        report.row("build, 1 vCPU", "smp", {"kindling": [20], "qemu": [50]}),
        report.row("build, 4 vCPUs", "smp", {"kindling": [10], "qemu": [40]}),
    ]

    def test_ratios_are_of_medians(self):
        self.assertEqual([self.rows[0][ratio] for ratio in report.RATIOS], [2, 6, 3])
        self.assertEqual([self.rows[2][ratio] for ratio in report.RATIOS], [None, None, 7])

    def test_means_are_geometric_and_leave_out_what_is_incomplete(self):
        means = report.group_means(self.rows)
        self.assertEqual(set(means), {"integer", "system"})
        self.assertAlmostEqual(means["integer"]["kindling_to_native"], 4)
        self.assertAlmostEqual(means["integer"]["speedup"], 1.5 ** 0.5)
        self.assertEqual(means["system"], {"kindling_to_native": None, "qemu_to_native": None,
                                           "speedup": means["system"]["speedup"]})

    def test_goals_are_decided_by_what_was_measured(self):
        decided = report.goals(self.rows, report.GROUPS.keys())
        met = {each["measure"]: each["met"] for each in decided}
        self.assertEqual(met, {
            "integer programs, time relative to native": False,
            "integer programs, times faster than QEMU": False,
            "any single program, times faster than QEMU": False,
            "null system call, times faster than QEMU": True,
            "build load, throughput of several vCPUs relative to one": True,
        })
        self.assertEqual(report.goals([], report.GROUPS.keys()), [])

    def test_parts_of_groups_decide_nothing_about_the_group(self):
        measures = {each["measure"] for each in report.goals(self.rows, {"system", "smp"})}
        self.assertEqual(measures, {"null system call, times faster than QEMU",
                                    "build load, throughput of several vCPUs relative to one"})

    def test_tables_have_a_line_for_each_row_and_mean(self):
        for markdown in (False, True):
            lines = report.results_table(self.rows, markdown).splitlines()
            self.assertEqual(len(lines), 1 + markdown + len(self.rows) + 2)
            self.assertEqual("**integer, geometric mean**" in "\n".join(lines), markdown)

    def test_tables_leave_out_machines_that_did_not_run(self):
        text = report.results_table([report.row("a", "float", {"native": [1], "qemu": [3]})], False)
        self.assertEqual(text.splitlines()[0].split()[3:], ["native", "qemu", "qemu/native"])

    def test_durations_have_units(self):
        self.assertEqual([report.duration(value) for value in (None, 1.5, 2e3, 3.25e6, 1e9)],
                         ["-", "1.5 ns", "2 us", "3.25 ms", "1 s"])


class Run(unittest.TestCase):
    def test_parses_and_lists(self):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run")
        done = run(sys.executable, script, "--list")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), len(CHECKSUMS))


if __name__ == "__main__":
    unittest.main()
