# SPDX-License-Identifier: GPL-2.0-or-later
"""offload: sites whose kernel does much for them or little, and whether what
comes out of the tunnel between them is what went in, and fit for a wire.

                       (a switch: 198.18.0.0/24)
              .1 /             .11 |              \\ .12
             [hub]               [s1]              [s2]      tombolo, br0
               |                   |                 |
             hubh                 s1h               s2h
              .1                  .11               .12   192.168.77.0/24

A LAN is a card's, without offloads: what leaves there is what a wire would
carry; or a virtual machine's, with all of them: superframes come from it.
"""

import contextlib
import hashlib
import os
import random
import signal
import socket
import struct
import threading
import time

import pytest

import packets
from frames import SOL_PACKET, Sender, Sniffer
from lib import Hub, Satellite, TapStar, wait_until
from packets import ACK, CWR, ECE, FIN, PSH, URG, Flow, Parts
from trains import TRAINS

ALL = ["all"]
EACH = ("csum", "tso4", "tso6", "uso4", "uso6", "gso", "gro")
# What hub, s1 and s2 go without; whether the underlay has offloads itself.
CELLS = {
    "with": dict(without=([], [], []), wan=True),
    "without": dict(without=(ALL, ALL, ALL), wan=False),
    "s1-without": dict(without=([], ALL, []), wan=False),
    "s1-alone-with": dict(without=(ALL, [], ALL), wan=True),
    "one-each": dict(without=(["csum"], ["gso"], ["tso4", "uso6"]), wan=True),
    "another-each": dict(without=(["gro"], ["tso6"], ["uso4"]), wan=True),
}
SLOW = {"no-" + name: dict(without=([name], [name], [name]), wan=True)
        for name in EACH}
WHOLE = 1425  # a frame that needs no pieces: outer MTU 1500, IPv4
PACKET_VNET_HDR = 15
TRIES = 10  # what may be joined is not, when a busy host brings it in parts
SOL_UDP, UDP_SEGMENT, UDP_GRO = 17, 103, 104
SO_NO_CHECK = 11
BLOB = random.Random("a stream").randbytes(2 << 20)


# -- the world

def offloads(ns, dev, on):
    word = "on" if on else "off"
    ns.run("ethtool", "-K", dev, "tx", word, "tso", word, "gso", word,
           "tx-udp-segmentation", word, check=False)


class Star:
    """A TapStar, made anew for each cell as far as needed."""

    def __init__(self, net, path=1500, **words):
        self.net, self.path = net, path
        self.star = TapStar(net, 2, start=False, **words)
        self.hub, (self.s1, self.s2) = self.star.hub, self.star.sats
        self.sites = self.star.sites
        self.machine = {}
        self.without = self.now = None
        for site in self.sites:
            if path < 1500:  # a bridge's port takes a tag more
                self.star.wan.ip("link", "set", "p-" + site.name, "mtu",
                                 path - 4)
            site.ip6 = "fd77::%d" % site.number
            site.host.addr("lan0", site.ip6 + "/64")
            site.is_tun = False

    def become(self, name, clamp="yes"):
        """As the cell of that name; every daemon starts again."""
        without, wan = (CELLS.get(name) or SLOW[name]).values()
        for site, names in zip(self.sites, without):
            if site.daemon.running():
                site.daemon.stop("SIGTERM")
            site.daemon.conf_set("interface", "no-offload", *names)
            site.daemon.conf_set("interface", "clamp-mss", clamp)
        for site in self.sites:
            offloads(site.gateway, "wan", wan)
            offloads(self.star.wan, "p-" + site.name, wan)
        self.without = {site.name: names for site, names in
                        zip(self.sites, without)}
        self.star.start()
        for a, b in ((self.s1, self.hub), (self.s2, self.hub),
                     (self.s1, self.s2)):
            self.star.wait_path(a, b)
        near = 0 if self.path == 1500 else 16  # the search ends there
        wait_until(lambda: all(
            self.path - near <= site["path_mtu"] <= self.path for site in
            self.hub.daemon.sites().values()), 30, "the path MTU is found")
        self.now = name if clamp == "yes" else None
        return self

    def joins(self, site, parts):
        """Whether `site` is to make superframes of such frames."""
        names = set(self.without[site.name])
        if names & {"csum", "all"}:
            return False
        if parts.proto == packets.UDP:
            return not names & {"uso4", "uso6"}
        return "tso%d" % parts.version not in names

    def lan(self, site, machine):
        """Makes the LAN of `site` a virtual machine's, or a card's."""
        if self.machine.get(site.name) == machine:
            return
        for ns, dev in ((site.gateway, "lan"), (site.host, "lan0")):
            offloads(ns, dev, machine)
        self.machine[site.name] = machine


