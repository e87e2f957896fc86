# SPDX-License-Identifier: GPL-2.0-or-later
"""All sites come back at once, many more than may be in the handshake: each by
its token, and none pushes another out.

              (a cable: 198.18.0.0/24)
        .1 /                    \\ .2
      [hub]             [s1 ... s24, one host]
"""

import os
import signal

import pytest

from lib import CommandFailed, Hub, Satellite, wait_until

HUB = "198.18.0.1"
SITES = 24
AT_ONCE = 3   # in the handshake
BACK = 120    # seconds; far more than it takes


class Storm:
    def __init__(self, net):
        self.hub_ns, ns = net.host("hub"), net.host("sites")
        net.cable(self.hub_ns, "wan", ns, "wan")
        self.hub_ns.addr("wan", HUB + "/24")
        ns.addr("wan", "198.18.0.2/24")
        self.hub = Hub(self.hub_ns).init(HUB, "--mode", "tap")
        self.hub.conf_set("server", "max-handshakes", str(AT_ONCE))
        self.hub.conf_set("interface", "workers", "1")
        self.sats = []
        for i in range(SITES):
            name = "s%d" % (i + 1)
            sat = Satellite(ns, name).join(self.hub.add_site(name))
            sat.conf_set("interface", "device", name)
            sat.conf_set("interface", "workers", "1")
            self.sats.append(sat)
        for daemon in [self.hub] + self.sats:
            daemon.expect_trouble = True
        self.hub.start()
        # One after the other: they have one address, and unknown clients'
        # attempts from one address are held off.
        for sat in self.sats:
            sat.start(wait=False)
            sat.wait_up(60)
            self.hub.wait_site(sat.name, 60)

    def engine(self):
        try:
            return self.hub.pid_of("engine")
        except CommandFailed:
            return None

    def all_back(self):
        try:
            sites = self.hub.sites().values()
        except CommandFailed:
            return False  # there is no engine just now
        return len(sites) == SITES and all(
            s["state"] == "up" and s.get("lanes_up") == s.get("lanes") == 1
            for s in sites)

    def came_back(self):
        wait_until(self.all_back, BACK, "all sites are back", every=0.2)
        counters = self.hub.status()["counters"]
        print(counters)
        # By the token: without the slow hash.
        assert counters["log-ins-resumed"] >= SITES
        assert counters["connections-held-off"] == 0
        # A few may be, on a host that does nothing for half a second.
        assert counters["connections-turned-away"] < SITES / 2
        return counters


@pytest.fixture(scope="module")
def storm(net):
    return Storm(net)


def test_an_engine_that_dies_is_found_by_all_at_once(storm):
    """The monitor holds the port: they connect and stand in the queue."""
    old = storm.hub.pid_of("engine")
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: storm.engine() not in (None, old), BACK,
               "another engine")
    counters = storm.came_back()
    # Each that had to wait counts once, however long it waited.
    assert 0 < counters["accepting-paused"] <= \
        counters["connections-accepted"] + 1


def test_a_server_that_is_killed_and_started(storm):
    storm.hub.process.kill(signal.SIGKILL)
    storm.hub.process.wait()
    storm.hub.start()
    storm.came_back()


def test_a_server_that_is_stopped_and_started(storm):
    storm.hub.stop()
    storm.hub.start()
    storm.came_back()
