# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands that need no daemon: init, site, join, check, version.

    init --> DIR (server) --site add--> NAME.invite --join--> DIR (client)

What they write, who may read it, and that a command which fails says so in
one line and leaves nothing behind.  No namespace, no root.
"""

import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import types

import pytest

from daemon import binary
from lib import preloaded
from net import run

pytestmark = [
    pytest.mark.without_root,
    pytest.mark.skipif(binary() is None,
                       reason="needs the program: build it, or set TOMBOLO"),
]


class Cli:
    """Runs commands in a directory of its own."""

    def __init__(self, path):
        self.path = str(path)

    def __call__(self, *args, stdin=subprocess.DEVNULL, env=None):
        # A session of its own: no terminal to ask for a password.
        return subprocess.run([binary(), *args], cwd=self.path, stdin=stdin,
                              env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=60, start_new_session=True)

    def ok(self, *args):
        done = self(*args)
        assert done.returncode == 0, done
        return done.stdout

    def fails(self, *args, status=1, says="", lines=1):
        """It fails, says why in so many lines, and changes no file."""
        before = self.tree()
        done = self(*args)
        assert done.returncode == status, done
        assert done.stdout == "", done
        assert done.stderr.count("\n") == lines, done
        assert says in done.stderr, done
        assert self.tree() == before
        return done.stderr

    def on_full_disk(self, *args):
        """No file can be written to: it fails, and changes none."""
        before = self.tree()
        done = run("bash", "-c", 'trap "" XFSZ; ulimit -f 0; cd "$0" && exec "$@"',
                   self.path, binary(), *args, check=False)
        assert done.returncode == 1, done
        assert self.tree() == before

    def tree(self):
        """Every file and directory, with mode and content."""
        found = {}
        for top, dirs, files in os.walk(self.path):
            for name in dirs + files:
                path = os.path.join(top, name)
                mode = stat.S_IMODE(os.lstat(path).st_mode)
                found[os.path.relpath(path, self.path)] = (
                    mode, None if name in dirs else self.read(path))
        return found

    def read(self, name):
        with open(os.path.join(self.path, name), "rb") as f:
            return f.read()

    def text(self, name):
        return self.read(name).decode()

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.path, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return name

    def mode(self, name):
        return stat.S_IMODE(os.stat(os.path.join(self.path, name)).st_mode)

    def sites(self, dir="s"):
        return {s["name"]: s for s in
                json.loads(self.ok("site", "list", "--dir", dir, "--json"))}


@pytest.fixture
def cli(tmp_path):
    return Cli(tmp_path)


@pytest.fixture
def tap(cli):
    cli.ok("init", "--name", "vpn.example.org", "--dir", "s", "--bridge", "br0")
    return cli


@pytest.fixture
def tun(cli):
    cli.ok("init", "--name", "vpn.example.org", "--dir", "s", "--mode", "tun")
    return cli


COMMANDS = ["init", "site", "site add", "site set", "site list", "site show", "site passwd",
            "site disable", "site enable", "site remove", "join", "check",
            "reload", "version"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_printed_and_nothing_done(cli, command):
    out = cli.ok(*command.split(), "--help")
    assert out.startswith("usage: tombolo %s" % command)
    assert cli.tree() == {}


@pytest.mark.parametrize("command", [c for c in COMMANDS if c != "site"])
def test_unknown_options_are_wrong_usage(cli, command):
    for bad in ("--no-such-option", "-q", "--help=1", "--password=x"):
        cli.fails(*command.split(), bad, status=2)


@pytest.mark.parametrize("args", [
    "init", "init --name", "init --name=", "init --name a b", "init --name a:0",
    "init --name a --mode tip", "init --name -a", "init --name a --name b",
    "init --name 'a", "init --name a --nat=1", "site", "site frob", "site add",
    "site add a b", "site add Berlin", "site add ../x", "site add .a",
    "site show", "site list x", "site remove /etc/passwd",
    "site add a --generate --password-file f", "site add a --auth none",
    "site set a --subnet --dir s", "site set a --subnet -c", "init --name --dir",
    "site add a --out --generate", "check -c --static", "join a --dir -c b",
    "join", "join a b", "check x", "version x", "frob", "doctor",
    "status --watch"])
def test_wrong_usage_is_2_and_one_line(cli, args):
    cli.fails(*args.split(), status=2)


def test_version_names_libraries_and_features(cli):
    out = cli.ok("version")
    for want in (r"^tombolo \d", r"gnutls \d", r"nettle \d", r"jansson \d",
                 r"libnl \d", r"X25519MLKEM768: (yes|no)$",
                 r"TLS-SRP: (yes|no)$", r"PAM: (yes|no)$",
                 r"seccomp: (yes|no)$", r"Landlock: (no|ABI \d+)$",
                 r"AEAD: (GnuTLS|libipsec-mb \d\S+, .*)$",
                 r"methods: srp, password(, pam)?, certificate(, tls-srp)?$",
                 r"workers by default: \d+$"):
        assert re.search(want, out, re.M), out


# -- init

def test_init_makes_a_checked_and_private_site(tap):
    assert tap.ok("check", "--static", "-c", "s/tombolo.conf") == "s/tombolo.conf: ok\n"
    modes = {"s": 0o755, "s/tombolo.conf": 0o644, "s/sites.d": 0o755,
             "s/ca.crt": 0o644, "s/server.crt": 0o644, "s/ca.key": 0o600,
             "s/crl.pem": 0o644,
             "s/id": 0o644, "s/keeper": 0o700, "s/keeper/server.key": 0o600,
             "s/keeper/sites": 0o700}
    assert {n: m for n, (m, _) in tap.tree().items()} == modes
    text = tap.text("s/tombolo.conf")
    assert "\nbridge = br0\n" in text and "\n#port = 55555\n" in text
    assert "nat" not in text


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: files change hands")
def test_keys_belong_to_the_keeper_and_the_ca_key_to_root(tap):
    def owner(name):
        return os.stat(os.path.join(tap.path, name)).st_uid
    assert owner("s/ca.key") == 0 and owner("s/tombolo.conf") == 0
    assert owner("s/keeper") == owner("s/keeper/server.key") != 0
    tap.ok("site", "add", "berlin", "--generate", "--dir", "s")
    assert owner("s/keeper/sites/berlin.srp") == owner("s/keeper")
    assert owner("s/sites.d/berlin.conf") == 0 == owner("berlin.invite")
    tap.ok("join", "berlin.invite", "--dir", "c")
    assert owner("c/keeper/password") == owner("c/keeper") != 0


def test_a_strict_umask_does_not_hide_the_configuration(cli):
    old = os.umask(0o077)
    try:
        cli.ok("init", "--name", "a", "--dir", "s")
    finally:
        os.umask(old)
    assert cli.mode("s") == 0o755 and cli.mode("s/ca.crt") == 0o644


def test_init_takes_all_it_is_told(cli):
    cli.ok("init", "--name", "[2001:db8::1]:4433", "--dir", "s", "--mode", "tun",
           "--network", "10.1.0.0/16", "--network", "fd00:1::/48",
           "--tunnel-network", "10.8.0.0/24", "--tunnel-network", "fd00:8::/64",
           "--nat")
    lines = cli.ok("check", "--static", "-v", "--dir", "s").splitlines()
    for want in ("name = 2001:db8::1", "port = 4433", "mode = tun", "nat = yes",
                 "network = 10.1.0.0/16", "network = fd00:1::/48",
                 "tunnel-network = 10.8.0.0/24",
                 "tunnel-network = fd00:8::/64"):
        assert want in lines


@pytest.mark.parametrize("where", [["--dir", "s"], ["--dir=s"],
                                   ["-c", "s/tombolo.conf"],
                                   ["-cs/tombolo.conf"],
                                   ["--config=s/tombolo.conf"]],
                         ids=lambda words: words[0])
def test_where_may_stand_before_the_command(tap, where):
    assert "ok" in tap.ok(*where, "check", "--static")
    tap.ok(*where, "site", "add", "berlin", "--generate")
    assert "berlin" in tap.ok("site", *where, "list")
    assert "usage" in tap.ok(*where, "--help")
    assert "no such command" in tap.fails(*where, "chek", status=2)


def test_help_has_whole_sentences_and_helps_with_itself(cli):
    lines = cli.ok("site", "--help").split("\n\n")[1].splitlines()
    assert len(lines) == 8
    for line in lines:
        assert line.endswith("."), line
    for option in ("--help", "-h"):
        assert cli.ok("help", option) == cli.ok("--help")


@pytest.mark.parametrize("args, says", [
    ("--network 10.0.0.0/24", "network is for mode = tun"),
    ("--nat", "nat is for mode = tun"),
    ("--mode tun --bridge br0", "bridge is for mode = tap"),
    ("--mode tun --network 10.0.0.1/24", "write 10.0.0.0/24"),
    ("--mode tun --network x", "expected ADDRESS/LENGTH"),
    ("--mode tun --tunnel-network 10.0.0.0/31", "expected a length"),
    ("--mode tun --network 10.4.2.0/24", "lies in tunnel-network"),
    ("--bridge a/b", "expected an interface name"),
    ("--bridge tombolo0", "device and bridge are both")])
def test_init_refuses_what_check_would(cli, args, says):
    line = cli.fails("init", "--name", "a", "--dir", "s", *args.split(),
                     says=says)
    assert line.startswith("tombolo: init: ") and ".conf" not in line


def test_an_argument_cannot_smuggle_in_lines(cli):
    cli.fails("init", "--name", "a", "--dir", "s", "--bridge", "br0\nmtu = 1300")
    cli.fails("init", "--name", "a\nport = 1", "--dir", "s", status=2)


def test_init_never_replaces_a_site(tap):
    tap.fails("init", "--name", "a", "--dir", "s", says="is there already")
    os.unlink(os.path.join(tap.path, "s/tombolo.conf"))
    tap.fails("init", "--name", "a", "--dir", "s", says="ca.key is there")


@pytest.mark.parametrize("there", ["ca.crt", "server.crt", "sites.d", "keeper"])
def test_init_that_fails_half_way_leaves_nothing(cli, there):
    os.mkdir(os.path.join(cli.path, "s"))
    cli.write("s/" + there, "mine")
    cli.fails("init", "--name", "a", "--dir", "s", says=there)


def test_init_needs_a_directory_to_be_in(cli):
    cli.fails("init", "--name", "a", "--dir", "no/where",
              says="No such file or directory")


# -- init --renew

def openssl_end(path):
    return run("openssl", "x509", "-in", path, "-noout", "-enddate",
               "-serial").stdout


def test_renew_replaces_the_certificate_and_keeps_keys_and_ca(tap):
    crt = os.path.join(tap.path, "s/server.crt")
    before = {p: tap.text(p) for p in ("s/ca.crt", "s/ca.key",
                                       "s/keeper/server.key")}
    old, serial = tap.text("s/server.crt"), openssl_end(crt)
    out = tap.ok("init", "--renew", "--dir", "s")
    assert "server.crt is renewed, for vpn.example.org until 20" in out
    assert tap.text("s/server.crt") != old
    assert openssl_end(crt) != serial
    assert before == {p: tap.text(p) for p in before}
    assert tap.mode("s/server.crt") == 0o644
    run("openssl", "verify", "-CAfile", os.path.join(tap.path, "s/ca.crt"),
        "-verify_hostname", "vpn.example.org", crt)
    pub = run("openssl", "x509", "-in", crt, "-noout", "-pubkey").stdout
    assert pub == run("openssl", "pkey", "-pubout", "-in", os.path.join(
        tap.path, "s/keeper/server.key")).stdout


def test_renew_follows_the_name_of_the_configuration(tap):
    tap.write("s/tombolo.conf", tap.text("s/tombolo.conf").replace(
        "vpn.example.org\n", "hub.example.org\n"))
    assert "for hub.example.org" in tap.ok("init", "--renew", "--dir", "s")
    run("openssl", "verify", "-CAfile", os.path.join(tap.path, "s/ca.crt"),
        "-verify_hostname", "hub.example.org",
        os.path.join(tap.path, "s/server.crt"))


@pytest.mark.parametrize("text", [b"[site rome]\njunk\n", b"\xff\xfe[\0", None])
def test_renew_is_not_held_up_by_a_fault_of_a_site(tap, text):
    path = os.path.join(tap.path, "s/sites.d/rome.conf")
    if text is None:
        os.symlink("rome.conf", path)
    else:
        with open(path, "wb") as f:
            f.write(text)
    assert "is renewed" in tap.ok("init", "--renew", "--dir", "s")


def test_renew_that_cannot_leaves_all_as_it_was(tap):
    tap.ok("site", "add", "berlin", "--generate", "--dir", "s")
    tap.ok("join", "berlin.invite", "--dir", "c")
    tap.fails("init", "--renew", "--dir", "c", says="is for the hub")
    tap.fails("init", "--renew", "--dir", "nowhere", says="nowhere")
    for options in (["--name", "a"], ["--nat"], ["--mode", "tun"],
                    ["--auth", "srp"]):
        tap.fails("init", "--renew", "--dir", "s", *options, status=2)
    mine = tap.text("s/server.crt")
    key = os.path.join(tap.path, "s/ca.key")
    os.rename(key, key + ".away")
    tap.fails("init", "--renew", "--dir", "s", says="needs the CA's key")
    tap.ok("init", "--name", "other", "--dir", "o")
    tap.write("s/ca.key", tap.text("o/ca.key"))
    os.chmod(key, 0o600)
    tap.fails("init", "--renew", "--dir", "s",
              says="ca.key is not the key of ca.crt")
    os.rename(key + ".away", key)
    assert tap.text("s/server.crt") == mine
    # One of another CA's is another one's to renew.
    tap.write("s/server.crt", tap.text("o/server.crt"))
    tap.fails("init", "--renew", "--dir", "s", says="was not made by ca.crt")
    assert tap.text("s/server.crt") == tap.text("o/server.crt")
    os.unlink(os.path.join(tap.path, "s/server.crt"))
    tap.ok("init", "--renew", "--dir", "s")


# -- site add and the invitation

def test_generated_secret_is_only_in_the_invitation(tap):
    out = tap.ok("site", "add", "berlin", "--generate", "--dir", "s")
    invite = json.loads(tap.text("berlin.invite"))
    assert tap.mode("berlin.invite") == 0o600
    assert re.fullmatch(r"([a-z2-9]{4}-){6}[a-z2-9]{4}", invite["secret"])
    assert re.fullmatch(r"[0-9a-f]{8} [0-9a-f]{64}", invite["psk"])
    assert {k: invite[k] for k in invite if k not in ("ca", "secret", "psk")} == {
        "tombolo-invitation": 1, "server": "vpn.example.org", "port": 55555,
        "name": "vpn.example.org", "site": "berlin", "mode": "tap",
        "auth": "srp"}
    assert invite["ca"] == tap.text("s/ca.crt")
    assert invite["secret"] not in out
    for name, (_, content) in tap.tree().items():
        if name != "berlin.invite" and content is not None:
            assert invite["secret"].encode() not in content
            assert invite["psk"][9:].encode() not in content
    assert tap.mode("s/keeper/sites/berlin.srp") == 0o600
    assert tap.text("s/keeper/sites/berlin.srp").count("\n") == 1
    assert "join berlin.invite" in out


def test_password_of_a_file_is_in_no_invitation(tap):
    tap.write("pw", "open sesame\n")
    tap.ok("site", "add", "berlin", "--password-file", "pw", "--dir", "s",
           "--out", "x.invite")
    assert "secret" not in json.loads(tap.text("x.invite"))
    assert "sesame" not in tap.text("x.invite")


@pytest.mark.parametrize("content, says", [
    ("", "is empty"), ("\n", "is empty"), ("a\nb\n", "not one line"),
    ("a\0b", "not one line"), ("a" * 512, "longer than 511"),
    ("a" * 5000, "larger than any password")])
def test_bad_password_files_are_refused(tap, content, says):
    tap.write("pw", content)
    tap.fails("site", "add", "berlin", "--password-file", "pw", "--dir", "s",
              says=says)
    tap.fails("site", "add", "berlin", "--password-file", "none", "--dir", "s",
              says="No such file")


def test_the_longest_password_is_taken(tap):
    tap.write("pw", "a" * 511 + "\n")
    tap.ok("site", "add", "berlin", "--password-file", "pw", "--dir", "s")
    tap.ok("join", "berlin.invite", "--password-file", "pw", "--dir", "c")
    assert tap.text("c/keeper/password") == "a" * 511 + "\n"


def test_without_a_terminal_nobody_is_asked(tap):
    tap.fails("site", "add", "berlin", "--dir", "s", says="no terminal")


def test_a_site_is_not_added_twice(tap):
    tap.ok("site", "add", "berlin", "--generate", "--dir", "s")
    tap.fails("site", "add", "berlin", "--generate", "--dir", "s", "--out", "x",
              says="is there already")


def test_a_second_join_is_told_of_update(tap):
    tap.ok("site", "add", "berlin", "--generate", "--dir", "s")
    tap.ok("join", "berlin.invite", "--dir", "c")
    tap.fails("join", "berlin.invite", "--dir", "c", says="--update changes it")


def test_a_second_join_is_told_of_update(tap):
    tap.ok("site", "add", "berlin", "--generate", "--dir", "s")
    tap.ok("join", "berlin.invite", "--dir", "c")
    tap.fails("join", "berlin.invite", "--dir", "c", says="--update changes it")


def test_an_invitation_is_never_replaced(tap):
    tap.write("berlin.invite", "mine")
    tap.fails("site", "add", "berlin", "--generate", "--dir", "s",
              says="is there already")
    tap.fails("site", "add", "berlin", "--generate", "--dir", "s", "--out",
              "no/where", says="No such file")


def test_half_an_addition_is_taken_back(tap):
    """The last step cannot be done: its place is taken by a directory."""
    os.mkdir(os.path.join(tap.path, "s/sites.d/berlin.conf.x"))
    os.rename(os.path.join(tap.path, "s/sites.d"),
              os.path.join(tap.path, "s/gone"))
    tap.fails("site", "add", "berlin", "--generate", "--dir", "s",
              says="sites.d/berlin.conf")


def test_sites_get_the_lowest_free_address(tun):
    for name, want in (("a", "10.4.2.2"), ("b", "10.4.2.3"), ("c", "10.4.2.4")):
        assert want in tun.ok("site", "add", name, "--generate", "--dir", "s")
    tun.ok("site", "remove", "b", "--dir", "s")
    tun.ok("site", "disable", "a", "--dir", "s")
    tun.ok("site", "add", "d", "--generate", "--dir", "s")
    assert tun.sites()["d"]["addresses"] == ["10.4.2.3"]
    tun.ok("site", "add", "e", "--generate", "--dir", "s", "--address",
           "10.4.2.77", "--subnet", "10.0.7.0/24", "--subnet", "fd00:7::/64")
    assert tun.sites()["e"] == {
        "name": "e", "disabled": False, "faulty": False, "auth": "srp",
        "addresses": ["10.4.2.77"], "subnets": ["10.0.7.0/24", "fd00:7::/64"], "default-route": False}


def test_each_tunnel_network_gives_an_address_until_it_is_full(cli):
    cli.ok("init", "--name", "a", "--dir", "s", "--mode", "tun",
           "--tunnel-network", "fd00:8::/64", "--tunnel-network", "10.8.0.0/29")
    for i in range(5):
        cli.ok("site", "add", "s%d" % i, "--generate", "--dir", "s")
    assert cli.sites()["s4"]["addresses"] == ["fd00:8::6", "10.8.0.6"]
    cli.fails("site", "add", "s5", "--generate", "--dir", "s",
              says="no address is free in tunnel-network 10.8.0.0/29")


@pytest.mark.parametrize("args, says", [
    ("--address 10.4.2.1", "is the hub's own"),
    ("--address 10.4.2.2", "of site a"),
    ("--address 10.4.3.2", "is in no tunnel network"),
    ("--address 10.4.2.255", "is no host address"),
    ("--address 10.4.2.9/24", "without a length"),
    ("--subnet 10.0.7.128/25", "of site a"),
    ("--subnet 10.4.0.0/16", "overlaps tunnel-network"),
    ("--subnet 10.0.9.1/24", "write 10.0.9.0/24"),
    ("--subnet 10.0.9.0/24#", "expected ADDRESS/LENGTH")])
def test_addition_is_checked_with_all_the_rest(tun, args, says):
    tun.ok("site", "add", "a", "--generate", "--dir", "s", "--subnet",
           "10.0.7.0/24")
    line = tun.fails("site", "add", "b", "--generate", "--dir", "s",
                     *args.split(), says=says)
    assert line.startswith("tombolo: site b: ") and not re.search(r":\d+:", line)


def test_addresses_are_no_business_of_tap(tap):
    tap.fails("site", "add", "b", "--generate", "--dir", "s", "--address",
              "10.4.2.2", says="address is for mode = tun")


def test_broken_ca_makes_no_invitation(tap):
    tap.write("s/ca.crt", "junk")
    tap.fails("site", "add", "berlin", "--generate", "--dir", "s", says="ca.crt")


# -- the other site commands

def test_sites_are_listed_and_shown(tun):
    assert "no sites" in tun.ok("site", "list", "--dir", "s")
    assert tun.sites() == {}
    tun.ok("site", "add", "berlin", "--generate", "--dir", "s", "--subnet",
           "10.0.7.0/24")
    assert re.search(r"^berlin +enabled +srp +10\.4\.2\.2 +10\.0\.7\.0/24$",
                     tun.ok("site", "list", "--dir", "s"), re.M)
    assert tun.ok("site", "show", "berlin", "--dir", "s") == \
        tun.text("s/sites.d/berlin.conf")
    assert json.loads(tun.ok("site", "show", "berlin", "--dir", "s",
                             "--json")) == tun.sites()["berlin"]


# -- site set

MINE = """# my notes
[site berlin] # here
address = 10.4.2.2 # the router
# printers
subnet = \\
  10.0.7.0/24
