# SPDX-License-Identifier: GPL-2.0-or-later
"""What `check` says of a configuration, and what files it is made of may look
like.  No daemon runs, except where one of them is in the way.
"""

import os
import shutil
import subprocess
import tempfile

import pytest

from daemon import binary
from lib import Hub, wait_until
from net import run
from test_cli import Cli

BOM = b"\xef\xbb\xbf"

pytestmark = [
    pytest.mark.without_root,
    pytest.mark.skipif(binary() is None,
                       reason="needs the program: build it, or set TOMBOLO"),
]

# How an editor of another system saves what was typed here.
SAVED = {
    "bom": lambda text: BOM + text,
    "crlf": lambda text: text.replace(b"\n", b"\r\n"),
    "bom and crlf": lambda text: BOM + text.replace(b"\n", b"\r\n"),
    "cr": lambda text: text.replace(b"\n", b"\r"),
}
UTF16 = {
    "utf-16": lambda text: text.decode().encode("utf-16"),
    "utf-16 without a mark": lambda text: text.decode().encode("utf-16-le"),
    "utf-16 of the other kind": lambda text: text.decode().encode("utf-16-be"),
}


@pytest.fixture
def cli(tmp_path):
    return Cli(tmp_path)


@pytest.fixture
def hub(cli):
    cli.ok("init", "--name", "vpn.example.org", "--dir", "s", "--mode", "tun")
    cli.ok("site", "add", "berlin", "--generate", "--dir", "s", "--out", "b")
    cli.ok("join", "b", "--dir", "c")
    return cli


def resave(cli, name, how):
    """The file as that editor would have left it."""
    path = os.path.join(cli.path, name)
    with open(path, "rb") as f:
        text = f.read()
    with open(path, "wb") as f:
        f.write(how(text))


# ------------------------------------------------------------ text, as saved


@pytest.mark.parametrize("how", SAVED)
@pytest.mark.parametrize("name", ["s/tombolo.conf", "s/sites.d/berlin.conf",
                                  "c/tombolo.conf"])
def test_a_configuration_means_the_same_however_it_is_saved(hub, name, how):
    where = name.split("/")[0]
    before = hub.ok("check", "--dir", where, "-v")
    resave(hub, name, SAVED[how])
    assert hub.ok("check", "--dir", where, "-v") == before


@pytest.mark.parametrize("how", list(SAVED) + list(UTF16))
def test_the_socket_is_found_however_the_configuration_is_saved(hub, how):
    hub.write("c/tombolo.conf", "[client]\nsocket = /run/tombolo/other.sock\n")
    resave(hub, "c/tombolo.conf", dict(SAVED, **UTF16)[how])
    done = hub("status", "--dir", "c")
    assert done.returncode == 1 and "/run/tombolo/other.sock" in done.stderr


@pytest.mark.parametrize("how", UTF16)
@pytest.mark.parametrize("name", ["s/tombolo.conf", "s/sites.d/berlin.conf"])
def test_utf16_is_one_clear_line(hub, name, how):
    resave(hub, name, UTF16[how])
    done = hub("check", "--dir", "s")
    assert done.returncode == 1
    assert done.stderr.count("is UTF-16; save it as UTF-8") == 1, done.stderr
    assert "byte" not in done.stderr and "expected" not in done.stderr


@pytest.mark.parametrize("how", SAVED)
def test_a_site_is_disabled_however_its_file_is_saved(hub, how):
    resave(hub, "s/sites.d/berlin.conf", SAVED[how])
    hub("site", "disable", "berlin", "--dir", "s")
    assert "disabled = yes" in hub.ok("check", "--dir", "s", "-v")
    hub("site", "enable", "berlin", "--dir", "s")
    assert "disabled = yes" not in hub.ok("check", "--dir", "s", "-v")


@pytest.mark.parametrize("how", SAVED)
def test_an_invitation_is_taken_however_it_is_saved(hub, how):
    resave(hub, "b", SAVED[how])
    hub.ok("join", "b", "--dir", "d")
    assert hub.text("d/keeper/password") == hub.text("c/keeper/password")


@pytest.mark.parametrize("how", UTF16)
def test_an_invitation_of_utf16_is_one_clear_line(hub, how):
    resave(hub, "b", UTF16[how])
    hub.fails("join", "b", "--dir", "d", says="is UTF-16; save it as UTF-8")


