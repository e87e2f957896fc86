# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything goes through the tunnel, but for local networks and the tunnel
itself: seen by a host of the internet, by what leaves the client's line, and
after every end that a daemon can have.

                                            .------------.
    10.0.7.5      10.0.7.1      198.18.2.2  |            |  198.18.1.1
    [host] ------ lan [client] wan ---------|  internet  |--------- [server]
                 10.4.2.2, fd00:4:2::2      |            |
                                            |            |--------- [web]
                                            '------------'  31.13.70.36
    IPv6 outside: 2001:db8:N::/64             2001:db8:31::36, DNS
"""

import contextlib
import os
import re
import shutil
import signal
import socket

import pytest

from frames import Sniffer
from lib import (EchoServer, Hub, Satellite, alive, binary,
                 descendants, tombolo, wait_until)
from test_leftovers import snapshot

WEB, WEB6 = "31.13.70.36", "2001:db8:31::36"
SERVER, SERVER6 = "198.18.1.1", "2001:db8:1::1"
CLIENT, CLIENT6 = "198.18.2.2", "2001:db8:2::2"
NAME = "vpn.example.org"
BOTH = ("--network", "0.0.0.0/0", "--network", "::/0",
        "--tunnel-network", "10.4.2.0/24", "--tunnel-network", "fd00:4:2::/64")
BACK = 60  # seconds: the longest back-off, and TCP's own


class Figure:
    def __init__(self, net, server=BOTH, client=(), name=SERVER, site=(),
                 accept=True):
        self.net = net
        self.inet = net.host("inet")
        self.inet.forward()
        self.server, self.client, self.web, self.host = (
            net.host(n) for n in ("server", "client", "web", "host"))
        for ns, v4, v6 in ((self.server, SERVER, SERVER6),
                           (self.client, CLIENT, CLIENT6),
                           (self.web, WEB, WEB6)):
            dev = "p-" + ns.name
            net.cable(ns, "wan", self.inet, dev)
            gate4 = v4.rsplit(".", 1)[0] + ".254"
            gate6 = v6.rsplit("::", 1)[0] + "::fe"
            ns.addr("wan", v4 + "/24", v6 + "/64")
            self.inet.addr(dev, gate4 + "/24", gate6 + "/64")
            ns.route("default", gate4)
            ns.route("default", gate6)
        # The internet routes no private address.
        self.inet.ip("route", "add", "unreachable", "10.0.0.0/8")
        self.inet.ip("-6", "route", "add", "unreachable", "fc00::/7")
        net.cable(self.client, "lan", self.host, "lan0")
        self.client.addr("lan", "10.0.7.1/24")
        self.host.addr("lan0", "10.0.7.5/24")
        self.host.route("default", "10.0.7.1")
        for dev in ("all", "wan", "lan"):  # as strict as hosts are
            self.client.sysctl("net/ipv4/conf/%s/rp_filter" % dev, 1)
        self.hub = Hub(self.server, "hub").init(
            name, "--mode", "tun", "--nat", *server)
        # How soon a server that was killed is known to have ended.
        self.hub.conf_set("server", "keepalive", "2")
        invite = self.hub.add_site("client", "--subnet", "10.0.7.0/24", *site)
        self.sat = Satellite(self.client, "sat").join(
            invite, *(["--accept-default-route"] if accept else []))
        for row in client:
            self.sat.conf_set(*row)
        self.client.link_local("wan")
        self.before = snapshot(self.client)

    def start(self, through=True, **kw):
        self.hub.start()
        self.sat.start(**kw)
        self.wait_up(through)
        return self

    def wait_up(self, through=True):
        """The tunnel is up; with `through`, it is the way to the web."""
        self.hub.wait_site("client", deadline=BACK)
        def is_way():
            route = self.client.ip("route", "get", WEB).stdout
            return "dev tombolo0" in route and "src 10.4.2.2" in route
        if through:
            wait_until(is_way, 10, "the tunnel is the way")

    def kill(self, daemon):
        """SIGKILL to the monitor; its children go with it."""
        pids = descendants(daemon.process.pid)
        daemon.process.kill(signal.SIGKILL)
        daemon.process.wait()
        wait_until(lambda: not [p for p in pids if alive(p)], 10,
                   "its children are gone with it")

    def sweep(self, daemon, *wrap):
        """What an administrator does where it is not to start again."""
        daemon.ns.run(*wrap, binary(), "run", "--sweep", "-c", daemon.conf)

    def kill_server(self):
        """The client knows it, and is waiting."""
        self.kill(self.hub)
        wait_until(lambda: self.sat.state() != "up", 10, "the tunnel is down")

    def seen(self, ns=None, web=WEB, timeout=10):
        """Whom the web sees, by TCP; None: nobody, it cannot be reached."""
        server = EchoServer(self.web, web, 80)
        try:
            with (ns or self.client).tcp_connect(web, 80, timeout) as sock:
                sock.sendall(b"hello")
                assert sock.recv(16) == b"hello"
            return server.peers[-1]
        except OSError:
            return None
        finally:
            server.close()

    def nobody_seen(self, web=WEB):
        return self.seen(web=web, timeout=2) is None

    def wait_told(self, v4, v6):
        """What status says of the default route."""
        want = {"ipv4": v4, "ipv6": v6}
        wait_until(lambda: self.sat.status().get("default_route") == want, 20,
                   "status says %s" % want)

    def wait_dns(self, text):
        wait_until(lambda: self.sat.status().get("dns") == text, 20,
                   "status says " + text)

    @contextlib.contextmanager
    def no_leak(self):
        """Nothing to the web leaves the client's line meanwhile."""
        wanted = (socket.inet_aton(WEB), socket.inet_pton(socket.AF_INET6,
                                                          WEB6))

        def leaks(f):
            return (f[12:14] == b"\x08\x00" and f[30:34] == wanted[0] or
                    f[12:14] == b"\x86\xdd" and f[38:54] == wanted[1])
        with Sniffer(self.inet, "p-client") as heard:
            yield
            found = heard.collect(leaks, 0.2)
        assert not found, "%d frames, %s" % (len(found), found[0].hex())

    def assert_clean(self):
        # Two other networks are here, so others can rely on IPv4 forwarding.
        self.before["settings"][0] = "1"

        def clean():
            return snapshot(self.client) == self.before
        try:
            wait_until(clean, 10, "as it was before")
        except AssertionError:
            now = snapshot(self.client)
            for what in now:
                assert now[what] == self.before[what], what


