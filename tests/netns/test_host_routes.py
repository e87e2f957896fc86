# SPDX-License-Identifier: GPL-2.0-or-later
"""What the hub assigns has to share a site with the networks that it has: the
route in conflict is left out, by name, and the others work.

    10.0.8.6 [hv] ---- br0 [hub] === tunnel === [one] br0 ---- [hu] 10.0.7.5
                       198.18.0.1   |   198.18.0.2
                              203.0.113.20 [srv]
"""

import pytest

from daemon import tombolo
from lib import Hub, Satellite, wait_until

SOON = 5


class Figure:
    def __init__(self, net, init, add=(), join=()):
        self.wan = net.host("wan")
        self.wan.bridge("w0")
        self.hub_ns = self.node(net, "hub", "198.18.0.1/24")
        self.one_ns = self.node(net, "one", "198.18.0.2/24")
        self.hv = self.lan(net, self.hub_ns, "hv", "10.0.8")
        self.hu = self.lan(net, self.one_ns, "hu", "10.0.7")
        self.hub = Hub(self.hub_ns, "hub").init("198.18.0.1", "--mode", "tun",
                                                *init)
        invite = self.hub.add_site("one", "--subnet", "10.0.7.0/24", *add)
        self.one = Satellite(self.one_ns, "one").join(invite, *join)

    def node(self, net, name, cidr):
        ns = net.host(name)
        net.cable(ns, "wan", self.wan, "p-" + name)
        self.wan.ip("link", "set", "p-" + name, "master", "w0")
        ns.addr("wan", cidr)
        return ns

    def lan(self, net, gateway, name, network):
        host = net.host(name)
        net.cable(gateway, "lan", host, "lan0")
        gateway.bridge("br0", "lan")
        gateway.addr("br0", network + ".1/24")
        host.addr("lan0", network + (".6/24" if name == "hv" else ".5/24"))
        host.route("default", network + ".1")
        return host

    def start(self):
        self.hub.start()
        self.one.start()
        self.hub.wait_site("one")
        return self

    def rows(self):
        return {r["what"]: r["why"] for r in self.one.status()["host"]}

    def way(self, address):
        return self.one_ns.ip("route", "get", address).stdout


def test_a_summary_around_the_sites_own_subnet(small_net):
    figure = Figure(small_net, ["--network", "10.0.0.0/8", "--tunnel-network",
                                "192.168.99.0/24"]).start()
    assert figure.hu.ping("10.0.8.6")
    assert "dev br0" in figure.way("10.0.7.5")
    assert not figure.rows()
    # One that comes later wins, too, also over a reconnect.
    figure.one_ns.bridge("br5")
    figure.one_ns.addr("br5", "10.5.0.1/16")
    wait_until(lambda: "dev br5" in figure.way("10.5.0.2"), SOON, "it is nearer")
    tombolo("kick", "one", "-c", figure.hub.conf)
    wait_until(lambda: figure.hu.can_ping("10.0.8.6"), 20, "it is still taken")
    assert not figure.rows()


def test_a_third_sites_subnet_that_is_docker0s(small_net):
    """Also with docker0 down, where the kernel has no route by it."""
    figure = Figure(small_net, ["--network", "10.0.8.0/24"])
    figure.one_ns.bridge("docker0")
    figure.one_ns.addr("docker0", "172.17.0.1/16")
    figure.start()
    sessions = figure.one.status()["sessions"]
    figure.hub.add_site("three", "--subnet", "172.17.0.0/16", "--subnet",
                        "10.9.0.0/24")
    wait_until(lambda: "dev tombolo0" in figure.way("10.9.0.1"), 20,
               "its other subnet")
    wait_until(figure.rows, SOON, "it is named")
    assert figure.rows() == {
        "route 172.17.0.0/16": "left out: it overlaps 172.17.0.0/16, this "
        "host's own network on docker0"}
    assert figure.hu.ping("10.0.8.6")
    assert figure.one.status()["sessions"] == sessions
    figure.one.wait_log("route 172.17.0.0/16: left out")
    done = tombolo("status", "-c", figure.one.conf, check=False)
    assert done.returncode == 3 and "route 172.17.0.0/16" in done.stdout
    figure.one_ns.ip("link", "set", "docker0", "down")
    figure.one.stop()
    figure.one.start()
    figure.hub.wait_site("one")
    assert "route 172.17.0.0/16" in figure.rows()
    assert figure.hu.ping("10.0.8.6")
    # Looked at again when this host's networks change.
    figure.one_ns.ip("link", "del", "docker0")
    wait_until(lambda: "dev tombolo0" in figure.way("172.17.0.9"), SOON,
               "it is free now")
    wait_until(lambda: not figure.rows(), SOON, "nothing is left out")
    figure.one.wait_log("route 172.17.0.0/16: as configured again")


