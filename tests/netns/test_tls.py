# SPDX-License-Identifier: GPL-2.0-or-later
"""The control port's TLS, as others' clients find it: openssl s_client and
gnutls-cli.

                  (the line: 198.18.0.0/24)
           .1 [hub] ------------------ [mallory] .66
"""

import json
import os
import re
import shutil
import struct
import subprocess
import time

import pytest

from lib import PORT, Hub, binary, run, wait_until

HUB = "198.18.0.1"
PASSWORD = "open sesame"


def has_tls_srp():
    return "TLS-SRP: yes" in run(binary(), "version").stdout


def client_has_srp():
    listed = run("gnutls-cli", "--list", check=False).stdout
    return "SRP-RSA" in listed


class Scene:
    def __init__(self, net):
        self.net = net
        self.hub, self.mallory = net.host("hub"), net.host("mallory")
        net.cable(self.hub, "wan", self.mallory, "wan")
        self.hub.addr("wan", HUB + "/24")
        self.mallory.addr("wan", "198.18.0.66/24")
        methods = ["srp", "certificate"] + (["tls-srp"] if has_tls_srp()
                                            else [])
        self.server = Hub(self.hub).init(
            HUB, "--mode", "tap",
            *[w for m in methods for w in ("--auth", m)])
        secret = net.dir + "/secret"
        with open(secret, "w") as f:
            f.write(PASSWORD + "\n")
        if has_tls_srp():
            self.server.add_site("berlin", "--auth", "tls-srp",
                                 "--password-file", secret, generate=False)
        self.server.add_site("paris")
        self.server.start()

    def openssl(self, *args, alpn="tombolo/1"):
        """What s_client says of one handshake."""
        words = ["-alpn", alpn] if alpn else []
        done = self.mallory.run(
            "openssl", "s_client", "-connect", "%s:%d" % (HUB, PORT), *words,
            *args, check=False, stdin="", timeout=20)
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def scene(net):
    return Scene(net)


def accepted(said):
    """A handshake came to its end: a cipher, and data could follow."""
    m = re.search(r"^New, (\S+), Cipher is (\S+)", said, re.M)
    return bool(m) and m.group(2) != "(NONE)" and "alert" not in said.lower()


def test_tls13_with_our_alpn_is_accepted(scene):
    said = scene.openssl("-tls1_3")
    assert accepted(said) and "TLSv1.3" in said
    assert "ALPN protocol: tombolo/1" in said


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1", "-tls1_2"])
def test_older_versions_are_refused(scene, version):
    assert not accepted(scene.openssl(version, "-cipher", "ALL:@SECLEVEL=0"))


@pytest.mark.parametrize("alpn", [None, "h2", "tombolo/2"])
def test_another_protocol_is_refused(scene, alpn):
    said = scene.openssl("-tls1_3", alpn=alpn)
    assert "ALPN protocol: tombolo/1" not in said
    if alpn:
        assert not accepted(said)


GOOD_GROUPS = ["X25519", "P-256", "P-384"]
WEAK_GROUPS = ["P-521", "X448", "ffdhe2048", "ffdhe3072", "ffdhe8192"]


@pytest.mark.parametrize("group", GOOD_GROUPS)
def test_a_good_group_is_accepted(scene, group):
    assert accepted(scene.openssl("-tls1_3", "-groups", group))


@pytest.mark.parametrize("group", WEAK_GROUPS)
def test_another_group_is_refused(scene, group):
    assert not accepted(scene.openssl("-tls1_3", "-groups", group))


@pytest.mark.parametrize("suite", [
    "TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256",
    "TLS_CHACHA20_POLY1305_SHA256"])
def test_a_good_suite_is_accepted(scene, suite):
    assert accepted(scene.openssl("-tls1_3", "-ciphersuites", suite))


@pytest.mark.parametrize("suite", ["TLS_AES_128_CCM_SHA256",
                                   "TLS_AES_128_CCM_8_SHA256"])
def test_another_suite_is_refused(scene, suite):
    assert not accepted(scene.openssl("-tls1_3", "-ciphersuites", suite))


@pytest.mark.parametrize("algorithm", ["RSA+SHA1", "ECDSA+SHA1", "RSA+SHA256"])
def test_weak_signatures_are_refused(scene, algorithm):
    assert not accepted(scene.openssl(
        "-tls1_3", "-sigalgs", algorithm, "-cipher", "ALL:@SECLEVEL=0"))


def test_no_ticket_no_early_data_no_compression(scene):
    said = scene.openssl("-tls1_3", "-comp")
    assert "New Session Ticket" not in said
    assert "Early data was not sent" in said or \
        "Max Early Data: 0" in said or "Early data" not in said
    assert "Compression: NONE" in said


def test_the_certificate_is_the_strong_one(scene):
    """The RSA one is for tls-srp only."""
    said = scene.openssl("-tls1_3", "-showcerts")
    assert "ECDSA" in said or "id-ecPublicKey" in said


# ------------------------------------------------------------------- tls-srp

SRP = "NONE:+VERS-TLS1.2:+SRP-RSA:+AES-256-CBC:+SHA1:+SIGN-ALL:+COMP-NULL" \
    ":+CTYPE-X509:%FORCE_ETM"


