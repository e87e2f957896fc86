# SPDX-License-Identifier: GPL-2.0-or-later
"""chaos: a fleet of sites, numbered frames between all of them, and bad luck.

                      (w0: a switch; .0.2: the relay stands for the hub)
    s1h --- br0 [s1] .1.1 --+
    s2h --- br0 [s2] .1.2 --+-- w0 [middle] 198.19.0.2 --- .0.1 [hub] br0 --- hubh
    ...                     |

Every frame says who sent it, to whom, its number, and carries a keyed hash; a
receiver finds what was forged, altered, misdelivered or delivered twice.  A
switch may flood what is for an address that it does not know; once it knows
all of them, in the calm at the end, nothing may reach a wrong host.  What
happens, to whom and when comes from a seed.
"""

import contextlib
import hashlib
import hmac
import itertools
import os
import random
import re
import select
import signal
import socket
import struct
import threading
import time

from frames import ETH_P_TEST, SO_RCVBUFFORCE, ether, mac
from lib import (Clock, Hub, Relay, Satellite, Site, alive, descendants, descriptors,
                 rss_kib, run, tombolo, wait_until)
from net import CommandFailed

FAIR = ("loss=0", "dup=0", "reorder=0", "corrupt=0", "udp=1", "tcp=1")
HEAD = struct.Struct("!4sHHQ")
MAGIC = b"tmbC"
LONGEST = 1500 - HEAD.size - 16
CALM_EACH = 10  # frames of each pair that must all come
SETTLE = 90  # seconds that everything may take to be well again


class Fleet:
    def __init__(self, net, satellites, server=()):
        self.net = net
        self.counts = {}  # daemon's name -> (its own, those of ended engines)
        self.hub = Site(net, "hub", 1)
        self.sats = [Site(net, "s%d" % (i + 1), 11 + i) for i in
                     range(satellites)]
        self.sites = [self.hub] + self.sats
        self.middle = net.host("middle")
        self.middle.bridge("w0")
        self.middle.addr("w0", "198.18.0.2/16")
        net.cable(self.hub.gateway, "wan", self.middle, "right")
        self.hub.gateway.addr("wan", "198.19.0.1/24")
        self.middle.addr("right", "198.19.0.2/24")
        for i, sat in enumerate(self.sats):
            net.cable(sat.gateway, "wan", self.middle, "p%d" % (i + 1))
            self.middle.ip("link", "set", "p%d" % (i + 1), "master", "w0")
            sat.address = "198.18.1.%d/16" % (i + 1)
            sat.gateway.addr("wan", sat.address)
        self.relay = Relay(self.middle, "198.18.0.2", "198.19.0.1", "seed=1")
        self.hub.daemon = Hub(self.hub.gateway)
        self.small_disk(self.hub.daemon.dir)
        self.hub.daemon.init("198.18.0.2", "--mode", "tap", "--bridge", "br0")
        for row in server:
            self.hub.daemon.conf_set(*row)
        for sat in self.sats:
            invite = self.hub.daemon.add_site(sat.name)
            sat.daemon = Satellite(sat.gateway).join(invite, "--bridge", "br0")
        self.clocks = [Clock(s.daemon) for s in self.sites]
        self.hub.daemon.start()
        for sat in self.sats:
            sat.daemon.start(wait=False)
        self.wait_well(SETTLE)

    def small_disk(self, where):
        """A file system of its own, so that it can be full."""
        os.mkdir(where)
        run("mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", where)
        self.net.at_close(lambda: run("umount", "-l", where))

    @contextlib.contextmanager
    def full_disk(self):
        """Not a page more for the hub's own files."""
        path = os.path.join(self.hub.daemon.dir, "ballast")
        with open(path, "wb", buffering=0) as f:
            with contextlib.suppress(OSError):
                while True:
                    f.write(bytes(4096))
        try:
            yield
        finally:
            os.unlink(path)

    def wait_well(self, seconds):
        """Every site is up, and says so at both ends."""
        for sat in self.sats:
            self.hub.daemon.wait_site(sat.name, seconds, lanes=True)
            sat.daemon.wait_up(seconds)

    def daemons(self):
        return [s.daemon for s in self.sites]

    def shape(self):
        """What must be the same before and after: no trace of what happened."""
        return {s.name: (sorted(s.gateway.devices()),
                         s.gateway.ip("route").stdout.replace(
                             s.gateway.ip("-4", "-o", "addr", "show", "wan")
                             .stdout.split()[3].split("/")[0], "WAN"))
                for s in self.sites}

    def open_descriptors(self):
        return {d.name: sum(descriptors(p) for p in descendants(d.process.pid))
                for d in self.daemons()}

    def memory_kib(self):
        """Of each daemon, all its processes."""
        found = {}
        for d in self.daemons():
            if d.running():
                found[d.name] = sum(rss_kib(p) for p in d.pids() if alive(p))
        return found

    def count(self, daemon):
        """Reads its drop counters; what a dead engine had counted stays."""
        before, ended = self.counts.setdefault(daemon.name, ({}, {}))
        try:
            now = daemon.drops()
        except (CommandFailed, ValueError, KeyError):
            return
        if any(now.get(reason, 0) < n for reason, n in before.items()):
            for reason, n in before.items():
                ended[reason] = ended.get(reason, 0) + n
        self.counts[daemon.name] = (now, ended)

    def drops(self):
        """reason -> frames, of all daemons, dead ones' last reading too."""
        total = {}
        for daemon in self.daemons():
            self.count(daemon)
        for counts in self.counts.values():
            for part in counts:
                for reason, n in part.items():
                    total[reason] = total.get(reason, 0) + n
        return total


