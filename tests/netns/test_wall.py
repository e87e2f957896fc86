# SPDX-License-Identifier: GPL-2.0-or-later
"""Nothing leaves in the clear, whatever other programs do to rules, routes and
tables: seen at the other end of the client's line, for as long as it is tried.

The figure is that of test_tun_default.py.  What may be seen on the line is what
wall.h lets out; all else is a leak.
"""

import contextlib
import ipaddress
import os
import random
import re
import shutil
import signal
import struct
import threading
import time

import pytest

from daemon import binary
from frames import Sniffer
from lib import Hub, PORT, Satellite, tombolo, wait_until
from net import CommandFailed
from test_tun_default import (BACK, BOTH, CLIENT, CLIENT6, Figure, SERVER,
                              SERVER6, WEB, WEB6)

LINE = [ipaddress.ip_network(n) for n in
        ("198.18.2.0/24", "2001:db8:2::/64", "fe80::/10")]
LINK_GROUPS = ipaddress.ip_network("ff02::/16")
ND, MLD = {133, 134, 135, 136, 137}, {130, 131, 132, 143}
DHCP, DHCPV6 = {(67, 68), (68, 67)}, {(546, 547), (547, 546)}
TALKERS_PORT = 10053  # from which they ask DNS; no resolver does


def what_is_in(frame):
    """(source, destination, protocol, destination port or type, flags of TCP,
    source port, hops that are left) or None."""
    kind, = struct.unpack("!H", frame[12:14])
    if kind == 0x0800:
        head = 14 + (frame[14] & 15) * 4
        proto, src, dst = frame[23], frame[26:30], frame[30:34]
        hops = frame[22]
        first = struct.unpack("!H", frame[20:22])[0] & 0x1fff == 0
    elif kind == 0x86DD:
        head, proto, src, dst, first = 54, frame[20], frame[22:38], \
            frame[38:54], True
        hops = frame[21]
        if proto == 0:  # hop-by-hop, as MLD has
            proto, head = frame[54], 62
    else:
        return None
    rest = frame[head:]
    what = port = None
    if first and proto in (6, 17):
        port, what = struct.unpack("!HH", rest[:4])
    elif proto in (1, 58):
        what = rest[0]
    flags = rest[13] if first and proto == 6 else 0
    return ipaddress.ip_address(src), ipaddress.ip_address(dst), proto, what, \
        flags, port, hops


def is_leak(frame, resolver=False):
    """Whether it had no business to leave the client in the clear; there may
    be a resolver of the daemon's, which asks."""
    found = what_is_in(frame)
    if found is None:
        return False  # ARP and the like
    _, dst, proto, what, flags, port, hops = found
    servers = {ipaddress.ip_address(a) for a in (SERVER, SERVER6)}
    if dst in servers and (what == PORT or proto == 6 and flags & 4):
        return False  # the tunnel, and the kernel's RST for it
    if any(dst in net for net in LINE if net.version == dst.version):
        return False  # local; the test sends nothing else there
    link_group = dst.version == 6 and dst in LINK_GROUPS
    if proto == 58 and (what in ND and hops == 255 or
                        what in MLD and link_group):
        return False
    if proto == 2 and dst.version == 4 and dst.is_multicast:
        return False
    if proto == 17 and (str(dst) == "255.255.255.255" and
                        (port, what) in DHCP or
                        link_group and (port, what) in DHCPV6):
        return False
    return not (resolver and proto in (6, 17) and what == 53 and
                port != TALKERS_PORT)


class Watch:
    """Everything that leaves the client's line, looked at as it comes."""

    def __init__(self, figure, resolver=False):
        self.resolver = resolver
        self.heard = Sniffer(figure.inet, "p-client")
        self.leaks, self.frames = [], 0
        self.on = True
        self.thread = threading.Thread(target=self.look)
        self.thread.start()

    def look(self):
        while self.on:
            for frame in self.heard.frames(0.2):
                self.frames += 1
                if is_leak(frame, self.resolver):
                    self.leaks.append(frame)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.on = False
        self.thread.join()
        lost = self.heard.dropped()
        self.heard.close()
        if exc[0] is not None:
            return
        assert self.frames > 0, "nothing was heard at all"
        assert not lost, "%d frames were not looked at" % lost
        assert not self.leaks, "%d frames in the clear: %s" % (
            len(self.leaks), sorted({str(what_is_in(f)[:4])
                                     for f in self.leaks})[:8])


