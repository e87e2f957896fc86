#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""grow: the figures of grow.sh as tables and plots.

usage: grow.py DIRECTORY
"""

import os
import sys
from statistics import median

import plot


def read(path):
    """{how many: [(Mbit/s, CPU s/GB, RSS kB, PSS kB)]}"""
    found = {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            n, *values = line.split("\t")
            found.setdefault(int(n), []).append([float(v) for v in values])
    return found


def column(found, i):
    return [(n, median(row[i] for row in rows)) for n, rows in found.items()]


def show(what, found):
    print("%12s %10s %14s %10s %10s" % (what, "Mbit/s", "hub CPU s/GB",
                                        "RSS kB", "PSS kB"))
    for n, rows in found.items():
        print("%12d %10.0f %14.2f %10.0f %10.0f" % (
            (n,) + tuple(median(row[i] for row in rows) for i in range(4))))
    print()


def main():
    directory = sys.argv[1]
    for what in ("sites", "addresses"):
        found = read(os.path.join(directory, "grow-%s.tsv" % what))
        if not found:
            continue
        show(what, found)
        plot.lines(os.path.join(directory, "grow-%s.svg" % what),
                   "Forwarding between two sites of a hub", "Mbit/s", what,
                   {"one TCP stream": column(found, 0)})
    found = read(os.path.join(directory, "grow-sites.tsv"))
    if found:
        plot.lines(os.path.join(directory, "grow-memory.svg"),
                   "Memory of the hub's processes", "MB", "sites",
                   {"RSS": [(n, kb / 1000) for n, kb in column(found, 2)],
                    "PSS": [(n, kb / 1000) for n, kb in column(found, 3)]})


if __name__ == "__main__":
    main()
