# SPDX-License-Identifier: GPL-2.0-or-later
"""An attacker on the wire, who hears all and sends what he likes, at some
100,000 packets a second; and unknown clients who flood the hub.

                  (a switch, the attacker in it: 198.18.0.0/16)
           .0.1 /        .0.11 |         \\ .0.66 and many more
          [hub] br0         [s1] br0      [mallory]
            |                  |
           hubh <== transfer == s1h
"""

import hashlib
import os
import re
import socket
import struct
import threading
import time

import pytest

from control import Control, hello
from frames import Sniffer
from lib import (HERE, PORT, Pings, Satellite, TapStar, rss_kib, run,
                 wait_until)

HUB = "198.18.0.1"
RATE = 100000


class Scene(TapStar):
    def __init__(self, net):
        super().__init__(net, 1, server=[("server", "handshake-time", 10)])
        self.server = self.hub.daemon
        self.s1 = self.sats[0]
        self.hub.gateway.addr("wan", HUB + "/16")
        # What is on the wire is what the datagrams are.
        for gateway in (self.hub.gateway, self.s1.gateway):
            gateway.run("ethtool", "-K", "wan", "gso", "off", "tso", "off",
                        "gro", "off", "tx-udp-segmentation", "off",
                        check=False)
        self.mallory = net.host("mallory")
        self.plug(self.mallory, "mallory", "198.18.0.66/16")
        for i in range(50):
            self.mallory.addr("wan", "198.18.3.%d/16" % (i + 1))
        self.tool = os.path.join(net.dir, "adversary")
        run(*os.environ.get("CC", "cc").split(), "-std=gnu17", "-D_GNU_SOURCE",
            "-O2", "-w", "-o", self.tool, os.path.join(HERE, "adversary.c"))
        self.wait_path(self.s1, self.hub)

    def attack(self, ns, *words):
        process = ns.spawn(self.tool, *words, name="adversary")
        wait_until(lambda: "ready" in process.output(), 10)
        return process

    def drops(self):
        """Everywhere: what is nobody's, and what is a site's."""
        total = {}
        for daemon in (self.server, self.s1.daemon):
            for name, n in daemon.drops().items():
                total[name] = total.get(name, 0) + n
        return total


@pytest.fixture(scope="module")
def scene(net):
    return Scene(net)


@pytest.fixture(autouse=True)
def the_session_stays(scene):
    """Around each test: the same engines, the same session."""
    engines = [d.pid_of("engine") for d in (scene.server, scene.s1.daemon)]
    sessions = scene.s1.daemon.status()["sessions"]
    yield
    assert engines == [d.pid_of("engine") for d in (scene.server,
                                                    scene.s1.daemon)]
    assert scene.s1.daemon.status()["sessions"] == sessions
    for daemon in scene.net.daemons:
        if daemon.name.startswith("new") and daemon.running():
            assert daemon.stop("SIGTERM") == 0


class Stamped:
    """Datagrams with a number and a digest, from s1's host to the hub's."""

    def __init__(self, scene):
        with scene.hub.host.entered():
            self.to = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.to.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.to.bind((scene.hub.ip, 7000))
        self.to.settimeout(0.2)
        with scene.s1.host.entered():
            self.out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.out.connect((scene.hub.ip, 7000))
        self.sent, self.got, self.bad = 0, [], 0
        self.ending = False
        self.threads = [threading.Thread(target=t, daemon=True)
                        for t in (self.send, self.receive)]
        for thread in self.threads:
            thread.start()

    def send(self):
        while not self.ending:
            body = struct.pack("!Q", self.sent) + bytes(200)
            self.out.send(body + hashlib.sha256(body).digest())
            self.sent += 1
            time.sleep(0.001)

    def receive(self):
        while not self.ending or time.monotonic() < self.until:
            try:
                data = self.to.recv(2048)
            except socket.timeout:
                continue
            if hashlib.sha256(data[:-32]).digest() != data[-32:]:
                self.bad += 1
            self.got.append(struct.unpack("!Q", data[:8])[0])

    def end(self):
        self.until = time.monotonic() + 1
        self.ending = True
        for thread in self.threads:
            thread.join()
        self.to.close()
        self.out.close()


def transfer(scene, megabytes):
    """A TCP stream through the tunnel; whether it came as it went."""
    data = os.urandom(1 << 20) * megabytes
    server = scene.hub.host.tcp_listen(scene.hub.ip, 7001)
    digest = hashlib.sha256()

    def take():
        conn, _ = server.accept()
        while True:
            piece = conn.recv(1 << 16)
            if not piece:
                break
            digest.update(piece)
        conn.close()
    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    sock = scene.s1.host.tcp_connect(scene.hub.ip, 7001)
    sock.settimeout(60)
    sock.sendall(data)
    sock.close()
    thread.join(60)
    server.close()
    return digest.digest() == hashlib.sha256(data).digest()


EXPECTED = ["malformed", "no-session", "no-key", "handshake", "replayed",
            "forged"]


