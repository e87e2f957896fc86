#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""report: the raw figures of bench as tables, comparisons and plots.

usage: report.py RAW-FILE OUTPUT-DIRECTORY

Writes report.txt and an SVG a figure into the output directory, and prints the
report as doc/PERFORMANCE.md has it.  A cell is the median of the rounds, with
the spread behind it: half the distance from the lowest to the highest round, in
percent of the median.
"""

import os
import platform
import re
import subprocess
import sys
import textwrap
from statistics import median

import plot

# figure: title, unit, digits, whether more is better, a column's heading
FIGURES = {
    "tcp1_mbit": ("TCP, one stream", "Mbit/s", 0, True, "1 stream"),
    "tcp4_mbit": ("TCP, four streams", "Mbit/s", 0, True, "4 streams"),
    "tcp1_cpu_gb": ("CPU of all VPN processes, one stream", "s/GB", 2, False,
                    "CPU, s/GB"),
    "small_pps": ("64-byte UDP payloads, at most 1 % lost", "packets/s", 0,
                  True, "small/s"),
    "idle_p50_us": ("idle RTT, median", "us", 0, False, "idle RTT"),
    "load_p50_us": ("RTT beside one stream, median", "us", 0, False,
                    "under load"),
    "tcp1_machine_gb": ("CPU of the whole machine, one stream", "s/GB", 2,
                        False, "machine"),
    "small_cpu_us": ("CPU a small packet", "us", 2, False, "a packet"),
    "idle_mean_us": ("idle RTT, mean", "us", 0, False, "mean RTT"),
    "idle_p99_us": ("idle RTT, 99th percentile", "us", 0, False, "99 %"),
    "load_p99_us": ("RTT beside one stream, 99th percentile", "us", 0, False,
                    "load, 99 %"),
    "pss_server_kb": ("memory of the hub (PSS)", "kB", 0, False, "PSS, kB"),
    "setup_ms": ("set-up", "ms", 0, False, "set-up"),
    "rest_kb": ("what an idle line carries", "kB a minute", 1, False,
                "kB a minute"),
    "rest_packets": ("the same in packets", "packets a minute", 0, False,
                     "packets"),
}
MAIN = ("tcp1_mbit", "tcp4_mbit", "tcp1_cpu_gb", "small_pps", "idle_p50_us",
        "load_p50_us")
MORE = ("tcp1_machine_gb", "small_cpu_us", "idle_mean_us", "idle_p99_us",
        "load_p99_us", "pss_server_kb", "setup_ms")
REST = ("rest_kb", "rest_packets")
PLOTTED = MAIN + ("idle_mean_us", "pss_server_kb")
# No user-space peer that encrypts and authenticates: not to be compared with.
# The kernel's WireGuard is vxlan-wireguard.
NOT_COMPARED = ("plain", "vxlan", "fastd-null", "vtun", "tombolo")
OURS, GNUTLS, OTHER = "tombolo-tap", "tombolo-tap-gnutls", "tombolo-tap-other"
BEST = "best user-space peer"
# The Debian packages of the peers, for their versions.
PACKAGES = ("openvpn", "fastd", "tinc", "wireguard-go", "softether-vpnserver",
            "ocserv", "openconnect", "n2n", "vtun", "libgnutls30",
            "libipsec-mb1")


def read(path):
    """{peer: {figure: {round: value}}} in the order of the first round."""
    peers = {}
    with open(path, encoding="ascii") as raw:
        for line in raw:
            turn, peer, figure, value = line.rstrip("\n").split("\t")
            peers.setdefault(peer, {}).setdefault(figure, {})[
                int(turn)] = float(value)
    return peers


def values_of(peers, peer, figure):
    return list(peers.get(peer, {}).get(figure, {}).values())


def middle(peers, peer, figure):
    values = values_of(peers, peer, figure)
    return median(values) if values else None


def spread(values):
    return (max(values) - min(values)) / 2


def cell(values, digits):
    if not values:
        return "-"
    mid = median(values)
    text = format(mid, ".%df" % digits)
    return "%s (%.0f)" % (text, 100 * spread(values) / mid) if mid else text


def table(rows):
    """Rows of strings, the first the heading, in columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for n, row in enumerate(rows):
        lines.append("  ".join([row[0].ljust(widths[0])] + [
            text.rjust(width) for text, width in zip(row[1:], widths[1:])]
                               ).rstrip())
        if n == 0:
            lines.append("-" * (sum(widths) + 2 * len(widths) - 2))
    return lines


def in_order(peers):
    return sorted(peers, key=lambda p: -(middle(peers, p, "tcp1_mbit") or 0))


def figures(peers, names):
    rows = [["peer"] + [FIGURES[f][4] for f in names]]
    for peer in in_order(peers):
        rows.append([peer] + [cell(values_of(peers, peer, f), FIGURES[f][2])
                              for f in names])
    return table(rows)


def best(peers, figure):
    """The best user-space peer that encrypts: name and median."""
    found = [(middle(peers, p, figure), p) for p in peers
             if not p.startswith(NOT_COMPARED) and middle(peers, p, figure)]
    if not found:
        return None, None
    value, peer = max(found) if FIGURES[figure][3] else min(found)
    return peer, value


