# SPDX-License-Identifier: GPL-2.0-or-later
"""A session outlives its connection, its address and its way: frames pause for
a moment at most, nobody logs in anew, and none arrives twice.

    a --- [sat] wan  198.51.100.2 --- .1 [nat] 198.18.0.254 --- .1 [hub] --- b
                wan2 203.0.113.2  --- .1 [nat]

The same with IPv6 outside, and with routed sites.
"""

import re
import time
from types import SimpleNamespace as Way

import pytest

from lib import Hub, Net, Satellite, Site, wait_until

PAUSE = 2    # seconds that frames may stop
INTERVAL = 0.05
IPV4 = Way(family="ip", outer="198.18.0.%s/24", one="198.51.100.%s/24",
           two="203.0.113.%s/24")
IPV6 = Way(family="ip6", outer="2001:db8::%s/64", one="2001:db8:1::%s/64",
           two="2001:db8:2::%s/64")


def host(form, number):
    return (form % number).split("/")[0]


class Routed:
    """A site of one network, as Site is one of one Ethernet."""

    def __init__(self, net, name, number):
        self.gateway, self.host = net.host(name), net.host(name + "h")
        self.network = "10.0.%d.0/24" % number
        self.ip = "10.0.%d.5" % number
        net.cable(self.gateway, "lan", self.host, "lan0")
        self.gateway.addr("lan", "10.0.%d.1/24" % number)
        self.host.addr("lan0", self.ip + "/24")
        self.host.route("default", "10.0.%d.1" % number)


class Scene:
    def __init__(self, net, transport="auto", mode="tap", way=IPV4):
        self.net, self.way = net, way
        make = Site if mode == "tap" else Routed
        self.a, self.b = make(net, "sat", 1), make(net, "hub", 2)
        self.sat_ns, self.hub_ns = self.a.gateway, self.b.gateway
        self.nat = net.host("nat")
        net.cable(self.sat_ns, "wan", self.nat, "in")
        net.cable(self.sat_ns, "wan2", self.nat, "in2")
        net.cable(self.hub_ns, "wan", self.nat, "out")
        self.sat_ns.addr("wan", way.one % 2)
        self.sat_ns.addr("wan2", way.two % 2)
        self.nat.addr("in", way.one % 1)
        self.nat.addr("in2", way.two % 1)
        self.nat.addr("out", way.outer % 254, way.outer % 253)
        self.hub_ns.addr("wan", way.outer % 1)
        self.nat.forward()
        self.go_by(way.one)
        self.masquerade(host(way.outer, 254))
        self.set_up(mode, transport)
        wait_until(lambda: self.a.host.can_ping(self.b.ip), 10, "a reaches b")

    def set_up(self, mode, transport):
        here, there, subnet = ("--bridge", "br0"), ("--bridge", "br0"), ()
        if mode == "tun":
            here, there = ("--network", self.b.network), ()
            subnet = "--subnet", self.a.network
        self.hub = Hub(self.hub_ns, "primary").init(
            host(self.way.outer, 1), "--mode", mode, *here)
        self.hub.conf_set("server", "transport", transport)
        self.hub.conf_set("server", "keepalive", "2")
        self.hub.conf_set("server", "dead-peer", "12")
        invite = self.hub.add_site("sat", *subnet)
        self.hub.start()
        self.sat = Satellite(self.sat_ns, "satellite").join(
            invite, *there).start()
        self.hub.wait_site("sat", lanes=transport != "tcp")

    def go_by(self, uplink):
        """The satellite's way to the hub."""
        family = ["-6"] if self.way is IPV6 else []
        self.sat_ns.ip(*family, "route", "replace", self.way.outer.replace(
            "%s", "0" if self.way is IPV4 else ""), "via", host(uplink, 1))

    def masquerade(self, address):
        """Another address, and every mapping forgotten: a NAT that restarts."""
        family = self.way.family
        self.nat.run("nft", "-f", "-", stdin="""
            table %s n
            delete table %s n
            table %s n { chain post { type nat hook postrouting priority 100;
                oifname "out" snat to %s random
            }
            }""" % (family, family, family, address))
        self.nat.run("conntrack", "-F", check=False)

    def reconnects(self):
        return self.sat.status()["reconnects"]


@pytest.fixture(params=[("tap", IPV4), ("tap", IPV6), ("tun", IPV4)],
                ids=["tap", "tap over IPv6", "tun"])
def scene(request):
    with Net() as net:
        yield Scene(net, mode=request.param[0], way=request.param[1])


