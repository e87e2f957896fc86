# SPDX-License-Identifier: GPL-2.0-or-later
"""What the daemon writes lies in a directory of state, one a configuration: the
configuration itself may be read-only, copied, moved, or of version 0.1.

    [hub] 198.18.0.1 ------- 198.18.0.2 [berlin]
"""

import hashlib
import os
import shutil
import signal

import pytest

from lib import Hub, Satellite, run, tombolo, wait_until

BACK = 60
WRITTEN = {"master.key", "nobody.srp", "nobody.password"}
# Built without tls-srp there is none, and an older one's stays.
MAY_BE = {"nobody.tls-srp"}


class Scene:
    def __init__(self, net):
        self.net = net
        hub_ns, site_ns = net.host("hub"), net.host("berlin")
        net.cable(hub_ns, "wan", site_ns, "wan")
        hub_ns.addr("wan", "198.18.0.1/24")
        site_ns.addr("wan", "198.18.0.2/24")
        self.hub = Hub(hub_ns).init("198.18.0.1", "--mode", "tun")
        self.sat = Satellite(site_ns).join(self.hub.add_site("berlin"))
        self.hub.start()
        self.sat.start()
        self.hub.wait_site("berlin")

    def resumed(self):
        return self.hub.status()["counters"]["log-ins-resumed"]

    def comes_back(self, **kw):
        """The hub starts again, and the site needs no password for it."""
        self.hub.start(**kw)
        self.hub.wait_site("berlin", BACK)
        wait_until(lambda: self.resumed() == 1, BACK, "it came by its token")


@pytest.fixture(scope="module")
def scene(net):
    return Scene(net)


def read_only(*dirs):
    """Words in front of a daemon, for which these directories are read-only.
    `ip netns exec` gives it mounts of its own."""
    mounts = "".join("mount --bind -o ro %s %s && " % (d, d) for d in dirs)
    return "sh", "-c", mounts + 'exec "$@"', "sh"


def names(*path):
    try:
        return set(os.listdir(os.path.join(*path)))
    except FileNotFoundError:
        return set()


def spare(hub):
    """Where its state lies when there is no place for it in /var."""
    own = hashlib.sha256(hub.dir.encode()).hexdigest()[:32]
    if os.path.exists(os.path.join(hub.dir, "id")):
        with open(os.path.join(hub.dir, "id")) as f:
            own = f.read().strip()
    return "/run/tombolo/%s.sock.%s.state" % (os.path.basename(hub.dir), own)


def mode(*path):
    return os.stat(os.path.join(*path)).st_mode & 0o777


def test_nothing_is_written_among_the_credentials(scene):
    hub = scene.hub
    assert names(hub.dir, "keeper") == {"psk.key", "server.key", "sites"}
    assert names(hub.state_dir, "keeper") >= WRITTEN
    assert mode(hub.state_dir) == mode(hub.state_dir, "keeper") == 0o700
    keeper = os.stat(os.path.join(hub.dir, "keeper")).st_uid
    assert os.stat(os.path.join(hub.state_dir, "keeper")).st_uid == keeper != 0
    assert names(scene.sat.state_dir) - {"totals"} == {"keeper"}


def test_a_read_only_configuration_keeps_what_it_learns(scene):
    assert scene.hub.stop() == 0
    scene.comes_back(wrap=read_only(scene.hub.dir))
    assert scene.sat.stop() == 0
    scene.sat.start(wrap=read_only(scene.sat.dir))
    # What an administrator changes there is noticed all the same.
    scene.hub.site("disable", "berlin")
    wait_until(lambda: not scene.hub.site_up("berlin"), 10, "it is out")
    scene.hub.site("enable", "berlin")
    scene.hub.wait_site("berlin", BACK)


def to_version_0_1(hub):
    """Its files where version 0.1 had them."""
    for name in WRITTEN | (MAY_BE & names(hub.state_dir, "keeper")):
        shutil.move(os.path.join(hub.state_dir, "keeper", name),
                    os.path.join(hub.dir, "keeper", name))
    shutil.rmtree(hub.state_dir)
    os.unlink(os.path.join(hub.dir, "id"))


