# SPDX-License-Identifier: GPL-2.0-or-later
"""net: networks made of namespaces, cables and bridges, for one test.

A Net owns everything that it makes, and takes all of it back when it is
closed, whatever happened in between.  Namespaces are named after this process
("tt<pid>-..."), so runs beside each other never meet, and what a run that was
killed left behind is swept by the next one.

Two things make a test of sizes pass wrongly in namespaces, and both are
switched off for every cable here: br_netfilter, which reassembles IPv4 at a
bridge and fragments it again, and the 64 KiB frames that veth passes whole.
"""

import contextlib
import ctypes
import fcntl
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

CLONE_NEWNET = 0x40000000
PREFIX = "tt"
NETNS_DIR = "/run/netns"
ETC_DIR = "/etc/netns"  # `ip netns exec` lays what is there over /etc

# linux/sockios.h, linux/if.h, linux/ethtool.h
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCETHTOOL, IFF_UP = 0x8913, 0x8914, 0x8946, 1
ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO = 0x17, 0x1f, 0x24
ETHTOOL_SGRO = 0x2c

SLOWEST = 0.2  # seconds between two looks at a condition

_libc = ctypes.CDLL(None, use_errno=True)

# Every Net that is open: conftest.py shows their logs when a test fails.
OPEN = []


class CommandFailed(AssertionError):
    """A command that had to succeed did not."""


def wait_until(cond, deadline, what="the condition", every=0.02):
    """Calls `cond` until it gives something true, which is returned.

    After `deadline` seconds it is an AssertionError that names `what`; an
    exception that `cond` ends with counts as not yet, and is quoted then.
    The first pause is `every`; they grow, for most conditions run a program, and
    programs that ask fifty times a second are what keeps others waiting.
    """
    end = time.monotonic() + deadline
    trouble = None
    while True:
        try:
            result = cond()
            trouble = None
        except (CommandFailed, OSError, ValueError, KeyError) as e:
            result, trouble = None, e
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError("%s: not within %g s%s" % (
                what, deadline, " (%s)" % trouble if trouble else ""))
        time.sleep(every)
        every = max(every, min(every * 1.2, SLOWEST))


