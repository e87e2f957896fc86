#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""report: the raw figures of bench as tables, ratios and plots.

usage: report.py RAW-FILE OUTPUT-DIRECTORY BENCH-DIRECTORY

Writes report.txt and an SVG a figure into the output directory, and prints
the report.  Every cell is the median, with the lowest and highest behind it.
"""

import os
import platform
import re
import subprocess
import sys
from statistics import median

import plot

# figure: title, unit, digits, whether more is better, a column's heading
FIGURES = {
    "tcp1_mbit": ("TCP, one stream", "Mbit/s", 0, True, "1 stream, Mbit/s"),
    "tcp4_mbit": ("TCP, four streams", "Mbit/s", 0, True,
                  "4 streams, Mbit/s"),
    "tcp1_cpu_gb": ("CPU of all VPN processes, one stream", "s/GB", 2, False,
                    "CPU, s/GB"),
    "small_pps": ("64-byte UDP payloads, at most 1 % lost", "packets/s", 0,
                  True, "small packets/s"),
    "small_cpu_us": ("CPU a small packet", "us", 2, False, "CPU a packet, us"),
    "idle_mean_us": ("idle RTT, mean", "us", 0, False, "idle RTT, us"),
    "idle_p50_us": ("idle RTT, median", "us", 0, False, "median, us"),
    "idle_p99_us": ("idle RTT, 99th percentile", "us", 0, False,
                    "99th of 100, us"),
    "load_p50_us": ("RTT beside one stream, median", "us", 0, False,
                    "RTT under load, us"),
    "load_p99_us": ("RTT beside one stream, 99th percentile", "us", 0, False,
                    "99th of 100, us"),
    "pss_server_kb": ("memory of the server (PSS)", "kB", 0, False,
                      "server's PSS, kB"),
    "setup_ms": ("set-up", "ms", 0, False, "set-up, ms"),
    "rest_kb": ("what an idle line carries", "kB a minute", 1, False,
                "idle line, kB a minute"),
    "rest_packets": ("the same in packets", "packets a minute", 0, False,
                     "packets a minute"),
}
PLOTTED = ("tcp1_mbit", "tcp4_mbit", "tcp1_cpu_gb", "small_pps",
           "idle_mean_us", "load_p50_us", "pss_server_kb")
# What encrypts nothing, or does not authenticate: no peer to compare with.
NOT_SECURE = ("plain", "vxlan", "fastd-null", "vtun")


def read(path):
    """{peer: {figure: [values]}} in the order of the first round."""
    peers = {}
    with open(path, encoding="ascii") as raw:
        for line in raw:
            _, peer, figure, value = line.rstrip("\n").split("\t")
            peers.setdefault(peer, {}).setdefault(figure, []).append(
                float(value))
    return peers


def middle(peers, peer, figure):
    values = peers.get(peer, {}).get(figure)
    return median(values) if values else None


def cell(values, digits):
    if not values:
        return "-"
    low, mid, high = (format(v, ".%df" % digits)
                      for v in (min(values), median(values), max(values)))
    return mid if low == high else "%s (%s-%s)" % (mid, low, high)


def table(rows):
    """Rows of strings, the first the heading, in columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for n, row in enumerate(rows):
        lines.append("  ".join([row[0].ljust(widths[0])] + [
            text.rjust(width) for text, width in zip(row[1:], widths[1:])]))
        if n == 0:
            lines.append("-" * len(lines[0]))
    return lines


def in_order(peers):
    return sorted(peers, key=lambda p: -(middle(peers, p, "tcp1_mbit") or 0))


def figures(peers, names):
    rows = [["peer"] + [FIGURES[f][4] for f in names]]
    for peer in in_order(peers):
        rows.append([peer] + [cell(peers[peer].get(f), FIGURES[f][2])
                              for f in names])
    return table(rows)


def best(peers, figure):
    """Of the encrypted ones that are not ours: name and median."""
    found = [(middle(peers, p, figure), p) for p in peers
             if not p.startswith(NOT_SECURE + ("tombolo",))
             and middle(peers, p, figure)]
    if not found:
        return None, None
    value, peer = max(found) if FIGURES[figure][3] else min(found)
    return peer, value


def ratios(peers):
    """Ours to theirs, within this run."""
    ours = "tombolo-tap"
    rows = [[ours, "to openvpn-tap", "to vxlan (unencrypted)",
             "to the bare cable"]]
    for figure in ("tcp1_mbit", "tcp4_mbit", "small_pps", "tcp1_cpu_gb",
                   "idle_mean_us"):
        mine = middle(peers, ours, figure)
        if not mine:
            continue
        row = [FIGURES[figure][0]]
        for other in ("openvpn-tap", "vxlan", "plain"):
            value = middle(peers, other, figure)
            row.append("%.2f x" % (mine / value) if value else "-")
        rows.append(row)
    return table(rows) if len(rows) > 1 else []


