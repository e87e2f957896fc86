# SPDX-License-Identifier: GPL-2.0-or-later
"""On a line that loses, doubles, reorders and damages datagrams the lanes come
up, and nothing is delivered twice, damaged or forged.

    a --- br0 [sat] 198.18.2.1 ---- 198.18.1.1 [relay] 198.18.3.2
                                      (stands for the hub)  |
    b --- br0 [hub] 198.18.3.1 -----------------------------'
"""

import hashlib
import os

import pytest

from frames import ETH_P_TEST, Sender, Sniffer, ether
from lib import Hub, Relay, Satellite, Site, tombolo, wait_until

FRAMES = 3000


class Line:
    def __init__(self, net):
        self.a, self.b = Site(net, "sat", 1), Site(net, "hub", 2)
        self.middle = net.host("relay")
        sat, hub = self.a.gateway, self.b.gateway
        net.cable(sat, "wan", self.middle, "left")
        net.cable(self.middle, "right", hub, "wan")
        sat.addr("wan", "198.18.2.1/24")
        self.middle.addr("left", "198.18.2.254/24", "198.18.1.1/32")
        self.middle.addr("right", "198.18.3.2/24")
        hub.addr("wan", "198.18.3.1/24")
        sat.route("default", "198.18.2.254")
        self.relay = Relay(self.middle, "198.18.1.1", "198.18.3.1", "seed=7")
        self.hub = Hub(hub, "primary").init("198.18.1.1", "--mode", "tap",
                                            "--bridge", "br0")
        invite = self.hub.add_site("sat")
        self.hub.start()
        self.sat = Satellite(sat, "satellite").join(invite, "--bridge", "br0")

    def fair(self):
        self.relay.set("loss=0", "dup=0", "reorder=0", "corrupt=0")


@pytest.fixture(scope="module")
def line(net):
    return Line(net)


@pytest.fixture(autouse=True)
def fair_again(line):
    yield
    line.fair()


def test_lanes_come_up_at_thirty_percent_loss_each_way(line):
    line.relay.set("loss=0.3")
    for _ in range(8):
        line.sat.start(wait=False)
        line.hub.wait_site("sat", deadline=15)
        assert line.sat.stop() == 0
        wait_until(lambda: not line.hub.site_up("sat"), 10, "the site is gone")
    stats = line.relay.stats()
    assert stats["lost"] > 0.2 * stats["got"] > 0


def test_a_site_that_was_kicked_is_back_in_spite_of_loss(line):
    ensure_up(line)
    line.relay.set("loss=0.3", "reorder=0.2", "dup=0.2")
    for _ in range(3):
        before = len(line.sat.log())
        tombolo("kick", "sat", "-c", line.hub.conf)
        wait_until(lambda: len(line.sat.log()) > before, 10,
                   "the satellite says that it was kicked")
        line.hub.wait_site("sat", deadline=40)


def ensure_up(line):
    if not line.sat.running():
        line.sat.start()
    line.hub.wait_site("sat")
    wait_until(lambda: line.a.host.can_ping(line.b.ip), 10, "a reaches b")


def storm(sender, receiver, minimum):
    """FRAMES frames of all sizes; what arrives must have been sent, once."""
    prefix = ether(receiver.mac, sender.mac, ETH_P_TEST, b"")
    waiting, seen, twice = set(), 0, 0
    arrived = set()
    with Sniffer(receiver.host, "lan0") as heard, \
            Sender(sender.host, "lan0") as out:
        def take(seconds):
            nonlocal seen, twice
            for frame in heard.frames(seconds):
                if frame[:12] != prefix[:12] or frame[12:14] != prefix[12:]:
                    continue
                digest = hashlib.sha256(frame).digest()
                if digest in arrived:
                    twice += 1
                assert digest in waiting or digest in arrived, \
                    "%d bytes arrived that nobody sent" % len(frame)
                waiting.discard(digest)
                arrived.add(digest)
                seen += 1
        for n in range(FRAMES):
            size = 60 + n * 7 % 1455
            frame = prefix + os.urandom(size - 14)
            waiting.add(hashlib.sha256(frame).digest())
            out.send(frame)
            if n % 20 == 19:
                take(0.01)
        take(1)
    assert twice == 0, "%d frames were delivered twice" % twice
    assert seen >= minimum * FRAMES, "only %d of %d arrived" % (seen, FRAMES)


@pytest.mark.parametrize("words,minimum", [
    ("dup=1", 0.98),
    ("reorder=0.5", 0.95),
    ("dup=0.3 reorder=0.3", 0.95),
    ("corrupt=0.2", 0.5),
    ("loss=0.1 dup=0.2 reorder=0.2 corrupt=0.05", 0.4),
], ids=lambda v: str(v).replace(" ", "-"))
def test_nothing_is_delivered_twice_or_forged(line, words, minimum):
    ensure_up(line)
    line.relay.set(words)
    storm(line.a, line.b, minimum)
    storm(line.b, line.a, minimum)
    line.fair()
    assert line.hub.site_up("sat"), "the session outlives it"


def test_every_drop_has_a_name(line):
    ensure_up(line)
    before = line.hub.drops()
    line.relay.set("dup=0.5", "corrupt=0.3")
    storm(line.a, line.b, 0.3)
    line.fair()
    after = line.hub.drops()
    for reason in ("replayed", "forged"):
        assert after.get(reason, 0) > before.get(reason, 0), \
            "%s: %r then %r" % (reason, before, after)


def test_udp_that_comes_back_is_used_again(line):
    """Meanwhile frames go by TCP, and the session stays."""
    ensure_up(line)
    sessions = line.sat.status()["sessions"]
    line.relay.set("udp=0")
    wait_until(lambda: line.hub.sites()["sat"]["transport"] == "tcp", 15,
               "frames go by TCP")
    wait_until(lambda: line.a.host.can_ping(line.b.ip), 10, "a reaches b")
    line.relay.set("udp=1")
    line.hub.wait_site("sat", deadline=60)
    wait_until(lambda: line.a.host.can_ping(line.b.ip), 10, "a reaches b")
    assert line.sat.status()["sessions"] == sessions


def test_a_control_connection_that_is_cut_is_made_again(line):
    ensure_up(line)
    line.relay.set("tcp=0")
    wait_until(lambda: line.sat.state() != "up", 40, "it notices")
    line.relay.set("tcp=1")
    line.sat.wait_up(60)
    line.hub.wait_site("sat")
    wait_until(lambda: line.a.host.can_ping(line.b.ip), 10, "a reaches b")
