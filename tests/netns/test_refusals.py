# SPDX-License-Identifier: GPL-2.0-or-later
"""Whoever should not get in does not, on either side; the hub says so once,
is unharmed, and the traffic of the others is never interrupted.

                       (a switch: 198.18.0.0/24)
            .1 /           .11 |              \\ .66
           [hub] br0         [s1] br0        [mallory]
             |                 |              also .77: a hub that is bad
            hubh === pings === s1h
"""

import os
import random
import re
import socket
import ssl
import struct

import pytest

from frames import Sniffer
from lib import (PORT, Hub, Pings, Satellite, TapStar, descriptors, run,
                 tombolo, wait_until)

HUB, MALLORY, BAD = "198.18.0.1", "198.18.0.66", "198.18.0.77"
HANDSHAKE_TIME = 4  # seconds that an unknown client may take


class Scene(TapStar):
    """The star, mallory, and a ping between the others that must lose none."""

    def __init__(self, net):
        super().__init__(net, 1, server=[
            ("server", "handshake-time", HANDSHAKE_TIME)])
        self.mallory = net.host("mallory")
        self.plug(self.mallory, "mallory", MALLORY + "/24")
        self.s1 = self.sats[0]
        self.server = self.hub.daemon
        self.invite = self.server.add_site("eve")
        self.wait_path(self.s1, self.hub)
        self.engine = self.server.pid_of("engine")

    def client(self, invite=None, *args):
        """A satellite of mallory's, not started."""
        sat = Satellite(self.mallory, "eve")
        return sat.join(invite or self.invite, *args)

    def dial(self, timeout=10):
        return self.mallory.tcp_connect(HUB, PORT, timeout)

    def tls(self, alpn="tombolo/1", **versions):
        """A TLS connection as a client makes it that trusts anybody."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        for name, value in versions.items():
            setattr(context, name, value)
        if alpn:
            context.set_alpn_protocols([alpn])
        return context.wrap_socket(self.dial())


@pytest.fixture(scope="module")
def scene(net):
    return Scene(net)


@pytest.fixture(autouse=True)
def nobody_else_is_touched(scene):
    """Around every test: not one ping lost, and the engine is the same."""
    pings = Pings(scene.s1.host, scene.hub.ip)
    yield
    sent, received = pings.end()
    assert received == sent, "%d of %d pings" % (received, sent)
    assert scene.server.pid_of("engine") == scene.engine
    assert scene.server.site_up("s1")
    for daemon in scene.net.daemons:
        if daemon.name == "eve" and daemon.running():
            assert daemon.stop("SIGTERM") == 0


def last_error(sat, pattern, deadline=15):
    """What `status` of a client says that it failed for."""
    def says():
        error = sat.status().get("last_error") or ""
        return error if re.search(pattern, error, re.I) else None
    try:
        return wait_until(says, deadline, "last_error says /%s/" % pattern)
    except AssertionError as e:
        raise AssertionError("%s; it says %r" % (e, sat.status().get(
            "last_error")))


def lines_of(scene, since):
    """What the hub has said of mallory since."""
    return [l for l in scene.server.log()[since:].splitlines()
            if MALLORY in l or "eve" in l or "nobody" in l]


# ---------------------------------------------- who the hub is not

@pytest.fixture(scope="module")
def bad_hub(scene):
    """Another hub, with a CA of its own."""
    scene.mallory.addr("wan", BAD + "/24")
    hub = Hub(scene.mallory, "bad").init(BAD, "--mode", "tap")
    hub.invite = hub.add_site("eve")
    hub.conf_set("interface", "device", "bad0")
    hub.start()
    return hub


def test_client_refuses_a_server_of_another_ca(scene, bad_hub):
    sat = scene.client()
    sat.conf_set("client", "server", BAD)
    sat.conf_set("client", "name", BAD)
    sat.start(wait=False)
    error = last_error(sat, r"\bCA\b|issuer|trust|signed")
    sat.wait_log("(?i)certificate")
    assert sat.state() != "up"
    assert not bad_hub.site_up("eve")
    assert not bad_hub.log_lines("password|eve"), \
        "it saw nothing of the site, not even its name"


def test_client_refuses_a_server_of_another_name(scene):
    sat = scene.client()
    sat.conf_set("client", "name", "another.example.org")
    sat.start(wait=False)
    error = last_error(sat, "name")
    assert "another.example.org" in error
    assert sat.state() != "up"


def expired(directory, work):
    """Signs the hub's certificate anew, for a day that is over."""
    ca = find(directory, r"ca.*\.key$|ca-key\.pem$")
    crt = find(directory, r"/ca\.crt$")
    key = find(directory, r"server.*key")
    template = os.path.join(work, "template")
    with open(template, "w") as f:
        f.write('cn = "%s"\nip_address = "%s"\ntls_www_server\nsigning_key\n'
                'activation_date = "2024-01-01 00:00:00 UTC"\n'
                'expiration_date = "2024-01-02 00:00:00 UTC"\n' % (BAD, BAD))
    out = os.path.join(directory, "server.crt")
    run("certtool", "--generate-certificate", "--load-privkey", key,
        "--load-ca-certificate", crt, "--load-ca-privkey", ca,
        "--template", template, "--outfile", out)


