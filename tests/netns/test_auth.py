# SPDX-License-Identifier: GPL-2.0-or-later
"""Every method, from the words a user types to a ping through the tunnel; and
how each ends: another password, disabled, removed, revoked.

                  (the line: 198.18.0.0/24)
           .1 [hub] ------------------ [s] .2
"""

import os
import re
import shutil
import time

import pytest

from lib import Hub, Satellite, run, tombolo, wait_until

HUB = "198.18.0.1"
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
        wait_until(lambda: name in self.server.sites(), 10)
        return name, sat


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
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert sat.state() != "up"
        time.sleep(0.05)
    assert "refused" in (sat.status().get("last_error") or ""), sat.status()


@pytest.mark.parametrize("method", METHODS)
def test_a_site_gets_in_and_frames_pass(scene, method):
    name, sat = scene.join(method)
    sat.start()
    scene.server.wait_site(name)
    wait_until(lambda: scene.sat.can_ping("10.4.2.1"), 10, "frames pass")
    assert scene.server.log_lines("site %s: up: .* by %s" % (name, method))
    assert scene.server.sites()[name]["auth"] == method
    tls = sat.status()["tls"]
    assert ("TLS1.2" in tls and "SRP" in tls) if method == "tls-srp" else \
        "TLS1.3" in tls


@pytest.mark.parametrize("method", ["srp", "password", "tls-srp"])
def test_a_wrong_secret_is_refused(scene, method, tmp_path):
    name, sat = scene.join(method)
    path = os.path.join(sat.dir, "keeper", "password")
    with open(path) as f:
        secret = f.read()
    with open(path, "w") as f:
        f.write("x" + secret)
    sat.start(wait=False)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert sat.state() != "up"
        time.sleep(0.05)
    assert sat.status().get("last_error")
    # And it is the secret that made the difference.
    with open(path, "w") as f:
        f.write(secret)
    assert sat.stop("SIGTERM") == 0
    sat.start()


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
    began = time.monotonic()
    scene.server.site(verb, name, *args)
    wait_until(lambda: not scene.server.sites().get(name) or
               scene.server.sites()[name]["state"] != "up", 5)
    assert time.monotonic() - began < 2  # the command itself and a second
    refused_for(sat, 4)
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


def test_the_list_of_the_revoked_is_heeded_live(scene):
    """Put there by somebody else's tools: the session ends."""
    name, sat = scene.join("certificate")
    sat.start()
    scene.server.wait_site(name)
    crl = os.path.join(scene.server.dir, "crl.pem")
    template = os.path.join(scene.net.dir, "crl-template")
    with open(template, "w") as f:
        f.write('crl_next_update = 365\ncrl_number = 77\n')
    run("certtool", "--generate-crl", "--load-ca-certificate",
        os.path.join(scene.server.dir, "ca.crt"), "--load-ca-privkey",
        os.path.join(scene.server.dir, "ca.key"), "--load-certificate",
        os.path.join(sat.dir, "client.crt"), "--template", template,
        "--outfile", crl + ".new")
    os.rename(crl + ".new", crl)
    wait_until(lambda: not scene.server.site_up(name), 5, "it is put out")
    assert scene.server.log_lines("site %s: down: .*revoked" % name)
    refused_for(sat, 3)


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
               scene.server.site_up(name), 5, "it is another one")
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
    time.sleep(1.5)
    assert scene.server.site_up(name)
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
    # (Asking the server by -c would read the file as well.)
    assert sat.state() == "up" and sat.status()["sessions"] == 1
    # Mended: the site is taken out first.
    server.conf_set("server", "auth", "password", late)
    server.site("disable", "late")
    wait_until(lambda: not server.site_up("late"), 2, "late is out")
    server.conf_set("server", "auth", "password")
    assert "ok" in tombolo("check", "--dir", server.dir).stdout
