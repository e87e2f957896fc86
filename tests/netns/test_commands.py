# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands for a daemon that runs, whatever is wrong with the files that it
was started from, and whosever it is.

    [sat] 198.18.0.2 ------------ 198.18.0.1 [hub]

One hub for each kind of error, since `stop` is one of the commands.
"""

import base64
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from lib import (Hub, Satellite, alive, binary, descendants, run, tombolo,
                 wait_until)

SITE = "[site a]\naddress = 10.4.2.9\n"


class Pair:
    def __init__(self, net, site=(), join=()):
        self.net = net
        self.hub_ns, self.sat_ns = net.host("hub"), net.host("sat")
        net.cable(self.hub_ns, "wan", self.sat_ns, "wan")
        self.hub_ns.addr("wan", "198.18.0.1/24")
        self.sat_ns.addr("wan", "198.18.0.2/24")
        self.hub = Hub(self.hub_ns, "hub").init("198.18.0.1", "--mode", "tun")
        invite = self.hub.add_site("sat", *site)
        self.sat = Satellite(self.sat_ns, "sat").join(invite, *join)

    def run_sat(self, *args, **kw):
        """`run` in the background."""
        return self.sat_ns.run(binary(), "run", "-c", self.sat.conf, *args,
                               check=False, **kw)


@pytest.fixture
def pair(small_net):
    pair = Pair(small_net)
    yield pair
    for daemon in (pair.sat, pair.hub):  # if it went to the background
        if not daemon.running() and daemon.left_files():
            tombolo("stop", "-c", daemon.conf, check=False)


# ------------------------------------------- files that are wrong

def replace(text):
    return lambda hub: hub.write_conf(text(hub.conf_text()))


def site(text):
    def damage(hub):
        with open(hub.dir + "/sites.d/a.conf", "w") as f:
            f.write(text)
    return damage


def encoded(codec):
    def damage(hub):
        text = hub.conf_text()
        with open(hub.conf, "wb") as f:
            f.write(text.encode(codec))
    return damage


def instead(make):
    def damage(hub):
        os.unlink(hub.conf)
        make(hub.conf)
    return damage


def many_sites(hub):
    for n in range(300):
        with open(hub.dir + "/sites.d/s%d.conf" % n, "w") as f:
            f.write("[site s%d]\nfoo\n" % n)


DAMAGE = {
    "unknown key": replace(lambda t: t + "\nfoo = bar\n"),
    "a key twice": replace(lambda t: t.replace(
        "[server]\n", "[server]\nport = 1\nport = 2\n")),
    "no section": replace(lambda t: "name = a\n" + t),
    "unknown section": replace(lambda t: t + "\n[bridge]\n"),
    "no value": replace(lambda t: t + "\nmtu =\n"),
    "a backslash at the end": replace(lambda t: t + "mtu = \\"),
    "half of it": replace(lambda t: t[:len(t) // 2]),
    "empty": replace(lambda t: ""),
    "no text": replace(lambda t: "\x00\x01\x7f" * 5000),
    "one long line": replace(lambda t: "x" * 200000),
    "too large": replace(lambda t: t + "#\n" * 600000),
    "UTF-16": encoded("utf-16"),
    "UTF-16, the other way": encoded("utf-16-be"),
    "a byte order mark and CRLF": lambda hub: encoded("utf-8-sig")(
        hub) or replace(lambda t: t.replace("\n", "\r\n"))(hub),
    "overlapping sites": site("[site a]\naddress = 10.4.2.2\n"),
    "a site with a typo": site(SITE + "subnt = 10.9.0.0/24\n"),
    "a site of another name": site("[site b]\n"),
    "300 bad sites": many_sites,
    "no certificate": lambda hub: os.unlink(hub.dir + "/server.crt"),
    "gone": lambda hub: os.unlink(hub.conf),
    "a directory": instead(os.mkdir),
    "a FIFO": instead(os.mkfifo),
    "a link to nowhere": instead(lambda path: os.symlink("nowhere", path)),
    "its directory is gone": lambda hub: shutil.rmtree(hub.dir),
    "its directory is a file": lambda hub: shutil.rmtree(hub.dir) or open(
        hub.dir, "w").close(),
}
COMMANDS = ("status", "sites", "routes")


# Where nothing says the socket's name any more, --socket does.
NAMELESS = ("a directory", "a FIFO", "empty", "no text", "one long line",
            "too large", "a link to nowhere", "its directory is a file", "gone",
            "its directory is gone")


@pytest.mark.parametrize("kind, named", [
    pytest.param(kind, named, id=kind + (", socket" if named else ""))
    for kind in DAMAGE for named in (False, True)
    if not (named and kind in NAMELESS)])
def test_commands_need_no_good_configuration(pair, kind, named):
    hub = pair.hub
    if named:
        hub.conf_set("server", "socket", "/run/tombolo/%s-x.sock" %
                     os.path.basename(hub.dir))
    hub.start()
    DAMAGE[kind](hub)
    for command in COMMANDS:
        done = tombolo(command, "-c", hub.conf, check=False)
        # What is on disk is not in force: status may say so by now.
        assert done.returncode in ((0, 3) if command == "status" else (0,)), (
            command, done)
        assert done.stdout and not done.stderr
    done = tombolo("kick", "sat", "--dir", hub.dir, check=False)
    assert done.returncode == 1 and "not connected" in done.stderr
    done = tombolo("run", "--sweep", "-c", hub.conf, check=False)
    assert done.returncode == 1 and "runs already" in done.stderr
    done = tombolo("reload", "-c", hub.conf, check=False)
    assert "no daemon" not in done.stderr
    done = tombolo("stop", "-c", hub.conf, check=False)
    assert done.returncode == 0 and not done.stderr, done
    assert hub.process.wait(10) == 0


def test_a_socket_may_be_given_to_all_of_them(pair):
    path = os.path.join(pair.net.dir, "own.sock")
    pair.hub.conf_set("server", "socket", path)
    pair.hub.start()
    pair.hub.write_conf("")
    for command in COMMANDS:
        assert tombolo(command, "--socket", path, check=False).stdout
    for command in (["kick", "sat"], ["run", "--sweep"], ["reload"]):
        done = tombolo(*command, "--socket", path, check=False)
        assert done.returncode == 1 and "no daemon" not in done.stderr
    tombolo("stop", "--socket", path)
    assert pair.hub.process.wait(10) == 0
    assert not [n for n in os.listdir(pair.net.dir) if n.startswith("own.")]


SOCKETS = {"another": "socket = /run/tombolo/{}-new.sock\n",
           "another directory": "socket = /run/{}-new.sock\n",
           "none at all": "[interface]\nsocket = /run/x y/\n",
           "without a suffix": "socket = /run/tombolo/{}-new\n"}


def change_socket(daemon, kind):
    text = daemon.conf_text()
    line = SOCKETS[kind].format(os.path.basename(daemon.dir))
    if line.startswith("["):
        daemon.write_conf(text + line)
    else:
        daemon.write_conf(re.sub(r"(?m)^\[(server|client)\]\n",
                                 lambda m: m[0] + line, text, count=1))


@pytest.mark.parametrize("kind", SOCKETS)
def test_a_changed_socket_hides_no_daemon(pair, kind):
    hub = pair.hub
    hub.start()
    change_socket(hub, kind)
    done = tombolo("site", "disable", "sat", "--dir", hub.dir, check=False)
    assert "no daemon" not in done.stdout
    for command in COMMANDS:
        assert tombolo(command, "-c", hub.conf, check=False).stdout
    if kind != "none at all":
        done = pair.hub_ns.run(binary(), "check", "-c", hub.conf, check=False)
        assert done.returncode == 0, done
        done = pair.hub_ns.run(binary(), "run", "--foreground", "-c", hub.conf,
                               check=False)
        assert done.returncode == 1 and re.search(
            r"of this configuration runs already at /run/tombolo/.*, pid %d;"
            % hub.process.pid, done.stderr), done
    tombolo("stop", "-c", hub.conf)
    assert hub.process.wait(10) == 0
    assert hub.left_files() == []


GONE = {
    "the line": lambda hub: hub.conf_set("server", "socket"),
    "the file": lambda hub: os.unlink(hub.conf),
    "the directory": lambda hub: os.rename(hub.dir, hub.dir + ".moved"),
    "all of it": lambda hub: shutil.rmtree(hub.dir),
}


@pytest.mark.parametrize("what", GONE)
def test_a_socket_elsewhere_is_found_when_nothing_names_it(pair, what):
    hub, path = pair.hub, os.path.join(pair.net.dir, "far.sock")
    hub.conf_set("server", "socket", path)
    hub.start()
    GONE[what](hub)
    for command in COMMANDS:
        assert tombolo(command, "-c", hub.conf, check=False).stdout, command
    done = tombolo("run", "--sweep", "-c", hub.conf, check=False)
    assert done.returncode == 1 and "runs already" in done.stderr
    if what == "the directory":
        done = tombolo("stop", "--dir", hub.dir + ".moved", check=False)
        assert done.returncode == 1 and "which is gone; if that was " \
            "renamed, end its daemon with tombolo stop --socket " + path \
            in done.stderr
    tombolo("stop", "-c", hub.conf)
    assert hub.process.wait(10) == 0
    assert not [n for n in os.listdir("/run/tombolo") if "far.owner" in n]


def test_a_socket_in_a_directory_of_its_own_may_be_renamed(pair):
    hub = pair.hub
    path = os.path.join(pair.net.dir, "own")
    hub.conf_set("server", "socket", path)
    hub.start()
    hub.conf_set("server", "socket", path + "-new.sock")
    assert tombolo("status", "-c", hub.conf, check=False).stdout
    tombolo("stop", "-c", hub.conf)
    assert hub.process.wait(10) == 0


@pytest.mark.parametrize("command", ["stop", "run --sweep"])
def test_nothing_is_left_of_a_killed_hub(pair, command):
    hub = pair.hub
    words = [binary(), *command.split(), "-c", hub.conf]
    hub.start()
    hub.process.kill(signal.SIGKILL)
    hub.process.wait()
    wait_until(lambda: not pair.hub_ns.pids(), 10, "all are gone")
    done = pair.hub_ns.run(*words)
    assert not done.stderr and "nothing" not in done.stdout
    assert hub.left_files() == []
    done = pair.hub_ns.run(*words, check=False)
    if command == "stop":
        assert done.returncode == 1 and "no daemon runs at" in done.stderr
    else:
        assert re.search("^nothing to undo at /run/tombolo/.*sock$",
                         done.stdout)


def test_what_is_no_socket_is_not_removed(pair):
    path = os.path.join(pair.net.dir, "precious")
    open(path, "w").close()
    tombolo("run", "--sweep", "--socket", path)
    assert os.path.exists(path)


# --------------------------------------- a laptop that blocks all traffic

@pytest.fixture
def laptop(small_net):
    pair = Pair(small_net, ["--default-route"], ["--accept-default-route"])
    pair.sat_ns.route("default", "198.18.0.1")
    pair.hub.start()
    pair.before = rules(pair.sat_ns)
    pair.sat.start()
    assert rules(pair.sat_ns) != pair.before
    pids = descendants(pair.sat.process.pid)
    pair.sat.process.kill(signal.SIGKILL)
    pair.sat.process.wait()
    wait_until(lambda: not [p for p in pids if alive(p)], 10, "all are gone")
    assert rules(pair.sat_ns) != pair.before, "it blocks"
    return pair


def rules(ns):
    return ns.ip("rule").stdout + ns.ip("-6", "rule").stdout + ns.run(
        "nft", "list", "tables").stdout


@pytest.mark.parametrize("kind", ["unknown key", "UTF-16", "a directory",
                                  "its directory is gone"])
@pytest.mark.parametrize("command", ["run --sweep", "stop"])
def test_a_killed_laptop_is_unblocked(laptop, command, kind):
    DAMAGE[kind](laptop.sat)
    laptop.sat_ns.run(binary(), *command.split(), "-c", laptop.sat.conf)
    assert rules(laptop.sat_ns) == laptop.before
    assert laptop.sat.left_files() == []


@pytest.mark.parametrize("kind", SOCKETS)
@pytest.mark.parametrize("command", ["run --sweep", "stop"])
def test_a_changed_socket_hides_nothing_to_undo(laptop, command, kind):
    change_socket(laptop.sat, kind)
    laptop.sat_ns.run(binary(), *command.split(), "-c", laptop.sat.conf)
    assert rules(laptop.sat_ns) == laptop.before
    assert laptop.sat.left_files() == []


def test_a_start_with_another_socket_undoes_what_is_left(laptop):
    old = laptop.sat.left_files()
    change_socket(laptop.sat, "another")
    assert laptop.run_sat().returncode == 0
    assert not [path for path in old if os.path.lexists(path)]
    tombolo("stop", "-c", laptop.sat.conf)
    assert rules(laptop.sat_ns) == laptop.before


# ----------------------------------------------- directories of one name

class Twins:
    """Two configurations whose directories have the same name."""

    def __init__(self, net):
        self.a, self.b = Hub(net.host("a"), "hub"), Hub(net.host("b"), "hub")
        for hub, place in ((self.a, "a"), (self.b, "b")):
            hub.dir = os.path.join(net.dir, place, os.path.basename(self.a.dir))
            hub.conf = hub.dir + "/tombolo.conf"
            os.mkdir(os.path.dirname(hub.dir))
            hub.init("198.18.0.1", "--mode", "tun", "--network", "10.0.8.0/24")
        self.a.start()


@pytest.fixture
def twins(small_net):
    return Twins(small_net)


def test_no_command_takes_another_directorys_daemon(twins):
    a, b = twins.a, twins.b
    for command in ("status", "sites", "routes", "fdb", "reload", "login",
                    "stop", "kick x", "run --sweep", "run --foreground", "run"):
        done = b.ns.run(binary(), *command.split(), "-c", b.conf, check=False)
        assert done.returncode == 1, (command, done)
        assert "belongs to %s: set `socket` in" % a.conf in done.stderr
        assert done.stderr.count("\n") == 1
    assert a.running() and a.state() == "up"
    tombolo("stop", "--socket", "/run/tombolo/%s.sock" % os.path.basename(
        a.dir))
    assert a.process.wait(10) == 0
    b.start()


def test_another_socket_lets_both_run(twins):
    twins.b.conf_set("server", "socket",
                     "/run/tombolo/%s-b.sock" % os.path.basename(twins.b.dir))
    twins.b.conf_set("interface", "device", "tombolo1")
    twins.b.start()
    assert twins.b.stop() == 0
    assert twins.a.state() == "up"
    assert twins.a.stop() == 0


@pytest.mark.parametrize("how", ["link", "dots", "relative", "parent"])
def test_another_way_to_the_same_directory_is_the_same(twins, how):
    hub, cwd = twins.a, None
    if how == "link":
        path = os.path.join(hub.net.dir, "link")
        os.symlink(hub.dir, path)
    elif how == "parent":
        parent = os.path.join(hub.net.dir, "parent")
        os.symlink(os.path.dirname(hub.dir), parent)
        path = os.path.join(parent, os.path.basename(hub.dir))
    elif how == "dots":
        path = hub.dir + "/../../b/../a/" + os.path.basename(hub.dir)
    else:
        path, cwd = ".", hub.dir
    done = subprocess.run([binary(), "stop", "--dir", path], cwd=cwd)
    assert done.returncode == 0
    assert hub.process.wait(10) == 0


def test_what_a_killed_one_left_is_its_owners_to_undo(twins):
    a, b = twins.a, twins.b
    journal = "/run/tombolo/%s.journal" % os.path.basename(a.dir)
    assert os.path.exists(journal)
    a.process.kill(signal.SIGKILL)
    a.process.wait()
    for command in (["run", "--sweep"], ["run", "--foreground"], ["stop"]):
        done = b.ns.run(binary(), *command, "-c", b.conf, check=False)
        assert done.returncode == 1 and a.conf in done.stderr, done
    assert os.path.exists(journal)
    # Nobody else can any more, when the owner is gone: renamed, perhaps.
    shutil.rmtree(a.dir)
    b.start()
    assert b.stop() == 0
    assert not os.path.exists(journal)


# --------------------------------------- run, and who waits for it

SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"]


def as_a_shell_starts_it():
    """In a process group of its own, whatever signals the tests ignore."""
    os.setpgrp()
    for name in SIGNALS[:3]:
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def started(pair, *args):
    return subprocess.Popen(
        ["ip", "netns", "exec", pair.sat_ns.id, binary(), "run", "-c",
         pair.sat.conf, *args], preexec_fn=as_a_shell_starts_it,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize("name", SIGNALS)
def test_run_that_is_ended_while_it_starts_leaves_no_daemon(pair, name):
    # The device is taken: the start waits for whoever has it.
    pair.sat.conf_set("interface", "device", "late0")
    pair.sat_ns.ip("tuntap", "add", "late0", "mode", "tun")
    command = started(pair)
    wait_until(lambda: len(pair.sat_ns.pids()) > 1, 10, "the daemon starts")
    os.killpg(command.pid, getattr(signal, name))
    assert command.wait(10) == -getattr(signal, name)
    pair.sat_ns.ip("link", "del", "late0")
    wait_until(lambda: not pair.sat_ns.pids(), 20, "the daemon has ended")
    assert pair.sat.left_files() == []


@pytest.mark.parametrize("name", SIGNALS)
def test_run_that_is_ended_while_it_waits_leaves_no_daemon(pair, name):
    command = started(pair, "--wait=60")  # there is no hub
    wait_until(lambda: pair.sat.state() in ("connecting", "waiting"), 10)
    os.killpg(command.pid, getattr(signal, name))
    assert command.wait(10) == -getattr(signal, name)
    wait_until(lambda: not pair.sat_ns.pids(), 20, "the daemon has ended")
    assert pair.sat.left_files() == []


def test_run_waits_for_the_tunnel(pair):
    for words in (("--wait", "0"), ("--wait=0",)):
        done = pair.run_sat(*words)
        if words[1:]:
            tombolo("stop", "-c", pair.sat.conf)
    assert done.returncode == 1 and "not up after 0 s" in done.stderr
    done = tombolo("status", "-c", pair.sat.conf, check=False)
    assert done.returncode == 1 and "state" in done.stdout, "it goes on"
    pair.hub.start()
    out = tombolo("status", "--wait", 30, "-c", pair.sat.conf).stdout
    assert re.search("^state +up$", out, re.M)
    tombolo("stop", "-c", pair.sat.conf)
    assert pair.run_sat("--wait").returncode == 0
    assert pair.sat.state() == "up"


def test_up_means_that_what_the_hub_assigns_is_in_force(pair):
    """Neither before it was looked at, nor when it is refused."""
    def status(seconds):
        done = tombolo("status", "--wait", seconds, "-c", pair.sat.conf,
                       check=False)
        return done.returncode, done.stdout

    def others():
        return [s["state"] for s in pair.sat.ask("sites")["sites"]]
    # Of a route the site's own part would be left out; an address is refused.
    pair.sat_ns.addr("wan", "10.4.2.129/25")
    pair.hub.start()
    os.kill(pair.hub.pid_of("engine"), signal.SIGSTOP)
    pair.sat.start(wait=False)
    wait_until(lambda: pair.sat.running() and pair.sat.state() == "connecting"
               and "let it in" in pair.sat.status()["waits_for"], 10)
    os.kill(pair.sat.process.pid, signal.SIGSTOP)
    os.kill(pair.hub.pid_of("engine"), signal.SIGCONT)
    pair.hub.wait_log("site sat: up")
    code, out = status(2)
    assert code == 1 and re.search("^state +connecting", out, re.M), out
    assert "what the hub assigned" in out and others() == ["down"]
    os.kill(pair.sat.process.pid, signal.SIGCONT)
    pair.sat.wait_log("down: what the hub assigns is refused")
    for _ in range(2):  # the next attempt, too
        code, out = status(1)
        assert code == 1 and others() == ["down"], out
        assert re.search("^last error +what the hub assigns is refused: .*"
                         "overlaps", out, re.M), out
        tombolo("stop", "-c", pair.sat.conf)
        done = pair.run_sat("--wait=3")
        assert done.returncode == 1 and "not up after 3 s" in done.stderr
    pair.sat_ns.ip("addr", "del", "10.4.2.129/25", "dev", "wan")
    code, out = status(60)
    assert code == 0 and "last error" not in out and others() == ["up"], out


def test_status_says_by_its_exit_status_how_it_is(pair):
    def code(*args):
        return tombolo("status", "-c", pair.sat.conf, *args,
                       check=False).returncode
    assert code() == code("--json") == code("--wait", "0") == \
        code("--wait=0") == 1
    pair.hub.start()
    pair.sat.start()
    wait_until(lambda: code() == 0, 10, "it is well")
    assert code("--json") == 0
    pair.sat_ns.run("nft", "-f", "-", stdin="table inet t { chain c { type "
                    "filter hook output priority 0; udp dport 55555 drop; }; }")
    pair.hub.stop()
    wait_until(lambda: code() == 1, 10, "it is down")
    pair.hub.start()
    wait_until(lambda: code() == 3, 30, "frames go by TCP")
    pair.sat_ns.run("nft", "delete", "table", "inet", "t")


CUT = """table inet cut { chain c { type filter hook output priority 0;
    udp dport 55555 drop; tcp dport 55555 reject with tcp reset; }; }"""


@pytest.mark.parametrize("how", ["killed", "cut off"])
def test_status_of_a_site_that_is_adrift_is_no_success(pair, how):
    pair.hub.start()
    pair.sat.start()
    wait_until(lambda: pair.sat.state() == "up", 10)
    if how == "killed":
        pair.hub.process.kill(signal.SIGKILL)
    else:
        pair.sat_ns.run("nft", "-f", "-", stdin=CUT)
    seen = []

    def is_adrift():
        done = tombolo("status", "--json", "-c", pair.sat.conf, check=False)
        seen.append((json.loads(done.stdout)["state"], done.returncode))
        return seen[-1][0] == "adrift"
    wait_until(is_adrift, 30, "it is adrift")
    assert {code for state, code in seen if state != "up"} == {1}, seen
    if how == "killed":
        wait_until(lambda: not pair.hub_ns.pids(), 10, "all are gone")
        pair.hub_ns.run(binary(), "run", "--sweep", "-c", pair.hub.conf)


@pytest.mark.parametrize("args", [
    "run --wait=x", "run --wait=-1", "run --wait=5 --foreground",
    "run --sweep --wait", "status --wait 5 6", "status --wait 1d",
    "run --socket /x", "run --log-level loud", "stop x",
    "status --dir a -c b"])
def test_wrong_usage_is_2(args):
    done = tombolo(*args.split(), check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done


# ------------------------------------------- files that are wrong, or gone

def put(path, data):
    with open(path, "wb") as f:
        f.write(data)


def der(pem):
    return base64.b64decode(b"".join(pem.splitlines()[1:-1]))


BAD = {"junk": lambda pem: b"junk\n", "empty": lambda pem: b"", "DER": der,
       "UTF-16": lambda pem: pem.decode().encode("utf-16"),
       "cut": lambda pem: pem[:len(pem) // 2],
       "a key": lambda pem: pem.replace(b"CERTIFICATE", b"PRIVATE KEY")}


@pytest.mark.parametrize("how", BAD)
@pytest.mark.parametrize("who", ["sat", "hub"])
def test_run_names_the_file_that_it_cannot_use(pair, who, how):
    daemon = getattr(pair, who)
    path = daemon.dir + {"sat": "/ca.crt", "hub": "/server.crt"}[who]
    with open(path, "rb") as f:
        pem = f.read()
    put(path, BAD[how](pem))
    done = daemon.ns.run(binary(), "run", "-c", daemon.conf, "--foreground",
                         check=False)
    assert done.returncode == 1
    said = [l for l in done.stderr.splitlines()
            if "no users _tombolo" not in l and "swapped out" not in l and
            "given to the keeper" not in l and "ended with status" not in l]
    said = [l for l in said if "the keeper " not in l]
    assert len(said) == 1 and os.path.basename(path) + ": " in said[0], said


@pytest.mark.parametrize("name", [
    "", "tombolo.conf", "sites.d", "server.crt", "crl.pem", "keeper/server.key",
    "keeper/sites/sat.srp"])
def test_what_is_gone_is_said_once_and_exits_1(pair, name):
    hub = pair.hub.start()
    path = os.path.join(hub.dir, name).rstrip("/")
    os.rename(path, path + ".away")
    wait_until(lambda: hub.status()["faults"], 10, "it is said")
    done = tombolo("reload", "-c", hub.conf, check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done
    assert os.path.basename(path) in done.stderr
    assert len(hub.status()["faults"]) == 1
    assert tombolo("status", "-c", hub.conf, check=False).returncode == 3
    os.rename(path + ".away", path)
    wait_until(lambda: not hub.status()["faults"], 10, "it is over")
    assert tombolo("reload", "-c", hub.conf, check=False).returncode == 0


# --------------------------------------------------------------- kick

def test_kick_says_what_it_did_and_what_is_next(pair):
    pair.hub.start()
    pair.sat.start()
    pair.hub.wait_site("sat")
    out = tombolo("kick", "sat", "-c", pair.hub.conf).stdout
    assert "site sat: session ended; it logs in again at once" in out
    assert "tombolo site disable sat" in out
    assert len(pair.hub.wait_log("site sat: .*administrator ended")) == 1
    for name, says in (("typo", "no such site is configured"),
                       ("other", "not connected")):
        if name == "other":
            pair.hub.add_site("other")
            wait_until(lambda: "other" in pair.hub.sites(), 10)
        done = tombolo("kick", name, "-c", pair.hub.conf, check=False)
        assert done.returncode == 1 and not done.stdout
        assert "site %s: %s" % (name, says) in done.stderr
    done = tombolo("kick", "sat", "-c", pair.sat.conf, check=False)
    assert done.returncode == 1 and "kick is the hub's" in done.stderr


def test_tables_that_are_not_of_this_mode_or_role_say_so(pair):
    pair.hub.start()
    pair.sat.start()
    for command, daemon, says in (
            ("fdb", pair.hub, "not for mode = tun"),
            ("fdb", pair.sat, "not for mode = tun"),
            ("routes", pair.sat, "the hub knows the routes")):
        done = tombolo(command, "-c", daemon.conf, check=False)
        assert done.returncode == 1 and says in done.stderr


# ------------------------------------------- what a running pair is told

def test_a_running_site_takes_an_update_and_a_hub_a_change(pair):
    pair.hub.start()
    pair.sat.start()
    pair.hub.wait_site("sat")
    new = os.path.join(pair.net.dir, "new.invite")
    out = pair.hub.site("passwd", "sat", "--generate", "--out", new).stdout
    assert "there: tombolo join --update " + new in out
    wait_until(lambda: pair.sat.state() != "up", 10, "the session ended")
    tombolo("join", "--update", new, "--dir", pair.sat.dir)
    wait_until(lambda: pair.sat.state() == "up", 60, "by the new password")
    pair.hub.site("set", "sat", "--subnet", "10.0.7.0/24", "--subnet",
                  "10.0.8.0/24")
    networks = lambda: {r["network"] for r in pair.hub.routes()}
    wait_until(lambda: "10.0.8.0/24" in networks(), 10, "it is routed")
    pair.hub.site("set", "sat", "--subnet", "none")
    wait_until(lambda: not {"10.0.7.0/24", "10.0.8.0/24"} & networks(), 10)
    wait_until(lambda: pair.hub.site_up("sat"), 30)
