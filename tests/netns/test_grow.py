# SPDX-License-Identifier: GPL-2.0-or-later
"""A hub grows to as many sites as there may be and shrinks again, by files that
appear in sites.d and go, while others are connected: nobody notices.

             (wan: a switch, 198.18.0.0/16)
          .0.1 /       | .1.1           \\ .1.50
           [hub]     [s1]       ...    [s50]
"""

import os
import re
import time

import pytest

from lib import Hub, Satellite, wait_until

HUB = "198.18.0.1"
CONNECTED = 50
MOST = 4096
ROUTES = 900  # networks of sites, at the most
# How many sites there are, one after the other.
UP = (60, 62, 63, 64, 100, 600, 2000, 4095, MOST)
DOWN = (4000, 1000, 500, 63, 61)
DEADLINE = 60


class Grown:
    def __init__(self, net):
        self.wan = net.host("wan")
        self.wan.bridge("w0")
        self.hub = Hub(self.plug(net, "hub", HUB)).init(
            HUB, "--mode", "tun", "--tunnel-network", "10.4.0.0/16", "--auth",
            "certificate", "--auth", "password", "--auth", "srp")
        self.hub.expect_trouble = False
        self.sats = []
        self.made = 0
        for i in range(2):
            self.add(net)
        self.hub.start()
        self.sats[0].start(wait=False)
        self.sats[1].start(wait=False)
        # It grows from here on, by the command first.
        while len(self.sats) < CONNECTED:
            sat = self.add(net)
            wait_until(lambda: sat.name in self.hub.sites(), DEADLINE)
            sat.start(wait=False)
        wait_until(self.all_up, 120, "all sites are up", every=0.5)
        self.pids = self.processes()
        self.ids = {n: s["address"] for n, s in self.hub.sites().items()}
        self.began = time.monotonic()

    def plug(self, net, name, address):
        ns = net.host(name)
        net.cable(ns, "wan", self.wan, "p-" + name)
        self.wan.ip("link", "set", "p-" + name, "master", "w0")
        ns.addr("wan", address + "/16")
        return ns

    def add(self, net):
        name = "s%d" % (len(self.sats) + 1)
        ns = self.plug(net, name, "198.18.1.%d" % (len(self.sats) + 1))
        sat = Satellite(ns, name).join(self.hub.add_site(name))
        sat.conf_set("interface", "workers", 1)
        self.sats.append(sat)
        return sat

    def processes(self):
        return {role: self.hub.pid_of(role) for role in ("engine", "keeper")}

    def all_up(self):
        sites = self.hub.sites()
        return all(s.name in sites and sites[s.name]["state"] == "up"
                   for s in self.sats)

    # -- files

    def paths(self, i):
        below = os.path.join(self.hub.dir, "keeper", "sites")
        yield os.path.join(self.hub.dir, "sites.d", "g%04d.conf" % i)
        if i % 16 == 0:
            yield os.path.join(below, "g%04d.password" % i)

    def have(self, n):
        """Until the hub has `n` sites: what others write or remove is there."""
        while CONNECTED + self.made < n:
            self.write(self.made)
            self.made += 1
        while CONNECTED + self.made > n:
            self.made -= 1
            for path in self.paths(self.made):
                os.unlink(path)
        wait_until(lambda: len(self.hub.sites()) == n, DEADLINE,
                   "there are %d sites" % n, every=0.1)

    def write(self, i):
        text = "[site g%04d]\nauth = %s\naddress = 10.4.%d.%d\n" % (
            i, "password" if i % 16 == 0 else "certificate", 128 + i // 250,
            i % 250 + 2)
        if i < ROUTES:
            text += "subnet = 172.%d.%d.0/24\n" % (16 + i // 250, i % 250)
        path, *credentials = self.paths(i)
        for credential in credentials:
            self.put(credential, "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$6foLM1JhGupouW"
                     "KMU70wxK61Kw9ZnecbACjJwRadqM2\n")
            like = os.stat(os.path.dirname(credential))
            os.chown(credential, like.st_uid, like.st_gid)
        self.put(path, text)

    @staticmethod
    def put(path, text):
        # Whole, as an editor or an orchestration tool puts it there.
        temporary = os.path.join(os.path.dirname(path), "." +
                                 os.path.basename(path))
        with open(temporary, "w", opener=lambda p, f: os.open(p, f, 0o600)) \
                as f:
            f.write(text)
        os.rename(temporary, path)

    # -- what must hold

    def check(self):
        assert not self.hub.log_lines(r"\bdown:|died by|ended with"), \
            self.hub.log_lines(r"\bdown:|died by|ended with")
        assert self.processes() == self.pids
        sites = self.hub.sites()
        since = time.monotonic() - self.began - 2
        for sat in self.sats:
            site = sites[sat.name]
            assert site["state"] == "up", site
            assert site["since_s"] >= since, site
            assert site["address"] == self.ids[sat.name], site

    def told(self):
        """How many networks of sites the last one to connect knows."""
        out = self.sats[-1].ns.ip("route", "show", "dev", "tombolo0").stdout
        return len(re.findall(r"^172\.", out, re.M))


def peak_kib(pid):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"^VmHWM:\s+(\d+)", f.read(), re.M).group(1))


@pytest.mark.seconds(580)
def test_a_hub_grows_and_shrinks_and_nobody_notices(net, capsys):
    grown = Grown(net)
    rows = []
    for n in UP + DOWN:
        before = time.monotonic()
        grown.have(n)
        grown.check()
        rows.append((n, time.monotonic() - before, [
            peak_kib(p) for p in (grown.hub.process.pid,
                                  grown.pids["engine"],
                                  grown.pids["keeper"])]))
    networks = min(ROUTES, DOWN[-1] - CONNECTED)
    wait_until(lambda: grown.told() == networks, DEADLINE,
               "the sites know %d networks" % networks)
    assert grown.sats[0].ns.can_ping("10.4.0.1")
    grown.check()
    with capsys.disabled():
        print("\n%6s %8s %14s %14s %14s" % ("sites", "s", "monitor KiB",
                                            "engine KiB", "keeper KiB"))
        for n, seconds, peaks in rows:
            print("%6d %8.1f %14d %14d %14d" % (n, seconds, *peaks))
    # At the end and all at once: one by one it would take a while.
    for sat in grown.sats:
        sat.process.kill(15)
    for sat in grown.sats:
        assert sat.process.wait(60) == 0
