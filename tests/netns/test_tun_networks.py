# SPDX-License-Identifier: GPL-2.0-or-later
"""Private networks reach each other through client and server; their hosts
know nothing but their gateway, and nobody can pretend to be another's.

    10.0.7.0/24, fd07::/64                          10.0.8.0/24, fd08::/64
    [left] .5 ----- .1 [client] === tunnel === [server] .1 ----- .5 [right]
                        198.18.0.2     |     198.18.0.1
    [third] .5 ---- .1 [other] ========'
    10.0.9.0/24         198.18.0.3
"""

import os
import socket
import struct

import pytest

from control import Control, hello, trusting
from frames import (ETH_P_IP, Sender, Sniffer, checksum, ether, icmp_echo,
                    ipv4)
from lib import (PORT, EchoServer, Hub, Satellite, Talk, tombolo,
                 wait_until)


class Figure:
    def __init__(self, net):
        self.net = net
        self.wan = net.host("wan")
        self.wan.bridge("w0")
        self.server, self.right = self.site("server", "right", 1, 8)
        self.client, self.left = self.site("client", "left", 2, 7)
        self.other, self.third = self.site("other", "third", 3, 9)
        self.hub = Hub(self.server, "hub").init(
            "198.18.0.1", "--mode", "tun", "--network", "10.0.8.0/24",
            "--network", "fd08::/64")
        self.satellite = self.add(self.client, "client", 7)
        self.satellite2 = self.add(self.other, "other", 9)
        self.rogue = self.hub.add_site(
            "rogue", "--auth", "certificate", "--subnet", "fd0a::/64",
            generate=False)
        self.hub.start()
        for satellite in (self.satellite, self.satellite2):
            satellite.start()
            self.hub.wait_site(satellite.name)

    def site(self, gateway, host, outer, inner):
        gw, h = self.net.host(gateway), self.net.host(host)
        self.net.cable(gw, "wan", self.wan, "p-" + gateway)
        self.wan.ip("link", "set", "p-" + gateway, "master", "w0")
        gw.addr("wan", "198.18.0.%d/24" % outer)
        self.net.cable(gw, "lan", h, "lan0")
        gw.addr("lan", "10.0.%d.1/24" % inner, "fd0%d::1/64" % inner)
        h.addr("lan0", "10.0.%d.5/24" % inner, "fd0%d::5/64" % inner)
        h.route("default", "10.0.%d.1" % inner)
        h.route("default", "fd0%d::1" % inner)
        return gw, h

    def add(self, ns, name, inner):
        broad = ["--subnet", "172.16.0.0/12"] if inner == 7 else []
        invite = self.hub.add_site(name, "--subnet", "10.0.%d.0/24" % inner,
                                   "--subnet", "fd0%d::/64" % inner, *broad)
        return Satellite(ns, name).join(invite)


@pytest.fixture(scope="module")
def figure(net):
    return Figure(net)


def test_hosts_ping_each_other_over_ipv4(figure):
    assert figure.left.ping("10.0.8.5")
    assert figure.right.ping("10.0.7.5")
    assert figure.right.ping("10.0.9.5")


def test_hosts_ping_each_other_over_ipv6(figure):
    assert figure.left.ping("fd08::5")
    assert figure.right.ping("fd07::5")


def test_addresses_are_not_translated(figure):
    for a, b, address, source in (
            (figure.left, figure.right, "10.0.8.5", "10.0.7.5"),
            (figure.right, figure.left, "10.0.7.5", "10.0.8.5"),
            (figure.left, figure.right, "fd08::5", "fd07::5")):
        server = EchoServer(b, address, 8000)
        talk = Talk(a, address, 8000)
        talk.type(b"hello")
        talk.expect(b"hello", 10)
        assert server.peers == [source]
        talk.close()
        server.close()


def test_large_packets_between_the_networks(figure):
    assert figure.left.ping("10.0.8.5", size=65507, count=2, wait=4)
    # The network is smaller than it looks; the gateway says so.
    assert figure.left.ping("10.0.8.5", size=1472)


def test_routes_says_which_network_is_behind_which_site(figure):
    routes = {(r["network"], r["site"]) for r in figure.hub.routes()}
    for row in (("10.0.7.0/24", "client"), ("10.0.9.0/24", "other"),
                ("fd07::/64", "client")):
        assert row in routes, routes


def test_the_device_takes_no_multicast(figure):
    """A routing daemon sees that it has to name its neighbours."""
    for ns in (figure.server, figure.client):
        flags = int(ns.run("cat", "/sys/class/net/tombolo0/flags").stdout, 16)
        assert not flags & 0x1000  # IFF_MULTICAST
        assert "ff00::/8 dev" not in ns.ip("-6", "route").stdout


def test_kernel_has_the_routes_on_both_ends(figure):
    assert "10.0.8.0/24 dev" in figure.client.ip("route").stdout
    assert "fd08::/64 dev" in figure.client.ip("-6", "route").stdout
    assert "10.0.7.0/24 dev" in figure.server.ip("route").stdout
    assert "fd07::/64 dev" in figure.server.ip("-6", "route").stdout