TALKER = r"""
import errno, os, select, socket, struct, sys, time
mark = int(sys.argv[1])
far4 = ["31.13.70.36", "8.8.8.8", "1.2.3.4", "172.20.1.1", "255.255.255.255",
        "239.1.2.3", "198.18.1.1", "100.100.1.1", "10.99.1.1"]
far6 = ["2001:db8:31::36", "2606:4700::1", "fd99::1", "ff05::fb",
        "2001:db8:1::1"]
def sock(family, kind, proto=0):
    s = socket.socket(family, kind, proto)
    s.setblocking(False)
    if family == socket.AF_INET and kind == socket.SOCK_DGRAM:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    return s
u4, u6 = sock(socket.AF_INET, socket.SOCK_DGRAM), sock(socket.AF_INET6, socket.SOCK_DGRAM)
b4, b6 = sock(socket.AF_INET, socket.SOCK_DGRAM), sock(socket.AF_INET6, socket.SOCK_DGRAM)
i4 = sock(socket.AF_INET, socket.SOCK_RAW, 1)
i6 = sock(socket.AF_INET6, socket.SOCK_RAW, 58)
echo4 = struct.pack("!BBHHH", 8, 0, ~(0x800 + 7 + 7) & 0xffff, 7, 7)
# What is nearly as the link's own, or the resolver's.
def bound(family, port):
    s = sock(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(("", port))
    return s
dns4, dns6 = (bound(f, int(sys.argv[4])) for f in (socket.AF_INET, socket.AF_INET6))
dhcp4, dhcp6 = bound(socket.AF_INET, 68), bound(socket.AF_INET6, 546)
igmp = sock(socket.AF_INET, socket.SOCK_RAW, 2)
igmp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
nd = sock(socket.AF_INET6, socket.SOCK_RAW, 58)
nd.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 64)
nd.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 64)
def nearly(n):
    a, b = far4[n % len(far4)], far6[n % len(far6)]
    yield dns4, b"clear", a, 53
    yield dns6, b"clear", b, 53
    yield dhcp4, b"clear", a if a[:3] != "255" else "1.1.1.1", 67
    yield dhcp4, b"clear", "255.255.255.255", 68
    yield b4, b"clear", "255.255.255.255", 67
    yield dhcp6, b"clear", b, 547
    yield dhcp6, b"clear", "ff05::1:3", 547
    yield b6, b"clear", "ff02::1:2", 547
    for dst in ("255.255.255.255", a if a[:3] != "239" else "1.1.1.1"):
        yield igmp, b"\x16" + bytes(7), dst, 0
    for kind in (130, 131, 132, 143):
        yield nd, bytes((kind,)) + bytes(23), b, 0
    for kind in (133, 134, 135, 136, 137):
        yield nd, bytes((kind,)) + bytes(23), (b, "ff02::1")[n % 2], 0
n = 0
while os.getppid() != 1:
    for s in (b4, b6, dns4, dns6, dhcp4, dhcp6, igmp, nd):  # by the line, whatever the routes say
        try: s.setsockopt(socket.SOL_SOCKET, 25, sys.argv[2].encode())
        except OSError: pass
    for i, (fam, far) in enumerate(((socket.AF_INET, far4), (socket.AF_INET6, far6))):
        a = far[n % len(far)]
        rnd = os.urandom(16)
        any_ = socket.inet_ntop(fam, (bytes([1 + rnd[0] % 200]) + rnd[1:4]) if not i else b"\x26" + rnd[1:16])
        for dst in (a, any_):
            for s in ((u6, b6) if i else (u4, b4)):
                try: s.sendto(b"clear", (dst, 1 + n % 60000))
                except OSError: pass
            try: (i6 if i else i4).sendto(struct.pack("!BBHHH", 128, 0, 0, 7, 7) if i else echo4, (dst, 0))
            except OSError: pass
            t = sock(fam, socket.SOCK_STREAM)
            try: t.connect((dst, 80))
            except OSError: pass
            t.close()
    for s, data, dst, port in nearly(n):
        try: s.sendto(data, (dst, port))
        except OSError: pass
    n += 1
    if n % 20 == 0:
        open(sys.argv[3], "w").write(str(n))
    time.sleep(0.004)
"""


class Talkers:
    """Clients on the host and behind it, which send all the time."""

    def __init__(self, figure):
        path = figure.net.dir + "/talker.py"
        with open(path, "w") as f:
            f.write(TALKER)
        self.counts = []
        self.all = []
        for ns, dev in ((figure.client, "wan"), (figure.host, "lan0")):
            self.counts.append("%s/said-%s" % (figure.net.dir, ns.name))
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.counts[-1])
            self.all.append(ns.spawn("/usr/bin/python3", path, "0", dev,
                                     self.counts[-1], str(TALKERS_PORT),
                                     name="talker"))

    def __enter__(self):
        wait_until(lambda: len(self.said()) == len(self.all), 10, "all talk")
        return self

    def __exit__(self, *exc):
        talking = [talker.running() for talker in self.all]
        for talker in self.all:
            talker.stop()
        if exc[0] is None:
            assert all(talking), self.all[talking.index(False)].output()

    def said(self):
        def read(path):
            with open(path) as f:
                return int(f.read() or 0)
        return [read(p) for p in self.counts if os.path.exists(p)]


def with_ipv6_behind(figure):
    figure.client.addr("lan", "fd07::1/64")
    figure.host.addr("lan0", "fd07::5/64")
    figure.host.route("default", "fd07::1")
    figure.client.forward()
    # The line's router would take all that comes.
    figure.inet.ip("route", "add", "10.0.7.0/24", "via", CLIENT)
    return figure