@pytest.fixture(scope="module")
def figure(net):
    return Figure(net).start()


# ------------------------------------------------------- while it is up

def test_the_internet_sees_the_server(figure):
    with figure.no_leak():
        assert figure.seen() == SERVER
        assert figure.seen(web=WEB6) == SERVER6


def test_a_host_behind_the_client_goes_the_same_way(figure):
    with figure.no_leak():
        assert figure.seen(figure.host) == SERVER


def test_local_networks_stay_local(figure):
    assert figure.client.ping("10.0.7.5")
    assert figure.client.ping("198.18.2.254"), "the line's own network, too"
    route = figure.client.ip("route", "get", "10.0.7.5").stdout
    assert "dev lan" in route, route


def test_the_main_table_is_left_alone(figure):
    routes = figure.client.ip("route").stdout
    assert "default via 198.18.2.254 dev wan" in routes
    assert "default dev tombolo0" not in routes


@pytest.mark.parametrize("family", ["-4", "-6"])
def test_the_rules_are_ours_and_say_so(figure, family):
    rules = [l for l in figure.client.ip(family, "-d", "rule").stdout
             .splitlines() if "proto 155" in l]
    assert len(rules) == 4, rules
    for rule, words in zip(rules, ("fwmark 0x90/0xf0 lookup main",
                                   "uidrange", "suppress_prefixlength 0",
                                   "lookup 155")):
        assert words in rule, rules


def test_the_tunnel_itself_stays_outside(figure):
    route = figure.client.ip("route", "get", SERVER, "mark",
                             "0x90").stdout
    assert "dev wan" in route, route
    route = figure.client.ip("route", "get", SERVER).stdout
    assert "dev tombolo0" in route, "others' packets do not: " + route


def test_large_packets_pass(figure):
    assert figure.client.ping(WEB, size=20000, count=2, wait=4)


