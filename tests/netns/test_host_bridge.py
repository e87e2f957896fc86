# SPDX-License-Identifier: GPL-2.0-or-later
"""The TAP stays a port of its bridge, whatever others do to either: hub and
site put it back, and say what they cannot.

    hubh --lan0---lan-- br0 [hub] --tunnel-- [s1] br0 --lan---lan0-- s1h
"""

import pytest

from daemon import tombolo
from lib import TapStar, wait_until

SOON = 5  # within one second, and five times that on a busy machine


@pytest.fixture(scope="module")
def star(net):
    return TapStar(net, 1)


def is_port(site, bridge="br0"):
    return "master %s " % bridge in site.gateway.ip(
        "-o", "link", "show", "tombolo0").stdout


def mtu(site, device="tombolo0"):
    return int(site.gateway.ip("-o", "link", "show", device).stdout.split(
        " mtu ")[1].split()[0])


def host_rows(site):
    return {row["what"]: row for row in site.daemon.status()["host"]}


def joined(star, site):
    wait_until(lambda: is_port(site), SOON, "it is a port again")
    wait_until(lambda: not host_rows(site), SOON, "status says so")
    star.wait_path(star.hub, star.sats[0])


def make_bridge(site):
    site.gateway.bridge("br0", "lan")


def both(star):
    return star.hub, star.sats[0]


@pytest.mark.parametrize("which", [0, 1], ids=["hub", "site"])
def test_a_bridge_made_anew_gets_its_port_back(star, which):
    site = both(star)[which]
    index = site.gateway.ip("-o", "link", "show", "br0").stdout.split(":")[0]
    site.gateway.ip("link", "del", "br0")
    make_bridge(site)
    assert site.gateway.ip("-o", "link", "show", "br0").stdout.split(
        ":")[0] != index
    joined(star, site)
    site.daemon.wait_log("fixed: port of bridge br0")


@pytest.mark.parametrize("which", [0, 1], ids=["hub", "site"])
def test_a_port_that_was_taken_out_is_back(star, which):
    site = both(star)[which]
    site.gateway.ip("link", "set", "tombolo0", "nomaster")
    joined(star, site)
    site.gateway.ip("link", "set", "tombolo0", "down")
    wait_until(lambda: "UP" in site.gateway.ip(
        "-o", "link", "show", "tombolo0").stdout.split(">")[0], SOON, "up")
    joined(star, site)


def test_a_port_of_another_bridge_comes_home(star):
    site = star.sats[0]
    site.gateway.bridge("br1")
    site.gateway.ip("link", "set", "tombolo0", "master", "br1")
    joined(star, site)
    site.gateway.ip("link", "del", "br1")


@pytest.mark.parametrize("which", [0, 1], ids=["hub", "site"])
def test_a_bridge_that_is_away_is_named_and_waited_for(star, which):
    site = both(star)[which]
    site.gateway.ip("link", "set", "br0", "down")
    site.gateway.ip("link", "set", "br0", "name", "gone0")
    # "It is down" comes first, for a moment.
    wait_until(lambda: "does not exist" in host_rows(site).get(
        "bridge br0", {}).get("why", ""), SOON, "it is named")
    assert host_rows(site)["bridge br0"]["since_s"] >= 0
    done = tombolo("status", "-c", site.daemon.conf, check=False)
    assert done.returncode == 3, done
    assert "host        bridge br0: it does not exist" in done.stdout
    site.daemon.wait_log("bridge br0: it does not exist")
    site.gateway.ip("link", "set", "gone0", "name", "br0")
    site.gateway.up("br0")
    joined(star, site)
    site.daemon.wait_log("bridge br0: as configured again")
    done = tombolo("status", "-c", site.daemon.conf)
    assert done.returncode == 0 and "host        as configured" in done.stdout


def test_its_mtu_is_the_least_of_the_other_ports(star):
    """A LAN of 9000 is not held at 1500 by us, nor does ours exceed it."""
    site = star.sats[0]
    assert mtu(site) == 1500
    site.gateway.ip("link", "set", "lan", "mtu", "9000")
    wait_until(lambda: mtu(site) == 9000 and mtu(site, "br0") == 9000, SOON,
               "the bridge is a jumbo one")
    site.gateway.ip("link", "set", "tombolo0", "mtu", "1400")
    wait_until(lambda: mtu(site) == 9000, SOON, "not by others either")
    site.gateway.ip("link", "set", "lan", "mtu", "1500")
    wait_until(lambda: mtu(site) == 1500 and mtu(site, "br0") == 1500, SOON,
               "it is a small one")
    site.gateway.ip("link", "set", "lan", "nomaster")
    site.gateway.ip("link", "set", "tombolo0", "mtu", "1400")
    wait_until(lambda: mtu(site) == 1500 and mtu(site, "br0") == 1500, SOON,
               "the only port")
    site.gateway.ip("link", "set", "br0", "mtu", "9000")
    wait_until(lambda: mtu(site) == 9000, SOON, "it does not keep it down")
    site.gateway.ip("link", "set", "br0", "mtu", "1500")
    site.gateway.ip("link", "set", "lan", "master", "br0")
    wait_until(lambda: mtu(site) == 1500 and mtu(site, "br0") == 1500, SOON,
               "it is not the only one any more")
    joined(star, site)


def test_a_start_without_its_bridge_joins_when_it_comes(star):
    site = star.sats[0]
    site.daemon.stop()
    site.gateway.ip("link", "del", "br0")
    site.daemon.start()
    site.daemon.wait_log("bridge br0: it does not exist")
    assert "bridge br0" in host_rows(site)
    make_bridge(site)
    joined(star, site)


def test_a_name_that_is_no_bridge_is_said_while_it_runs(star):
    site = star.sats[0]
    site.gateway.ip("link", "del", "br0")
    site.gateway.ip("link", "add", "br0", "type", "veth", "peer", "name",
                    "other")
    wait_until(lambda: "is not a bridge" in host_rows(site).get(
        "bridge br0", {"why": ""})["why"], SOON, "it is named")
    site.gateway.ip("link", "del", "br0")
    make_bridge(site)
    joined(star, site)


def test_a_bridge_of_our_own_is_made_anew(small_net):
    """And taken away at the end."""
    star = TapStar(small_net, 1, start=False)
    site = star.sats[0]
    site.gateway.ip("link", "del", "br0")
    site.daemon.conf_set("interface", "create-bridge", "yes")
    star.start()
    for _ in range(2):
        site.gateway.ip("link", "set", "lan", "master", "br0")
        star.wait_path(star.hub, site)
        site.gateway.ip("link", "del", "br0")
        wait_until(lambda: is_port(site), SOON, "it is made anew")
    site.daemon.wait_log("fixed: .*bridge br0")
    assert site.daemon.stop() == 0
    assert "br0" not in site.gateway.devices()


def test_spanning_tree_that_keeps_it_waiting_is_named(small_net):
    """30 s of silence at a start would else be a riddle."""
    star = TapStar(small_net, 1, start=False)
    site = star.sats[0]
    site.gateway.ip("link", "set", "br0", "type", "bridge", "stp_state", "1",
                    "forward_delay", "400")
    star.hub.daemon.start()
    site.daemon.start()
    wait_until(lambda: "port of br0" in host_rows(site), SOON, "it is named")
    assert "STP" in host_rows(site)["port of br0"]["why"]
    wait_until(lambda: not host_rows(site), 30, "until it forwards")
    star.wait_path(star.hub, site)