def rules(ns, family="-4"):
    return [l for l in ns.ip(family, "rule").stdout.splitlines()
            if "proto 155" in l]


def table(ns):
    return re.search(r"lookup (155\d+)", ns.ip("rule").stdout).group(1)


def quietly(call, *args, **kw):
    return call(*args, check=False, **kw)


# ------------------------------------------------------------ what is put back

@pytest.fixture(scope="module")
def figure(net):
    return with_ipv6_behind(Figure(net)).start()


def wait_whole(figure):
    """All rules, and the way to the web, are there."""
    def whole():
        return (len(rules(figure.client)) == len(rules(figure.client, "-6"))
                == 4 and figure.client.ip("route", "get", WEB).stdout.find(
                    "dev tombolo0") > 0)
    wait_until(whole, 10, "all is as it was")


@pytest.mark.parametrize("family", ["-4", "-6"])
@pytest.mark.parametrize("which", [0, 1, 2, 3])
def test_a_rule_that_is_removed_comes_back(figure, family, which):
    ns = figure.client
    before = rules(ns, family)
    with Watch(figure), Talkers(figure):
        ns.ip(family, "rule", "del", "pref", before[which].split(":")[0])
        wait_until(lambda: rules(ns, family) == before, 10, "it is back")
        assert figure.seen() == SERVER
        assert figure.seen(web=WEB6) == SERVER6
    figure.wait_told("tunnel", "tunnel")


@pytest.mark.parametrize("what", [
    "route flush table {t}", "-6 route flush table {t}",
    "route replace default via 198.18.2.254 dev wan table {t}",
    "route add 31.13.0.0/16 via 198.18.2.254 dev wan table {t}",
    "-6 route add 2001:db8:31::/48 via 2001:db8:2::fe dev wan table {t}",
    "route add blackhole 31.13.70.36 table {t}",
])
def test_the_table_is_ours(figure, what):
    ns = figure.client
    t = table(ns)
    before = [ns.ip(f, "route", "show", "table", t).stdout
              for f in ("-4", "-6")]
    with Watch(figure):
        ns.ip(*what.format(t=t).split())
        wait_until(lambda: before == [
            ns.ip(f, "route", "show", "table", t).stdout
            for f in ("-4", "-6")], 10, "the table is as it was")
        assert figure.seen() == SERVER
        assert figure.seen(web=WEB6) == SERVER6


def test_a_line_that_goes_down_and_up(figure):
    """It takes our device's IPv4 routes without a word, and IPv6 addresses."""
    ns = figure.client
    with Watch(figure):
        ns.ip("link", "set", "tombolo0", "down")
        wait_whole(figure)
        wait_until(lambda: figure.seen() == SERVER, 10, "IPv4 is back")
        wait_until(lambda: figure.seen(web=WEB6) == SERVER6, 10,
                   "IPv6 is back")


@pytest.mark.parametrize("what", [
    "flush ruleset", "delete table inet tombolo_{t}_block",
    "flush chain inet tombolo_{t}_block wall",
    "insert rule inet tombolo_{t}_block wall ip daddr 0.0.0.0/1 accept",
    "add element inet tombolo_{t}_block local4 {{ 31.13.0.0/16 }}",
    "insert rule inet tombolo_{t}_block wall accept",
])
def test_the_block_comes_back(figure, what):
    ns = figure.client
    t = table(ns)
    name = "tombolo_%s_block" % t

    def listing():
        return quietly(ns.run, "nft", "-s", "list", "table", "inet",
                       name).stdout
    before = listing()
    assert "nft delete table inet " + name in before, before
    with Watch(figure), Talkers(figure):
        ns.run("nft", what.format(t=t))
        wait_until(lambda: listing() == before, 10, "it is as it was")
    live = quietly(ns.run, "nft", "delete", "table", "inet",
                   "tombolo_%s_live" % t)
    assert live.returncode != 0, "the other one is nobody's"
    assert figure.seen() == SERVER


def test_it_says_so_once_a_minute(figure):
    lines = figure.sat.log_lines("tombolo0: fixed: ")
    assert len(lines) <= 3, lines
    assert "rules of the default route" in lines[0], lines
    assert "ManageForeignRoutingPolicyRules=no" in lines[0], lines


def test_a_rule_in_front_is_named_and_blocked(figure):
    """For a host behind it, and for this host."""
    ns = figure.client
    ns.ip("route", "add", "default", "via", "198.18.2.254", "table", "101")
    ns.ip("-6", "route", "add", "default", "via", "2001:db8:2::fe", "table",
          "101")
    before = figure.sat.status()["blocked_packets"]
    try:
        with Watch(figure), Talkers(figure):
            for rule in (["-4", "rule", "add", "pref", "100", "from",
                          "10.0.7.0/24", "lookup", "101"],
                         ["-6", "rule", "add", "pref", "100", "lookup",
                          "101"]):
                ns.ip(*rule)
            figure.sat.wait_log(r"IPv4 rule 100 \(lookup 101\) precedes ours")
            wait_until(lambda: figure.sat.status().get("foreign_rule") ==
                       "IPv4 rule 100 (lookup 101)", 10, "status says so")
            assert figure.seen(figure.host, timeout=2) is None
            assert figure.nobody_seen(WEB6)
            wait_until(lambda: figure.sat.status()["blocked_packets"] > before,
                       10, "it is counted")
    finally:
        for family in ("-4", "-6"):
            quietly(ns.ip, family, "rule", "del", "pref", "100")
    wait_until(lambda: "foreign_rule" not in figure.sat.status(), 10,
               "it is gone")
    assert figure.seen(web=WEB6) == SERVER6


