# SPDX-License-Identifier: Apache-2.0
"""bench/snapshot/run measures what it says, on small guests, and decides the goals right.
KINDLING_BUILD names the build's folder."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, FOLDER)
import report  # noqa: E402


class Run(unittest.TestCase):
    def test_measures_small_guests(self):
        with tempfile.TemporaryDirectory() as folder:
            figures = os.path.join(folder, "figures.json")
            command = [sys.executable, os.path.join(FOLDER, "run"), "--quick", "--runs", "1",
                       "--monitor", "kindling", "--folder", folder, "--json", figures]
            for measure in ("restore", "chains", "clones", "full", "diff"):
                command += ["--only", measure]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            with open(figures, encoding="utf-8") as file:
                results = json.load(file)["results"]
            self.assertEqual(os.listdir(folder), ["figures.json"])
        self.assertEqual({row["cache"] for row in results["restore"]}, {"warm", "cold"})
        self.assertEqual([(row["layers"], len(row["samples"])) for row in results["chains"]], [(1, 2), (3, 2)])
        self.assertEqual(len(results["clones"][0]["runs"][0]["mib"]), 3)
        self.assertGreater(results["full"][0]["bytes"], 0)
        touched = 8 << 20  # and what the guest counts in
        self.assertTrue(touched <= results["diff"][0]["bytes"] < touched * 1.01, results["diff"])


class Report(unittest.TestCase):
    def test_goals_are_decided_by_what_was_measured(self):
        decided = report.goals({"tick.512": 4, "linux.512": 31, "clones.mib": 10, "unknown": 1})
        self.assertEqual([each["met"] for each in decided], [True, False, True])
        self.assertEqual(report.goals({}), [])
        self.assertIn("| 4.00 ms | <= 5 ms | yes |", report.goals_table(decided))


if __name__ == "__main__":
    unittest.main()
