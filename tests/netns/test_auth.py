# SPDX-License-Identifier: GPL-2.0-or-later
"""Each way in which a site proves who it is: from init to a ping, a wrong
secret, and how it ends: passwd, disable and remove end a running session within
a second, and what was good before is good for nothing.

    [s] 198.18.0.2 -------- 198.18.0.1 [hub]
     10.4.2.x                  10.4.2.1          tun

The commands' own tests are in test_cli.py; PAM's are in test_pam.py.
"""

import json
import os
import re
import shutil
import time

import pytest

from lib import Hub, Pings, Satellite, tombolo, wait_until, watch

HUB = "198.18.0.1"
INSIDE = "10.4.2.1"
METHODS = ["srp", "password", "certificate", "tls-srp"]
SECONDS = 1  # after a command, until a session is over
AWAY = 5  # seconds for which one that is out stays out: several tries


def built(method):
    line = re.search(r"^methods: (.*)$", tombolo("version").stdout, re.M)
    return method in line.group(1).split(", ")


class Scene:
    """A server with every method, and a host for satellites, one at a time."""

    def __init__(self, net):
        self.net = net
        self.hub = net.host("hub")
        self.s = net.host("s")
        net.cable(self.hub, "wan", self.s, "wan")
        self.hub.addr("wan", HUB + "/24")
        self.s.addr("wan", "198.18.0.2/24")
        auth = [a for m in METHODS if built(m) for a in ("--auth", m)]
        self.server = Hub(self.hub).init(HUB, "--mode", "tun", *auth)
        self.server.start()
        self.engine = self.server.pid_of("engine")

    def add(self, name, method):
        return self.server.add_site(name, "--auth", method,
                                    generate=method != "certificate")

    def again(self, name, method):
        """`site passwd`; gives the path of the new invitation."""
        invite = os.path.join(self.net.dir, "%s-%g.invite" % (
            name, time.monotonic()))
        generate = [] if method == "certificate" else ["--generate"]
        self.server.site("passwd", name, "--out", invite, *generate)
        return invite

    def join(self, name, invite):
        """A satellite that is not started."""
        return Satellite(self.s, name).join(invite)

    def up(self, name, invite):
        """One that is up, with every lane."""
        sat = self.join(name, invite)
        sat.start()
        self.server.wait_site(name)
        return sat

    def wait_gone(self, name, since):
        wait_until(lambda: not self.server.site_up(name),
                   SECONDS - (time.monotonic() - since),
                   "the session of %s is over" % name)

    def stays_out(self, sat, name):
        """It tries, and is refused every time."""
        watch(lambda: not self.server.site_up(name), AWAY,
              "%s is out" % name)
        assert sat.running() and sat.state() != "up"
        assert "refused" in sat.status()["last_error"], sat.status()


@pytest.fixture(scope="module")
def scene(net):
    return Scene(net)


@pytest.fixture(autouse=True)
def one_after_the_other(scene):
    yield
    for daemon in scene.net.daemons:
        if daemon is not scene.server and daemon.running():
            assert daemon.stop("SIGTERM") == 0
    assert scene.server.pid_of("engine") == scene.engine


@pytest.fixture(params=METHODS)
def method(request):
    if not built(request.param):
        pytest.skip("this build has no " + request.param)
    return request.param


def read(path):
    with open(path) as f:
        return f.read()


def secrets_of(daemon):
    """What a satellite proves itself with: {name of the file: content}."""
    found = {}
    for name in ("keeper/password", "keeper/client.key", "client.crt"):
        path = os.path.join(daemon.dir, name)
        if os.path.exists(path):
            found[name] = read(path)
    return found


def test_site_logs_in_and_packets_pass(scene, method):
    sat = scene.up("in-" + method, scene.add("in-" + method, method))
    assert sat.status()["auth"] == method
    assert scene.server.ports()["in-" + method]["auth"] == method
    wait_until(lambda: scene.s.can_ping(INSIDE), 5, "a ping comes back")
    # What it is good for is in neither log, and in no status.
    said = sat.log() + scene.server.log() + json.dumps(
        [sat.status(), scene.server.status()])
    for name, secret in secrets_of(sat).items():
        if name.endswith("password"):
            assert secret.strip() not in said


def spoil(scene, sat, name, method):
    """Gives it a secret that is as good as any, but not its own."""
    if method != "certificate":
        with open(os.path.join(sat.dir, "keeper/password"), "w") as f:
            f.write("open sesame\n")
        return
    # A certificate of the same CA, for another site.
    invite = json.loads(read(scene.add(name + "-other", method)))
    for file, member in (("client.crt", "certificate"),
                         ("keeper/client.key", "key")):
        with open(os.path.join(sat.dir, file), "w") as f:
            f.write(invite[member])


def test_wrong_secret_is_refused(scene, method):
    name = "wrong-" + method
    sat = scene.join(name, scene.add(name, method))
    spoil(scene, sat, name, method)
    sat.start(wait=False)
    wait_until(lambda: "refused" in (sat.status().get("last_error") or ""), 15,
               "it is refused")
    scene.stays_out(sat, name)
    assert not scene.s.can_ping(INSIDE)


