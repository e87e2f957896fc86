# SPDX-License-Identifier: GPL-2.0-or-later
"""lib: what a test imports: the pieces, and the topologies that several use.

    net.py      namespaces, cables, bridges: the world
    frames.py   Ethernet frames, sent and heard by AF_PACKET
    daemon.py   Hub and Satellite: Tombolo itself, by the words a user types
    relay.c     a bad line between the two
    clock.c     a daemon's clocks, when they are not right
    balk.c      a device that takes no superframes
"""

import contextlib
import mmap
import os
import re
import socket
import struct
import subprocess
import threading

import frames  # noqa: F401
from daemon import (PORT, Daemon, Hub, Satellite, alive, binary,  # noqa: F401
                    descriptors, pss_kib, rss_kib, tombolo)
from net import (CommandFailed, Net, Process, children, cmdline,  # noqa: F401
                 descendants, run, wait_until, watch)

HERE = os.path.dirname(os.path.abspath(__file__))


class Site:
    """A site of a joined LAN: its gateway with br0, and a host behind it.

        host --lan0------lan-- br0 (gateway) --wan-- the underlay
    """

    def __init__(self, net, name, number):
        self.net = net
        self.name = name
        self.number = number
        self.gateway = net.host(name)
        self.host = net.host(name + "h")
        self.daemon = None
        self.mac = "02:00:00:00:00:%02x" % number
        self.ip = "192.168.77.%d" % number
        net.cable(self.gateway, "lan", self.host, "lan0", mac_b=self.mac)
        self.gateway.bridge("br0", "lan")
        self.host.addr("lan0", self.ip + "/24")

    @property
    def link_local(self):
        return self.host.link_local("lan0")


class TapStar:
    """A hub and satellites, one Ethernet; their gateways meet in one switch.

                               (wan: a switch)
              198.18.0.1 /  198.18.0.11 |  198.18.0.12 | ...
                        /               |              |
                     [hub] br0       [s1] br0       [s2] br0
                        |               |              |
                     hubh .1         s1h .11        s2h .12   192.168.77.0/24
    """

    def __init__(self, net, satellites, server=(), client=(), start=True,
                 outer="198.18.0.%d/24"):
        """`server` and `client`: (section, key, value) rows for the files.
        `outer`: addresses in the middle."""
        self.net = net
        self.wan = net.host("wan")
        self.wan.bridge("w0")
        self.hub = Site(net, "hub", 1)
        self.sats = [Site(net, "s%d" % (i + 1), 11 + i) for i in
                     range(satellites)]
        self.sites = [self.hub] + self.sats
        for site in self.sites:
            self.plug(site.gateway, site.name, outer % site.number)
        self.hub.daemon = Hub(self.hub.gateway).init(
            (outer % 1).split("/")[0], "--mode", "tap", "--bridge", "br0")
        for row in server:
            self.hub.daemon.conf_set(*row)
        for sat in self.sats:
            self.add(sat, client)
        if start:
            self.start()

    def plug(self, ns, name, cidr):
        """Connects a host to the switch in the middle."""
        self.net.cable(ns, "wan", self.wan, "p-" + name)
        self.wan.ip("link", "set", "p-" + name, "master", "w0")
        ns.addr("wan", cidr)

    def add(self, sat, client=()):
        invite = self.hub.daemon.add_site(sat.name)
        sat.daemon = Satellite(sat.gateway).join(invite, "--bridge", "br0")
        for row in client:
            sat.daemon.conf_set(*row)

    def start(self):
        self.hub.daemon.start()
        for sat in self.sats:
            sat.daemon.start(wait=False)
        for sat in self.sats:
            sat.daemon.wait_up()
            self.hub.daemon.wait_site(sat.name)

    def wait_path(self, a, b, deadline=10):
        """Until the hosts of two sites reach each other."""
        wait_until(lambda: a.host.can_ping(b.ip), deadline,
                   "%s reaches %s" % (a.name, b.name))


class Pings:
    """Pings in the background; the answer is how many were lost."""

    def __init__(self, ns, dst, interval=0.05):
        self.process = ns.spawn("ping", "-n", "-i", interval, "-W", 2, dst,
                                name="ping")
        wait_until(lambda: "bytes from" in self.process.output(), 10,
                   "the first ping comes back")

    def _answered(self):
        return {int(n) for n in re.findall(r"bytes from.* icmp_seq=(\d+)",
                                           self.process.output())}

    def end(self):
        """(sent, received) up to a ping sent after this call: ping's own
        summary counts the one still under way when it is stopped as lost."""
        last = max(self._answered()) + 2
        wait_until(lambda: max(self._answered()) >= last, 10,
                   "pings still come back")
        # One that took another way may be overtaken.
        with contextlib.suppress(AssertionError):
            wait_until(lambda: len(self._up_to(last)) == last, 2, "all of them")
        self.process.kill(2)
        self.process.wait(10)
        return last, len(self._up_to(last))

    def _up_to(self, last):
        return {n for n in self._answered() if n <= last}