@pytest.mark.parametrize("rule, name", [
    ("-4 pref 100 lookup main", "IPv4 rule 100 (lookup 254)"),
    ("-6 pref 7 lookup main", "IPv6 rule 7 (lookup 254)"),
    ("-4 pref 90 from 10.0.7.0/24 lookup main", "IPv4 rule 90 (lookup 254)"),
    ("-6 pref 90 blackhole", "IPv6 rule 90"),
    ("-4 pref 90 goto 32766", "IPv4 rule 90"),
    ("-4 pref 90 lookup main suppress_prefixlength 0", None),
    ("-6 pref 90 lookup main suppress_prefixlength 8", None),
])
def test_a_rule_in_front_to_any_table_is_named(figure, rule, name):
    """Only one that has nothing but local networks is in nobody's way."""
    ns, (family, *words) = figure.client, rule.split()
    ns.ip(family, "rule", "add", *words)
    # The kernel gives them in their order, IPv4 first: the last that is seen.
    ns.ip("-6", "rule", "add", "pref", "30000", "lookup", "101")
    try:
        wait_until(lambda: figure.sat.status().get("foreign_rule") ==
                   (name or "IPv6 rule 30000 (lookup 101)"), 10,
                   "status says %s" % name)
    finally:
        ns.ip(family, "rule", "del", *words)
        ns.ip("-6", "rule", "del", "pref", "30000")
    wait_until(lambda: "foreign_rule" not in figure.sat.status(), 10, "gone")


def test_a_host_route_and_a_second_default_route_take_nothing_out(figure):
    ns = figure.client
    routes = (["route", "add", WEB, "via", "198.18.2.254"],
              ["route", "add", "0.0.0.0/2", "dev", "wan"],
              ["-6", "route", "add", WEB6, "via", "2001:db8:2::fe"],
              ["-6", "route", "add", "2000::/4", "dev", "wan"])
    with Watch(figure), Talkers(figure):
        for route in routes:
            ns.ip(*route)
        assert figure.nobody_seen()
        assert figure.nobody_seen(WEB6)
        for route in routes:
            ns.ip(*["del" if w == "add" else w for w in route])
    assert figure.seen() == SERVER


def test_local_networks_of_links_and_of_the_configuration(figure):
    """What is local follows the host's own networks; the rest is named."""
    ns = figure.client
    figure.inet.addr("p-client", "203.0.114.1/24")
    figure.inet.addr("lo", "203.0.115.9/32")
    try:
        ns.addr("wan", "203.0.114.2/24")
        wait_until(lambda: ns.can_ping("203.0.114.1"), 10, "a new network")
        ns.route("203.0.115.0/24", "198.18.2.254")
        assert not ns.can_ping("203.0.115.9"), "by a gateway: not local"
        figure.sat.conf_set("client", "local-networks", "203.0.115.0/24")
        ns.run(binary(), "reload", "-c", figure.sat.conf)
        wait_until(lambda: ns.can_ping("203.0.115.9"), 10, "named, it is")
    finally:
        ns.ip("route", "del", "203.0.115.0/24")
        ns.ip("addr", "del", "203.0.114.2/24", "dev", "wan")
    assert figure.seen() == SERVER


def test_many_networks_on_a_link_are_no_local_ones(figure):
    """As by DHCP's option 121 without a gateway, from who answers for all."""
    ns, line = figure.client, figure.inet
    networks = ["%d.0.0.0/8" % n for n in (1, 2, 8, 31)] + \
        ["2606::/32", "2001:db9::/32", "2001:db8::/32"]
    line.sysctl("net/ipv4/conf/p-client/proxy_arp", 1)
    line.sysctl("net/ipv6/conf/p-client/proxy_ndp", 1)
    line.ip("-6", "neigh", "add", "proxy", WEB6, "dev", "p-client")

    def do(what):
        for network in networks:
            ns.ip("-6" if ":" in network else "-4", "route", what, network,
                  "dev", "wan")
    do("add")
    try:
        # One of them alone is a local network.
        figure.sat.wait_log("together cover all traffic")
        wait_until(lambda: not re.search(r"\d/8|/32", quietly(
            ns.run, "nft", "list", "table", "inet", "tombolo_%s_live" %
            table(ns)).stdout), 10, "none of them is local")
        with Watch(figure), Talkers(figure):
            assert figure.nobody_seen()
            assert figure.nobody_seen(WEB6)
    finally:
        do("del")
    assert figure.seen() == SERVER
    assert figure.seen(web=WEB6) == SERVER6


