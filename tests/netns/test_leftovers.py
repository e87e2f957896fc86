# SPDX-License-Identifier: GPL-2.0-or-later
"""However it ends, nothing is left: no interface, address, route, rule, nft
table, setting, process or file; and after SIGKILL the next start sweeps.

    [sat] 198.18.0.2 ------------ 198.18.0.1 [hub]
    tap: br0 made by the configuration       tun: routes, forwarding, NAT
"""

import json
import os
import signal
import time

import pytest

from lib import (Hub, Satellite, alive, binary, descendants, tombolo,
                 wait_until)

SETTINGS = ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding",
            "net/ipv6/conf/wan/accept_ra", "net/ipv4/conf/all/rp_filter"]
LATE = {"NO-CARRIER", "LOWER_UP"}  # the kernel says so when it has time


class Pair:
    def __init__(self, net, mode):
        self.net, self.mode = net, mode
        self.hub_ns, self.sat_ns = net.host("hub"), net.host("sat")
        net.cable(self.hub_ns, "wan", self.sat_ns, "wan")
        self.hub_ns.addr("wan", "198.18.0.1/24", "fd18::1/64")
        self.sat_ns.addr("wan", "198.18.0.2/24", "fd18::2/64")
        for ns in (self.hub_ns, self.sat_ns):
            ns.sysctl("net/ipv6/conf/wan/accept_ra", 1)
            ns.link_local("wan")  # the snapshot is not to be too early
        self.hub = Hub(self.hub_ns, "primary")
        if mode == "tap":
            self.hub.init("198.18.0.1", "--mode", "tap", "--bridge", "br0")
            self.hub.conf_set("interface", "create-bridge", "yes")
            invite = self.hub.add_site("sat")
            extra = ["--bridge", "br0"]
        else:
            self.hub.init("198.18.0.1", "--mode", "tun", "--nat",
                          "--network", "10.0.8.0/24", "--network", "fd08::/64")
            invite = self.hub.add_site("sat", "--subnet", "10.0.7.0/24",
                                       "--subnet", "fd07::/64")
            extra = []
        self.sat = Satellite(self.sat_ns, "satellite").join(invite, *extra)
        if mode == "tap":
            self.sat.conf_set("interface", "create-bridge", "yes")
        self.before = self.snapshot()

    def start(self):
        self.hub.start()
        self.sat.start()
        self.hub.wait_site("sat")
        assert self.snapshot() != self.before, "the snapshot sees nothing"

    def snapshot(self):
        return {ns.name: snapshot(ns) for ns in (self.hub_ns, self.sat_ns)}

    def assert_clean(self):
        def clean():
            return self.snapshot() == self.before
        try:
            wait_until(clean, 10, "as it was before")
        except AssertionError:
            now = self.snapshot()
            for name in now:
                for what in now[name]:
                    assert now[name][what] == self.before[name][what], \
                        "%s: %s" % (name, what)
        for daemon in (self.hub, self.sat):
            assert daemon.left_files() == []


def snapshot(ns):
    """Everything of a namespace that a daemon of ours may have changed."""
    links = json.loads(ns.ip("-j", "link").stdout)
    addrs = json.loads(ns.ip("-j", "addr").stdout)
    return {
        "links": sorted((l["ifname"], l["mtu"], l.get("master"),
                         l.get("address"), tuple(sorted(set(l["flags"]) - LATE)))
                        for l in links),
        "addresses": sorted((l["ifname"], a["local"], a["prefixlen"])
                            for l in addrs for a in l["addr_info"]),
        "routes": sorted(route_lines(ns)),
        "rules": ns.ip("rule").stdout + ns.ip("-6", "rule").stdout,
        "nft": ns.run("nft", "list", "ruleset").stdout,
        "settings": [ns.sysctl_get(s) for s in SETTINGS],
        "processes": ns.pids(),
    }


def route_lines(ns):
    out = (ns.ip("route", "show", "table", "all").stdout +
           ns.ip("-6", "route", "show", "table", "all").stdout)
    return [" ".join(l.split()) for l in out.splitlines()
            if "expires" not in l]


@pytest.fixture(params=["tap", "tun"])
def pair(request, small_net):
    return Pair(small_net, request.param)


def test_after_stop(pair):
    pair.start()
    assert pair.sat.stop() == 0
    assert pair.hub.stop() == 0
    pair.assert_clean()


def test_after_sigterm(pair):
    pair.start()
    assert pair.hub.stop("SIGTERM") == 0
    assert pair.sat.stop("SIGTERM") == 0
    pair.assert_clean()


def test_after_sigint(pair):
    pair.start()
    for daemon in (pair.hub, pair.sat):
        daemon.process.kill(signal.SIGINT)
        assert daemon.process.wait(15) == 0
    pair.assert_clean()


