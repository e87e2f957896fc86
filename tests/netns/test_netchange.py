# SPDX-License-Identifier: GPL-2.0-or-later
"""The satellite's own network changes: it does not wait for a timer, neither
to come back nor to find out that its session is lost.

    [server] 198.18.0.1 --- .2 [client]        and a second line:
             198.18.1.1 --- .2                 the server's 198.18.0.1 by it
"""

import socket
import threading
import time

import pytest

from control import Control, impostor
from lib import PORT, Hub, Net, Satellite, wait_until

# A pause, or a dead peer, would take longer than this.
SOON = 8


class Pair:
    def __init__(self, net):
        self.server, self.client = net.host("server"), net.host("client")
        net.cable(self.server, "wan", self.client, "wan")
        net.cable(self.server, "wan2", self.client, "wan2")
        self.server.addr("wan", "198.18.0.1/24")
        self.server.addr("wan2", "198.18.1.1/24")
        self.client.addr("wan", "198.18.0.2/24")
        self.client.addr("wan2", "198.18.1.2/24")
        self.hub = Hub(self.server, "primary").init(
            "198.18.0.1", "--mode", "tun")
        # Nobody's timer shall help.
        self.hub.conf_set("server", "keepalive", "60")
        self.hub.conf_set("server", "dead-peer", "600")
        invite = self.hub.add_site("client")
        self.hub.start()
        self.sat = Satellite(self.client, "satellite").join(invite)

    def sessions(self):
        return self.sat.status()["sessions"]


@pytest.fixture
def pair():
    with Net() as net:
        yield Pair(net)


def test_a_pause_ends_when_the_line_is_there(pair):
    pair.client.ip("addr", "del", "198.18.0.2/24", "dev", "wan")
    pair.sat.start(wait=False)

    def long_pause():
        status = pair.sat.status()
        return status["state"] == "waiting" and status["retry_in_s"] > SOON
    wait_until(long_pause, 90, "a long pause")
    pair.client.addr("wan", "198.18.0.2/24")
    pair.sat.wait_up(SOON)


class Refuser(threading.Thread):
    """A server with the hub's certificate that sends everybody away for a day."""

    def __init__(self, pair):
        super().__init__(daemon=True)
        self.context = impostor(pair.hub.dir + "/server.crt",
                                pair.hub.dir + "/keeper/server.key")
        with pair.server.entered():
            self.listener = socket.create_server(("198.18.0.1", PORT))
        self.refused = 0
        self.start()

    def run(self):
        while True:
            try:
                control = Control(self.listener.accept()[0], self.context,
                                  server_side=True)
                control.receive()
                control.send({"type": "refused", "text": "come tomorrow",
                              "retry-after": 86400})
                self.refused += 1
                control.receive()
                control.close()
            except OSError:
                if self.listener.fileno() == -1:
                    return


def test_a_pause_that_the_server_set_has_limits(pair):
    pair.hub.stop()
    server = Refuser(pair)
    pair.sat.start(wait=False)
    wait_until(lambda: pair.sat.status().get("waits_for") ==
               "the time that the hub set", 20, "it is sent away")
    assert 500 < pair.sat.status()["retry_in_s"] <= 750
    before = server.refused
    pair.client.addr("wan", "198.18.0.3/24")
    wait_until(lambda: server.refused > before, SOON, "another network ends it")
    server.listener.close()


def test_a_session_that_is_lost_is_noticed(pair):
    """The address goes; the only way is the other line now."""
    pair.sat.start()
    pair.hub.wait_site("client")
    pair.client.ip("addr", "del", "198.18.0.2/24", "dev", "wan")
    pair.client.ip("route", "add", "198.18.0.1/32", "via", "198.18.1.1")
    wait_until(lambda: pair.sat.status()["reconnects"] == 1 and
               pair.sat.state() == "up", SOON, "another connection")
    assert pair.sessions() == 1, "the session goes on"
    pair.sat.wait_log("lost: no answer to a probe")


def test_a_log_in_that_hangs_begins_anew(pair):
    """The line lets a connection be made and no more; then it is another."""
    pair.server.run("nft", "-f", "-", stdin="""
        table ip hole {
            chain in { type filter hook input priority 0;
                iifname "wan" meta length > 120 drop; }
        }""")
    pair.sat.start(wait=False)
    wait_until(lambda: pair.sat.status().get("waits_for") ==
               "the hub to let it in", 20, "it waits for an answer")
    pair.client.ip("addr", "del", "198.18.0.2/24", "dev", "wan")
    pair.client.ip("route", "add", "198.18.0.1/32", "via", "198.18.1.1")
    pair.sat.wait_up(SOON)


def test_changes_do_not_keep_a_later_server_from_its_turn(pair):
    """An interface flaps faster than a server's silence is noticed."""
    pair.server.addr("wan", "198.18.0.9/24")
    pair.server.run("nft", "-f", "-", stdin="""
        table ip hole { chain in { type filter hook input priority 0;
            ip daddr 198.18.0.9 drop; }
        }""")
    pair.sat.conf_set("client", "server", "198.18.0.9", "198.18.0.1")
    pair.sat.start(wait=False)
    end = time.monotonic() + 60
    while pair.sat.state() != "up":
        assert time.monotonic() < end, pair.sat.status()
        pair.client.addr("wan2", "198.18.3.2/24")
        pair.client.ip("addr", "del", "198.18.3.2/24", "dev", "wan2")
        time.sleep(4)  # a change that is not news would prove nothing
    assert pair.sat.status()["server"] == "198.18.0.1:55555"


def test_a_session_that_lives_goes_on(pair):
    pair.sat.start()
    pair.hub.wait_site("client")
    for i in range(3):
        pair.client.addr("wan2", "198.18.2.%d/24" % (i + 2))
        time.sleep(1)  # as often as the daemon is told
    time.sleep(3)  # a probe that fails takes 2 s
    assert pair.sat.state() == "up"
    assert pair.sessions() == 1
    assert not pair.sat.log_lines(" lost")
