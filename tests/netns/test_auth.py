# SPDX-License-Identifier: GPL-2.0-or-later
"""Every method, from the words a user types to a ping through the tunnel; and
how each ends: another password, disabled, removed, revoked.

                  (the line: 198.18.0.0/24)
           .1 [hub] ------------------ [s] .2
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from control import Control, hello, trusting
from lib import (PORT, Hub, Satellite, binary, run, tombolo, wait_until,
                 watch)

HUB = "198.18.0.1"
BUSY = 30  # seconds, for what takes less than one where nobody else computes
METHODS = ["srp", "password", "certificate", "tls-srp"]


def has(feature):
    return re.search(r"^%s: +yes" % feature, tombolo("version").stdout, re.M)


class Scene:
    def __init__(self, net):
        self.net = net
        self.hub, self.sat = net.host("hub"), net.host("sat")
        net.cable(self.hub, "wan", self.sat, "wan")
        self.hub.addr("wan", HUB + "/24")
        self.sat.addr("wan", "198.18.0.2/24")
        methods = [m for m in METHODS if m != "tls-srp" or has("TLS-SRP")]
        self.server = Hub(self.hub).init(
            HUB, "--mode", "tun",
            *[w for m in methods for w in ("--auth", m)])
        self.server.start()
        self.made = 0

    def join(self, method, *args):
        """A new site of that method, running; (its name, the satellite)."""
        if method == "tls-srp" and not has("TLS-SRP"):
            pytest.skip("this GnuTLS has no TLS-SRP")
        self.made += 1
        name = "%s%d" % (method.replace("-", ""), self.made)
        invite = self.server.add_site(name, "--auth", method, *args,
                                      generate=method != "certificate")
        sat = Satellite(self.sat, name).join(invite)
        sat.conf_set("interface", "device", "t%d" % self.made)
        sat.invite = invite
        return name, sat

    def file_of(self, name):
        return os.path.join(self.server.dir, "sites.d", name + ".conf")


@pytest.fixture(scope="module")
def scene(net):
    return Scene(net)


@pytest.fixture(autouse=True)
def one_at_a_time(scene):
    yield
    for daemon in scene.net.daemons:
        if daemon is not scene.server and daemon.running():
            assert daemon.stop("SIGTERM") == 0


def refused_for(sat, seconds):
    """It does not get in, though it tries."""
    def is_refused():
        status = sat.status()
        assert status["state"] != "up"
        return "refused" in (status.get("last_error") or "")
    watch(lambda: sat.state() != "up", seconds, "it is out")
    wait_until(is_refused, BUSY, "it is refused")


@pytest.mark.parametrize("method", METHODS)
def test_a_site_gets_in_and_frames_pass(scene, method):
    name, sat = scene.join(method)
    sat.start()
    scene.server.wait_site(name)
    wait_until(lambda: scene.sat.can_ping("10.4.2.1"), 10, "frames pass")
    scene.server.wait_log("site %s: up: .* by %s" % (name, method))
    row = scene.server.sites()[name]
    assert row["auth"] == method and row["psk"] is True
    assert row["version"] == scene.server.status()["version"]
    assert sat.ask("sites")["sites"][0]["psk"] is True
    tls = sat.status()["tls"]
    assert ("TLS1.2" in tls and "SRP" in tls) if method == "tls-srp" else \
        "TLS1.3" in tls


def generation(scene, name):
    path = os.path.join(scene.server.dir, "keeper/sites", name + ".psk")
    with open(path) as f:
        return int(f.read(), 16)


@pytest.mark.parametrize("method", ["srp", "certificate"])
def test_a_new_invitation_has_a_new_pre_shared_key(scene, method, tmp_path):
    """Until the site has it, its lanes go without one."""
    name, sat = scene.join(method)
    again = str(tmp_path / "again")
    psk = os.path.join(sat.dir, "keeper/psk")
    before = generation(scene, name)
    with open(psk) as f:
        assert int(f.read().split()[0], 16) == before
    assert os.stat(psk).st_mode & 0o777 == 0o600
    scene.server.site("passwd", name, "--out", again,
                      *(["--generate"] if method == "srp" else []))
    assert generation(scene, name) > before
    with open(psk) as f:
        old = f.read()
    sat.join(again, "--update")
    with open(psk) as f:
        new = f.read()
    for key, agreed in ((old, False), (new, True)):
        with open(psk, "w") as f:
            f.write(key)
        sat.start()
        scene.server.wait_site(name)
        assert scene.server.sites()[name]["psk"] is agreed
        wait_until(lambda: scene.sat.can_ping("10.4.2.1"), 10, "frames pass")
        assert sat.stop("SIGTERM") == 0
    assert len(scene.server.log_lines(
        "site %s: its pre-shared key is not the newest" % name)) == 1
    scene.server.site("remove", name)
    assert not os.path.exists(os.path.join(
        scene.server.dir, "keeper/sites", name + ".psk"))


def test_a_password_that_is_typed_keeps_the_pre_shared_key(scene, tmp_path):
    name, _ = scene.join("srp")
    before = generation(scene, name)
    typed = tmp_path / "typed"
    typed.write_text("open sesame\n")
    scene.server.site("passwd", name, "--password-file", str(typed))
    assert generation(scene, name) == before


def test_secrets_are_the_same_however_an_editor_saves_them(scene):
    """At either end; and what is no line is named by its file."""
    name, sat = scene.join("srp")
    secret = os.path.join(sat.dir, "keeper/password")
    line = os.path.join(scene.server.dir, "keeper/sites", name + ".srp")
    for path in (line, secret):
        with open(path, "rb") as f:
            text = f.read().lstrip(b"\xef\xbb\xbf").rstrip(b"\r\n")
        for saved in (text + b"\r\n", b"\xef\xbb\xbf" + text, text + b"\r"):
            with open(path, "wb") as f:
                f.write(saved)
            sat.start()
            scene.server.wait_site(name)
            assert sat.stop("SIGTERM") == 0
    for saved, says in ((text.decode().encode("utf-16"), "is UTF-16"),
                        (b"\x1b" + text, "has a control character")):
        with open(secret, "wb") as f:
            f.write(saved)
        sat.start(wait=False)
        sat.wait_log("keeper/password: " + says, 10)
        assert sat.stop("SIGTERM") == 0


@pytest.mark.parametrize("method", ["srp", "password", "tls-srp"])
def test_a_wrong_secret_is_refused(scene, method, tmp_path):
    name, sat = scene.join(method)
    path = os.path.join(sat.dir, "keeper", "password")
    with open(path) as f:
        secret = f.read()
    with open(path, "w") as f:
        f.write("x" + secret)
    sat.start(wait=False)
    watch(lambda: sat.state() != "up", 3, "it is out")
    wait_until(lambda: sat.status().get("last_error"), BUSY, "it is refused")
    assert sat.state() != "up"
    # And it is the secret that made the difference.
    with open(path, "w") as f:
        f.write(secret)
    assert sat.stop("SIGTERM") == 0
    sat.start()


def spoil(path, data):
    """Another file there; gives what undoes it."""
    with open(path, "rb") as f:
        before = f.read()
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data(before))
    return lambda: open(path, "wb").write(before)


# What is wrong, in whose file, and what locks somebody out all the same.
ELSEWHERE = [
    ("other", lambda b: b + b"subnet = oops\n", "disable", "srp"),
    ("other", lambda b: b + b"subnet = oops\n", "remove", "certificate"),
    ("other", b"\x7fELF\0\1", "passwd", "password"),
    ("other", b"", "remove", "srp"),
    ("tombolo", lambda b: b + b"no-such-key = 1\n", "disable", "certificate"),
    ("tombolo", lambda b: b"oops\n", "remove", "certificate"),
    ("tombolo", lambda b: b.replace(b"mode = tun", b"mode = tap"), "passwd",
     "certificate"),
    ("tombolo", lambda b: b"[server]\nname = x\n[interface]\nmode = tap\n",
     "remove", "srp"),
    ("tombolo", lambda b: b"[client]\nserver = a\nsite = a\n", "disable",
     "srp"),
]


@pytest.mark.parametrize("whose,data,verb,method", ELSEWHERE)
def test_locking_out_does_not_depend_on_other_files(scene, whose, data, verb,
                                                    method, tmp_path):
    server = scene.server
    if whose == "other" and not os.path.exists(scene.file_of("other")):
        server.add_site("other")
    name, sat = scene.join(method)
    sat.start()
    server.wait_site(name)
    undo = spoil(scene.file_of("other") if whose == "other" else server.conf,
                 data)
    args = ["--generate"] if verb == "passwd" and method != "certificate" \
        else []
    if verb == "passwd":
        args += ["--out", str(tmp_path / "again")]
    try:
        server.site(verb, name, *args)
        wait_until(lambda: not server.site_up(name), 10, "it is out at once")
        assert tombolo("status", "-c", server.conf, check=False).returncode == 3
        if verb == "remove":
            assert name not in server.sites()
        refused_for(sat, 1.5)
    finally:
        undo()
    wait_until(lambda: not server.status()["faults"] and
               not server.status()["needs_restart"], 10, "mended by itself")
    assert not server.site_up(name)


OWN = [
    b"", b"\0\0\0", lambda b: b + b"address = 10.99.0.1\n",
    lambda b: b"x" * (2 << 20),
]


@pytest.mark.parametrize("data", OWN)
def test_a_fault_in_its_own_file_keeps_a_session_and_lets_none_in(scene, data):
    server = scene.server
    name, sat = scene.join("srp")
    sat.start()
    server.wait_site(name)
    undo = spoil(scene.file_of(name), data)
    wait_until(lambda: server.status()["faults"], 10, "it is said")
    assert (name + ".conf") in server.status()["faults"][0]
    # Everybody else's is taken.
    os.unlink(server.add_site("late", "--address", "10.4.2.250"))
    assert server.sites()["late"]["state"] == "down"
    server.site("remove", "late")
    assert server.site_up(name) and scene.sat.can_ping("10.4.2.1")
    tombolo("kick", name, "-c", server.conf)
    server.wait_log("refused: site %s: its file has an error" % name)
    assert server.sites()[name]["state"] == "faulty"
    refused_for(sat, 1)
    undo()
    server.wait_site(name)
    assert not server.status()["faults"]
    # And it can be locked out with the fault.
    spoil(scene.file_of(name), data)
    if data != b"\0\0\0" and os.path.getsize(scene.file_of(name)) < 1 << 20:
        server.site("disable", name)
        assert not server.site_up(name)
    done = server.site("enable", name, check=False)
    assert done.returncode == 1 and not done.stdout
    server.site("remove", name)
    assert name not in server.sites()
    assert not server.status()["faults"]


def test_a_daemon_starts_in_spite_of_a_sites_fault(scene):
    server = scene.server
    name, sat = scene.join("srp")
    good, good_sat = scene.join("srp")
    undo = spoil(scene.file_of(name), b"[site " + name.encode())
    assert server.stop() == 0
    server.start()
    assert tombolo("status", "-c", server.conf, check=False).returncode == 3
    server.wait_log(r"%s.conf:1: .*expected \]" % name)
    assert server.sites()[name]["state"] == "faulty"
    good_sat.start()
    server.wait_site(good)
    assert good_sat.stop() == 0
    sat.start(wait=False)
    server.wait_log("refused: site %s: its file has an error" % name)
    undo()
    server.wait_site(name)


def test_a_site_that_was_just_added_gets_in_at_once(scene):
    server = scene.server
    for _ in range(5):
        name, sat = scene.join("srp")
        sat.start()
        server.wait_site(name)
        assert not sat.log_lines("refused|busy")
        assert not server.log_lines("site %s: (down|refused)|refused: site %s:"
                                    % (name, name))
        assert sat.stop("SIGTERM") == 0


def test_commands_say_what_there_is_to_say_without_a_daemon(scene):
    hub = Hub(scene.hub, "quiet").init("198.18.0.1")
    hub.add_site("a")
    for verb, says in (("disable", "is disabled"), ("enable", "is enabled"),
                       ("remove", "is removed")):
        done = hub.site(verb, "a")
        assert says + "; no daemon is running: it takes effect at the " \
            "next start" in done.stdout


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("verb", ["passwd", "disable", "remove"])
def test_it_ends_within_a_second_and_stays_out(scene, method, verb, tmp_path):
    """Session, token and credential, with one word."""
    name, sat = scene.join(method)
    sat.start()
    scene.server.wait_site(name)
    args = ["--generate"] if verb == "passwd" and method != "certificate" \
        else []
    if verb == "passwd":
        args += ["--out", str(tmp_path / "again")]
    scene.server.site(verb, name, *args)
    wait_until(lambda: not scene.server.sites().get(name) or
               scene.server.sites()[name]["state"] != "up", 10)  # if busy
    refused_for(sat, 4)
    if verb == "disable":
        # Enabled again, it has to prove itself anew: its token is over.
        resumed = scene.server.status()["counters"]["log-ins-resumed"]
        scene.server.site("enable", name)
        scene.server.wait_site(name, deadline=60)
        assert scene.server.status()["counters"]["log-ins-resumed"] == resumed
    if verb == "passwd":
        # The new invitation gets it in again.
        assert sat.stop("SIGTERM") == 0
        again = Satellite(scene.sat, name + "b").join(str(tmp_path / "again"))
        again.conf_set("interface", "device", "u%d" % scene.made)
        again.start()
        scene.server.wait_site(name, deadline=40)


def test_a_method_that_the_server_does_not_allow_is_said_so(scene):
    done = tombolo("site", "add", "nobody", "--auth", "pam", "--dir",
                   scene.server.dir, check=False)
    assert done.returncode != 0
    assert "auth" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_clients_certificate_of_another_ca_is_refused(scene, tmp_path):
    name, sat = scene.join("certificate")
    other = Hub(scene.hub, "other").init("other.example.org", "--mode", "tun",
                                         "--auth", "certificate")
    invite = other.add_site(name, "--auth", "certificate", generate=False)
    fake = Satellite(scene.sat, "fake").join(invite)
    for file in ("client.crt", "keeper/client.key"):
        shutil.copy(os.path.join(fake.dir, file), os.path.join(sat.dir, file))
    sat.start(wait=False)
    refused_for(sat, 3)


def test_a_servers_certificate_is_no_sites(scene):
    """Of the right CA, and with the right name, but for another purpose."""
    name, sat = scene.join("certificate")
    template = os.path.join(scene.net.dir, "template")
    key = os.path.join(sat.dir, "keeper", "client.key")
    with open(template, "w") as f:
        f.write('cn = "%s"\ntls_www_server\nsigning_key\n'
                'expiration_days = 100\n' % name)
    run("certtool", "--generate-certificate", "--load-privkey", key,
        "--load-ca-certificate", os.path.join(scene.server.dir, "ca.crt"),
        "--load-ca-privkey", os.path.join(scene.server.dir, "ca.key"),
        "--template", template, "--outfile",
        os.path.join(sat.dir, "client.crt"))
    sat.start(wait=False)
    refused_for(sat, 3)


def test_an_expired_certificate_is_refused(scene):
    name, sat = scene.join("certificate")
    template = os.path.join(scene.net.dir, "template")
    key = os.path.join(sat.dir, "keeper", "client.key")
    with open(template, "w") as f:
        f.write('cn = "%s"\ntls_www_client\nsigning_key\n'
                'activation_date = "2024-01-01 00:00:00 UTC"\n'
                'expiration_date = "2024-01-02 00:00:00 UTC"\n' % name)
    run("certtool", "--generate-certificate", "--load-privkey", key,
        "--load-ca-certificate", os.path.join(scene.server.dir, "ca.crt"),
        "--load-ca-privkey", os.path.join(scene.server.dir, "ca.key"),
        "--template", template, "--outfile",
        os.path.join(sat.dir, "client.crt"))
    sat.start(wait=False)
    refused_for(sat, 3)


def test_certificates_do_not_open_other_sites(scene):
    """A site's certificate is for its own name only."""
    name, sat = scene.join("certificate")
    other, _ = scene.join("certificate")
    sat.conf_set("client", "site", other)
    sat.start(wait=False)
    refused_for(sat, 3)


