# SPDX-License-Identifier: GPL-2.0-or-later
"""A LAN joined twice does not melt: within 5 s the younger port is blocked and
named, the rest goes on, and after a minute it is tried again.

                         (a switch: 198.18.0.0/24)
             .1 /          .11 |            | .12       \\ .13
            [hub] br0        [s1] br0     [s2] br0      [s3] br0
              |                |  \\........./ |            |
             hubh             s1h    ^       s2h          s3h
                                     `- the second cable
"""

import os
import time

import pytest

import frames
from frames import ETH_P_TEST, Sniffer, ether, send
from lib import TapStar, wait_until, watch

NOTICED = 5
RETRY = 60
PROBE = b"\x88\xb6"
SETTLED = 20  # ARP asks anew after 8 s


@pytest.fixture
def star(small_net):
    made = TapStar(small_net, 3, start=False)
    made.hub.daemon.start()
    for sat in made.sats:  # s1 is older than s2, and s2 than s3
        sat.daemon.start()
        made.hub.daemon.wait_site(sat.name)
    for sat in made.sats:
        made.wait_path(made.hub, sat)
    return made


def second_cable(star, a, b):
    """Joins the LANs of two sites by a cable of their own."""
    star.net.cable(a.gateway, "x-" + b.name, b.gateway, "x-" + a.name)
    a.gateway.ip("link", "set", "x-" + b.name, "master", "br0")
    b.gateway.ip("link", "set", "x-" + a.name, "master", "br0")


def pull(a, b):
    a.gateway.ip("link", "del", "x-" + b.name)


def blocked(star):
    return {n for n, p in star.hub.daemon.ports().items()
            if p["state"] == "blocked"}


def sites_blocked(star):
    return {n for n, s in star.hub.daemon.sites().items() if s["blocked"]}


def broadcasts(site, n=20):
    send(site.host, "lan0", *[ether(frames.BROADCAST, site.mac, ETH_P_TEST,
                                    os.urandom(100)) for _ in range(n)])


def frames_per_second(site, seconds=1.0):
    with Sniffer(site.host, "lan0") as heard:
        return len(heard.collect(lambda f: True, seconds)) / seconds


def test_second_cable_between_two_satellites(star):
    s1, s2, s3 = star.sats
    second_cable(star, s1, s2)
    broadcasts(s1)
    wait_until(lambda: blocked(star) == {"s2"}, NOTICED,
               "the younger port is blocked")
    assert sites_blocked(star) == {"s2"}
    assert star.hub.daemon.ports()["s2"]["reason"]
    star.hub.daemon.wait_log(r"s2.*(twice|loop|blocked)")

    # What was on its way dies, and nothing circles any more.
    wait_until(lambda: frames_per_second(s3, 0.5) < 50, 10, "the storm is over")
    token = os.urandom(60)
    with Sniffer(s3.host, "lan0") as heard:
        send(s1.host, "lan0", ether(frames.BROADCAST, s1.mac, ETH_P_TEST,
                                    token))
        got = heard.collect(lambda f: f[14:] == token, 1)
    assert len(got) == 1, "one broadcast arrived %d times" % len(got)

    # The rest goes on, and so does s2, by the cable; as soon as the bridges
    # have learned anew what the storm taught them wrongly.
    wait_until(lambda: star.hub.host.can_ping(s3.ip), SETTLED, "hub to s3")
    wait_until(lambda: s2.host.can_ping(star.hub.ip), SETTLED,
               "s2 reaches the hub through s1")


def test_second_cable_between_satellite_and_hub(star):
    s1, s3 = star.sats[0], star.sats[2]
    second_cable(star, star.hub, s1)
    broadcasts(star.hub)
    wait_until(lambda: blocked(star) == {"s1"}, NOTICED,
               "the satellite's port is blocked")
    star.hub.daemon.wait_log(r"s1.*(twice|loop|blocked)")
    wait_until(lambda: frames_per_second(s3, 0.5) < 50, 10, "the storm is over")
    wait_until(lambda: star.hub.host.can_ping(s3.ip), SETTLED, "hub to s3")
    wait_until(lambda: s1.host.can_ping(s3.ip), SETTLED,
               "s1 reaches s3 through the hub's LAN")


def test_where_an_address_moves_to_is_probed_at_once(star):
    """For a loop makes addresses move; the next round may be seconds away."""
    s1, s2, _ = star.sats
    moves, seconds = 8, 8  # as many rounds would take 14 s
    with Sniffer(s2.host, "lan0") as heard:
        end = time.monotonic() + seconds
        for _ in range(moves):
            broadcasts(s1, 1)
            time.sleep(0.3)  # a worker sends ten a second at most
            heard.drain()
            send(s2.host, "lan0", ether(frames.BROADCAST, s1.mac, ETH_P_TEST,
                                        bytes(46)))
            heard.wait(lambda f: f[12:14] == PROBE, end - time.monotonic(),
                       "a probe, each time")
            time.sleep(0.3)
    assert star.hub.daemon.status()["counters"]["addresses-moved"] >= moves
    assert not blocked(star)


def test_without_a_second_cable_nothing_is_blocked(star):
    watch(lambda: not blocked(star), NOTICED + 1, "no port is blocked")


@pytest.mark.slow
@pytest.mark.seconds(240)
def test_blocked_port_is_tried_again_after_a_minute(star):
    s1, s2, _ = star.sats
    second_cable(star, s1, s2)
    wait_until(lambda: blocked(star) == {"s2"}, NOTICED + 1, "blocked")
    since = time.monotonic()
    pull(s1, s2)
    watch(lambda: blocked(star) == {"s2"}, RETRY - 10, "it stays blocked",
          every=0.5)
    wait_until(lambda: not blocked(star), 25, "it is tried again")
    assert RETRY - 5 <= time.monotonic() - since <= RETRY + 15
    wait_until(lambda: star.hub.host.can_ping(s2.ip), 10, "s2 is back")
    second_cable(star, s1, s2)
    wait_until(lambda: len(blocked(star)) == 1, NOTICED + 1, "blocked again")


def udp_datagrams(ns):
    """(in, out) so far."""
    rows = [line.split() for line in
            ns.run("cat", "/proc/net/snmp").stdout.splitlines()
            if line.startswith("Udp:")]
    counts = dict(zip(*rows))
    return int(counts["InDatagrams"]), int(counts["OutDatagrams"])


def test_a_probe_asks_for_no_answer(small_net):
    """Where nobody sends, the line carries probes and no more."""
    star = TapStar(small_net, 1, start=False)
    star.hub.daemon.conf_set("server", "keepalive", 60)
    star.hub.daemon.conf_set("server", "dead-peer", 180)
    star.start()
    star.wait_path(star.hub, star.sats[0])
    time.sleep(35)  # the frames of the start have their path's size confirmed
    gateway = star.sats[0].gateway
    before = udp_datagrams(gateway)
    time.sleep(12)
    came, went = (b - a for a, b in zip(before, udp_datagrams(gateway)))
    assert 5 <= came <= 7 and went <= 1, (came, went)
