# SPDX-License-Identifier: GPL-2.0-or-later
"""Half a minute of everything at once; tests/soak has the long one.

What flows is numbered and hashed; at the end all is as it was, and nothing was
forged, altered, misdelivered or delivered twice.
"""

import os

import pytest

from chaos import Chaos, Fleet, Traffic, story


@pytest.mark.seconds(300)
def test_half_a_minute(net):
    seed = int(os.environ.get("CHAOS_SEED", "20"))
    print("seed", seed)
    fleet = Fleet(net, 6, server=[("server", "rekey-time", "7"),
                                  ("server", "keepalive", "2"),
                                  ("server", "dead-peer", "8")])
    traffic = Traffic(fleet.sites, 300, seed)
    chaos = Chaos(fleet, seed)
    try:
        story(fleet, traffic, chaos, 30)
    finally:
        traffic.end()
        print(chaos.happened)
        print(traffic.account())
        print("dropped", {k: n for k, n in fleet.drops().items() if n > 0})
