# SPDX-License-Identifier: GPL-2.0-or-later
"""Through a proxy of Debian's: tinyproxy (HTTP CONNECT, Basic) and microsocks
(SOCKS5, user and password).  The client has no other way to the hub; frames
need TCP then.

    [client] 198.18.0.2 --- 198.18.0.3 [proxy] 198.18.1.3 --- .1 [server]
"""

import os
import shutil

import pytest

from lib import Hub, Net, Satellite, wait_until

USER, PASSWORD = "anna", "correcthorse7"
SOON = 60  # seconds; it takes five, but the machine may be busy


def tinyproxy(net, ns):
    conf = os.path.join(net.dir, "tinyproxy.conf")
    with open(conf, "w") as f:
        f.write("Port 3128\nListen 198.18.0.3\nTimeout 600\n"
                "LogLevel Info\nMaxClients 10\n"
                "BasicAuth %s %s\nConnectPort 55555\n" % (USER, PASSWORD))
    ns.spawn("tinyproxy", "-d", "-c", conf)
    return "http://198.18.0.3:3128"


def microsocks(net, ns):
    ns.spawn("microsocks", "-i", "198.18.0.3", "-p", "1080", "-u", USER,
             "-P", PASSWORD)
    return "socks5://198.18.0.3:1080"


class World:
    def __init__(self, net, kind):
        if shutil.which(kind.__name__) is None:
            pytest.skip("needs %s (contrib/packages)" % kind.__name__)
        self.server, self.proxy, self.client = (
            net.host(n) for n in ("server", "proxy", "client"))
        net.cable(self.proxy, "in", self.client, "wan")
        net.cable(self.proxy, "out", self.server, "wan")
        self.client.addr("wan", "198.18.0.2/24")
        self.proxy.addr("in", "198.18.0.3/24")
        self.proxy.addr("out", "198.18.1.3/24")
        self.server.addr("wan", "198.18.1.1/24")
        # Only the proxy can look the name up.
        self.proxy.etc("hosts", "198.18.1.1 vpn.test\n")
        self.url = kind(net, self.proxy)
        self.hub = Hub(self.server, "primary").init("vpn.test", "--mode", "tun")
        invite = self.hub.add_site("client")
        self.hub.start()
        self.sat = Satellite(self.client, "satellite").join(invite)
        self.sat.conf_set("client", "proxy", self.url)
        wait_until(lambda: ":3128" in self.listeners() or
                   ":1080" in self.listeners(), SOON, "the proxy listens")

    def listeners(self):
        return self.proxy.run("ss", "-Hltn").stdout

    def login(self, text, mode=0o600):
        path = os.path.join(self.sat.dir, "keeper", "proxy")
        with open(path, "w") as f:
            f.write(text + "\n")
        os.chmod(path, mode)


@pytest.fixture(params=[tinyproxy, microsocks],
                ids=["http", "socks5"])
def world(request):
    with Net() as net:
        yield World(net, request.param)


def test_with_the_right_password(world):
    """As an editor of another system saves it."""
    world.login("\ufeff%s:%s\r" % (USER, PASSWORD))
    world.sat.start()
    world.hub.wait_site("client", lanes=False)
    status = world.sat.status()
    assert status["server"] == "vpn.test:55555"
    assert status["proxy"] == world.url
    assert world.hub.sites()["client"]["address"].startswith("198.18.1.3:")
    # Only the proxy knows the server: that is no way for datagrams.
    assert status["transport"] == "tcp"
    wait_until(lambda: world.client.can_ping("10.4.2.1"), SOON, "by TCP")
    # The password is nowhere but in its file.
    assert PASSWORD not in world.sat.log()
    assert PASSWORD not in world.sat.conf_text()
    for pid in world.sat.pids():
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            assert PASSWORD.encode() not in f.read()


def test_frames_pass_by_udp_where_the_server_is_an_address(world):
    """The proxy's host forwards, but no TCP to the hub: UDP goes straight
    where it can, and all else by the proxy."""
    world.proxy.forward()
    world.client.route("198.18.1.0/24", "198.18.0.3")
    world.server.route("198.18.0.0/24", "198.18.1.3")
    world.proxy.run("nft", "-f", "-", stdin="""
        table inet wall {
            chain control { type filter hook forward priority 0;
                tcp dport 55555 drop; }
            chain lanes { type filter hook forward priority 1; }
        }""")
    world.login("%s:%s" % (USER, PASSWORD))
    world.sat.conf_set("client", "server", "198.18.1.1")
    world.sat.conf_set("client", "name", "vpn.test")
    world.sat.start()
    world.hub.wait_site("client")

    def ways():
        return (world.hub.sites()["client"].get("transport"),
                world.sat.status().get("transport"))
    wait_until(lambda: ways() == ("udp", "udp"), SOON, "both say so")
    assert world.sat.status()["proxy"] == world.url
    assert world.hub.sites()["client"]["address"].startswith("198.18.1.3:")
    wait_until(lambda: world.client.can_ping("10.4.2.1"), SOON, "by UDP")
    world.proxy.run("nft", "add", "rule", "inet", "wall", "lanes", "meta",
                    "l4proto", "udp", "drop")
    wait_until(lambda: world.client.can_ping("10.4.2.1") and
               ways() == ("tcp", "tcp"), SOON, "by the proxy")
    world.proxy.run("nft", "flush", "chain", "inet", "wall", "lanes")
    wait_until(lambda: world.client.can_ping("10.4.2.1") and
               ways() == ("udp", "udp"), SOON, "by UDP again")
    assert world.sat.status()["sessions"] == 1


def test_udp_alone_has_no_way_where_only_the_proxy_knows_the_server(world):
    """It says so and pauses, rather than to be up for nothing."""
    why = "only the proxy can look up the hub's name, so no frame can pass by UDP"
    world.login("%s:%s" % (USER, PASSWORD))
    world.sat.conf_set("client", "transport", "udp")
    world.sat.start(wait=False)

    def pauses():
        status = world.sat.status()
        return (status["state"] == "waiting" and "retry_in_s" in status and
                why in status["last_error"])
    wait_until(pauses, SOON, "it pauses")
    world.sat.wait_log(why)
    assert world.sat.status()["sessions"] == 0


def test_without_and_with_a_wrong_password(world):
    world.sat.start(wait=False)
    world.sat.wait_log(r"vpn\.test:55555: the proxy requires a user and password",
                       SOON)
    world.login(USER + ":wrong")
    world.sat.stop("SIGTERM")
    world.sat.start(wait=False)
    world.sat.wait_log(r"the proxy does not accept the user and password", SOON)
    assert world.sat.state() != "up"
    assert "wrong" not in world.sat.log()


def test_a_password_that_others_may_read(world):
    world.login("%s:%s" % (USER, PASSWORD), mode=0o644)
    world.sat.start(wait=False)
    world.sat.wait_log(r"keeper/proxy: must be a file of the keeper's own",
                       SOON)
    assert world.sat.state() != "up"


def test_the_proxy_is_gone(world):
    world.login("%s:%s" % (USER, PASSWORD))
    for pid in world.proxy.pids():
        os.kill(pid, 9)
    world.sat.start(wait=False)
    world.sat.wait_log(r"hub vpn\.test:55555: Connection refused", SOON)