# ---------------------------------------------------------------- the vandal

class Vandal:
    """Every 50 ms it does one of these to the client's host."""

    GATES = {"-4": "198.18.2.254", "-6": "2001:db8:2::fe"}

    def __init__(self, figure, seed=1):
        self.figure, self.ns = figure, figure.client
        self.table = table(figure.client)
        self.block = self.list("block")
        self.random = random.Random(seed)
        self.done, self.failed = {}, {}
        self.front = []  # what it has put there, to be taken back
        self.small = [self.rule_goes, self.rule_moves, self.table_flushed,
                      self.default_replaced, self.main_routes_go,
                      self.rule_in_front, self.second_default,
                      self.other_table, self.ruleset_flushed,
                      self.block_removed, self.block_opened]
        self.large = [self.hub_stops, self.engine_dies, self.keeper_dies,
                      self.resolver_dies, self.monitor_dies]

    def ip(self, *words):
        return quietly(self.ns.ip, *words).returncode == 0

    def nft(self, *words):
        return quietly(self.ns.run, "nft", *words).returncode == 0

    def family(self):
        return self.random.choice(("-4", "-6"))

    def rule_goes(self):
        family = self.family()
        ours = rules(self.ns, family)
        return bool(ours) and self.ip(family, "rule", "del", "pref",
                                      self.random.choice(ours).split(":")[0])

    def rule_moves(self):
        """Behind all others."""
        family = self.family()
        ours = [r for r in rules(self.ns, family) if "lookup 155" in r]
        return bool(ours) and self.ip(
            family, "rule", "del", "pref", ours[0].split(":")[0]) and self.put(
            family, "rule", "add", "pref", "40000", "lookup", self.table)

    def table_flushed(self):
        return self.ip(self.family(), "route", "flush", "table", self.table)

    def default_replaced(self):
        family = self.family()
        return self.ip(family, "route", "replace", "default", "via",
                       self.GATES[family], "dev", "wan", "table", self.table)

    def main_routes_go(self):
        return self.ip("route", "flush", "dev", "tombolo0", "proto", "155")

    def put(self, family, *words):
        """It, or when it is there already, nothing; taken back later."""
        there = self.ip(family, *words)
        if there:
            self.front.append([family] + ["del" if w in ("add", "append") else
                                          w for w in words])
        if len(self.front) > 4:
            self.ip(*self.front.pop(0))
        return there

    def rule_in_front(self):
        pref = str(self.random.randrange(1, 31000))
        return self.put(self.family(), "rule", "add", "pref", pref, "lookup",
                        "101")

    def second_default(self):
        family = self.family()
        net = self.random.choice(
            ("default", "0.0.0.0/1", "128.0.0.0/2", WEB) if family == "-4"
            else ("default", "2000::/3", WEB6))
        return self.put(family, "route", "append", net, "via",
                        self.GATES[family], "dev", "wan", "metric",
                        str(self.random.randrange(1, 9)))

    def other_table(self):
        family = self.family()
        return self.ip(family, "route", "replace", "default", "via",
                       self.GATES[family], "table", "101")

    def ruleset_flushed(self):
        return self.nft("flush", "ruleset")

    def block_removed(self):
        return self.nft("delete", "table", "inet",
                        "tombolo_%s_block" % self.table)

    def block_opened(self):
        return self.nft("insert", "rule", "inet", "tombolo_%s_block" %
                        self.table, "wall", "accept")

    def list(self, which):
        return quietly(self.ns.run, "nft", "-s", "list", "table", "inet",
                       "tombolo_%s_%s" % (self.table, which)).stdout

    def hub_stops(self):
        if self.figure.hub.running():
            self.figure.kill(self.figure.hub)
        else:
            self.figure.hub.start(wait=False)
        return True

    def dies(self, role):
        try:
            os.kill(self.figure.sat.pid_of(role), signal.SIGKILL)
        except (CommandFailed, OSError):
            return False  # it was just killed
        return True

    def engine_dies(self):
        return self.dies("engine")

    def keeper_dies(self):
        return self.dies("keeper")

    def resolver_dies(self):
        return self.dies("resolver")

    def monitor_dies(self):
        """Started again as systemd would.

        What is done to the ruleset while it is dead, or not repaired when it
        dies, is not promised; nor that a start outlives its children."""
        wait_until(lambda: self.list("block") == self.block, BACK,
                   "the block is as it was")
        self.figure.kill(self.figure.sat)
        for _ in range(4):
            self.one(self.random.choice(self.small[:8]))
        self.figure.sat.start(wait=False)
        wait_until(lambda: "monitor: up: " in self.figure.sat.process.output(),
                   BACK, "it runs again")
        assert self.list("live"), "it blocks again"
        return True

    def one(self, what):
        count = self.done if what() else self.failed
        count[what.__name__] = count.get(what.__name__, 0) + 1

    def never(self):
        return [a.__name__ for a in self.small + self.large
                if not self.done.get(a.__name__)]

    def rage(self, seconds, least):
        """So long, and until it has done everything, `least` in all: that
        takes longer on a busy machine, but not ten times."""
        end = time.monotonic() + seconds
        last = end + 9 * seconds
        large = list(self.large) * 2
        pause = seconds / (len(large) + 1)
        due = time.monotonic() + pause
        while time.monotonic() < end or time.monotonic() < last and (
                self.never() or sum(self.done.values()) < least):
            self.one(self.random.choice(self.small))
            if not large and time.monotonic() > end:
                large = [a for a in self.large if a.__name__ in self.never()]
            if large and time.monotonic() > due:
                self.one(large.pop(0))
                due += pause
            time.sleep(0.05)
        while self.front:
            self.ip(*self.front.pop())
        if not self.figure.hub.running():
            self.figure.hub.start(wait=False)