class Traffic:
    """Numbered frames from every host to every other, until it is ended."""

    def __init__(self, sites, rate, seed):
        self.sites = sites
        self.rate = rate  # frames a second, all hosts together
        self.random = random.Random(seed)
        self.key = os.urandom(16)
        self.next = {}  # (from, to) -> number
        self.seen = {}  # (from, to) -> a bit for each number
        self.sent = self.delivered = self.refused = 0
        self.doubled = self.altered = self.misdelivered = self.flooded = 0
        self.known = {}  # (from, to) -> from this number on nothing is flooded
        self.paused = threading.Event()
        self.over = threading.Event()
        self.sockets = [self._socket(s) for s in sites]
        self.threads = [threading.Thread(target=f, daemon=True) for f in
                        (self._send, self._receive)]
        for t in self.threads:
            t.start()

    @staticmethod
    def _socket(site):
        with site.host.entered():
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                 socket.htons(ETH_P_TEST))
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
            sock.bind(("lan0", ETH_P_TEST))
        sock.setblocking(False)
        return sock

    def _digest(self, data):
        return hmac.new(self.key, data, hashlib.sha256).digest()[:16]

    def send_one(self, a, b, length=None):
        pair = (a, b)
        number = self.next.get(pair, 0)
        if length is None:
            length = self.random.randrange(46, LONGEST)
        body = HEAD.pack(MAGIC, a, b, number) + bytes(length)
        frame = ether(self.sites[b].mac, self.sites[a].mac, ETH_P_TEST,
                      body + self._digest(body))
        try:
            self.sockets[a].send(frame)
        except OSError:
            self.refused += 1  # by the host's own queue
            return
        self.next[pair] = number + 1
        self.sent += 1

    def _send(self):
        pause = 10 / self.rate
        while not self.over.wait(pause):
            if self.paused.is_set():
                continue
            for _ in range(10):
                a, b = self.random.sample(range(len(self.sites)), 2)
                self.send_one(a, b)

    def _receive(self):
        index = {sock.fileno(): i for i, sock in enumerate(self.sockets)}
        poll = select.poll()
        for fd in index:
            poll.register(fd, select.POLLIN)
        while not self.over.is_set():
            for fd, _ in poll.poll(200):
                for _ in range(64):
                    try:
                        data, address = self.sockets[index[fd]].recvfrom(2048)
                    except OSError:
                        break
                    if address[2] != 4:  # not PACKET_OUTGOING
                        self._take(index[fd], data)

    def _take(self, me, frame):
        body, digest = frame[14:-16], frame[-16:]
        if len(body) < HEAD.size or not hmac.compare_digest(
                digest, self._digest(body)):
            self.altered += 1
            return
        _, a, b, number = HEAD.unpack(body[:HEAD.size])
        if frame[:6] != mac(self.sites[b].mac):
            self.altered += 1
            return
        if b != me:
            if number >= self.known.get((a, b), 1 << 64):
                self.misdelivered += 1
            else:
                self.flooded += 1
            return
        seen = self.seen.setdefault((a, b), bytearray())
        if len(seen) <= number >> 3:
            seen.extend(bytes((number >> 3) + 64 - len(seen)))
        if seen[number >> 3] >> (number & 7) & 1:
            self.doubled += 1
            return
        seen[number >> 3] |= 1 << (number & 7)
        self.delivered += 1

    def has(self, a, b, number):
        seen = self.seen.get((a, b), b"")
        return len(seen) > number >> 3 and seen[number >> 3] >> (number & 7) & 1

    def calm(self, seconds=20):
        """Nothing happens: every pair's next frame must come through."""
        self.paused.set()
        settled = [self.delivered]

        def still():
            settled.append(self.delivered)
            return settled[-1] == settled[-2]
        wait_until(still, 10, "no frame is under way", every=0.5)
        # Older ones may still come, by a TCP connection that had stalled.
        self.send_all(1, seconds)
        # By now every host was heard everywhere: nothing is flooded any more.
        self.known.update(self.next)
        self.send_all(CALM_EACH, seconds)

    def send_all(self, each, seconds):
        """So many frames from all to all: what is sent is delivered."""
        awaited = []
        for _ in range(each):
            for pair in itertools.permutations(range(len(self.sites)), 2):
                number = self.next.get(pair, 0)
                self.send_one(*pair, 100)
                awaited.append((*pair, number))
                time.sleep(0.001)
        wait_until(lambda: all(self.has(*one) for one in awaited), seconds,
                   "every frame from every host reaches every other")

    def account(self):
        """What became of the frames, as seen by the hosts; `refused`: by the
        sender's own queue."""
        return {name: getattr(self, name) for name in (
            "sent", "refused", "delivered", "flooded", "doubled", "altered",
            "misdelivered")}

    def end(self):
        self.over.set()
        for t in self.threads:
            t.join()
        for sock in self.sockets:
            sock.close()