def revoke(scene, sat):
    """By somebody else's tools."""
    crl = os.path.join(scene.server.dir, "crl.pem")
    template = os.path.join(scene.net.dir, "crl-template")
    with open(template, "w") as f:
        # It must be newer than the list before it, which may be a command's.
        number = run("openssl", "crl", "-in", crl, "-noout",
                     "-crlnumber").stdout.split("=")[1]
        f.write('crl_next_update = 365\ncrl_number = %d\n' %
                (int(number, 16) + 1))
    run("certtool", "--generate-crl", "--load-ca-certificate",
        os.path.join(scene.server.dir, "ca.crt"), "--load-ca-privkey",
        os.path.join(scene.server.dir, "ca.key"), "--load-certificate",
        os.path.join(sat.dir, "client.crt"), "--template", template,
        "--outfile", crl + ".new")
    os.rename(crl + ".new", crl)


def test_the_list_of_the_revoked_is_heeded_live(scene):
    """The session ends."""
    name, sat = scene.join("certificate")
    sat.start()
    scene.server.wait_site(name)
    revoke(scene, sat)
    wait_until(lambda: not scene.server.site_up(name), 10, "it is put out")
    scene.server.wait_log("site %s: down: .*revoked" % name)
    refused_for(sat, 3)


@pytest.fixture
def adrift(scene):
    """A running site of that method whose connection broke for the server."""
    def make(method):
        name, sat = scene.join(method)
        sat.start()
        scene.server.wait_site(name)
        scene.hub.run("nft", "-f", "-", stdin="""
            table ip rst { chain out { type filter hook output priority 0;
                tcp sport %d reject with tcp reset
            }
            }""" % PORT)
        wait_until(lambda: "adrift_s" in scene.server.sites()[name], 25,
                   "its connection breaks")
        return name, sat

    def mend():
        scene.hub.run("nft", "delete", "table", "ip", "rst", check=False)
    make.mend = mend
    yield make
    mend()