subnet = 10.0.8.0/24
auth = srp
# the end"""


@pytest.fixture
def berlin(tun):
    tun.ok("site", "add", "berlin", "--generate", "--dir", "s")
    tun.write("s/sites.d/berlin.conf", MINE)
    return tun


@pytest.mark.parametrize("args, was, becomes", [
    ("--subnet 10.0.9.0/24", "subnet = \\\n  10.0.7.0/24\nsubnet = 10.0.8.0/24",
     "subnet = 10.0.9.0/24"),
    ("--subnet 10.0.7.0/24 --subnet fd07::/64",
     "subnet = \\\n  10.0.7.0/24\nsubnet = 10.0.8.0/24",
     "subnet = 10.0.7.0/24\nsubnet = fd07::/64"),
    ("--subnet none", "subnet = \\\n  10.0.7.0/24\nsubnet = 10.0.8.0/24\n", ""),
    ("--address 10.4.2.77", "address = 10.4.2.2 # the router",
     "address = 10.4.2.77"),
    ("--default-route", "# here\n", "# here\ndefault-route = yes\n"),
    ("--no-default-route", "", ""),
])
def test_a_site_is_changed_and_its_notes_stay(berlin, args, was, becomes):
    berlin.ok("site", "set", "berlin", "--dir", "s", *args.split())
    assert berlin.text("s/sites.d/berlin.conf") == MINE.replace(was, becomes)
    berlin.ok("check", "--static", "--dir", "s")


