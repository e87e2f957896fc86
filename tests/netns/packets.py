# SPDX-License-Identifier: GPL-2.0-or-later
"""packets: TCP and UDP in Ethernet frames, built, taken apart and checked.

A Flow makes frames, any header of which can be made strange; take_apart() says
where things are in a frame, trouble() what is wrong with it, and cut() what a
superframe stands for.  Written from the RFCs, not from src/datapath.
"""

import socket
import struct

from frames import mac

TCP, UDP = 6, 17
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << n for n in range(8))
QINQ = 0x88a8
VLAN = 0x8100
ETHERTYPE = {4: 0x0800, 6: 0x86dd}
DF, MF = 0x4000, 0x2000
CSUM_AT = {TCP: 16, UDP: 6}

# virtio_net_hdr
NEEDS_CSUM = 1
GSO_NONE, GSO_TCP4, GSO_TCP6, GSO_ECN, GSO_UDP_L4 = 0, 1, 4, 0x80, 5


def ones_sum(data):
    """The one's complement sum, as 16 bits."""
    if len(data) % 2:
        data = bytes(data) + b"\0"
    number = int.from_bytes(data, "big")
    return number % 0xffff or (0xffff if number else 0)


def pseudo(src, dst, proto, length):
    return src + dst + struct.pack("!IBBBB", length, 0, 0, 0, proto)


class Flow:
    """One way of one connection; its frames and where it has got to."""

    def __init__(self, src_mac, dst_mac, version=4, sport=40000, dport=7,
                 src=None, dst=None, tags=(), seq=1000, ident=0x1000):
        self.macs = mac(dst_mac) + mac(src_mac)
        self.version = version
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        # Of an unknown host, so that nobody answers.
        self.src = socket.inet_pton(family, src or {
            4: "192.168.77.201", 6: "fd77::201"}[version])
        self.dst = socket.inet_pton(family, dst or {
            4: "192.168.77.202", 6: "fd77::202"}[version])
        self.sport, self.dport = sport, dport
        self.tags = tags
        self.seq = seq
        self.ident = ident

    def ip(self, proto, l4, ttl=64, tos=0, df=True, ident=None, options=b"",
           ext=(), label=0x12345, frag=0, bad_ip=False, trailer=b""):
        """The whole frame; ext: (type, bytes) of IPv6 extension headers."""
        head = self.macs
        for tpid, tci in self.tags:
            head += struct.pack("!HH", tpid, tci)
        head += struct.pack("!H", ETHERTYPE[self.version])
        if self.version == 4:
            if ident is None:
                ident = self.ident & 0xffff
                self.ident += 1
            ihl = 5 + len(options) // 4
            ip = struct.pack("!BBHHHBBH", 0x40 | ihl, tos,
                             4 * ihl + len(l4), ident,
                             frag | (DF if df and not frag else 0), ttl,
                             proto, 0) + self.src + self.dst + options
            check = 0xffff - ones_sum(ip) ^ (0x0101 if bad_ip else 0)
            ip = ip[:10] + struct.pack("!H", check) + ip[12:]
        else:
            body, following = b"", proto
            for kind, content in reversed(ext):
                body = bytes([following]) + content + body
                following = kind
            l4 = body + l4
            ip = struct.pack("!IHBB", 6 << 28 | tos << 20 | label, len(l4),
                             following, ttl) + self.src + self.dst
        return head + ip + l4 + trailer

    def tcp(self, payload, flags=ACK, ack=77, window=500, options=b"", urg=0,
            seq=None, reserved=0, wrong=0, partial=False, **kw):
        """A segment; without `seq`, the next one of the stream."""
        if seq is None:
            seq = self.seq
            self.seq += len(payload)
        offset = 5 + len(options) // 4
        l4 = bytearray(struct.pack(
            "!HHIIBBHHH", self.sport, self.dport, seq & 0xffffffff, ack,
            offset << 4 | reserved, flags, window, 0, urg) + options + payload)
        self.put_sum(TCP, l4, wrong, partial)
        return self.ip(TCP, bytes(l4), **kw)

    def udp(self, payload, wrong=0, zero=False, partial=False, length=None,
            **kw):
        l4 = bytearray(struct.pack("!HHHH", self.sport, self.dport,
                                   8 + len(payload) if length is None else
                                   length, 0) + payload)
        if not zero:
            self.put_sum(UDP, l4, wrong, partial)
        return self.ip(UDP, bytes(l4), **kw)

    def put_sum(self, proto, l4, wrong, partial):
        head = pseudo(self.src, self.dst, proto, len(l4))
        if partial:
            check = ones_sum(head)
        else:
            check = 0xffff - ones_sum(head + l4)
            if check == 0 and proto == UDP:
                check = 0xffff
        struct.pack_into("!H", l4, CSUM_AT[proto], check ^ wrong)