@pytest.mark.parametrize("how", SAVED)
def test_a_password_is_the_same_however_it_is_saved(hub, how):
    hub.write("pw", "open sesame\n")
    resave(hub, "pw", SAVED[how])
    hub.ok("join", "b", "--dir", "d", "--password-file", "pw")
    assert hub.text("d/keeper/password") == "open sesame\n"


@pytest.mark.parametrize("text, says", [
    ("open sesame\n".encode("utf-16"), "is UTF-16; save it as UTF-8"),
    (b"open\x1bsesame\n", "has a control character in it"),
    (b"open\x7fsesame\n", "has a control character in it"),
    (b"open\rsesame\n", "is not one line"),
])
def test_a_password_that_cannot_be_meant_is_refused(hub, text, says):
    hub.write("pw", "")
    resave(hub, "pw", lambda _: text)
    hub.fails("join", "b", "--dir", "d", "--password-file", "pw", says=says)
    hub.fails("site", "add", "rome", "--password-file", "pw", "--dir", "s",
              says=says)


# ------------------------------------------------- what the files are made of


def test_a_list_that_has_lapsed(hub):
    hub.write("s/openssl.cnf", "[ca]\ndefault_ca=d\n[d]\ndatabase=s/index\n"
              "default_md=sha256\n")
    hub.write("s/index", "")
    subprocess.run(
        ["openssl", "ca", "-config", "s/openssl.cnf", "-gencrl", "-keyfile",
         "s/ca.key", "-cert", "s/ca.crt", "-out", "s/crl.pem",
         "-crl_lastupdate", "20200101000000Z", "-crl_nextupdate",
         "20200201000000Z"], cwd=hub.path, check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    complains(hub, "s/crl.pem: is out of date", 3)


DAYS = {"expired": (-9, -2), "of tomorrow": (1, 9), "fine": (-1, 900)}


def date(days):
    return run("date", "-u", "-d", "%d days" % days,
               "+%Y-%m-%d %H:%M:%S").stdout.strip()


def issue(cli, key, cert, days="fine", names=("vpn.example.org",), pss=False,
          who="tls_www_server", cn="somebody", ca=("s/ca.crt", "s/ca.key")):
    """A certificate of the hub's own CA, with whatever is wrong about it."""
    begin, end = DAYS[days]
    cli.write("template", "".join(
        ["cn = %s\n" % cn, "signing_key\n", who + "\n",
         'activation_date = "%s"\n' % date(begin),
         'expiration_date = "%s"\n' % date(end)] +
        ["%s = %s\n" % ("ip_address" if n[0].isdigit() else "dns_name", n)
         for n in names]))
    done = subprocess.run(
        ["certtool", "--generate-certificate", "--load-ca-certificate",
         ca[0], "--load-ca-privkey", ca[1], "--load-privkey", key,
         "--template", "template", "--outfile", cert] +
        (["--key-type=rsa-pss"] if pss else []),
        cwd=cli.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


def new_key(cli, key, *args):
    run("openssl", "genpkey", "-out", os.path.join(cli.path, key), *args)
    os.chmod(os.path.join(cli.path, key), 0o600)


certtool = pytest.mark.skipif(not shutil.which("certtool"),
                              reason="no certtool")


def complains(cli, says, status=1, where="s", more=("--static",)):
    done = cli("check", "--dir", where, *more)
    assert done.returncode == status, done
    assert says in done.stderr, done.stderr
    assert ": ok" not in done.stdout
    return done.stderr


def test_a_sound_configuration_is_ok(hub):
    assert "ok" in hub.ok("check", "--dir", "s", "--static")
    assert "ok" in hub.ok("check", "--dir", "c", "--static")


@pytest.mark.parametrize("usage, is_fine", [
    ("keyEncipherment", False), ("cRLSign,keyCertSign", False),
    ("keyEncipherment,digitalSignature", True)])
def test_a_key_usage_that_tls_does_not_take(hub, usage, is_fine):
    """certtool(1) would add what is missing."""
    hub.write("ext", "subjectAltName=DNS:vpn.example.org\n"
              "extendedKeyUsage=serverAuth\nkeyUsage=critical,%s\n" % usage)
    run("sh", "-ec", "cd %s; openssl req -new -key s/keeper/server.key -subj "
        "/CN=x -out req; openssl x509 -req -in req -CA s/ca.crt -CAkey "
        "s/ca.key -set_serial 7 -extfile ext -days 90 -out s/server.crt" %
        hub.path)
    if is_fine:
        hub.ok("check", "--static", "--dir", "s")
    else:
        complains(hub, "s/server.crt: has no digitalSignature in its key usage")


@pytest.mark.parametrize("kind", ["file", "directory", "nowhere"])
def test_a_place_where_no_socket_can_be(hub, kind):
    path = hub.path + "/place/s.sock"
    if kind != "nowhere":
        os.mkdir(hub.path + "/place", 0o755)
    else:
        path = hub.path + "/no/where/s.sock"
    if kind == "file":
        hub.write("place/s.sock", "")
    elif kind == "directory":
        os.mkdir(path)
    hub.write("s/tombolo.conf", hub.text("s/tombolo.conf").replace(
        "[server]\n", "[server]\nsocket = %s\n" % path, 1))
    said = hub("check", "--dir", "s").stderr
    assert path + (": its directory cannot be made" if kind == "nowhere" else
                   ": is in the way of the local socket") in said, said


@certtool
@pytest.mark.parametrize("days, says", [
    ("expired", "has expired on"), ("of tomorrow", "is not valid before")])
def test_a_certificate_of_another_time(hub, days, says):
    issue(hub, "s/keeper/server.key", "s/server.crt", days)
    complains(hub, "s/server.crt: " + says)


@certtool
def test_a_certificate_of_other_names(hub):
    issue(hub, "s/keeper/server.key", "s/server.crt", names=("a.example.org",
                                                             "192.0.2.7"))
    said = complains(hub, "is not for the name vpn.example.org", 1)
    for name in ("a.example.org", "192.0.2.7"):
        assert "also covers %s" % name in said
    hub.write("s/tombolo.conf", hub.text("s/tombolo.conf").replace(
        "name = vpn.example.org",
        "name = a.example.org\nname = 192.0.2.7"))
    hub.ok("check", "--dir", "s", "--static")


@certtool
def test_a_wildcard_is_a_name(hub):
    issue(hub, "s/keeper/server.key", "s/server.crt", names=("*.example.org",))
    said = complains(hub, "also covers *.example.org", 3)
    assert "is not for the name" not in said
    # Some sites get in by the name that is in it.
    hub.write("s/tombolo.conf", hub.text("s/tombolo.conf").replace(
        "name = vpn.example.org",
        "name = vpn.example.org\nname = other.example.net"))
    complains(hub, "is not for the name other.example.net", 3)


@certtool
@pytest.mark.parametrize("who, says", [
    ("tls_www_client", "s/server.crt: is not for a server"),
    ("email_protection_key", "s/server.crt: is not for a server"),
    ("tls_www_server", None)])
def test_a_certificate_of_another_purpose(hub, who, says):
    issue(hub, "s/keeper/server.key", "s/server.crt", who=who)
    if says is None:
        hub.ok("check", "--dir", "s", "--static")
    else:
        complains(hub, says)


def test_a_certificate_of_another_ca(hub):
    hub.ok("init", "--name", "vpn.example.org", "--dir", "t", "--mode", "tun")
    for name in ("server.crt", "keeper/server.key"):
        hub.write("s/" + name, hub.text("t/" + name), 0o600)
    # A public one, say, which sites may believe: the hub starts.
    complains(hub, "s/server.crt: was not made by the CA of the invitations",
              3)
    # Of several CAs one will do, and it need not be the first.
    hub.write("s/ca.crt", hub.text("s/ca.crt") + hub.text("t/ca.crt"))
    hub.ok("check", "--dir", "s", "--static")


@certtool
def test_a_certificate_of_a_ca_below(hub):
    """With what is between the two in its file, and without."""
    path = hub.path + "/"
    hub.write("ca", 'cn = above\nca\ncert_signing_key\n')
    hub.write("below", 'cn = below\nca\ncert_signing_key\n')
    for key in ("above.key", "below.key"):
        new_key(hub, key, "-algorithm", "EC", "-pkeyopt",
                "ec_paramgen_curve:P-256")
    run("certtool", "--generate-self-signed", "--load-privkey",
        path + "above.key", "--template", path + "ca", "--outfile",
        path + "s/ca.crt")
    run("certtool", "--generate-certificate", "--load-ca-certificate",
        path + "s/ca.crt", "--load-ca-privkey", path + "above.key",
        "--load-privkey", path + "below.key", "--template", path + "below",
        "--outfile", path + "below.crt")
    issue(hub, "s/keeper/server.key", "s/server.crt", ca=("below.crt",
                                                          "below.key"))
    complains(hub, "s/server.crt: was not made by", 3)
    hub.write("s/server.crt", hub.text("s/server.crt") + hub.text("below.crt"))
    assert "was not made by" not in hub("check", "--dir", "s").stderr


@certtool
@pytest.mark.parametrize("who, name, says", [
    ("tls_www_server", "rome", "c2/client.crt: is not for a client"),
    ("tls_www_client", "milan", "c2/client.crt: is not for the site rome alone"),
    ("tls_www_client", "rome.", "c2/client.crt: is not for the site rome alone"),
    ("tls_www_client", "rome", None)])
def test_a_sites_certificate_that_the_hub_refuses(hub, who, name, says):
    hub.ok("site", "add", "rome", "--auth", "certificate", "--dir", "s",
           "--out", "r")
    hub.ok("join", "r", "--dir", "c2")
    hub.ok("check", "--dir", "c2", "--static")
    issue(hub, "c2/keeper/client.key", "c2/client.crt", who=who, cn=name,
          names=())
    if says is None:
        hub.ok("check", "--dir", "c2", "--static")
    else:
        complains(hub, says, 1, "c2")


@pytest.mark.parametrize("text", ["junk\n", "", "key", "cut"])
def test_a_ca_that_is_none(hub, text):
    whole = hub.text("c/ca.crt")
    hub.write("c/ca.crt", {"key": hub.text("s/ca.key"),
                           "cut": whole[:len(whole) // 2]}.get(text, text))
    complains(hub, "c/ca.crt: has no certificate of a CA in it", 1, "c")


def test_a_ca_that_certificates_of_sites_need(hub):
    hub.ok("site", "add", "rome", "--auth", "certificate", "--dir", "s",
           "--out", "r")
    os.unlink(hub.path + "/s/ca.crt")
    said = complains(hub, "s/ca.crt: No such file")
    assert "crl" not in said
    hub.write("s/ca.crt", "junk\n")
    said = complains(hub, "s/ca.crt: has no certificate of a CA in it")
    assert "crl" not in said


def test_a_fault_in_a_sites_file_is_that_sites(hub):
    hub.ok("site", "add", "rome", "--generate", "--dir", "s", "--out", "r")
    hub.write("s/sites.d/rome.conf", "[site rome]\nfrob = 1\n")
    complains(hub, "s/sites.d/rome.conf:2: ", 3)
    hub.write("s/sites.d/berlin.conf", "[site berlin]\nsubnet = x\n")
    said = complains(hub, "no site can log in", 1)
    assert "berlin.conf:2: " in said and "rome.conf:2: " in said


@pytest.mark.parametrize("claim", ["subnet = 10.0.7.128/25",
                                   "address = 10.4.2.2"])
def test_an_overlap_names_both_files_and_lines(hub, claim):
    hub.ok("site", "set", "berlin", "--subnet", "10.0.7.0/24", "--dir", "s")
    lines = hub.text("s/sites.d/berlin.conf").splitlines()
    line = 1 + [l.split()[0] for l in lines].index(claim.split()[0])
    hub.write("s/sites.d/rome.conf", "[site rome]\n\naddress = 10.4.2.3\n" +
              claim + "\n")
    said = complains(hub, "s/sites.d/rome.conf:4: " + claim, 3)
    assert "of site berlin (%s/s/sites.d/berlin.conf:%d); change or disable " \
        "one of them" % (hub.path, line) in said


def test_a_site_without_a_credential_does_not_shut_out_others(hub):
    hub.ok("site", "add", "rome", "--generate", "--dir", "s", "--out", "r")
    os.unlink(hub.path + "/s/keeper/sites/rome.srp")
    said = complains(hub, "s/keeper/sites/rome.srp: No such file", 3)
    assert "no site can log in" not in said
    hub.write("s/keeper/sites/berlin.srp", "", 0o600)
    complains(hub, "no site can log in", 1)


@pytest.mark.parametrize("auth", ["srp", "password", "tls-srp"])
@pytest.mark.parametrize("junk", ["junk\n", "cut", "other"])
def test_a_verifier_that_is_none(hub, auth, junk):
    if auth == "tls-srp" and auth not in hub.ok("version"):
        pytest.skip("a GnuTLS without TLS-SRP")
    conf = hub.text("s/tombolo.conf")
    hub.write("s/tombolo.conf", conf.replace(
        "[server]\n", "[server]\nauth = srp\nauth = %s\n" % auth
        if auth == "tls-srp" else "[server]\n", 1))
    hub.ok("site", "add", "rome", "--generate", "--auth", auth, "--dir", "s",
           "--out", "r")
    name = "s/keeper/sites/rome." + auth
    whole = hub.text(name)
    texts = {"cut": whole[:len(whole) // 2] + "\n",
             "other": "$y$junk\n" if auth == "srp" else
             hub.text("s/keeper/sites/berlin.srp")}
    hub.write(name, texts.get(junk, junk), 0o600)
    said = complains(hub, name + ": not a verifier for auth = " + auth, 3)
    assert "tombolo site passwd rome makes another" in said
    hub.write(name, whole, 0o600)
    hub.ok("check", "--static", "--dir", "s")


def test_a_directory_of_sites_that_is_gone(hub):
    os.rename(hub.path + "/s/sites.d", hub.path + "/s/gone")
    complains(hub, "s/sites.d: No such file or directory: no site can log in", 3)


@pytest.mark.parametrize("where", ["gone", "", "older", "junk\n"])
def test_a_list_that_the_daemon_does_not_take(hub, where, tmp_path, monkeypatch):
    """It keeps the last; without one it is a matter of who needs it."""
    def put(text):
        if text == "gone":
            os.unlink(hub.path + "/s/crl.pem")
        else:
            hub.write("s/crl.pem", text)
    first = hub.text("s/crl.pem")
    hub.ok("site", "add", "rome", "--auth", "certificate", "--dir", "s",
           "--out", "r")
    hub.ok("site", "remove", "rome", "--dir", "s")
    last = hub.text("s/crl.pem")
    put(first if where == "older" else where)
    if where != "junk\n":  # the first start
        hub.ok("check", "--dir", "s", "--static")
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    state = "state/" + hub.text("s/id").strip()
    os.makedirs(hub.path + "/" + state)
    hub.write(state + "/crl.pem", last)
    complains(hub, "crl.pem: ", 3)
    put(last)
    hub.ok("check", "--dir", "s", "--static")


def test_a_key_of_another_certificate(hub):
    new_key(hub, "s/keeper/server.key", "-algorithm", "EC", "-pkeyopt",
            "ec_paramgen_curve:P-256")
    complains(hub, "s/keeper/server.key: ")


@certtool
@pytest.mark.parametrize("args, fits", [
    (("ED25519",), False), (("ED448",), False), (("X25519",), None),
    (("RSA", "-pkeyopt", "rsa_keygen_bits:1024"), False),
    (("RSA", "-pkeyopt", "rsa_keygen_bits:2048"), True),
    (("EC", "-pkeyopt", "ec_paramgen_curve:P-384"), True),
    (("EC", "-pkeyopt", "ec_paramgen_curve:P-224"), False),
    (("EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256", "-pass",
      "pass:x"), None),
])
def test_keys_of_all_kinds(hub, args, fits):
    """What a handshake cannot use, the file is named for."""
    new_key(hub, "s/keeper/server.key", "-algorithm", *args)
    if fits is not None:
        issue(hub, "s/keeper/server.key", "s/server.crt")
    if fits:
        hub.ok("check", "--dir", "s", "--static")
    else:
        complains(hub, "s/server.crt: " if fits is False else
                  "s/keeper/server.key: ")


def test_a_chain_that_is_too_long(hub):
    hub.write("s/server.crt", hub.text("s/server.crt") +
              8 * hub.text("s/ca.crt"))
    complains(hub, "s/server.crt: a chain of 9 certificates")
    hub.write("s/server.crt", "no certificate\n")
    complains(hub, "s/server.crt: ")


def add_rome(hub):
    """Another site, so that somebody can log in."""
    hub.ok("site", "add", "rome", "--generate", "--dir", "s", "--out", "r")


@pytest.mark.parametrize("name, status", [
    ("s/server.crt", 1), ("s/keeper/server.key", 1),
    ("s/keeper/sites/berlin.srp", 1), ("c/ca.crt", 1),
    ("c/keeper/password", 1)])
def test_a_file_that_is_missing(hub, name, status):
    os.unlink(os.path.join(hub.path, name))
    complains(hub, name + ": No such file", status, name[0])


@pytest.mark.parametrize("how", UTF16)
@pytest.mark.parametrize("name, status", [
    ("s/keeper/sites/berlin.srp", 1), ("c/keeper/password", 1)])
def test_a_credential_that_is_no_line(hub, name, status, how):
    resave(hub, name, UTF16[how])
    complains(hub, name + ": is UTF-16", status, name[0])


@pytest.mark.parametrize("content, why", [
    ("junk\n", "is not what tombolo wrote"), ("", "is not one line"),
    ("00000000 %s\n" % ("0" * 64), "is not what tombolo wrote")])
@pytest.mark.parametrize("name, status", [
    ("s/keeper/psk.key", 3), ("s/keeper/sites/berlin.psk", 3),
    ("c/keeper/psk", 1)])
def test_a_pre_shared_key_that_is_none(hub, name, status, content, why):
    """A site does not connect without its own; a hub lets in without it."""
    hub.write(name, content, 0o600)
    complains(hub, "%s: %s" % (name, why), status, name[0])


def test_a_blank_at_the_end_may_be_meant(hub):
    hub.write("c/keeper/password", "open sesame \n", 0o600)
    assert "ends in a blank" in hub("check", "--dir", "c", "--static").stderr
    hub.ok("check", "--dir", "c", "--static")


KEPT = [("s/keeper/server.key", 1), ("c/keeper/password", 1),
        ("s/keeper/sites/berlin.srp", 3)]


@pytest.mark.parametrize("who, mode", [("others", 0o640), ("nobody", 0)])
@pytest.mark.parametrize("name, status", KEPT)
def test_a_secret_that_the_keeper_will_not_read(hub, name, status, who, mode):
    add_rome(hub)
    os.chmod(os.path.join(hub.path, name), mode)
    if mode != 0 or os.geteuid() == 0:
        complains(hub, "%s: %s may read it" % (name, who), status, name[0])


@pytest.mark.parametrize("name, status", KEPT)
def test_a_secret_that_is_a_link(hub, name, status):
    add_rome(hub)
    path = os.path.join(hub.path, name)
    os.rename(path, path + ".real")
    os.symlink(os.path.basename(path) + ".real", path)
    complains(hub, name + ": must be a regular file, not a link", status, name[0])


def test_a_verifier_that_is_no_file_concerns_one_site(hub):
    add_rome(hub)
    os.unlink(hub.path + "/s/keeper/sites/berlin.srp")
    os.mkdir(hub.path + "/s/keeper/sites/berlin.srp")
    complains(hub, "berlin.srp: Is a directory", 3)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file away")
@pytest.mark.parametrize("name, status", KEPT)
def test_a_secret_that_is_not_the_keepers_own(hub, name, status):
    """A start leaves it so where the directory is the keeper's own already."""
    add_rome(hub)
    os.chown(os.path.join(hub.path, name), 0, 0)
    complains(hub, name + ": is not the keeper's own", status, name[0])


@pytest.mark.parametrize("name", ["s/keeper", "s/keeper/sites"])
def test_a_directory_that_the_keeper_cannot_enter(hub, name):
    path = os.path.join(hub.path, name)
    os.rename(path, hub.path + "/elsewhere")
    os.symlink(hub.path + "/elsewhere", path)
    complains(hub, name + ": must be a directory, not a link", 1)
    os.unlink(path)
    os.rename(hub.path + "/elsewhere", path)
    os.chmod(path, 0o750)
    complains(hub, name + ": others may", 1)
    os.chmod(path, 0)
    if os.geteuid() == 0:
        complains(hub, name + ": its owner cannot enter it", 1)


@pytest.mark.parametrize("text", ["", "junk\n", "a" * 32 + "b", "a" * 4096])
@pytest.mark.parametrize("role", ["s", "c"])
def test_an_id_that_is_none(hub, role, text):
    hub.write(role + "/id", text)
    complains(hub, role + "/id: expected 32 hexadecimal digits; remove it", 1,
              role)
    os.unlink(os.path.join(hub.path, role + "/id"))
    os.mkdir(os.path.join(hub.path, role + "/id"))
    complains(hub, role + "/id: Is a directory; remove it", 1, role)
    os.rmdir(os.path.join(hub.path, role + "/id"))
    hub.ok("check", "--static", "--dir", role)


@pytest.mark.parametrize("text", ["gone", "", "junk\n"])
def test_without_a_list_those_by_password_log_in(hub, text):
    hub.ok("site", "add", "rome", "--auth", "certificate", "--dir", "s",
           "--out", "r")
    hub.write("s/crl.pem", text)
    if text == "gone":
        os.unlink(hub.path + "/s/crl.pem")
    complains(hub, "crl.pem: ", 3)


def test_a_file_that_is_too_large(hub):
    hub.write("c/ca.crt", hub.text("c/ca.crt") + "#" * (8 << 20) + "\n")
    complains(hub, "c/ca.crt: File too large", 1, "c")


@certtool
def test_all_complaints_come_at_once(hub):
    issue(hub, "s/keeper/server.key", "s/server.crt", "expired", ("a.b",))
    os.unlink(os.path.join(hub.path, "s/keeper/sites/berlin.srp"))
    os.unlink(os.path.join(hub.path, "s/keeper/server.key"))
    said = complains(hub, "has expired on")
    assert "is not for the name" in said
    assert "berlin.srp: No such file" in said
    assert "server.key: No such file" in said


def test_init_renew_warns_of_a_name_that_is_lost(hub):
    hub.write("s/tombolo.conf", hub.text("s/tombolo.conf").replace(
        "name = vpn.example.org", "name = new.example.org"))
    complains(hub, "is not for the name new.example.org", 1)
    done = hub("init", "--renew", "--dir", "s")
    assert done.returncode == 0
    assert "s/server.crt was also for vpn.example.org" in done.stderr
    hub.ok("check", "--dir", "s", "--static")


# ------------------------------------------------------------------- this host


@pytest.fixture(scope="module")
def host(net):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    return net.host("h")


def check(host, daemon, *words):
    return host.run(*words, binary(), "check", "-c", daemon.conf, check=False)


def test_what_this_host_lacks(net, host):
    server = Hub(host, "one").init("198.18.0.1", "--mode", "tap", "--bridge",
                                   "br0")
    assert check(host, server).returncode == 3
    assert "br0: the bridge does not exist" in check(host, server).stderr
    host.ip("link", "add", "br0", "type", "veth", "peer", "name", "other")
    assert "br0: is not a bridge" in check(host, server).stderr
    host.ip("link", "del", "br0")
    host.ip("link", "add", "br0", "type", "bridge")
    done = check(host, server)
    assert done.returncode == 3 and "br0: the bridge is down" in done.stderr
    host.up("br0")
    assert check(host, server).returncode == 0, check(host, server)
    # Addresses that are not there, of both families.
    server.conf_set("server", "listen", "198.18.0.9", "[fd18::9]:443")
    done = check(host, server)
    assert done.returncode == 3, done
    for address in ("198.18.0.9", "fd18::9"):
        assert "listen = %s: this host does not have" % address in done.stderr
    server.conf_set("server", "listen", "any")
    done = check(host, server, "unshare", "-m", "sh", "-c",
                 'mount -t tmpfs none /dev/net && exec "$@"', "-")
    assert done.returncode == 1 and "/dev/net/tun: No such" in done.stderr
    host.ip("link", "add", "tombolo0", "type", "bridge")
    assert "tombolo0: there is an interface" in check(host, server).stderr
    host.ip("link", "del", "tombolo0")
    assert check(host, server).returncode == 0


def test_ports_that_are_taken_by_another_and_by_our_own(net, host):
    server = Hub(host, "one").init("198.18.0.1", "--mode", "tun")
    other = Hub(host, "two").init("198.18.0.1", "--mode", "tun")
    other.conf_set("interface", "device", "other0")
    server.start()
    assert check(host, server).returncode == 0, "it runs already"
    # As `cp` leaves a renewed one; a start would give it to the keeper.
    key = os.path.join(server.dir, "keeper", "server.key")
    owner = os.stat(key)
    os.chown(key, 0, 0)
    mend = "fix with: chown %d:%d %s" % (owner.st_uid, owner.st_gid, key)
    done = check(host, server)
    assert done.returncode == 3 and mend in done.stderr, done
    server.expect_trouble = True
    done = host.run(binary(), "reload", "-c", server.conf, check=False)
    assert done.returncode == 1 and mend in done.stderr, done
    run("sh", "-c", done.stderr.split("fix with: ")[1].split(";")[0])
    assert check(host, server).returncode == 0
    done = check(host, other)
    assert done.returncode == 1
    for port in ("TCP port 55555: ", "UDP port 55555: "):
        assert port + "Address already in use: stop" in done.stderr
    assert check(host, other).returncode == 1
    assert server.stop() == 0
    assert check(host, other).returncode == 0, check(host, other)


@certtool
def test_the_daemon_says_that_a_certificate_is_of_tomorrow(net, host, cli):
    server = Hub(host, "one").init("198.18.0.1", "--mode", "tun")
    os.symlink(server.dir, os.path.join(cli.path, "s"))
    issue(cli, "s/keeper/server.key", "s/server.crt", "of tomorrow",
          ("198.18.0.1",))
    server.expect_trouble = True
    server.start()
    server.wait_log("is not valid before .*check this host's clock")
    rows = server.status()["certificates"]
    assert any("is not valid before" in r.get("warning", "") for r in rows)
    assert server.stop() == 0


def test_a_pam_service_that_is_missing(net, host):
    if "PAM: yes" not in run(binary(), "version").stdout:
        pytest.skip("no PAM")
    server = Hub(host, "one").init("198.18.0.1", "--mode", "tun")
    server.add_site("berlin", "--auth", "pam", generate=False)
    server.conf_set("server", "pam-service", "nowhere")
    done = check(host, server)
    assert done.returncode == 3 and "/etc/pam.d/nowhere: No such" in done.stderr


@pytest.mark.parametrize("mode", [0o1777, 0o777, 0o775])
def test_a_place_where_others_could_lay_a_journal(net, host, mode):
    """What is in it would be undone as root; `run --sweep` does that, too."""
    place = os.path.join(net.dir, "open%o" % mode)
    os.mkdir(place)
    os.chmod(place, mode)
    server = Hub(host, "one").init("198.18.0.1", "--mode", "tun")
    server.conf_set("server", "socket", place + "/s.sock")
    says = place + ": others may put files there"
    assert says in check(host, server).stderr
    for words in (("run", "--foreground"), ("run", "--sweep")):
        done = host.run(binary(), *words, "-c", server.conf, check=False)
        assert done.returncode == 1 and says in done.stderr, done
    assert os.listdir(place) == []
    os.chmod(place, 0o755)
    assert check(host, server).returncode == 0, check(host, server)


@pytest.mark.parametrize("where, mode, owner, is_open", [
    ("a", 0o777, 0, True), ("a", 0o775, 0, True), ("a/b", 0o757, 0, True),
    ("a", 0o755, 12345, True), ("a/b", 0o1777, 12345, True),
    ("l", None, 12345, True), ("l", None, 0, False), ("a/b", 0o1777, 0, False),
    ("a", 0o1775, 0, False), ("a", 0o711, 0, False)])
def test_a_place_that_others_could_replace(net, host, where, mode, owner,
                                           is_open):
    """The directory is ours alone, but not one above it, or a link to it."""
    top = tempfile.mkdtemp(dir=net.dir)
    os.makedirs(top + "/a/b/c")
    os.symlink("a/b", top + "/l")
    if mode is not None:
        os.chmod(os.path.join(top, where), mode)
    os.lchown(os.path.join(top, where), owner, -1)
    server = Hub(host, "two").init("198.18.0.1", "--mode", "tun")
    server.conf_set("server", "socket", top + (
        "/l/c/s.sock" if where == "l" else "/a/b/c/s.sock"))
    says = "%s/%s: others may put files there" % (top, where)
    done = check(host, server)
    assert (says in done.stderr) == is_open, done
    assert done.returncode == is_open, done
    for words in (("run", "--foreground"), ("run", "--sweep")):
        if is_open:
            done = host.run(binary(), *words, "-c", server.conf, check=False)
            assert done.returncode == 1 and says in done.stderr, done
    assert os.listdir(top + "/a/b/c") == []