def test_forwarding_is_on_while_it_is_needed(figure):
    assert figure.server.sysctl_get("net/ipv4/ip_forward") == "1"
    assert figure.client.sysctl_get("net/ipv4/ip_forward") == "1"


@pytest.mark.parametrize("source,what", [
    ("10.0.99.5", "an address of nobody"),
    ("10.0.9.5", "an address of another site"),
    ("10.0.8.9", "an address of the hub's network"),
    ("10.4.2.1", "the hub's own address"),
])
def test_a_source_that_is_not_the_sites_is_dropped_and_counted(figure, source,
                                                               what):
    before = figure.hub.drops().get("bad-source", 0)
    # The client's kernel must not be the one that drops it.
    for dev in ("all", "lan"):
        figure.client.sysctl("net/ipv4/conf/%s/rp_filter" % dev, 0)
    frame = ether(figure.client.mac("lan"), figure.left.mac("lan0"), ETH_P_IP,
                  ipv4(source, "10.0.8.5", socket.IPPROTO_ICMP,
                       icmp_echo(7, 1, b"forged source")))
    with Sniffer(figure.right, "lan0") as heard, \
            Sender(figure.left, "lan0") as sender:
        def dropped():
            sender.send(frame)
            return figure.hub.drops().get("bad-source", 0) > before
        wait_until(dropped, 10, what + " is counted", every=0.1)
        assert not heard.collect(lambda f: b"forged source" in f, 0.3)


def inject(figure, packet, marker):
    """Whether `right` hears what `left` sends, past the client's own checks."""
    for dev in ("all", "lan"):
        figure.client.sysctl("net/ipv4/conf/%s/rp_filter" % dev, 0)
    frame = ether(figure.client.mac("lan"), figure.left.mac("lan0"), ETH_P_IP,
                  packet)
    with Sniffer(figure.right, "lan0") as heard, \
            Sender(figure.left, "lan0") as sender:
        sender.send(frame)
        return bool(heard.collect(lambda f: marker in f, 0.5))


def icmp_error(source, to, about, marker):
    def body(check):
        return struct.pack("!BBHHH", 3, 4, check, 0, 1280) + ipv4(
            to, about, socket.IPPROTO_UDP, b"12345678" + marker)
    return ipv4(source, to, socket.IPPROTO_ICMP, body(checksum(body(0))))


def test_an_error_of_a_router_within_a_site_passes(figure):
    """TCP would stand still: nobody else says that a packet is too large."""
    assert inject(figure, icmp_error("198.51.100.2", "10.0.8.5", "10.0.7.99",
                                     b"of its own"), b"of its own")


@pytest.mark.parametrize("about", ["10.0.9.5", "10.0.8.6", "192.0.2.1"])
def test_an_error_about_another_sites_flow_does_not(figure, about):
    before = figure.hub.drops().get("bad-source", 0)
    assert not inject(figure, icmp_error("198.51.100.2", "10.0.8.5", about,
                                         b"forged error"), b"forged error")
    assert figure.hub.drops()["bad-source"] > before


def test_a_bad_source_is_in_the_log(figure):
    inject(figure, ipv4("192.0.2.77", "10.0.8.5", socket.IPPROTO_ICMP,
                        icmp_echo(7, 1, b"stray")), b"stray")
    assert figure.hub.wait_log(
        r"site client: packets from [0-9.]+ are dropped: .* subnet")


def test_a_lan_within_a_sites_network_is_reached_both_ways(figure):
    """The kernel knows its longer prefix, which the sites are not told."""
    for ns, dev, address in ((figure.server, "lan", "172.16.11.1"),
                             (figure.right, "lan0", "172.16.11.5"),
                             (figure.client, "lan", "172.20.5.1"),
                             (figure.left, "lan0", "172.20.5.5")):
        ns.addr(dev, address + "/24")
    figure.left.route("172.16.11.0/24", "172.20.5.1")
    figure.right.route("172.20.5.0/24", "172.16.11.1")
    figure.client.ip("route", "add", "172.16.11.0/24", "dev", "tombolo0")
    assert figure.left.ping("172.16.11.5")
    assert figure.right.ping("172.20.5.5")
    assert figure.server.ping("172.20.5.5")


def test_what_is_for_nobody_but_its_own_site_ends(figure):
    """The client sends it to the server, whose kernel sends it back."""
    figure.client.ip("route", "add", "172.31.0.0/16", "dev", "tombolo0")
    before = figure.hub.drops().get("hairpin", 0)
    with Sniffer(figure.client, "tombolo0") as heard:
        assert not figure.client.can_ping("172.31.9.9", args=(
            "-I", "10.0.7.1"))
        assert figure.hub.drops()["hairpin"] == before + 1
        # The kernel may send a redirect, which quotes it.
        assert not heard.collect(
            lambda f: f[16:20] == b"\xac\x1f\x09\x09", 0.2)