def gnutls(scene, user, password, priority=SRP, speak=b""):
    """gnutls-cli as a client of tls-srp; (what it says, exit status)."""
    proc = gnutls_process(scene, user, password, priority)
    time.sleep(1 if speak else 0)
    try:
        said, _ = proc.communicate(speak, timeout=10)
    except subprocess.TimeoutExpired:
        proc.kill()
        said, _ = proc.communicate()
    return said.decode(errors="replace"), proc.returncode


def gnutls_process(scene, user, password, priority):
    return subprocess.Popen(
        ["ip", "netns", "exec", scene.mallory.id, "gnutls-cli",
         "--x509cafile", scene.server.dir + "/ca.crt", "--priority", priority,
         "--srpusername", user, "--srppasswd", password, "--alpn",
         "tombolo/1", "-p", str(PORT), HUB],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)


@pytest.fixture
def srp(scene):
    if not has_tls_srp():
        pytest.skip("this GnuTLS has no TLS-SRP")
    if not client_has_srp():
        pytest.skip("this gnutls-cli has no SRP")


def test_gnutls_cli_logs_in_by_tls_srp(scene, srp):
    """A client that nobody here wrote; and it can say hello then."""
    said, _ = gnutls(scene, "berlin", PASSWORD, speak=hello_of("berlin"))
    assert "Handshake was completed" in said, said
    assert "SRP-RSA" in said or "SRP" in said
    assert '"welcome"' in said, said


def hello_of(site):
    hello = json.dumps({
        "type": "hello", "protocol": 1, "version": "gnutls-cli",
        "mode": "tap", "site": site, "method": "tls-srp", "workers": 1,
        "share": "09" + "00" * 31, "subnets": []}).encode()
    return struct.pack("!I", 1 << 24 | len(hello)) + hello


@pytest.mark.parametrize("change", ["passwd", "written by hand"])
def test_a_handshake_by_a_replaced_password_logs_nobody_in(scene, srp, change):
    """However long before the hello it was made."""
    site = "old" + change[0]
    secret = scene.net.dir + "/" + site
    for password in ("the old one", "the new one"):
        with open(secret + password[4:7], "w") as f:
            f.write(password + "\n")
    scene.server.add_site(site, "--auth", "tls-srp", "--password-file",
                          secret + "old", generate=False)
    wait_until(lambda: site in scene.server.sites(), 10)
    thief = gnutls_process(scene, site, "the old one", SRP)
    other = gnutls_process(scene, "berlin", PASSWORD, SRP)
    for process in (thief, other):
        assert any(b"Handshake was completed" in line
                   for line in process.stdout)
    line = os.path.join(scene.server.dir, "keeper/sites/%s.tls-srp" % site)
    if change == "passwd":
        scene.server.site("passwd", site, "--password-file", secret + "new")
    else:
        with open(line, "r+") as f:
            text = f.read()
            f.seek(0)
            f.write(text[:-2] + ("1" if text[-2] == "0" else "0") + "\n")
    wait_until(lambda: thief.poll() is not None, 30, "its connection ends")
    assert other.poll() is None, "and not because it was slow"
    assert b"welcome" not in thief.communicate()[0]
    # Its end must not come with the hello: only who is still there is let in.
    other.stdin.write(hello_of("berlin"))
    other.stdin.flush()
    said = b""
    while b'"welcome"' not in said:
        line = other.stdout.read1(4096)
        assert line, "another site's goes on: " + said.decode(errors="replace")
        said += line
    other.kill()
    other.communicate()


def test_wrong_password_and_unknown_user_fail_alike(scene, srp):
    outcomes = set()
    for user, password in (("berlin", "wrong"), ("nobody", PASSWORD),
                           ("paris", PASSWORD)):
        said, status = gnutls(scene, user, password)
        assert "Handshake was completed" not in said
        alert = re.search(r"Received alert \[(\d+)\]", said)
        outcomes.add((status, alert.group(1) if alert else None))
    assert len(outcomes) == 1, outcomes


def test_srp_without_a_certificate_is_refused(scene, srp):
    """Plain SRP has no X.509 server authentication."""
    said, _ = gnutls(scene, "berlin", PASSWORD, SRP.replace(
        "+SRP-RSA", "+SRP"))
    assert "Handshake was completed" not in said


def test_srp_without_encrypt_then_mac_is_refused(scene, srp):
    said, _ = gnutls(scene, "berlin", PASSWORD, SRP.replace(
        ":%FORCE_ETM", ":%NO_ETM"), speak=b"x")
    assert '"welcome"' not in said
    wait_until(lambda: scene.server.log_lines(
        "198.18.0.66.*(TLS|not a version)"), 10)


def test_tls12_without_srp_stays_refused(scene, srp):
    assert not accepted(scene.openssl("-tls1_2"))


def test_who_hammers_tls_srp_is_held_off(scene, srp):
    """By network, as everywhere; another's log-in is not."""
    for _ in range(9):
        gnutls(scene, "berlin", "wrong")
    counters = scene.server.status()["counters"]
    assert counters["connections-held-off"] > 0
    rows = [r for r in scene.server.status()["held_off"]
            if r["address"] == "198.18.0.66"]
    assert rows, scene.server.status()["held_off"]
