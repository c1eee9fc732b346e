#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check-layering finds each kind of breach in a small tree, and nothing in a good one."""
import os
import subprocess
import sys
import tempfile
import unittest

CHECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check-layering")
SPDX = "// SPDX-License-Identifier: Apache-2.0\n"


class CheckLayering(unittest.TestCase):
    def breaches(self, files):
        with tempfile.TemporaryDirectory() as root:
            for name, text in files.items():
                path = os.path.join(root, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            result = subprocess.run([sys.executable, CHECK, root], capture_output=True, text=True)
            self.assertEqual(result.returncode, 1 if result.stdout else 0, result.stderr)
            return result.stdout.splitlines()

    def test_good_tree(self):
        self.assertEqual(self.breaches({
            "arch/fdt.h": SPDX,
            "devices/bus.h": SPDX + '#include "arch/fdt.h"\n#include <vector>\n',
            "hvf/vm.cc": SPDX + '#include "Hypervisor/Hypervisor.h"\n',
        }), [])

    def test_upward_include(self):
        found = self.breaches({"arch/a.h": SPDX + '#include "vmm/b.h"\n', "vmm/b.h": SPDX})
        self.assertEqual(found, ["arch/a.h:2: arch/ must not include vmm/b.h"])

    def test_engine_internals_are_closed(self):
        found = self.breaches({"hvf/a.cc": SPDX + '#include <softhv/core/cpu.h>\n'})
        self.assertEqual(found, ["hvf/a.cc:2: hvf/ must not include softhv/core/cpu.h"])

    def test_include_from_another_root(self):
        found = self.breaches({"arch/a.cc": SPDX + '#include "b.h"\n', "arch/b.h": SPDX})
        self.assertEqual(found, ['arch/a.cc:2: "b.h" is no file from the repository root'])

    def test_licence_length_and_marks(self):
        found = self.breaches({
            "arch/a.h": "int a;\n",
            "arch/b.h": SPDX + "\n" * 900,
            "arch/c.h": SPDX + "// TO" + "DO: later\n",
            "run": "#!/bin/sh\n",
        })
        self.assertEqual(len(found), 4, found)
        self.assertIn("no SPDX", found[0])
        self.assertIn("901 lines", found[1])
        self.assertIn("undone", found[2])
        self.assertIn("run:1", found[3])


if __name__ == "__main__":
    unittest.main()