@pytest.fixture(scope="module")
def rogue(figure):
    """A site that logs in and then sends what it likes, by TCP."""
    keys = Satellite(figure.other, "rogue").join(figure.rogue).dir
    context = trusting()
    context.load_cert_chain(keys + "/client.crt", keys + "/keeper/client.key")
    control = Control(figure.other.tcp_connect("198.18.0.1", PORT), context)
    control.send(hello("rogue", "certificate", mode="tun", transport="tcp"))
    welcome = control.receive()
    control.own = welcome["addresses"][0].split("/")[0], "fd0a::5"
    yield control
    control.close()


def sum_of(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def with_partial(packet, start, offset, want):
    """A FRAME that a completed checksum makes say `want` there."""
    rest = sum_of(packet[start:-2])
    packet = packet[:-2] + struct.pack("!H", ((0xffff ^ want) - rest) % 0xffff)
    return struct.pack("!BHHB", 0x11, len(packet), start, offset) + packet


@pytest.mark.parametrize("version,start,offset,port", [
    (4, 8, 6, 67), (4, 10, 4, 9), (4, 0, 14, 9), (6, 16, 6, 547), (6, 20, 2, 9),
    (6, 22, 0, 9)])
def test_a_partial_checksum_writes_no_other_source(figure, rogue, version,
                                                   start, offset, port):
    udp = struct.pack("!HHHH", 9, port, 30, 0) + \
        b"other source" + b"\0" * 10
    if version == 4:
        packet = ipv4(rogue.own[0], "10.0.8.5", socket.IPPROTO_UDP, udp)
    else:
        packet = struct.pack("!IHBB", 6 << 28, len(udp), 17, 64) + b"".join(
            socket.inet_pton(socket.AF_INET6, a)
            for a in (rogue.own[1], "fd08::5")) + udp
    before = figure.hub.drops().get("bad-frame", 0)
    with Sniffer(figure.right, "lan0") as heard:
        rogue.send_bytes(with_partial(packet, start, offset, 0x0702), 2)
        wait_until(lambda: figure.hub.drops().get("bad-frame", 0) > before, 10,
                   "it is dropped and counted", every=0.1)
        assert not heard.collect(lambda f: b"other source" in f, 0.2)


# ------------------------------------------------------- as many as may be told

def many(hub, name, number, n):
    """A file of a site with `n` subnets."""
    with open("%s/sites.d/%s.conf" % (hub.dir, name), "w") as f:
        f.write("[site %s]\nauth = certificate\naddress = 10.4.2.%d\n" %
                (name, 100 + number))
        for i in range(n):
            f.write("subnet = 10.%d.%d.0/24\n" % (100 + number, i))


def told(satellite):
    out = satellite.ns.ip("route", "show", "dev", "tombolo0").stdout
    return sum(line.startswith("10.10") for line in out.splitlines())


def test_a_site_with_one_route_too_many_is_refused(figure):
    """Site rogue is told most."""
    hub, satellite = figure.hub, figure.satellite
    sessions = satellite.status()["sessions"]
    n = 1022 - sum(r["site"] != "rogue" and
                   not r["network"].startswith("10.4.2.")
                   for r in hub.routes())
    for i in range(4):
        many(hub, "f%d" % i, i, 254 if i < 3 else n - 3 * 254)
    wait_until(lambda: told(satellite) == n, 20, "as many as may be")
    assert tombolo("check", "-c", hub.conf, "--static", check=False).returncode == 0
    many(hub, "f4", 4, 3)
    wait_until(lambda: "1025" in str(hub.status()["faults"]), 20,
               "what is too much is told")
    assert "f4" in str(hub.status()["faults"])
    refused = tombolo("reload", "-c", hub.conf, check=False)
    assert refused.returncode == 1 and "1025" in refused.stderr
    # A hub starts with it, but without that site.
    refused = tombolo("check", "-c", hub.conf, "--static", check=False)
    assert refused.returncode == 3 and "1025" in refused.stderr
    # Of it nothing is in force; of the others all.
    assert told(satellite) == n
    assert figure.left.ping("10.0.8.5")
    many(hub, "f4", 4, 2)
    wait_until(lambda: told(satellite) == n + 2, 20, "it fits")
    assert hub.status()["faults"] == []
    refused = hub.site("add", "f5", "--generate", "--subnet", "10.130.0.0/24",
                       "--out", hub.dir + "-f5.invite", check=False)
    assert refused.returncode == 1 and "1025" in refused.stderr
    assert "f5" not in hub.sites() and not os.path.exists(
        hub.dir + "/sites.d/f5.conf")
    assert satellite.status()["sessions"] == sessions


def test_a_hub_that_has_too_many_starts_and_says_so(figure):
    """As one of 0.1.0 had them."""
    many(figure.hub, "f5", 5, 100)
    assert figure.hub.stop() == 0
    figure.hub.start()
    figure.hub.wait_site("client")
    assert "1124" in str(figure.hub.status()["faults"])
    # It may get better by and by, not worse.
    many(figure.hub, "f5", 5, 99)
    wait_until(lambda: "1123" in str(figure.hub.status()["faults"]), 20,
               "one less is taken")
    many(figure.hub, "f6", 6, 1)
    wait_until(lambda: "f6.conf" in str(figure.hub.status()["faults"]), 20,
               "one more is refused")
    assert figure.hub.sites()["f5"]["state"] == "down"