def test_a_default_route_is_given_and_taken(berlin):
    out = berlin.ok("site", "set", "berlin", "--dir", "s", "--default-route")
    assert "accept-default-route = yes" in out
    assert berlin.sites()["berlin"]["default-route"]
    berlin.ok("site", "set", "berlin", "--dir", "s", "--no-default-route")
    assert berlin.text("s/sites.d/berlin.conf") == MINE


@pytest.mark.parametrize("args, says", [
    ("--address 10.5.0.1", "is in no tunnel network"),
    ("--address 10.4.2.1", "the hub's own"),
    ("--address 10.4.2.3", "overlaps"),
    ("--address none", "address"),
    ("--subnet 10.0.1.0/24", "overlaps"),
    ("--subnet 10.0.7.1/24", "write 10.0.7.0/24"),
    ("--subnet none --subnet 10.0.9.0/24", "expected ADDRESS/LENGTH")])
def test_a_change_is_checked_with_all_the_rest(berlin, args, says):
    berlin.ok("site", "add", "b", "--generate", "--dir", "s", "--subnet",
              "10.0.1.0/24")
    berlin.fails("site", "set", "berlin", "--dir", "s", *args.split(),
                 says=says)


def test_a_change_of_nothing_is_wrong_usage(berlin):
    for args in ([], ["--default-route", "--no-default-route"]):
        berlin.fails("site", "set", "berlin", "--dir", "s", *args, status=2)


@pytest.mark.parametrize("verb", ["show", "passwd", "disable", "enable",
                                  "remove", "set --subnet none"])
def test_unknown_sites_are_said_to_be(tap, verb):
    tap.fails("site", *verb.split(), "nobody", "--dir", "s",
              says="there is no site nobody")


def test_disabling_keeps_everything_and_enabling_restores_it(tap):
    tap.ok("site", "add", "berlin", "--generate", "--dir", "s")
    mine = "# my notes\n\n  [site berlin] # here\nauth = \\\n srp\n# end"
    tap.write("s/sites.d/berlin.conf", mine)
    tap.ok("site", "disable", "berlin", "--dir", "s")
    assert tap.sites()["berlin"]["disabled"]
    assert "# my notes" in tap.text("s/sites.d/berlin.conf")
    tap.ok("site", "disable", "berlin", "--dir", "s")
    tap.ok("site", "enable", "berlin", "--dir", "s")
    assert tap.text("s/sites.d/berlin.conf") == mine
    tap.ok("site", "enable", "berlin", "--dir", "s")
    assert tap.text("s/sites.d/berlin.conf") == mine


@pytest.mark.parametrize("fault", ["foo = 1\n", "[server\n", "mtu =\n"])
@pytest.mark.parametrize("words", ["enable a", "add b --generate",
                                   "set a --subnet 10.0.7.0/24"])
def test_with_a_fault_elsewhere_it_is_said_that_nothing_is_changed(
        tun, words, fault):
    tun.ok("site", "add", "a", "--generate", "--dir", "s")
    tun.write("s/tombolo.conf", tun.text("s/tombolo.conf") + fault)
    before = tun.tree()
    done = tun("site", *words.split(), "--dir", "s")
    assert done.returncode == 1 and "s/tombolo.conf:" in done.stderr
    assert done.stderr.endswith(
        ": site %s: nothing is changed\n" % words.split()[0])
    assert tun.tree() == before


@pytest.mark.parametrize("words", ["passwd a --generate", "list", "show a",
                                   "disable a", "remove a"])
def test_with_a_fault_elsewhere_what_was_done_comes_first(tun, words):
    """As in a file that both outputs go to."""
    tun.ok("site", "add", "a", "--generate", "--dir", "s", "--out", "x")
    tun.write("s/tombolo.conf", tun.text("s/tombolo.conf") + "foo = 1\n")
    done = subprocess.run(
        [binary(), "site", *words.split(), "--dir", "s"], cwd=tun.path,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) > 1, done
    faults = [l for l in lines if "tombolo.conf" in l]
    assert faults == lines[-1:] and re.search(
        "site .*: done, but s/tombolo.conf has an error", faults[0]), done