class Chaos:
    """Bad luck, one piece after the other; heal() ends all of it."""

    def __init__(self, fleet, seed):
        self.fleet = fleet
        self.random = random.Random(seed)
        self.happened = {}
        self.kinds = [self.bad_line, self.bad_line, self.flap, self.move,
                      self.smaller_path, self.kill_engine, self.kill_engine,
                      self.kill_keeper, self.kill_resolver, self.kill_all,
                      self.kill_hub, self.hub_flaps, self.udp_blocked,
                      self.tcp_blocked, self.no_descriptors, self.disk_full,
                      self.own_disk_full, self.clock_jumps, self.suspended,
                      self.disabled, self.rejoined]

    def strike(self):
        """Something happens; gives its name."""
        kind = self.random.choice(self.kinds)
        self.happened[kind.__name__] = self.happened.get(kind.__name__, 0) + 1
        kind()
        return kind.__name__

    def some(self):
        return self.random.choice(self.fleet.sats)

    # -- the line

    def bad_line(self):
        r = self.random
        self.fleet.relay.set("loss=%g" % r.uniform(0, 0.2),
                             "dup=%g" % r.uniform(0, 0.1),
                             "reorder=%g" % r.uniform(0, 0.2),
                             "corrupt=%g" % r.uniform(0, 0.02))

    def flap(self):
        self.flap_of(self.some())

    def hub_flaps(self):
        self.flap_of(self.fleet.hub)

    def flap_of(self, site):
        site.gateway.ip("link", "set", "wan", "down")
        time.sleep(self.random.uniform(0.2, 2))
        site.gateway.ip("link", "set", "wan", "up")

    def move(self):
        site = self.some()
        old, site.address = site.address, "198.18.%d.%d/16" % (
            self.random.randrange(2, 250), self.random.randrange(1, 250))
        site.gateway.ip("addr", "del", old, "dev", "wan")
        site.gateway.ip("addr", "add", site.address, "dev", "wan")

    def smaller_path(self):
        site = self.some()
        mtu = self.random.choice((1280, 1400, 1492, 1500))
        port = "p%d" % (self.fleet.sats.index(site) + 1)
        self.fleet.middle.ip("link", "set", port, "mtu", mtu)
        site.gateway.ip("link", "set", "wan", "mtu", mtu)

    def udp_blocked(self):
        self.fleet.relay.set("udp=0")
        time.sleep(self.random.uniform(1, 5))
        self.fleet.relay.set("udp=1")

    def tcp_blocked(self):
        self.fleet.relay.set("tcp=0")
        time.sleep(self.random.uniform(1, 3))
        self.fleet.relay.set("tcp=1")

    # -- the processes

    def kill(self, daemon, role, sig=signal.SIGKILL):
        self.fleet.count(daemon)
        try:
            os.kill(daemon.pid_of(role), sig)
        except (CommandFailed, ProcessLookupError):
            pass  # it is being made anew already

    def kill_engine(self):
        self.kill(self.random.choice(self.fleet.daemons()), "engine")

    def kill_keeper(self):
        self.kill(self.random.choice(self.fleet.daemons()), "keeper")

    def kill_resolver(self):
        self.kill(self.some().daemon, "resolver")

    def kill_all(self):
        """A satellite's host dies, and boots."""
        self.kill_monitor(self.some().daemon)

    def kill_hub(self):
        self.kill_monitor(self.fleet.hub.daemon)

    def kill_monitor(self, daemon):
        self.fleet.count(daemon)
        pids = {p: started(p) for p in daemon.pids()}
        daemon.process.kill(signal.SIGKILL)
        daemon.process.wait()
        try:
            wait_until(lambda: not [p for p in pids if alive(p) and
                                    started(p) == pids[p]], 10,
                       "its processes end with the monitor")
        except AssertionError as e:
            raise AssertionError("%s: %s" % (e, [
                (p, describe(p)) for p in pids if alive(p)])) from e
        daemon.start(wait=False)

    def no_descriptors(self):
        """Not one more than it has."""
        daemon = self.random.choice([self.fleet.hub.daemon, self.some().daemon])
        try:
            pid = daemon.pid_of("engine")
            before = limit(pid, "nofile", descriptors(pid))
        except (CommandFailed, OSError):
            return  # it is being made anew
        time.sleep(self.random.uniform(1, 3))
        limit(pid, "nofile", before)

    def own_disk_full(self):
        """Nothing that the hub writes gets to its files, its log neither."""
        with self.fleet.full_disk():
            self.files_may_not_grow()

    def files_may_not_grow(self):
        hub = self.fleet.hub.daemon
        if hub.state() != "up":
            return  # one that cannot write a file does not start
        pids = [hub.process.pid]
        try:
            pids.append(hub.pid_of("keeper"))
        except CommandFailed:
            pass  # it is being made anew
        before = [limit(p, "fsize", 1) for p in pids][0]
        # A log-in: that, or another one, is work for them.
        tombolo("kick", self.some().name, "-c", hub.conf, check=False)
        time.sleep(self.random.uniform(1, 3))
        assert all(alive(p) for p in pids), "a disk that is full ends nobody"
        # Also of those that were started meanwhile.
        for pid in hub.pids():
            limit(pid, "fsize", before)

    # -- the clocks

    def clock_jumps(self):
        """A wall clock is wrong for some time, by up to a month."""
        clock = self.random.choice(self.fleet.clocks)
        clock.off(self.random.uniform(-30, 30) * 86400)
        time.sleep(self.random.uniform(0.2, 3))
        clock.off(0)

    def suspended(self):
        clock = self.random.choice(self.fleet.clocks)
        clock.sleep(self.random.choice((2, 30, 3600)))

    # -- what people do

    def disk_full(self):
        """A `site add` that cannot write leaves nothing behind."""
        hub = self.fleet.hub.daemon
        invite = os.path.join(self.fleet.net.dir, "full.invite")
        with self.fleet.full_disk():
            before = sorted(os.listdir(hub.dir))
            done = tombolo("site", "add", "full", "--dir", hub.dir,
                           "--generate", "--out", invite, check=False)
            assert done.returncode != 0, "it cannot have worked"
            assert "space" in done.stderr, done.stderr
            assert sorted(os.listdir(hub.dir)) == before
        assert not os.path.exists(os.path.join(hub.dir, "sites.d", "full"))
        assert not os.path.exists(invite)

    def disabled(self):
        hub, name = self.fleet.hub.daemon, self.some().name
        hub.site("disable", name)
        time.sleep(self.random.uniform(0.2, 2))
        hub.site("enable", name)

    def rejoined(self):
        """Another site comes and goes: the others do not care."""
        hub = self.fleet.hub.daemon
        name = "guest%d" % self.random.randrange(1000)
        os.unlink(hub.add_site(name))
        hub.site("remove", name)

    def heal(self):
        fleet = self.fleet
        fleet.relay.set(*FAIR)
        for i, site in enumerate(fleet.sats):
            fleet.middle.ip("link", "set", "p%d" % (i + 1), "mtu", 1500)
            site.gateway.ip("link", "set", "wan", "mtu", 1500)


