# SPDX-License-Identifier: GPL-2.0-or-later
"""trains: rows of frames of one flow, each with words.

A train is a function that is given a Flow of its own and a source of bytes,
and makes the frames in their order.  `joined` says whether a device may get
superframes of them: True must, once it came at a stretch; False must never;
None does not matter, as long as what comes out is what went in.
"""

import struct

import packets
from packets import ACK, CWR, ECE, FIN, PSH, RST, SYN, URG

NOP = b"\1"
FULL = 1340  # passes whole everywhere, tun's 1400 too
TRAINS = []


def train(what, joined=None, **flow):
    def remember(make):
        TRAINS.append((what, joined, flow, make))
        return make
    return remember


def stamp(value, echo=9):
    return NOP + NOP + struct.pack("!BBII", 8, 10, value, echo)


def padded(options):
    return options + b"\0" * (-len(options) % 4)


for version in (4, 6):
    @train("segments in order, IPv%d" % version, True, version=version)
    def _(flow, rnd):
        return [flow.tcp(rnd(FULL)) for _ in range(12)]

    @train("UDP of one size, IPv%d" % version, True, version=version)
    def _(flow, rnd):
        return [flow.udp(rnd(1200)) for _ in range(12)] + [flow.udp(rnd(77))]

    @train("PSH here and there, IPv%d" % version, True, version=version)
    def _(flow, rnd):
        return [flow.tcp(rnd(1000), ACK | (PSH if n in (2, 3, 7, 11) else 0))
                for n in range(12)]

    @train("full-size frames, which go in pieces, IPv%d" % version, True,
           version=version)
    def _(flow, rnd):
        mss = 1460 if flow.version == 4 else 1440
        return [flow.tcp(rnd(mss)) for _ in range(8)]

    @train("checksums that are wrong, IPv%d" % version, version=version)
    def _(flow, rnd):
        return [flow.tcp(rnd(500), wrong=w) for w in
                (0, 0, 1, 0, 0, 0x8000, 0x100, 0, 0, 0)]

    @train("the first checksum is wrong, IPv%d" % version, version=version)
    def _(flow, rnd):
        return [flow.tcp(rnd(500), wrong=3 if n == 0 else 0)
                for n in range(6)]

    @train("all checksums are wrong, IPv%d" % version, False, version=version)
    def _(flow, rnd):
        return [flow.tcp(rnd(500), wrong=5) for n in range(6)]

    @train("UDP with wrong checksums, IPv%d" % version, version=version)
    def _(flow, rnd):
        return [flow.udp(rnd(500), wrong=w) for w in
                (0, 0, 1, 0, 0, 0x8000, 0x100, 0, 0, 0)]

    for tags, name in (([(packets.VLAN, 77)], "one tag"),
                       ([(packets.VLAN, 5 << 13 | 78)], "a tag of priority 5"),
                       ([(packets.QINQ, 79), (packets.VLAN, 3)], "two tags")):
        @train("TCP with %s, IPv%d" % (name, version), True, version=version,
               tags=tags)
        def _(flow, rnd):
            return [flow.tcp(rnd(1300), ACK | (PSH if n == 6 else 0))
                    for n in range(8)]

        @train("UDP with %s, IPv%d" % (name, version), True, version=version,
               tags=tags)
        def _(flow, rnd):
            return [flow.udp(rnd(1300)) for n in range(8)]


@train("more than one superframe holds", True)
def _(flow, rnd):
    return [flow.tcp(rnd(1300)) for _ in range(110)]


@train("UDP, more than one superframe holds", True)
def _(flow, rnd):
    return [flow.udp(rnd(600)) for _ in range(150)]


@train("the same timestamps", True)
def _(flow, rnd):
    return [flow.tcp(rnd(1300), options=stamp(4711)) for _ in range(10)]


