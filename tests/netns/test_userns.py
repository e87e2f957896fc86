# SPDX-License-Identifier: GPL-2.0-or-later
"""A daemon in a user namespace, as in an unprivileged container.

           (a cable: 198.18.0.0/24)
        .1 /                   \\ .2
       [hub]            [a network namespace of the user namespace's own]
"""

import os
import re

import pytest

from lib import Hub, Satellite, run, wait_until

HUB = "198.18.0.1"

# As root: the device that a container is given.  Then as nobody: the two
# namespaces; their ids, and the network, are made from outside meanwhile.
ENTER = """
id=$1 go=$2; shift 2
mknod -m 666 "$go.tun" c 10 200 && mount --bind "$go.tun" /dev/net/tun || exit 1
exec setpriv --reuid="$id" --regid="$id" --clear-groups unshare -Un sh -c '
until [ -e "$0" ]; do sleep 0.05; done; exec "$@"' "$go" "$@"
"""


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def give(top, first, n):
    """To the ids that those are from within, as far as there are any."""
    for where, _, files in os.walk(top):
        for path in [where] + [os.path.join(where, f) for f in files]:
            was = os.lstat(path)
            os.lchown(path, *(first + (i if i < n else 0)
                              for i in (was.st_uid, was.st_gid)))
            os.chmod(path, was.st_mode & 0o7777)


def start_contained(daemon, outside, first, uids, gids, deny, address):
    """Its ids 0 and on are `first` and on of this host."""
    section = "server" if isinstance(daemon, Hub) else "client"
    state = os.path.join(daemon.net.dir, "state-%d" % first)
    go = os.path.join(daemon.net.dir, "go-%d" % first)
    os.mkdir(state, 0o700)
    os.chown(state, first, first)
    daemon.conf_set(section, "socket", os.path.join(state, "s.sock"))
    give(daemon.dir, first, min(uids, gids))
    daemon.start(wait=False, env={"STATE_DIRECTORY": state}, wrap=(
        "unshare", "-m", "sh", "-c", ENTER, "sh", str(first), go))
    pid = daemon.process.pid
    home = os.readlink("/proc/self/ns/user")
    wait_until(lambda: os.readlink("/proc/%d/ns/user" % pid) != home and
               b"until" in open("/proc/%d/cmdline" % pid, "rb").read(),
               10, "it is in namespaces of its own")
    if deny:
        write("/proc/%d/setgroups" % pid, "deny")
    write("/proc/%d/uid_map" % pid, "0 %d %d" % (first, uids))
    write("/proc/%d/gid_map" % pid, "0 %d %d" % (first, gids))
    peer = "c%d" % first
    outside.ip("link", "add", peer, "type", "veth", "peer", "name", "wan",
               "netns", str(pid))
    outside.up(peer)
    if "w0" in outside.devices():
        outside.ip("link", "set", peer, "master", "w0")
    inside = ("nsenter", "-t", str(pid), "-n", "ip")
    run(*inside, "addr", "add", address + "/24", "dev", "wan")
    for dev in ("lo", "wan"):
        run(*inside, "link", "set", dev, "up")
    write(go, "")
    daemon.wait_up()


def ids_of(daemon, role, what):
    with open("/proc/%d/status" % daemon.pid_of(role)) as f:
        return {int(n) for n in re.search(r"^%s:\s(.*)" % what, f.read(),
                                          re.M).group(1).split()}


@pytest.fixture(scope="module")
def hub(net):
    if run("setpriv", "--reuid=6300000", "unshare", "-U", "true",
           check=False).returncode != 0:
        pytest.skip("no user namespaces here; in a chroot there are none")
    ns = net.host("hub")
    ns.bridge("w0")
    ns.addr("w0", HUB + "/24")
    return Hub(ns).init(HUB, "--mode", "tun").start()


# What is mapped; whether the processes have users of their own.
MAPS = [
    ("65536 ids", 65536, 65536, False, True),
    ("65536 ids without setgroups", 65536, 65536, True, True),
    ("one id", 1, 1, True, False),
    ("ten ids", 10, 10, False, False),
    ("many users but one group", 65536, 1, True, False),
]


@pytest.mark.parametrize("n", range(len(MAPS)), ids=[m[0] for m in MAPS])
def test_a_site_comes_up(net, hub, n):
    what, uids, gids, deny, apart = MAPS[n]
    name, first = "c%d" % n, 6300000 + n * 100000
    sat = join(hub, name, "--auth", "srp")
    start_contained(sat, hub.ns, first, uids, gids, deny,
                    "198.18.0.%d" % (n + 11))
    hub.wait_site(name)
    users = {role: ids_of(sat, role, "Uid") for role in ("keeper", "engine")}
    if apart:
        assert users == {"keeper": {first + 60611}, "engine": {first + 60612}}
    else:
        assert users == {"keeper": {first}, "engine": {first}}
    assert bool(sat.log_lines("all run as user 0")) == (not apart)
    for role in users:
        with open("/proc/%d/status" % sat.pid_of(role)) as f:
            assert len(re.findall(r"^Cap\w+:\t0+$", f.read(), re.M)) == 5
    out = run("nsenter", "-t", str(sat.process.pid), "-n", "ip", "link",
              "show", "tombolo0").stdout
    assert "qlen 500" in out
    assert sat.stop() == 0


def join(hub, name, *args):
    sat = Satellite(hub.ns, name).join(hub.add_site(name, *args))
    if hub.running():
        wait_until(lambda: name in hub.sites(), 10, "the hub knows " + name)
    return sat


def test_a_hub_of_one_id_comes_up(net, hub):
    inner = Hub(hub.ns, "inner").init("198.18.0.31", "--mode", "tap")
    sat = join(inner, "sat", "--auth", "password")
    sat.conf_set("interface", "device", "sat0")
    start_contained(inner, hub.ns, 7000000, 1, 1, True, "198.18.0.31")
    sat.start()
    inner.wait_site("sat")
    # Also what is written while it runs.
    assert ids_of(inner, "keeper", "Uid") == {7000000}
    assert sat.stop() == 0 and inner.stop() == 0


def test_all_traffic_of_one_id_is_not_past_the_tunnel(net, hub):
    """The resolver's user is everybody's there: no rule names it."""
    sat = join(hub, "c9")
    sat.conf_set("client", "accept-default-route", "yes")
    start_contained(sat, hub.ns, 7100000, 1, 1, True, "198.18.0.39")
    inside = ("nsenter", "-t", str(sat.process.pid), "-n", "ip")

    def rules():
        out = run(*inside, "rule").stdout
        return out if "suppress_prefixlength" in out else None
    out = wait_until(rules, 10, "the rules of a default route are there")
    assert "uidrange" not in out, out
    assert sat.stop() == 0
