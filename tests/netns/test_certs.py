# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates, their keys and the list of revoked ones, changed while the
daemon runs, by halves, badly, and while one of its processes is away.

    [hub] 198.18.0.1 --+-- 198.18.0.2 [one]  srp
                       `-- 198.18.0.3 [cert] certificate
"""

import json
import os
import shutil
import signal
import socket
import ssl
import time

import pytest

from control import Control, hello, trusting
from lib import PORT, Hub, Satellite, run, tombolo, wait_until

SOON = 10
BACK = 45  # a site that was refused holds off for up to half a minute


class Scene:
    def __init__(self, net):
        self.net = net
        wan = net.host("wan")
        wan.bridge("w0")
        spaces = []
        for i, name in enumerate(("hub", "one", "cert", "probe")):
            ns = net.host(name)
            net.cable(ns, "wan", wan, "p-" + name)
            wan.ip("link", "set", "p-" + name, "master", "w0")
            ns.addr("wan", "198.18.0.%d/24" % (i + 1))
            spaces.append(ns)
        self.probe = spaces[3]
        self.hub = Hub(spaces[0]).init("198.18.0.1", "--mode", "tun")
        self.one = Satellite(spaces[1], "one").join(self.hub.add_site("one"))
        self.cert = Satellite(spaces[2], "cert").join(self.hub.add_site(
            "cert", "--auth", "certificate", generate=False))
        self.work = os.path.join(net.dir, "work")
        os.mkdir(self.work)
        self.serial = 0x1000
        self.hub.start()
        for sat in (self.one, self.cert):
            sat.start()
            self.hub.wait_site(sat.name)

    # -- what an administrator's own tool makes

    def new_pair(self, kind, client=None):
        """(key, certificate, serial) by the hub's CA, for the hub or a site."""
        self.serial += 1
        key, cert, req, ext = (os.path.join(self.work, n) for n in (
            "k.pem", "c.pem", "r.pem", "e.cnf"))
        how = {"ec": ["-algorithm", "EC", "-pkeyopt",
                      "ec_paramgen_curve:P-256"],
               "p521": ["-algorithm", "EC", "-pkeyopt",
                        "ec_paramgen_curve:P-521"],
               "pss": ["-algorithm", "RSA-PSS", "-pkeyopt",
                       "rsa_keygen_bits:2048"],
               "rsa": ["-algorithm", "RSA", "-pkeyopt",
                       "rsa_keygen_bits:2048"],
               "ed25519": ["-algorithm", "ed25519"]}[kind]
        run("openssl", "genpkey", "-out", key, *how)
        with open(ext, "w") as f:
            f.write("basicConstraints=critical,CA:FALSE\n"
                    "keyUsage=critical,digitalSignature\n")
            f.write("extendedKeyUsage=clientAuth\n" if client else
                    "extendedKeyUsage=serverAuth\n"
                    "subjectAltName=IP:198.18.0.1\n")
        run("openssl", "req", "-new", "-key", key, "-subj",
            "/CN=" + (client or "x"), "-out", req)
        run("openssl", "x509", "-req", "-in", req, "-CA",
            self.hub.dir + "/ca.crt", "-CAkey", self.hub.dir + "/ca.key",
            "-set_serial", str(self.serial), "-days", "90", "-extfile", ext,
            "-out", cert)
        return open(key).read(), open(cert).read(), self.serial

    def crl(self, revoked=(), number=None, made="-1 hour", days=30, ca=None):
        """A list in PEM, by openssl, of these serial numbers."""
        ca = ca or self.hub.dir
        index = os.path.join(self.work, "index.txt")
        conf = os.path.join(self.work, "ca.cnf")
        with open(index, "w") as f:
            for serial in revoked:
                serial = "%X" % serial
                f.write("R\t350101000000Z\t251101000000Z\t%s\tunknown\t/CN=s\n"
                        % ("0" * (len(serial) % 2) + serial))
        text = ("[ca]\ndefault_ca=d\n[d]\ndatabase=%s\ncertificate=%s/ca.crt\n"
                "private_key=%s/ca.key\ndefault_md=sha256\n" % (index, ca, ca))
        if number is not None:
            with open(os.path.join(self.work, "number"), "w") as f:
                f.write("%08X\n" % number)
            text += "crlnumber=%s/number\ncrl_extensions=x\n[x]\n" % self.work
        with open(conf, "w") as f:
            f.write(text)
        stamp = lambda when: run("date", "-u", "-d", when,
                                 "+%Y%m%d%H%M%SZ").stdout.strip()
        out = os.path.join(self.work, "crl.pem")
        run("openssl", "ca", "-config", conf, "-gencrl", "-crl_lastupdate",
            stamp(made), "-crl_nextupdate", stamp("%s + %d days" % (
                "now" if days >= 0 else "now", days)), "-out", out)
        return open(out).read()

    def serial_of(self, path):
        return int(run("openssl", "x509", "-in", path, "-noout",
                       "-serial").stdout.split("=")[1], 16)

    def number_of(self, path):
        return int(run("openssl", "crl", "-in", path, "-noout",
                       "-crlnumber").stdout.split("=")[1], 16)

    # -- where it goes

    def put(self, daemon, name, text, mode=0o644):
        """As most programs do it: beside it, and renamed."""
        path = os.path.join(daemon.dir, name)
        like = os.stat(path) if os.path.exists(path) else \
            os.stat(os.path.dirname(path))
        with open(path + ".tmp", "w") as f:
            f.write(text)
        os.chown(path + ".tmp", like.st_uid, like.st_gid)
        os.chmod(path + ".tmp", mode)
        os.rename(path + ".tmp", path)

    def put_key(self, daemon, text):
        self.put(daemon, "keeper/server.key" if daemon is self.hub else
                 "keeper/client.key", text, 0o600)

    def put_cert(self, daemon, text):
        self.put(daemon, "server.crt" if daemon is self.hub else "client.crt",
                 text)

    # -- what is seen of it

    def served(self):
        """The serial number of what the hub shows, or None."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["tombolo/1"])
        try:
            with self.probe.tcp_connect("198.18.0.1", PORT) as sock:
                sock.settimeout(5)
                with context.wrap_socket(sock) as tls:
                    der = tls.getpeercert(binary_form=True)
        except (OSError, ssl.SSLError):
            return None
        with open(self.work + "/served.der", "wb") as f:
            f.write(der)
        return int(run("openssl", "x509", "-inform", "DER", "-in",
                       self.work + "/served.der", "-noout",
                       "-serial").stdout.split("=")[1], 16)

    def wait_served(self, serial):
        wait_until(lambda: self.served() == serial, SOON,
                   "the hub shows %x" % serial)

    def comes_back(self, sat):
        """A site logs in anew."""
        sessions = sat.status()["sessions"]
        self.hub.site_kick(sat.name)
        wait_until(lambda: sat.state() == "up" and
                   sat.status()["sessions"] > sessions, BACK,
                   "%s is back" % sat.name)

    def log_in(self, cert, key, site="cert"):
        """What the hub answers to this certificate of `site`'s."""
        context = trusting()
        context.load_cert_chain(cert, key)
        try:
            control = Control(self.probe.tcp_connect("198.18.0.1", PORT),
                              context)
        except OSError:
            return None
        control.send(hello(site, "certificate", mode="tun"))
        try:
            answer = control.receive()
        except OSError:
            answer = None
        control.close()
        return answer and answer["type"]


def reload(daemon):
    def answered():
        done = tombolo("reload", "-c", daemon.conf, check=False)
        return None if "too often" in done.stderr else done
    return wait_until(answered, SOON, "it is not too often")


def trouble(daemon):
    return " ".join(daemon.status()["faults"])


@pytest.fixture(scope="module")
def scene(net):
    Hub.site_kick = lambda hub, name: tombolo("kick", name, "-c", hub.conf,
                                              check=False)
    return Scene(net)


@pytest.mark.parametrize("first", ["key", "certificate"])
@pytest.mark.parametrize("kinds", ["ec ec", "rsa rsa", "ec rsa", "rsa ec",
                                   "p521 pss"])
def test_a_renewed_pair_is_taken_in_any_order(scene, kinds, first):
    for kind in kinds.split():
        key, cert, serial = scene.new_pair(kind)
        before = scene.served()
        halves = [lambda: scene.put_key(scene.hub, key),
                  lambda: scene.put_cert(scene.hub, cert)]
        if first == "certificate":
            halves.reverse()
        halves[0]()
        # Half a renewal: said, and the old pair serves.
        wait_until(lambda: trouble(scene.hub), SOON, "status says so")
        assert tombolo("status", "-c", scene.hub.conf,
                       check=False).returncode == 3
        done = reload(scene.hub)
        assert done.returncode == 1, done
        assert "certificate" in done.stderr
        assert scene.served() == before
        halves[1]()
        scene.wait_served(serial)
        wait_until(lambda: not trouble(scene.hub), SOON, "status is clean")
        assert reload(scene.hub).returncode == 0
    scene.comes_back(scene.one)


def test_half_a_renewal_survives_keeper_and_engine(scene):
    key, cert, serial = scene.new_pair("rsa")
    before = scene.served()
    scene.hub.expect_trouble = True
    scene.put_key(scene.hub, key)
    wait_until(lambda: trouble(scene.hub), SOON)
    for role in ("keeper", "engine"):
        pid = scene.hub.pid_of(role)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: scene.hub.state() == "up" and
                   scene.hub.pid_of(role) != pid, SOON, role + " is back")
        scene.wait_served(before)
        wait_until(lambda: trouble(scene.hub), SOON)
    scene.comes_back(scene.one)
    assert scene.hub.stop() == 0
    scene.hub.start()
    scene.wait_served(before)
    scene.put_cert(scene.hub, cert)
    scene.wait_served(serial)
    assert not trouble(scene.hub)


@pytest.mark.parametrize("kinds", ["ec rsa", "rsa ec"])
@pytest.mark.parametrize("first", ["key", "certificate"])
def test_a_site_renews_its_own(scene, kinds, first):
    for kind in kinds.split():
        key, cert, serial = scene.new_pair(kind, client="cert")
        halves = [lambda: scene.put_key(scene.cert, key),
                  lambda: scene.put_cert(scene.cert, cert)]
        if first == "certificate":
            halves.reverse()
        halves[0]()
        wait_until(lambda: trouble(scene.cert), SOON)
        assert reload(scene.cert).returncode == 1
        halves[1]()
        wait_until(lambda: not trouble(scene.cert), SOON)
        assert reload(scene.cert).returncode == 0
    scene.comes_back(scene.cert)


@pytest.mark.parametrize("bad", ["half", "", "binary", "chain of 9",
                                 "ed25519", "gone"])
def test_nothing_bad_is_put_in_force(scene, bad):
    """Whatever lies there, and whoever dies meanwhile, the last good serves;
    the right file is taken at once."""
    path = os.path.join(scene.hub.dir, "server.crt")
    good = open(path).read()
    serial = scene.served()
    scene.hub.expect_trouble = True
    if bad == "gone":
        os.unlink(path)
    elif bad == "binary":
        with open(path, "wb") as f:
            f.write(ssl.PEM_cert_to_DER_cert(good))
    else:
        scene.put_cert(scene.hub, {
            "half": good[:len(good) // 2], "chain of 9": good * 9,
            "ed25519": scene.new_pair("ed25519")[1]}.get(bad, bad))
    wait_until(lambda: "certificate" in trouble(scene.hub), SOON)
    done = reload(scene.hub)
    assert done.returncode == 1 and ("certificate" in done.stderr or
                                     "server.crt" in done.stderr)
    pid = scene.hub.pid_of("engine")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: scene.hub.state() == "up" and
               scene.hub.pid_of("engine") != pid, SOON, "an engine is up")
    scene.wait_served(serial)
    wait_until(lambda: "certificate" in trouble(scene.hub), SOON)
    if bad in ("half", "", "gone"):
        # And a whole new daemon: that file is all that it has.
        assert scene.hub.stop() == 0
        scene.hub.start()
        scene.wait_served(serial)
    scene.put_cert(scene.hub, good)
    wait_until(lambda: not trouble(scene.hub), SOON)
    scene.wait_served(serial)
    scene.comes_back(scene.one)


def test_a_sites_bad_ca_leaves_the_good_one(scene):
    good = open(scene.one.dir + "/ca.crt").read()
    scene.one.expect_trouble = True
    scene.put(scene.one, "ca.crt", good[:200])
    wait_until(lambda: "ca:" in trouble(scene.one), SOON)
    os.kill(scene.one.pid_of("engine"), signal.SIGKILL)
    scene.hub.wait_site("one")
    wait_until(lambda: scene.one.state() == "up", BACK)
    # As large as a system's bundle: 220 KB.
    junk = "".join("# %064d\n" % i for i in range(3300))
    scene.put(scene.one, "ca.crt", junk + good)
    wait_until(lambda: not trouble(scene.one), SOON)
    scene.comes_back(scene.one)


@pytest.mark.parametrize("bad", ["half", "text"])
def test_a_hubs_bad_site_ca_leaves_the_good_one(scene, bad):
    """Sites go on to log in by certificate: meanwhile and afterwards."""
    good = open(scene.hub.dir + "/ca.crt").read()
    scene.hub.expect_trouble = True
    scene.put(scene.hub, "ca.crt", good[:200] if bad == "half" else "x\n")
    wait_until(lambda: "site-ca:" in trouble(scene.hub), SOON)
    scene.comes_back(scene.cert)
    scene.put(scene.hub, "ca.crt", good)
    wait_until(lambda: not trouble(scene.hub), SOON)
    scene.comes_back(scene.cert)


@pytest.fixture
def revocable(scene):
    """A list that is in force, and what the site of method certificate has."""
    scene.hub.expect_trouble = True
    cert = os.path.join(scene.work, "old.crt")
    key = os.path.join(scene.work, "old.key")
    shutil.copy(scene.cert.dir + "/client.crt", cert)
    shutil.copy(scene.cert.dir + "/keeper/client.key", key)
    scene.number = getattr(scene, "number", 0x100) + 0x10
    scene.put(scene.hub, "crl.pem", scene.crl(number=scene.number))
    wait_until(lambda: not trouble(scene.hub), SOON, "a good list is taken")
    scene.hub.wait_site("cert")
    scene.pair = (cert, key)
    yield scene
    scene.put(scene.hub, "crl.pem", scene.crl(number=scene.number + 0xf))
    wait_until(lambda: not trouble(scene.hub), SOON, "a good list is taken")
    wait_until(lambda: scene.log_in(*scene.pair) == "welcome", SOON)


def test_a_list_takes_effect_without_the_keeper(revocable):
    scene = revocable
    keeper = scene.hub.pid_of("keeper")
    others = len(scene.hub.log_lines("certificates: changed"))
    os.kill(keeper, signal.SIGSTOP)
    scene.put(scene.hub, "crl.pem", scene.crl(
        [scene.serial_of(scene.pair[0])], scene.number + 1))
    # While it does not answer: the session ends.
    wait_until(lambda: not scene.hub.site_up("cert"), SOON, "its session ends")
    assert reload(scene.hub).returncode == 0
    scene.hub.wait_log("crl: changed; it is in force")
    assert len(scene.hub.log_lines("certificates: changed")) == others
    scene.log_in(*scene.pair)  # nobody signs, and the keeper is given up
    os.kill(keeper, signal.SIGCONT)
    wait_until(lambda: scene.served(), SOON, "another keeper")
    assert scene.log_in(*scene.pair) == "refused"
    scene.comes_back(scene.one)


@pytest.mark.parametrize("bad", ["gone", "empty", "part", "binary", "foreign",
                                 "older", "directory"])
def test_a_list_is_not_forgotten(revocable, bad):
    scene = revocable
    path = os.path.join(scene.hub.dir, "crl.pem")
    serial = scene.serial_of(scene.pair[0])
    scene.put(scene.hub, "crl.pem", scene.crl([serial], scene.number + 2))
    wait_until(lambda: scene.log_in(*scene.pair) == "refused", SOON)
    if bad in ("gone", "directory"):
        os.unlink(path)
    if bad == "directory":
        os.mkdir(path)
    elif bad == "binary":
        run("openssl", "crl", "-in", scene.work + "/crl.pem", "-outform",
            "DER", "-out", path)
    elif bad == "foreign":
        other = os.path.join(scene.work, "other")
        if not os.path.exists(other):
            tombolo("init", "--name", "x.example.org", "--dir", other)
        scene.put(scene.hub, "crl.pem", scene.crl(number=scene.number + 3,
                                                  ca=other))
    elif bad == "older":
        scene.put(scene.hub, "crl.pem", scene.crl(number=scene.number + 1))
    elif bad != "gone":
        scene.put(scene.hub, "crl.pem", "" if bad == "empty" else
                  open(path).read()[:120])
    wait_until(lambda: "crl" in trouble(scene.hub), SOON, "status says so")
    done = reload(scene.hub)
    assert done.returncode == 1 and "crl" in done.stderr, done
    assert scene.log_in(*scene.pair) == "refused"
    scene.hub.wait_log("crl: .*; the last good one stays in force")
    # Nor by a new engine, nor by a new daemon.
    if bad in ("gone", "part", "older"):
        assert scene.hub.stop() == 0
        scene.hub.start()
    else:
        pid = scene.hub.pid_of("engine")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: scene.hub.state() == "up" and
                   scene.hub.pid_of("engine") != pid, SOON)
    scene.wait_served(scene.serial_of(scene.hub.dir + "/server.crt"))
    assert scene.log_in(*scene.pair) == "refused"
    wait_until(lambda: "crl" in trouble(scene.hub), SOON)
    if bad == "directory":
        os.rmdir(path)


class Issued:
    """A site with a certificate of the hub's own CA that is logged in by."""

    count = 0

    def __init__(self, scene):
        Issued.count += 1
        self.name = "issued%d" % Issued.count
        self.scene = scene
        invite = scene.hub.add_site(self.name, "--auth", "certificate",
                                    generate=False)
        with open(invite) as f:
            given = json.load(f)
        self.pair = []
        for what in ("certificate", "key"):
            self.pair.append(os.path.join(scene.work, self.name + what))
            with open(self.pair[-1], "w") as f:
                f.write(given[what])
        assert self.gets_in()

    def gets_in(self):
        return self.scene.log_in(*self.pair, self.name) == "welcome"


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("bad", ["gone", "empty", "part", "older", "begun anew",
                                 "moved"])
def test_what_a_command_revokes_is_revoked_or_it_says_so(scene, bad, kept):
    """`kept`: whether the commands find the list that the daemon kept."""
    hub, path = scene.hub, os.path.join(scene.hub.dir, "crl.pem")
    hub.expect_trouble = True
    env = dict(os.environ)
    env["STATE_DIRECTORY"] = scene.net.dir if kept else scene.work
    made = iter(range(100))

    def site(verb, which, *args):
        out = () if verb == "remove" else ("--out", os.path.join(
            scene.work, "%s.%d" % (which.name, next(made))))
        done = hub.site(verb, which.name, *args, *out, check=False, env=env)
        if done.returncode != 0:
            assert "not revoked in" in done.stderr, done
        return done.returncode

    # There is one that is revoked, and nothing may let it in again.
    early, old = Issued(scene), open(path).read()
    assert hub.site("passwd", early.name, "--out", scene.work + "/" +
                    early.name).returncode == 0
    assert not early.gets_in()
    changed, removed = Issued(scene), Issued(scene)
    more = [Issued(scene) for _ in range(3)]
    good = open(path).read()
    if bad == "gone":
        os.unlink(path)
    elif bad == "moved":
        hub.conf_set("server", "crl", "moved.pem")
    elif bad == "begun anew":
        scene.put(hub, "crl.pem", scene.crl(number=scene.number_of(path)))
    else:
        scene.put(hub, "crl.pem", {"empty": "", "part": good[:200],
                                   "older": old}[bad])
    status = [site("passwd", changed)]
    assert status[0] == 1 or not changed.gets_in()
    status.append(site("remove", removed))
    assert not removed.gets_in()
    status.append(site("add", removed, "--auth", "certificate"))
    assert status[2] == 1 or not removed.gets_in()
    # As many as were lost, and more.
    for one in more:
        status.append(site("passwd", one))
        assert status[-1] == 1 or not one.gets_in()
        assert not early.gets_in()
    if kept and bad != "moved":
        assert status == [0] * 6
    else:
        assert status == [1] * 6
    # What the message says; then the same again.
    if bad == "moved":
        scene.put(hub, "moved.pem", good)
    elif not kept:
        scene.put(hub, "crl.pem", good)
    reload(hub)
    assert [site("passwd", changed), site("passwd", more[0])] == [0, 0]
    if status[2] == 1:
        assert site("add", removed, "--auth", "certificate") == 0
    for one in (early, changed, removed, more[0]):
        assert not one.gets_in()
    if bad == "moved":
        shutil.copy(os.path.join(hub.dir, "moved.pem"), path)
        hub.conf_set("server", "crl", "crl.pem")
        assert reload(hub).returncode == 0
    for one in (early, changed, removed, *more):
        hub.site("remove", one.name, check=False, env=env)
    wait_until(lambda: not trouble(hub), SOON)


def test_no_list_that_can_be_read_lets_in_nobody_by_certificate(revocable):
    """Nothing is kept, and what lies there is no list."""
    scene = revocable
    assert scene.hub.stop() == 0
    for base, _, names in os.walk(scene.net.dir):
        if "crl.pem" in names and base not in (scene.hub.dir, scene.work):
            os.unlink(os.path.join(base, "crl.pem"))
    scene.put(scene.hub, "crl.pem", "no list")
    scene.hub.start()
    scene.hub.wait_site("one")
    assert scene.log_in(*scene.pair) == "refused"
    assert "logins by certificate are refused" in trouble(scene.hub)


@pytest.mark.parametrize("named", [False, True])
def test_a_list_that_is_due_is_announced_and_goes_on_to_count(revocable,
                                                              named):
    scene = revocable
    scene.put(scene.hub, "crl.pem", scene.crl(
        [scene.serial_of(scene.pair[0])] if named else [], scene.number + 2,
        made="-40 days", days=-2))
    row = lambda: [c for c in scene.hub.status()["certificates"]
                   if c["name"] == "crl" and "ended on" in
                   c.get("warning", "")]
    wait_until(row, SOON, "status says that it is due")
    scene.hub.wait_log("the list of revoked certificates ended on")
    assert reload(scene.hub).returncode == 0
    wait_until(lambda: scene.log_in(*scene.pair) ==
               ("refused" if named else "welcome"), SOON)
    scene.put(scene.hub, "crl.pem", scene.crl(number=scene.number + 3))
    wait_until(lambda: not row(), SOON)


def test_a_long_list_counts_to_its_end(revocable):
    """5000 entries: 230 KB; there was room for 613."""
    scene = revocable
    serial = scene.serial_of(scene.pair[0])
    scene.put(scene.hub, "crl.pem", scene.crl(
        [1 << 100 | i for i in range(5000)] + [serial], scene.number + 2))
    assert os.path.getsize(scene.hub.dir + "/crl.pem") > 200 * 1024
    wait_until(lambda: scene.log_in(*scene.pair) == "refused", SOON)
    assert reload(scene.hub).returncode == 0
    # And one more is put into it.
    done = scene.hub.site("passwd", "cert", "--out",
                          scene.work + "/again.invite", check=False)
    assert done.returncode == 0, done.stderr
    assert scene.hub.stop() == 0
    scene.hub.start()
    assert scene.log_in(*scene.pair) == "refused"
