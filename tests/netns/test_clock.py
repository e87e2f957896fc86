# SPDX-License-Identifier: GPL-2.0-or-later
"""A host whose wall clock jumps, or that was suspended: what is up stays up, what
is down comes back, and a certificate is still judged by the time.

    a --- br0 [s1] ---- w0 ---- [hub] br0 --- b
"""

import pytest

from lib import Clock, Net, Pings, TapStar, tombolo, wait_until

DAY = 86400
YEARS = 20 * 365 * DAY
BACK = 30


class Scene:
    def __init__(self, net):
        self.star = TapStar(net, 1, start=False, server=[
            ("server", "rekey-time", "5"), ("server", "keepalive", "2"),
            ("server", "dead-peer", "20")])
        self.sat, self.hub = self.star.sats[0], self.star.hub
        self.clocks = {"server": Clock(self.hub.daemon),
                       "client": Clock(self.sat.daemon)}
        self.hub.daemon.start()
        self.sat.daemon.start()
        self.star.wait_path(self.sat, self.hub)

    def renewals(self):
        return self.hub.daemon.sites()["s1"]["renewals"]

    def sessions(self):
        return self.sat.daemon.status()["sessions"]

    def log_in(self):
        """Another time."""
        tombolo("kick", "s1", "-c", self.hub.daemon.conf)


@pytest.fixture
def scene():
    with Net() as net:
        yield Scene(net)


@pytest.fixture(scope="module")
def same_scene():
    """For tests after which all is as it was."""
    with Net() as net:
        yield Scene(net)


@pytest.mark.parametrize("end", ["server", "client"])
@pytest.mark.parametrize("seconds", [10 * DAY, -10 * DAY, YEARS, -YEARS])
def test_a_jump_of_the_wall_clock_is_not_noticed(same_scene, end, seconds):
    scene = same_scene
    before = scene.sessions(), scene.renewals()
    pings = Pings(scene.sat.host, scene.hub.ip)
    scene.clocks[end].off(seconds)
    # The first may have been under way.
    wait_until(lambda: scene.renewals() >= before[1] + 2, BACK,
               "keys are renewed in time")
    scene.clocks[end].off(0)
    wait_until(lambda: scene.renewals() >= before[1] + 3, BACK,
               "and so they are after the jump back")
    sent, received = pings.end()
    assert sent == received
    assert scene.sessions() == before[0] == 1


@pytest.mark.parametrize("end, seconds", [
    ("server", 10 * DAY), ("server", -10 * DAY), ("server", YEARS),
    ("client", 10 * DAY), ("client", -YEARS)])
def test_a_log_in_by_a_clock_that_is_wrong(scene, end, seconds):
    """Tokens may be over, and no clock is believed before the program was built."""
    scene.clocks[end].off(seconds)
    scene.log_in()
    wait_until(lambda: scene.sessions() == 2, BACK, "it is back")
    scene.star.wait_path(scene.sat, scene.hub)
    scene.clocks[end].off(0)
    scene.log_in()
    wait_until(lambda: scene.sessions() == 3, BACK, "it is back once more")
    scene.star.wait_path(scene.sat, scene.hub)


def test_a_certificate_that_is_over_by_the_clock(scene):
    scene.clocks["client"].off(YEARS)
    scene.log_in()
    error = wait_until(lambda: "expired" in (scene.sat.daemon.status().get(
        "last_error") or "") and scene.sat.daemon.status()["last_error"],
        BACK, "it refuses")
    print(error)
    assert scene.sessions() == 1
    scene.clocks["client"].off(0)
    wait_until(lambda: scene.sessions() == 2, BACK, "it is back")
    scene.star.wait_path(scene.sat, scene.hub)


@pytest.mark.parametrize("end", ["server", "client"])
@pytest.mark.parametrize("seconds", [5, 3600, 10 * DAY])
def test_after_a_sleep_it_goes_on(same_scene, end, seconds):
    """In the same session: while the host slept, nobody listened."""
    scene = same_scene

    def noticed():
        return len(scene.sat.daemon.log_lines("was suspended for"))

    def comings():
        return len(scene.hub.daemon.log_lines("site s1: (goes on|up)"))

    def renewed_twice():
        since = renewed if comings() == came else 0
        return scene.renewals() >= since + 2

    before, renewed, came = scene.sessions(), scene.renewals(), comings()
    noticed_before = noticed()
    scene.clocks[end].off(seconds)
    scene.clocks[end].sleep(seconds)
    if end == "client":
        wait_until(lambda: noticed() > noticed_before, BACK, "it is noticed")
    # What the sleep set off is over by then.
    wait_until(renewed_twice, 2 * BACK, "keys are renewed in time")
    scene.star.wait_path(scene.sat, scene.hub)
    assert scene.sessions() == before
    scene.clocks[end].off(0)