@pytest.mark.parametrize("claims", [
    "address = 10.4.2.9", "address = 10.4.2.9\nsubnet = 10.0.7.0/24"])
def test_all_that_overlap_are_faulty(tun, claims):
    for name in "abcd":
        tun.write("s/sites.d/%s.conf" % name, "[site %s]\n%s\n" % (
            name, claims if name != "c" else "address = 10.4.2.7"))
    assert {n: s["faulty"] for n, s in tun.sites().items()} == {
        "a": True, "b": True, "c": False, "d": True}


def test_enabling_is_checked_with_all_the_rest(tun):
    tun.ok("site", "add", "a", "--generate", "--dir", "s")
    tun.write("s/sites.d/b.conf", "[site b]\naddress = 10.4.2.2\ndisabled = yes\n")
    tun.fails("site", "enable", "b", "--dir", "s", says="overlaps")


def test_disable_and_remove_mend_a_broken_configuration(tun):
    for name in "ab":
        tun.write("s/sites.d/%s.conf" % name,
                  "[site %s]\naddress = 10.4.2.2\n" % name)
    # Which of them was first, only the daemon knows.
    assert [s["faulty"] for s in tun.sites().values()] == [True, True]
    for name in "ab":
        tun.fails("site", "show", name, "--dir", "s", says="overlaps", lines=2)
    tun.ok("site", "passwd", "a", "--generate", "--dir", "s")
    tun.ok("site", "disable", "a", "--dir", "s")
    assert not any(s["faulty"] for s in tun.sites().values())
    tun.ok("site", "show", "b", "--dir", "s")
    tun.ok("site", "remove", "a", "--dir", "s")
    assert list(tun.sites()) == ["b"]


@pytest.mark.parametrize("text, says", [
    (lambda b: b.decode().encode("utf-16"), "is UTF-16; save it as UTF-8"),
    (lambda b: b.decode().encode("utf-16-be"), "is UTF-16; save it as UTF-8"),
    (lambda b: b + b"\0", "has a control character in it")])
@pytest.mark.parametrize("words", ["disable a", "set a --subnet none"])
def test_what_cannot_be_read_is_not_edited(tun, words, text, says):
    tun.ok("site", "add", "a", "--generate", "--dir", "s")
    path = os.path.join(tun.path, "s/sites.d/a.conf")
    with open(path, "rb") as f:
        text = text(f.read())
    with open(path, "wb") as f:
        f.write(text)
    tun.fails("site", *words.split(), "--dir", "s",
              says="sites.d/a.conf: " + says)


def without_psk_key(tree):
    """The hub's own, from the first `site add` on; nothing of a site's."""
    return {n: tree[n] for n in tree if n != "s/keeper/psk.key"}


def test_removal_leaves_nothing_of_the_site(tap):
    before = tap.tree()
    tap.ok("site", "add", "berlin", "--generate", "--dir", "s")
    os.unlink(os.path.join(tap.path, "berlin.invite"))
    tap.ok("site", "remove", "berlin", "--dir", "s")
    assert without_psk_key(tap.tree()) == before


@pytest.mark.parametrize("method", ["srp", "password"])
def test_another_password_makes_another_invitation(tap, method):
    file = "s/keeper/sites/berlin." + method
    tap.ok("site", "add", "berlin", "--generate", "--dir", "s", "--auth", method)
    hash = tap.text(file)
    tap.fails("site", "passwd", "berlin", "--generate", "--dir", "s",
              says="berlin.invite is there already")
    tap.ok("site", "passwd", "berlin", "--generate", "--dir", "s", "--out",
           "new.invite")
    old, new = (json.loads(tap.text(n)) for n in ("berlin.invite", "new.invite"))
    assert old.pop("secret") != new.pop("secret")
    assert old.pop("psk") != new.pop("psk") and old == new
    assert tap.text(file) != hash
    hash = tap.text(file)
    tap.write("pw", "sesame")
    assert "has another password" in tap.ok(
        "site", "passwd", "berlin", "--password-file", "pw", "--dir", "s")
    assert tap.text(file) != hash
    assert tap.mode(file) == 0o600


def test_a_full_disk_leaves_the_old_password(tap):
    tap.ok("site", "add", "berlin", "--generate", "--dir", "s")
    tap.write("pw", "sesame")
    tap.on_full_disk("site", "passwd", "berlin", "--password-file", "pw",
                     "--dir", "s")


def test_sites_are_managed_at_the_primary_site_only(tap):
    tap.ok("site", "add", "berlin", "--generate", "--dir", "s")
    tap.ok("join", "berlin.invite", "--dir", "c")
    tap.fails("site", "list", "--dir", "c", says="at the hub")
    tap.fails("site", "list", "--dir", "none", says="No such file")
    tap.fails("site", "add", "x", "--generate", "--dir", "keeper",
              says="No such file")


# -- methods

METHODS = ["srp", "password", "pam", "certificate", "tls-srp"]


def has(cli, method):
    """Whether this build has the method."""
    return re.search(r"^methods: .*\b(?<!-)%s\b" % method, cli.ok("version"),
                     re.M) is not None


def need(cli, method):
    if not has(cli, method):
        pytest.skip("this build has no " + method)


def allow(cli, *methods):
    """Puts `auth` lines into the hub's configuration."""
    text = cli.text("s/tombolo.conf")
    cli.write("s/tombolo.conf", text.replace("[server]\n", "[server]\n" + "".join(
        "auth = %s\n" % m for m in methods), 1))


@pytest.fixture
def all_methods(cli):
    """A server with every method that this build has."""
    args = [a for m in METHODS if has(cli, m) for a in ("--auth", m)]
    cli.ok("init", "--name", "vpn.example.org", "--dir", "s", *args)
    return cli


def add(cli, name, method, *args):
    if method != "certificate" and not args:
        args = ("--generate",)
    return cli.ok("site", "add", name, "--dir", "s", "--auth", method, *args)


@pytest.mark.parametrize("method", ["srp", "password", "pam", "tls-srp"])
def test_server_keeps_no_secret_of_any_method(all_methods, method):
    cli = all_methods
    need(cli, method)
    add(cli, "berlin", method)
    invite = json.loads(cli.text("berlin.invite"))
    assert invite["auth"] == method and "key" not in invite
    file = "s/keeper/sites/berlin." + method
    assert cli.mode(file) == 0o600 and cli.text(file).count("\n") == 1
    assert {n for n in cli.tree() if "/berlin." in n and n != file} == {
        "s/sites.d/berlin.conf", "s/keeper/sites/berlin.psk"}
    for name, (_, content) in cli.tree().items():
        if name != "berlin.invite" and content is not None:
            assert invite["secret"].encode() not in content
            assert invite["psk"][9:].encode() not in content
    if method == "pam":
        assert re.fullmatch(r"[0-9a-f]{32}\n", cli.text(file))
    if method == "password":
        assert re.fullmatch(r"\$y\$[./0-9A-Za-z$]+\n", cli.text(file))
    assert "auth = %s\n" % method in cli.ok("site", "show", "berlin", "--dir",
                                            "s")
    cli.ok("join", "berlin.invite", "--dir", "c")
    assert cli.text("c/keeper/password") == invite["secret"] + "\n"
    assert "\nauth = %s\n" % method in cli.text("c/tombolo.conf")