def find(directory, pattern):
    paths = [os.path.join(base, f) for base, _, files in os.walk(directory)
             for f in files]
    found = [p for p in paths if re.search(pattern, p)]
    assert found, "no %s in %s" % (pattern, paths)
    return found[0]


def test_client_refuses_an_expired_certificate(scene, bad_hub, tmp_path):
    assert bad_hub.stop() == 0
    expired(bad_hub.dir, str(tmp_path))
    bad_hub.start(wait=False)
    wait_until(lambda: bad_hub.state() == "up" or not bad_hub.running(), 10)
    if not bad_hub.running():
        pytest.fail("the hub does not start with it; no client could "
                    "tell an administrator: " + bad_hub.process.output())
    sat = scene.client(bad_hub.invite)
    sat.start(wait=False)
    last_error(sat, "expired")
    assert sat.state() != "up"


# ---------------------------------------------- who the client is not

def wrong_password(scene, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("not the one\n")
    secret.chmod(0o600)
    return scene.client(None, "--password-file", secret)


def unknown_site(scene, tmp_path):
    sat = scene.client()
    sat.conf_set("client", "site", "nobody")
    return sat


def disabled_site(scene, tmp_path):
    noticed = len(scene.server.log_lines("the configuration is changed"))
    scene.server.site("disable", "eve")
    wait_until(lambda: len(scene.server.log_lines("the configuration is changed")) > noticed,
               10, "the running server notices")
    return scene.client()


@pytest.fixture
def enabled_again(scene):
    yield
    scene.server.site("enable", "eve", check=False)


def test_wrong_password_unknown_and_disabled_site_answer_alike(
        scene, tmp_path, enabled_again):
    errors = set()
    for make in (wrong_password, unknown_site, disabled_site):
        since = len(scene.server.log())
        sat = make(scene, tmp_path)
        sat.start(wait=False)
        error = last_error(sat, "refused|password|denied")
        assert sat.state() != "up"
        said = [l for l in lines_of(scene, since) if "configuration is changed" not in l]
        assert sat.stop("SIGTERM") == 0
        # One line an attempt, and all of them the same but for the port.
        assert 1 <= len(said) <= 10, "%s: %s" % (make.__name__, said)
        assert len({re.sub(r":\d+: ", ": ", l) for l in said}) <= 2, said
        errors.add(re.sub("eve|nobody", "SITE", error))
    assert len(errors) == 1, errors


def test_the_right_password_gets_in(scene):
    """What proves that the tests above fail for the reason they name."""
    sat = scene.client()
    sat.start()
    scene.server.wait_site("eve")


def test_a_site_that_is_disabled_is_put_out_and_let_in_again(scene,
                                                             enabled_again):
    sat = scene.client().start()
    scene.server.wait_site("eve")
    scene.server.site("disable", "eve")
    wait_until(lambda: not scene.server.site_up("eve"), 10, "it is put out")
    wait_until(lambda: sat.state() != "up", 10, "and knows it")
    scene.server.site("enable", "eve")
    scene.server.wait_site("eve", deadline=60)


# ---------------------------------------------- what is no client at all

def closed(sock, seconds):
    """Whether the hub closes within `seconds`; gives what it said."""
    sock.settimeout(seconds)
    said = b""
    try:
        while True:
            data = sock.recv(4096)
            if not data:
                break
            said += data
    except (ConnectionError, ssl.SSLError):
        pass
    except socket.timeout:
        raise AssertionError("not closed within %g s; it said %r" % (seconds,
                                                                     said))
    sock.close()
    return said


GARBAGE = [
    ("HTTP", b"GET / HTTP/1.0\r\n\r\n"),
    ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n"),
    ("zeros", bytes(4096)),
    ("random bytes", bytes(random.Random(1).randrange(256)
                           for _ in range(4096))),
    ("a TLS record that is too long", b"\x16\x03\x01\xff\xff" + bytes(70000)),
    ("half a ClientHello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    ("nothing", b""),
]


@pytest.mark.parametrize("what,data", GARBAGE, ids=[g[0] for g in GARBAGE])
def test_garbage_on_tcp(scene, what, data):
    since = len(scene.server.log())
    sock = scene.dial()
    try:
        sock.sendall(data)
    except ConnectionError:
        pass
    closed(sock, HANDSHAKE_TIME + 3)
    assert len(lines_of(scene, since)) <= 1


def test_tls12_only_client(scene):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        scene.tls(maximum_version=ssl.TLSVersion.TLSv1_2)


def test_client_without_our_alpn(scene):
    for alpn in (None, "h2"):
        try:
            sock = scene.tls(alpn=alpn)
        except (ssl.SSLError, ConnectionError):
            continue
        assert b"welcome" not in closed(sock, 3)


def message(kind, payload, length=None):
    return struct.pack("!I", kind << 24 | (len(payload) if length is None
                                           else length)) + payload


MESSAGES = [
    ("a message of more than 4 KiB", message(1, b"{" + b" " * 4100 + b"}")),
    ("one that says it has 16 MiB", message(1, b"{", length=0xffffff)),
    ("an empty message", message(1, b"")),
    ("no JSON", message(1, b"hello")),
    ("JSON that is no object", message(1, b"[1,2,3]")),
    ("JSON nested deeply", message(1, b"[" * 4000)),
    ("JSON with a NUL", message(1, b'{"type":"hello\\u0000"}')),
    ("broken UTF-8", message(1, b'{"type":"\xff\xfe"}')),
    ("a hello of nothing", message(1, b'{"type":"hello"}')),
    ("a hello of wrong types", message(
        1, b'{"type":"hello","protocol":"x","version":[],"mode":7,"site":{},'
        b'"method":null,"workers":-1}')),
    ("a welcome from a client", message(1, b'{"type":"welcome"}')),
    ("a ping before the hello", message(1, b'{"type":"ping"}')),
    ("an attach to nothing", message(1, b'{"type":"attach","session":1}')),
    ("frames before authentication", message(2, bytes(100))),
    ("a type that does not exist", message(77, b"{}")),
]


@pytest.mark.parametrize("what,data", MESSAGES, ids=[m[0] for m in MESSAGES])
def test_crafted_message_before_authentication(scene, what, data):
    since = len(scene.server.log())
    sock = scene.tls()
    assert sock.version() == "TLSv1.3"
    try:
        sock.sendall(data)
    except (ssl.SSLError, ConnectionError):
        pass
    assert b"welcome" not in closed(sock, HANDSHAKE_TIME + 3)
    assert len(lines_of(scene, since)) <= 1


def test_half_a_message_and_then_silence(scene):
    sock = scene.tls()
    sock.sendall(b"\x01\x00\x00")
    closed(sock, HANDSHAKE_TIME + 3)


def test_half_open_connections_do_not_keep_a_site_out(scene):
    before = descriptors(scene.engine)
    idle = []
    for _ in range(300):
        try:
            idle.append(scene.dial(timeout=0.5))
        except OSError:
            break
    assert len(idle) >= 100
    scene.client().start(wait=False)
    scene.server.wait_site("eve", deadline=HANDSHAKE_TIME * 3 + 10)
    for sock in idle:
        sock.close()
    wait_until(lambda: descriptors(scene.engine) <= before + 3,
               HANDSHAKE_TIME + 5, "all of them are closed")
    assert len(scene.server.log_lines(MALLORY)) < 250, "the log is not flooded"


# ------------------------------------------------------------------- UDP

def udp(scene):
    with scene.mallory.entered():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((MALLORY, 0))
    sock.connect((HUB, PORT))
    return sock


def dropped(scene):
    return sum(v for v in scene.server.drops().values())


def one_real_datagram(scene):
    """What s1 sends to the hub: the header of a lane that is up."""
    with Sniffer(scene.hub.gateway, "wan") as heard:
        def is_lane(frame):
            return (frame[12:14] == b"\x08\x00" and frame[23] == 17 and
                    frame[36:38] == struct.pack("!H", PORT) and
                    frame[46] == 23)
        return heard.wait(is_lane, 5, "a datagram of s1")[42:]


def shower(scene, datagrams):
    """Sends them from mallory: all dropped and counted, none answered."""
    before = dropped(scene)
    with udp(scene) as sock, Sniffer(scene.mallory, "wan") as heard:
        for n, data in enumerate(datagrams):
            try:
                sock.send(data)
            except (ConnectionRefusedError, BlockingIOError):
                pass
            if n % 100 == 99:
                wait_until(lambda: True, 1)
        wait_until(lambda: dropped(scene) - before >= 0.9 * len(datagrams), 10,
                   "the drops are counted")
        answers = heard.collect(lambda f: f[12:14] == b"\x08\x00" and
                                f[23] == 17, 0.2)
        assert not answers, "an unknown host was answered: %r" % answers[0]


def test_random_datagrams(scene):
    dice = random.Random(2)
    shower(scene, [dice.randbytes(dice.randrange(0, 1473))
                   for _ in range(3000)])


def test_crafted_datagrams(scene):
    """Right in all but what only the site can know."""
    dice = random.Random(3)
    real = one_real_datagram(scene)
    header, sequence = real[:4], real[4:17]
    crafted = []
    for _ in range(2000):
        body = dice.randbytes(dice.randrange(24, 1400))
        crafted.append(header + sequence[:11] +
                       struct.pack("!H", len(body)) + body)
    for kind in (20, 21, 22, 24, 25, 0, 255):  # other records
        for _ in range(100):
            body = dice.randbytes(64)
            crafted.append(header + bytes([kind]) + b"\xfe\xfd" + bytes(8) +
                           struct.pack("!H", 64) + body)
    for cut in range(len(real)):  # every truncation
        crafted.append(real[:cut])
    for _ in range(500):  # a length that lies
        body = dice.randbytes(100)
        crafted.append(header + sequence[:11] +
                       struct.pack("!H", dice.randrange(65536)) + body)
    for lane in range(256):  # every phase and lane, the right session
        crafted.append(bytes([lane]) + header[1:] + real[4:])
    shower(scene, crafted)


def test_replayed_datagrams_move_nothing(scene):
    """Real records, sent again from elsewhere: s1 stays where it is."""
    real = one_real_datagram(scene)
    before = scene.server.sites()["s1"]
    shower(scene, [real] * 500)
    after = scene.server.sites()["s1"]
    assert after["lanes_up"] == before["lanes_up"]
    assert scene.s1.host.ping(scene.hub.ip)


# ------------------------------------------------------- and in the end

def test_server_is_unharmed(scene):
    """After all of the above: a new site gets in, and nothing leaks."""
    scene.client().start()
    scene.server.wait_site("eve")
    assert scene.s1.host.ping(scene.hub.ip)
    assert descriptors(scene.engine) < 200
    tombolo("status", "-c", scene.server.conf)
