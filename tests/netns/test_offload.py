# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever the kernel does for us or does not, at one end or at both, what
comes out of the tunnel is what went in, and fit for a wire.

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
from frames import SOL_PACKET, Sender, Sniffer, mac
from lib import Hub, Net, Satellite, TapStar, wait_until
from packets import ACK, CWR, ECE, FIN, PSH, SYN, URG, Flow, Parts
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
# What asks nothing of a single offload: the six cells above say it.
ALIKE = ("test_datagrams_of_every_size_arrive_once",
         "test_vxlan_inside_carries_a_stream", "test_no_checksum_stays_none",
         "test_dhcp_leases_an_address")
SHORT = ("with", "without", "s1-without")
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

    def __init__(self, net):
        self.net = net
        self.star = TapStar(net, 2, start=False)
        self.hub, (self.s1, self.s2) = self.star.hub, self.star.sats
        self.sites = self.star.sites
        self.machine = {}
        self.without = self.now = None
        for site in self.sites:
            site.ip6 = "fd77::%d" % site.number
            site.host.addr("lan0", site.ip6 + "/64")
            site.is_tun = False

    def become(self, name, clamp="yes"):
        """As the cell of that name; every daemon starts again."""
        without, wan = (CELLS.get(name) or SLOW[name]).values()
        for site, names in zip(self.sites, without):
            if site.daemon.running():
                site.daemon.stop("term")
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
        wait_until(lambda: all(
            site["path_mtu"] == 1500 for site in
            self.hub.daemon.sites().values()), 10, "the path MTU is found")
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


@pytest.fixture(scope="module")
def world(net):
    return Star(net)


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
        self.net = net
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


@pytest.fixture(scope="module", params=ROUTED)
def routed(request, routed_world):
    return routed_world.become(request.param)


@pytest.fixture(scope="module")
def routed_world():
    with Net() as net:
        yield Routed(net)


@pytest.fixture(scope="module")
def cell(request, world):
    return world.become(request.param)


def pytest_generate_tests(metafunc):
    """Cells that are like the others for a test are not gone through."""
    if "cell" in metafunc.fixturenames:
        names = list(CELLS)
        if metafunc.function.__name__ not in ALIKE:
            names += [pytest.param(n, marks=pytest.mark.slow) for n in SLOW]
        metafunc.parametrize("cell", names, indirect=True, scope="module")


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


def test_tcp_streams_arrive_and_leave_as_whole_frames(cell):
    cell.lan(cell.s1, True)
    for site in (cell.hub, cell.s2):
        cell.lan(site, False)
    with fit_for_a_wire(cell.hub, cell.s2):
        for a, b in pairs(cell):
            for address, most in ((b.ip, 1371), (b.ip6, 1351)):
                assert stream(a, b, address) <= most


def test_tcp_streams_between_virtual_machines(cell):
    for site in cell.sites:
        cell.lan(site, True)
    for a, b in pairs(cell):
        stream(a, b, b.ip)
        stream(a, b, b.ip6)


SIZES = [0, 1, 2, 17, 18, 19, 100, 500] + list(range(1335, 1402, 3)) + [
    1471, 1472, 1473, 1480, 2000, 2799, 2960, 4096, 9000, 20000, 40000, 65507]


@pytest.mark.parametrize("machine", [False, True], ids=["card", "machine"])
def test_datagrams_of_every_size_arrive_once(cell, machine):
    check_sizes(cell, machine)


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


@pytest.mark.parametrize("machine", [False, True], ids=["card", "machine"])
def test_segmented_datagrams_arrive_in_order(cell, machine):
    for site in cell.sites:
        cell.lan(site, machine)
    for a, b in ((cell.s1, cell.hub), (cell.hub, cell.s2), (cell.s2, cell.s1)):
        for family in (4, 6):
            for size in (60, 1440):
                for gro in (False, True):
                    # A kernel cuts to its own MTU itself: no more than that.
                    burst(a, b, family, size, 7002, gro)


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


@pytest.mark.parametrize("way", ["s2-hub", "hub-s1", "s1-s2"])
def test_trains_arrive_byte_for_byte(cell, way):
    if cell.now not in SHORT and way != "s1-s2":
        pytest.skip("the others say it")
    names = {site.name: site for site in cell.sites}
    a, b = (names[n] for n in way.split("-"))
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


