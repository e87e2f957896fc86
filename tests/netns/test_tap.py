# SPDX-License-Identifier: GPL-2.0-or-later
"""Three satellites and the hub are one Ethernet: everything that a switch of
copper would carry crosses it, and nothing crosses it twice.

                          (a switch: 198.18.0.0/24)
             .1 /        .11 |          | .12        \\ .13
            [hub]          [s1]        [s2]          [s3]     tombolo, br0
              |              |          |              |
             hubh           s1h        s2h            s3h
              .1            .11        .12            .13     192.168.77.0/24
"""

import hashlib
import os
import re
import threading

import pytest

import frames
from frames import ETH_P_TEST, Sniffer, ether, send
from lib import TapStar, wait_until

AGEING = 10


@pytest.fixture(scope="module")
def star(net):
    return TapStar(net, 3, server=[("switch", "ageing", AGEING)])


def pairs(star):
    return [(a, b) for a in star.sites for b in star.sites if a is not b]


def ping_all(star, target):
    """Every host pings every other one, all at once."""
    under_way = []
    for a, b in pairs(star):
        ping = a.host.spawn("ping", "-n", "-q", "-c", 5, "-i", 0.2, "-W", 3,
                            target(b), name="ping-%s-%s" % (a.name, b.name))
        under_way.append((a, b, ping))
    for a, b, ping in under_way:
        assert ping.wait(20) == 0 and " 0% packet loss" in ping.output(), \
            "%s to %s: %s" % (a.name, b.name, ping.output())


def test_every_host_finds_every_other_by_arp(star):
    for a, b in pairs(star):
        assert a.host.run("ping", "-n", "-c", 1, "-W", 3, b.ip)
        neigh = a.host.ip("neigh", "show", b.ip, "dev", "lan0").stdout
        assert b.mac in neigh, neigh


def test_ping_between_all_pairs_over_ipv4(star):
    ping_all(star, lambda site: site.ip)


def test_ping_between_all_pairs_over_ipv6_link_local(star):
    ping_all(star, lambda site: site.link_local + "%lan0")
    neigh = star.sats[0].host.ip("-6", "neigh", "show", "dev", "lan0").stdout
    for other in star.sats[1:] + [star.hub]:
        assert other.mac in neigh, "no neighbour discovered: " + neigh


def test_dhcp_leases_an_address_across_the_tunnel(star, tmp_path):
    server, client = star.hub.host, star.sats[1].host
    os.chmod(tmp_path, 0o755)
    leases = tmp_path / "leases"
    script = tmp_path / "bound"
    script.write_text(
        "#!/bin/sh\n[ \"$1\" = bound ] && "
        "echo \"$ip $subnet $router $serverid\" >%s/lease\nexit 0\n" % tmp_path)
    script.chmod(0o755)
    dnsmasq = server.spawn(
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
        "--user=root", "--no-ping", "--log-facility=-", "--interface=lan0",
        "--bind-interfaces", "--pid-file=", "--dhcp-authoritative",
        "--dhcp-leasefile=%s" % leases, "--dhcp-option=3,192.168.77.254",
        "--dhcp-range=192.168.77.100,192.168.77.150,255.255.255.0,2m")
    wait_until(lambda: "DHCP, IP range" in dnsmasq.output(), 10, "dnsmasq is up")
    client.run("udhcpc", "-i", "lan0", "-f", "-q", "-n", "-t", 5, "-T", 2,
               "-s", script, timeout=30)
    ip, mask, router, server_id = (tmp_path / "lease").read_text().split()
    assert re.match(r"192\.168\.77\.1[0-4]\d$|192\.168\.77\.150$", ip)
    assert (mask, router, server_id) == ("255.255.255.0", "192.168.77.254",
                                         star.hub.ip)
    assert star.sats[1].mac in leases.read_text()
    dnsmasq.stop()


FRAMES = [
    ("a non-IP EtherType", dict(size=60)),
    ("a non-IP EtherType of full size", dict(size=1514)),
    ("a tagged frame", dict(size=64, vlan=(5, 42))),
    ("a tagged frame of full size", dict(size=1518, vlan=(0, 4094))),
    ("a priority tag", dict(size=64, vlan=(7, 0))),
    ("a tagged frame that says IPv4 and is not", dict(size=100, vlan=7,
                                                      ethertype=0x0800)),
    ("an 802.3 length instead of a type", dict(size=64, ethertype=50)),
]


def junk_frame(dst, src, size, vlan=None, ethertype=ETH_P_TEST):
    head = 14 if vlan is None else 18
    return ether(dst, src, ethertype, os.urandom(size - head), vlan)


@pytest.mark.parametrize("what,shape", FRAMES, ids=[f[0] for f in FRAMES])
def test_arrives_byte_for_byte(star, what, shape):
    for a, b in [(star.sats[0], star.sats[2]), (star.sats[1], star.hub),
                 (star.hub, star.sats[0])]:
        frame = junk_frame(b.mac, a.mac, **shape)
        with Sniffer(b.host, "lan0") as heard:
            send(a.host, "lan0", frame)
            got = heard.wait(lambda f: f[:12] == frame[:12] and
                             f[-20:] == frame[-20:], 3, what)
        assert got == frame, "%s to %s" % (a.name, b.name)