class Network:
    """A site of the routed world: its gateway, and a host behind that."""

    is_tun = True

    def __init__(self, net, name, number):
        self.name, self.number = name, number
        self.gateway, self.host = net.host(name), net.host(name + "h")
        self.ip, self.ip6 = "10.0.%d.5" % number, "fd0%d::5" % number
        net.cable(self.gateway, "lan", self.host, "lan0")
        self.gateway.addr("lan", "10.0.%d.1/24" % number,
                          "fd0%d::1/64" % number)
        self.host.addr("lan0", self.ip + "/24", self.ip6 + "/64")
        self.host.route("default", "10.0.%d.1" % number)
        self.host.route("default", "fd0%d::1" % number)

    def words(self, option):
        return (option, "10.0.%d.0/24" % self.number, option,
                "fd0%d::/64" % self.number)


class Routed(Star):
    """The same by routes:

        [hubh] .5 --- .1 [hub] === [s1] .1 --- .5 [s1h]     10.0.1.0/24 hub
                           ||                                10.0.2.0/24 s1
                          [s2] .1 --- .5 [s2h]               10.0.3.0/24 s2
    """

    def __init__(self, net):
        self.net, self.path = net, 1500
        self.star = self
        self.machine = {}
        self.wan = net.host("wan")
        self.wan.bridge("w0")
        self.sites = [Network(net, name, number) for name, number in
                      (("hub", 1), ("s1", 2), ("s2", 3))]
        self.hub, self.s1, self.s2 = self.sites
        for site in self.sites:
            net.cable(site.gateway, "wan", self.wan, "p-" + site.name)
            self.wan.ip("link", "set", "p-" + site.name, "master", "w0")
            site.gateway.addr("wan", "198.18.0.%d/24" % site.number)
        self.hub.daemon = Hub(self.hub.gateway).init(
            "198.18.0.1", "--mode", "tun", *self.hub.words("--network"))
        for site in (self.s1, self.s2):
            invite = self.hub.daemon.add_site(site.name,
                                              *site.words("--subnet"))
            site.daemon = Satellite(site.gateway).join(invite)

    def start(self):
        for site in self.sites:
            site.daemon.start()
        for site in (self.s1, self.s2):
            self.hub.daemon.wait_site(site.name)

    wait_path = TapStar.wait_path


ROUTED = ["with", "without", "s1-without"]


@contextlib.contextmanager
def held(*sites):
    """Their engines stand still; then all that waits comes in one turn."""
    pids = [site.daemon.pid_of("engine") for site in sites]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
        time.sleep(0.03)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def device(site):
    return [d for d in site.gateway.devices() if "tombolo" in d][0]


# -- sockets inside

def udp_socket(ns, address, port=0):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with ns.entered():
        sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
    sock.bind((address, port))
    sock.settimeout(5)
    return sock


def stream(a, b, address, blob=BLOB, port=7000):
    """Whether `blob` arrives; gives what TCP's segments were at most."""
    listener = b.host.tcp_listen(address, port)
    got, mss = hashlib.sha256(), []

    def serve():
        conn, _ = listener.accept()
        conn.settimeout(20)
        with conn:
            while chunk := conn.recv(1 << 20):
                got.update(chunk)
            mss.append(conn.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))
            conn.sendall(got.digest())
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with a.host.tcp_connect(address, port) as conn:
        conn.settimeout(20)
        conn.sendall(blob)
        conn.shutdown(socket.SHUT_WR)
        mss.append(conn.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))
        answer = b""
        while chunk := conn.recv(64):
            answer += chunk
    thread.join(20)
    listener.close()
    assert answer == hashlib.sha256(blob).digest(), "%s to %s at %s" % (
        a.name, b.name, address)
    return max(mss)


@contextlib.contextmanager
def fit_for_a_wire(*sites):
    """Every frame that leaves at their LANs meanwhile is right."""
    with contextlib.ExitStack() as stack:
        heard = [(s, stack.enter_context(Sniffer(s.host, "lan0")))
                 for s in sites]
        yield
        for site, sniffer in heard:
            n = 0
            for frame in sniffer.frames(0.05):
                n += 1
                wrong = packets.trouble(frame)
                assert wrong is None, "at %s: %s: %s" % (
                    site.name, wrong, frame[:80].hex())
            assert n > 0, "nothing left at " + site.name


def pairs(cell):
    for a, b in ((cell.s1, cell.hub), (cell.s2, cell.hub),
                 (cell.s1, cell.s2)):
        yield a, b
        yield b, a


