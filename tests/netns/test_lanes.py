# SPDX-License-Identifier: GPL-2.0-or-later
"""A lane that dies while others live is made anew from another port, with other
keys, in the same session; its frames take other ways until then.

    a --- br0 [s1] ---- w0 ---- [hub] br0 --- b

A lane's way is a rule at the hub, where the datagrams arrive and leave: nobody
is told.
"""

import re
import time

import pytest

from lib import Net, TapStar, wait_until
from test_rekey import Numbered

SOON = 30  # seconds; it takes about 5, but the machine may be busy
FLOWS = 8  # so that each lane has some


class Lanes:
    def __init__(self, net, transport="auto", server=2, client=2, block=None,
                 server_at=()):
        self.star = TapStar(
            net, 1, start=False,
            server=[("server", "transport", transport),
                    ("interface", "workers", server)],
            client=[("client", "transport", transport),
                    ("interface", "workers", client)])
        self.sat, self.hub = self.star.sats[0], self.star.hub
        if server_at:
            self.hub.gateway.addr("wan", *(a + "/24" for a in server_at[1:]))
            self.sat.daemon.conf_set("client", "server", *(
                a + ":55555 name " + server_at[0] for a in server_at))
        if block:
            self.block("udp dport 55555 " + block, "udp sport 55555 " + block)
        self.hub.daemon.start()
        self.sat.daemon.start()
        # Where the blocked one's worker has no other way, after two attempts.
        self.star.wait_path(self.sat, self.hub, SOON)

    def block(self, arrives, leaves):
        """Instead of what was blocked before, and nothing passes in between."""
        self.hub.gateway.run("nft", "-f", "-", stdin="""
            table inet block
            delete table inet block
            table inet block {
                chain in { type filter hook input priority 0; %s drop; }
                chain out { type filter hook output priority 0; %s drop; }
            }""" % (arrives, leaves))

    def ports(self):
        """Where the satellite's lanes have their sockets."""
        lines = self.sat.gateway.run("ss", "-Hnua").stdout
        return set(re.findall(r"\S+:(\d+)\s+\S+:\*", lines))

    def lanes(self):
        """Up, and in all; at the satellite, at the hub."""
        own = self.sat.daemon.ask("sites")["sites"][0]
        theirs = self.hub.daemon.sites()["s1"]
        return [(s["lanes_up"], s["lanes"]) for s in (own, theirs)]

    def rebuilt(self):
        return self.sat.daemon.ask("sites")["sites"][0]["rebuilt"]

    def wait_whole(self):
        wait_until(lambda: all(up == n == 2 for up, n in self.lanes()), SOON,
                   "all lanes are up")

    def streams(self, **kw):
        a, b = self.sat, self.hub
        return [Numbered(*way, port=4001 + i, **kw) for i in range(FLOWS)
                for way in ((a.host, b.host, b.ip), (b.host, a.host, a.ip))]

    def end(self, streams):
        """What each has sent, lost, doubled, altered; at the same time."""
        for s in streams:
            s.over.set()
        return [s.end() for s in streams]

    def loses_nothing(self):
        streams = self.streams(rate=50)
        wait_until(lambda: all(s.sent >= 100 for s in streams), SOON)
        results = self.end(streams)
        assert all(r[1:] == (0, 0, 0) for r in results), results

    def logged_in_once(self):
        assert self.sat.daemon.status()["sessions"] == 1
        assert len(self.hub.daemon.wait_log(r"site s1: (up|goes on)")) == 1
        assert not self.hub.daemon.log_lines(r"site s1: down")


@pytest.fixture
def lanes_of():
    with Net() as net:
        yield lambda *args, **kw: Lanes(net, *args, **kw)


