# SPDX-License-Identifier: GPL-2.0-or-later
"""What is changed while the daemon runs: by `reload`, by SIGHUP, and the sites
that come and go without either; who stays connected; and the goodbye.

    10.0.8.0/24 [server] 198.18.0.1 --+-- 198.18.0.2 [one]  10.0.7.0/24
                                      `-- 198.18.0.3 [two]
"""

import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from lib import Hub, Satellite, binary, tombolo, wait_until, watch

SOON = 5  # seconds; far less than dead-peer, and nobody is told twice


class Scene:
    def __init__(self, net):
        self.net = net
        self.wan = net.host("wan")
        self.wan.bridge("w0")
        self.server_ns, self.one_ns, self.two_ns = (
            self.plug(name, i + 1) for i, name in
            enumerate(("server", "one", "two")))
        self.hub = Hub(self.server_ns).init(
            "198.18.0.1", "--mode", "tun", "--network", "10.0.8.0/24")
        self.one = self.add(self.one_ns, "one", "--subnet", "10.0.7.0/24")
        self.two = self.add(self.two_ns, "two")
        self.hub.start()
        for sat in (self.one, self.two):
            sat.start()
            self.hub.wait_site(sat.name)
        self.good = self.hub.conf_text()

    def plug(self, name, number):
        ns = self.net.host(name)
        self.net.cable(ns, "wan", self.wan, "p-" + name)
        self.wan.ip("link", "set", "p-" + name, "master", "w0")
        ns.addr("wan", "198.18.0.%d/24" % number)
        return ns

    def add(self, ns, name, *args):
        return Satellite(ns, name).join(self.hub.add_site(name, *args))

    def has_route(self, ns, network):
        return any(line.startswith(network + " dev") for line in
                   ns.ip("route").stdout.splitlines())


@pytest.fixture(scope="module")
def scene(net):
    return Scene(net)


@pytest.fixture
def unharmed(scene):
    """No session ended, and the configuration is the old one afterwards."""
    lines = len(scene.hub.log_lines("site .*: (up|down)"))
    yield scene
    scene.hub.write_conf(scene.good)
    wait_until(lambda: tombolo("reload", "-c", scene.hub.conf,
                               check=False).returncode == 0, SOON)
    assert len(scene.hub.log_lines("site .*: (up|down)")) == lines
    for sat in (scene.one, scene.two):
        assert scene.hub.site_up(sat.name)
        assert sat.ns.can_ping("10.4.2.1")


def asked(daemon):
    """`tombolo reload`; the test before may have asked as often as one may."""
    def answered():
        done = tombolo("reload", "-c", daemon.conf, check=False)
        return None if "too often" in done.stderr else done
    return wait_until(answered, SOON, "it is not too often")


def reload(daemon):
    done = asked(daemon)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "the configuration is in force\n"
    assert not done.stderr


def waits(daemon):
    """What needs a restart."""
    done = asked(daemon)
    assert done.returncode == 3, done.stderr
    status = daemon.status()
    assert not status["faults"] and status["needs_restart"]
    assert tombolo("status", "-c", daemon.conf, check=False).returncode == 3
    return done.stderr.splitlines()


def refused(daemon, says):
    """Its first line.  It stays in status, and in the log."""
    done = asked(daemon)
    assert done.returncode == 1, done.stdout
    first = done.stderr.splitlines()[0]
    assert re.search(says, first), done.stderr
    fault = first.split("not in force: ", 1)[1]
    if daemon.state() == "up":
        assert fault in daemon.status()["faults"]
    daemon.wait_log(re.escape(fault))
    return first


def test_nothing_new_is_no_trouble(unharmed):
    reload(unharmed.hub)
    reload(unharmed.one)


def test_a_new_network_is_routed_by_all_at_once(unharmed):
    scene = unharmed
    scene.hub.conf_set("interface", "network", "10.0.8.0/24", "10.0.88.0/24")
    assert not scene.has_route(scene.one_ns, "10.0.88.0/24")
    reload(scene.hub)
    for ns in (scene.one_ns, scene.two_ns):
        wait_until(lambda: scene.has_route(ns, "10.0.88.0/24"), SOON)
    assert {"network": "10.0.88.0/24", "site": "(this one)"} in \
        scene.hub.routes()
    scene.hub.write_conf(scene.good)
    reload(scene.hub)
    for ns in (scene.one_ns, scene.two_ns):
        wait_until(lambda: not scene.has_route(ns, "10.0.88.0/24"), SOON)
        assert scene.has_route(ns, "10.0.8.0/24")


