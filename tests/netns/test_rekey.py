# SPDX-License-Identifier: GPL-2.0-or-later
"""Keys are renewed by volume and by time, under full load, and no frame of a
numbered stream is lost, doubled or altered.

    a --- br0 [s1] ---- w0 ---- [hub] br0 --- b
"""

import hashlib
import json
import os
import socket
import threading

import pytest

from lib import Net, Pings, TapStar, wait_until

SIZE = 512


class Numbered:
    """Datagrams with a number and a hash over it and their bytes, one way."""

    def __init__(self, source, target, address, port=4001, rate=2000):
        self.key = os.urandom(16)
        self.rate = rate  # a second
        self.sent = 0
        self.heard = []
        self.bad = 0
        self.over = threading.Event()
        with target.entered():
            self.rx = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rx.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        self.rx.bind((address, port))
        self.rx.settimeout(2)
        with source.entered():
            self.tx = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tx.connect((address, port))
        self.threads = [threading.Thread(target=f, daemon=True) for f in
                        (self._send, self._receive)]
        for t in self.threads:
            t.start()

    def _send(self):
        while not self.over.wait(10 / self.rate):
            for _ in range(10):
                body = self.sent.to_bytes(8, "big") + self.key
                body += bytes(SIZE - len(body))
                self.tx.send(body + hashlib.sha256(body).digest())
                self.sent += 1

    def _receive(self):
        while True:
            try:
                data = self.rx.recv(2048)
            except TimeoutError:
                if self.over.is_set():
                    return
                continue
            body, digest = data[:-32], data[-32:]
            if hashlib.sha256(body).digest() != digest:
                self.bad += 1
            else:
                self.heard.append(int.from_bytes(body[:8], "big"))

    def end(self):
        """(sent, lost, doubled, altered)."""
        self.over.set()
        for t in self.threads:
            t.join()
        self.tx.close()
        self.rx.close()
        return (self.sent, self.sent - len(set(self.heard)),
                len(self.heard) - len(set(self.heard)), self.bad)


@pytest.fixture
def star_of():
    with Net() as net:
        yield lambda rows: TapStar(net, 1, server=rows)


def renewals(star):
    return star.hub.daemon.sites()["s1"]["renewals"]


def load(star, seconds):
    """A full TCP stream from a to b, which must end well."""
    a, b = star.sats[0].host, star.hub.host
    server = b.spawn("iperf3", "-s", "-1", "--forceflush", "-B", star.hub.ip)
    wait_until(lambda: "listening" in server.output(), 10, "iperf3 listens")
    return a.spawn("iperf3", "-c", star.hub.ip, "-t", seconds)


# What new keys could do wrong; how full a queue is, is not among it.
NEVER = ("no-key", "no-lane", "old", "replayed", "forged", "malformed",
         "no-session", "key-limit", "seal", "bad-item", "fragment-lost")


def queue_drops(site):
    """What found a full queue, of ours or the kernel's in front of us."""
    ours = site.daemon.drops()
    kernel = site.gateway.ip("-s", "-s", "-j", "link", "show",
                             "tombolo0").stdout
    return (ours["queue"] + ours["device"] + ours["socket"] +
            ours["tcp-queue"] +
            json.loads(kernel)[0]["stats64"]["tx"]["dropped"])