@pytest.mark.parametrize("transport", ["auto", "udp"])
def test_a_dead_lane_comes_back_from_another_port(lanes_of, transport):
    line = lanes_of(transport)
    line.wait_whole()
    before = line.ports()
    assert len(before) == 2
    victim = min(before)
    streams = line.streams(rate=50)
    wait_until(lambda: all(s.heard for s in streams), SOON, "all flow")
    line.block("udp sport " + victim, "udp dport " + victim)
    wait_until(lambda: line.rebuilt() == 1, SOON, "it is made anew")
    line.wait_whole()
    # By the ways that there are, those that the dead lane had, too.
    counts = [len(s.heard) for s in streams]
    wait_until(lambda: all(len(s.heard) > n + 20 for s, n in
                           zip(streams, counts)), SOON, "all flow again")
    wait_until(lambda: victim not in line.ports() and len(line.ports()) == 2,
               SOON, "the dead lane's socket is closed")
    assert before - {victim} < line.ports(), "the other lane kept its own"
    results = line.end(streams)
    assert all((doubled, altered) == (0, 0)
               for _, _, doubled, altered in results), results
    # All is as it was: nothing is lost any more.
    line.loses_nothing()
    line.logged_in_once()
    line.sat.daemon.wait_log(r"1 of 2 data lanes are dead: they are "
                             r"replaced, from other ports")
    line.sat.daemon.wait_log("all data lanes work again")


def test_lanes_that_all_died_come_back_from_other_ports(lanes_of):
    """As a NAT's stale mapping has it; frames go by TCP until then."""
    line = lanes_of()
    line.wait_whole()
    before = line.ports()
    ports = "{ %s }" % ", ".join(before)
    streams = line.streams(rate=50)  # or one might die long before the other
    wait_until(lambda: all(s.heard for s in streams), SOON, "all flow")
    line.block("udp sport " + ports, "udp dport " + ports)
    wait_until(lambda: line.sat.daemon.status()["transport"] == "tcp", SOON,
               "frames go by TCP")
    wait_until(lambda: line.rebuilt() == 2, 60 + SOON, "both are made anew")
    line.wait_whole()
    results = line.end(streams)
    assert all(r[2:] == (0, 0) for r in results), results
    wait_until(lambda: len(line.ports()) == 2 and not line.ports() & before,
               SOON, "from other ports")
    line.loses_nothing()
    line.logged_in_once()


def test_a_server_that_moved_is_followed(lanes_of):
    """By another of its addresses the session goes on, and so do its lanes."""
    line = lanes_of(server_at=["198.18.0.1", "198.18.0.201"])
    line.wait_whole()
    line.hub.gateway.run("nft", "-f", "-", stdin="""
        table inet moved {
            chain in { type filter hook input priority 0;
                ip daddr 198.18.0.1 tcp dport 55555 reject with tcp reset
                ip daddr 198.18.0.1 drop; }
            chain out { type filter hook output priority 0;
                ip saddr 198.18.0.1 udp sport 55555 drop; }
        }""")
    wait_until(lambda: line.sat.daemon.status()["address"] ==
               "198.18.0.201:55555", SOON, "the session goes on")
    # Sooner than lanes that are all dead are made anew otherwise.
    wait_until(lambda: line.rebuilt() > 0, SOON, "they are made anew")
    line.wait_whole()
    line.loses_nothing()
    assert line.sat.daemon.status()["sessions"] == 1


def test_an_answer_may_come_late(lanes_of):
    """New keys are asked for again after 5 s, and then both are answered."""
    line = lanes_of()
    line.wait_whole()
    victim = min(line.ports())
    line.block("udp sport " + victim, "udp dport " + victim)
    line.hub.gateway.run("nft", "-f", "-", stdin="""
        table inet late { chain out {
            type filter hook output priority 0; tcp sport 55555 drop; }; }""")
    wait_until(lambda: line.sat.daemon.log_lines("data lanes are dead"), SOON,
               "it asks")
    time.sleep(8)  # and again, after 5
    line.hub.gateway.run("nft", "delete", "table", "inet", "late")
    line.wait_whole()
    line.loses_nothing()
    line.logged_in_once()