def test_nat_comes_and_goes(unharmed):
    scene = unharmed
    tables = lambda: scene.server_ns.run("nft", "list", "tables").stdout
    assert "tombolo" not in tables()
    scene.hub.conf_set("interface", "nat", "yes")
    reload(scene.hub)
    assert "tombolo" in tables()
    scene.hub.conf_set("interface", "nat", "no")
    reload(scene.hub)
    assert "tombolo" not in tables()


def test_limits_of_log_ins_are_taken(unharmed):
    scene = unharmed
    scene.hub.conf_set("server", "max-handshakes", "1")
    reload(scene.hub)
    turned = lambda: scene.hub.status()["counters"]["connections-turned-away"]
    before = turned()
    socks = [scene.two_ns.tcp_connect("198.18.0.1", 55555) for _ in range(3)]
    wait_until(lambda: turned() >= before + 2, SOON, "only one may wait")
    for sock in socks:
        sock.close()


def test_what_needs_a_restart_is_said_and_the_rest_taken(unharmed):
    scene = unharmed
    scene.hub.conf_set("server", "port", "4444")
    scene.hub.conf_set("interface", "workers", "7")
    scene.hub.conf_set("interface", "network", "10.0.8.0/24", "10.0.89.0/24")
    assert waits(scene.hub) == [
        "tombolo: port in [server] is changed: that needs a restart",
        "tombolo: workers in [interface] is changed: that needs a restart"]
    scene.hub.wait_log(r"tombolo.conf: port in \[server\] is changed")
    wait_until(lambda: scene.has_route(scene.one_ns, "10.0.89.0/24"), SOON)
    # A new engine runs with what is in force, not with what waits.
    assert scene.hub.status()["workers"] != 7


BAD = [
    ("server", "keepalive", "0", r"tombolo.conf:\d+: keepalive"),
    ("server", "no-such-key", "1", r"tombolo.conf:\d+: no-such-key"),
    ("server", "dead-peer", "3", r"dead-peer"),
    ("interface", "network", "10.0.8.1/24", r"tombolo.conf:\d+: network"),
    ("interface", "mode", "tap", r"mode is tap now|means nothing|tap"),
    ("server", "certificate", "nowhere.crt", r"nowhere.crt: No such file"),
]


@pytest.mark.parametrize("section,key,value,says", BAD)
def test_a_bad_one_is_refused_whole(unharmed, section, key, value, says):
    scene = unharmed
    scene.hub.conf_set("interface", "network", "10.0.8.0/24", "10.0.90.0/24")
    scene.hub.conf_set("server", "max-handshakes", "77")
    scene.hub.conf_set(section, key, value)
    refused(scene.hub, says)
    scene.hub.wait_log("is refused, the old one stays")
    assert not any(r["network"] == "10.0.90.0/24" for r in scene.hub.routes())
    assert not scene.has_route(scene.one_ns, "10.0.90.0/24")


def test_a_bad_site_is_refused_by_reload_as_well(unharmed):
    path = os.path.join(unharmed.hub.dir, "sites.d", "bad.conf")
    with open(path, "w") as f:
        f.write("[site bad]\naddress = 192.0.2.1\n")
    try:
        refused(unharmed.hub, r"bad.conf:2: ")
        assert unharmed.hub.sites()["bad"]["state"] == "faulty"
    finally:
        os.unlink(path)


def test_another_mode_waits_whole(unharmed):
    unharmed.hub.write_conf("[server]\nname = 198.18.0.1\n[interface]\n"
                            "mode = tap\n")
    assert waits(unharmed.hub) == [
        "tombolo: mode in [interface] is changed: that needs a restart"]
    unharmed.hub.write_conf("[client]\nserver = a\nsite = a\n")
    assert waits(unharmed.hub) == ["tombolo: [client] instead of [server] is "
                                   "changed: that needs a restart"]