class Parts:
    """Where things are in a frame; `proto` is None when it tells no ports."""

    def __init__(self, frame):
        self.frame = frame
        self.version = self.proto = None
        self.fragment = False
        self.tags = 0
        at = 12
        while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
            at += 4
            self.tags += 1
        self.l3 = at + 2
        for version, kind in ETHERTYPE.items():
            if frame[at:at + 2] == struct.pack("!H", kind):
                self.version = version
        if self.version == 4:
            self._ipv4()
        elif self.version == 6:
            self._ipv6()
        if self.proto == TCP and self.end - self.l4 >= 20:
            self.payload = self.l4 + (frame[self.l4 + 12] >> 4) * 4
        elif self.proto == UDP and self.end - self.l4 >= 8:
            self.payload = self.l4 + 8
        else:
            self.proto = None
            return
        self.sport, self.dport = struct.unpack_from("!HH", frame, self.l4)

    def _ipv4(self):
        ip = self.frame[self.l3:]
        self.l4 = self.l3 + (ip[0] & 15) * 4
        self.end = self.l3 + struct.unpack_from("!H", ip, 2)[0]
        self.bits = struct.unpack_from("!H", ip, 6)[0]
        self.fragment = bool(self.bits & 0x3fff)
        self.src, self.dst = ip[12:16], ip[16:20]
        if not self.fragment:
            self.proto = ip[9]

    def _ipv6(self):
        ip = self.frame[self.l3:]
        self.src, self.dst = ip[8:24], ip[24:40]
        self.end = self.l3 + 40 + struct.unpack_from("!H", ip, 4)[0]
        following, self.l4 = ip[6], self.l3 + 40
        while following in (0, 43, 60):
            following, words = self.frame[self.l4:self.l4 + 2]
            self.l4 += 8 + 8 * words
        self.fragment = following == 44
        if not self.fragment:
            self.proto = following

    def data(self):
        return self.frame[self.payload:self.end]

    def seq(self):
        return struct.unpack_from("!I", self.frame, self.l4 + 4)[0]

    def flags(self):
        return self.frame[self.l4 + 13]

    def check(self):
        at = self.l4 + CSUM_AT[self.proto]
        return struct.unpack_from("!H", self.frame, at)[0]

    def ip_is_right(self):
        return self.version != 4 or ones_sum(
            self.frame[self.l3:self.l3 + 4 * (self.frame[self.l3] & 15)]
        ) == 0xffff

    def l4_is_right(self):
        l4 = self.frame[self.l4:self.end]
        return ones_sum(pseudo(self.src, self.dst, self.proto, len(l4)) +
                        l4) == 0xffff

    def mss_at(self):
        """Where the value of a TCP's MSS option is, or None."""
        at = self.l4 + 20
        while at < self.payload:
            kind = self.frame[at]
            if kind == 0:
                return None
            if kind == 1:
                at += 1
            elif kind == 2:
                return at + 2
            else:
                at += self.frame[at + 1]
        return None


def trouble(frame, mtu=1500):
    """What is wrong with a frame of TCP or UDP over IP, in words; or None."""
    parts = Parts(frame)
    if parts.version is None:
        return None
    if len(frame) - parts.l3 > mtu:
        return "%d bytes of IP, the MTU is %d" % (len(frame) - parts.l3, mtu)
    if not parts.ip_is_right():
        return "the checksum of IPv4 is wrong"
    if parts.proto is None:
        return None
    if parts.proto == UDP and parts.check() == 0:
        return None if parts.version == 4 else "no checksum over IPv6"
    if not parts.l4_is_right():
        return "the checksum of %s is wrong" % {TCP: "TCP",
                                                UDP: "UDP"}[parts.proto]
    return None


def comparable(frame, hops=0):
    """The frame without what may differ: IPv4's id, which with DF means
    nothing (RFC 6864); with `hops`, as it is so many routers further on.
    """
    parts = Parts(frame)
    if parts.version is None:
        return frame
    out = bytearray(frame[parts.l3:] if hops else frame)
    at = 0 if hops else parts.l3
    if parts.version == 6 and hops:
        out[at + 7] -= hops
    if parts.version == 4 and parts.ip_is_right():
        out[at + 8] -= hops
        out[at + 10:at + 12] = b"\0\0"
        if parts.bits & DF:
            out[at + 4:at + 6] = b"\0\0"
    return bytes(out)


def cut(super_frame, size):
    """The frames that a superframe stands for, each with `size` bytes of
    payload but the last; all their checksums done.
    """
    whole = Parts(super_frame)
    head, data = super_frame[:whole.payload], whole.data()
    out = []
    for n, at in enumerate(range(0, len(data), size)):
        piece = data[at:at + size]
        frame = bytearray(head + piece)
        last = at + size >= len(data)
        if whole.version == 4:
            ident, = struct.unpack_from("!H", frame, whole.l3 + 4)
            struct.pack_into("!HH", frame, whole.l3 + 2,
                             len(frame) - whole.l3, ident + n & 0xffff)
            struct.pack_into("!H", frame, whole.l3 + 10, 0)
            struct.pack_into("!H", frame, whole.l3 + 10, 0xffff - ones_sum(
                frame[whole.l3:whole.l4]))
        else:
            struct.pack_into("!H", frame, whole.l3 + 4,
                             len(frame) - whole.l3 - 40)
        if whole.proto == TCP:
            struct.pack_into("!I", frame, whole.l4 + 4,
                             whole.seq() + at & 0xffffffff)
            if not last:
                frame[whole.l4 + 13] &= ~(FIN | PSH)
            if n > 0:
                frame[whole.l4 + 13] &= ~CWR & 0xff
        else:
            struct.pack_into("!H", frame, whole.l4 + 4, 8 + len(piece))
        at_sum = whole.l4 + CSUM_AT[whole.proto]
        struct.pack_into("!H", frame, at_sum, 0)
        l4 = bytes(frame[whole.l4:])
        check = 0xffff - ones_sum(
            pseudo(whole.src, whole.dst, whole.proto, len(l4)) + l4)
        if check == 0 and whole.proto == UDP:
            check = 0xffff
        struct.pack_into("!H", frame, at_sum, check)
        out.append(bytes(frame))
    return out


def vnet_header(frame, gso=GSO_NONE, size=0):
    """virtio_net_hdr of a frame with a partial checksum."""
    parts = Parts(frame)
    return struct.pack("<BBHHHH", NEEDS_CSUM, gso,
                       parts.payload if gso else 0, size, parts.l4,
                       CSUM_AT[parts.proto])