# ------------------------------------------------------ while it is down

def test_down_and_blocked_nothing_leaves_and_it_comes_back(figure):
    with figure.no_leak():
        figure.wait_told("tunnel", "tunnel")
        figure.kill_server()
        assert figure.nobody_seen()
        assert figure.nobody_seen(WEB6)
        assert figure.client.ping("10.0.7.5"), "the LAN stays"
        figure.wait_told("blocked", "blocked")
        assert re.search("^default +IPv4: blocked; IPv6: blocked$", tombolo(
            "status", "-c", figure.sat.conf, check=False).stdout, re.M)
        figure.hub.start()
        figure.wait_up()
        assert figure.seen() == SERVER
        assert figure.seen(web=WEB6) == SERVER6


def test_engine_killed_and_blocked_nothing_leaves(figure):
    with figure.no_leak():
        os.kill(figure.sat.pid_of("engine"), signal.SIGKILL)
        assert figure.seen(timeout=2) in (None, SERVER)
        figure.sat.wait_up(BACK)
        figure.wait_up()
        assert figure.seen() == SERVER


def test_blocked_from_the_start(small_net):
    figure = Figure(small_net)
    assert figure.seen() == CLIENT, "before"
    figure.sat.start(wait=False)
    wait_until(lambda: figure.sat.state() == "waiting", 20, "it tries")
    with figure.no_leak():
        assert figure.nobody_seen()
        assert figure.nobody_seen(WEB6)
    figure.wait_told("blocked", "blocked")
    assert figure.client.ping("10.0.7.5")
    assert figure.sat.stop() == 0
    figure.assert_clean()
    assert figure.seen() == CLIENT


def test_bypass_goes_past_a_tunnel_that_is_down(small_net):
    figure = Figure(small_net, client=[("client", "when-down", "bypass")])
    figure.sat.start(wait=False)
    wait_until(lambda: figure.sat.state() == "waiting", 20, "it tries")
    assert figure.seen() == CLIENT
    figure.wait_told("bypass", "bypass")
    figure.hub.start()
    figure.wait_up()
    figure.wait_told("tunnel", "tunnel")
    assert figure.seen() == SERVER
    figure.kill_server()
    wait_until(lambda: figure.seen(timeout=2) == CLIENT, 20,
               "traffic goes past the tunnel")
    figure.wait_told("bypass", "bypass")
    assert figure.seen(web=WEB6) == CLIENT6
    figure.hub.start()
    figure.wait_up()
    with figure.no_leak():
        assert figure.seen() == SERVER
        assert figure.seen(web=WEB6) == SERVER6
    figure.sat.process.kill(signal.SIGSTOP)  # no new engine for a while
    os.kill(figure.sat.pid_of("engine"), signal.SIGKILL)
    figure.sat.process.kill(signal.SIGCONT)
    wait_until(lambda: figure.sat.log_lines("bypasses the tunnel")[1:], 10,
               "traffic goes past a dead engine")


# ------------------------------------------------------------- variants

def test_ipv6_is_blocked_when_the_server_has_none(small_net):
    figure = Figure(small_net, server=("--network", "0.0.0.0/0"),
                    client=[("client", "when-down", "bypass")]).start()
    with figure.no_leak():
        assert figure.seen() == SERVER
        assert figure.nobody_seen(WEB6)
    figure.sat.wait_log("IPv6 is blocked")
    figure.wait_told("tunnel", "blocked")


def test_halves_are_the_whole(small_net):
    figure = Figure(small_net, server=("--network", "0.0.0.0/1", "--network",
                                       "128.0.0.0/1")).start()
    with figure.no_leak():
        assert figure.seen() == SERVER
        assert figure.nobody_seen(WEB6)
    assert figure.client.ping("10.0.7.5")


def test_the_sites_entry_alone_is_enough(small_net):
    figure = Figure(small_net, server=BOTH[4:], site=["--default-route"])
    figure.start()
    with figure.no_leak():
        assert figure.seen() == SERVER
        assert figure.seen(web=WEB6) == SERVER6