@pytest.mark.parametrize("dst", ["known", "everybody"])
def test_superframes_are_cut_to_what_they_stand_for(cell, dst):
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
                to = {"known": sats[:1], "everybody": sats}[dst]
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


def test_superframes_too_large_for_the_path_are_cut_smaller(cell):
    a, b = cell.hub, cell.s2
    cell.lan(a, True)
    cell.lan(b, False)
    flow = Flow("02:79:00:00:00:01", b.mac)
    data = random.Random("large").randbytes(40000)
    frame = flow.tcp(data, ACK | PSH, partial=True)
    with Sender(a.host, "lan0") as out, Sniffer(b.host, "lan0") as heard:
        out.sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        out.send(packets.vnet_header(frame, packets.GSO_TCP4, 1460) + frame)
        got, came = [], b""
        for f in heard.frames(3):
            if f[:12] == frame[:12]:
                got.append(f)
                came += Parts(f).data()
            if len(came) >= len(data):
                break
    assert came == data
    assert not [f for f in got if packets.trouble(f)]
    whole = set(cell.without["hub"]) & {"all", "csum", "tso4"}
    assert max(map(len, got)) == (1514 if whole else WHOLE)
    assert [Parts(f).flags() for f in got] == \
        [ACK] * (len(got) - 1) + [ACK | PSH]


# -- what is to be left alone

@pytest.mark.parametrize("checksum", ["noudpcsum", "udpcsum"])
def test_vxlan_inside_carries_a_stream(cell, checksum):
    a, b = cell.s1, cell.s2
    cell.lan(a, True)
    cell.lan(b, False)
    ends = {a: (b, "10.99.0.1"), b: (a, "10.99.0.2")}
    for site, (other, address) in ends.items():
        site.host.ip("link", "add", "vx", "type", "vxlan", "id", 5, "dstport",
                     4789, "local", site.ip, "remote", other.ip, "dev", "lan0",
                     checksum)
        site.host.ip("link", "set", "vx", "mtu", 1300, "up")
        site.host.addr("vx", address + "/24")
    try:
        with Sniffer(b.host, "lan0") as heard, \
                Sniffer(b.gateway, device(b)) as before:
            stream(a, b, "10.99.0.2")
            outer = [f for f in heard.frames(0.05) if is_udp_to(f, 4789)]
            assert len(outer) > 1000
            for frame in outer:
                assert packets.trouble(frame) is None
                assert (Parts(frame).check() == 0) == (checksum != "udpcsum")
                inner = frame[Parts(frame).payload + 8:]
                assert packets.trouble(inner, mtu=1300) is None
            assert max(len(f) for f in before.frames(0)) <= 1514
        stream(b, a, "10.99.0.1")
    finally:
        for site in ends:
            site.host.ip("link", "del", "vx")


def is_udp_to(frame, port):
    parts = Parts(frame)
    return parts.proto == packets.UDP and parts.dport == port


def test_wireguard_is_never_joined(cell):
    a, b = cell.s1, cell.s2
    cell.lan(a, True)
    cell.lan(b, True)
    for family in (4, 6):
        assert burst(a, b, family, 1200, 51820, gro=True) == 0
        others = max(burst(a, b, family, 1200, 51821, gro=True)
                     for _ in range(TRIES))
        names = set(cell.without["s2"])
        if not names & {"csum", "uso4", "uso6", "all"}:
            assert others > 0, "nothing is ever joined here"
        else:
            assert others == 0


def test_no_checksum_stays_none(cell):
    a, b = cell.s2, cell.hub
    cell.lan(a, True)
    cell.lan(b, False)
    with Sniffer(b.host, "lan0") as heard:
        assert burst(a, b, 4, 1200, 7003, gro=True, no_check=True) == 0
        got = [f for f in heard.frames(0) if is_udp_to(f, 7003)]
    assert len(got) == 31 and not [f for f in got if Parts(f).check() != 0]


