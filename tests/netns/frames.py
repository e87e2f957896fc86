# SPDX-License-Identifier: GPL-2.0-or-later
"""frames: Ethernet frames built by hand, sent and heard by AF_PACKET.

A Sniffer gives frames as they were on the wire: the kernel takes a VLAN tag
out of what it received, and we put it back from PACKET_AUXDATA.
"""

import select
import socket
import struct
import time

ETH_P_ALL = 0x0003
ETH_P_IP = 0x0800
ETH_P_ARP = 0x0806
ETH_P_8021Q = 0x8100
ETH_P_TEST = 0x88B5  # IEEE 802: local experiments

BROADCAST = "ff:ff:ff:ff:ff:ff"

SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_AUXDATA = 8
PACKET_MR_PROMISC = 1
PACKET_OUTGOING = 4
TP_STATUS_VLAN_VALID = 1 << 4
TP_STATUS_VLAN_TPID_VALID = 1 << 6
SO_RCVBUFFORCE = 33


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ether(dst, src, ethertype, payload, vlan=None):
    """A frame; `vlan` is an id, or (priority, id)."""
    head = mac(dst) + mac(src)
    if vlan is not None:
        prio, vid = vlan if isinstance(vlan, tuple) else (0, vlan)
        head += struct.pack("!HH", ETH_P_8021Q, prio << 13 | vid)
    return head + struct.pack("!H", ethertype) + payload


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(src, dst, proto, payload, ttl=64):
    def head(check):
        return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0x4242,
                           0, ttl, proto, check, socket.inet_aton(src),
                           socket.inet_aton(dst))
    return head(checksum(head(0))) + payload


def icmp_echo(ident, seq, data):
    def body(check):
        return struct.pack("!BBHHH", 8, 0, check, ident, seq) + data
    return body(checksum(body(0)))


def send(ns, dev, *frames):
    """Puts frames on `dev`, as they are."""
    with Sender(ns, dev) as sender:
        for frame in frames:
            sender.send(frame)


class Sender:
    """An AF_PACKET socket to send from."""

    def __init__(self, ns, dev):
        with ns.entered():
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.sock.bind((dev, 0))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()

    def send(self, frame):
        for _ in range(200):
            try:
                return self.sock.send(frame)
            except OSError as e:
                if e.errno != 105:  # ENOBUFS: the queue is full for now
                    raise
                select.select([], [], [], 0.005)
        raise OSError(105, "the queue of the device stays full")


class Sniffer:
    """Hears what arrives at `dev` (and what leaves it, with outgoing=True)."""

    def __init__(self, ns, dev, outgoing=False, protocol=ETH_P_ALL):
        self.outgoing = outgoing
        with ns.entered():
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
            self.sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            index = socket.if_nametoindex(dev)
            self.sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP,
                                 struct.pack("iHH8s", index, PACKET_MR_PROMISC,
                                             0, b""))
            self.sock.bind((dev, protocol))
        self.sock.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.sock.close()

    def frames(self, seconds=0):
        """Every frame that is there, or comes within `seconds`."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            ready, _, _ = select.select([self.sock], [], [], max(left, 0))
            if not ready:
                if left <= 0:
                    return
                continue
            frame = self._one()
            if frame is not None:
                yield frame

    def collect(self, match, seconds):
        """The frames within `seconds` for which match(frame) is true."""
        return [f for f in self.frames(seconds) if match(f)]

    def wait(self, match, seconds, what="a frame"):
        """The first frame for which match(frame) is true."""
        for frame in self.frames(seconds):
            if match(frame):
                return frame
        raise AssertionError("%s: not seen within %g s" % (what, seconds))

    def gather(self, match, count, seconds):
        """Up to `count` frames that match; fewer when `seconds` are over."""
        found = []
        for frame in self.frames(seconds):
            if match(frame):
                found.append(frame)
                if len(found) == count:
                    break
        return found

    def drain(self):
        for _ in self.frames(0):
            pass

    def dropped(self):
        """Frames that the kernel had no room for, since the last call."""
        stats = self.sock.getsockopt(SOL_PACKET, 6, 8)
        return struct.unpack("II", stats)[1]

    def _one(self):
        try:
            data, anc, _, addr = self.sock.recvmsg(70000, 128)
        except BlockingIOError:
            return None
        if addr[2] == PACKET_OUTGOING and not self.outgoing:
            return None
        for level, kind, aux in anc:
            if level == SOL_PACKET and kind == PACKET_AUXDATA:
                status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH",
                                                              aux[:20])
                if status & TP_STATUS_VLAN_VALID:
                    if not status & TP_STATUS_VLAN_TPID_VALID:
                        tpid = ETH_P_8021Q
                    data = (data[:12] + struct.pack("!HH", tpid, tci) +
                            data[12:])
        return data


def read_pcap(path):
    """The frames of a file that tcpdump -w wrote."""
    with open(path, "rb") as f:
        raw = f.read()
    order = "<" if raw[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    found, at = [], 24
    while at + 16 <= len(raw):
        _, _, caplen, _ = struct.unpack(order + "IIII", raw[at:at + 16])
        found.append(raw[at + 16:at + 16 + caplen])
        at += 16 + caplen
    return found
