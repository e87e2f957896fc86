# SPDX-License-Identifier: GPL-2.0-or-later
"""A satellite with several servers, and a server with several addresses: what
is dead costs little, and the rest is tried.

    [server] 198.18.0.1, fd18::1 --- .2, ::2 [client]
             nobody: 198.18.0.9, fd18::9 (silence: the datagrams are dropped)
"""

import re

import pytest

from lib import Hub, Net, Satellite, wait_until


class Pair:
    def __init__(self, net, name="198.18.0.1"):
        self.server, self.client = net.host("server"), net.host("client")
        net.cable(self.server, "wan", self.client, "wan")
        self.server.addr("wan", "198.18.0.1/24", "fd18::1/64")
        self.client.addr("wan", "198.18.0.2/24", "fd18::2/64")
        # Silence, and no ICMP that would tell.
        self.server.addr("wan", "198.18.0.9/24", "fd18::9/64")
        self.server.run("nft", "-f", "-", stdin="""
            table inet hole { chain i { type filter hook input priority 0;
                ip daddr 198.18.0.9 counter drop
                ip6 daddr fd18::9 meta l4proto { tcp, udp } counter drop
            }
            }""")
        self.hub = Hub(self.server, "primary").init(name, "--mode", "tun")
        invite = self.hub.add_site("client")
        self.hub.start()
        self.sat = Satellite(self.client, "satellite").join(invite)

    def server_of(self):
        return self.sat.status()["server"]

    def tried_in_vain(self):
        """Datagrams to nobody."""
        rules = self.server.run("nft", "list", "table", "inet", "hole").stdout
        return sum(map(int, re.findall(r"counter packets (\d+)", rules)))


@pytest.fixture
def pair():
    with Net() as net:
        yield Pair(net)


def test_the_first_server_is_dead(pair):
    """A closed port; the second has another name than its certificate."""
    pair.sat.conf_set("client", "server", "198.18.0.1:4", "198.18.0.7",
                      "[fd18::1]:55555 name 198.18.0.1")
    pair.sat.conf_set("client", "name", "198.18.0.1")
    pair.server.addr("wan", "198.18.0.7/24")
    pair.server.run("nft", "add", "rule", "inet", "hole", "i",
                    "ip daddr 198.18.0.7 tcp dport 55555 reject")
    pair.sat.start()
    pair.hub.wait_site("client")
    status = pair.sat.status()
    assert status["server"] == "[fd18::1]:55555"
    assert status["address"] == "[fd18::1]:55555"
    assert [s["server"] for s in status["servers"]] == [
        "198.18.0.1", "198.18.0.7", "fd18::1"]
    pair.sat.wait_log(r"hub 198\.18\.0\.1:4: Connection refused")


def test_status_says_what_it_waits_for(pair):
    pair.sat.conf_set("client", "server", "198.18.0.1:4", "198.18.0.9")
    pair.sat.start(wait=False)

    def waits():
        status = pair.sat.status()
        return (status["state"] == "connecting" and
                "198.18.0.9:55555 to connect" in status["waits_for"] and
                status["servers"][0]["last_error"] == "Connection refused")
    wait_until(waits, 60, "it waits for the second server")

    def pauses():
        status = pair.sat.status()
        return (status["state"] == "waiting" and
                status["waits_for"] == "the next attempt" and
                "retry_in_s" in status and
                status["servers"][1]["last_error"] == "Connection timed out" and
                status["last_error"] == "198.18.0.9:55555: Connection timed out")
    wait_until(pauses, 60, "it pauses")


@pytest.mark.parametrize("dead", ["fd18::9", "198.18.0.9"])
def test_a_black_hole_among_the_addresses(dead):
    """One family's address is silent: the other is 250 ms behind it."""
    good = "198.18.0.1" if ":" in dead else "fd18::1"
    with Net() as net:
        pair = Pair(net, "vpn.test")
        pair.client.etc("hosts", "%s vpn.test\n%s vpn.test\n" % (dead, good))
        pair.sat.start()
        pair.hub.wait_site("client")
        assert good in pair.sat.status()["address"]
        # TCP asks after 0, 1, 3 and 7 s; our patience is 10 s.
        assert pair.tried_in_vain() < 4


def test_weights_are_lots(pair):
    """The server with all the weight is first; the other one is spare."""
    pair.sat.conf_set("client", "server", "198.18.0.9", "198.18.0.1 weight 1000")
    pair.sat.conf_set("client", "server-order", "weight")
    pair.sat.start()
    pair.hub.wait_site("client")
    assert pair.server_of() == "198.18.0.1:55555"
