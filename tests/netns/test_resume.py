# SPDX-License-Identifier: GPL-2.0-or-later
"""A site comes back by its token, and nobody else does: not who recorded it,
not who stands in between with the hub's own key.

                  (a switch: 198.18.0.0/24)
           .1 /        .11 |         \\ .66
         [hub]           [s1]       [mallory]
"""

import contextlib
import json
import os
import socket
import threading

import pytest

from control import Control, hello, impostor
from lib import PORT, TapStar, tombolo, wait_until

HUB, MALLORY = "198.18.0.1", "198.18.0.66"
PAUSE = 60  # seconds; far more than it takes


class Between:
    """mallory in between: shows the hub's certificate, reads everything.

    `change(direction, message)` may replace what passes.
    """

    def __init__(self, scene, change=None):
        self.scene = scene
        self.change = change or (lambda direction, message: message)
        self.seen = []  # (direction, message)
        self.sock = scene.mallory.tcp_listen(MALLORY, PORT)
        self.context = impostor(os.path.join(scene.server.dir, "server.crt"),
                                os.path.join(scene.server.dir, "keeper",
                                             "server.key"))
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        # close() alone would leave the thread in accept(), and the port taken.
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def serve(self):
        while True:
            try:
                raw, _ = self.sock.accept()
            except OSError:
                return
            try:
                site = Control(raw, self.context, server_side=True)
                server = Control(self.scene.mallory.tcp_connect(HUB, PORT))
            except OSError:
                continue
            for direction, a, b in (("site", site, server),
                                    ("server", server, site)):
                threading.Thread(target=self.pump, args=(direction, a, b),
                                 daemon=True).start()

    def pump(self, direction, a, b):
        while True:
            try:
                payload = a.receive_bytes(60)
                if payload is None:
                    break
                message = json.loads(payload)
                self.seen.append((direction, message))
                changed = self.change(direction, message)
                # Byte for byte where it is not changed: proofs cover it.
                if changed is message:
                    b.send_bytes(payload)
                elif changed is not None:
                    b.send(changed)
            except OSError:
                break
        for end in (a, b):
            try:
                end.close()
            except OSError:
                pass

    def said(self, direction, kind):
        return [m for d, m in self.seen if d == direction and
                m["type"] == kind]


class Scene(TapStar):
    def __init__(self, net):
        super().__init__(net, 1)
        self.server = self.hub.daemon
        self.s1 = self.sats[0].daemon
        self.mallory = net.host("mallory")
        self.plug(self.mallory, "mallory", MALLORY + "/24")

    def resumed(self):
        return self.server.status()["counters"]["log-ins-resumed"]

    def kick(self):
        tombolo("kick", "s1", "-c", self.server.conf)

    def redirect(self, on):
        """Sends what s1 says to the server to mallory, or not."""
        nft = self.sats[0].gateway
        if on:
            nft.run("nft", "table ip mallory { chain out { type nat hook "
                    "output priority -100; ip daddr %s tcp dport %d dnat to "
                    "%s; }; }" % (HUB, PORT, MALLORY))
        else:
            nft.run("nft", "delete table ip mallory", check=False)


@pytest.fixture(scope="module")
def scene(net):
    return Scene(net)


@pytest.fixture(autouse=True)
def fresh(scene):
    """A site that was kicked often waits up to 30 s: begin anew, up."""
    if scene.s1.running():
        assert scene.s1.stop("SIGTERM") == 0
    scene.s1.start(wait=False)
    scene.server.wait_site("s1", deadline=PAUSE)


def back(scene, disturb, deadline=PAUSE):
    before = scene.s1.status()["sessions"]
    disturb()
    wait_until(lambda: scene.s1.status()["sessions"] > before, deadline,
               "s1 is back")
    scene.server.wait_site("s1")


def test_a_site_comes_back_by_its_token(scene):
    before = scene.resumed()
    for _ in range(3):
        back(scene, scene.kick)
    assert scene.resumed() == before + 3
    scene.server.wait_log("site s1: up: .*resumed")


def test_the_token_outlives_keeper_engine_and_server(scene):
    scene.server.expect_trouble = True  # it logs how they died
    before, keeper = scene.resumed(), scene.server.pid_of("keeper")
    os.kill(keeper, 9)
    wait_until(lambda: scene.server.pid_of("keeper") != keeper, 10)
    back(scene, scene.kick)
    assert scene.resumed() == before + 1, "another keeper takes it"
    assert scene.server.stop("SIGTERM") == 0
    back(scene, lambda: scene.server.start(), deadline=PAUSE)
    assert scene.resumed() == 1, "the server started anew takes it"


@pytest.fixture
def between(scene, fresh):
    """What mallory sees of a site that resumes through it."""
    between = Between(scene)
    scene.redirect(True)
    yield between
    scene.redirect(False)
    between.close()


def test_in_between_with_the_servers_key_nothing_is_gained(scene, between):
    """mallory relays every byte, and holds the certificate's key."""
    before = scene.resumed()
    scene.kick()
    wait_until(lambda: between.said("server", "refused"), PAUSE,
               "the server refuses what mallory relays")
    assert between.said("site", "hello")[0].get("token"), "it saw the token"
    assert between.said("site", "response")[0]["proof"], "and the proof"
    # The token is not taken; SRP, bound to the connection, is not either.
    assert between.said("server", "challenge")[0]["group"] >= 3072
    assert not between.said("server", "welcome")
    assert scene.resumed() == before
    assert scene.s1.state() != "up"


def test_what_was_recorded_is_worth_nothing_later(scene, between):
    scene.kick()
    wait_until(lambda: between.said("site", "response"), PAUSE)
    recorded = between.said("site", "hello")[0]
    proof = between.said("site", "response")[0]
    before = scene.resumed()
    for message in (recorded, hello("s1", "srp", token=recorded["token"])):
        control = Control(scene.mallory.tcp_connect(HUB, PORT))
        control.send(message)
        control.send(proof)
        assert control.receive()["type"] == "challenge"
        control.close()
    assert scene.resumed() == before


def test_an_impostor_who_welcomes_is_not_believed(scene):
    """It has the certificate's key, and knows no secret: it says welcome."""
    welcome = {"type": "welcome", "session": 1, "lanes": 1, "keepalive": 10,
               "dead-peer": 30, "mtu": 1500, "addresses": [], "routes": [],
               "rekey-time": 3600, "rekey-volume": 65536, "transport": "auto",
               "share": os.urandom(32).hex(), "proof": "5a" * 32}
    between = Between(scene, lambda direction, message: welcome if
                      direction == "server" else message)
    scene.redirect(True)
    try:
        scene.kick()
        wait_until(lambda: "proof" in (scene.s1.status().get("last_error") or
                                       ""), PAUSE, "the site says why")
        assert scene.s1.state() != "up"
    finally:
        scene.redirect(False)
        between.close()


def test_an_impostor_who_asks_for_the_password_gets_none(scene):
    """The site's method is srp, whatever a hub asks for."""
    ask = {"type": "challenge", "text": "Password", "echo": False}
    between = Between(scene, lambda direction, message: ask if
                      direction == "server" else message)
    scene.redirect(True)
    try:
        scene.kick()
        wait_until(lambda: between.said("site", "bye"), PAUSE)
        assert not [m for m in between.said("site", "response")
                    if "credential" in m]
        assert not [m for m in between.said("site", "hello")
                    if "credential" in m]
    finally:
        scene.redirect(False)
        between.close()