class Watched:
    """Pings both ways, which must not stop for more than PAUSE."""

    def __init__(self, scene):
        self.scene = scene
        self.sessions = scene.sat.status()["sessions"]
        self.pings = [ns.spawn("ping", "-n", "-i", INTERVAL, "-W", 5, to,
                               name="ping") for ns, to in
                      ((scene.a.host, scene.b.ip), (scene.b.host, scene.a.ip))]
        self.come(3)

    def come(self, more, deadline=20):
        """Until so many more have come back, each way."""
        counts = [self.count(p) for p in self.pings]
        wait_until(lambda: all(self.count(p) >= c + more for p, c in
                               zip(self.pings, counts)), deadline,
                   "pings come back")

    @staticmethod
    def count(ping):
        return ping.output().count("bytes from")

    def end(self):
        for ping in self.pings:
            ping.kill(2)
            ping.wait(10)
            out = ping.output()
            assert "DUP" not in out, out
            seqs = sorted(int(n) for n in re.findall(r"icmp_seq=(\d+) ttl",
                                                     out))
            gap = max(b - a - 1 for a, b in zip(seqs, seqs[1:]))
            assert gap * INTERVAL <= PAUSE, "%d pings in a row were lost" % gap
        assert self.scene.sat.status()["sessions"] == self.sessions
        assert not self.scene.hub.log_lines(r"site sat: down"), \
            self.scene.hub.log()


@pytest.fixture
def watched(scene):
    made = Watched(scene)
    yield made
    made.end()


def reset(scene, ns):
    """Whatever `ns` sends on the control connection is answered by a RST."""
    ns.run("nft", "-f", "-", stdin="""
        table inet rst { chain out { type filter hook output priority 0;
            tcp dport 55555 reject with tcp reset
        }
        }""")


def test_injected_reset(scene, watched):
    before, begun = scene.reconnects(), time.monotonic()
    reset(scene, scene.sat_ns)
    wait_until(lambda: scene.sat.state() == "adrift", 15,
               "the connection is gone")
    watched.come(20)
    scene.sat_ns.run("nft", "delete", "table", "inet", "rst")
    wait_until(lambda: scene.reconnects() > before, 10,
               "another connection goes on with the session")
    wait_until(lambda: scene.sat.state() == "up", 10, "all is well")
    assert scene.hub.sites()["sat"]["state"] == "up"
    # How long the session has been up, by whatever connection.
    assert scene.sat.ask("sites")["sites"][0]["since_s"] >= int(
        time.monotonic() - begun)
    assert scene.hub.status()["counters"]["sessions-taken-over"] >= 1
    watched.come(20)


def test_refused_for_a_moment_by_tcp_alone():
    """No lane says that the hub lives; a refusal or two do not say that it
    has ended."""
    with Net() as net:
        scene = Scene(net, "tcp")
        before = scene.reconnects()
        scene.nat.run("nft", "-f", "-", stdin="""
            table ip rst { chain pass { type filter hook forward priority 0;
                tcp dport 55555 tcp flags & (syn | ack) == syn counter \
                    reject with tcp reset
                tcp dport 55555 reject with tcp reset
            }
            }""")
        def refused():
            """Two attempts were, but for the connection that there was."""
            out = scene.nat.run("nft", "list", "table", "ip", "rst").stdout
            return int(re.search(r"counter packets (\d+)",
                                 out).group(1)) >= 2
        wait_until(refused, 20, "it is refused")
        scene.nat.run("nft", "delete", "table", "ip", "rst")
        wait_until(lambda: scene.sat.state() == "up", 20, "it goes on")
        assert scene.reconnects() == before + 1
        assert scene.sat.status()["sessions"] == 1
        assert not scene.sat.log_lines("the hub has ended")
        assert scene.a.host.ping(scene.b.ip)


def test_site_that_stays_away_is_given_up():
    """TCP is cut for longer than the dead-peer time, UDP is not."""
    with Net() as net:
        scene = Scene(net)
        scene.sat_ns.run("nft", "-f", "-", stdin="""
            table ip cut { chain out { type filter hook output priority 0;
                tcp dport 55555 drop
            }
            }""")
        scene.hub.wait_log(r"its connection broke", 20)
        scene.hub.wait_log(r"site sat: down: it did not come back", 20)
        assert not scene.hub.site_up("sat")
        wait_until(lambda: scene.sat.state() not in ("up", "adrift"), 20,
                   "the satellite gives up, too")
        scene.sat_ns.run("nft", "delete", "table", "ip", "cut")
        scene.hub.wait_site("sat", 40)


def test_address_replaced(scene, watched):
    one = scene.way.one
    scene.sat_ns.ip("addr", "del", one % 2, "dev", "wan")
    scene.sat_ns.addr("wan", one % 3)
    scene.go_by(one)
    watched.come(40)
    wait_until(lambda: scene.sat.state() == "up" and scene.reconnects() > 0,
               45, "the control connection is made anew")
    watched.come(20)


def test_nat_forgets(scene, watched):
    scene.masquerade(host(scene.way.outer, 253))
    watched.come(40)
    wait_until(lambda: scene.sat.state() == "up" and scene.reconnects() > 0,
               45, "the control connection is made anew")
    assert scene.hub.sites()["sat"]["moves"] > 0


def test_second_uplink(scene, watched):
    scene.go_by(scene.way.two)
    scene.sat_ns.ip("link", "set", "wan", "down")
    watched.come(40)
    wait_until(lambda: scene.sat.state() == "up" and scene.reconnects() > 0,
               45, "the control connection is made anew")
    watched.come(20)