def test_after_sigkill_of_the_engine_and_stop(pair):
    pair.start()
    for daemon in (pair.hub, pair.sat):
        os.kill(daemon.pid_of("engine"), signal.SIGKILL)
    assert pair.hub.stop("SIGTERM") == 0
    assert pair.sat.stop("SIGTERM") == 0
    pair.assert_clean()


def test_after_somebody_removed_the_device_it_ends_and_says_so(pair):
    pair.start()
    assert pair.sat.stop("SIGTERM") == 0
    pair.hub_ns.ip("link", "del", "tombolo0")
    assert pair.hub.process.wait(15) == 1
    assert len(pair.hub.wait_log("tombolo0: another program removed the device")) == 1
    pair.assert_clean()


def test_after_sigkill_of_the_monitor_the_next_start_sweeps(pair):
    pair.start()
    for daemon in (pair.sat, pair.hub):
        pids = descendants(daemon.process.pid)
        assert pids
        daemon.process.kill(signal.SIGKILL)
        daemon.process.wait()
        wait_until(lambda: not [p for p in pids if alive(p)], 10,
                   "its children are gone with it")
    pair.start()
    assert pair.sat.stop() == 0
    assert pair.hub.stop() == 0
    pair.assert_clean()


def failed_start(daemon):
    """Starts what cannot start; gives its one line."""
    daemon.start(wait=False)
    status = daemon.process.wait(20)
    assert status == 1, "exit status %d" % status
    return daemon.process.output()


def test_after_a_start_that_failed_for_the_device(pair):
    pair.hub.conf_set("interface", "device", "taken0")
    pair.hub_ns.ip("link", "add", "taken0", "type", "bridge")
    pair.before = pair.snapshot()
    assert "taken0" in failed_start(pair.hub)
    pair.assert_clean()


def test_after_a_start_that_failed_for_the_port(pair):
    with pair.hub_ns.tcp_listen("0.0.0.0", 55555):
        assert "55555" in failed_start(pair.hub)
        pair.assert_clean()


def test_what_a_killed_one_still_has_is_waited_for(pair):
    """Its last process may end a second after a thousand sites' hub began."""
    pair.hub.conf_set("interface", "device", "late0")
    pair.hub_ns.ip("tuntap", "add", "late0", "mode", pair.mode)
    with pair.hub_ns.tcp_listen("0.0.0.0", 55555):
        pair.hub.start(wait=False)
        pair.hub.wait_log("late0: taken")
        pair.hub_ns.ip("link", "del", "late0")
        pair.hub.wait_log("55555: taken")
        assert pair.hub.running()
    pair.hub.wait_up()
    assert pair.hub.stop() == 0


def test_after_a_start_that_failed_for_the_bridge(small_net):
    pair = Pair(small_net, "tap")
    pair.hub.conf_set("interface", "create-bridge", "no")
    pair.hub.conf_set("interface", "bridge", "lo")
    assert "lo: is not a bridge" in failed_start(pair.hub)
    pair.assert_clean()


def test_after_a_start_without_its_certificate(pair):
    pair.hub.conf_set("server", "certificate", "nowhere.crt")
    assert "nowhere.crt" in failed_start(pair.hub)
    pair.assert_clean()


def test_a_second_start_is_refused_and_harms_nothing(pair):
    pair.start()
    done = pair.hub_ns.run(binary(), "run", "-c", pair.hub.conf,
                           "--foreground", check=False, timeout=20)
    assert done.returncode == 1 and done.stderr
    assert pair.hub.site_up("sat")
    assert pair.sat.stop() == 0
    assert pair.hub.stop() == 0
    pair.assert_clean()


def test_in_the_background_it_detaches_and_stop_ends_it(pair):
    """`run` without --foreground: returns when it is up, and lives on."""
    pair.hub_ns.run(binary(), "run", "-c", pair.hub.conf, timeout=20)
    try:
        assert pair.hub.state() == "up"
        assert pair.hub_ns.pids()
    finally:
        tombolo("stop", "-c", pair.hub.conf)
    pair.assert_clean()


def test_a_bridge_that_was_there_stays(small_net):
    pair = Pair(small_net, "tap")
    small_net.cable(pair.hub_ns, "lan", small_net.host("lan"), "lan0")
    pair.hub_ns.bridge("br0", "lan")
    pair.hub_ns.link_local("br0")
    pair.before = pair.snapshot()
    pair.hub.start()
    assert pair.hub.stop() == 0
    pair.assert_clean()
    assert "br0" in pair.hub_ns.devices()


def test_forwarding_that_was_on_stays_on(small_net):
    pair = Pair(small_net, "tun")
    pair.hub_ns.sysctl("net/ipv4/ip_forward", 1)
    pair.before = pair.snapshot()
    pair.hub.start()
    assert pair.hub.stop() == 0
    pair.assert_clean()
    assert pair.hub_ns.sysctl_get("net/ipv4/ip_forward") == "1"
