# SPDX-License-Identifier: GPL-2.0-or-later
"""This version and earlier releases: a hub of one and sites of the other work
together, in either mode, and a directory of the old one is taken over.

                 (a switch: 198.18.0.0/24)
          .1 /       .2 |        | .3
        [hub]         [srp]    [certificate]       four times this
"""

import os

import pytest

import releases
from lib import Hub, Satellite, binary, wait_until

METHODS = ("srp", "certificate")
BACK = 60


class Scene:
    """A hub of one version, a site of the other by each method."""

    def __init__(self, net, mode, hub_program, site_program):
        self.mode = mode
        tag = "%d" % len(net.daemons)
        switch = net.host("w" + tag)
        switch.bridge("w0")
        self.hub = Hub(self.host(net, switch, "h" + tag, 1),
                       program=hub_program)
        self.hub.init("198.18.0.1", "--mode", mode,
                      *(("--bridge", "br0") if mode == "tap" else ()))
        self.sites = {}
        for number, method in enumerate(METHODS):
            ns = self.host(net, switch, method[0] + tag, 2 + number)
            invite = self.hub.add_site(method, "--auth", method,
                                       generate=method != "certificate")
            self.sites[method] = Satellite(ns, program=site_program).join(
                invite, *(("--bridge", "br0") if mode == "tap" else ()))
        for daemon in (self.hub, *self.sites.values()):
            daemon.start(wait=False)

    def host(self, net, switch, name, number):
        ns = net.host(name)
        net.cable(ns, "wan", switch, "p%d" % number)
        switch.ip("link", "set", "p%d" % number, "master", "w0")
        ns.addr("wan", "198.18.0.%d/24" % number)
        if self.mode == "tap":
            ns.bridge("br0")
            # Else it is the device's, and another at each start.
            ns.ip("link", "set", "br0", "address", "02:00:00:00:00:0%d" %
                  number)
            ns.addr("br0", "192.168.77.%d/24" % number)
        return ns

    def address(self, daemon):
        if self.mode == "tap":
            out = daemon.ns.ip("-4", "-o", "addr", "show", "br0").stdout
        else:
            out = daemon.ns.ip("-4", "-o", "addr", "show").stdout
        found = [w for w in out.split() if w.startswith(("192.168.77.",
                                                         "10.4.2."))]
        return found[0].split("/")[0]

    def works(self, method):
        site = self.sites[method]
        self.hub.wait_up()
        self.hub.wait_site(method)  # with every lane
        site.wait_up()
        # Up means that frames go by UDP: by TCP it would say so.
        assert self.hub.sites()[method].get("transport", "udp") == "udp"
        for a, b in ((self.hub, site), (site, self.hub)):
            wait_until(lambda: a.ns.can_ping(self.address(b)), 10,
                       "%s reaches %s" % (a.name, b.name))


def old(release):
    build = os.path.dirname(os.path.dirname(binary()))
    try:
        return releases.program(*release, build)
    except releases.Unavailable as why:
        pytest.skip(str(why))


@pytest.fixture(scope="module", params=releases.named(), ids=lambda r: r[0])
def scenes(request):
    import net as world
    program = old(request.param)
    with world.Net() as net:
        yield {(way, mode): Scene(net, mode, *(
            (None, program) if way == "old site" else (program, None)))
               for way in ("old site", "old hub") for mode in ("tap", "tun")}


@pytest.mark.seconds(240)  # the old one may have to be built first
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mode", ("tap", "tun"))
@pytest.mark.parametrize("way", ("old site", "old hub"))
def test_they_work_together(scenes, way, mode, method):
    scenes[way, mode].works(method)


@pytest.mark.parametrize("mode", ("tap", "tun"))
def test_a_hub_is_taken_over(scenes, mode):
    """Its directory, its keys, its sites and what it promised them."""
    scene = scenes["old hub", mode]
    hub = scene.hub
    assert hub.stop() == 0
    hub.program = None
    hub.start()
    for method in METHODS:
        hub.wait_site(method, BACK)
        scene.works(method)
    # A certificate needs no token, and gets none.
    resumed = hub.status()["counters"]["log-ins-resumed"]
    assert resumed == 1, "it came by the old one's token"
    assert len(hub.wait_log("was moved here from .*/keeper$")) == 1
    assert os.listdir(os.path.join(hub.state_dir, "keeper"))


@pytest.mark.parametrize("mode", ("tap", "tun"))
def test_a_site_is_taken_over(scenes, mode):
    scene = scenes["old site", mode]
    for method in METHODS:
        site = scene.sites[method]
        assert site.stop() == 0
        site.program = None
        site.start()
        scene.works(method)
