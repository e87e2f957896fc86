# SPDX-License-Identifier: GPL-2.0-or-later
"""For a minute somebody changes, every 50 ms, one thing of what the daemons have
set, at hub and site, under traffic.  Soon after it is all as it was, and neither
log nor memory has grown.
"""

import os
import random
import time

import pytest

from daemon import rss_kib
from lib import Hub, Net, Satellite, TapStar, wait_until

MINUTE = float(os.environ.get("TOMBOLO_VANDAL_S", "60"))
# A second, and six where the kernel does not tell; a busy machine may take five
# times as long for the first.
WHOLE = 6

TAP = [
    "ip link set tombolo0 nomaster",
    "ip link set tombolo0 down",
    "ip link set tombolo0 mtu 1300",
    "ip link del br0; ip link add br0 type bridge; ip link set br0 up; "
    "ip link set lan master br0",
    "ip link set br0 down; ip link set br0 name br9; sleep 0.02; "
    "ip link set br9 name br0; ip link set br0 up",
]

TUN = [
    "ip link set tombolo0 down",
    "ip link set tombolo0 mtu 1300",
    "ip addr flush dev tombolo0",
    "ip addr del 10.4.2.1/24 dev tombolo0",
    "ip addr del 10.4.2.2/24 dev tombolo0",
    "ip route flush dev tombolo0",
    "ip -6 route flush dev tombolo0",
    "ip route flush proto 155",
    "ip rule del pref $(ip rule | grep 'lookup 155' | cut -d: -f1)",
    "ip -6 rule del pref $(ip -6 rule | grep 'lookup 155' | cut -d: -f1)",
    "ip route flush table $(ip rule | grep -o '155[0-9]*$')",
    "nft flush ruleset",
    "sysctl -qw net.ipv4.ip_forward=0",
]


def tap_pair(net):
    star = TapStar(net, 1)
    site = star.sats[0]
    return [(star.hub.gateway, star.hub.daemon), (site.gateway, site.daemon)], \
        lambda: star.hub.host.can_ping(site.ip)


def tun_pair(net):
    hub_ns, one_ns = net.host("hub"), net.host("one")
    net.cable(hub_ns, "wan", one_ns, "wan")
    hub_ns.addr("wan", "198.18.0.1/24")
    one_ns.addr("wan", "198.18.0.2/24")
    hub = Hub(hub_ns, "hub").init("198.18.0.1", "--mode", "tun", "--network",
                                  "0.0.0.0/0", "--network", "10.0.8.0/24",
                                  "--nat")
    one = Satellite(one_ns, "one").join(
        hub.add_site("one", "--subnet", "10.0.7.0/24"),
        "--accept-default-route")
    one.conf_set("interface", "forward", "yes")
    hub.start()
    one.start()
    hub.wait_site("one")
    return [(hub_ns, hub), (one_ns, one)], lambda: one_ns.can_ping("10.4.2.1")


def state(ns):
    """Without numbers that are others' business, or change by themselves."""
    words = [ns.sysctl_get("net/ipv4/ip_forward")]
    line = ns.ip("-o", "link", "show", "tombolo0").stdout
    words += [w for w in line.split() if w in ("br0", "DOWN")]
    words.append(line.split(" mtu ")[1].split()[0])
    words.append("UP" in line.split("<")[1].split(">")[0].split(","))
    for line in ns.ip("-o", "addr", "show", "dev", "tombolo0", "scope",
                      "global").stdout.splitlines():
        words.append(line.split()[3])
    for family in ("-4", "-6"):
        words.append(ns.ip(family, "rule").stdout)
        out = ns.ip(family, "route", "show", "table", "all", "dev",
                    "tombolo0").stdout
        words += sorted({w.split()[0] for w in out.splitlines()
                         if "table local" not in w and "fe80:" not in w and
                         "ff00:" not in w and w.split()[0] not in (
                             "local", "broadcast", "multicast", "anycast")})
    words.append("_block" in ns.run("nft", "list", "tables").stdout)
    return words


@pytest.mark.slow
@pytest.mark.seconds(240)
@pytest.mark.parametrize("make, what", [(tap_pair, TAP), (tun_pair, TUN)],
                         ids=["tap", "tun"])
def test_a_minute_of_vandalism(make, what):
    with Net() as net:
        ends, carries = make(net)
        wait_until(carries, 20, "it works")
        time.sleep(1)
        before = [state(ns) for ns, _ in ends]
        grown = [rss_kib(daemon.process.pid) for _, daemon in ends]
        dice = random.Random(16)
        end, n = time.monotonic() + MINUTE, 0
        while time.monotonic() < end:
            ns = dice.choice(ends)[0]
            ns.run("sh", "-c", dice.choice(what), check=False)
            n += 1
            time.sleep(0.05)
        print("%d times" % n)
        for (ns, daemon), was in zip(ends, before):
            wait_until(lambda: state(ns) == was, WHOLE,
                       "%s is whole again: %s, was %s" % (ns.name, state(ns),
                                                          was))
            wait_until(lambda: daemon.status()["host"] == [], WHOLE,
                       "and says so")
        wait_until(carries, 20, "it works again")
        for (_, daemon), kib in zip(ends, grown):
            assert rss_kib(daemon.process.pid) < kib + 2048
            lines = daemon.log_lines("tombolo0: ")
            assert len(daemon.log_lines("fixed: ")) <= 2 + MINUTE / 60, lines
            assert len(lines) < 40, lines