NAMED = "hub.example"


def rage(net, seconds, least):
    """What is promised: not one packet in the clear, and it works again."""
    figure = with_ipv6_behind(Figure(net))
    # A second server, by its name: so there is a resolver to be killed.
    figure.sat.conf_set("client", "server", SERVER, NAMED + ":1 name " + SERVER)
    figure.start()
    figure.sat.expect_trouble = figure.hub.expect_trouble = True
    vandal = Vandal(figure)
    with Watch(figure, resolver=True), Talkers(figure) as talkers:
        before = talkers.said()
        vandal.rage(seconds, least)
        figure.sat.wait_up(BACK)
        figure.wait_up()
        wait_until(lambda: figure.seen(timeout=2) == SERVER, BACK, "IPv4")
        wait_until(lambda: figure.seen(web=WEB6, timeout=2) == SERVER6, BACK,
                   "IPv6")
        wait_until(lambda: figure.seen(figure.host, timeout=2) == SERVER, BACK,
                   "a host behind it")
        after = talkers.said()
    assert not vandal.never(), "never done: %s; %s" % (
        vandal.never(), vandal.failed)
    assert sum(vandal.done.values()) >= least, vandal.done
    assert len(after) == 2 and sum(after) > sum(before) + 200, "all talked"
    assert figure.sat.status()["blocked_packets"] > 0
    return vandal


@pytest.mark.seconds(400)
def test_ten_seconds_of_a_vandal(small_net):
    rage(small_net, 10, 40)


# --------------------------------------- ends and starts that nobody asked for

def tables_of(ns):
    return re.findall(r"tombolo_\w+", ns.run("nft", "list", "tables").stdout)


def undone(figure):
    """By an administrator, in its namespace; the web sees who we are."""
    figure.sweep(figure.sat)
    assert tables_of(figure.client) == []
    assert figure.seen() == CLIENT


def test_a_start_that_fails_leaves_what_is_blocked(small_net):
    figure = Figure(small_net).start()
    ns, sat = figure.client, figure.sat
    with Watch(figure), Talkers(figure):
        figure.kill(sat)
        ns.ip("link", "add", "tombolo0", "type", "veth", "peer", "name", "end")
        sat.start(wait=False)
        assert sat.process.wait(20) == 1
        assert figure.nobody_seen() and figure.nobody_seen(WEB6)
    sat.wait_log("stays blocked .*run --sweep")
    undone(figure)


@pytest.mark.parametrize("row", [
    ("interface", "device", "tombolo9"),
    ("client", "socket", "/run/tombolo/%s.sock"),
    ("client", "socket", "/dev/shm/%s/of-another-file-system.sock")])
def test_a_start_under_another_name_leaves_no_gap(small_net, row):
    """Nor what belongs to the old one."""
    figure = Figure(small_net).start()
    ns, sat = figure.client, figure.sat
    old = table(ns)
    with Watch(figure), Talkers(figure):
        figure.kill(sat)
        if "%" in row[2]:
            row = row[:2] + (row[2] % (os.path.basename(sat.dir) + ".new"),)
        sat.conf_set(*row)
        sat.start()
        wait_until(lambda: figure.seen(timeout=2) == SERVER, BACK, "it is back")
    ours = {t.split("_")[1] for t in tables_of(ns)}
    assert ours == {table(ns)}, ours
    assert (table(ns) == old) == (row[1] != "device")
    assert sat.stop() == 0
    shutil.rmtree("/dev/shm/%s.new" % os.path.basename(sat.dir), True)
    figure.assert_clean()
    assert figure.seen() == CLIENT


def test_who_removes_the_device_opens_nothing(small_net):
    figure = Figure(small_net).start()
    figure.sat.expect_trouble = True
    with Watch(figure), Talkers(figure):
        figure.client.ip("link", "del", "tombolo0")
        assert figure.sat.process.wait(20) == 1
        assert figure.nobody_seen() and figure.nobody_seen(WEB6)
        figure.sat.start()
        wait_until(lambda: figure.seen(timeout=2) == SERVER, BACK, "it is back")
        figure.client.ip("link", "del", "tombolo0")
        assert figure.sat.process.wait(20) == 1
    undone(figure)