def check_streams(world, mss):
    """They leave as whole frames; `mss`: what passes whole, of IPv4."""
    world.lan(world.s1, True)
    for site in (world.hub, world.s2):
        world.lan(site, False)
    with fit_for_a_wire(world.hub, world.s2):
        for a, b in pairs(world):
            assert stream(a, b, b.ip) <= mss
            assert stream(a, b, b.ip6) <= mss - 20


SIZES = [0, 1, 2, 17, 18, 19, 100, 500] + list(range(1335, 1402, 3)) + [
    1471, 1472, 1473, 1480, 2000, 2799, 2960, 4096, 9000, 20000, 40000, 65507]


def check_sizes(cell, machine):
    for site in cell.sites:
        cell.lan(site, machine)
    rnd = random.Random("datagrams")
    for a, b in ((cell.s1, cell.hub), (cell.hub, cell.s2), (cell.s2, cell.s1)):
        for ours, theirs in ((a.ip, b.ip), (a.ip6, b.ip6)):
            if a.is_tun:
                # The first that is too large is lost: the gateway says so.
                a.host.ping(theirs, count=2, size=1452, interval=0.02)
            out, to = udp_socket(a.host, ours), udp_socket(b.host, theirs, 7001)
            with out, to, (contextlib.nullcontext() if machine else
                           fit_for_a_wire(b)):
                for at in range(0, len(SIZES), 8):
                    sent = [rnd.randbytes(n) for n in SIZES[at:at + 8]]
                    for data in sent:
                        out.sendto(data, (theirs, 7001))
                    got = [to.recv(70000) for _ in sent]
                    assert sorted(got, key=len) == sorted(sent, key=len)
                to.settimeout(0.02)
                with pytest.raises(TimeoutError):
                    to.recv(70000)


def send_segments(sock, data, size, to):
    sock.sendmsg([data], [(SOL_UDP, UDP_SEGMENT, struct.pack("=H", size))], 0,
                 to)


def receive_segments(sock, total):
    """(datagrams, how many came joined) until `total` bytes."""
    out, joined = [], 0
    while sum(map(len, out)) < total:
        data, anc, _, _ = sock.recvmsg(70000, 64)
        size = len(data) or 1
        for level, kind, value in anc:
            if (level, kind) == (SOL_UDP, UDP_GRO):
                size, = struct.unpack("=i", value)
        pieces = [data[i:i + size] for i in range(0, len(data), size)]
        joined += len(pieces) > 1
        out += pieces
    return out, joined


def burst(a, b, family, size, port, gro, no_check=False):
    """A segmented datagram from `a` to `b`, in one turn; what came."""
    ours, theirs = (a.ip, b.ip) if family == 4 else (a.ip6, b.ip6)
    data = random.Random(size).randbytes(size * 30 + 77)
    with udp_socket(a.host, ours) as out, \
            udp_socket(b.host, theirs, port) as to:
        if gro:
            to.setsockopt(SOL_UDP, UDP_GRO, 1)
        if no_check:
            out.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
        with held(b):
            if no_check:
                for i in range(0, len(data), size):
                    out.sendto(data[i:i + size], (theirs, port))
            else:
                send_segments(out, data, size, (theirs, port))
        got, joined = receive_segments(to, len(data))
    assert got == [data[i:i + size] for i in range(0, len(data), size)]
    return joined


# -- frames injected

def compare(what, sent, got, hops=0):
    # Fragments tell no ports: by another lane, they may overtake their flow.
    sent, got = (sorted(frames, key=lambda f: Parts(f).fragment)
                 for frames in (sent, got))
    want = [packets.comparable(f, hops) for f in sent]
    have = [packets.comparable(f) for f in got]
    if hops:
        have = [h[Parts(f).l3:] for h, f in zip(have, got)]
    for n, (w, h) in enumerate(zip(want, have)):
        assert h == w, "%s: frame %d is\n%s, not\n%s" % (
            what, n, h[:120].hex(), w[:120].hex())
    assert len(have) == len(want), "%s: %d of %d came" % (
        what, len(have), len(want))


class Ears:
    """The LAN of `b` and its TAP, and the LAN of `a` to speak at."""

    def __init__(self, a, b):
        self.a, self.b = a, b
        self.heard = Sniffer(b.host, "lan0")
        self.before = Sniffer(b.gateway, device(b))
        self.out = Sender(a.host, "lan0")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for end in (self.heard, self.before, self.out.sock):
            end.close()

    def carry(self, what, sent, mark, hops=0):
        """Sends it in one go; gives whether any of it was joined at `b`."""
        def ours(frame):
            return frame[:12] == mark[:12] and mark[12:] in frame[14:64]

        with held(self.b):
            for frame in sent:
                self.out.send(frame)
        got = self.heard.gather(ours, len(sent), 3)
        got += self.heard.gather(ours, 1, 0)
        compare("%s, %s to %s" % (what, self.a.name, self.b.name), sent, got,
                hops)
        most = max(map(len, sent))
        at_tap = self.before.collect(lambda f: len(f) > most, 0)
        return any(self.b.is_tun or ours(f) for f in at_tap)


