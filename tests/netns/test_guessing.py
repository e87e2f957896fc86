# SPDX-License-Identifier: GPL-2.0-or-later
"""Who guesses at a site's secret is slowed, learns nothing from answers or
times, and delays nobody else.

                  (a switch: 198.18.0.0/16)
           .0.1 /        .0.11 |        \\ .1.1 - .2.250
           [hub]             [s1]        [mallory]
"""

import statistics
import time

import pytest

from control import Control, hello
from lib import PORT, Pings, TapStar, run, tombolo, wait_until

HUB = "198.18.0.1"
NAMES = 20  # of each kind
TRIES = 200  # of each kind


class Scene(TapStar):
    def __init__(self, net):
        super().__init__(net, 1, server=[
            ("server", "auth", "srp", "password")])
        self.server = self.hub.daemon
        self.s1 = self.sats[0]
        self.mallory = net.host("mallory")
        self.plug(self.mallory, "mallory", "198.18.0.66/16")
        self.hub.gateway.addr("wan", HUB + "/16")
        self.addresses = ["198.18.%d.%d" % (1 + i // 250, 1 + i % 250)
                          for i in range(1000)]
        batch = "".join("addr add %s/16 dev wan\n" % a
                        for a in self.addresses)
        path = net.dir + "/addresses"
        with open(path, "w") as f:
            f.write(batch)
        self.mallory.run("ip", "-batch", path)
        self.used = 0

    def address(self):
        """One of mallory's that nobody has seen yet."""
        self.used += 1
        return self.addresses[self.used - 1]

    def dial(self, source=None):
        return Control(self.mallory.tcp_connect(HUB, PORT, source=source))

    def guess(self, site, method, source=None):
        """One wrong guess; gives every answer, and the seconds they took."""
        control = self.dial(source)
        answers, times = [], []
        more = ({"credential": b"not the one".hex()} if method == "password"
                else {})
        began = time.perf_counter()
        control.send(hello(site, method, **more))
        answer = control.receive()
        times.append(time.perf_counter() - began)
        answers.append(answer)
        if answer and answer["type"] == "challenge":
            # In the group, and of the right length; the proof is a guess.
            began = time.perf_counter()
            control.send({"type": "response", "credential":
                          "02" + answer["credential"][2:], "proof": "5a" * 32})
            answers.append(control.receive())
            times.append(time.perf_counter() - began)
        control.close()
        return answers, times


@pytest.fixture(scope="module")
def scene(net):
    return Scene(net)


def held_off(scene):
    return scene.server.status()["held_off"]


# ------------------------------------------------------- what answers tell

def kinds(scene, method):
    """name -> site names: known, disabled, unknown, and of another method."""
    other = {"srp": "password", "password": "srp"}[method]
    known, disabled, wrong = [], [], []
    for i in range(NAMES):
        for names, kind, auth in ((known, "k", method),
                                  (disabled, "d", method),
                                  (wrong, "o", other)):
            name = "%s-%s-%d" % (method, kind, i)
            scene.server.add_site(name, "--auth", auth)
            names.append(name)
    for name in disabled:
        scene.server.site("disable", name)
    wait_until(lambda: len(scene.server.sites()) >= 3 * NAMES and
               all(scene.server.sites()[n]["state"] == "disabled"
                   for n in disabled), 20, "the hub knows them")
    return {"known": known, "disabled": disabled, "other method": wrong,
            "unknown": ["%s-u-%d" % (method, i) for i in range(NAMES)]}


def shape(answers, site):
    """An answer without what is random in it, but with its lengths."""
    out = []
    for answer in answers:
        answer = dict(answer)
        for key in ("credential", "setting"):
            if key in answer:
                answer[key] = len(answer[key])
        out.append(sorted(answer.items()))
    return str(out).replace(site, "SITE")


def rank_sum_z(a, b):
    """Mann and Whitney's U as a standard score; ties have average ranks."""
    both = sorted([(v, 0) for v in a] + [(v, 1) for v in b])
    ranks = sum(i + 1 for i, (_, side) in enumerate(both) if side == 0)
    n, m = len(a), len(b)
    u = ranks - n * (n + 1) / 2
    return (u - n * m / 2) / (n * m * (n + m + 1) / 12) ** 0.5


@pytest.mark.seconds(420)
@pytest.mark.parametrize("method", ["srp", "password"])
def test_unknown_wrong_and_disabled_cannot_be_told_apart(scene, method):
    """|z| > 4.5 of a rank sum test happens by chance 7 times in a million."""
    sites = kinds(scene, method)
    shapes, times = set(), {kind: [] for kind in sites}
    for i in range(TRIES):
        source = scene.address()
        # In turn, so that none is always the one behind a pause.
        order = list(sites.items())
        for kind, names in order[i % 4:] + order[:i % 4]:
            site = names[i % NAMES]
            # Each address is good for a few names before it is held off.
            answers, took = scene.guess(site, method, source)
            shapes.add(shape(answers, site))
            times[kind].append(took)
    assert len(shapes) == 1, shapes
    for step in range(len(times["known"][0])):
        known = [t[step] for t in times["known"]]
        for kind in ("disabled", "other method", "unknown"):
            other = [t[step] for t in times[kind]]
            z = rank_sum_z(known, other)
            print("%s, answer %d: known %.2f ms, %s %.2f ms (medians of %d), "
                  "z = %.2f" % (method, step + 1,
                                1e3 * statistics.median(known), kind,
                                1e3 * statistics.median(other), TRIES, z))
            assert abs(z) < 4.5, (method, step, kind)


def test_the_salt_of_an_unknown_name_is_always_the_same(scene):
    settings = []
    for _ in range(2):
        answers, _ = scene.guess("no-such-site", "srp", scene.address())
        settings.append(answers[0]["setting"])
    other, _ = scene.guess("no-such-site-2", "srp", scene.address())
    known, _ = scene.guess("s1", "srp", scene.address())
    assert settings[0] == settings[1] != other[0]["setting"]
    assert len(known[0]["setting"]) == len(settings[0])


# -------------------------------------------------------------- hammering

def test_an_unknown_client_who_hammers_a_name_is_held_off(scene):
    source = scene.address()
    verdicts, end = [], time.monotonic() + 8
    while time.monotonic() < end:
        verdicts.append(scene.guess("s1", "srp", source)[0][-1])
    looked_at = [v for v in verdicts if v["text"] == verdicts[0]["text"]]
    assert 5 <= len(looked_at) <= 10 < len(verdicts)
    assert max(v["retry-after"] for v in verdicts) >= 4
    rows = [r for r in held_off(scene) if r["address"] == source]
    assert rows and rows[0]["wait_s"] > 0, held_off(scene)
    assert source in tombolo("status", "-c", scene.server.conf).stdout


def test_hammering_from_everywhere_delays_no_known_site(scene):
    """Neither its log-in by resumption nor the whole one from its place."""
    pings = Pings(scene.s1.host, scene.hub.ip)
    for _ in range(80):
        scene.guess("s1", "srp", scene.address())
    assert [r for r in held_off(scene) if r["site"] == "s1" and
            r["address"] == "(any)"], held_off(scene)
    sent, received = pings.end()
    assert received == sent, "the session that is up loses nothing"

    resumed = scene.server.status()["counters"]["log-ins-resumed"]
    again(scene, lambda: tombolo("kick", "s1", "-c", scene.server.conf))
    assert scene.server.status()["counters"]["log-ins-resumed"] == resumed + 1

    # A satellite started anew has no token: the whole log-in.
    began = time.monotonic()
    assert scene.s1.daemon.stop("SIGTERM") == 0
    scene.s1.daemon.start(wait=True)
    scene.server.wait_site("s1")
    assert time.monotonic() - began < 8
    assert not scene.s1.daemon.log_lines("too many attempts")


def again(scene, disturb):
    """Disturbs s1 and waits until its next session is up."""
    before = scene.s1.daemon.status()["sessions"]
    disturb()
    wait_until(lambda: scene.s1.daemon.status()["sessions"] > before, 10,
               "s1 is back")
    scene.server.wait_site("s1")


def test_a_network_that_tries_many_names_is_held_off(scene):
    source = scene.address()
    for i in range(40):
        answers, _ = scene.guess("name-%d" % i, "srp", source)
        if "too many" in answers[-1].get("text", ""):
            break
    else:
        pytest.fail("40 names from one address, and no delay")
    assert [r for r in held_off(scene) if r["address"] == source and
            r["site"] == "(any)"]


def test_the_table_of_those_held_off_is_bounded(scene):
    """Its memory, too: an unknown client can invent names and addresses."""
    rss = lambda: int(run("ps", "-o", "rss=", "-p", scene.server.pid_of(
        "engine")).stdout)
    before = rss()
    for i in range(300):
        scene.guess("invented-%d" % i, "srp", scene.addresses[i])
    assert len(held_off(scene)) <= 16
    assert rss() < before + 4096