def test_who_is_adrift_outlives_a_change_of_certificates(scene, adrift):
    """The hub's own, and the list of the revoked by another one's."""
    other, _ = scene.join("certificate")
    name, sat = adrift("certificate")
    changes = "certificates: changed"
    before = len(scene.server.log_lines(changes))
    tombolo("init", "--renew", "--dir", scene.server.dir)
    wait_until(lambda: len(scene.server.log_lines(changes)) > before, 10)
    changes = "crl: changed"
    before = len(scene.server.log_lines(changes))
    scene.server.site("remove", other)
    wait_until(lambda: len(scene.server.log_lines(changes)) > before, 10)
    adrift.mend()
    wait_until(lambda: scene.server.log_lines("site %s: goes on" % name), 60,
               "it goes on by another connection")
    assert not scene.server.log_lines("site %s: down" % name)
    assert sat.status()["sessions"] == 1


def test_who_is_adrift_is_put_out_when_it_is_revoked(scene, adrift):
    name, sat = adrift("certificate")
    revoke(scene, sat)
    scene.server.wait_log("site %s: down: .*revoked" % name)
    assert not scene.server.site_up(name)


def test_who_shook_hands_before_it_was_revoked_is_too_late(scene, tmp_path):
    """TLS is up with the old certificate; then there is a new one."""
    name, sat = scene.join("certificate")
    context = trusting()
    context.load_cert_chain(os.path.join(sat.dir, "client.crt"),
                            os.path.join(sat.dir, "keeper", "client.key"))
    early, late = (Control(scene.sat.tcp_connect(HUB, PORT), context)
                   for _ in range(2))
    early.send(hello(name, "certificate", mode="tun"))
    assert early.receive()["type"] == "welcome"
    scene.server.site("passwd", name, "--out", str(tmp_path / "again"))
    wait_until(lambda: not scene.server.site_up(name), 10, "it is put out")
    late.send(hello(name, "certificate", mode="tun"))
    assert late.receive()["type"] == "refused"
    assert not scene.server.site_up(name)
    for control in (early, late):
        control.close()