@train("timestamps that go on", None)
def _(flow, rnd):
    return [flow.tcp(rnd(700), options=stamp(4711 + n // 3, n // 4))
            for n in range(12)]


@train("options of many kinds", None)
def _(flow, rnd):
    sack = NOP + NOP + struct.pack("!BBII", 5, 10, 100, 200)
    kinds = [b"", stamp(1), sack, stamp(1) + sack, padded(b"\xfe\x07hello"),
             padded(b"\x13\x12" + rnd(16)), b"\0\0\0\0", NOP * 40,
             padded(b"\x02\x04\x05\xb4"), b"\xff\xff\xff\xff",
             padded(b"\x08\x00"), stamp(1) + rnd(28)]
    return [flow.tcp(rnd(600), options=o) for o in kinds for _ in range(3)]


@train("FIN at the end, and RST")
def _(flow, rnd):
    return ([flow.tcp(rnd(900)) for _ in range(4)] +
            [flow.tcp(rnd(900), ACK | FIN)] +
            [flow.tcp(b"", RST | ACK), flow.tcp(b"", RST)])


@train("FIN in the middle, and with PSH")
def _(flow, rnd):
    return [flow.tcp(rnd(900), f) for f in
            (ACK, ACK, ACK | FIN, ACK, ACK, ACK | FIN | PSH, ACK, ACK)]


@train("SYN with data, no ACK, no flag at all")
def _(flow, rnd):
    return [flow.tcp(rnd(900), f) for f in
            (SYN, ACK, ACK, SYN | ACK, ACK, ACK, 0, 0, PSH, ACK, ACK)]


@train("urgent data")
def _(flow, rnd):
    return [flow.tcp(rnd(900), f, urg=u) for f, u in
            ((ACK, 0), (ACK, 0), (ACK | URG, 5), (ACK | URG, 5), (ACK, 0),
             (ACK, 0), (ACK, 7), (ACK, 7), (ACK | URG | PSH, 0), (ACK, 0))]


@train("ECE and CWR come and go")
def _(flow, rnd):
    return [flow.tcp(rnd(900), ACK | f) for f in
            (0, 0, CWR, 0, 0, ECE, ECE, ECE, 0, ECE | CWR, ECE | CWR, ECE,
             CWR, CWR, 0, 0, PSH | CWR, 0, 0)]


@train("ECE on all", True)
def _(flow, rnd):
    return [flow.tcp(rnd(900), ACK | ECE) for _ in range(8)]


@train("reserved bits")
def _(flow, rnd):
    return [flow.tcp(rnd(900), reserved=r) for r in
            (0, 0, 1, 1, 1, 0, 0, 8, 8, 14, 14, 0, 0)]


@train("windows and acknowledgements that move")
def _(flow, rnd):
    return [flow.tcp(rnd(900), window=w, ack=a) for w, a in
            ((500, 1), (500, 1), (501, 1), (501, 1), (501, 2), (501, 2),
             (0, 2), (0, 2), (65535, 0xffffffff), (65535, 0xffffffff))]


@train("sizes that go up and down")
def _(flow, rnd):
    return [flow.tcp(rnd(n)) for n in
            (900, 900, 899, 900, 901, 901, 1, 1, 1, 2, 1300, 1300, 700, 1300)]


@train("UDP sizes that go up and down")
def _(flow, rnd):
    return [flow.udp(rnd(n)) for n in
            (900, 900, 899, 900, 901, 901, 1, 1, 1, 2, 0, 0, 1300, 1300, 700,
             700, 1300, 0, 1300)]


@train("acknowledgements without data in between")
def _(flow, rnd):
    return [flow.tcp(rnd(n)) for n in (0, 0, 900, 900, 0, 900, 900, 0, 0)]


@train("sent again, lost, overlapping, out of order")
def _(flow, rnd):
    data, base = rnd(9000), flow.seq
    return [flow.tcp(data[at:at + 900], seq=base + at) for at in
            (0, 900, 1800, 900, 1800, 2700, 4500, 5400, 3600, 4500, 5400,
             5850, 6300, 8100, 7200, 0, 900)]


@train("sequence numbers wrap around", True, seq=0xffffffff - 2500)
def _(flow, rnd):
    return [flow.tcp(rnd(1000)) for _ in range(8)]


@train("ids of IPv4 that wrap around, and no DF", True, ident=0xfffc)
def _(flow, rnd):
    return [flow.tcp(rnd(1000), df=False) for _ in range(8)]


@train("ids of IPv4 at random, all alike, and zero, with DF and without")
def _(flow, rnd):
    return [flow.udp(rnd(700), ident=i, df=d) for i, d in
            ((7, False), (9, False), (9, False), (9, False), (10, False),
             (11, True), (12, True), (12, True), (12, True), (0, True),
             (0, True), (0, False), (0, False), (4, True), (3, True))]


@train("TTL and TOS that change")
def _(flow, rnd):
    return [flow.tcp(rnd(700), ttl=ttl, tos=tos) for ttl, tos in
            ((64, 0), (64, 0), (63, 0), (63, 0), (63, 2), (63, 2), (63, 3),
             (63, 3), (63, 0xb8), (1, 0xb8), (255, 0xb8), (255, 0xb8))]


@train("hop limits, traffic classes and flow labels that change", version=6)
def _(flow, rnd):
    return [flow.tcp(rnd(700), ttl=ttl, tos=tos, label=label)
            for ttl, tos, label in
            ((64, 0, 5), (64, 0, 5), (63, 0, 5), (63, 0, 5), (63, 2, 5),
             (63, 2, 5), (63, 0xb8, 5), (63, 0xb8, 5))]


@train("options of IPv4")
def _(flow, rnd):
    return [with_ip_options(flow, rnd, o) for o in
            (b"", b"", b"\1\1\1\1", b"\1\1\1\1", b"\x94\4\0\0",
             b"\x44\x0c\x05\0" + b"\0" * 8, b"", b"")]


def with_ip_options(flow, rnd, options):
    """flow.tcp() has a word `options` of its own."""
    plain = flow.tcp(rnd(700))
    l3 = len(flow.macs) + 4 * len(flow.tags) + 2
    return flow.ip(packets.TCP, plain[l3 + 20:], options=options)


@train("wrong checksums of IPv4 itself", False)
def _(flow, rnd):
    return [flow.tcp(rnd(700), bad_ip=True) for _ in range(4)]


@train("a wrong checksum of IPv4 among right ones")
def _(flow, rnd):
    return [flow.udp(rnd(700), bad_ip=n == 3) for n in range(8)]


# One flow each: of two, which need not share a thread, no order is promised.
@train("padding behind the packet", False)
def _(flow, rnd):
    return ([flow.tcp(rnd(2), trailer=rnd(4)) for _ in range(4)] +
            [flow.tcp(rnd(700), trailer=rnd(9)) for _ in range(4)])


@train("padding behind the datagram", False)
def _(flow, rnd):
    return [flow.udp(rnd(700), trailer=rnd(1)) for _ in range(4)]


@train("hop-by-hop options", None, version=6)
def _(flow, rnd):
    return [flow.tcp(rnd(700), ext=[(0, b"\0\1\4\0\0\0\0")])
            for _ in range(6)]


@train("destination options, routing, several", None, version=6)
def _(flow, rnd):
    pad = b"\0\1\4\0\0\0\0"
    return [flow.udp(rnd(700), ext=e) for e in
            ([(60, pad)], [(60, pad)], [(0, pad), (60, pad)],
             [(0, pad), (60, pad)], [], [], [(43, b"\0\4\0\0\0\0\0")],
             [(60, b"\2\1\x14" + b"\0" * 20)], [], [])]


@train("fragments of IPv4 among datagrams of their flow")
def _(flow, rnd):
    return ([flow.udp(rnd(800)) for _ in range(3)] +
            [flow.ip(packets.UDP, rnd(808), frag=packets.MF, ident=5),
             flow.ip(packets.UDP, rnd(96), frag=101, ident=5)] +
            [flow.udp(rnd(800)) for _ in range(3)])


@train("fragments of IPv6", version=6)
def _(flow, rnd):
    return [flow.ip(packets.UDP, rnd(808), ext=[(44, e)]) for e in
            (b"\0\0\1\0\0\0\1", b"\0\3\x28\0\0\0\1", b"\0\0\0\0\0\0\2")]


@train("lengths of UDP that lie")
def _(flow, rnd):
    return [flow.udp(rnd(800), length=n) for n in
            (808, 808, 807, 809, 8, 7, 0, 65535, 808, 808)]


@train("lengths of IP that lie")
def _(flow, rnd):
    return [flow.tcp(rnd(800))[:cut] for cut in
            (None, None, -1, None, -700, None, None)]


@train("headers of TCP that are none")
def _(flow, rnd):
    ports = struct.pack("!HH", flow.sport, flow.dport)
    return ([flow.tcp(rnd(800)), flow.tcp(rnd(800))] +
            [flow.ip(packets.TCP, ports + rnd(n)) for n in (0, 8, 15)] +
            [flow.ip(packets.TCP, ports + rnd(8) + offset + rnd(20))
             for offset in (b"\xf0", b"\x40")] +
            [flow.tcp(rnd(800)), flow.tcp(rnd(800))])


for port, name in ((4789, "VXLAN"), (8472, "old VXLAN"), (6081, "Geneve"),
                   (51820, "WireGuard")):
    @train("%s's port as destination" % name, False, dport=port)
    def _(flow, rnd):
        return [flow.udp(rnd(1200)) for _ in range(8)]

    @train("%s's port as source, IPv6" % name, False, sport=port, version=6)
    def _(flow, rnd):
        return [flow.udp(rnd(1200)) for _ in range(8)]


@train("UDP without checksums", False)
def _(flow, rnd):
    return [flow.udp(rnd(1200), zero=True) for _ in range(8)]


@train("some UDP without checksums")
def _(flow, rnd):
    return [flow.udp(rnd(1200), zero=n % 4 > 1) for n in range(12)]
