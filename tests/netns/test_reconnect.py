# SPDX-License-Identifier: GPL-2.0-or-later
"""The other side goes away and comes back; the client keeps its interface,
addresses and routes, and users' connections see a pause and nothing else.

    tun:  [client] 198.18.0.2 -------- 198.18.0.1 [server] --- 10.0.8.5 [host]
    tap:  a --- br0 [sat] .2 --------- .1 [hub] br0 --- b
"""

import os
import signal

import pytest

from lib import (EchoServer, Hub, Net, Satellite, Site, Talk, tombolo,
                 wait_until)

BACK = 60  # seconds: the longest back-off, and TCP's own
SOON = [("keepalive", 3), ("dead-peer", 10)]  # or a cut line takes a minute


class Tun:
    def __init__(self, net):
        self.server_ns, self.client_ns, self.host = (
            net.host(n) for n in ("server", "client", "host"))
        net.cable(self.server_ns, "wan", self.client_ns, "wan")
        net.cable(self.server_ns, "lan", self.host, "lan0")
        self.server_ns.addr("wan", "198.18.0.1/24")
        self.client_ns.addr("wan", "198.18.0.2/24")
        self.server_ns.addr("lan", "10.0.8.1/24")
        self.host.addr("lan0", "10.0.8.5/24")
        self.host.route("default", "10.0.8.1")
        self.hub = Hub(self.server_ns, "primary").init(
            "198.18.0.1", "--mode", "tun", "--network", "10.0.8.0/24")
        for row in SOON:
            self.hub.conf_set("server", *row)
        invite = self.hub.add_site("client")
        self.hub.start()
        self.sat = Satellite(self.client_ns, "satellite").join(invite).start()
        self.hub.wait_site("client")
        self.user, self.target, self.site = self.client_ns, "10.0.8.5", "client"
        self.server_host = self.host

    def kept(self):
        """The client's interface, its address and route, as text."""
        ns = self.client_ns
        return "\n".join(l.split(" state ")[0] for l in (
            ns.ip("-o", "link").stdout + ns.ip("-o", "-4", "addr").stdout +
            ns.ip("route").stdout).splitlines())


class Tap:
    def __init__(self, net):
        self.a, self.b = Site(net, "sat", 1), Site(net, "hub", 2)
        sat, hub = self.a.gateway, self.b.gateway
        net.cable(hub, "wan", sat, "wan")
        hub.addr("wan", "198.18.0.1/24")
        sat.addr("wan", "198.18.0.2/24")
        self.hub = Hub(hub, "primary").init("198.18.0.1", "--mode", "tap",
                                            "--bridge", "br0")
        for row in SOON:
            self.hub.conf_set("server", *row)
        invite = self.hub.add_site("sat")
        self.hub.start()
        self.sat = Satellite(sat, "satellite").join(invite, "--bridge", "br0")
        self.sat.start()
        self.hub.wait_site("sat")
        self.user, self.target, self.site = self.a.host, self.b.ip, "sat"
        self.server_host = self.b.host

    def kept(self):
        ns = self.a.gateway
        return "\n".join(l.split(" state ")[0] for l in
                         ns.ip("-o", "link").stdout.splitlines())


@pytest.fixture(scope="module", params=[Tun, Tap], ids=["tun", "tap"])
def pair(request):
    with Net() as net:
        yield request.param(net)


@pytest.fixture
def talk(pair):
    """A TCP connection that was there before, and must be there after."""
    server = EchoServer(pair.server_host, pair.target, 2323)
    made = Talk(pair.user, pair.target, 2323)
    made.type(b"before ")
    made.expect(b"before ", 10)
    yield made
    made.type(b"at the end ")
    made.expect(b"at the end ", BACK)
    assert len(server.peers) == 1, "one connection, all the time"
    made.close()
    server.close()


def goes_through(pair, talk, go_away, come_back):
    """The story of every test here."""
    kept = pair.kept()
    go_away()
    talk.type(b"meanwhile ")
    talk.silent(1)
    assert pair.kept() == kept, "interface, addresses and routes stay"
    come_back()
    talk.expect(b"meanwhile ", BACK)
    pair.sat.wait_up(BACK)
    pair.hub.wait_site(pair.site)
    assert pair.kept() == kept


def test_server_stopped_and_started(pair, talk):
    goes_through(pair, talk, pair.hub.stop, pair.hub.start)
    pair.sat.wait_log(r"bye|stopp|lost|closed|down")


def test_server_killed_and_started(pair, talk):
    def kill():
        pair.hub.process.kill(signal.SIGKILL)
        pair.hub.process.wait()
    goes_through(pair, talk, kill, pair.hub.start)


def test_engine_of_the_server_killed(pair, talk):
    pids = pair.hub.pids()

    def kill():
        os.kill(pair.hub.pid_of("engine"), signal.SIGKILL)
    goes_through(pair, talk, kill, lambda: None)
    assert pair.hub.process.pid == pids[0], "the monitor lived on"


def test_engine_of_the_client_killed(pair, talk):
    def kill():
        os.kill(pair.sat.pid_of("engine"), signal.SIGKILL)
    goes_through(pair, talk, kill, lambda: None)


def test_keeper_killed_costs_no_session(pair, talk):
    os.kill(pair.hub.pid_of("keeper"), signal.SIGKILL)
    talk.type(b"unharmed ")
    talk.expect(b"unharmed ", 10)
    wait_until(lambda: pair.hub.pid_of("keeper"), 10, "a new keeper")
    # ... which lets the site in again.
    before = pair.sat.status()["sessions"]
    tombolo("kick", pair.site, "-c", pair.hub.conf)
    wait_until(lambda: pair.sat.status()["sessions"] > before, BACK,
               "the site is back")
    pair.hub.wait_site(pair.site, deadline=BACK)


def test_kicked_site_comes_back(pair, talk):
    tombolo("kick", pair.site, "-c", pair.hub.conf)
    talk.type(b"kicked ")
    talk.expect(b"kicked ", BACK)


def test_the_line_is_cut_longer_than_the_dead_peer_time(pair, talk):
    """Both sides notice by themselves: nobody closes anything."""
    def cut():
        pair.hub.ns.run("nft", "-f", "-", stdin="""
            table inet cut {
                chain i { type filter hook input priority 0;
                    iifname "wan" drop
                }
                chain o { type filter hook output priority 0;
                    oifname "wan" drop
                }
            }""")
        wait_until(lambda: not pair.hub.site_up(pair.site), 45,
                   "the server notices", every=0.2)
        wait_until(lambda: pair.sat.state() != "up", 15,
                   "the client notices", every=0.2)

    def mend():
        pair.hub.ns.run("nft", "delete", "table", "inet", "cut")
    goes_through(pair, talk, cut, mend)