def test_a_client_that_does_not_accept_it_is_not_touched(small_net):
    figure = Figure(small_net, accept=False)
    figure.hub.start()
    figure.sat.start(wait=False)
    figure.sat.wait_log("only with accept-default-route = yes")
    assert figure.seen() == CLIENT
    assert "proto 155" not in figure.client.ip("-d", "rule").stdout
    assert not {"default_route", "dns"} & set(figure.sat.status())


# ------------------------------------------------------------ resolving

def test_the_servers_name_is_looked_up_past_the_tunnel(small_net):
    if shutil.which("dnsmasq") is None:
        pytest.skip("needs dnsmasq (contrib/packages)")
    net = small_net
    figure = Figure(net, name=NAME)
    figure.client.etc("resolv.conf", "nameserver %s\n" % WEB)
    dns = figure.web.spawn(
        "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts",
        "--listen-address=" + WEB, "--bind-interfaces", "--log-queries",
        "--log-facility=-", "--user=root", "--pid-file=",
        "--host-record=%s,%s" % (NAME, SERVER))

    def queries():
        return dns.output().count("query[A] %s from %s" % (NAME, CLIENT))
    wait_until(lambda: "started" in dns.output(), 10, "DNS serves")
    figure.start()
    asked = queries()
    assert asked > 0
    assert figure.seen() == SERVER
    figure.kill_server()
    assert figure.nobody_seen()
    wait_until(lambda: queries() > asked, BACK, "it is asked for again")
    figure.hub.start()
    figure.wait_up()
    assert figure.seen() == SERVER


# ------------------------------------------------------------------ DNS

FAKE = """#!/bin/sh
{ echo "${0##*/} $*"; [ "$1" != -a ] || sed 's/^/  /'; } >> %s
"""


class Tools:
    """A resolvectl or resolvconf of ours, where only one daemon sees it."""

    def __init__(self, net, *names, resolved=False):
        self.dir = os.path.join(net.dir, "tools")
        self.log = os.path.join(net.dir, "tools.said")
        os.makedirs(self.dir)
        for name in names:
            path = os.path.join(self.dir, name)
            with open(path, "w") as f:
                f.write(FAKE % self.log)
            os.chmod(path, 0o755)
        hide = ["mount --bind %s /usr/local/sbin" % self.dir]
        for there in ("/usr/sbin/resolvconf", "/usr/bin/resolvectl"):
            if os.path.exists(there):
                hide.append("mount --bind /dev/null " + there)
        os.makedirs("/run/systemd", exist_ok=True)
        hide.append("mount -t tmpfs none /run/systemd")
        if resolved:
            hide.append("mkdir /run/systemd/resolve")
        self.wrap = ("sh", "-ec", "; ".join(hide) + '; exec "$@"', "sh")

    def said(self):
        if not os.path.exists(self.log):
            return []
        with open(self.log) as f:
            return f.read().splitlines()

    def wait(self, lines):
        try:
            wait_until(lambda: self.said() == lines, 10, "the tool was run")
        except AssertionError:
            assert self.said() == lines


DNS = BOTH + ("--dns", "192.0.2.53", "--dns", "2001:db8:53::1")
SET = ["resolvconf -a tombolo0 -m 0 -x", "  nameserver 192.0.2.53",
       "  nameserver 2001:db8:53::1", "  search example.org lan"]
UNSET = ["resolvconf -d tombolo0 -f"]


def with_domains(figure):
    figure.hub.conf_set("interface", "dns-domain", "example.org", "lan")
    return figure


def test_dns_is_set_and_unset_by_resolvconf(small_net):
    tools = Tools(small_net, "resolvconf")
    figure = with_domains(Figure(small_net, server=DNS))
    figure.start(wrap=tools.wrap)
    tools.wait(SET)
    figure.kill_server()
    figure.hub.start()
    figure.wait_up()
    # Each session sets it: others may have removed it meanwhile.
    tools.wait(SET + SET)
    assert len(figure.sat.log_lines("DNS: using the servers behind")) == 1
    assert figure.sat.stop() == 0
    tools.wait(SET + SET + UNSET)
    figure.assert_clean()