def openssl(cli, *args):
    done = subprocess.run(["openssl", *args], cwd=cli.path, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def is_good(cli, cert, *args):
    return openssl(cli, "verify", "-CAfile", "s/ca.crt", "-purpose",
                   "sslclient", *args, cert)[0] == 0


needs_openssl = pytest.mark.skipif(
    not any(os.access(os.path.join(d, "openssl"), os.X_OK) for d in
            os.environ["PATH"].split(":")), reason="needs openssl")


@needs_openssl
def test_certificate_and_key_go_into_the_invitation_only(tap):
    before = set(tap.tree())
    out = add(tap, "berlin", "certificate")
    assert "it contains the key" in out
    assert set(tap.tree()) - before == {
        "berlin.invite", "s/sites.d/berlin.conf", "s/sites.d/berlin.crt",
        "s/keeper/psk.key", "s/keeper/sites/berlin.psk"}
    invite = json.loads(tap.text("berlin.invite"))
    assert tap.mode("berlin.invite") == 0o600 and "secret" not in invite
    assert invite["certificate"] == tap.text("s/sites.d/berlin.crt")
    tap.ok("join", "berlin.invite", "--dir", "c")
    modes = {n: m for n, (m, _) in tap.tree().items() if n.startswith("c")}
    assert modes == {"c": 0o755, "c/tombolo.conf": 0o644, "c/id": 0o644,
                     "c/ca.crt": 0o644,
                     "c/client.crt": 0o644, "c/keeper": 0o700,
                     "c/keeper/client.key": 0o600,
                     "c/keeper/psk": 0o600}
    assert tap.text("c/keeper/client.key") == invite["key"]
    assert is_good(tap, "c/client.crt")
    status, text = openssl(tap, "x509", "-in", "c/client.crt", "-noout",
                           "-subject", "-pubkey", "-ext",
                           "extendedKeyUsage,basicConstraints")
    assert re.search(r"CN ?= ?berlin$", text, re.M), text
    assert "TLS Web Client Authentication" in text and "CA:TRUE" not in text
    assert openssl(tap, "pkey", "-in", "c/keeper/client.key", "-pubout")[1] in \
        text
    # Nor can it play the server.
    assert openssl(tap, "verify", "-CAfile", "s/ca.crt", "-purpose",
                   "sslserver", "c/client.crt")[0] != 0


@needs_openssl
def test_certificate_is_revoked_by_passwd_and_remove(tap):
    crl = ("-crl_check", "-CRLfile", "s/crl.pem")
    for name in ("a", "b"):
        add(tap, name, "certificate")
    first = tap.write("first.crt", tap.text("s/sites.d/a.crt"))
    out = tap.ok("site", "passwd", "a", "--dir", "s", "--out", "new.invite")
    assert "a new certificate; the old one is revoked" in out
    assert tap.mode("s/crl.pem") == 0o644
    new = tap.write("new.crt",
                    json.loads(tap.text("new.invite"))["certificate"])
    assert tap.text("s/sites.d/a.crt") == tap.text(new) != tap.text(first)
    assert is_good(tap, first)
    assert not is_good(tap, first, *crl)
    assert is_good(tap, new, *crl) and is_good(tap, "s/sites.d/b.crt", *crl)
    tap.ok("site", "remove", "a", "--dir", "s")
    assert not is_good(tap, first, *crl) and not is_good(tap, new, *crl)
    assert is_good(tap, "s/sites.d/b.crt", *crl)
    assert not [n for n in tap.tree() if n.startswith("s/sites.d/a.")]
    # The name again: what was issued before does not count again.
    add(tap, "a", "srp", "--generate", "--out", "x")
    assert not is_good(tap, new, *crl)


def test_without_the_ca_key_nothing_is_issued_or_revoked(tap):
    add(tap, "berlin", "certificate")
    os.rename(os.path.join(tap.path, "s/ca.key"),
              os.path.join(tap.path, "safe"))
    tap.fails("site", "add", "x", "--auth", "certificate", "--dir", "s",
              says="s/ca.key: No such file")
    tap.fails("site", "passwd", "berlin", "--dir", "s", "--out", "x",
              says="needs the CA's key")
    # A site must go when it must; its certificate waits.
    done = tap("site", "remove", "berlin", "--dir", "s")
    assert done.returncode == 1 and "certificate not revoked" in done.stdout
    assert "s/sites.d/berlin.crt" in tap.tree()
    tap.fails("site", "add", "berlin", "--generate", "--dir", "s", "--out",
              "x", says="needs the CA's key")
    os.rename(os.path.join(tap.path, "safe"),
              os.path.join(tap.path, "s/ca.key"))
    tap.ok("site", "add", "berlin", "--generate", "--dir", "s", "--out", "x")
    assert "s/crl.pem" in tap.tree()
    assert "s/sites.d/berlin.crt" not in tap.tree()


def test_another_ca_key_is_not_used(tap):
    tap.ok("init", "--name", "other", "--dir", "o")
    tap.write("s/ca.key", tap.text("o/ca.key"), 0o600)
    tap.fails("site", "add", "x", "--auth", "certificate", "--dir", "s",
              says="ca.key is not the key of ca.crt")


def test_list_of_revoked_ones_that_is_not_ours_is_not_signed(tap):
    add(tap, "berlin", "certificate")
    tap.write("s/crl.pem", "junk")
    tap.fails("site", "passwd", "berlin", "--dir", "s", "--out", "x",
              says="is not revoked in crl.pem")


@pytest.mark.parametrize("lost", ["gone", "empty"])
def test_list_of_revoked_ones_that_is_lost_is_not_begun_anew(tap, lost):
    """Nobody knows who was in it."""
    add(tap, "berlin", "certificate")
    good = tap.text("s/crl.pem")
    os.unlink(os.path.join(tap.path, "s/crl.pem"))
    if lost == "empty":
        tap.write("s/crl.pem", "")
    issued = tap.text("s/sites.d/berlin.crt")
    tap.fails("site", "passwd", "berlin", "--dir", "s", "--out", "x",
              says="missing or empty")
    assert tap.text("s/sites.d/berlin.crt") == issued and "x" not in tap.tree()
    done = tap("site", "remove", "berlin", "--dir", "s")
    assert done.returncode == 1 and "certificate not revoked" in done.stdout
    tap.write("s/crl.pem", good)
    tap.write("old.crt", issued)
    os.unlink(os.path.join(tap.path, "berlin.invite"))
    add(tap, "berlin", "certificate")
    assert not is_good(tap, "old.crt", "-crl_check", "-CRLfile", "s/crl.pem")


def test_certificates_of_another_ca_are_left_to_it(tap):
    text = tap.text("s/tombolo.conf")
    tap.write("s/tombolo.conf", text.replace(
        "[server]\n", "[server]\nsite-ca = other.crt\n", 1))
    out = add(tap, "berlin", "certificate")
    assert "with a certificate for berlin from other.crt" in out
    invite = json.loads(tap.text("berlin.invite"))
    assert "key" not in invite and "certificate" not in invite
    assert "s/sites.d/berlin.crt" not in tap.tree()
    out = tap.ok("join", "berlin.invite", "--dir", "c")
    assert "c/client.crt" in out and "c/keeper/client.key" in out
    assert "c/keeper/password" not in tap.tree()
    tap.fails("site", "passwd", "berlin", "--dir", "s",
              says="its certificate was issued by other.crt")


@pytest.mark.parametrize("option", [("--generate",), ("--password-file", "pw")])
def test_certificate_takes_no_password(tap, option):
    tap.write("pw", "sesame")
    tap.fails("site", "add", "a", "--auth", "certificate", "--dir", "s",
              *option, status=2, says="a certificate needs no password")
    add(tap, "a", "certificate")
    tap.fails("site", "passwd", "a", "--dir", "s", *option, status=2,
              says="needs no password")
    tap.fails("join", "a.invite", "--dir", "c", "--password-file", "pw",
              status=1, says="needs no password")


def test_pam_needs_no_secret_of_ours(tap):
    need(tap, "pam")
    file = "s/keeper/sites/a.pam"
    tap.write("pw", "sesame\n")
    tap.ok("site", "add", "a", "--auth", "pam", "--dir", "s")
    assert "secret" not in json.loads(tap.text("a.invite"))
    out = tap.ok("join", "a.invite", "--dir", "c")
    assert "tombolo login" in out and "c/keeper/password" not in tap.tree()
    tap.ok("join", "a.invite", "--dir", "d", "--password-file", "pw")
    assert tap.text("d/keeper/password") == "sesame\n"
    # Another line ends what was granted; the password is PAM's.
    line = tap.text(file)
    assert "where PAM looks" in tap.ok("site", "passwd", "a", "--dir", "s")
    assert re.fullmatch(r"[0-9a-f]{32}\n", tap.text(file))
    assert tap.text(file) != line
    # Who knows it may have it in the invitation.
    add(tap, "b", "pam", "--password-file", "pw")
    assert json.loads(tap.text("b.invite"))["secret"] == "sesame"
    assert "sesame" not in tap.text("s/keeper/sites/b.pam")


def test_init_writes_the_methods_it_is_told(cli):
    cli.ok("init", "--name", "a", "--dir", "s", "--auth", "certificate",
           "--auth", "srp")
    text = cli.text("s/tombolo.conf")
    assert "\nauth = srp\nauth = certificate\n" in text
    assert "s/server-rsa.crt" not in cli.tree()
    cli.fails("init", "--name", "a", "--dir", "t", "--auth", "none",
              says="auth = none: expected srp, password")
    cli.fails("init", "--name", "a", "--dir", "t", "--auth", "srp", "--auth",
              "srp", says="is there already")


@pytest.mark.parametrize("method", ["srp", "password", "pam", "certificate"])
def test_what_the_server_does_not_allow_is_refused(cli, method):
    need(cli, method)
    other = "password" if method != "password" else "srp"
    cli.ok("init", "--name", "a", "--dir", "s", "--auth", other)
    args = () if method == "certificate" else ("--generate",)
    cli.fails("site", "add", "b", "--auth", method, "--dir", "s", *args,
              says="add auth = %s to its [server]" % method)
    cli.write("s/sites.d/b.conf", "[site b]\nauth = %s\n" % method)
    cli.fails("check", "--static", "--dir", "s", lines=2,
              says="s/sites.d/b.conf:2: auth = " + method)
    # A disabled one may stay as it is.
    cli.ok("site", "disable", "b", "--dir", "s")
    cli.ok("check", "--static", "--dir", "s")
    cli.fails("site", "enable", "b", "--dir", "s", says="is not allowed")


def test_tls_srp_is_switched_on_by_a_line(tap):
    need(tap, "tls-srp")
    line = tap.fails("site", "add", "a", "--auth", "tls-srp", "--generate",
                     "--dir", "s", says="add auth = tls-srp to its [server]")
    assert "and a line for each other one in use" in line
    allow(tap, "srp", "tls-srp")
    tap.ok("check", "--static", "--dir", "s")
    add(tap, "a", "tls-srp")
    assert tap.mode("s/server-rsa.crt") == 0o644
    assert tap.mode("s/keeper/server-rsa.key") == 0o600
    # Made once.
    cert = tap.text("s/server-rsa.crt")
    add(tap, "b", "tls-srp")
    assert tap.text("s/server-rsa.crt") == cert
    os.unlink(os.path.join(tap.path, "s/keeper/server-rsa.key"))
    tap.fails("site", "add", "c", "--auth", "tls-srp", "--generate", "--dir",
              "s", says="server-rsa.crt is there already")


@needs_openssl
def test_tls_srp_has_an_rsa_certificate_from_init_on(cli):
    need(cli, "tls-srp")
    cli.ok("init", "--name", "vpn.example.org", "--dir", "s", "--auth", "srp",
           "--auth", "tls-srp")
    status, text = openssl(cli, "x509", "-in", "s/server-rsa.crt", "-noout",
                           "-text")
    assert "Public-Key: (3072 bit)" in text
    assert "DNS:vpn.example.org" in text
    assert openssl(cli, "verify", "-CAfile", "s/ca.crt", "-purpose",
                   "sslserver", "-verify_hostname", "vpn.example.org",
                   "s/server-rsa.crt")[0] == 0


def test_method_that_this_build_lacks_is_refused_everywhere(cli):
    if has(cli, "tls-srp"):
        pytest.skip("this build has tls-srp")
    cli.fails("init", "--name", "a", "--dir", "s", "--auth", "tls-srp",
              says="use srp")
    cli.ok("init", "--name", "a", "--dir", "s")
    cli.fails("site", "add", "b", "--auth", "tls-srp", "--generate", "--dir",
              "s", says="use srp")


def test_removal_leaves_nothing_of_any_method(all_methods):
    cli = all_methods
    before = cli.tree()
    for method in METHODS:
        if method == "certificate" or not has(cli, method):
            continue
        add(cli, "berlin", method)
        # It had another method before.
        cli.write("s/keeper/sites/berlin.password", "x\n", 0o600)
        os.unlink(os.path.join(cli.path, "berlin.invite"))
        cli.ok("site", "remove", "berlin", "--dir", "s")
        assert without_psk_key(cli.tree()) == before


def test_certificate_is_revoked_when_the_configuration_is_broken(tap):
    add(tap, "berlin", "certificate")
    tap.write("s/tombolo.conf", "junk\n")
    tap.ok("site", "remove", "berlin", "--dir", "s")
    assert "s/crl.pem" in tap.tree()
    assert not [n for n in tap.tree() if "s/sites.d/berlin" in n]


# -- join

def test_join_pins_the_ca_and_hides_the_password(tap):
    tap.ok("site", "add", "berlin", "--generate", "--dir", "s")
    out = tap.ok("join", "berlin.invite", "--dir", "c", "--bridge", "br1")
    secret = json.loads(tap.text("berlin.invite"))["secret"]
    assert tap.text("c/ca.crt") == tap.text("s/ca.crt")
    assert tap.text("c/keeper/password") == secret + "\n"
    assert secret not in out + tap.text("c/tombolo.conf")
    assert "run -c c/tombolo.conf" in out
    modes = {n: m for n, (m, _) in tap.tree().items() if n.startswith("c")}
    assert modes == {"c": 0o755, "c/tombolo.conf": 0o644, "c/id": 0o644,
                     "c/ca.crt": 0o644,
                     "c/keeper": 0o700, "c/keeper/password": 0o600,
                     "c/keeper/psk": 0o600}
    lines = tap.ok("check", "--static", "-v", "--dir", "c").splitlines()
    for want in ("server = vpn.example.org:55555", "name = vpn.example.org",
                 "site = berlin", "auth = srp", "mode = tap",
                 "bridge = br1"):
        assert want in lines
    # Written down even where it is the default: no server changes it.
    assert "\nauth = srp\n" in tap.text("c/tombolo.conf")


def test_join_without_a_bridge_says_what_that_means(tap):
    tap.ok("site", "add", "berlin", "--generate", "--dir", "s")
    assert "set bridge in c/tombolo.conf" in tap.ok(
        "join", "berlin.invite", "--dir", "c")


def test_join_of_a_routed_site_asks_for_its_subnets(cli):
    cli.ok("init", "--name", "[2001:db8::1]:4433", "--dir", "s", "--mode", "tun")
    cli.ok("site", "add", "berlin", "--generate", "--dir", "s")
    cli.ok("join", "berlin.invite", "--dir", "c", "--subnet", "10.0.7.0/24",
           "--subnet", "10.0.8.0/24")
    lines = cli.ok("check", "--static", "-v", "--dir", "c").splitlines()
    for want in ("server = [2001:db8::1]:4433", "name = 2001:db8::1",
                 "mode = tun", "subnet = 10.0.7.0/24", "subnet = 10.0.8.0/24"):
        assert want in lines
    cli.fails("join", "berlin.invite", "--dir", "d", "--bridge", "br0",
              says="bridge is for mode = tap")
    cli.fails("join", "berlin.invite", "--dir", "d", "--subnet", "10.0.7.1/24",
              says="write 10.0.7.0/24")


def test_password_file_overrides_the_secret(tap):
    tap.ok("site", "add", "berlin", "--generate", "--dir", "s")
    tap.write("pw", "sesame\r\n")
    tap.ok("join", "berlin.invite", "--dir", "c", "--password-file", "pw")
    assert tap.text("c/keeper/password") == "sesame\n"


def test_join_never_replaces_a_site(tap):
    tap.ok("site", "add", "berlin", "--generate", "--dir", "s")
    tap.ok("join", "berlin.invite", "--dir", "c")
    tap.fails("join", "berlin.invite", "--dir", "c", says="is there already")
    tap.fails("join", "berlin.invite", "--dir", "s", says="is there already")


# -- join --update

EDITED = "# mine\n[client]\n# of the LAN\nsubnet = 10.0.9.0/24 # printers\n"


@pytest.fixture
def joined(tun):
    """s: a hub; c: its site berlin, edited by hand; new.invite: another."""
    tun.ok("site", "add", "berlin", "--generate", "--dir", "s", "--subnet",
           "10.0.7.0/24")
    tun.ok("join", "berlin.invite", "--dir", "c")
    tun.write("c/tombolo.conf", tun.text("c/tombolo.conf").replace(
        "[client]\n", EDITED, 1) + "# the end")
    tun.ok("site", "passwd", "berlin", "--generate", "--dir", "s", "--out",
           "new.invite")
    return tun


def change(cli, **members):
    invite = dict(json.loads(cli.text("new.invite")), **members)
    cli.write("x.invite", json.dumps(invite), 0o600)
    return invite


def test_an_update_takes_what_is_new_and_keeps_local_edits(joined):
    before = joined.tree()
    out = joined.ok("join", "--update", "new.invite", "--dir", "c")
    assert "tombolo reload -c c/tombolo.conf" in out
    after = joined.tree()
    assert {n for n in before if before[n] != after.get(n)} == {
        "c/keeper/password", "c/keeper/psk"} and set(before) == set(after)
    assert joined.text("c/keeper/password") == json.loads(
        joined.text("new.invite"))["secret"] + "\n"


def test_an_update_changes_no_line_that_it_need_not(joined):
    text = joined.text("c/tombolo.conf")
    change(joined, auth="password", subnets=["10.0.7.0/24", "fd07::/64"])
    joined.ok("join", "--update", "x.invite", "--dir", "c", "--subnet",
              "10.0.9.0/24", "--subnet", "10.0.11.0/24")
    now = joined.text("c/tombolo.conf")
    assert text.count("auth = srp\n") == 1
    text = text.replace("auth = srp\n", "auth = password\n")
    assert sorted(now.splitlines()) == sorted(text.splitlines() + [
        "subnet = 10.0.11.0/24", "subnet = fd07::/64"])
    assert now.index("subnet = fd07::/64") < now.index("[interface]")
    joined.ok("check", "--dir", "c")


def test_an_update_knows_one_of_several_servers(joined):
    joined.write("c/tombolo.conf", joined.text("c/tombolo.conf").replace(
        "server = vpn.example.org:55555\n", "server = a.example.org weight 2 "
        "name a\nserver = vpn.example.org weight 7\n"))
    text = joined.text("c/tombolo.conf")
    joined.ok("join", "--update", "new.invite", "--dir", "c")
    assert joined.text("c/tombolo.conf") == text


@pytest.mark.parametrize("lines", [
    "server = 203.0.113.5:443 weight 3 # the office\n",
    "server = hub.new.test:443\nserver = backup.new.test\n",
    "server = [2001:db8::2]:4433 name hub # no DNS there\n"])
def test_an_update_leaves_the_servers_and_says_which_is_not_there(joined,
                                                                  lines):
    joined.write("c/tombolo.conf", joined.text("c/tombolo.conf").replace(
        "server = vpn.example.org:55555\n", lines))
    text = joined.text("c/tombolo.conf")
    for invited in ({}, {"server": "2001:db8::1", "port": 4433, "name": "x"}):
        change(joined, **invited)
        done = joined("join", "--update", "x.invite", "--dir", "c")
        assert done.returncode == 0 and joined.text("c/tombolo.conf") == text
        assert "is not in c" in done.stderr
    assert "server = [2001:db8::1]:4433 name x" in done.stderr


def test_an_update_from_another_ca_is_asked_for(joined):
    joined.ok("init", "--name", "vpn.example.org", "--dir", "o", "--mode",
              "tun")
    change(joined, ca=joined.text("o/ca.crt"))
    joined.fails("join", "--update", "x.invite", "--dir", "c",
                 says="has another CA than ca.crt")
    joined.ok("join", "--update", "--new-ca", "x.invite", "--dir", "c")
    assert joined.text("c/ca.crt") == joined.text("o/ca.crt")
    # One of several in the file is none.
    joined.write("c/ca.crt", joined.text("s/ca.crt") + joined.text("o/ca.crt"))
    joined.ok("join", "--update", "new.invite", "--dir", "c")
    assert joined.text("c/ca.crt").count("BEGIN") == 2


def test_an_update_may_change_the_method(joined):
    joined.ok("site", "add", "munich", "--auth", "certificate", "--dir", "s")
    invite = json.loads(joined.text("munich.invite"))
    change(joined, auth="certificate", key=invite["key"],
           certificate=invite["certificate"])
    joined.ok("join", "--update", "x.invite", "--dir", "c")
    assert joined.text("c/client.crt") == invite["certificate"]
    assert joined.mode("c/keeper/client.key") == 0o600
    assert "\nauth = certificate\n" in joined.text("c/tombolo.conf")


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_what_a_command_rewrites_keeps_its_mode(joined, mode):
    """Whatever it is, but for secrets, which are 0600 always."""
    for name in ("munich", "oslo"):
        joined.ok("site", "add", name, "--auth", "certificate", "--dir", "s")
    joined.ok("init", "--name", "vpn.example.org", "--dir", "o", "--mode",
              "tun")
    joined.ok("site", "passwd", "oslo", "--dir", "s", "--out", "o.invite")
    invite = json.loads(joined.text("munich.invite"))
    change(joined, auth="certificate", key=invite["key"],
           certificate=invite["certificate"], ca=joined.text("o/ca.crt"))
    joined.ok("join", "--update", "--new-ca", "x.invite", "--dir", "c")
    for name, (was, text) in joined.tree().items():
        if text is not None and was == 0o644:
            os.chmod(os.path.join(joined.path, name), mode)
    invite = json.loads(joined.text("o.invite"))
    change(joined, auth="certificate", key=invite["key"],
           certificate=invite["certificate"])
    joined.write("c/tombolo.conf", joined.text("c/tombolo.conf").replace(
        "\nauth = certificate\n", "\nauth = srp\n"), mode)
    before = joined.tree()
    for args in ("init --renew --dir s",
                 "site passwd munich --out m.invite --dir s",
                 "site set berlin --subnet 10.0.9.0/24 --dir s",
                 "site disable munich --dir s", "site remove oslo --dir s",
                 "join --update --new-ca x.invite --dir c"):
        joined.ok(*args.split())
    after = joined.tree()
    rewritten = {n for n in after if n in before and before[n] != after[n]}
    assert rewritten >= {
        "s/server.crt", "s/crl.pem", "s/sites.d/munich.crt",
        "s/sites.d/munich.conf", "s/sites.d/berlin.conf", "c/tombolo.conf",
        "c/ca.crt", "c/client.crt", "c/keeper/client.key"}
    assert {n: oct(after[n][0]) for n in rewritten} == {
        n: oct(before[n][0]) for n in rewritten}


def test_an_update_needs_the_site_itself(joined):
    change(joined, site="munich")
    joined.fails("join", "--update", "x.invite", "--dir", "c",
                 says="is for site munich, and")
    joined.fails("join", "--update", "new.invite", "--dir", "s",
                 says="is a hub's")
    joined.fails("join", "--update", "new.invite", "--dir", "none",
                 says="No such file")
    joined.fails("join", "--new-ca", "new.invite", "--dir", "c", status=2)
    change(joined, mode="tap")
    joined.fails("join", "--update", "x.invite", "--dir", "c",
                 says="is for mode = tun")
    joined.write("c/tombolo.conf", joined.text("c/tombolo.conf") + "\nfoo = 1")
    joined.fails("join", "--update", "new.invite", "--dir", "c",
                 says="foo: no such key")


def test_half_an_update_is_taken_back(joined):
    """The last step cannot be done: beside such a name there is no other."""
    joined.ok("init", "--name", "a", "--dir", "o", "--mode", "tun")
    change(joined, ca=joined.text("o/ca.crt"))
    file = "c/" + "x" * 250
    os.rename(os.path.join(joined.path, "c/tombolo.conf"),
              os.path.join(joined.path, file))
    joined.fails("join", "--update", "--new-ca", "x.invite", "-c", file,
                 says="File name too long")


# -- what a site must accept

def test_the_invitation_says_that_a_default_route_is_to_be_accepted(tun):
    tun.ok("site", "add", "laptop", "--generate", "--dir", "s",
           "--default-route")
    tun.fails("join", "laptop.invite", "--dir", "c",
              says="add --accept-default-route to allow that")
    tun.ok("join", "laptop.invite", "--dir", "c", "--accept-default-route")
    assert "\naccept-default-route = yes\n" in tun.text("c/tombolo.conf")
    tun.ok("join", "--update", "laptop.invite", "--dir", "c")
    # One that was not asked before.
    tun.write("c/tombolo.conf", tun.text("c/tombolo.conf").replace(
        "accept-default-route = yes", "accept-default-route = no"))
    tun.fails("join", "--update", "laptop.invite", "--dir", "c",
              says="--accept-default-route")
    tun.ok("join", "--update", "laptop.invite", "--dir", "c",
           "--accept-default-route")
    assert "\naccept-default-route = yes\n" in tun.text("c/tombolo.conf")


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "128.0.0.0/1"])
def test_a_hub_that_is_everybodys_way_out_says_so(cli, network):
    cli.ok("init", "--name", "a", "--dir", "s", "--mode", "tun", "--network",
           network)
    cli.ok("site", "add", "laptop", "--generate", "--dir", "s")
    done = cli("join", "laptop.invite", "--dir", "c")
    assert done.returncode == 0 and "accept-default-route = yes" in done.stderr
    done = cli("join", "laptop.invite", "--dir", "d", "--accept-default-route")
    assert done.returncode == 0 and not done.stderr


