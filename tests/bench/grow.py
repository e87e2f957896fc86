#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""grow: the figures of grow.sh as tables and plots.

usage: grow.py DIRECTORY
"""

import os
import sys
from statistics import median

import plot


def read(directory, name):
    """{how many: [(Mbit/s, CPU s/GB, RSS kB, PSS kB, kernel threads' %,
    packets/s of idle sites)]}; empty where there is no such file."""
    found, path = {}, os.path.join(directory, name)
    if not os.path.exists(path):
        return found
    with open(path, encoding="ascii") as lines:
        for line in lines:
            n, *values = line.split("\t")
            found.setdefault(int(n), []).append([float(v) for v in values])
    return found


def column(found, i):
    return [(n, median(row[i] for row in rows)) for n, rows in found.items()]


def show(what, found):
    print("%12s %10s %14s %10s %10s %16s %16s" % (
        what, "Mbit/s", "hub CPU s/GB", "RSS kB", "PSS kB", "kernel threads",
        "idle packets/s"))
    for n, rows in found.items():
        print("%12d %10.0f %14.2f %10.0f %10.0f %14.1f %% %16.0f" % (
            (n,) + tuple(median(row[i] for row in rows) for i in range(6))))
    print()


def against(found, other):
    """What the hub's own growth costs: the machine is slower for both."""
    print("%12s %18s %18s %12s %12s" % ("sites", "a hub of 2, Mbit/s",
                                        "its CPU, s/GB", "Mbit/s", "CPU"))
    for n, rows in found.items():
        if n not in other:
            continue
        ours, theirs = ([median(row[i] for row in of) for i in range(2)]
                        for of in (rows, other[n]))
        print("%12d %18.0f %18.2f %10.2f x %10.2f x" % (
            n, *theirs, ours[0] / theirs[0], ours[1] / theirs[1]))
    print()


def loss(what, found):
    """The last line against the first: what growing costs."""
    first, *_, last = found.items() if len(found) > 1 else [None] * 2
    if first is None:
        return
    (low, before), (high, after) = first, last
    for name, i, more in (("throughput", 0, True), ("hub's CPU a GB", 1, False)):
        ratio = (median(row[i] for row in after) /
                 median(row[i] for row in before))
        print("%d to %d %s: %s %s %.0f %%" % (
            low, high, what, name, "less by" if more else "more by",
            100 * (1 - ratio if more else ratio - 1)))
    for name, i in (("RSS", 2), ("PSS", 3)):
        grown = (median(row[i] for row in after) -
                 median(row[i] for row in before))
        print("%d to %d %s: %s %.0f kB more, %.2f kB each" % (
            low, high, what, name, grown, grown / (high - low)))
    # What the machine itself does about so many processes is not the hub's.
    left = [median(row[0] / (100 - row[4]) for row in rows)
            for rows in (before, after)]
    print("%d to %d %s: throughput less by %.0f %% of what the kernel's own "
          "threads left" % (low, high, what, 100 * (1 - left[1] / left[0])))
    print()


def beside(directory, what):
    if what != "sites":
        return {}
    return {"a hub with two sites, beside those of this one":
            column(read(directory, "grow-other.tsv"), 0)}


def pairs(directory, name, *heading):
    found = read(directory, name)
    if not found:
        return
    print("%14s %20s %20s" % heading)
    for n, rows in found.items():
        for row in rows:
            print("%14d %20.2f %20.2f" % (n, *row))
    print()


def main():
    directory = sys.argv[1]
    for what in ("sites", "addresses"):
        found = read(directory, "grow-%s.tsv" % what)
        if not found:
            continue
        show(what, found)
        loss(what, found)
        plot.lines(os.path.join(directory, "grow-%s.svg" % what),
                   "Forwarding between two sites of a hub", "Mbit/s", what,
                   {"one TCP stream": column(found, 0), **beside(directory,
                                                                 what)})
        plot.lines(os.path.join(directory, "grow-%s-cpu.svg" % what),
                   "CPU time of the hub a gigabyte forwarded", "s/GB", what,
                   {"one TCP stream": column(found, 1)})
    pairs(directory, "grow-rest.tsv", "sites at rest", "packets/s",
          "hub CPU ms a second")
    pairs(directory, "grow-broadcast.tsv", "copies", "hub CPU us a copy",
          "sendmmsg() a frame")
    found = read(directory, "grow-sites.tsv")
    if found:
        against(found, read(directory, "grow-other.tsv"))
        plot.lines(os.path.join(directory, "grow-memory.svg"),
                   "Memory of the hub's processes", "MB", "sites",
                   {"RSS": [(n, kb / 1000) for n, kb in column(found, 2)],
                    "PSS": [(n, kb / 1000) for n, kb in column(found, 3)]})


if __name__ == "__main__":
    main()