def test_a_directory_of_version_0_1_is_moved_over(scene):
    """First read-only, then not; twice, as after a crash in between."""
    hub = scene.hub
    assert hub.stop() == 0
    to_version_0_1(hub)
    scene.comes_back(wrap=read_only(hub.dir))
    moved = hub.log_lines("/keeper: the daemon's state was moved here from ")
    assert len(moved) == 1 and moved[0].endswith(hub.dir + "/keeper"), moved
    assert WRITTEN < names(hub.dir, "keeper"), "it is only read"
    assert not os.path.exists(os.path.join(hub.dir, "id"))
    assert hub.stop() == 0
    scene.comes_back()
    assert WRITTEN <= names(hub.state_dir, "keeper")
    on_disk = run("stat", "-f", "-c", "%T", hub.state_dir).stdout.strip()
    if on_disk != "tmpfs":  # else it would be lost at the next boot
        assert names(hub.dir, "keeper") == {"psk.key", "server.key", "sites"}
    assert hub.stop() == 0
    scene.comes_back()
    assert len(hub.wait_log("was moved here")) == 1


def test_a_moved_configuration_keeps_its_state(scene):
    hub = scene.hub
    assert hub.stop() == 0
    state = hub.state_dir
    moved = hub.dir + "-moved"
    os.rename(hub.dir, moved)
    try:
        hub.dir, hub.conf = moved, os.path.join(moved, "tombolo.conf")
        assert hub.state_dir == state
        scene.comes_back()
    finally:
        if hub.running():
            hub.stop()
        hub.dir = moved[:-len("-moved")]
        hub.conf = os.path.join(hub.dir, "tombolo.conf")
        os.rename(moved, hub.dir)
    scene.comes_back()


def test_a_copy_beside_it_shares_nothing(scene):
    """cp -a, another port, both at once."""
    copy = Hub(scene.net.host("copy"))
    shutil.copytree(scene.hub.dir, copy.dir)
    keeper = os.stat(os.path.join(scene.hub.dir, "keeper"))
    run("chown", "-R", keeper.st_uid, os.path.join(copy.dir, "keeper"))
    master = os.path.join(scene.hub.state_dir, "keeper", "master.key")
    with open(master) as f:
        before = f.read()
    copy.start()
    copy.wait_log("another daemon runs with the same file id.*remove")
    own = spare(copy)
    with open(os.path.join(own, "keeper", "master.key")) as f:
        assert f.read() != before
    assert copy.stop() == 0
    shutil.rmtree(own)
    # As the message says.
    os.unlink(os.path.join(copy.dir, "id"))
    copy.start()
    assert not names(own) and copy.state_dir != scene.hub.state_dir
    assert len(copy.wait_log("another daemon runs")) == 1
    with open(master) as f:
        assert f.read() == before


@pytest.mark.parametrize("old", (False, True))
def test_without_any_place_it_still_starts(scene, old):
    """Neither /etc nor /var can be written: a warning says what that costs."""
    hub = scene.hub
    assert hub.stop() == 0
    if old:
        to_version_0_1(hub)
    root = os.path.join(scene.net.dir, "readonly")
    os.mkdir(root)
    lines = len(hub.log_lines("sites log in again"))
    own = spare(hub)
    hub.start(wrap=read_only(hub.dir, root), env={"STATE_DIRECTORY": root})
    try:
        hub.wait_site("berlin", BACK)
        # The old key is where it always was, and still good.
        assert scene.resumed() == (1 if old else 0)
        said = hub.log_lines("cannot be used: .*state is kept in /run until "
                             "the next boot: sites log in again then")
        assert len(said) == lines + 1 and "Read-only" in said[-1], said
        assert names(own, "keeper") >= {"master.key"} and not names(root)
        assert hub.stop() == 0
        # Until the next boot.
        scene.comes_back(wrap=read_only(hub.dir, root),
                         env={"STATE_DIRECTORY": root})
        assert hub.stop() == 0
    finally:
        if hub.running():
            hub.stop()
        shutil.rmtree(own, ignore_errors=True)
        os.rmdir(root)
    hub.start()
    hub.wait_site("berlin", BACK)


def test_a_hub_that_never_had_a_key_misses_its_own(scene):
    """And one that has another says once what stays in force."""
    new = Hub(scene.net.host("keyless")).init("198.18.0.1", "--mode", "tun")
    key = os.path.join(new.dir, "keeper", "server.key")
    os.rename(key, key + ".away")
    done = tombolo("run", "--foreground", "-c", new.conf, check=False)
    assert done.returncode == 1 and "server.key: No such" in done.stderr, done
    assert "client.key" not in done.stderr
    os.rename(key + ".away", key)
    new.start()
    assert new.stop() == 0
    shutil.copy(os.path.join(scene.hub.dir, "server.crt"), new.dir)
    new.expect_trouble = True
    new.start()
    assert len(new.wait_log("certificate: .*the key does not match")) == 1
    assert not new.log_lines("none in force")