def test_an_invitation_that_says_nothing_of_it_is_taken(tun):
    tun.ok("site", "add", "laptop", "--generate", "--dir", "s",
           "--default-route")
    invite = json.loads(tun.text("laptop.invite"))
    assert invite.pop("default-route") == "required"
    tun.write("old", json.dumps(invite), 0o600)
    tun.ok("join", "old", "--dir", "c")


# -- where the configuration is

def test_every_command_takes_a_file_as_well_as_a_directory(cli):
    file = "x/vpn.conf"
    cli.ok("init", "--name", "a", "-c", file, "--mode", "tun")
    assert "x/vpn.conf" in cli.tree() and "x/tombolo.conf" not in cli.tree()
    cli.ok("site", "add", "berlin", "-c", file, "--generate")
    cli.ok("site", "list", "-c", file)
    cli.ok("site", "disable", "berlin", "-c", file)
    cli.ok("site", "enable", "berlin", "-c", file)
    cli.ok("site", "show", "berlin", "-c", file)
    cli.ok("check", "-c", file)
    cli.ok("init", "--renew", "-c", file)
    out = cli.ok("join", "berlin.invite", "-c", "y/z.conf")
    assert "run -c y/z.conf" in out and "y/z.conf" in cli.tree()
    cli.ok("join", "--update", "berlin.invite", "-c", "y/z.conf")
    cli.fails("check", "-c", file, "--dir", "x", status=2, says="exclude")
    for command in ("status", "sites", "fdb", "routes", "login", "reload",
                    "stop", "kick berlin"):
        for where in (("--dir", "x"), ("-c", file)):
            cli.fails(*command.split(), *where, says="at /run/tombolo/x.sock")