def test_dns_of_a_killed_run_is_unset_by_the_sweep(small_net):
    tools = Tools(small_net, "resolvconf")
    figure = with_domains(Figure(small_net, server=DNS))
    figure.start(wrap=tools.wrap)
    tools.wait(SET)
    figure.kill(figure.sat)
    figure.sweep(figure.sat, *tools.wrap)
    tools.wait(SET + UNSET)
    figure.assert_clean()


def test_dns_is_unset_while_traffic_bypasses(small_net):
    tools = Tools(small_net, "resolvconf")
    figure = with_domains(Figure(small_net, server=DNS, client=[
        ("client", "when-down", "bypass")]))
    figure.start(wrap=tools.wrap)
    tools.wait(SET)
    figure.wait_dns("set by resolvconf")
    figure.kill_server()
    tools.wait(SET + UNSET)
    figure.wait_dns("not set")
    figure.hub.start()
    figure.wait_up()
    tools.wait(SET + UNSET + SET)


def test_dns_is_set_by_resolvectl_where_resolved_runs(small_net):
    tools = Tools(small_net, "resolvconf", "resolvectl", resolved=True)
    figure = with_domains(Figure(small_net, server=DNS, client=[
        ("client", "when-down", "bypass")]))
    figure.start(wrap=tools.wrap)
    lines = ["resolvectl dns tombolo0 192.0.2.53 2001:db8:53::1",
             "resolvectl domain tombolo0 example.org lan ~.",
             "resolvectl default-route tombolo0 yes"]
    tools.wait(lines)
    figure.wait_dns("set by resolvectl")
    figure.kill_server()
    tools.wait(lines + ["resolvectl revert tombolo0"])
    figure.sweep(figure.hub)


def test_dns_alone_is_for_its_domains(small_net):
    tools = Tools(small_net, "resolvectl", resolved=True)
    figure = with_domains(Figure(
        small_net, server=("--dns", "10.0.8.53"), accept=False,
        client=[("client", "accept-dns", "yes")]))
    figure.start(through=False, wrap=tools.wrap)
    tools.wait(["resolvectl dns tombolo0 10.0.8.53",
                "resolvectl domain tombolo0 example.org lan",
                "resolvectl default-route tombolo0 no"])


def test_dns_that_is_not_accepted_is_passed_over(small_net):
    tools = Tools(small_net, "resolvconf")
    figure = Figure(small_net, server=DNS, client=[
        ("client", "accept-dns", "no")])
    figure.start(wrap=tools.wrap)
    assert figure.seen() == SERVER
    assert tools.said() == []
    assert "dns" not in figure.sat.status()


def test_dns_without_a_tool_says_so_and_touches_nothing(small_net):
    tools = Tools(small_net)
    figure = Figure(small_net, server=DNS)
    with open("/etc/resolv.conf") as f:
        before = f.read()
    figure.start(wrap=tools.wrap)
    figure.sat.wait_log("192.0.2.53 and others of the hub not set")
    figure.wait_dns("not set: neither systemd-resolved nor resolvconf is here")
    with open("/etc/resolv.conf") as f:
        assert f.read() == before


# ------------------------------------------------------------------ ends

@pytest.mark.parametrize("end", ["stop", "SIGTERM"])
def test_nothing_is_left_after(small_net, end):
    figure = Figure(small_net).start()
    assert snapshot(figure.client)["rules"] != figure.before["rules"]
    assert figure.sat.stop(end) == 0
    figure.assert_clean()
    assert figure.seen() == CLIENT


def test_killed_it_stays_blocked_until_the_sweep(small_net):
    figure = Figure(small_net).start()
    figure.kill(figure.sat)
    with figure.no_leak():
        assert figure.nobody_seen()
        assert figure.nobody_seen(WEB6)
    figure.sweep(figure.sat)
    figure.assert_clean()
    assert figure.seen() == CLIENT


def test_killed_the_next_start_sweeps(small_net):
    figure = Figure(small_net).start()
    figure.kill(figure.sat)
    figure.sat.start()
    figure.wait_up()
    assert figure.seen() == SERVER
    rules = figure.client.ip("-d", "rule").stdout
    assert rules.count("proto 155") == 4, rules
    assert figure.sat.stop() == 0
    figure.assert_clean()
