# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever the kernel does for us or does not, at one end or at both, what
comes out of the tunnel is what went in, and fit for a wire (offload.py).

    s1h --- [s1] ==== [hub] ==== [s2] --- s2h
                        |
                       hubh
"""

import os
import random
import struct

import pytest

import packets
from frames import SOL_PACKET, Sender, Sniffer
from lib import wait_until
from offload import (CELLS, PACKET_VNET_HDR, SLOW, TRIES, WHOLE, Star, burst,
                     check_sizes, check_streams, check_supers, check_trains,
                     device, is_udp_to, pairs, stream)
from packets import ACK, CWR, ECE, PSH, SYN, Flow, Parts

# What asks nothing of a single offload: the six cells above say it.
ALIKE = ("test_datagrams_of_every_size_arrive_once",
         "test_vxlan_inside_carries_a_stream", "test_no_checksum_stays_none",
         "test_dhcp_leases_an_address")
SHORT = ("with", "without", "s1-without")


@pytest.fixture(scope="module")
def world(net):
    return Star(net)


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


def test_tcp_streams_arrive_and_leave_as_whole_frames(cell):
    check_streams(cell, 1371)


def test_tcp_streams_between_virtual_machines(cell):
    for site in cell.sites:
        cell.lan(site, True)
    for a, b in pairs(cell):
        stream(a, b, b.ip)
        stream(a, b, b.ip6)


@pytest.mark.parametrize("machine", [False, True], ids=["card", "machine"])
def test_datagrams_of_every_size_arrive_once(cell, machine):
    check_sizes(cell, machine)


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


@pytest.mark.parametrize("way", ["s2-hub", "hub-s1", "s1-s2"])
def test_trains_arrive_byte_for_byte(cell, way):
    if cell.now not in SHORT and way != "s1-s2":
        pytest.skip("the others say it")
    names = {site.name: site for site in cell.sites}
    check_trains(cell, *(names[n] for n in way.split("-")))


@pytest.mark.parametrize("dst", ["known", "everybody"])
def test_superframes_are_cut_to_what_they_stand_for(cell, dst):
    check_supers(cell, {"known": (cell.s1,), "everybody": (cell.s1, cell.s2)}[
        dst])


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
    wait_until(lambda: "DHCP, IP range" in dnsmasq.output(), 10, "dnsmasq is up")
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