class EchoServer:
    """Answers every line with itself, until closed; remembers who came."""

    def __init__(self, ns, address, port):
        self.sock = ns.tcp_listen(address, port)
        self.peers = []
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self):
        # close() alone would leave the thread in accept(), and the port taken.
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def _serve(self):
        while True:
            try:
                conn, peer = self.sock.accept()
            except OSError:
                return
            self.peers.append(peer[0])
            threading.Thread(target=self._echo, args=(conn,),
                             daemon=True).start()

    @staticmethod
    def _echo(conn):
        with conn:
            try:
                while True:
                    data = conn.recv(65536)
                    if not data:
                        return
                    conn.sendall(data)
            except OSError:
                return


class Talk:
    """One TCP connection to an EchoServer, as a person at telnet uses it."""

    def __init__(self, ns, address, port):
        self.sock = ns.tcp_connect(address, port)
        self.heard = b""

    def type(self, text):
        self.sock.sendall(text)

    def expect(self, text, deadline):
        """Reads until `text` came back."""
        self.sock.settimeout(deadline)
        while text not in self.heard:
            try:
                data = self.sock.recv(65536)
            except socket.timeout:
                raise AssertionError("%r: not echoed within %g s, heard %r" % (
                    text, deadline, self.heard[-80:]))
            assert data, "the connection was closed"
            self.heard += data

    def silent(self, seconds):
        """Whether nothing comes for so long."""
        self.sock.settimeout(seconds)
        try:
            data = self.sock.recv(65536)
        except socket.timeout:
            return True
        self.heard += data
        return False

    def close(self):
        self.sock.close()


def preloaded(net, name):
    """The environment in which `name`.c is loaded into a daemon."""
    shim = os.path.join(net.dir, name + ".so")
    if not os.path.exists(shim):
        run(os.environ.get("CC", "cc"), "-std=gnu17", "-D_GNU_SOURCE", "-O2",
            "-shared", "-fPIC", "-o", shim, os.path.join(HERE, name + ".c"))
    return {"LD_PRELOAD": shim, "ASAN_OPTIONS": ":".join(filter(None, (
        "exitcode=99:verify_asan_link_order=0",
        os.environ.get("ASAN_OPTIONS"))))}


class Clock:
    """The clocks of a daemon that is started with it as its `clock`."""

    def __init__(self, daemon):
        net = daemon.net
        path = os.path.join(net.dir, "clock-%s" % os.path.basename(daemon.dir))
        with open(path, "wb") as f:
            f.write(bytes(16))
        with open(path, "r+b") as f:
            self.memory = mmap.mmap(f.fileno(), 16)
        self.env = dict(preloaded(net, "clock"), TOMBOLO_CLOCK=path)
        self.slept = 0
        daemon.clock = self

    def off(self, seconds):
        """The wall clock is off by so much, until the next call."""
        self.memory[0:8] = struct.pack("=q", int(seconds))

    def sleep(self, seconds):
        """The host was suspended for so long, just now."""
        self.slept += int(seconds)
        self.memory[8:16] = struct.pack("=q", self.slept)


class Relay:
    """relay.c in `ns`, listening at `address`, in front of `server`."""

    _binary = None

    def __init__(self, ns, address, server, *words):
        self.process = ns.spawn(self.build(ns.net), address, PORT, server,
                                PORT, *words, name="relay",
                                stdin=subprocess.PIPE)
        wait_until(lambda: "ready" in self.process.output(), 10,
                   "the relay is ready")

    @classmethod
    def build(cls, net):
        """Compiled once a Net, into its directory."""
        path = os.path.join(net.dir, "relay")
        if not os.path.exists(path):
            run(os.environ.get("CC", "cc"), "-std=gnu17", "-D_GNU_SOURCE",
                "-O2", "-o", path, os.path.join(HERE, "relay.c"))
        return path

    def set(self, *words):
        said = self.process.output().count("ok")
        self.process.say(" ".join(words))
        wait_until(lambda: self.process.output().count("ok") > said, 10,
                   "the relay obeys")

    def stats(self):
        self.set("stats")
        line = [l for l in self.process.output().splitlines() if
                l.startswith("got=")][-1]
        return {k: int(v) for k, v in (w.split("=") for w in line.split())}
