# SPDX-License-Identifier: GPL-2.0-or-later
"""A server that listens on several addresses and ports at once: a site comes in
at each, TCP and UDP, and is answered from where it asked.

    [server] 198.18.0.1, 198.18.0.7, fd18::1 --- .2, ::2 [client]
"""

import os
import signal

import pytest

from lib import CommandFailed, Hub, Net, Satellite, wait_until


class Pair:
    def __init__(self, net, *listens):
        self.server, self.client = net.host("server"), net.host("client")
        net.cable(self.server, "wan", self.client, "wan")
        self.server.addr("wan", "198.18.0.1/24", "198.18.0.7/24", "fd18::1/64")
        self.client.addr("wan", "198.18.0.2/24", "fd18::2/64")
        # A firewall that lets in what was asked for, and from there only.
        self.client.run("nft", "-f", "-", stdin="""
            table inet f { chain i {
                type filter hook input priority 0; policy accept;
                iifname "wan" ct state { new, invalid } meta l4proto { tcp, udp } drop
            }
            }""")
        self.hub = Hub(self.server, "primary").init("198.18.0.1", "--mode",
                                                    "tun")
        self.hub.conf_set("server", "listen", *listens)
        invite = self.hub.add_site("client")
        self.hub.start()
        self.sat = Satellite(self.client, "satellite").join(invite)
        self.sat.conf_set("client", "name", "198.18.0.1")

    def comes_in_at(self, where):
        self.sat.conf_set("client", "server", where)
        self.sat.start()
        self.hub.wait_site("client")
        wait_until(lambda: self.client.can_ping("10.4.2.1"), 10, "a ping")
        assert self.sat.status()["address"] == where
        self.sat.stop()
        wait_until(lambda: not self.hub.site_up("client"), 10, "it is gone")


def test_any_and_443():
    with Net() as net:
        pair = Pair(net, "any", "any:443")
        for where in ("198.18.0.1:443", "198.18.0.7:443", "[fd18::1]:443",
                      "198.18.0.7:55555", "[fd18::1]:55555"):
            pair.comes_in_at(where)


def test_addresses_of_their_own():
    with Net() as net:
        pair = Pair(net, "198.18.0.7:443", "[fd18::1]:4433", "198.18.0.1")
        for where in ("198.18.0.7:443", "[fd18::1]:4433", "198.18.0.1:55555"):
            pair.comes_in_at(where)
        pair.sat.conf_set("client", "server", "198.18.0.7:55555")
        pair.sat.start(wait=False)
        pair.sat.wait_log("198.18.0.7:55555: Connection refused")


@pytest.mark.parametrize("address", ["198.18.0.9/24", "fd18::9/64"])
def test_an_address_that_comes_later(address):
    """At boot, or with the role of a virtual router: the daemon is first."""
    host = address.split("/")[0]
    where = "[%s]:55555" % host if ":" in host else host + ":55555"
    with Net() as net:
        pair = Pair(net, host, "198.18.0.1:443")
        pair.hub.wait_log("listen = %s: this host does not have the "
                          "address yet" % host)
        pair.comes_in_at("198.18.0.1:443")
        pair.server.addr("wan", address)
        pair.comes_in_at(where)
        pair.server.ip("addr", "del", address, "dev", "wan")
        pair.server.addr("wan", address)
        pair.comes_in_at(where)


def test_an_address_that_is_still_tentative():
    """IPv6 asks for a second whether somebody else has it."""
    with Net() as net:
        pair = Pair(net, "any")
        pair.hub.stop()
        pair.server.sysctl("net/ipv6/conf/wan/accept_dad", 1)
        pair.server.sysctl("net/ipv6/conf/wan/dad_transmits", 5)
        pair.server.ip("addr", "add", "fd18::9/64", "dev", "wan")
        pair.hub.conf_set("server", "listen", "[fd18::9]:55555")
        pair.hub.start()
        pair.hub.wait_log("does not have the address yet")
        wait_until(lambda: "tentative" not in pair.server.ip(
            "addr", "show", "dev", "wan").stdout, 15, "it is nobody else's")
        pair.comes_in_at("[fd18::9]:55555")


def test_the_engine_comes_back_with_all_of_them():
    with Net() as net:
        pair = Pair(net, "any", "any:443")
        os.kill(pair.hub.pid_of("engine"), signal.SIGKILL)
        wait_until(lambda: pair.hub.state() == "up", 10, "a new engine")
        pair.comes_in_at("198.18.0.7:443")
        pair.comes_in_at("198.18.0.1:55555")


@pytest.mark.parametrize("seconds, comes_up", [(1, True), (600, False)],
                         ids=["for-a-moment", "for-good"])
def test_a_local_socket_that_is_taken(seconds, comes_up):
    """A daemon that was killed leaves it, sooner or later; others do not."""
    with Net() as net:
        server = net.host("server")
        hub = Hub(server, "primary").init("198.18.0.1", "--mode", "tun")
        path = os.path.join(net.dir, "sock")
        hub.conf_set("server", "socket", path)
        server.spawn("python3", "-c", "import socket, time\n"
                     "s = socket.socket(socket.AF_UNIX)\n"
                     "s.bind('%s'); s.listen(); time.sleep(%d)" % (
                         path, seconds))
        wait_until(lambda: path in server.run("ss", "-Hlx").stdout, 10,
                   "somebody is there")
        hub.start(wait=False)
        hub.wait_log(path + ": taken: waiting")
        if comes_up:
            wait_until(lambda: hub.state() == "up", 10, "it is up")
            return
        hub.wait_log(path + ": Address already in use")
        assert hub.process.wait(10) != 0


def test_a_port_that_is_taken():
    with Net() as net:
        server = net.host("server")
        hub = Hub(server, "primary").init("198.18.0.1", "--mode", "tun")
        hub.conf_set("server", "listen", "any", "any:443")
        server.spawn("python3", "-c", "import socket, time\n"
                     "s = socket.socket(socket.AF_INET6)\n"
                     "s.bind(('::', 443)); s.listen(); time.sleep(600)")
        wait_until(lambda: ":443" in server.run("ss", "-Hltn").stdout, 10,
                   "somebody at 443")
        hub.start(wait=False)
        hub.wait_log("TCP port 443: Address already in use")
        assert hub.process.wait(10) != 0
        with pytest.raises(CommandFailed):
            hub.status()