def test_a_verdict_on_the_old_password_comes_too_late(scene, tmp_path):
    """It is under way, from keeper to engine, while the password is changed."""
    name, sat = scene.join("password")
    with open(os.path.join(sat.dir, "keeper", "password"), "rb") as f:
        secret = f.read().strip()
    engine = scene.server.pid_of("engine")
    keeper = scene.server.pid_of("keeper")
    control = Control(scene.sat.tcp_connect(HUB, PORT))
    os.kill(keeper, signal.SIGSTOP)
    try:
        control.send(hello(name, "password", mode="tun",
                           credential=secret.hex()))
        wait_until(lambda: unread(scene.hub, keeper, engine), BUSY,
                   "the keeper is asked")
        os.kill(engine, signal.SIGSTOP)
    finally:
        os.kill(keeper, signal.SIGCONT)
    try:
        wait_until(lambda: unread(scene.hub, engine, keeper), BUSY,
                   "the verdict is under way")
        old = line_of(scene, name)
        changes = subprocess.Popen(
            [binary(), "site", "passwd", name, "--generate", "--dir",
             scene.server.dir, "--out", str(tmp_path / "again")],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        wait_until(lambda: line_of(scene, name) != old, BUSY, "it is changed")
        # Long enough for the monitor to have seen it; the engine cannot say so.
        time.sleep(2)
        assert changes.poll() is None
    finally:
        os.kill(engine, signal.SIGCONT)
    said = changes.communicate(timeout=60)[0]
    assert changes.returncode == 0, said
    assert control.receive()["type"] == "refused"
    assert not scene.server.site_up(name)
    assert not scene.server.log_lines("site %s: up" % name)
    control.close()


def line_of(scene, name):
    """What the hub knows the password by."""
    with open(os.path.join(scene.server.dir, "keeper/sites",
                           name + ".password")) as f:
        return f.read()


def unread(ns, reader, writer):
    """Whether a process has yet to read what another sent by a socket pair."""
    ends = [sockets(reader), sockets(writer)]
    rows = [line.split() for line in ns.run("ss", "-Hxn").stdout.splitlines()]
    return any(int(row[2]) > 0 and row[5] in ends[0] and row[7] in ends[1]
               for row in rows)


def sockets(pid):
    """The inodes of those that a process has."""
    links = []
    for fd in os.listdir("/proc/%d/fd" % pid):
        with contextlib.suppress(OSError):  # closed meanwhile
            links.append(os.readlink("/proc/%d/fd/%s" % (pid, fd)))
    return {link[8:-1] for link in links if link.startswith("socket:[")}


@pytest.mark.parametrize("method", METHODS)
def test_the_same_name_again_is_another_site(scene, method, tmp_path):
    """Neither the old secret nor the old token opens the new one."""
    name, sat = scene.join(method)
    sat.start()
    scene.server.wait_site(name)
    scene.server.site("remove", name)
    scene.server.site("add", name, "--auth", method, "--out",
                      str(tmp_path / "again"),
                      *([] if method == "certificate" else ["--generate"]))
    wait_until(lambda: name in scene.server.sites() and not
               scene.server.site_up(name), 10, "it is another one")
    refused_for(sat, 5)


def files_of(sat):
    """What a site proves itself with, below its directory."""
    names = ("keeper/password", "keeper/client.key", "client.crt")
    return [n for n in names if os.path.exists(os.path.join(sat.dir, n))]


@pytest.mark.parametrize("own, other", [
    ("srp", "password"), ("password", "srp"), ("srp", "certificate"),
    ("certificate", "srp"), ("certificate", "password")])
def test_a_site_of_one_method_cannot_use_another(scene, own, other):
    """Though it has all that the other one takes."""
    name, sat = scene.join(own)
    _, rich = scene.join(other)
    for file in set(files_of(rich)) - set(files_of(sat)):
        there = os.path.join(rich.dir, file)
        here = shutil.copy(there, os.path.join(sat.dir, file))
        os.chown(here, os.stat(there).st_uid, os.stat(there).st_gid)
        os.chmod(here, os.stat(there).st_mode & 0o777)
    sat.conf_set("client", "auth", other)
    sat.start(wait=False)
    wait_until(lambda: "refused" in (sat.status().get("last_error") or ""), 15)
    refused_for(sat, 3)


@pytest.mark.parametrize("method", ["srp", "certificate"])
def test_nobody_is_put_out_for_another(scene, method, tmp_path):
    """Passwords, certificates and sites of others change; a session stays."""
    name, sat = scene.join(method)
    sat.start()
    scene.server.wait_site(name)
    for theirs in ("srp", "certificate", "password"):
        other, _ = scene.join(theirs)
        args = [] if theirs == "certificate" else ["--generate"]
        scene.server.site("passwd", other, *args, "--out",
                          str(tmp_path / other))
        scene.server.site("remove", other)
    watch(lambda: scene.server.site_up(name), 1.5, "it stays")
    assert sat.status()["sessions"] == 1


def test_methods_are_switched_on_and_off_while_it_runs(small_net):
    """Lines of auth count at once; what would leave a site without, does not."""
    hub, s = small_net.host("hub"), small_net.host("s")
    small_net.cable(hub, "wan", s, "wan")
    hub.addr("wan", HUB + "/24")
    s.addr("wan", "198.18.0.2/24")
    server = Hub(hub).init(HUB, "--mode", "tun", "--auth", "password")
    server.start()
    late = "tls-srp" if has("TLS-SRP") else "srp"
    server.conf_set("server", "auth", "password", late)
    sat = Satellite(s, "late").join(server.add_site("late", "--auth", late))
    sat.start()
    server.wait_site("late")
    server.conf_set("server", "auth", "password")
    server.wait_log("auth = %s of site late is not allowed" % late)
    time.sleep(1)
    # (Asking the hub by -c would read the file as well.)
    assert sat.state() == "up" and sat.status()["sessions"] == 1
    # Mended: the site is taken out first.
    server.conf_set("server", "auth", "password", late)
    server.site("disable", "late")
    wait_until(lambda: not server.site_up("late"), 10, "late is out")
    server.conf_set("server", "auth", "password")
    assert "ok" in tombolo("check", "--dir", server.dir).stdout
