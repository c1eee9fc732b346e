# SPDX-License-Identifier: Apache-2.0
"""From the samples of bench/cpu/run to medians, ratios, geometric means and the goals' state."""
import math
import statistics

MACHINES = ["native", "kindling", "qemu"]
RATIOS = {"kindling_to_native": "kindling/native", "qemu_to_native": "qemu/native",
          "speedup": "qemu/kindling"}
GROUPS = {"integer": "integer", "float": "floating point", "neon": "NEON", "memory": "memory",
          "system": "system", "smp": "several vCPUs"}

# (measure, what is computed, the group or workload it is computed of, sign, goal)
GOALS = [
    ("integer programs, time relative to native", "slowdown", "integer", "<=", 2.5),
    ("integer programs, times faster than QEMU", "speedup", "integer", ">=", 2.5),
    ("floating-point programs, time relative to native", "slowdown", "float", "<=", 4),
    ("floating-point programs, times faster than QEMU", "speedup", "float", ">=", 4),
    ("NEON programs, time relative to native", "slowdown", "neon", "<=", 3),
    ("NEON programs, times faster than QEMU", "speedup", "neon", ">=", 12),
    ("any single program, times faster than QEMU", "least", None, ">=", 1),
    ("null system call, times faster than QEMU", "speedup", "syscall", ">=", 5),
    ("page fault, times faster than QEMU", "speedup", "pgfault", ">=", 3),
    ("context switch, times faster than QEMU", "speedup", "ctxsw", ">=", 5),
    ("fork and exec, times faster than QEMU", "speedup", "forkexec", ">=", 3),
]
SCALING_GOAL = 1.8


def geomean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def quotient(a, b):
    return a / b if a is not None and b is not None else None


def row(name, group, samples):
    """`samples`: nanoseconds for an iteration, a list for each machine that ran it."""
    times = {machine: statistics.median(values) for machine, values in samples.items()}
    native, kindling, qemu = (times.get(machine) for machine in MACHINES)
    return {"name": name, "group": group, "nanoseconds": times, "samples": samples,
            "kindling_to_native": quotient(kindling, native), "qemu_to_native": quotient(qemu, native),
            "speedup": quotient(qemu, kindling)}


def group_means(rows):
    """The geometric means of each group's ratios; a ratio that a row lacks, its group lacks."""
    means = {}
    for group in GROUPS:
        members = [each for each in rows if each["group"] == group]
        if not members or group == "smp":
            continue
        means[group] = {
            ratio: geomean([each[ratio] for each in members])
            if all(each[ratio] is not None for each in members) else None for ratio in RATIOS}
    return means


def scaling(rows):
    """Throughput of the build load with several vCPUs relative to one, for each machine."""
    loads = [each for each in rows if each["group"] == "smp"]
    if len(loads) != 2:
        return {}
    one, many = loads
    return {machine: one["nanoseconds"][machine] / time
            for machine, time in many["nanoseconds"].items()}


def goals(rows, complete):
    """The measures that these rows decide; `complete` names the groups of which nothing is left out."""
    means = {group: ratios for group, ratios in group_means(rows).items() if group in complete}
    by_name = {each["name"]: each for each in rows}
    speedups = [each["speedup"] for each in rows if each["speedup"] is not None]
    result = []
    for measure, kind, of, sign, goal in GOALS:
        if kind == "least":
            value = min(speedups, default=None) if complete >= GROUPS.keys() else None
        else:
            ratio = "kindling_to_native" if kind == "slowdown" else "speedup"
            value = (means.get(of) or by_name.get(of) or {}).get(ratio)
        result.append((measure, value, sign, goal))
    result.append(("build load, throughput of several vCPUs relative to one",
                   scaling(rows).get("kindling"), ">=", SCALING_GOAL))
    return [{"measure": measure, "value": value, "goal": f"{sign} {goal}",
             "met": value <= goal if sign == "<=" else value >= goal}
            for measure, value, sign, goal in result if value is not None]


# -- Text

def duration(nanoseconds):
    if nanoseconds is None:
        return "-"
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.3g} ns"


def number(value):
    return "-" if value is None else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def table(head, lines, markdown):
    """The first column to the left, the others to the right."""
    if markdown:
        rule = ["---"] + ["---:"] * (len(head) - 1)
        return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule] + lines)
    widths = [max(map(len, column)) for column in zip(head, *lines)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0])] + [cell.rjust(width)
                                               for cell, width in zip(line[1:], widths[1:])])
        for line in [head] + lines)


def results_table(rows, markdown):
    means = group_means(rows)
    machines = [machine for machine in MACHINES if any(machine in each["nanoseconds"] for each in rows)]
    ratios = {ratio: title for ratio, title in RATIOS.items() if set(title.split("/")) <= set(machines)}
    lines = []
    for group, title in GROUPS.items():
        for each in rows:
            if each["group"] == group:
                lines.append([each["name"]] +
                             [duration(each["nanoseconds"].get(machine)) for machine in machines] +
                             [number(each[ratio]) for ratio in ratios])
        if group in means and ratios:
            name = f"**{title}, geometric mean**" if markdown else f"= {title}, geometric mean"
            lines.append([name] + [""] * len(machines) +
                         [number(means[group][ratio]) for ratio in ratios])
    return table(["an iteration of", *machines, *ratios.values()], lines, markdown)


def goals_table(decided, markdown):
    lines = [[each["measure"], each["goal"], number(each["value"]), "yes" if each["met"] else "no"]
             for each in decided]
    return table(["measure", "goal", "result", "met"], lines, markdown) if lines else ""