def test_another_secret_ends_the_session_and_the_old_one(scene, method):
    name = "pw-" + method
    sat = scene.up(name, scene.add(name, method))
    start = time.monotonic()
    invite = scene.again(name, method)
    assert time.monotonic() - start < 5
    # The command itself may take its time: the file is written at its end.
    scene.wait_gone(name, time.monotonic())
    scene.stays_out(sat, name)
    assert sat.stop("SIGTERM") == 0
    scene.up(name, invite)
    wait_until(lambda: scene.s.can_ping(INSIDE), 5, "a ping comes back")


def test_disabling_ends_the_session_until_enabled(scene, method):
    name = "off-" + method
    sat = scene.up(name, scene.add(name, method))
    start = time.monotonic()
    scene.server.site("disable", name)
    scene.wait_gone(name, start)
    scene.stays_out(sat, name)
    scene.server.site("enable", name)
    scene.server.wait_site(name, deadline=60)


def test_removal_ends_the_session_for_good(scene, method):
    name = "gone-" + method
    sat = scene.up(name, scene.add(name, method))
    start = time.monotonic()
    scene.server.site("remove", name)
    wait_until(lambda: not scene.server.sites().get(name), SECONDS - (
        time.monotonic() - start), "the site is gone")
    time.sleep(AWAY)
    assert sat.state() != "up" and name not in scene.server.sites()
    # The same name again is another site: neither secret nor token is good.
    scene.server.site(
        "add", name, "--auth", method, "--out",
        os.path.join(scene.net.dir, name + "-2.invite"),
        *([] if method == "certificate" else ["--generate"]))
    scene.stays_out(sat, name)


def test_revoking_one_certificate_touches_no_other(scene):
    invite = scene.add("keep", "certificate")
    scene.add("revoked", "certificate")
    scene.up("keep", invite)
    pings = Pings(scene.s, INSIDE)
    scene.again("revoked", "certificate")
    time.sleep(1.5)
    scene.server.site("remove", "revoked")
    time.sleep(1.5)
    sent, received = pings.end()
    assert received >= sent - 1, "%d of %d pings" % (received, sent)
    assert scene.server.site_up("keep")


def test_passwords_of_another_site_end_no_session(scene):
    sat = scene.up("quiet", scene.add("quiet", "srp"))
    scene.add("loud", "srp")
    sessions = sat.status()["sessions"]
    for _ in range(3):
        scene.again("loud", "srp")
    watch(lambda: scene.server.site_up("quiet"), 2, "quiet is up")
    assert sat.status()["sessions"] == sessions


@pytest.mark.parametrize("has, says", [
    ("srp", "password"), ("password", "srp"), ("srp", "certificate"),
    ("certificate", "srp"), ("certificate", "password")])
def test_site_of_one_method_cannot_use_another(scene, has, says):
    name = "%s-as-%s" % (has, says)
    other = name + "-other"
    sat = scene.join(name, scene.add(name, has))
    # All that the other method needs, it has.
    given = scene.join(other, scene.add(other, says))
    for file in secrets_of(given):
        if not os.path.exists(os.path.join(sat.dir, file)):
            shutil.copy2(os.path.join(given.dir, file),
                         os.path.join(sat.dir, file))
            st = os.stat(os.path.join(given.dir, file))
            os.chown(os.path.join(sat.dir, file), st.st_uid, st.st_gid)
    sat.conf_set("client", "auth", says)
    sat.start(wait=False)
    wait_until(lambda: "refused" in (sat.status().get("last_error") or ""), 15,
               "it is refused")
    scene.stays_out(sat, name)


def test_methods_are_switched_on_and_off_while_it_runs(small_net):
    """The auth lines count at once; what they refuse, the files keep out."""
    hub, s = small_net.host("hub"), small_net.host("s")
    small_net.cable(hub, "wan", s, "wan")
    hub.addr("wan", HUB + "/24")
    s.addr("wan", "198.18.0.2/24")
    server = Hub(hub).init(HUB, "--mode", "tun", "--auth", "password")
    server.start()
    later = "tls-srp" if built("tls-srp") else "srp"
    server.conf_set("server", "auth", "password", later)
    invite = server.add_site("late", "--auth", later)
    sat = Satellite(s, "late").join(invite)
    sat.start()
    server.wait_site("late")
    wait_until(lambda: s.can_ping(INSIDE), 5, "a ping comes back")
    # A site would be without its method: refused as a whole, and said so.
    server.conf_set("server", "auth", "password")
    server.wait_log("auth = %s of site late is not allowed" % later)
    watch(lambda: server.site_up("late"), 2, "the last good ones are kept")
    # Mended: the site goes, then its method.
    server.conf_set("server", "auth", "password", later)
    server.site("disable", "late")
    wait_until(lambda: not server.site_up("late"), 2, "late is out")
    server.conf_set("server", "auth", "password")
    assert "ok" in tombolo("check", "--dir", server.dir).stdout
