# SPDX-License-Identifier: GPL-2.0-or-later
"""For a minute something removes or reorders rules, routes and tables, puts rules
in front, flushes the ruleset, adds default routes, stops the hub and kills each
process in turn: nothing leaves in the clear (test_wall.py)."""

import pytest

from test_wall import rage


@pytest.mark.slow
@pytest.mark.seconds(400)
def test_a_minute_of_a_vandal(small_net):
    rage(small_net, 60, 200)
