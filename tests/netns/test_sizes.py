# SPDX-License-Identifier: GPL-2.0-or-later
"""Every frame from 60 to 1514 bytes (1518 tagged) arrives intact whatever the
path carries, IPv4 or IPv6 outside, ICMP let through or not.

    a ---- [sat] br0 --1500-- [r1] --path MTU-- [r2] --1500-- br0 [hub] ---- b
            198.18.2.1                                198.18.1.1
            fd18:2::1                                 fd18:1::1
"""

import hashlib
import os

import pytest

from frames import ETH_P_TEST, Sender, Sniffer, ether
from lib import Hub, Net, Satellite, Site, wait_until

PATHS = [(mtu, family, "icmp") for mtu in (1500, 1400, 1280)
         for family in (4, 6)] + [(1400, 4, "no-icmp"), (1280, 6, "no-icmp")]
NEAR, FAR = {4: "198.18.2.1", 6: "fd18:2::1"}, {4: "198.18.1.1", 6: "fd18:1::1"}
CHUNK = 40  # frames on their way at a time: no queue is to be too short


class Path:
    def __init__(self, net, mtu, family, icmp):
        self.mtu, self.family = mtu, family
        self.a, self.b = Site(net, "sat", 1), Site(net, "hub", 2)
        r1, r2 = net.host("r1"), net.host("r2")
        sat, hub = self.a.gateway, self.b.gateway
        net.cable(sat, "wan", r1, "left")
        net.cable(r1, "right", r2, "left", mtu=mtu)
        net.cable(r2, "right", hub, "wan")
        for router in (r1, r2):
            router.forward()
            if icmp == "no-icmp":
                # Only neighbour discovery, or IPv6 has no path at all.
                router.run("nft", "-f", "-", stdin="""
                    table inet f { chain o {
                        type filter hook output priority 0;
                        icmp type destination-unreachable drop
                        icmpv6 type packet-too-big drop
                    }
                    }""")
        sat.addr("wan", NEAR[4] + "/24", NEAR[6] + "/64")
        r1.addr("left", "198.18.2.254/24", "fd18:2::fe/64")
        r1.addr("right", "198.18.3.1/24", "fd18:3::1/64")
        r2.addr("left", "198.18.3.2/24", "fd18:3::2/64")
        r2.addr("right", "198.18.1.254/24", "fd18:1::fe/64")
        hub.addr("wan", FAR[4] + "/24", FAR[6] + "/64")
        for ns, via in ((sat, ("198.18.2.254", "fd18:2::fe")),
                        (hub, ("198.18.1.254", "fd18:1::fe")),
                        (r1, ("198.18.3.2", "fd18:3::2")),
                        (r2, ("198.18.3.1", "fd18:3::1"))):
            for gateway in via:
                ns.route("default", gateway)
        self.hub = Hub(hub, "primary").init(FAR[family], "--mode", "tap",
                                            "--bridge", "br0")
        invite = self.hub.add_site("sat")
        self.hub.start()
        self.sat = Satellite(sat, "satellite").join(invite, "--bridge", "br0")
        self.sat.start()
        self.hub.wait_site("sat")
        wait_until(lambda: self.a.host.can_ping(self.b.ip), 10, "a reaches b")


@pytest.fixture(scope="module", params=PATHS,
                ids=["mtu%d-ipv%d-%s" % p for p in PATHS])
def path(request):
    with Net() as net:
        yield Path(net, *request.param)


def test_the_path_is_really_that_small(path):
    """What makes the tests below worth something."""
    head = 28 if path.family == 4 else 48
    ping = path.a.gateway.ping
    assert ping(FAR[path.family], count=1, size=path.mtu - head,
                args=("-M", "do"))
    assert not ping(FAR[path.family], count=1, wait=1,
                    size=path.mtu - head + 1, args=("-M", "do"))


def sizes_lost(sender, receiver, sizes, vlan=None):
    """Sends a frame of random bytes a size; gives the sizes not received."""
    lost = []
    head = 14 if vlan is None else 18
    prefix = ether(receiver.mac, sender.mac, ETH_P_TEST, b"", vlan)
    with Sniffer(receiver.host, "lan0") as heard, \
            Sender(sender.host, "lan0") as out:
        for at in range(0, len(sizes), CHUNK):
            sent = {}
            for size in sizes[at:at + CHUNK]:
                frame = prefix + os.urandom(size - head)
                sent[hashlib.sha256(frame).digest()] = size
                out.send(frame)
            for frame in heard.frames(3):
                if frame.startswith(prefix):
                    digest = hashlib.sha256(frame).digest()
                    assert digest in sent, \
                        "a frame of %d bytes that nobody sent, or twice" % \
                        len(frame)
                    del sent[digest]
                    if not sent:
                        break
            lost += sorted(sent.values())
    return lost


def test_every_size_arrives_intact_to_the_hub(path):
    assert sizes_lost(path.a, path.b, list(range(60, 1515))) == []


def test_every_size_arrives_intact_from_the_hub(path):
    assert sizes_lost(path.b, path.a, list(range(60, 1515))) == []


def test_a_bare_cable_that_is_too_small_is_noticed(small_net):
    """The measuring itself: without Tombolo, large frames must be missed."""
    a, b = Site(small_net, "a", 1), Site(small_net, "b", 2)
    small_net.cable(a.gateway, "x", b.gateway, "x", mtu=1400)
    for site in (a, b):
        site.gateway.ip("link", "set", "x", "master", "br0")
    lost = sizes_lost(a, b, list(range(1380, 1440)))
    assert lost and min(lost) > 1414 and max(lost) == 1439, lost


def test_tagged_frames_arrive_intact(path):
    sizes = [64, 100, 1000] + list(range(1150, 1519))
    assert sizes_lost(path.a, path.b, sizes, vlan=(3, 77)) == []
    assert sizes_lost(path.b, path.a, [64, 1400, 1514, 1518], vlan=9) == []


def test_large_pings(path):
    assert path.a.host.ping(path.b.ip, count=3, size=65507, wait=4)
    assert path.b.host.ping(path.a.ip, count=3, size=1472,
                            args=("-M", "do"))


def test_path_mtu_is_found(path):
    """sites says what one outer packet may carry; never more than the path."""
    def found():
        return (path.mtu - 20 <= path.hub.sites()["sat"]["path_mtu"] <=
                path.mtu)
    wait_until(found, 20, "the path MTU is found", every=0.2)
