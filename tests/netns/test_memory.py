# SPDX-License-Identifier: GPL-2.0-or-later
"""A server with 100 idle sites fits in 64 MiB, all its processes together.

    [sats: 100 clients, tap1 ... tap100] 198.18.0.2 ------ 198.18.0.1 [hub]

Idle: their devices have no IPv6, so that nobody discovers anybody.
"""

import pytest

from lib import (Hub, Satellite, cmdline, pss_kib, rss_kib, wait_until)

SITES = 100
LIMIT_KIB = 64 * 1024


@pytest.mark.seconds(420)
def test_idle_server_with_a_hundred_sites(net, capsys):
    hub_ns, sats_ns = net.host("hub"), net.host("sats")
    net.cable(hub_ns, "wan", sats_ns, "wan")
    hub_ns.addr("wan", "198.18.0.1/24")
    sats_ns.addr("wan", "198.18.0.2/24")
    for ns in (hub_ns, sats_ns):
        ns.sysctl("net/ipv6/conf/default/disable_ipv6", 1)
    hub = Hub(hub_ns).init("198.18.0.1", "--mode", "tap")
    names = ["site%d" % n for n in range(1, SITES + 1)]
    invites = [hub.add_site(name) for name in names]
    hub.start()
    alone = sum(pss_kib(p) for p in hub.pids())
    satellites = []
    for n, (name, invite) in enumerate(zip(names, invites), 1):
        sat = Satellite(sats_ns, name).join(invite)
        sat.conf_set("interface", "device", "tap%d" % n)
        sat.conf_set("interface", "workers", 1)
        satellites.append(sat.start(wait=False))

    def all_up():
        sites = hub.sites()
        return all(name in sites and sites[name]["state"] == "up" and
                   sites[name]["lanes_up"] == sites[name]["lanes"] > 0
                   for name in names)
    wait_until(all_up, 240, "all %d sites are up" % SITES, every=1)

    rows = [(cmdline(p).strip(), rss_kib(p), pss_kib(p)) for p in hub.pids()]
    rss = sum(r[1] for r in rows)
    with capsys.disabled():
        print("\n%d idle sites: RSS %.1f MiB, PSS %.1f MiB (before the first "
              "site: PSS %.1f MiB)" % (SITES, rss / 1024, sum(
                  r[2] for r in rows) / 1024, alone / 1024))
        for what, r, p in rows:
            print("  RSS %6d KiB, PSS %6d KiB  %s" % (r, p, what))
    assert rss < LIMIT_KIB, "%d KiB" % rss

    # Ended here and all at once: one by one it would take a while.
    for sat in satellites:
        sat.process.kill(15)
    for sat in satellites:
        assert sat.process.wait(60) == 0
    wait_until(lambda: not any(hub.site_up(n) for n in names), 60,
               "the hub has said good-bye to all", every=0.5)
