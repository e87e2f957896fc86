# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates that end, and are renewed under running sessions.

    [server] 198.18.0.1 ------- 198.18.0.2 [client]
"""

import os

import pytest

from lib import Hub, Satellite, run, tombolo, wait_until

DAY = 86400
BACK = 60


class Scene:
    def __init__(self, net):
        self.server_ns, self.client_ns = net.host("server"), net.host("client")
        net.cable(self.server_ns, "wan", self.client_ns, "wan")
        self.server_ns.addr("wan", "198.18.0.1/24")
        self.client_ns.addr("wan", "198.18.0.2/24")
        self.hub = Hub(self.server_ns).init("198.18.0.1", "--mode", "tun")
        invite = self.hub.add_site("berlin")
        self.sat = Satellite(self.client_ns).join(invite)
        self.hub.start()
        self.sat.start()
        self.hub.wait_site("berlin")

    def path(self, name):
        return os.path.join(self.hub.dir, name)

    def certify(self, days):
        """A certificate of the CA for so many days, put there in one go."""
        new = self.path("new.pem")
        with open(self.path("ext"), "w") as f:
            f.write("subjectAltName=IP:198.18.0.1\n"
                    "extendedKeyUsage=serverAuth\n")
        run("openssl", "req", "-new", "-key", self.path("keeper/server.key"),
            "-subj", "/CN=198.18.0.1", "-out", self.path("req"))
        run("openssl", "x509", "-req", "-in", self.path("req"), "-CA",
            self.path("ca.crt"), "-CAkey", self.path("ca.key"), "-days",
            str(days), "-extfile", self.path("ext"), "-out", new,
            "-set_serial", "0x1234")
        os.rename(new, self.path("server.crt"))

    def again(self):
        """A new connection."""
        ups = len(self.hub.log_lines("site berlin: up"))
        tombolo("kick", "berlin", "-c", self.hub.conf)
        wait_until(lambda: len(self.hub.log_lines("site berlin: up")) > ups,
                   BACK, "it is back")
        self.sat.wait_up(BACK)


@pytest.fixture(scope="module")
def scene(net):
    return Scene(net)


def certificates(daemon):
    return {c["name"]: c for c in daemon.status()["certificates"]}


def test_status_says_how_long_certificates_last(scene):
    for daemon, name in ((scene.hub, "certificate"), (scene.sat, "server")):
        row = certificates(daemon)[name]
        assert 4 * 365 * DAY < row["ends_in_s"] < 6 * 365 * DAY
        assert "warning" not in row
        out = tombolo("status", "-c", daemon.conf).stdout
        assert "%s until %s" % (name, row["ends"]) in out
        assert "WARNING" not in out


def test_one_that_ends_soon_is_said_at_both_ends(scene):
    scene.certify(20)
    scene.hub.wait_log("the certificate of this hub ends on .*, in 1?9 "
                       "days: renew it with tombolo init --renew|in 20 days")
    row = certificates(scene.hub)["certificate"]
    assert 19 * DAY < row["ends_in_s"] <= 20 * DAY
    assert "tombolo init --renew" in row["warning"]
    assert "WARNING     certificate ends on" in \
        tombolo("status", "-c", scene.hub.conf, check=False).stdout
    # Sessions go on; a new one sees it.
    assert "warning" not in certificates(scene.sat)["server"]
    scene.again()
    assert "the hub renews it" in \
        certificates(scene.sat)["server"]["warning"]


def test_it_is_renewed_without_a_restart(scene):
    with open(scene.path("keeper/server.key")) as f:
        key = f.read()
    ups = len(scene.hub.log_lines("site berlin: (up|down)"))
    changes = len(scene.hub.log_lines("certificates: changed; new"))
    out = tombolo("init", "--renew", "--dir", scene.hub.dir).stdout
    assert "server.crt is renewed, for 198.18.0.1 until " in out
    wait_until(lambda: len(scene.hub.log_lines(
        "certificates: changed; new")) > changes, 10, "it is noticed")
    row = certificates(scene.hub)["certificate"]
    assert row["ends_in_s"] > 4 * 365 * DAY and "warning" not in row
    assert row["ends"] in out
    assert scene.client_ns.can_ping("10.4.2.1")
    assert len(scene.hub.log_lines("site berlin: (up|down)")) == ups
    with open(scene.path("keeper/server.key")) as f:
        assert f.read() == key
    scene.again()
    assert certificates(scene.sat)["server"]["ends"] == row["ends"]
    assert "warning" not in certificates(scene.sat)["server"]