def test_dhcp_is_written_with_its_checksum(cell):
    a, b = cell.hub, cell.s1
    cell.lan(a, True)
    cell.lan(b, True)
    with Sender(a.host, "lan0") as out, Sniffer(b.host, "lan0") as heard:
        out.sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        for version, port in ((4, 67), (4, 68), (6, 546), (6, 547)):
            for tags in ([], [(packets.VLAN, 6)]):
                flow = Flow("02:7a:00:00:00:01", b.mac, version, dport=port,
                            tags=tags)
                frame = flow.udp(b"lease" * 60, partial=True)
                out.send(packets.vnet_header(frame) + frame)
                got = heard.wait(lambda f: f[:12] == frame[:12], 3)
                assert Parts(got).dport == port
                assert packets.trouble(got) is None


def test_dhcp_leases_an_address(cell, tmp_path):
    server, client = cell.hub, cell.s1
    cell.lan(server, True)
    cell.lan(client, True)
    os.chmod(tmp_path, 0o755)
    dnsmasq = server.host.spawn(
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
        "--user=root", "--no-ping", "--log-facility=-", "--interface=lan0",
        "--bind-interfaces", "--pid-file=", "--dhcp-authoritative",
        "--dhcp-leasefile=%s" % (tmp_path / "leases"),
        "--dhcp-range=192.168.77.100,192.168.77.150,255.255.255.0,2m")
    wait_until(lambda: "DHCP, IP range" in dnsmasq.output(), 5, "dnsmasq is up")
    client.host.run("udhcpc", "-i", "lan0", "-f", "-q", "-n", "-t", 5, "-T", 2,
                    "-s", "/bin/true", timeout=30)
    dnsmasq.stop()
    assert client.mac in (tmp_path / "leases").read_text()


# -- TCP is kept to what passes whole

MSS = b"\x02\x04"
SYNS = [
    # words, the flow, ext, options with the MSS, clamped to
    ("IPv4", dict(), (), MSS + b"\x05\xb4", 1371),
    ("IPv6", dict(version=6), (), MSS + b"\x05\xa0", 1351),
    ("IPv4, tagged", dict(tags=[(packets.VLAN, 7)]), (), MSS + b"\x05\xb4",
     1367),
    ("IPv6, tagged", dict(version=6, tags=[(packets.VLAN, 7)]), (),
     MSS + b"\x05\xa0", 1347),
    ("IPv4, two tags", dict(tags=[(packets.QINQ, 7), (packets.VLAN, 8)]), (),
     MSS + b"\x05\xb4", 1363),
    ("IPv6, an extension header", dict(version=6),
     [(0, b"\0\1\4\0\0\0\0")], MSS + b"\x05\xa0", 1343),
    ("others in front", dict(), (), b"\4\2\3\3\7" + MSS + b"\x23\x00" +
     b"\1\1\0", 1371),
    ("at an odd place", dict(), (), b"\1" + MSS + b"\xff\xff" + b"\1\1\0",
     1371),
    ("one too large", dict(), (), MSS + b"\x05\x5c", 1371),
    ("right already", dict(), (), MSS + b"\x05\x5b", None),
    ("small", dict(), (), MSS + b"\x02\x18", None),
    ("no MSS", dict(), (), b"\1\1\4\2", None),
    ("no options", dict(), (), b"", None),
    ("behind the end of options", dict(), (), b"\0\1\1\1" + MSS + b"\x05\xb4",
     None),
    ("a strange length", dict(), (), b"\2\5\x05\xb4\x05\1\1\0", None),
    ("an option longer than the header", dict(), (), b"\4\x20\x05\xb4", None),
]


def check_syns(cell, clamped):
    for a, b in ((cell.s1, cell.s2), (cell.hub, cell.s1), (cell.s2, cell.hub)):
        with Sender(a.host, "lan0") as out, Sniffer(b.host, "lan0") as heard:
            for number, (what, shape, ext, options, mss) in enumerate(SYNS):
                for flags in (SYN, SYN | ACK, SYN | ECE | CWR):
                    for wrong in (0, 0x1234):
                        check_syn(out, heard, b, flags, ext, options,
                                  mss if clamped else None, shape, wrong, what)


