# SPDX-License-Identifier: GPL-2.0-or-later
"""A host reaches a private network through the tunnel, nobody on the way sees
more than port 55555, and what is typed while the hub is away arrives.

    Host U              Internet             VPN server            Host V
    10.0.2.68 ------- 10.0.2.0/24 ------- 10.0.2.69
    10.4.2.2                              10.4.2.1
    (tun)                                 192.168.60.1 -------- 192.168.60.6
"""

import ipaddress
import struct

import pytest

from frames import read_pcap
from lib import EchoServer, Hub, PORT, Satellite, Talk, wait_until

U, SERVER, V = "10.0.2.68", "10.0.2.69", "192.168.60.6"
PATTERN = "544f4d424f4c4f21"  # "TOMBOLO!", in every ping


class Figure:
    def __init__(self, net):
        self.u, self.server, self.v = (net.host(n) for n in
                                       ("u", "server", "v"))
        net.cable(self.u, "out", self.server, "out")
        net.cable(self.server, "in", self.v, "in")
        for ns in (self.u, self.server):
            ns.sysctl("net/ipv6/conf/out/disable_ipv6", 1)
        self.u.addr("out", U + "/24")
        self.server.addr("out", SERVER + "/24")
        self.server.addr("in", "192.168.60.1/24")
        self.v.addr("in", V + "/24")
        self.v.route("default", "192.168.60.1")
        self.hub = Hub(self.server, "vpn").init(
            SERVER, "--mode", "tun", "--network", "192.168.60.0/24")
        invite = self.hub.add_site("u")
        self.hub.start()
        self.client = Satellite(self.u, "client").join(invite)


@pytest.fixture(scope="module")
def figure(net):
    """All of Figure 5.7, the client up; captured from its first packet on."""
    made = Figure(net)
    made.pcap = net.dir + "/out.pcap"
    made.tcpdump = made.server.spawn(
        "tcpdump", "-i", "out", "-n", "-U", "-s", 0, "-Z", "root", "-w",
        made.pcap)
    wait_until(lambda: "listening on" in made.tcpdump.output(), 10, "tcpdump")
    made.client.start()
    made.hub.wait_site("u")
    return made


def tunnel_address(figure):
    out = figure.u.ip("-4", "-o", "addr", "show").stdout
    found = [w for w in out.split() if w.startswith("10.4.2.")]
    assert len(found) == 1, out
    return found[0].split("/")[0]


def test_u_has_an_address_of_the_tunnel_and_a_route(figure):
    assert tunnel_address(figure) == "10.4.2.2"
    route = figure.u.ip("route", "get", V).stdout
    assert "src 10.4.2.2" in route and "dev out" not in route, route


def test_u_pings_v_and_v_pings_u(figure):
    assert figure.u.ping(V, args=("-p", PATTERN))
    assert figure.v.ping(tunnel_address(figure), args=("-p", PATTERN))
    assert figure.u.ping("10.4.2.1"), "the hub's own end"


def test_large_packets_pass(figure):
    assert figure.u.ping(V, size=1472, args=("-p", PATTERN))
    assert figure.u.ping(V, size=65507, count=2, wait=4,
                         args=("-p", PATTERN))


def test_tcp_comes_from_the_tunnel_address(figure):
    server = EchoServer(figure.v, V, 23)
    talk = Talk(figure.u, V, 23)
    talk.type(b"login: seed\r\n")
    talk.expect(b"login: seed\r\n", 10)
    assert server.peers == ["10.4.2.2"]
    talk.close()
    server.close()


def test_capture_shows_only_the_port_and_nothing_inside(figure):
    """Last of those that share the capture: it looks at all that they sent."""
    assert figure.u.ping(V, count=20, interval=0.02, args=("-p", PATTERN))
    figure.tcpdump.kill(2)
    figure.tcpdump.wait(10)
    packets = read_pcap(figure.pcap)
    inside = [ipaddress.ip_address(a).packed for a in
              (V, "192.168.60.1", "10.4.2.1", "10.4.2.2")]
    words = [bytes.fromhex(PATTERN), b"login: seed", b"tombolo.conf"]
    udp = tcp = 0
    for packet in packets:
        ethertype, = struct.unpack("!H", packet[12:14])
        if ethertype == 0x0806:
            assert packet[28:32] in (ipaddress.ip_address(U).packed,
                                     ipaddress.ip_address(SERVER).packed)
            continue
        assert ethertype == 0x0800, "EtherType %04x" % ethertype
        proto, head = packet[23], (packet[14] & 15) * 4
        assert proto in (6, 17), "IP protocol %d" % proto
        sport, dport = struct.unpack("!HH", packet[14 + head:18 + head])
        assert PORT in (sport, dport), "ports %d and %d" % (sport, dport)
        udp += proto == 17
        tcp += proto == 6
        for what in inside + words:
            assert what not in packet, "%r is to be seen" % what
    assert udp > 40 and tcp > 10, "%d UDP, %d TCP" % (udp, tcp)


def test_what_is_typed_while_the_server_is_away_is_delivered(figure):
    server = EchoServer(figure.v, V, 24)
    talk = Talk(figure.u, V, 24)
    talk.type(b"before ")
    talk.expect(b"before ", 10)
    index = figure.u.ip("-o", "route", "get", V).stdout
    assert figure.hub.stop() == 0
    talk.type(b"meanwhile ")
    assert talk.silent(2), "the tunnel is broken: nothing can come"
    assert figure.u.ip("-o", "route", "get", V).stdout == index, \
        "interface, address and route stay"
    figure.hub.start()
    talk.expect(b"meanwhile ", 60)
    talk.type(b"after ")
    talk.expect(b"after ", 10)
    assert len(server.peers) == 1, "it is still the same connection"
    talk.close()
    server.close()