def test_on_the_wire_nothing_is_forged_and_nothing_comes_twice(scene):
    before = scene.drops()
    macs = {scene.s1.mac, scene.hub.mac} | {
        site.gateway.mac(dev) for site in (scene.s1, scene.hub)
        for dev in ("br0", "lan", "tombolo0")}
    both = [scene.attack(scene.wan, "wire", *ends, 8, RATE / 2)
            for ends in (("p-s1", "p-hub"), ("p-hub", "p-s1"))]
    with Sniffer(scene.hub.gateway, "tombolo0") as at_hub, \
            Sniffer(scene.s1.gateway, "tombolo0") as at_s1:
        stamped = Stamped(scene)
        assert transfer(scene, 20)
        for process in both:
            process.wait(30)
        stamped.end()
        strange = [f for s in (at_hub, at_s1) for f in s.frames()
                   if ":".join("%02x" % b for b in f[6:12]) not in macs and
                   f[12:14] != b"\x88\xb6"]
    assert not strange, strange[:3]
    assert stamped.bad == 0
    assert len(stamped.got) == len(set(stamped.got)), "delivered twice"
    assert len(stamped.got) > stamped.sent * 0.5, "it goes on"
    after = scene.drops()
    print("\n".join(p.output() for p in both))
    print({n: after[n] - before[n] for n in after if after[n] != before[n]})
    for name in EXPECTED:
        assert after[name] > before[name], name


def test_unknown_datagrams_get_no_answer_and_leave_nothing(scene):
    before, engine = scene.drops(), scene.server.pid_of("engine")
    rss = [rss_kib(engine)]
    pings = Pings(scene.s1.host, scene.hub.ip)
    with Sniffer(scene.mallory, "wan") as sniffer:
        process = scene.attack(scene.mallory, "junk", HUB, PORT, 4, RATE)
        process.wait(30)
        time.sleep(0.5)
        answers = [f for f in sniffer.frames() if f[12:14] == b"\x08\x00" and
                   f[23] in (1, 17) and f[26:30] == socket.inet_aton(HUB)]
    sent, received = pings.end()
    print(process.output())
    assert not answers
    # Buffers are touched as more datagrams come at once; a leak never ends.
    while len(rss) < 3 or rss[-1] > rss[-2] + 16:
        assert len(rss) < 10, rss
        scene.attack(scene.mallory, "junk", HUB, PORT, 2, RATE).wait(30)
        rss.append(rss_kib(engine))
    assert rss[-1] < rss[0] + 4096, rss
    after = scene.drops()
    assert after["malformed"] > before["malformed"]
    assert after["no-session"] > before["no-session"]
    assert received > sent * 0.5


# ------------------------------------------------------------------- floods

def newcomer(scene, number):
    name = "new%d" % number
    ns = scene.net.host(name)
    scene.plug(ns, name, "198.18.2.%d/16" % number)
    invite = scene.server.add_site(name)
    wait_until(lambda: name in scene.server.sites(), 10)
    return Satellite(ns, name).join(invite)


class Flood:
    """Threads that do one thing to the control port, again and again."""

    def __init__(self, scene, what, sources, threads=8):
        self.scene, self.what, self.sources = scene, what, sources
        self.ending, self.done = False, 0
        self.threads = [threading.Thread(target=self.work, args=(i,),
                                         daemon=True) for i in range(threads)]
        for thread in self.threads:
            thread.start()

    def work(self, i):
        held = []
        while not self.ending:
            source = self.sources[i % len(self.sources)]
            i += 1
            try:
                sock = self.scene.mallory.tcp_connect(HUB, PORT, 2, source)
                held.append(self.what(sock))
                self.done += 1
            except OSError:
                time.sleep(0.01)
            if len(held) > 40:
                old = held.pop(0)
                if old is not None:
                    old.close()
        for sock in held:
            if sock is not None:
                sock.close()

    def end(self):
        self.ending = True
        for thread in self.threads:
            thread.join(10)


def say_nothing(sock):
    return sock


def shake_hands_and_stay(sock):
    return Control(sock)


def say_hello_and_hang_up(sock):
    control = Control(sock)
    control.send(hello("somebody", "srp"))
    control.close()


ONE = ["198.18.0.66"]
MANY = ["198.18.3.%d" % (i + 1) for i in range(50)]
FLOODS = [
    ("silent, from one", say_nothing, ONE),
    ("silent, from many", say_nothing, MANY),
    ("handshakes, from one", shake_hands_and_stay, ONE),
    ("handshakes, from many", shake_hands_and_stay, MANY),
    ("hellos, from one", say_hello_and_hang_up, ONE),
    ("hellos, from many", say_hello_and_hang_up, MANY),
]


@pytest.mark.parametrize("number", range(len(FLOODS)),
                         ids=[f[0] for f in FLOODS])
def test_a_flood_touches_no_site_and_keeps_no_new_one_out(scene, number):
    sat = newcomer(scene, number + 1)
    pings = Pings(scene.s1.host, scene.hub.ip)
    flood = Flood(scene, *FLOODS[number][1:])
    try:
        wait_until(lambda: flood.done > 150, 20, "the flood has begun")
        began = time.monotonic()
        sat.start(wait=False)
        sat.wait_up(15)
        took = time.monotonic() - began
    finally:
        flood.end()
    sent, received = pings.end()
    print("%s: %d connections; in after %.1f s; pings %d of %d" % (
        FLOODS[number][0], flood.done, took, received, sent))
    assert received >= sent * 0.95


def test_a_syn_flood_touches_no_site_and_keeps_no_new_one_out(scene):
    sat = newcomer(scene, 20)
    pings = Pings(scene.s1.host, scene.hub.ip)
    process = scene.attack(scene.mallory, "syn", HUB, PORT, 8, 20000)
    time.sleep(1)
    sat.start(wait=False)
    sat.wait_up(15)
    process.wait(30)
    sent, received = pings.end()
    print(process.output())
    assert received >= sent * 0.95
