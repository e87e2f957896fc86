# SPDX-License-Identifier: GPL-2.0-or-later
"""Several workers at either end, all busy, while sites are added, kicked and
removed and everybody asks what is going on: frames go on flowing.

For the thread sanitizer above all (contrib/check --tsan): what it finds is in
a daemon's log, and that is looked at when the daemon is stopped.

                      (a switch: 198.18.0.0/24)
             .1 /              .11 |             .12 \\
            [hub]                 [s1]              [s2]      br0, 3 workers
              |                    |                 |
             hubh                 s1h               s2h       192.168.77.0/24
"""

import threading
import time

import pytest

from lib import TapStar, tombolo, wait_until

WORKERS = 3
FLOWS = 6  # more than workers, so that each has some
SECONDS = 8


@pytest.fixture(scope="module")
def star(net):
    return TapStar(net, 2,
                   server=[("interface", "workers", WORKERS),
                           ("switch", "ageing", 10)],
                   client=[("interface", "workers", WORKERS)])


class Flow:
    """Datagrams there and back, as fast as one thread can, small and large."""

    def __init__(self, a, b, port):
        self.echo = b.host.udp_socket()
        self.echo.bind((b.ip, port))
        self.sock = a.host.udp_socket()
        self.sock.connect((b.ip, port))
        self.echo.settimeout(0.2)
        self.sock.settimeout(0.2)
        self.ended = False
        self.received = 0
        self.threads = [threading.Thread(target=run, daemon=True)
                        for run in (self.answer, self.ask)]
        for thread in self.threads:
            thread.start()

    def answer(self):
        while not self.ended:
            try:
                data, who = self.echo.recvfrom(65536)
                self.echo.sendto(data, who)
            except OSError:  # nothing came, or the queue is full
                continue

    def ask(self):
        n = 0
        while not self.ended:
            n += 1
            try:
                for size in (20, 1400, 4000):
                    self.sock.send(bytes(size))
                for _ in range(3):
                    self.sock.recv(65536)
                    self.received += 1
            except OSError:
                continue

    def end(self):
        self.ended = True
        for thread in self.threads:
            thread.join(5)
        self.echo.close()
        self.sock.close()


def test_all_workers_are_busy_while_sites_come_and_go(star):
    hub = star.hub.daemon
    for sat in star.sats:
        star.wait_path(sat, star.hub)
    assert hub.status()["workers"] == WORKERS
    pairs = [(star.sats[0], star.hub), (star.hub, star.sats[1]),
             (star.sats[0], star.sats[1])]
    flows = [Flow(*pairs[i % len(pairs)], 7000 + i) for i in range(FLOWS)]
    end, turn = time.monotonic() + SECONDS, 0
    while time.monotonic() < end or turn < 4:
        turn += 1
        name = "guest%d" % turn
        hub.add_site(name, "--auth", "password")
        tombolo("kick", "s%d" % (1 + turn % 2), "-c", hub.conf, check=False)
        for daemon in (hub, star.sats[0].daemon):
            daemon.status()
            daemon.fdb()
        hub.site("remove", name)
    before = [flow.received for flow in flows]
    wait_until(lambda: all(f.received > b for f, b in zip(flows, before)), 30,
               "every flow goes on")
    for flow in flows:
        flow.end()
    for sat in star.sats:
        assert sat.daemon.status()["sessions"] > 1, "it was kicked, and is back"


def test_they_end_in_the_middle_of_it(star):
    flows = [Flow(star.sats[0], star.hub, 7100 + i) for i in range(FLOWS)]
    wait_until(lambda: all(f.received for f in flows), 20)
    for daemon in (star.sats[0].daemon, star.hub.daemon):
        assert daemon.stop("SIGTERM") == 0
    for flow in flows:
        flow.end()