def test_help_of_help_is_the_list_of_commands(cli):
    assert cli.ok("help", "help") == cli.ok("help") == cli.ok(
        "help", "help", "me")


@pytest.mark.parametrize("words, name", [
    ("site list --dir", "--dir"), ("status --socket", "--socket"),
    ("check -c", "--config"), ("run --log-level", "--log-level"),
    ("site set a --address", "--address")])
def test_an_empty_value_is_named(cli, words, name):
    done = cli(*words.split(), "")
    assert done.returncode == 2
    assert ": %s needs a value; see " % name in done.stderr, done


@pytest.mark.parametrize("command", COMMANDS)
def test_help_before_a_command_is_its_help(cli, command):
    assert cli.ok("help", *command.split()) == cli.ok(*command.split(),
                                                      "--help")


def test_no_command_is_wrong_usage(cli):
    for args in ([""], ["help", "frob"], ["help", "site", "frob"], ["-x"]):
        cli.fails(*args, status=2)
    # Which cipher is faster is measured each time.
    said = {re.sub("AEAD: .*", "", cli.ok(word))
            for word in ("-V", "--version", "version")}
    assert len(said) == 1


@pytest.mark.parametrize("there", ["ca.crt", "keeper"])
def test_join_that_fails_half_way_leaves_nothing(tap, there):
    tap.ok("site", "add", "berlin", "--generate", "--dir", "s")
    os.mkdir(os.path.join(tap.path, "c"))
    tap.write("c/" + there, "mine")
    tap.fails("join", "berlin.invite", "--dir", "c", says=there)