def test_a_restart_leaves_no_gap(small_net):
    """By the signal that systemd sends for one; also in the middle of a start."""
    figure = Figure(small_net).start()
    sat = figure.sat
    with Watch(figure), Talkers(figure):
        for _ in range(2):
            assert sat.stop("SIGUSR1") == 0
            assert figure.nobody_seen() and figure.nobody_seen(WEB6)
            sat.start(wait=False)
            wait_until(lambda: "blocked until" in sat.process.output(), 10,
                       "it is starting")
        sat.wait_up()
        wait_until(lambda: figure.seen(timeout=2) == SERVER, BACK, "it is back")
    assert sat.stop("SIGTERM") == 0
    figure.assert_clean()
    assert figure.seen() == CLIENT


def test_the_units_restart_without_a_gap():
    for name in ("tombolo", "tombolo@"):
        unit = "../../contrib/systemd/%s.service.in" % name
        with open(os.path.join(os.path.dirname(__file__), unit)) as f:
            assert "\nRestartKillSignal=SIGUSR1\n" in f.read(), name


def test_the_table_says_whose_it_is_after_a_reload_too(small_net):
    """What is freed looks like nothing else."""
    figure = Figure(small_net).start(env={"MALLOC_PERTURB_": "90"})
    ns, sat = figure.client, figure.sat
    name = "tombolo_%s_block" % table(ns)

    def comment():
        return re.search('comment "(.*)"', quietly(
            ns.run, "nft", "list", "table", "inet", name).stdout).group(1)
    before = comment()
    assert before.endswith("tombolo0, /run/tombolo/%s.sock" %
                           os.path.basename(sat.dir)), before
    sat.conf_set("client", "local-networks", "172.31.0.0/16")
    tombolo("reload", "-c", sat.conf)
    ns.run("nft", "delete", "table", "inet", name)
    wait_until(lambda: name in tables_of(ns), 10, "it is back")
    assert comment() == before


# ------------------------------------------ beside others' firewalls and rules

FIB = """table inet fw {
    chain pre {
        type filter hook prerouting priority %s; policy accept;
        iifname "lo" accept
        icmpv6 type { nd-router-advert, nd-neighbor-solicit,
                      nd-neighbor-advert } accept
        fib saddr . mark . iif oif missing counter drop
    }
}"""


@pytest.mark.parametrize("where", ["raw + 1", "mangle + 10"])
@pytest.mark.parametrize("server", [SERVER, SERVER6])
def test_beside_a_reverse_path_check_of_nftables(small_net, where, server):
    """As firewalld has it; and the kernel's own, strict, stays as it is."""
    figure = Figure(small_net, name=server)
    figure.client.run("nft", "-f", "-", stdin=FIB % where)
    figure.start()
    assert figure.seen() == SERVER
    assert figure.seen(web=WEB6) == SERVER6
    transport = figure.sat.status()["transport"]
    assert transport == "udp", transport
    assert figure.client.sysctl_get("net/ipv4/conf/all/rp_filter") == "1"
    assert figure.client.sysctl_get(
        "net/ipv4/conf/all/src_valid_mark") == "1"
    # Of that the kernel does not tell.
    figure.client.sysctl("net/ipv4/conf/all/src_valid_mark", 0)
    wait_until(lambda: figure.client.sysctl_get(
        "net/ipv4/conf/all/src_valid_mark") == "1", 30, "it is back")
    figure.sat.wait_log("tombolo0: fixed: the source check")
    assert figure.sat.stop() == 0
    assert figure.client.sysctl_get(
        "net/ipv4/conf/all/src_valid_mark") == "0"


def test_beside_it_the_resolver_is_answered(small_net):
    """By a server of the internet, whom our rules send into the tunnel."""
    figure = Figure(small_net, name=NAMED)
    figure.client.run("nft", "-f", "-", stdin=FIB % "raw + 1")
    with dns_of_the_web(figure):
        figure.start()
        assert figure.seen() == SERVER
        figure.kill_server()
        figure.hub.start()
        figure.wait_up()


class dns_of_the_web:
    """NAMED is SERVER, says a server at WEB."""

    def __init__(self, figure):
        if shutil.which("dnsmasq") is None:
            pytest.skip("needs dnsmasq (contrib/packages)")
        self.file = figure.client.etc("resolv.conf", "nameserver %s\n" % WEB)
        self.dns = figure.web.spawn(
            "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts",
            "--listen-address=" + WEB, "--bind-interfaces", "--user=root",
            "--log-facility=-", "--pid-file=",
            "--host-record=%s,%s" % (NAMED, SERVER))

    def __enter__(self):
        wait_until(lambda: "started" in self.dns.output(), 10, "DNS serves")

    def __exit__(self, *exc):
        os.unlink(self.file)


@pytest.mark.parametrize("mark", ["0x4000/0x4000", "0x90/0xf0", "0x2/0x3",
                                  "0x62/0xff"])