# figure of tombolo-tap, against whom, how many times that, at least or at most
AIMS = (
    ("tcp1_mbit", "openvpn-tap", 12),
    ("tcp1_mbit", BEST, 2.9),
    ("tcp4_mbit", "openvpn-tap", 16),
    ("tcp4_mbit", BEST, 4),
    ("tcp1_cpu_gb", BEST, 0.27),
)


def aims(peers):
    """What is aimed at, and whether this run reaches it."""
    rows = [["aim of " + OURS, "this run", "aim", "", "against"]]
    for figure, name, aim in AIMS:
        mine, theirs = middle(peers, OURS, figure), middle(peers, name, figure)
        if name == BEST:
            peer, theirs = best(peers, figure)
            name = "%s: %s" % (BEST, peer)
        if not mine or not theirs:
            continue
        more, ratio = FIGURES[figure][3], mine / theirs
        reached = ratio >= aim if more else ratio <= aim
        rows.append([FIGURES[figure][0], "%.2f x" % ratio,
                     "at %s %.2f x" % ("least" if more else "most", aim),
                     "reached" if reached else "MISSED", name])
    return table(rows) if len(rows) > 1 else []


# Programs that are compared round by round.
PAIRS = ((OURS, GNUTLS), (OURS, OTHER), (GNUTLS, OTHER))


def pair_ratios(peers, mine, theirs, figure):
    """The ratio of the two in every round that has both."""
    ours = peers.get(mine, {}).get(figure, {})
    others = peers.get(theirs, {}).get(figure, {})
    return [ours[turn] / others[turn] for turn in ours if others.get(turn)]


def verdict(ratios, more):
    """Worse, or better, is what the spread around 1 does not explain."""
    gain = median(ratios) - 1 if more else 1 - median(ratios)
    if abs(gain) <= spread(ratios):
        return "no worse"
    return "better" if gain > 0 else "WORSE"


def pairs(peers):
    rows = [["round by round", "figure", "rounds", "ratio", "low-high",
             "spread", ""]]
    for mine, theirs in PAIRS:
        for figure in MAIN:
            ratios = pair_ratios(peers, mine, theirs, figure)
            if not ratios:
                continue
            rows.append(["%s / -%s" % (mine, theirs.rsplit("-", 1)[1]),
                         FIGURES[figure][4], "%d" % len(ratios),
                         "%.3f" % median(ratios),
                         "%.3f-%.3f" % (min(ratios), max(ratios)),
                         "%.3f" % spread(ratios),
                         verdict(ratios, FIGURES[figure][3])])
    return table(rows) if len(rows) > 1 else []


def version(command):
    try:
        out = subprocess.run(command, capture_output=True, text=True,
                             timeout=10, check=False)
    except OSError:
        return ""
    return (out.stdout + out.stderr).strip().split("\n")[0]


def package_versions():
    out = subprocess.run(["dpkg-query", "-W", "-f",
                          "${Package} ${Version}\n", *PACKAGES],
                         capture_output=True, text=True, check=False).stdout
    return ", ".join(line for line in out.splitlines() if line.count(" ") == 1
                     and not line.endswith(" "))


def machine(peers):
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
        cpu = info.read()
    found = re.search(r"model name\s*: (.*)", cpu)
    steal = [v for p in peers for f in peers[p] if f.endswith("steal_pct")
             for v in values_of(peers, p, f)]
    lines = [
        "%d CPUs, %s, %s VAES; Linux %s; %s" % (
            os.cpu_count() or 0, found.group(1) if found else "?",
            "with" if " vaes" in cpu else "without", platform.release(),
            version(["iperf3", "--version"])),
        *textwrap.wrap(package_versions(), 84),
    ]
    if steal:
        lines.append("CPU time stolen by other guests: median %.1f %%, at "
                     "most %.1f %% of a trial" % (median(steal), max(steal)))
    rounds = sorted({len(turns) for p in peers.values()
                     for turns in p.values()})
    lines.append("rounds: %s; median (half the range, %% of the median)" %
                 "-".join("%d" % n for n in sorted({rounds[0], rounds[-1]})))
    return lines


def has(peers, names):
    return any(f in peer for peer in peers.values() for f in names)


def draw(peers, out_dir):
    for figure in PLOTTED:
        title, unit, _, more, _ = FIGURES[figure]
        bars = [(p, values_of(peers, p, figure)) for p in in_order(peers)
                if values_of(peers, p, figure)]
        if bars:
            plot.bars(os.path.join(out_dir, figure + ".svg"), title,
                      "%s, %s is better" % (unit, "more" if more else "less"),
                      bars)


def main():
    raw, out_dir = sys.argv[1:3]
    if not os.path.exists(raw):
        sys.exit("bench: %s: no figures yet; bench run makes them" % raw)
    peers = read(raw)
    shown = [figures(peers, n) if has(peers, n) else []
             for n in (MAIN, MORE, REST)]
    blocks = [machine(peers), shown[0], aims(peers), pairs(peers), *shown[1:]]
    text = "\n\n".join("\n".join("    " + line for line in block)
                       for block in blocks if block) + "\n"
    with open(os.path.join(out_dir, "report.txt"), "w",
              encoding="ascii") as report:
        report.write(text)
    draw(peers, out_dir)
    print(text, end="")


if __name__ == "__main__":
    main()