def check_syn(out, heard, b, flags, ext, options, mss, shape, wrong, what):
    flow = Flow("02:7b:00:00:00:01", b.mac, **shape)
    frame = flow.tcp(b"", flags, options=options, wrong=wrong, ext=ext)
    out.send(frame)
    got = heard.wait(lambda f: f[6:12] == frame[6:12], 3, what)
    if mss is None:
        assert got == frame, what
        return
    at = Parts(frame).mss_at()
    assert struct.unpack_from("!H", got, at) == (mss,), what
    assert (packets.trouble(got) is None) == (wrong == 0), what
    sums = Parts(got).l4 + 16
    assert [n for n in range(len(got)) if got[n] != frame[n] and
            n not in (at, at + 1, sums, sums + 1)] == [], what


def small_datagrams(cell, a, b):
    """Of a stream from a to b: the part of the underlay's that is small.

    The least of some tries: a busy host brings a stream in small bites, too.
    """
    return min(small_datagrams_once(cell, a, b) for _ in range(3))


def small_datagrams_once(cell, a, b):
    with Sniffer(cell.star.wan, "p-" + a.name) as heard:
        stream(a, b, b.ip)
        sizes = [len(f) for f in heard.frames(0.05) if Parts(f).proto ==
                 packets.UDP]
    assert len(sizes) > 1000 and max(sizes) <= 1514
    return sum(n < 800 for n in sizes) / len(sizes)


@pytest.mark.parametrize("where", ["with", "without"])
def test_syns_say_what_passes_whole(world, where):
    if world.now != where:
        world.become(where)
    check_syns(world, True)


def test_a_stream_makes_no_pieces(world):
    world.become("s1-without")
    for machine in (False, True):
        for site in world.sites:
            world.lan(site, machine)
        for a, b in ((world.s2, world.hub), (world.s1, world.hub)):
            assert small_datagrams(world, a, b) < 0.1


def test_without_clamping_nothing_is_touched(world):
    world.become("s1-without", clamp="no")
    for site in world.sites:
        world.lan(site, False)
    check_syns(world, False)
    for a, b in pairs(world):
        assert stream(a, b, b.ip) > 1400
    # The measuring itself: pieces are noticed.
    assert small_datagrams(world, world.s2, world.hub) > 0.4
    # A superframe needs no clamping: it is cut to what passes.
    world.lan(world.s2, True)
    assert small_datagrams(world, world.s2, world.hub) < 0.1


# -- the same by routes

def test_routed_tcp_streams(routed):
    routed.lan(routed.s1, True)
    for site in (routed.hub, routed.s2):
        routed.lan(site, False)
    with fit_for_a_wire(routed.hub, routed.s2):
        for a, b in pairs(routed):
            for address, most in ((b.ip, 1385), (b.ip6, 1365)):
                assert stream(a, b, address) <= most


def test_routed_datagrams_of_every_size(routed):
    check_sizes(routed, False)


def test_routed_segmented_datagrams(routed):
    for site in routed.sites:
        routed.lan(site, True)
    for a, b in ((routed.s1, routed.hub), (routed.hub, routed.s2),
                 (routed.s2, routed.s1)):
        for family in (4, 6):
            for gro in (False, True):
                burst(a, b, family, 1200, 7002, gro)


# Not what a router does not forward, changes, or sends in pieces.
NOT_ROUTED = ("of IPv4 itself", "checksum of IPv4", "padding", "lengths of", "tag", "in pieces",
              "TTL", "options of IPv4", "routing", "more than one",
              "hop limits")


def test_routed_trains_arrive_byte_for_byte(routed):
    rows = [row for row in TRAINS if not
            any(words in row[0] for words in NOT_ROUTED)]
    for a, b in ((routed.s2, routed.hub), (routed.s1, routed.s2)):
        for site in (a, b):
            routed.lan(site, False)

        def make_flow(number, shape):
            v6 = shape.get("version") == 6
            flow = Flow(a.host.mac("lan0"), a.gateway.mac("lan"), **dict(
                dict(sport=20000 + number, dport=9,
                     src=a.ip6 if v6 else a.ip, dst=b.ip6 if v6 else b.ip),
                **shape))
            return flow, mac(b.host.mac("lan0")) + mac(b.gateway.mac("lan"))
        run_trains(routed, a, b, rows, make_flow, hops=2)