def run_trains(world, a, b, rows, make_flow, hops=0):
    with Ears(a, b) as ears:
        for number, (what, joined, shape, make) in enumerate(rows):
            flow, macs = make_flow(number, shape)
            sent = make(flow, random.Random(what).randbytes)
            may = joined is not False and world.joins(b, Parts(sent[0]))
            for _ in range(TRIES):
                came = ears.carry(what, sent, macs + flow.src, hops=hops)
                if came or not (may and joined):
                    break
            assert came or not (may and joined), "%s: never joined" % what
            assert may or not came, "%s: joined" % what


def check_trains(cell, a, b):
    for site in (a, b):
        cell.lan(site, False)

    def make_flow(number, shape):
        source = "02:77:00:00:00:%02x" % number
        flow = Flow(source, b.mac, **dict({"sport": 20000 + number}, **shape))
        return flow, flow.macs
    run_trains(cell, a, b, TRAINS, make_flow)


# What a virtual machine sends at once; flags of the whole.
SUPERS = [
    ("TCP", dict(), dict(flags=ACK)),
    ("TCP with PSH and FIN", dict(), dict(flags=ACK | PSH | FIN)),
    ("TCP with CWR and ECE", dict(), dict(flags=ACK | CWR | ECE | PSH)),
    ("TCP with urgent data", dict(), dict(flags=ACK | URG, urg=700)),
    ("TCP with options", dict(), dict(options=b"\1\1\x08\x0a12345678")),
    ("TCP without DF", dict(ident=0xfff0), dict(df=False)),
    ("TCP over IPv6", dict(version=6), dict(flags=ACK | PSH)),
    ("TCP behind extension headers", dict(version=6),
     dict(ext=[(0, b"\0\1\4\0\0\0\0"), (60, b"\0\1\4\0\0\0\0")])),
    ("TCP with a tag", dict(tags=[(packets.VLAN, 77)]), dict()),
    ("TCP over IPv6 with a tag", dict(version=6, tags=[(packets.VLAN, 78)]),
     dict()),
    ("TCP with two tags", dict(tags=[(packets.QINQ, 9), (packets.VLAN, 8)]),
     dict()),
    ("TCP, sequence numbers wrap", dict(seq=0xfffff000), dict()),
    ("UDP", dict(), None),
    ("UDP without DF", dict(ident=0xfff0), dict(df=False)),
    ("UDP over IPv6", dict(version=6), None),
    ("UDP with a tag", dict(tags=[(packets.VLAN, 77)]), None),
]


def super_frames(dst, number, row, length, size):
    """(what to write to the socket, the frames it stands for)."""
    what, shape, words = row
    flow = Flow("02:78:00:00:00:%02x" % number, dst,
                **dict({"sport": 30000 + number}, **shape))
    data = random.Random(what).randbytes(length)
    if what.startswith("UDP"):
        frame = flow.udp(data, partial=True, **words or {})
        kind = packets.GSO_UDP_L4
    else:
        frame = flow.tcp(data, partial=True, **words)
        kind = {4: packets.GSO_TCP4, 6: packets.GSO_TCP6}[flow.version]
        if words.get("flags", 0) & CWR:
            kind |= packets.GSO_ECN
    return (packets.vnet_header(frame, kind, size) + frame,
            packets.cut(frame, size))


def check_supers(cell, to):
    """From the hub, to one or to all."""
    hub, sats = cell.hub, (cell.s1, cell.s2)
    cell.lan(hub, True)
    for sat in sats:
        cell.lan(sat, False)
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(Sender(hub.host, "lan0"))
        out.sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        ears = {s: stack.enter_context(Sniffer(s.host, "lan0")) for s in sats}
        for number, row in enumerate(SUPERS):
            for length, size in ((60000, 1300), (3000, 1200), (2000, 40),
                                 (1300, 1299), (900, 899)):
                wire, want = super_frames(
                    "ff:ff:ff:ff:ff:ff" if len(to) > 1 else to[0].mac, number,
                    row, length, size)
                out.send(wire)
                for sat in to:
                    got = ears[sat].gather(lambda f: f[:12] == want[0][:12],
                                           len(want), 3)
                    compare("%s, %d by %d, to %s" % (
                        row[0], length, size, sat.name), want, got)
                    for frame in got:
                        assert packets.trouble(frame) is None, row[0]


def is_udp_to(frame, port):
    parts = Parts(frame)
    return parts.proto == packets.UDP and parts.dport == port