def test_an_invitation_that_others_can_read_gets_a_warning(tap):
    tap.ok("site", "add", "berlin", "--generate", "--dir", "s")
    os.chmod(os.path.join(tap.path, "berlin.invite"), 0o644)
    done = tap("join", "berlin.invite", "--dir", "c")
    assert done.returncode == 0 and "others on this host" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("key, value, says", [
    ("tombolo-invitation", 2, "of another version"),
    ("server", "a\nnat = yes", 'bad "server"'),
    ("server", "-a", "server = -a"),
    ("site", "Berlin", "site = Berlin"),
    ("mode", "tip", "mode = tip"),
    ("auth", "none", "auth = none"),
    ("port", 0, 'bad "port"'),
    ("ca", "junk", 'bad "ca"'),
    ("secret", "a\nb", 'bad "secret"'),
    ("secret", "a\rb", 'bad "secret"'),
    ("key", "junk", 'bad "certificate"'),
    ("certificate", "junk", 'bad "certificate"')])
def test_forged_invitations_are_refused(tap, key, value, says):
    tap.ok("site", "add", "berlin", "--generate", "--dir", "s")
    invite = json.loads(tap.text("berlin.invite"))
    invite[key] = value
    tap.write("forged", json.dumps(invite), 0o600)
    tap.fails("join", "forged", "--dir", "c", says=says)


def test_what_is_no_invitation_is_refused(cli):
    cli.write("junk", "junk")
    cli.write("big", " " * 70000)
    cli.fails("join", "junk", "--dir", "c", says="is no invitation")
    cli.fails("join", "big", "--dir", "c", says="larger than any")
    cli.fails("join", "none", "--dir", "c", says="No such file")
    cli.fails("join", ".", "--dir", "c", says="Is a directory")


# -- check

def test_check_complains_of_everything_at_once(tap):
    tap.write("s/tombolo.conf",
              "[server]\nname = a\nport = x\nprot = 1\n[bridge]\n")
    tap.write("s/sites.d/a.conf", "[site b]\n")
    lines = tap.fails("check", "--static", "-c", "s/tombolo.conf", lines=4).splitlines()
    assert re.match(r"s/tombolo\.conf:3: port = x: expected a port", lines[0])
    assert re.match(r"s/tombolo\.conf:4: prot: no such key", lines[1])
    assert re.match(r"s/tombolo\.conf:5: \[bridge\]: no such section", lines[2])
    assert re.match(r"/.*/s/sites\.d/a\.conf:1: \[site b\]: ", lines[3])


def test_check_prints_what_it_understood_and_that_is_checked_alike(tun):
    tun.ok("site", "add", "berlin", "--generate", "--dir", "s")
    text = tun.ok("check", "--static", "-v", "-c", "s/tombolo.conf")
    assert "[site berlin]" in text
    main, site = text.split("\n[site ", 1)
    os.mkdir(os.path.join(tun.path, "again"))
    os.mkdir(os.path.join(tun.path, "again/sites.d"))
    tun.write("again/tombolo.conf", main)
    tun.write("again/sites.d/berlin.conf", "[site " + site)
    done = tun("check", "--static", "-v", "-c", "again/tombolo.conf")
    assert done.stdout == text and "server.crt: No such file" in done.stderr


def test_check_says_what_it_cannot_read(cli):
    cli.fails("check", "-c", "none", says="none: cannot be read: No such file")
    cli.fails("check", "-c", ".", says="Is a directory")
    cli.write("nul", "[server]\n\0")
    cli.fails("check", "-c", "nul", says="nul:2: there is a NUL byte")


@pytest.mark.parametrize("name, mode, says", [
    ("s", 0o777, "change"), ("s/tombolo.conf", 0o666, "change"),
    ("s/sites.d", 0o775, "change"), ("s/sites.d/a.conf", 0o664, "change"),
    ("s/keeper", 0o750, "read"), ("s/ca.key", 0o640, "read")])
def test_check_says_which_files_are_loose(tap, name, mode, says):
    tap.ok("site", "add", "a", "--generate", "--dir", "s")
    path = os.path.join(tap.path, name)
    os.chmod(path, mode)
    line = tap.fails("check", "--static", "-c", "s/tombolo.conf",
                     says="others may %s it; fix with: chmod" % says)
    subprocess.run(["sh", "-c", line.split("fix with: ")[1]], check=True)
    tap.ok("check", "--static", "-c", "s/tombolo.conf")


# -- the terminal

def type_in(cli, answers, *args):
    """Runs a command on a terminal and types; gives status and what it said."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(cli.path)
        os.execv(binary(), [binary(), *args])
    said = b""
    todo = list(answers)
    while True:
        ready, _, _ = select.select([fd], [], [], 30)
        assert ready, "it hangs: %r" % said
        try:
            got = os.read(fd, 4096)
        except OSError:
            break
        if not got:
            break
        said += got
        # One answer a question; what comes too early is thrown away.
        if todo and said.count(b": ") > len(answers) - len(todo):
            os.write(fd, todo.pop(0).encode() + b"\n")
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode()


def test_passwords_are_asked_for_and_not_shown(tap):
    status, said = type_in(tap, ["open sesame", "open sesame"],
                           "site", "add", "berlin", "--dir", "s")
    assert status == 0 and "sesame" not in said, said
    assert said.count("Password of site berlin:") == 1
    assert "secret" not in json.loads(tap.text("berlin.invite"))
    status, said = type_in(tap, ["open sesame"], "join", "berlin.invite",
                           "--dir", "c")
    assert status == 0 and "sesame" not in said, said
    assert tap.text("c/keeper/password") == "open sesame\n"


def test_a_mistyped_password_is_noticed(tap):
    before = tap.tree()
    for answers, says in ((["one", "two"], "differ"), (["", ""], "empty"),
                          (["a" * 512] * 2, "longer than 511")):
        status, said = type_in(tap, answers, "site", "add", "berlin", "--dir",
                               "s")
        assert status == 1 and says in said, said
    assert tap.tree() == before


def test_a_unit_of_no_such_configuration_does_not_start():
    """systemctl start tombolo@TYPO fails; tombolo waits for its first file."""
    for name, directory in (("tombolo@", "Assert.*=/etc/tombolo-%i/"),
                            ("tombolo", "Condition.*=/etc/tombolo/")):
        unit = "../../contrib/systemd/%s.service.in" % name
        with open(os.path.join(os.path.dirname(__file__), unit)) as f:
            assert re.search("^" + directory + "tombolo.conf$", f.read(),
                             re.M), name


# -- signals

@pytest.fixture
def made(cli):
    """A hub, two sites that joined, and a newer invitation for each."""
    cli.ok("init", "--name", "vpn.example.org", "--dir", "s")
    for name, auth in (("a", "srp"), ("b", "certificate")):
        cli.ok("site", "add", name, "--auth", auth, "--dir", "s",
               *(["--generate"] if auth == "srp" else []))
    for name in "ab":
        cli.ok("join", name + ".invite", "--dir", "c" + name)
    cli.ok("site", "passwd", "a", "--generate", "--out", "a2", "--dir", "s")
    cli.ok("site", "passwd", "b", "--out", "b2", "--dir", "s")
    return cli


@pytest.mark.slow
@pytest.mark.parametrize("command", [
    "init --name a --dir n", "init --renew --dir s",
    "site add n --generate --dir s", "site add n --auth certificate --dir s",
    "site passwd a --generate --dir s --out n",
    "site passwd b --dir s --out n", "site disable a --dir s",
    "site remove a --dir s", "site remove b --dir s",
    "join a2 --dir n", "join b2 --dir n", "join a2 --update --dir ca",
    "join b2 --update --dir cb"])
def test_a_signal_leaves_nothing_half_done(made, tmp_path_factory, command):
    shim = types.SimpleNamespace(dir=str(tmp_path_factory.mktemp("shim")))
    env = dict(os.environ, **preloaded(shim, "interrupt"))
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before, results = made.tree(), []
    for at in range(1, 100):
        copy = Cli(os.path.join(shim.dir, str(at)))
        run("cp", "-a", made.path, copy.path)
        by = signals[at % len(signals)]
        done = copy(*command.split(), env=dict(
            env, INTERRUPT_AT=str(at), INTERRUPT_BY=str(int(by))))
        tree = copy.tree()
        results.append({n for n in before.keys() | tree.keys()
                        if before.get(n) != tree.get(n)})
        if done.returncode == 0:
            break
        assert done.returncode == -by, done
    # The last one was not interrupted.
    assert len(results) > 1 and results[-1]
    for at, changed in enumerate(results, 1):
        assert changed == results[-1], (at, changed ^ results[-1])
