# SPDX-License-Identifier: GPL-2.0-or-later
"""daemon: a hub or a site of Tombolo in a namespace.

Both use nothing but the words that a user types, except that a test asks them
by the local socket, as `status --json` and others do: it asks hundreds of times,
and it takes longer to start a program than to answer.  Each has a directory of its
own with a unique name, because the local socket is named after it.
"""

import json
import os
import re
import signal
import socket
import subprocess

from net import (CommandFailed, cmdline, descendants, run, wait_until)

RUN_DIR = "/run/tombolo"
PORT = 55555
ASK_SECONDS = 10
UP_SECONDS = 60  # generous: who was refused before is held off a while

TROUBLE = re.compile(r"ERROR: \w+Sanitizer|runtime error: |"
                     r"WARNING: ThreadSanitizer|: Assertion `|"
                     r"Sanitizer:DEADLYSIGNAL|died by signal (4|6|7|8|11|31)\b")


def binary():
    """The program under test: $TOMBOLO, or the one of a build tree near us."""
    here = os.path.dirname(os.path.abspath(__file__))
    top = os.path.dirname(os.path.dirname(here))
    for path in (os.environ.get("TOMBOLO"), top + "/src/tombolo",
                 top + "/build/src/tombolo", "/usr/sbin/tombolo",
                 "/usr/local/sbin/tombolo"):
        if path and os.access(path, os.X_OK):
            return os.path.abspath(path)
    return None


def tombolo(*args, program=None, **kw):
    """Runs `tombolo ARGS` to its end, in no namespace."""
    return run(program or binary(), *args, **kw)


class Daemon:
    def __init__(self, ns, name=None, program=None):
        """`program`: that of another version."""
        self.program = program
        self.ns = ns
        self.net = ns.net
        self.name = name or ns.name
        number = len(self.net.daemons)
        self.dir = os.path.join(self.net.dir, "%s-%d-%s" % (
            os.path.basename(self.net.dir), number, self.name))
        self.conf = os.path.join(self.dir, "tombolo.conf")
        self.process = None
        self.socket = None  # where it answers, from its start on
        self.clock = None  # a Clock that it has from its next start on
        self.logs = []
        self.expect_trouble = False
        self.net.daemons.append(self)

    @property
    def state_dir(self):
        """Where it writes at run time."""
        with open(os.path.join(self.dir, "id")) as f:
            return os.path.join(self.net.dir, f.read().strip())

    # -- its life

    def start(self, wait=True, env=None, wrap=()):
        """`tombolo run`; with `wait`, returns when `status` says up.

        `wrap`: words in front of it, which end in executing it."""
        assert self.process is None or not self.process.running()
        environ = dict(os.environ, ASAN_OPTIONS="exitcode=99:" + os.environ.get(
            "ASAN_OPTIONS", ""))
        environ["STATE_DIRECTORY"] = self.net.dir
        environ.update(self.clock.env if self.clock else {})
        environ.update(env or {})
        self.socket = self.socket_path()
        self.process = self.ns.spawn(*wrap, self.program or binary(), "run",
                                     "-c", self.conf, "--foreground",
                                     name=self.name, env=environ)
        self.logs.append(self.process)
        if wait:
            self.wait_up()
        return self

    def wait_up(self, deadline=UP_SECONDS):
        def is_up():
            assert self.process.running(), "%s: ended at once:\n%s" % (
                self.name, self.process.output())
            return self.state() == "up"
        wait_until(is_up, deadline, "%s is up" % self.name, every=0.05)

    def stop(self, how="stop", timeout=15):
        """`tombolo stop`, or a signal of that name; gives the exit status.

        With it go its processes.  They are looked for while it runs: the
        number of one that ended may be somebody else's by now."""
        pids = descendants(self.process.pid) if self.running() else []
        if how == "stop":
            tombolo("stop", "-c", self.conf, program=self.program)
        else:
            self.process.kill(getattr(signal, how))
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError("%s: does not end within %g s of %s" % (
                self.name, timeout, how))
        wait_until(lambda: not [p for p in pids if alive(p)], 10,
                   "%s: its processes are gone" % self.name)
        return status

    def running(self):
        return self.process is not None and self.process.running()

    def close(self):
        """The end, by the Net: what is left behind is an AssertionError."""
        if self.process is None:
            return
        if self.running():
            status = self.stop("SIGTERM")
            assert status == 0, "ended with status %s on SIGTERM" % status
        self.check_log()
        left = self.left_files()
        assert not left, "left behind: %s" % " ".join(left)

    def check_log(self):
        if self.expect_trouble:
            return
        for line in self.log().splitlines():
            assert not TROUBLE.search(line), "in its log: " + line

    # -- what it is

    def pids(self):
        return [self.process.pid] + descendants(self.process.pid)

    def pid_of(self, role):
        """Its engine, keeper or resolver."""
        for pid in descendants(self.process.pid):
            if role in cmdline(pid):
                return pid
        raise CommandFailed("%s has no %s: %s" % (self.name, role, [
            cmdline(p) for p in descendants(self.process.pid)]))

    def log(self):
        return "".join(process.output() for process in self.logs)

    def log_lines(self, pattern):
        return [l for l in self.log().splitlines() if re.search(pattern, l)]

    def wait_log(self, pattern, deadline=10):
        wait_until(lambda: self.log_lines(pattern), deadline,
                   "%s says /%s/" % (self.name, pattern))
        return self.log_lines(pattern)

    def left_files(self):
        base = os.path.basename(self.dir)
        try:
            names = os.listdir(RUN_DIR)
        except OSError:
            return []
        return [os.path.join(RUN_DIR, n) for n in names if
                n == base or n.startswith(base + ".")]

    # -- asking it

    def ask(self, what):
        """What `tombolo WHAT --json` prints."""
        path = self.running() and self.socket or self.socket_path()
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(ASK_SECONDS)
                sock.connect(path)
                sock.sendall(json.dumps({"command": what}).encode() + b"\n")
                answer = json.loads(b"".join(iter(lambda: sock.recv(1 << 20),
                                                  b"")))
        except OSError as e:
            raise CommandFailed("%s: %s: %s" % (what, path, e))
        if not answer["ok"]:
            raise CommandFailed("%s: %s" % (what, answer["error"]))
        return answer

    def socket_path(self):
        """By the configuration; else by the name of its directory."""
        named = re.search(r"^\s*socket\s*=\s*(\S+)", self.conf_text(), re.M)
        return named[1] if named else "%s/%s.sock" % (
            RUN_DIR, os.path.basename(self.dir))

    def status(self):
        return self.ask("status")

    def state(self):
        """"up" and the like; "" while nobody answers."""
        try:
            return self.status().get("state", "")
        except (CommandFailed, ValueError):
            return ""

    def drops(self):
        return self.status()["drops"]

    def fdb(self):
        return self.ask("fdb")["entries"]

    def routes(self):
        return self.ask("routes")["routes"]

    def port_of(self, mac):
        """The port at which the FDB has `mac`, or None."""
        for entry in self.fdb():
            if entry["mac"].lower() == mac.lower():
                return entry["port"]
        return None

    # -- shaping it

    def conf_set(self, section, key, *values):
        """Puts `key = value` into [section], instead of what was there."""
        with open(self.conf) as f:
            lines = f.read().splitlines()
        out, inside, done = [], False, False
        new = ["%s = %s" % (key, v) for v in values]
        for line in lines:
            if re.match(r"\s*\[", line):
                inside = line.strip().lower() == "[%s]" % section
                out.append(line)
                if inside and not done:
                    out += new
                    done = True
            elif not (inside and re.match(r"\s*%s\s*=" % re.escape(key), line)):
                out.append(line)
        if not done:
            out += ["[%s]" % section] + new
        self.write_conf("\n".join(out) + "\n")

    def write_conf(self, text):
        with open(self.conf, "w") as f:
            f.write(text)

    def conf_text(self):
        with open(self.conf, errors="replace") as f:
            return f.read()


