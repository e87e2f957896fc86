# SPDX-License-Identifier: GPL-2.0-or-later
"""What test_offload.py tries, by other ways: over IPv6, where less passes, by
routes (offload.py draws them), with a kernel that balks.

    s1h --- [s1] ==== [hub] ==== [s2] --- s2h
                        |
                       hubh
"""

import pytest

import packets
from frames import SOL_PACKET, Sniffer, mac
from lib import Net, preloaded
from offload import (PACKET_VNET_HDR, ROUTED, Routed, Star, burst, check_sizes,
                     check_streams, check_supers, check_trains, device,
                     run_trains, stream)
from packets import Flow, Parts
from trains import TRAINS

NEEDS_CSUM = 1  # VIRTIO_NET_HDR_F_NEEDS_CSUM


class Elsewhere(Star):
    """Over IPv6, or where less passes than our own link takes."""

    def __init__(self, net, six, path):
        super().__init__(net, path, outer="2001:db8::%d/64" if six else
                         "198.18.0.%d/24")
        headers = (40 if six else 20) + 8 + 41 + 6 + 14
        self.mss = path - headers - 40


@pytest.fixture(scope="module", params=[
    (True, "with", 1500), (False, "without", 1400)],
    ids=["IPv6", "path of 1400"])
def elsewhere(request):
    six, how, path = request.param
    with Net() as net:
        yield Elsewhere(net, six, path).become(how)


def test_streams_by_other_ways(elsewhere):
    check_streams(elsewhere, elsewhere.mss)


@pytest.mark.parametrize("machine", [False, True], ids=["card", "machine"])
def test_datagrams_of_every_size_by_other_ways(elsewhere, machine):
    check_sizes(elsewhere, machine)


def test_trains_by_other_ways(elsewhere):
    check_trains(elsewhere, elsewhere.s1, elsewhere.s2)


def test_superframes_by_other_ways(elsewhere):
    check_supers(elsewhere, (elsewhere.s1,))


# -- what the kernel does not do, and the hub need not

@pytest.fixture(scope="module")
def world(net):
    return Star(net)


def test_a_device_that_takes_no_superframes(world):
    """It was said to, as by a kernel that knows TUN_F_USO4 but not all of it"""
    world.become("with")
    for site in world.sites:
        world.lan(site, True)
    site = world.s1
    world.now = None
    site.daemon.stop("SIGTERM")
    site.daemon.conf_set("interface", "workers", "2")  # as balk.c counts
    site.daemon.start(env=preloaded(world.net, "balk"))
    world.star.wait_path(site, world.hub)
    engine = site.daemon.pid_of("engine")
    with Sniffer(site.gateway, device(site)) as heard:
        for a, b in ((world.hub, site), (world.s2, site), (site, world.hub)):
            stream(a, b, b.ip)
            stream(a, b, b.ip6)
        for family in (4, 6):
            burst(world.hub, site, family, 1200, 7002, False)
        got = [len(f) for f in heard.frames(0.05)]
    assert len(got) > 1000 and max(got) <= 1514, "it was not refused"
    assert site.daemon.pid_of("engine") == engine


def test_the_hub_completes_no_checksum_between_sites(world):
    """What came to be completed leaves so, to the last device.  That site joins
    nothing, or it would ask for checksums itself."""
    world.become("with")
    for site in world.sites:
        world.lan(site, True)
    site = world.s2
    world.now = None
    site.daemon.stop("SIGTERM")
    site.daemon.conf_set("interface", "no-offload", "tso4")
    site.daemon.start()
    world.star.wait_path(world.s1, site)
    with Sniffer(site.gateway, device(site)) as heard:
        heard.sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        stream(world.s1, site, site.ip)
        flags = [f[0] & NEEDS_CSUM for f in heard.frames(0.05) if
                 f[1] == packets.GSO_NONE and
                 f[10:16] == mac(site.host.mac("lan0")) and
                 Parts(f[10:]).proto == packets.TCP and len(f) > 1000]
    assert len(flags) > 1000 and all(flags)


# -- the same by routes

@pytest.fixture(scope="module", params=ROUTED)
def routed(request, routed_world):
    return routed_world.become(request.param)


@pytest.fixture(scope="module")
def routed_world():
    with Net() as net:
        yield Routed(net)


def test_routed_tcp_streams(routed):
    check_streams(routed, 1385)


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
NOT_ROUTED = ("of IPv4 itself", "checksum of IPv4", "padding", "lengths of",
              "tag", "in pieces", "TTL", "options of IPv4", "routing",
              "more than one", "hop limits")


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
