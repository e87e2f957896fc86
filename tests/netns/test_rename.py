# SPDX-License-Identifier: GPL-2.0-or-later
"""The hub gets another name: sites that know the old one stay, as long as it
has a line of its own.

           .1, .3 [hub] ------------------ [sat] .2
                  (the line: 198.18.0.0/24)
"""

import pytest

from lib import Hub, Satellite, tombolo, wait_until

CHANGED = "certificate"  # that others are in use
OLD, NEW = "198.18.0.1", "198.18.0.3"


class Scene:
    def __init__(self, net):
        self.net = net
        self.hub, self.sat = net.host("hub"), net.host("sat")
        net.cable(self.hub, "wan", self.sat, "wan")
        self.hub.addr("wan", OLD + "/24")
        self.hub.addr("wan", NEW + "/24")
        self.sat.addr("wan", "198.18.0.2/24")
        self.server = Hub(self.hub).init(OLD, "--mode", "tap")
        self.server.start()
        self.made = 0

    def join(self):
        self.made += 1
        name = "site%d" % self.made
        sat = Satellite(self.sat, name).join(self.server.add_site(name))
        sat.conf_set("interface", "device", "t%d" % self.made)
        wait_until(lambda: name in self.server.sites(), 10)
        return name, sat

    def call(self, *names):
        """These `name` lines, in this order; gives what `init --renew` says."""
        path = self.server.conf
        with open(path) as f:
            lines = [l for l in f if not l.startswith("name = ")]
        at = lines.index("[server]\n") + 1
        lines[at:at] = ["name = %s\n" % n for n in names]
        with open(path, "w") as f:
            f.writelines(lines)
        before = len(self.server.log_lines(CHANGED))
        done = tombolo("init", "--renew", "--dir", self.server.dir)
        wait_until(lambda: len(self.server.log_lines(CHANGED)) > before, 10)
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def scene(net):
    return Scene(net)


@pytest.fixture(autouse=True)
def one_at_a_time(scene):
    yield
    for daemon in scene.net.daemons:
        if daemon is not scene.server and daemon.running():
            assert daemon.stop("SIGTERM") == 0


def test_renamed_with_the_old_name_behind_it(scene):
    old, sat = scene.join()
    sat.start()
    scene.server.wait_site(old)
    said = scene.call(NEW, OLD)
    assert "for %s, %s until" % (NEW, OLD) in said and "refuse" not in said
    before = sat.status()["sessions"]
    tombolo("kick", old, "-c", scene.server.conf)
    wait_until(lambda: sat.status()["sessions"] > before, 15)
    scene.server.wait_site(old)
    new, other = scene.join()
    assert "server = %s:" % NEW in other.conf_text()
    assert "name = %s\n" % NEW in other.conf_text()
    other.start()
    scene.server.wait_site(new)
    assert "name = %s\n" % OLD in sat.conf_text(), "it was left alone"


def test_renamed_without_it_is_said(scene):
    old, sat = scene.join()
    sat.conf_set("client", "name", OLD)
    scene.call(NEW, OLD)
    said = scene.call(NEW)
    assert "sites that use that name will refuse this hub" in said
    assert '"name = %s"' % OLD in said
    sat.start(wait=False)
    sat.wait_log("it is for another name", 15)
    # And back again, as it says.
    assert "refuse" not in scene.call(NEW, OLD)
    scene.server.wait_site(old)


def test_a_dot_at_a_names_end_is_of_no_importance(scene):
    """It is of the look-up: no certificate has one."""
    scene.call(NEW, OLD, "vpn.example.org.")
    name, sat = scene.join()
    for line in ("%s:55555 name vpn.example.org." % OLD,
                 "%s:55555 name VPN.example.org" % OLD):
        sat.conf_set("client", "server", line)
        sat.start()
        scene.server.wait_site(name)
        assert sat.stop("SIGTERM") == 0