def watch(cond, seconds, what="the condition", every=0.1):
    """Calls `cond` for `seconds`; all that time it must stay true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert cond(), "%s: no longer so" % what
        time.sleep(every)


def run(*cmd, check=True, timeout=60, stdin=None, env=None):
    """Runs a command to its end; gives the CompletedProcess, as text."""
    done = subprocess.run([str(c) for c in cmd], input=stdin, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=timeout, env=env,
                          stdin=None if stdin is not None else subprocess.DEVNULL)
    if check and done.returncode != 0:
        raise CommandFailed("%s: exit %d: %s%s" % (
            " ".join(map(str, cmd)), done.returncode, done.stdout, done.stderr))
    return done


class Process:
    """A process of ours in a namespace, with its output in a file."""

    def __init__(self, argv, log, stdin=subprocess.DEVNULL, env=None):
        self.argv = [str(a) for a in argv]
        self.log = log
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(self.argv, stdin=stdin, stdout=out,
                                          stderr=subprocess.STDOUT, env=env,
                                          start_new_session=True)
        self.pid = self.popen.pid

    def output(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def running(self):
        return self.popen.poll() is None

    def wait(self, timeout=30):
        return self.popen.wait(timeout)

    def kill(self, sig=signal.SIGKILL):
        if self.running():
            os.kill(self.pid, sig)

    def stop(self, timeout=10):
        """SIGTERM, then SIGKILL; gives the exit status."""
        if not self.running():
            return self.popen.returncode
        os.kill(self.pid, signal.SIGTERM)
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)
            return self.popen.wait(timeout)

    def say(self, line):
        """A line to its standard input (spawn with stdin=PIPE)."""
        self.popen.stdin.write((line + "\n").encode())
        self.popen.stdin.flush()


class Namespace:
    """One host: a network namespace with a loopback that is up."""

    def __init__(self, net, name):
        self.net = net
        self.name = name
        self.id = "%s%d-%d-%s" % (PREFIX, os.getpid(), net.number, name)
        run("ip", "netns", "add", self.id)
        net.namespaces.append(self)
        self.up("lo")
        # Addresses are usable at once, and no router is listened to.
        for where in ("all", "default"):
            self.sysctl("net/ipv6/conf/%s/accept_dad" % where, 0)
            self.sysctl("net/ipv6/conf/%s/accept_ra" % where, 0)
        for proto in ("ip", "ip6", "arp"):
            self.sysctl("net/bridge/bridge-nf-call-%stables" % proto, 0)

    # -- running things in it

    def run(self, *cmd, **kw):
        return run("ip", "netns", "exec", self.id, *cmd, **kw)

    def spawn(self, *cmd, name=None, stdin=subprocess.DEVNULL, env=None):
        """Starts a process in it; the Net stops it at its end."""
        log = self.net.log_path("%s-%s" % (self.name, name or
                                           os.path.basename(str(cmd[0]))))
        proc = Process(["ip", "netns", "exec", self.id, *cmd], log, stdin, env)
        self.net.processes.append(proc)
        return proc

    @contextlib.contextmanager
    def entered(self):
        """This thread is in the namespace; sockets made here stay in it."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open("%s/%s" % (NETNS_DIR, self.id), os.O_RDONLY)
        try:
            _setns(there)
            try:
                yield
            finally:
                _setns(home)
        finally:
            os.close(there)
            os.close(home)

    def pids(self):
        """As `ip netns pids` says them."""
        here, found = os.stat(os.path.join(NETNS_DIR, self.id)), []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                there = os.stat("/proc/%s/ns/net" % pid)
                if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino):
                    found.append(int(pid))
        return found

    # -- shaping it

    def etc(self, name, text):
        """A file of /etc of its own, for what is started from now on."""
        path = os.path.join(ETC_DIR, self.id, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        return path

    def ip(self, *args, **kw):
        return run("ip", "-n", self.id, *args, **kw)

    def addr(self, dev, *cidrs):
        for cidr in cidrs:
            extra = ["nodad"] if ":" in cidr else []
            self.ip("addr", "add", cidr, "dev", dev, *extra)

    def up(self, *devs):
        for dev in devs:
            flags, = struct.unpack("H", self._ioctl(SIOCGIFFLAGS, dev)[16:18])
            self._ioctl(SIOCSIFFLAGS, dev, struct.pack("H", flags | IFF_UP))

    def offloads_off(self, dev):
        """What `ethtool -K DEV tso off gso off gro off tx off` does."""
        for command in (ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO,
                        ETHTOOL_STXCSUM):
            off = ctypes.create_string_buffer(struct.pack("II", command, 0), 8)
            self._ioctl(SIOCETHTOOL, dev,
                        struct.pack("P", ctypes.addressof(off)))

    def _ioctl(self, number, dev, data=b""):
        """A struct ifreq for it, and back."""
        with self.entered():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sock:
            return fcntl.ioctl(sock, number, struct.pack("16s24s", dev.encode(),
                                                         data))

    def route(self, network, via):
        family = ["-6"] if ":" in via else []
        self.ip(*family, "route", "add", network, "via", via)

    def sysctl(self, key, value):
        """Sets net/...; a key that this kernel has not is passed over."""
        path = "/proc/sys/" + key
        with self.entered():
            if os.path.exists(path):
                with open(path, "w") as f:
                    f.write(str(value))

    def sysctl_get(self, key):
        with self.entered():
            with open("/proc/sys/" + key) as f:
                return f.read().strip()

    def forward(self):
        self.sysctl("net/ipv4/ip_forward", 1)
        self.sysctl("net/ipv6/conf/all/forwarding", 1)

    def bridge(self, name, *ports):
        """A bridge without snooping, which drops tagged junk."""
        self.ip("link", "add", name, "up", "type", "bridge", "mcast_snooping",
                "0")
        for port in ports:
            self.ip("link", "set", port, "master", name)

    # -- asking it

    def devices(self):
        done = self.ip("-o", "link", "show")
        return re.findall(r"^\d+: ([^:@]+)", done.stdout, re.M)

    def mac(self, dev):
        out = self.ip("-o", "link", "show", "dev", dev).stdout
        return re.search(r"link/ether (\S+)", out).group(1)

    def link_local(self, dev):
        def find():
            out = self.ip("-6", "-o", "addr", "show", "dev", dev).stdout
            return re.search(r"inet6 (fe80:\S+)/", out)
        return wait_until(find, 10, "a link-local address at " + dev).group(1)

    def ping(self, dst, count=3, size=56, wait=2, interval=0.2, **kw):
        """Whether every one of `count` echoes came back."""
        return self.run("ping", "-n", "-q", "-c", count, "-i", interval,
                        "-W", wait, "-s", size, *kw.pop("args", ()), dst,
                        check=False, **kw).returncode == 0 and True

    def can_ping(self, dst, **kw):
        return self.ping(dst, count=1, wait=kw.pop("wait", 1), **kw)

    def tcp_listen(self, address, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.entered():
            sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.listen(16)
        return sock

    def tcp_connect(self, address, port, timeout=10, source=None):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.entered():
            sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        if source:
            sock.bind((source, 0))
        sock.connect((address, port))
        return sock

    def udp_socket(self):
        with self.entered():
            return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


class Net:
    """All of it; close() takes all of it back."""

    _numbers = iter(range(1, 1 << 30))

    def __init__(self):
        self.number = next(Net._numbers)
        self.namespaces = []
        self.processes = []
        self.daemons = []
        self.files = []
        self.closing = []
        # The daemons' own users walk through it.
        self.dir = tempfile.mkdtemp(prefix="%s%d-" % (PREFIX, os.getpid()))
        os.chmod(self.dir, 0o755)
        OPEN.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close(expect_clean=exc[0] is None)

    def log_path(self, name):
        path = os.path.join(self.dir, "%02d-%s.log" % (len(self.processes),
                                                       name))
        open(path, "a").close()
        return path

    def host(self, name):
        return Namespace(self, name)

    def cable(self, a, if_a, b, if_b, mtu=1500, mac_a=None, mac_b=None):
        """A veth pair, both ends up, that carries real frames only."""
        def end(ns, dev, mac):
            return [dev, "netns", ns.id, "mtu", mtu, *(
                ["address", mac] if mac else [])]
        # One program for all of it: a test makes a dozen of them.
        run("ip", "link", "add", *end(a, if_a, mac_a), "type", "veth", "peer",
            "name", *end(b, if_b, mac_b))
        for ns, dev in ((a, if_a), (b, if_b)):
            ns.offloads_off(dev)
            ns.up(dev)

    def at_close(self, call):
        """`call` is called at the end, last come first served."""
        self.closing.append(call)

    def close(self, expect_clean=True):
        """Takes everything back; complains of what daemons left behind."""
        complaints = []
        for daemon in reversed(self.daemons):
            try:
                daemon.close()
            except Exception as e:  # the rest must still be taken back
                complaints.append("%s: %s" % (daemon.name, e))
        for call in reversed(self.closing):
            with contextlib.suppress(Exception):
                call()
        for proc in reversed(self.processes):
            with contextlib.suppress(Exception):
                proc.stop(5)
        for ns in self.namespaces:
            for pid in ns.pids():
                complaints.append("%s: left running: %s" % (ns.name,
                                                            cmdline(pid)))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            run("ip", "netns", "del", ns.id, check=False)
            shutil.rmtree(os.path.join(ETC_DIR, ns.id), ignore_errors=True)
        if self in OPEN:
            OPEN.remove(self)
        if not os.environ.get("TOMBOLO_KEEP_LOGS"):
            shutil.rmtree(self.dir, ignore_errors=True)
        if complaints and expect_clean:
            raise AssertionError("\n".join(complaints))

    def logs(self, tail=60):
        """(title, text) of every log, for the report of a failed test."""
        shown = []
        for name in sorted(os.listdir(self.dir)):
            path = os.path.join(self.dir, name)
            if not name.endswith(".log"):
                continue
            with open(path, errors="replace") as f:
                lines = f.read().splitlines()
            if lines:
                shown.append((name, "\n".join(lines[-tail:])))
        return shown


def cmdline(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return f.read().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "pid %d" % pid


def children(pid):
    """Pids of the children of `pid`'s first thread."""
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            return [int(p) for p in f.read().split()]
    except OSError:
        return []


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child] + descendants(child)
    return found


def sweep():
    """Removes namespaces of runs that were killed."""
    try:
        names = os.listdir(NETNS_DIR)
    except OSError:
        return
    for name in names:
        m = re.match(PREFIX + r"(\d+)-\d+-", name)
        if not m or os.path.exists("/proc/" + m.group(1)):
            continue
        for pid in run("ip", "netns", "pids", name, check=False).stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        run("ip", "netns", "del", name, check=False)
        shutil.rmtree(os.path.join(ETC_DIR, name), ignore_errors=True)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e), "setns")