def test_sighup_does_the_same(unharmed):
    scene = unharmed
    scene.hub.conf_set("interface", "network", "10.0.8.0/24", "10.0.91.0/24")
    scene.hub.process.kill(signal.SIGHUP)
    wait_until(lambda: scene.has_route(scene.two_ns, "10.0.91.0/24"), SOON)
    refusals = len(scene.hub.log_lines("is refused, the old one stays"))
    scene.hub.conf_set("interface", "network", "nonsense")
    scene.hub.process.kill(signal.SIGHUP)
    wait_until(lambda: len(scene.hub.log_lines(
        "is refused, the old one stays")) > refusals, SOON)
    assert scene.has_route(scene.two_ns, "10.0.91.0/24")


def test_the_log_level_is_taken_by_all_processes(unharmed):
    scene = unharmed
    assert not scene.hub.log_lines("keeper: started, pid")
    keeper = scene.hub.pid_of("keeper")
    scene.hub.conf_set("server", "log-level", "debug")
    reload(scene.hub)
    wait_until(lambda: scene.hub.pid_of("keeper") != keeper, SOON)
    # The level is an argument of its own process.
    wait_until(lambda: scene.hub.log_lines("monitor: keeper: started, pid"),
               SOON)
    lines = len(scene.hub.log().splitlines())
    scene.hub.conf_set("server", "log-level", "error")
    reload(scene.hub)
    scene.hub.conf_set("server", "max-handshakes", "99")
    reload(scene.hub)
    quiet = scene.hub.log().splitlines()[lines:]
    assert not [l for l in quiet if "99" in l or "sites" in l], quiet


def test_a_client_takes_its_own(unharmed):
    scene = unharmed
    before = scene.one.conf_text()
    scene.one.conf_set("client", "subnet", "10.0.7.0/24", "10.0.77.0/24")
    scene.one.conf_set("client", "server", "other.example.org")
    assert waits(scene.one) == [
        "tombolo: server in [client] is changed: that needs a restart"]
    scene.one.write_conf("[client]\n")
    refused(scene.one, "server is missing|server")
    scene.one.write_conf(before)
    reload(scene.one)


@pytest.mark.parametrize("who, name", [("one", "keeper/password"),
                                       ("hub", "keeper/sites/one.srp")])
def test_a_credential_that_others_may_read_is_not_in_force(unharmed, who, name):
    daemon = getattr(unharmed, who)
    path = os.path.join(os.path.dirname(daemon.conf), name)
    os.chmod(path, 0o644)
    refused(daemon, name + ": others may read it, so it is not used; fix with: "
            "chmod 600 /.*/" + name)
    os.chmod(path, 0o600)
    reload(daemon)


@pytest.mark.parametrize("line", [
    "proxy = http://user:hunter2@198.18.0.9:3128",
    "proxy http://user:hunter2@198.18.0.9:3128",
    "http://user:hunter2@198.18.0.9:3128",
])
def test_a_proxys_password_is_repeated_nowhere(unharmed, line):
    one = unharmed.one
    before = one.conf_text()
    one.write_conf(before.replace("[client]\n", "[client]\n" + line + "\n"))
    said = refused(one, r"tombolo.conf:\d+: (proxy|http): ")
    done = tombolo("check", "-c", one.conf, check=False)
    assert done.returncode == 1
    one.write_conf(before)
    one.wait_log("is refused, the old one stays")
    assert "hunter2" not in said + done.stdout + done.stderr + one.log()


@pytest.mark.slow
def test_too_many_reloads_harm_nobody(unharmed):
    engine = unharmed.hub.pid_of("engine")
    done = [tombolo("reload", "-c", unharmed.hub.conf, check=False)
            for _ in range(200)]
    late = [d for d in done if d.returncode != 0]
    assert all("too often" in d.stderr for d in late)
    assert unharmed.hub.pid_of("engine") == engine


