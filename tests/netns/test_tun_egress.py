# SPDX-License-Identifier: GPL-2.0-or-later
"""An egress firewall forbids a network; through the tunnel, and with NAT at
the server, the host there answers; without NAT it cannot.

                           .------------.
    [client] 198.18.2.2 ---|            |--- 198.18.1.1 [server]
      | egress firewall:   |  internet  |
      | 31.13.0.0/16 drop  |            |--- 31.13.70.36 [site31]
    10.4.2.2 (tun)         '------------'    knows no 10.4.2.0/24
"""

import pytest

from frames import Sniffer
from lib import EchoServer, Hub, Net, Satellite, Talk

BANNED, HOST = "31.13.0.0/16", "31.13.70.36"
SERVER, CLIENT = "198.18.1.1", "198.18.2.2"


class Figure:
    def __init__(self, net, nat):
        self.inet = net.host("inet")
        self.inet.forward()
        self.server, self.client, self.site31 = (
            net.host(n) for n in ("server", "client", "site31"))
        for ns, dev, inside, outside in (
                (self.server, "p-server", SERVER, "198.18.1.254"),
                (self.client, "p-client", CLIENT, "198.18.2.254"),
                (self.site31, "p-site31", HOST, "31.13.70.254")):
            net.cable(ns, "wan", self.inet, dev)
            ns.addr("wan", inside + "/24")
            self.inet.addr(dev, outside + "/24")
            ns.route("default", outside)
        # The internet routes no private address.
        self.inet.ip("route", "add", "unreachable", "10.0.0.0/8")
        assert self.client.can_ping(HOST), "the host answers without firewall"
        self.client.run("nft", "-f", "-", stdin="""
            table ip egress { chain out {
                type filter hook output priority 0;
                oifname "wan" ip daddr %s counter drop
            }
            }""" % BANNED)
        assert not self.client.can_ping(HOST), "the firewall works"
        self.hub = Hub(self.server, "hub").init(
            SERVER, "--mode", "tun", "--network", BANNED,
            *(["--nat"] if nat else []))
        invite = self.hub.add_site("client")
        self.hub.start()
        self.satellite = Satellite(self.client).join(invite).start()
        self.hub.wait_site("client")


@pytest.fixture(scope="module")
def with_nat(net):
    return Figure(net, nat=True)


@pytest.fixture(scope="module")
def without_nat():
    with Net() as net:
        yield Figure(net, nat=False)


def echo_requests(figure, source):
    """Pings the host; whether it answered, and heard echoes from `source`."""
    wanted = bytes(int(b) for b in source.split("."))
    with Sniffer(figure.site31, "wan") as heard:
        answered = figure.client.ping(HOST, count=2, wait=1)
        asked = heard.collect(lambda f: f[12:14] == b"\x08\x00" and
                              f[23] == 1 and f[26:30] == wanted, 0.1)
    return answered, len(asked)


def test_with_nat_the_forbidden_host_answers(with_nat):
    answered, asked = echo_requests(with_nat, SERVER)
    assert answered and asked == 2, "it sees the hub's address"


def test_with_nat_tcp_works_and_comes_from_the_server(with_nat):
    server = EchoServer(with_nat.site31, HOST, 80)
    talk = Talk(with_nat.client, HOST, 80)
    talk.type(b"GET / HTTP/1.0\r\n\r\n")
    talk.expect(b"GET /", 10)
    assert server.peers == [SERVER]
    talk.close()
    server.close()


def test_with_nat_the_rules_are_in_a_table_of_our_own(with_nat):
    tables = with_nat.server.run("nft", "list", "tables").stdout
    assert "inet tombolo_" in tables, tables
    done = with_nat.server.run("nft", "flush", "ruleset", check=False)
    assert "tombolo_" in with_nat.server.run("nft", "list", "tables").stdout, \
        "others cannot flush it: " + done.stderr


def test_without_nat_the_request_arrives_and_no_answer_comes(without_nat):
    answered, asked = echo_requests(without_nat, "10.4.2.2")
    assert not answered, "nobody routes 10.4.2.0/24"
    assert asked == 2, "but the tunnel carried the requests"


def test_the_tunnel_itself_leaves_by_the_outer_interface(with_nat):
    route = with_nat.client.ip("route", "get", SERVER).stdout
    assert "dev wan" in route
    rules = with_nat.client.run("nft", "list", "table", "ip", "egress").stdout
    assert "counter packets" in rules


def test_other_destinations_do_not_use_the_tunnel(with_nat):
    assert "dev wan" in with_nat.client.ip("route", "get",
                                           "198.18.1.254").stdout