LIMITS = {"nofile": "Max open files", "fsize": "Max file size"}


def limit(pid, name, soft):
    """Its soft limit of that name from now on; gives the one before.

    As its own user: as another one, root too, CAP_SYS_RESOURCE is needed, which
    not every container has.  Nothing happens when it has ended."""
    try:
        with open("/proc/%d/limits" % pid) as f:
            rows = [l for l in f if l.startswith(LIMITS[name])]
        with open("/proc/%d/status" % pid) as f:
            uid, gid = re.search(r"^Uid:\s+(\d+).*\nGid:\s+(\d+)", f.read(),
                                 re.M).groups()
        before, hard = rows[0][len(LIMITS[name]):].split()[:2]
        if hard != "unlimited" and soft != "unlimited":
            soft = min(int(soft), int(hard))
        run("setpriv", "--reuid", uid, "--regid", gid, "--clear-groups",
            "prlimit", "--pid", str(pid), "--%s=%s:" % (name, soft))
        return before
    except (CommandFailed, OSError, IndexError):
        if alive(pid):
            raise
        return "unlimited"


def started(pid):
    """When it began, in ticks since boot: pids come again.  None: it is over."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


def describe(pid):
    """For a person: what it is and where it hangs."""
    said = []
    for name in ("cmdline", "status", "wchan", "stack"):
        try:
            with open("/proc/%d/%s" % (pid, name)) as f:
                said.append(f.read(400))
        except OSError:
            pass
    return "\n".join(said)


def story(fleet, traffic, chaos, seconds, on_second=lambda: None):
    """Chaos for so long, then peace; what must be true then."""
    shape, files = fleet.shape(), fleet.open_descriptors()
    end = time.monotonic() + seconds
    due = time.monotonic()
    while time.monotonic() < end:
        on_second()
        if time.monotonic() >= due:
            chaos.strike()
            due = time.monotonic() + chaos.random.uniform(0.2, 3)
        time.sleep(0.25)
    chaos.heal()
    fleet.wait_well(SETTLE)
    traffic.calm()
    assert fleet.shape() == shape, "interfaces and routes are as before"
    wait_until(lambda: all(n <= files[name] + 4 for name, n in
                           fleet.open_descriptors().items()), 30,
               "no descriptor is left open: %s, at first %s" % (
                   fleet.open_descriptors(), files))
    assert (traffic.altered, traffic.misdelivered, traffic.doubled) == (
        0, 0, 0), traffic.account()
    assert traffic.delivered > traffic.sent / 4, "most of the time it worked"