class Hub(Daemon):
    """The primary site."""

    def init(self, name, *args):
        tombolo("init", "--name", name, "--dir", self.dir, *args,
                program=self.program)
        return self

    def add_site(self, name, *args, generate=True):
        """`site add`; gives the path of the invitation."""
        invite = os.path.join(self.net.dir, "%s-%s.invite" % (self.name, name))
        if generate:
            args = ("--generate",) + args
        tombolo("site", "add", name, "--dir", self.dir, "--out", invite, *args,
                program=self.program)
        return invite

    def site(self, verb, name, *args, **kw):
        return tombolo("site", verb, name, "--dir", self.dir, *args, **kw)

    def sites(self):
        """name -> what `sites` says of it."""
        return {s["name"]: s for s in self.ask("sites")["sites"]}

    def ports(self):
        """name -> what `status` says of each port."""
        return {p["name"]: p for p in self.status()["ports"]}

    def site_up(self, name):
        site = self.sites().get(name)
        return bool(site) and site["state"] == "up"

    def wait_site(self, name, deadline=UP_SECONDS, lanes=True):
        """Until the site is up, with every lane."""
        def ready():
            site = self.sites().get(name)
            return (site and site["state"] == "up" and
                    (not lanes or site["lanes_up"] == site["lanes"] > 0))
        wait_until(ready, deadline, "site %s is up at %s" % (name, self.name),
                   every=0.05)


class Satellite(Daemon):
    """A satellite site."""

    def join(self, invite, *args):
        tombolo("join", invite, "--dir", self.dir, *args,
                program=self.program)
        return self


def alive(pid):
    """Whether `pid` runs; a zombie does not."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def rss_kib(pid):
    with open("/proc/%d/status" % pid) as f:
        m = re.search(r"^VmRSS:\s+(\d+)", f.read(), re.M)
    return int(m.group(1)) if m else 0


def pss_kib(pid):
    """Its own memory, and its share of what it shares."""
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M).group(1))