# figure of tombolo-tap, against whom, how many times that, at least or at most
TARGETS = (
    ("tcp1_mbit", "openvpn-tap", 10),
    ("tcp1_mbit", None, 3),
    ("tcp4_mbit", "openvpn-tap", 10),
    ("tcp4_mbit", None, 3),
    ("small_pps", "openvpn-tap", 3),
    ("small_pps", None, 1.25),
    ("tcp1_cpu_gb", None, 1 / 3),
    ("idle_mean_us", None, 1),
    ("idle_p50_us", None, 1),
)


def targets(peers, ours="tombolo-tap"):
    """What is aimed at, and whether this run reaches it."""
    rows = [["aim of " + ours, "this run", "against", "aim", ""]]
    for figure, other, aim in TARGETS:
        mine = middle(peers, ours, figure)
        if other is None:
            other, theirs = best(peers, figure)
        else:
            theirs = middle(peers, other, figure)
        if not mine or not theirs:
            continue
        more, ratio = FIGURES[figure][3], mine / theirs
        rows.append([FIGURES[figure][0], "%.2f x" % ratio, other,
                     "at %s %.2f x" % ("least" if more else "most", aim),
                     verdict(ratio >= aim if more else ratio <= aim)])
    rows += delay_targets(peers, ours) + other_targets(peers)
    return table(rows) if len(rows) > 1 else []


def verdict(reached):
    return "reached" if reached else "MISSED"


def delay_targets(peers, ours):
    figure = "load_p50_us"
    mine = middle(peers, ours, figure)
    speed = middle(peers, ours, "tcp1_mbit")
    if not mine or not speed:
        return []
    rows = [[FIGURES[figure][0], "%.2f ms" % (mine / 1000), "",
             "below 3 ms", verdict(mine < 3000)]]
    fast = [(middle(peers, p, figure), p) for p in peers
            if not p.startswith(NOT_SECURE + ("tombolo",))
            and (middle(peers, p, "tcp1_mbit") or 0) >= speed / 4
            and middle(peers, p, figure)]
    for theirs, peer in fast:
        rows.append([FIGURES[figure][0], "%.2f x" % (mine / theirs), peer,
                     "below 1 x", verdict(mine < theirs)])
    return rows


def other_targets(peers):
    """Routed no slower than bridged, and TCP mode no slower than theirs."""
    rows = []
    for name, mode, other in (("tun", "tombolo-tun", "tombolo-tap"),
                              ("TCP mode", "tombolo-tap-tcp",
                               "openvpn-tap-tcp")):
        for figure in ("tcp1_mbit", "tcp4_mbit", "small_pps"):
            ours = middle(peers, mode, figure)
            theirs = middle(peers, other, figure)
            if ours and theirs:
                rows.append(["%s: %s" % (name, FIGURES[figure][0]),
                             "%.2f x" % (ours / theirs), other, "at least 1 x",
                             verdict(ours >= theirs)])
    return rows


def version(command):
    try:
        out = subprocess.run(command, capture_output=True, text=True,
                             timeout=10, check=False)
    except OSError:
        return ""
    return (out.stdout + out.stderr).strip().split("\n")[0]


def machine(peers):
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
        found = re.search(r"model name\s*: (.*)", info.read())
    steal = [v for p in peers.values() for f in p if f.endswith("steal_pct")
             for v in p[f]]
    lines = [
        "machine: %d CPUs, %s; Linux %s; %s" % (
            os.cpu_count() or 0, found.group(1) if found else "?",
            platform.release(), version(["iperf3", "--version"])),
        "both ends and iperf3 on it, two namespaces, a veth cable of 1500 "
        "bytes, TCP cubic",
    ]
    if steal:
        lines.append("CPU time stolen by other guests: median %.1f %%, at "
                     "most %.1f %% of a run" % (median(steal), max(steal)))
    return lines


def main():
    raw, out_dir, here = sys.argv[1:4]
    if not os.path.exists(raw):
        sys.exit("bench: %s: no figures yet; bench run makes them" % raw)
    peers = read(raw)
    names = list(FIGURES)
    rounds = max(len(v) for p in peers.values() for v in p.values())
    lines = machine(peers) + [
        "%d rounds, peers in turn; median (lowest-highest)" % rounds, ""]
    for columns in (names[:3], names[3:5], names[5:8], names[8:10],
                    names[10:12], names[12:]):
        if any(figure in peer for peer in peers.values()
               for figure in columns):
            lines += figures(peers, columns) + [""]
    lines += ratios(peers) + [""]
    lines += targets(peers)
    text = "\n".join(lines) + "\n"
    with open(os.path.join(out_dir, "report.txt"), "w",
              encoding="ascii") as report:
        report.write(text)
    for figure in PLOTTED:
        title, unit, _, more, _ = FIGURES[figure]
        bars = [(p, peers[p][figure]) for p in in_order(peers)
                if peers[p].get(figure)]
        if not bars:
            continue
        plot.bars(os.path.join(out_dir, figure + ".svg"), title,
                  "%s, %s is better" % (unit, "more" if more else "less"),
                  bars)
    print(text, end="")


if __name__ == "__main__":
    main()