def test_broadcast_is_seen_once_by_each_and_never_by_its_sender(star):
    for sender in star.sites:
        tokens = [os.urandom(46) for _ in range(20)]
        sniffers = {s: Sniffer(s.host, "lan0") for s in star.sites}
        send(sender.host, "lan0",
             *[ether(frames.BROADCAST, sender.mac, ETH_P_TEST, t)
               for t in tokens])
        for site, heard in sniffers.items():
            want = 0 if site is sender else len(tokens)
            got = heard.gather(lambda f: f[14:] in tokens, want + 1,
                               0.5)
            heard.close()
            assert len(got) == want, "%s heard %d of %d from %s" % (
                site.name, len(got), want, sender.name)


def test_link_local_group_addresses_are_not_forwarded(star):
    a, b = star.sats[0], star.sats[1]
    # The bridge at the site keeps those to itself; so straight to the TAP.
    tap = [d for d in a.gateway.devices() if "tap" in d or "tombolo" in d][0]
    token = os.urandom(46)
    bpdu = ether("01:80:c2:00:00:00", a.mac, ETH_P_TEST, token)
    other = ether("01:80:c2:00:00:10", a.mac, ETH_P_TEST, token)
    with Sniffer(b.host, "lan0") as heard:
        send(a.gateway, tap, bpdu, other)
        got = heard.collect(lambda f: f[14:] == token, 0.5)
    assert [f[:6] for f in got] in ([], [frames.mac("01:80:c2:00:00:10")])


def test_fdb_has_every_address_at_its_port(star):
    ping_all(star, lambda site: site.ip)
    hub = star.hub.daemon
    for sat in star.sats:
        assert hub.port_of(sat.mac) == sat.name
    local = hub.port_of(star.hub.mac)
    assert local not in (None, "s1", "s2", "s3"), hub.fdb()


def appear(site, address, dst=frames.BROADCAST, payload=None):
    """A host with `address` sends one frame at a site."""
    send(site.host, "lan0", ether(dst, address, ETH_P_TEST,
                                  payload or os.urandom(46)))


def test_fdb_entry_ages(star):
    hub, mac = star.hub.daemon, "02:aa:00:00:00:01"
    appear(star.sats[0], mac)
    wait_until(lambda: hub.port_of(mac) == "s1", 10, "the address is learned")
    entry = [e for e in hub.fdb() if e["mac"] == mac][0]
    assert entry["vlan"] == 0 and entry["age_s"] <= AGEING + 5
    wait_until(lambda: hub.port_of(mac) is None, AGEING + 10, "it ages",
               every=0.2)


def test_fdb_keeps_vlans_apart(star):
    hub, mac = star.hub.daemon, "02:aa:00:00:00:02"
    for site, vid in ((star.sats[0], 10), (star.sats[1], 20)):
        send(site.host, "lan0", ether(frames.BROADCAST, mac, ETH_P_TEST,
                                      os.urandom(46), vlan=vid))

    def both():
        found = {e["vlan"]: e["port"] for e in hub.fdb() if e["mac"] == mac}
        return found == {10: "s1", 20: "s2"}
    wait_until(both, 10, "one address in two VLANs")


def test_fdb_follows_a_host_that_moves(star):
    hub, mac = star.hub.daemon, "02:aa:00:00:00:03"
    s1, s2, s3 = star.sats
    appear(s1, mac)
    wait_until(lambda: hub.port_of(mac) == "s1", 10, "learned at s1")
    for _ in range(3):
        appear(s2, mac)
    wait_until(lambda: hub.port_of(mac) == "s2", 10, "moved to s2")
    token = os.urandom(46)
    with Sniffer(s1.host, "lan0") as at_old, Sniffer(s2.host, "lan0") as at_new:
        appear(s3, s3.mac, dst=mac, payload=token)
        at_new.wait(lambda f: f[14:] == token, 3, "the frame at its new place")
        assert not at_old.collect(lambda f: f[14:] == token, 0.3)


def test_known_unicast_goes_to_its_port_only(star):
    s1, s2, s3 = star.sats
    assert s1.host.ping(s2.ip)
    token = os.urandom(46)
    with Sniffer(s3.host, "lan0") as third, Sniffer(s2.host, "lan0") as heard:
        appear(s1, s1.mac, dst=s2.mac, payload=token)
        heard.wait(lambda f: f[14:] == token, 3)
        assert not third.collect(lambda f: f[14:] == token, 0.3)


def test_tap_in_a_bridge_has_an_fe_address_and_the_bridges_mtu(star):
    for site in star.sites:
        out = site.gateway.ip("-o", "link", "show", "master", "br0").stdout
        taps = [l for l in out.splitlines() if not re.search(r": lan[@:]", l)]
        assert len(taps) == 1, out
        assert re.search(r"link/ether fe:", taps[0]) and "mtu 1500" in taps[0]
        device = re.match(r"\d+: ([^:@]+)", taps[0]).group(1)
        v6 = site.gateway.ip("-6", "addr", "show", "dev", device).stdout
        assert "inet6" not in v6, "the TAP has IPv6 of its own: " + v6


def test_tcp_moves_a_megabyte_intact(star):
    a, b = star.sats[0].host, star.sats[2].host
    blob = os.urandom(1 << 20)
    listener = b.tcp_listen(star.sats[2].ip, 7000)
    got = []

    def serve():
        conn, _ = listener.accept()
        data = b""
        while chunk := conn.recv(65536):
            data += chunk
        got.append(hashlib.sha256(data).digest())
    thread = threading.Thread(target=serve)
    thread.start()
    conn = a.tcp_connect(star.sats[2].ip, 7000)
    conn.settimeout(60)
    conn.sendall(blob)
    conn.close()
    thread.join(60)
    listener.close()
    assert got == [hashlib.sha256(blob).digest()]