def test_a_full_tunnel_from_a_lan_of_the_hubs_number(small_net):
    """192.168.1.0/24 of every router, at both ends."""
    figure = Figure(small_net, ["--network", "10.0.8.0/24", "--network",
                                "0.0.0.0/0", "--nat"],
                    join=["--accept-default-route"])
    figure.one_ns.ip("addr", "flush", "dev", "br0")
    figure.one_ns.addr("br0", "10.0.8.77/24")
    figure.start()
    assert "dev br0" in figure.way("10.0.8.6")
    assert "dev tombolo0" in figure.way("9.9.9.9")
    assert list(figure.rows()) == ["route 10.0.8.0/24"]


def test_the_hub_inside_its_own_network(small_net):
    """.20 by the tunnel, the hub itself outside of it."""
    net = small_net
    router, srv = net.host("router"), net.host("srv")
    hub_ns, one_ns = net.host("hub"), net.host("one")
    router.bridge("dmz")
    for ns, name, cidr in ((hub_ns, "hub", "203.0.113.10/24"),
                           (srv, "srv", "203.0.113.20/24")):
        net.cable(ns, "wan", router, "p-" + name)
        router.ip("link", "set", "p-" + name, "master", "dmz")
        ns.addr("wan", cidr)
        ns.ip("route", "add", "default", "via", "203.0.113.1")
    net.cable(one_ns, "wan", router, "p-one")
    router.addr("dmz", "203.0.113.1/24")
    router.addr("p-one", "198.51.100.1/24")
    router.forward()
    one_ns.addr("wan", "198.51.100.2/24")
    one_ns.ip("route", "add", "default", "via", "198.51.100.1")
    srv.ip("route", "add", "10.4.2.0/24", "via", "203.0.113.10")
    hub = Hub(hub_ns, "hub").init("203.0.113.10", "--mode", "tun", "--network",
                                  "203.0.113.0/24")
    one = Satellite(one_ns, "one").join(hub.add_site("one"))
    hub.start()
    one.start()
    hub.wait_site("one")

    def way(address):
        return one_ns.ip("route", "get", address).stdout
    assert "dev wan" in way("203.0.113.10")
    for address in ("203.0.113.9", "203.0.113.11", "203.0.113.20"):
        assert "dev tombolo0" in way(address), way(address)
    assert one_ns.ping("203.0.113.20")
    assert one.status()["host"] == []


VANDALISM = [
    "ip link set tombolo0 down",
    "ip link set tombolo0 down; ip link set tombolo0 up",
    "ip link set tombolo0 mtu 1280",
    "ip addr flush dev tombolo0",
    "ip route flush dev tombolo0",
    "ip -6 route flush dev tombolo0",
]


@pytest.fixture(scope="module")
def figure(net):
    return Figure(net, ["--network", "10.0.8.0/24", "--network", "fd08::/64",
                        "--tunnel-network", "10.4.2.0/24",
                        "--tunnel-network", "fd04:2::/64"]).start()


def state(ns):
    """What others must not change; a route may be the kernel's or ours."""
    link = ns.ip("-o", "link", "show", "tombolo0").stdout.split(" qdisc")[0]
    found = {link.split(": ", 1)[1].replace(",LOWER_UP", "")}
    for line in ns.ip("-o", "addr", "show", "dev", "tombolo0",
                      "scope", "global").stdout.splitlines():
        found.add(" ".join(line.split()[2:4]))
    for family in ("-4", "-6"):
        for line in ns.ip(family, "route", "show", "dev",
                          "tombolo0").stdout.splitlines():
            found.add("route " + line.split()[0])
    return sorted(w for w in found if "ff00::" not in w and "fe80:" not in w)


@pytest.mark.parametrize("end", ["hub", "site"])
@pytest.mark.parametrize("what", VANDALISM)
def test_what_others_change_is_put_back(figure, what, end):
    ns = figure.hub_ns if end == "hub" else figure.one_ns
    daemon = figure.hub if end == "hub" else figure.one
    wait_until(lambda: figure.hu.can_ping("10.0.8.6"), 10, "it works")
    before = state(ns)
    assert any("mtu 1400" in l and "UP" in l for l in before), before
    assert len(before) >= 6, before
    ns.run("sh", "-c", what)
    wait_until(lambda: state(ns) == before, SOON, "%s: as before" % what)
    wait_until(lambda: figure.hu.can_ping("10.0.8.6"), 10, "it works again")
    assert daemon.status()["host"] == []


def test_the_log_says_what_it_was_and_not_again_and_again(figure):
    for daemon in (figure.hub, figure.one):
        lines = daemon.log_lines("tombolo0: fixed: ")
        assert 1 <= len(lines) <= 3, lines
        assert "link down" in lines[0], lines


def test_an_administrators_own_stay(figure):
    ns = figure.one_ns
    ns.addr("tombolo0", "10.77.0.1/32")
    ns.ip("route", "add", "10.78.0.0/24", "dev", "tombolo0")
    ns.ip("route", "flush", "dev", "tombolo0", "proto", "155")
    wait_until(lambda: "10.0.8.0/24" in ns.ip("route").stdout, SOON, "ours")
    assert "10.77.0.1/32" in ns.ip("addr").stdout
    assert "10.78.0.0/24" in ns.ip("route").stdout