@pytest.mark.parametrize("rows, least", [
    ([("server", "rekey-volume", "16")], 3),
    ([("server", "rekey-time", "5")], 2),
], ids=["by volume", "by time"])
def test_no_frame_is_lost(star_of, rows, least):
    """Beside a full stream: what the queues had no room for is counted."""
    star = star_of(rows)
    a, b = star.sats[0], star.hub
    star.wait_path(a, b)
    before = queue_drops(a) + queue_drops(b)
    never = {s.name: {k: s.daemon.drops()[k] for k in NEVER} for s in (a, b)}
    streams = [Numbered(a.host, b.host, b.ip), Numbered(b.host, a.host, a.ip)]
    tcp = load(star, 40)
    wait_until(lambda: renewals(star) >= least, 60, "keys are renewed")
    tcp.kill(2)
    tcp.wait(10)
    results = [s.end() for s in streams]
    room = queue_drops(a) + queue_drops(b) - before
    assert sum(lost for _, lost, _, _ in results) <= room, (results, room)
    for sent, _, doubled, altered in results:
        assert sent > 1000 and (doubled, altered) == (0, 0), results
    for site in (a, b):
        assert {k: site.daemon.drops()[k] for k in NEVER} == never[site.name]
    assert a.daemon.status()["sessions"] == 1
    assert renewals(star) <= 30, "not all the time"


def test_nothing_is_lost_without_load(star_of):
    star = star_of([("server", "rekey-time", "5")])
    a, b = star.sats[0], star.hub
    star.wait_path(a, b)
    streams = [Numbered(a.host, b.host, b.ip, rate=200),
               Numbered(b.host, a.host, a.ip, rate=200)]
    wait_until(lambda: renewals(star) >= 2, 60, "keys are renewed")
    for sent, lost, doubled, altered in [s.end() for s in streams]:
        assert sent > 500 and (lost, doubled, altered) == (0, 0, 0)


def test_lost_answers_do_not_stop_it(star_of):
    """The control connection breaks again and again while keys are renewed."""
    star = star_of([("server", "rekey-time", "5")])
    a = star.sats[0]
    star.wait_path(a, star.hub)
    pings = Pings(a.host, star.hub.ip)
    for _ in range(3):
        before = a.daemon.status()["reconnects"]
        a.gateway.run("nft", "-f", "-", stdin="""
            table ip rst { chain out { type filter hook output priority 0;
                tcp dport 55555 reject with tcp reset
            }
            }""")
        wait_until(lambda: a.daemon.state() == "adrift", 15, "it broke")
        a.gateway.run("nft", "delete", "table", "ip", "rst")
        wait_until(lambda: a.daemon.status()["reconnects"] > before, 15,
                   "it is mended")
    count = renewals(star)
    wait_until(lambda: renewals(star) > count, 50, "keys are renewed")
    sent, received = pings.end()
    assert sent == received
    assert a.daemon.status()["sessions"] == 1


RESET = """
    table ip rst { chain out { type filter hook output priority 0;
        tcp %s 55555 reject with tcp reset
    }
    }"""


def test_what_the_server_asks_for_in_vain_it_asks_for_again(star_of):
    """Its own keys wear, by what it sends, while the site is adrift."""
    star = star_of([("server", "rekey-volume", "16"),
                    ("server", "keepalive", "1"),
                    ("server", "dead-peer", "60")])
    a, b = star.sats[0], star.hub
    star.wait_path(a, b)
    a.gateway.run("nft", "-f", "-", stdin=RESET % "dport")
    b.gateway.run("nft", "-f", "-", stdin=RESET % "sport")
    b.daemon.wait_log("its connection broke", 15)
    wait_until(lambda: a.daemon.state() == "adrift", 15, "the site knows, too")
    before = b.daemon.sites()["s1"]["tx_bytes"]
    stream = Numbered(b.host, a.host, a.ip, rate=4000)
    wait_until(lambda: b.daemon.sites()["s1"]["tx_bytes"] > before + (18 << 20),
               40, "the hub's keys have done what they may")
    stream.end()
    assert renewals(star) == 0
    b.gateway.run("nft", "delete", "table", "ip", "rst")
    a.gateway.run("nft", "delete", "table", "ip", "rst")
    wait_until(lambda: a.daemon.state() == "up", 30, "it goes on")
    # The site's own keys have done next to nothing.
    wait_until(lambda: renewals(star) == 1, 20, "keys are renewed")
    assert a.daemon.status()["sessions"] == 1
