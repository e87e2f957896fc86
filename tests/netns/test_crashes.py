# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes of a running daemon die, hang, or keep dying: what the others do,
and what users notice.

    tun:  [client] 198.18.0.2 -------- 198.18.0.1 [server] --- 10.0.8.5 [host]
    tap:  a --- br0 [sat] .2 --------- .1 [hub] br0 --- b
"""

import os
import signal
import socket
import threading
import time

import pytest

from lib import (Hub, Net, Pings, alive, binary, descendants, tombolo,
                 wait_until)
from test_leftovers import Pair
from test_reconnect import Tap, Tun

BACK = 60
BLOCK = 1 << 14


class Load:
    """One TCP connection that is never idle; every byte is looked at."""

    def __init__(self, source, target, address, port=4242):
        self.listener = target.tcp_listen(address, port)
        self.out = source.tcp_connect(address, port)
        self.conn, _ = self.listener.accept()
        self.received, self.wrong, self.ended = 0, None, None
        self.stopping = False
        self.threads = [threading.Thread(target=t, daemon=True) for t in
                        (self._send, self._receive)]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def block(n):
        return n.to_bytes(8, "big") * (BLOCK // 8)

    def _send(self):
        n = 0
        try:
            while not self.stopping:
                self.out.sendall(self.block(n))
                n += 1
        except OSError as error:
            self.ended = error

    def _receive(self):
        n, have = 0, b""
        try:
            while True:
                data = self.conn.recv(1 << 18)
                if not data:
                    return
                have += data
                self.received += len(data)
                while len(have) >= BLOCK:
                    if have[:BLOCK] != self.block(n):
                        self.wrong = n
                        return
                    have, n = have[BLOCK:], n + 1
        except OSError as error:
            self.ended = error

    def flows(self, deadline, what):
        """Another megabyte comes through."""
        want = self.received + (1 << 20)
        wait_until(lambda: self.received >= want or self.ended or
                   self.wrong is not None, deadline, what)
        assert self.ended is None and self.wrong is None, what

    def close(self):
        self.stopping = True
        for sock in (self.out, self.conn, self.listener):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads:
            thread.join(5)
        for sock in (self.out, self.conn, self.listener):
            sock.close()


@pytest.fixture(scope="module", params=[Tun, Tap], ids=["tun", "tap"])
def pair(request):
    with Net() as net:
        made = request.param(net)
        for daemon in (made.hub, made.sat):
            daemon.expect_trouble = True
        yield made


@pytest.fixture
def load(pair):
    made = Load(pair.user, pair.server_host, pair.target)
    made.flows(20, "it flows before")
    yield made
    made.close()


def watch_kernel(ns):
    """What the kernel says about links, addresses and routes from now on."""
    process = ns.spawn("ip", "-o", "monitor", "link", "address", "route",
                       name="monitor")
    # It listens once it tells of something.
    def told():
        ns.ip("route", "replace", "blackhole", "192.0.2.99/32")
        ns.ip("route", "del", "blackhole", "192.0.2.99/32")
        return "192.0.2.99" in process.output()
    wait_until(told, 10, "the kernel's news")
    return process


def shape(ns):
    """Indices, masters, addresses and routes, as text."""
    return "\n".join(l.split(" state ")[0] for l in (
        ns.ip("-o", "link").stdout + ns.ip("-o", "-4", "addr").stdout +
        ns.ip("route").stdout).splitlines())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV],
                         ids=["SIGKILL", "SIGSEGV"])
@pytest.mark.parametrize("end", ["server", "client"])
def test_engine_killed_under_load(pair, load, end, number):
    daemon = pair.hub if end == "server" else pair.sat
    ns, monitor = daemon.ns, daemon.process.pid
    news, before = watch_kernel(ns), shape(ns)
    ups = len(daemon.log_lines("engine: is up again"))
    engine = daemon.pid_of("engine")
    began = time.monotonic()
    os.kill(engine, number)
    wait_until(lambda: len(daemon.log_lines("engine: is up again")) > ups, 20,
               "the monitor has it back", every=0.01)
    print("back after %.0f ms" % (1e3 * (time.monotonic() - began)))
    load.flows(BACK, "it flows again, on the same connection")
    assert daemon.process.pid == monitor and daemon.running()
    assert shape(ns) == before
    news.kill(signal.SIGTERM)
    news.wait(10)
    gone = [l for l in news.output().splitlines() if l.startswith("Deleted")
            and "192.0.2.99" not in l and " lladdr " not in l]
    assert gone == [], "nothing vanished, not even for a moment"


@pytest.mark.parametrize("end", ["server", "client"])
def test_counters_go_on_over_sessions_and_engines(pair, end):
    daemon = pair.hub if end == "server" else pair.sat
    pair.sat.wait_up(BACK)
    made = Load(pair.user, pair.server_host, pair.target)
    made.flows(BACK, "a megabyte, of which a new engine knows nothing")
    made.close()

    def counted():
        there, = pair.sat.ask("sites")["sites"]
        return [pair.hub.sites()[pair.site]["rx_bytes"],
                pair.hub.status()["counters"]["site-frames-in"],
                there["tx_bytes"],
                pair.sat.status()["counters"]["device-frames-in"]]
    before = counted()  # and so it is saved
    assert before[0] > 1 << 20 and before[2] > 1 << 20
    ups = len(daemon.log_lines("engine: is up again"))
    os.kill(daemon.pid_of("engine"), signal.SIGKILL)
    wait_until(lambda: len(daemon.log_lines("engine: is up again")) > ups, 20,
               "the monitor has it back")
    pair.sat.wait_up(BACK)
    pair.hub.wait_site(pair.site, deadline=BACK)
    assert all(a >= b for a, b in zip(counted(), before))


@pytest.mark.parametrize("end", ["server", "client"])
def test_keeper_killed_is_not_noticed_by_the_tunnel(pair, end):
    daemon = pair.hub if end == "server" else pair.sat
    pair.sat.wait_up(BACK)
    pair.hub.wait_site(pair.site, deadline=BACK)
    ups = len(pair.hub.log_lines("site .*: up"))
    keeper = daemon.pid_of("keeper")
    pings = Pings(pair.user, pair.target)
    os.kill(keeper, signal.SIGKILL)

    def another():
        pids = [p for p in descendants(daemon.process.pid)]
        return keeper not in pids and daemon.pid_of("keeper")
    wait_until(another, 20, "another keeper")
    sent, received = pings.end()
    assert sent == received > 0
    assert len(pair.hub.log_lines("site .*: up")) == ups


def test_an_engine_that_keeps_dying_waits_longer_and_is_reported(pair):
    hub = pair.hub
    restarts = hub.status()["restarts"]
    for i in range(4):
        ups = len(hub.log_lines("engine: is up again"))
        os.kill(hub.pid_of("engine"), signal.SIGKILL)
        wait_until(lambda: len(hub.log_lines("engine: is up again")) > ups,
                   BACK, "it is back")
    # The row begins with the ones of the tests before, within a minute.
    said = [l.split("engine: ")[1] for l in
            hub.log_lines("engine: .* failures in a row; the next start is")]
    pauses = [float(l.split(" in ")[-1].split()[0]) for l in said[-3:]]
    assert len(pauses) == 3 and pauses == sorted(pauses)
    assert pauses[-1] > pauses[0]
    assert hub.status()["restarts"] == restarts + 4
    out = tombolo("status", "-c", hub.conf).stdout
    assert "restarts    %d: the engine died" % (restarts + 4) in out
    pair.hub.wait_site(pair.site, deadline=BACK)


def test_monitor_killed_the_rest_ends_and_a_sweep_is_enough(small_net):
    pair = Pair(small_net, "tun")
    pair.start()
    for daemon in (pair.sat, pair.hub):
        pids = descendants(daemon.process.pid)
        daemon.process.kill(signal.SIGKILL)
        daemon.process.wait()
        wait_until(lambda: not [p for p in pids if alive(p)], 10,
                   "its children are gone with it")
        # What is the kernel's to take is gone already.
        assert "tombolo" not in daemon.ns.run("nft", "list", "ruleset").stdout
        assert "tombolo0" not in daemon.ns.devices()
        assert daemon.ns.sysctl_get("net/ipv4/ip_forward") == "1"
        daemon.ns.run(binary(), "run", "--sweep", "-c", daemon.conf)
    pair.assert_clean()


# --------------------------------------------------- hanging, and the watchdog

class Manager:
    """Where a service manager listens."""

    def __init__(self, path):
        self.path = path
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        self.sock.settimeout(30)

    def next(self):
        return self.sock.recv(4096).decode().splitlines()

    def drain(self):
        """What has come already."""
        out = []
        self.sock.setblocking(False)
        try:
            while True:
                out += self.next()
        except BlockingIOError:
            return out
        finally:
            self.sock.settimeout(30)

    def wait(self, word):
        """Everything up to `word`."""
        out = []
        while word not in out:
            out += self.next()
        return out


def test_an_engine_that_hangs_starves_the_watchdog_and_is_replaced(small_net):
    hub = Hub(small_net.host("hub"), "watched").init(
        "watched.example.org", "--mode", "tun")
    manager = Manager(os.path.join(small_net.dir, "notify"))
    os.chmod(manager.path, 0o666)
    hub.start(env={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "6000000"})
    heard = manager.wait("READY=1")
    assert "WATCHDOG=1" not in heard
    for _ in range(3):
        manager.wait("WATCHDOG=1")
    index = hub.ns.ip("-o", "link", "show", "tombolo0").stdout.split(":")[0]
    engine = hub.pid_of("engine")
    os.kill(engine, signal.SIGSTOP)
    wait_until(lambda: "T" in stat(engine), 10, "it is stopped")
    manager.drain()
    hub.wait_log("engine: does not answer for 3 s; it is killed", 20)
    heard = manager.drain()
    # The one that was under way when it stopped.
    assert heard.count("WATCHDOG=1") <= 1
    hub.wait_log("engine: is up again", 20)
    manager.wait("WATCHDOG=1")
    assert not alive(engine)
    now = hub.ns.ip("-o", "link", "show", "tombolo0").stdout.split(":")[0]
    assert now == index
    assert hub.status()["restarts"] == 1
    assert hub.stop() == 0
    assert "STOPPING=1" in manager.drain()


def stat(pid):
    with open("/proc/%d/stat" % pid) as f:
        return f.read().rsplit(")", 1)[1].split()[0]
