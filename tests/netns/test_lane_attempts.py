# SPDX-License-Identifier: GPL-2.0-or-later
"""A lane that does not come up, at first or when it is made anew, is tried again
while the others carry.  The scene is that of test_lanes.
"""

import pytest

from lib import wait_until
from test_lanes import SOON, lanes_of  # noqa: F401


# The first byte of a lane's datagrams: phase (2 bits), lane (6 bits).
@pytest.mark.parametrize("transport, server, client, first, attempts", [
    ("auto", 2, 2, "{ 0x01 }", 1), ("auto", 2, 2, "{ 0x01, 0x41 }", 2),
    ("auto", 2, 1, "{ 0x01, 0x41 }", 2), ("auto", 1, 2, "{ 0x01, 0x41 }", 2),
    ("udp", 2, 2, "{ 0x01, 0x41 }", 2), ("udp", 2, 1, "{ 0x01, 0x41 }", 2),
    ("udp", 1, 2, "{ 0x01, 0x41 }", 2)])
def test_a_lane_that_does_not_come_up_is_tried_again(
        lanes_of, transport, server, client, first, attempts):
    line = lanes_of(transport, server, client, block="@th,64,8 " + first)
    line.wait_whole()
    assert len(line.sat.daemon.log_lines("data lanes are dead")) == attempts
    line.logged_in_once()
    line.loses_nothing()


@pytest.mark.parametrize("server, client", [(1, 2), (2, 1)])
def test_udp_alone_gives_each_attempt_its_time(lanes_of, server, client):
    """A worker that goes on with some lanes of the new keys leaves none of the
    old; the session is old by then, the attempt is not."""
    line = lanes_of("udp", server, client)
    line.wait_whole()
    wait_until(lambda: line.hub.daemon.sites()["s1"]["since_s"] >= 16, SOON,
               "the first lane came up long ago")
    lane = "@th,64,8 { 0x01, 0x41, 0x81 }"
    line.block("udp dport 55555 " + lane, "udp sport 55555 " + lane)
    wait_until(lambda: len(line.sat.daemon.log_lines("data lanes are dead")) >=
               2, SOON, "it is tried twice")
    line.wait_whole()
    line.logged_in_once()


def test_a_new_port_has_more_than_one_attempt(lanes_of):
    """The old one leads nowhere; the second attempt from the new one gets
    through, before there would be another port."""
    line = lanes_of()
    line.wait_whole()
    old = "{ %s }" % ", ".join(line.ports())
    dead = "@th,64,8 & 0x3f == 0x01"  # lane 1 of any phase
    new = "@th,64,8 { 0x41, 0x81 }"   # its first two attempts
    line.block("udp sport %s %s drop; udp dport 55555 %s" % (old, dead, new),
               "udp dport %s %s drop; udp sport 55555 %s" % (old, dead, new))
    wait_until(lambda: line.rebuilt() == 1, 2 * SOON, "it is made anew")
    line.wait_whole()
    assert len(line.sat.daemon.log_lines("data lanes are dead")) == 2
    line.logged_in_once()
    line.loses_nothing()


def test_a_port_that_lives_again_is_kept(lanes_of):
    """UDP was blocked, and what came of it is that only new flows are."""
    line = lanes_of("auto", 1, 1)
    wait_until(lambda: line.lanes() == [(1, 1), (1, 1)], SOON, "it is up")
    old, = line.ports()
    line.block("udp dport 55555", "udp sport 55555")
    wait_until(lambda: len(line.ports()) == 2, 60 + SOON,
               "it is given another port")
    line.block("udp dport 55555 udp sport != " + old,
               "udp sport 55555 udp dport != " + old)
    wait_until(lambda: line.sat.daemon.ask("sites")["sites"][0]["renewals"] > 0,
               60 + SOON, "keys are renewed by the old one")
    wait_until(lambda: line.ports() == {old}, SOON, "the other port is closed")
    line.logged_in_once()
    line.loses_nothing()
