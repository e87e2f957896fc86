# SPDX-License-Identifier: GPL-2.0-or-later
"""A server with several addresses answers from the one that it was asked at,
over IPv4 and over IPv6; the name may be a host name that is looked up.

                           198.18.0.1  (the kernel would choose this one)
    [sat] 198.18.0.2 ----- 198.18.0.7  [hub] br0 --- b
          fd18::2          fd18::1, fd18::7
"""

import pytest

from lib import Hub, Net, Satellite, Site, wait_until


class Pair:
    def __init__(self, net):
        self.a, self.b = Site(net, "sat", 1), Site(net, "hub", 2)
        self.sat_ns, self.hub_ns = self.a.gateway, self.b.gateway
        net.cable(self.hub_ns, "wan", self.sat_ns, "wan")
        self.hub_ns.addr("wan", "198.18.0.1/24", "198.18.0.7/24",
                         "fd18::1/64", "fd18::7/64")
        self.sat_ns.addr("wan", "198.18.0.2/24", "fd18::2/64")

    def up(self, name):
        hub = Hub(self.hub_ns, "primary").init(name, "--mode", "tap",
                                               "--bridge", "br0")
        invite = hub.add_site("sat")
        hub.start()
        sat = Satellite(self.sat_ns, "satellite").join(invite, "--bridge",
                                                       "br0")
        sat.start()
        hub.wait_site("sat")
        wait_until(lambda: self.a.host.can_ping(self.b.ip), 10, "a reaches b")
        return hub, sat


@pytest.mark.parametrize("address", ["198.18.0.1", "198.18.0.7", "fd18::1",
                                     "fd18::7"])
def test_answers_from_the_address_it_was_asked_at(address):
    with Net() as net:
        pair = Pair(net)
        # A client's firewall that lets in what it asked for, and no more.
        pair.sat_ns.run("nft", "-f", "-", stdin="""
            table inet f { chain i {
                type filter hook input priority 0; policy accept;
                iifname "wan" ct state new meta l4proto { tcp, udp } drop
                iifname "wan" ct state invalid drop
            }
            }""")
        pair.up(address)


def test_a_port_of_its_own():
    with Net() as net:
        pair = Pair(net)
        hub, _ = pair.up("198.18.0.1:4433")
        out = pair.hub_ns.run("ss", "-Hltun").stdout
        assert ":4433" in out and ":55555" not in out, out