def test_who_asks_what_is_in_force_waits_for_it(unharmed):
    """More at once than are answered at a time, and longer than the rest may
    take: as when there are thousands of files to be read."""
    hub = unharmed.hub
    hub.process.kill(signal.SIGSTOP)
    try:
        asking = [subprocess.Popen(
            [hub.program or binary(), *words], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
            for words in [("site", "set", "two", "--subnet", "10.0.77.0/24",
                           "--dir", hub.dir)] +
            20 * [("reload", "-c", hub.conf)]]
        time.sleep(6)
        assert not [a.communicate()[0] for a in asking
                    if a.poll() is not None]
    finally:
        hub.process.kill(signal.SIGCONT)
    for one in asking:
        said = one.communicate(timeout=30)[0]
        assert one.returncode == 0, said
    assert unharmed.has_route(unharmed.server_ns, "10.0.77.0/24")


def test_nobody_is_there_to_ask(scene):
    hub = Hub(scene.server_ns, "silent").init("silent.example.org")
    done = tombolo("reload", "-c", hub.conf, check=False)
    assert done.returncode == 1
    assert "no daemon answers" in done.stderr


# ------------------------------------------------ sites, without being told

def test_a_new_site_is_known_and_routed_at_once(scene):
    ns = scene.plug("three", 4)
    assert not scene.has_route(scene.one_ns, "10.0.33.0/24")
    three = scene.add(ns, "three", "--subnet", "10.0.33.0/24")
    for other in (scene.one_ns, scene.two_ns, scene.server_ns):
        wait_until(lambda: scene.has_route(other, "10.0.33.0/24"), SOON,
                   "a route to the new site's network")
    three.start()
    scene.hub.wait_site("three")
    assert scene.has_route(ns, "10.0.7.0/24")
    scene.hub.site("disable", "three")
    wait_until(lambda: not scene.hub.site_up("three"), SOON)
    for other in (scene.one_ns, scene.two_ns, scene.server_ns):
        wait_until(lambda: not scene.has_route(other, "10.0.33.0/24"), SOON,
                   "the route is gone")
    scene.hub.site("enable", "three")
    for other in (scene.one_ns, scene.two_ns, scene.server_ns):
        wait_until(lambda: scene.has_route(other, "10.0.33.0/24"), SOON)
    scene.hub.wait_site("three", deadline=60)
    scene.hub.site("remove", "three")
    wait_until(lambda: "three" not in scene.hub.sites(), SOON)
    for other in (scene.one_ns, scene.two_ns, scene.server_ns):
        wait_until(lambda: not scene.has_route(other, "10.0.33.0/24"), SOON)
    three.wait_log("the hub says: the site was removed")
    assert three.stop() == 0
    # All the while nobody else's session ended.
    for name in ("one", "two"):
        assert len(scene.hub.wait_log("site %s: up" % name)) == 1


class Crowd:
    """A hub of a thousand sites; one and two are connected."""

    def __init__(self, net):
        hub_ns, sat_ns = net.host("hub"), net.host("sats")
        net.cable(hub_ns, "wan", sat_ns, "wan")
        hub_ns.addr("wan", "198.18.0.1/24")
        sat_ns.addr("wan", "198.18.0.2/24")
        self.hub = Hub(hub_ns).init("198.18.0.1", "--mode", "tap")
        self.sites = os.path.join(self.hub.dir, "sites.d")
        self.keeper = os.path.join(self.hub.dir, "keeper", "sites")
        self.two = os.path.join(self.keeper, "two.srp")
        sats = []
        for i, name in enumerate(("one", "two")):
            sat = Satellite(sat_ns, name).join(self.hub.add_site(name))
            sat.conf_set("interface", "device", "tap%d" % i)
            sats.append(sat)
        for i in range(1000):
            self.make("q%d" % i)
        self.hub.start()
        for sat in sats:
            sat.start()
            self.hub.wait_site(sat.name)

    def make(self, name):
        shutil.copy2(self.two, os.path.join(self.keeper, name + ".srp"))
        with open(os.path.join(self.sites, name + ".conf"), "w") as f:
            f.write("[site %s]\n" % name)

    def remove(self, name):
        os.unlink(os.path.join(self.sites, name + ".conf"))
        os.unlink(os.path.join(self.keeper, name + ".srp"))

    def shell(self, text):
        """In keeper/."""
        subprocess.run(["sh", "-ec", text], check=True,
                       cwd=os.path.dirname(self.keeper))

    def ends(self, name):
        return len(self.hub.log_lines("site %s: down" % name))


@pytest.mark.slow
@pytest.mark.seconds(240)
def test_who_was_not_changed_stays_while_many_are(small_net):
    """And who was, in the same burst, is ended."""
    crowd = Crowd(small_net)
    known = lambda: len(crowd.hub.sites())

    def burst(what, changed=False):
        before = crowd.ends("two")
        what()
        if changed:
            wait_until(lambda: crowd.ends("two") > before, SOON)
            crowd.hub.wait_site("two")
        else:
            watch(lambda: crowd.ends("two") == before, 1.5, "two stays")
        assert crowd.ends("one") == 0

    burst(lambda: [crowd.remove("q%d" % i) for i in range(60)])
    wait_until(lambda: known() == 942, SOON)
    burst(lambda: [crowd.make("q%d" % i) for i in range(60)])
    burst(lambda: [crowd.remove("q%d" % i) for i in range(200)])
    # A backup, in which one site's is another; and its own one back.
    crowd.shell("cp -a sites ../kept; touch -d 2020-01-01 ../kept/two.srp")
    burst(lambda: crowd.shell("cp -a ../kept/. sites"), changed=True)
    burst(lambda: crowd.shell("rm -rf sites; cp -a ../kept sites"))
    burst(lambda: crowd.shell("mv sites ../gone; cp -a ../kept new; "
                              "touch new/two.srp; mv new sites"), changed=True)

    def all_of_it():
        for i in range(200, 1000):
            crowd.remove("q%d" % i)
        os.utime(crowd.two)
    burst(all_of_it, changed=True)
    wait_until(lambda: known() == 2, SOON)


# ------------------------------------------------------------ the goodbye

def test_a_site_that_stops_is_gone_at_once(scene):
    assert scene.two.stop() == 0
    wait_until(lambda: not scene.hub.site_up("two"), SOON)
    scene.hub.wait_log("site two: down: it says: the site stops")
    scene.two.start()
    scene.hub.wait_site("two")


def test_a_server_that_stops_is_gone_at_once(scene):
    assert scene.hub.stop() == 0
    for sat in (scene.one, scene.two):
        wait_until(lambda: sat.state() != "up", SOON)
        sat.wait_log("down: the hub says: the hub stops")
    scene.hub.start()
    for sat in (scene.one, scene.two):
        scene.hub.wait_site(sat.name, deadline=60)


@pytest.mark.parametrize("mode", ["tun", "tap"])
def test_keepalive_and_dead_peer_count_at_once(small_net, mode):
    """Both ends notice in the new time that the other one is gone."""
    wan = small_net.host("wan")
    wan.bridge("w0")
    ends = []
    for i, name in enumerate(("server", "one")):
        ns = small_net.host(name)
        small_net.cable(ns, "wan", wan, "p-" + name)
        wan.ip("link", "set", "p-" + name, "master", "w0")
        ns.addr("wan", "198.18.0.%d/24" % (i + 1))
        ends.append(ns)
    hub = Hub(ends[0]).init("198.18.0.1", "--mode", mode)
    hub.conf_set("server", "keepalive", "60")
    hub.conf_set("server", "dead-peer", "600")
    one = Satellite(ends[1], "one").join(hub.add_site("one"))
    hub.start()
    one.start()
    hub.wait_site("one")
    hub.conf_set("server", "keepalive", "1")
    hub.conf_set("server", "dead-peer", "6")
    reload(hub)
    # Longer than the new time: what was heard before the change is long ago.
    watch(lambda: hub.site_up("one") and one.state() == "up", 10, "it stays")
    assert one.status()["sessions"] == 1
    assert not hub.log_lines("broke|down")
    ends[1].run("nft", "-f", "-", stdin="""
        table inet silence {
            chain in { type filter hook input priority 0; policy drop; }
            chain out { type filter hook output priority 0; policy drop; }
        }""")
    hub.wait_log(r"site one: (its connection broke|down): dead", 40)
    one.wait_log(r"(its connection broke|down): dead", 40)
