# SPDX-License-Identifier: GPL-2.0-or-later
"""control: an unknown client's end of a control connection (PROTOCOL 3, 4), in Python.

It believes any certificate and says whatever it is told to; what it cannot do
is compute the TLS exporter, so no proof of its own is ever right.
"""

import json
import os
import socket
import ssl
import struct


def hello(site, method, mode="tap", **more):
    """A hello as a site of that name says it."""
    return dict({"type": "hello", "protocol": 1, "version": "test",
                 "mode": mode, "site": site, "method": method, "workers": 1,
                 "share": os.urandom(32).hex(), "subnets": []}, **more)


class Control:
    """One connection; `sock` is connected already."""

    def __init__(self, sock, context=None, server_side=False):
        self.raw = sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls = (context or trusting()).wrap_socket(
            sock, server_side=server_side)
        self.buffer = b""

    def send(self, message, kind=1):
        self.send_bytes(json.dumps(message).encode(), kind)

    def send_bytes(self, payload, kind=1):
        self.tls.sendall(struct.pack("!I", kind << 24 | len(payload)) +
                         payload)

    def receive(self, timeout=10):
        """The next message, or None when the other end closes."""
        payload = self.receive_bytes(timeout)
        return None if payload is None else json.loads(payload)

    def receive_bytes(self, timeout=10):
        head = self.read(4, timeout)
        if head is None:
            return None
        return self.read(struct.unpack("!I", head)[0] & 0xffffff, timeout)

    def read(self, n, timeout):
        self.tls.settimeout(timeout)
        while len(self.buffer) < n:
            try:
                data = self.tls.recv(65536)
            except (ConnectionError, ssl.SSLError):
                return None
            if not data:
                return None
            self.buffer += data
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def close(self):
        self.tls.close()


def trusting():
    """TLS as a client has it that trusts anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["tombolo/1"])
    return context


def impostor(certificate, key):
    """TLS as a server has it that stole the certificate's key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["tombolo/1"])
    return context
