#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""macs: frames from many source addresses, so that a switch learns them, or from
one address to all.

usage: macs.py INTERFACE HOW-MANY [A-SECOND [broadcast]]
"""

import socket
import sys
import time


def main():
    interface, total = sys.argv[1], int(sys.argv[2])
    rate = int(sys.argv[3]) if len(sys.argv) > 3 else 20000
    flood = sys.argv[4:] == ["broadcast"]
    # Otherwise to nobody who is there, but to one address: known after the first.
    to = b"\xff" * 6 if flood else b"\x02\xbe\xbe\xbe\xbe\x01"
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind((interface, 0))
    begin = time.monotonic()
    for n in range(total):
        out.send(to + b"\x02\xaa" + (0 if flood else n).to_bytes(4, "big") +
                 b"\x88\xb5" + bytes(46))
        ahead = (n + 1) / rate - (time.monotonic() - begin)
        if ahead > 0.002:
            time.sleep(ahead)


if __name__ == "__main__":
    main()