def test_masked_rules_of_others_steer_no_socket_without_need(small_net, mark):
    """Of a tap site and its hub, whatever bits such a rule looks at."""
    hub_ns, sat_ns = small_net.host("hub"), small_net.host("sat")
    small_net.cable(hub_ns, "wan", sat_ns, "wan")
    for ns, address in ((hub_ns, "198.18.0.1/24"), (sat_ns, "198.18.0.2/24")):
        ns.addr("wan", address)
        ns.ip("rule", "add", "pref", "50", "fwmark", mark, "lookup", "102")
        ns.ip("route", "add", "unreachable", "default", "table", "102")
    hub = Hub(hub_ns, "hub").init("198.18.0.1", "--mode", "tap")
    sat = Satellite(sat_ns, "sat").join(hub.add_site("sat"))
    hub.start()
    sat.start()
    hub.wait_site("sat", deadline=10)


def test_the_mark_is_configurable(small_net):
    """Somebody else's rule has the bits of the default."""
    figure = Figure(small_net, client=[("client", "mark", "0x100000/0x300000")])
    figure.client.ip("rule", "add", "pref", "50", "fwmark", "0x90/0xf0",
                     "lookup", "102")
    figure.client.ip("route", "add", "unreachable", "default", "table", "102")
    figure.start()
    assert figure.seen() == SERVER
    assert "fwmark 0x100000/0x300000" in figure.client.ip("rule").stdout


# ------------------------------------------------ what comes to overlap a LAN

def test_a_route_that_comes_to_overlap_a_lan_goes_and_comes_back(small_net):
    """The laptop joins a LAN that the tunnel has a route to, or an address of."""
    net = small_net
    hub_ns, sat_ns, lan = (net.host(n) for n in ("hub", "sat", "lan"))
    net.cable(hub_ns, "wan", sat_ns, "wan")
    net.cable(sat_ns, "wlan", lan, "lan0")
    hub_ns.addr("wan", "198.18.0.1/24")
    sat_ns.addr("wan", "198.18.0.2/24")
    lan.addr("lan0", "10.50.0.5/24", "fd50::5/64")
    hub = Hub(hub_ns, "hub").init(
        "198.18.0.1", "--mode", "tun", "--network", "10.50.0.0/24",
        "--network", "fd50::/64", "--network", "10.51.0.0/24")
    sat = Satellite(sat_ns, "sat").join(hub.add_site("sat"))
    hub.start()
    sat.start()

    def by_tunnel(network):
        family = "-6" if ":" in network else "-4"
        return "dev tombolo0" in sat_ns.ip(family, "route", "show",
                                           network).stdout
    for network in ("10.50.0.0/24", "fd50::/64", "10.51.0.0/24"):
        wait_until(lambda: by_tunnel(network), 10, network + " by the tunnel")
    sat_ns.addr("wlan", "10.50.0.9/24", "fd50::9/64")
    wait_until(lambda: sat_ns.can_ping("10.50.0.5"), 10, "the LAN, IPv4")
    wait_until(lambda: sat_ns.can_ping("fd50::5"), 10, "the LAN, IPv6")
    assert by_tunnel("10.51.0.0/24"), "the others stay"
    hub.site("disable", "sat")  # logs in anew: the rest is taken
    hub.site("enable", "sat")
    sat.wait_log("route 10.50.0.0/24: left out: it overlaps 10.50.0.0/24, "
                 "this host's own network on wlan", 60)
    hub.wait_site("sat")
    assert sat_ns.ping("10.50.0.5") and sat_ns.ping("fd50::5")
    sat_ns.ip("addr", "flush", "dev", "wlan")
    wait_until(lambda: by_tunnel("10.50.0.0/24"), 60, "it comes back")
    # The tunnel's own network, too.
    sat_ns.addr("wlan", "10.4.2.200/24")
    lan.addr("lan0", "10.4.2.5/24")
    wait_until(lambda: sat_ns.can_ping("10.4.2.5"), 10, "another LAN")


# --------------------------------------------------- many small, as one large

def test_many_small_routes_are_a_default_route_in_disguise(small_net):
    small = ("8.0.0.0/8", "44.0.0.0/9", "45.0.0.0/16")
    words = [w for n in small for w in ("--network", n)]
    figure = Figure(small_net, server=tuple(words), accept=False)
    figure.hub.start()
    figure.sat.start(wait=False)
    figure.sat.wait_log("only with accept-default-route = yes")
    assert "dev wan" in figure.client.ip("route", "get", "8.8.8.8").stdout


def test_with_leave_the_server_among_them_is_reached(small_net):
    """All but private networks, in parts none of which is a default route."""
    large = ("0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/3", "160.0.0.0/5",
             "176.0.0.0/4", "198.0.0.0/8", "200.0.0.0/5", "31.13.0.0/16")
    words = [w for n in large for w in ("--network", n)]
    figure = Figure(small_net, server=tuple(words)).start()
    with Watch(figure):
        assert figure.seen() == SERVER
    figure.sat.wait_log("data flows by UDP")