def test_an_id_that_is_none_stops_the_start(scene):
    copy = Hub(scene.net.host("wrong"))
    shutil.copytree(scene.hub.dir, copy.dir)
    for text in ("../../etc\n", "", "x" * 64 + "\n"):
        with open(os.path.join(copy.dir, "id"), "w") as f:
            f.write(text)
        done = tombolo("run", "--foreground", "-c", copy.conf, check=False)
        assert done.returncode == 1 and "/id: " in done.stderr, done.stderr


def counted(scene):
    """Of the hub and of the site: what is never to fall."""
    there, = scene.sat.ask("sites")["sites"]
    here = scene.hub.sites()["berlin"]
    return [one[key] for one in (here, there)
            for key in ("rx_frames", "rx_bytes", "tx_frames", "tx_bytes")] + [
        scene.hub.status()["counters"]["device-frames-in"]]


def count_some(scene):
    """By a ping that is answered; and so the engines have told the monitors."""
    address = scene.hub.sites()["berlin"]["addresses"][0].split("/")[0]
    scene.hub.ns.run("ping", "-c", "20", "-i", "0.01", "-s", "1000", address)
    return counted(scene)


def test_totals_outlive_a_stop(scene):
    before = count_some(scene)
    assert min(before) > 0
    for daemon in scene.hub, scene.sat:
        assert daemon.stop() == 0
        assert mode(daemon.state_dir, "totals") == 0o600
    scene.hub.start()
    scene.sat.start()
    scene.hub.wait_site("berlin", BACK)
    after = counted(scene)
    assert all(a >= b for a, b in zip(after, before)), (before, after)


def test_totals_outlive_a_kill_of_everything(scene):
    """They are saved once a minute."""
    path = os.path.join(scene.hub.state_dir, "totals")
    before, saved = count_some(scene), os.stat(path).st_mtime_ns
    wait_until(lambda: os.stat(path).st_mtime_ns > saved, 75, "it is saved")
    for pid in scene.hub.pids():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not scene.hub.running(), 10, "it is dead")
    scene.hub.start()
    scene.hub.wait_site("berlin", BACK)
    after = counted(scene)
    assert all(a >= b for a, b in zip(after[:4], before[:4])), (before, after)


def test_totals_that_are_none_are_forgotten_with_a_line(scene):
    hub, line = scene.hub, "the sites' totals begin with zero: .*damaged"
    count_some(scene)
    assert hub.stop() == 0
    with open(os.path.join(hub.state_dir, "totals"), "wb") as f:
        f.write(os.urandom(100000))
    hub.start()
    hub.wait_site("berlin", BACK)
    assert len(hub.log_lines(line)) == 1
    assert hub.sites()["berlin"]["rx_bytes"] < 20000
    before = count_some(scene)
    assert hub.stop() == 0
    hub.start()
    hub.wait_site("berlin", BACK)
    assert all(a >= b for a, b in zip(counted(scene)[:4], before[:4]))
    assert len(hub.log_lines(line)) == 1, "those are good again"


def test_a_disk_without_room_costs_a_line_and_the_totals(scene):
    hub, full = scene.hub, "totals: cannot be written: No space left"
    assert hub.stop() == 0
    with open(os.path.join(hub.state_dir, "totals"), "rb") as f:
        kept = f.read()
    aside = os.path.join(scene.net.dir, "aside")
    fill = ("cp -a %s %s && mount -t tmpfs -o size=256k full %s && "
            "cp -a %s/. %s && dd if=/dev/zero of=%s/fill bs=4k; exec \"$@\"" % (
                hub.state_dir, aside, hub.state_dir, aside, hub.state_dir,
                hub.state_dir))
    hub.start(wrap=("sh", "-c", fill, "sh"))
    hub.wait_site("berlin", BACK)
    before = count_some(scene)
    wait_until(lambda: hub.log_lines(full), 75, "it says so")
    assert all(a >= b for a, b in zip(count_some(scene), before))
    assert hub.stop() == 0
    assert len(hub.log_lines(full)) == 1, "a line a day, the stop's too"
    with open(os.path.join(hub.state_dir, "totals"), "rb") as f:
        assert f.read() == kept
    hub.start()
    hub.wait_site("berlin", BACK)
