# SPDX-License-Identifier: Apache-2.0
"""The goals of snapshots, and the tables of bench/snapshot/run."""

# (key of a figure, what it is, unit, goal); a figure may be missing. Keys that begin alike lie together.
GOALS = [
    ("tick.512", "exec to the guest's first byte, bare guest of 512 MiB, warm", "ms", 5),
    ("tick.8192", "the same, 8 GiB", "ms", 5),
    ("linux.512", "exec to the first byte of the shell's output, 512 MiB, warm", "ms", 30),
    ("linux.8192", "the same, 8 GiB", "ms", 30),
    ("clones.seconds", "clones of one base at once, until all have answered", "s", 5),
    ("clones.mib", "memory of an idle clone beyond what is shared", "MiB", 10),
    ("full.seconds_per_gb", "full snapshot, time stopped for a GB that is in use", "s", 1),
    ("full.excess", "full snapshot, size on disk beyond the bytes in use", "%", 1),
    ("diff.stopped", "diff after 8 MiB were written to, time stopped", "ms", 15),
    ("diff.excess", "diff, size beyond the 8 MiB", "%", 1),
    ("reset.1", "back to a checkpoint in the process, 100 pages, 1 vCPU", "us", 20),
    ("reset.4", "the same, 4 vCPUs", "us", 100),
    ("tax", "what following writes costs a program that fills memory", "%", 5),
    ("pause.4", "pause of 4 vCPUs that write on, 99th of 100", "us", 1000),
]


def goals(figures):
    return [{"measure": what, "value": figures[key], "unit": unit, "goal": goal, "met": figures[key] <= goal}
            for key, what, unit, goal in GOALS if figures.get(key) is not None]


def number(value):
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"


def table(head, lines):
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule] + lines)


def goals_table(decided):
    return table(["measure", "value", "goal", "met"],
                 [[each["measure"], f"{number(each['value'])} {each['unit']}", f"<= {each['goal']} {each['unit']}",
                   "yes" if each["met"] else "no"] for each in decided])


def restore_table(rows):
    """`rows`: guest, memory in MiB, monitor, cache, seconds (medians)."""
    return table(["restore", "memory", "monitor", "cache", "after exec"],
                 [[row["guest"], f"{row['memory']} MiB", row["monitor"], row["cache"],
                   f"{1000 * row['seconds']:.1f} ms"] for row in rows])


def chains_table(rows):
    return table(["restore", "the first time after exec", "then"],
                 [[f"{row['layers']} layers", f"{1000 * row['first']:.1f} ms", f"{1000 * row['seconds']:.1f} ms"]
                  for row in rows])


def clones_table(rows):
    return table(["monitor", "clones", "all have answered after", "private memory of one"],
                 [[row["monitor"], str(row["clones"]), f"{row['seconds']:.2f} s", f"{row['mib']:.1f} MiB"]
                  for row in rows])


def save_table(rows):
    return table(["snapshot", "monitor", "guest stopped for", "until it is done", "bytes", "on disk"],
                 [[row["what"], row["monitor"], f"{1000 * row['stopped']:.1f} ms",
                   f"{1000 * row['seconds']:.0f} ms", f"{row['bytes'] / 2**20:.1f} MiB",
                   f"{row['on_disk'] / 2**20:.1f} MiB"] for row in rows])
