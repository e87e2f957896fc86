# SPDX-License-Identifier: GPL-2.0-or-later
"""PAM with real modules: a password by itself, a one-time code that a person
types, and a module that hangs.

                  (the line: 198.18.0.0/24)
           .1 [hub] ------------------ [sat] .2

The hub's /etc/pam.d, passwd and shadow are private: `ip netns exec` puts what
lies in /etc/netns/NAME over /etc.
"""

import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

from control import Control, hello
from lib import PORT, Hub, Pings, Satellite, binary, run, tombolo, wait_until

HUB = "198.18.0.1"
TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
CAP_AUDIT_WRITE = 29
KEY = "3132333435363738393031323334353637383930"
PASSWORD = "open sesame"
HANGS = 60  # seconds, a module

SERVICE = """
auth [success=ignore default=1] pam_succeed_if.so user = stuck quiet
auth required pam_exec.so quiet /bin/sleep %d
%sauth optional pam_exec.so quiet stdout /bin/sh %s/greet
auth required pam_unix.so nodelay
auth optional pam_exec.so quiet expose_authtok /bin/sh %s/witness
auth [success=ignore default=1] pam_succeed_if.so user = mobile quiet
auth required pam_oath.so usersfile=%s window=20 digits=6
%saccount required pam_permit.so
"""

# What PAM says of a user, in which phase, and whether an answer was judged.
VERDICTS = {
    "broken": ("auth", "system_err", "System error", False),
    "nodirectory": ("auth", "authinfo_unavail",
                    "Authentication service cannot retrieve authentication "
                    "info", False),
    "nomodule": ("auth", "module_unknown", "Module is unknown", False),
    "denied": ("auth", "perm_denied", "Permission denied", True),
    "expired": ("acct", "acct_expired", "User account has expired", True),
    "renew": ("acct", "new_authtok_reqd",
              "Authentication token is no longer valid; new one required",
              True),
    "locked": ("acct", "perm_denied", "Permission denied", True),
    "noaccount": ("acct", "system_err", "System error", True),
}

pytestmark = pytest.mark.skipif(
    not binary() or "PAM: yes" not in run(binary(), "version").stdout or
    not shutil.which("oathtool"), reason="no PAM, or no oathtool")


class Scene:
    def __init__(self, net):
        self.net = net
        self.hub, self.sat = net.host("hub"), net.host("sat")
        net.cable(self.hub, "wan", self.sat, "wan")
        self.hub.addr("wan", HUB + "/24")
        self.sat.addr("wan", "198.18.0.2/24")
        self.codes = 0
        self.write_etc()
        self.server = Hub(self.hub).init(HUB, "--mode", "tun", "--auth", "pam",
                                         "--auth", "srp")
        # Modules leak what they asked for (pam_oath does); it ends with them.
        self.server.start(env={"ASAN_OPTIONS": "exitcode=99:detect_leaks=0"})

    def write_etc(self):
        users = os.path.join(self.net.dir, "users.oath")
        digest = run("openssl", "passwd", "-6", PASSWORD).stdout.strip()
        names = ("office", "mobile", "stuck", "gone", "nobody", *VERDICTS)
        files = {
            "pam.d/tombolo": SERVICE % (
                HANGS, verdicts("auth"), self.net.dir, self.net.dir, users,
                verdicts("acct")),
            "passwd": "root:x:0:0::/root:/bin/sh\n" + "".join(
                "%s:x:%d:%d::/:/bin/false\n" % (n, 3000 + i, 3000 + i)
                for i, n in enumerate(names)),
            "shadow": "root:*:19000::::::\n" + "".join(
                "%s:%s:19000:0:99999:7:::\n" % (n, digest) for n in names),
        }
        for name, text in files.items():
            path = self.hub.etc(name, text)
            os.chmod(path, 0o600 if name == "shadow" else 0o644)
        with open(users, "w") as f:
            f.write("HOTP mobile - %s\n" % KEY)
        os.chmod(users, 0o600)
        self.seen = os.path.join(self.net.dir, "seen")
        with open(os.path.join(self.net.dir, "witness"), "w") as f:
            f.write('echo "$PAM_USER:$(cat | tr -d "\\\\0")" >>%s\n' % self.seen)

        with open(os.path.join(self.net.dir, "greet"), "w") as f:
            f.write('echo "Hello $PAM_USER, yes $PAM_USER"\n')

    def told(self):
        """What PAM was asked about, and with which answers, until now."""
        if not os.path.exists(self.seen):
            return ""
        with open(self.seen) as f:
            return f.read()

    def guess(self, site, answer, source):
        """An attempt as anybody can make it: the last thing that is said."""
        control = Control(self.sat.tcp_connect(HUB, PORT, source=source))
        control.send(hello(site, "pam", mode="tun"))
        said = control.receive()
        if said["type"] == "challenge":
            control.send({"type": "response", "credential":
                          answer.encode().hex()})
            said = control.receive()
        control.close()
        return said

    def insist(self, *args):
        """The text of the first answer that says more than "come again"."""
        def text():
            said = self.guess(*args)
            assert said["type"] == "refused", said
            return said["text"] != "the hub is busy" and said["text"]
        return wait_until(text, 30, "a helper is free")

    def code(self):
        self.codes += 1
        return run("oathtool", "-c", self.codes - 1, KEY).stdout.strip()

    def join(self, name, password=PASSWORD):
        secret = os.path.join(self.net.dir, name + ".secret")
        with open(secret, "w") as f:
            f.write(password + "\n")
        os.chmod(secret, 0o600)
        if name not in self.server.sites():
            self.server.add_site(name, "--auth", "pam", generate=False)
            wait_until(lambda: name in self.server.sites(), 10)
        sat = Satellite(self.sat, name).join(
            os.path.join(self.net.dir, "hub-%s.invite" % name),
            "--password-file", secret)
        sat.conf_set("interface", "device", name + "0")
        return sat


@pytest.fixture(scope="module")
def scene(net):
    return Scene(net)


@pytest.fixture(autouse=True)
def one_at_a_time(scene):
    yield
    for daemon in scene.net.daemons:
        if daemon is not scene.server and daemon.running():
            assert daemon.stop("SIGTERM") == 0


def verdicts(phase):
    return "".join(
        "%s [success=ignore default=1] pam_succeed_if.so user = %s quiet\n"
        "%s required pam_debug.so %s=%s\n" %
        (kind, user, kind, phase, row[1])
        for kind in ({"acct": "account"}.get(phase, phase),)
        for user, row in VERDICTS.items() if row[0] == phase)


def login(sat, type_what, seconds=30):
    """`tombolo login` at a terminal of its own; (its output, exit status)."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(binary(), ["tombolo", "login", "-c", sat.conf])
    said, end = "", time.monotonic() + seconds
    typed = False
    while time.monotonic() < end:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                said += os.read(fd, 4096).decode()
            except OSError:
                break
        if not typed and re.search(r"[:?] *$", said):
            os.write(fd, (type_what() + "\n").encode())
            typed = True
    os.close(fd)
    return said, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_password_that_pam_knows_gets_in_unattended(scene):
    sat = scene.join("office")
    sat.conf_set("client", "subnet", "10.99.0.0/24")
    sat.start()
    scene.server.wait_site("office")
    wait_until(lambda: scene.sat.can_ping("10.4.2.1"), 10, "frames pass")
    scene.server.wait_log("site office: up: .* by pam$")
    scene.server.wait_log("site office: it asks for the subnet 10.99")
    assert sat.state() == "up"


def test_a_wrong_one_does_not(scene):
    sat = scene.join("office", "not the one").start(wait=False)
    wait_until(lambda: "refused" in (sat.status().get("last_error") or ""), 15)
    assert not scene.server.site_up("office")


def test_a_user_who_is_no_site_does_not(scene):
    """PAM knows `gone`, and its password is right: there is no such site."""
    sat = scene.join("office")
    sat.conf_set("client", "site", "gone")
    sat.start(wait=False)
    wait_until(lambda: "refused" in (sat.status().get("last_error") or ""), 15)
    scene.server.wait_log("refused: site gone: unknown site")


def test_pam_is_not_told_answers_for_who_is_no_site(scene):
    """Or it would say, by the time it takes, which of them are right."""
    scene.sat.addr("wan", "198.18.0.21/24")
    scene.server.add_site("disabled", "--auth", "pam", generate=False)
    scene.server.site("disable", "disabled")
    wait_until(lambda: "disabled" in scene.server.sites(), 10)
    before = len(scene.told())
    for user in ("gone", "root", "nosuch", "disabled"):
        assert scene.insist(user, PASSWORD, "198.18.0.21") == (
            "authentication failed")
    told = scene.told()[before:]
    assert told.count("tombolo:nobody:") == 4, told
    assert PASSWORD not in told, told
    for user in ("gone", "root", "nosuch", "disabled"):
        assert "\n%s:" % user not in "\n" + told


def test_no_name_is_another_sites(scene):
    """Nor what none can have: those are as many as one likes, to guess at it."""
    scene.sat.addr("wan", "198.18.0.23/24")
    scene.server.add_site("nobody", "--auth", "pam", generate=False)
    wait_until(lambda: "nobody" in scene.server.sites(), 10)
    before = len(scene.told())
    for name in ("a/b", "Nobody"):
        assert scene.insist(name, PASSWORD, "198.18.0.23") == (
            "authentication failed")
    told = scene.told()[before:]
    assert told.count("tombolo:nobody:") == 2, told
    assert PASSWORD not in told, told


def test_nobodys_name_is_in_nothing_that_is_said(scene):
    """Neither in a prompt nor in what modules say before it."""
    scene.sat.addr("wan", "198.18.0.22/24")
    scene.join("office")
    for user in ("office", "gone", "nosuch"):
        control = Control(scene.sat.tcp_connect(HUB, PORT,
                                                source="198.18.0.22"))
        control.send(hello(user, "pam", mode="tun"))
        assert control.receive()["text"].strip() == (
            "Hello %s, yes %s Password:" % (user, user))
        control.close()


@pytest.mark.parametrize("site", VERDICTS)
def test_an_attempt_counts_unless_pam_could_judge_no_answer(scene, site):
    reason, judged = VERDICTS[site][2:]
    scene.server.add_site(site, "--auth", "pam", generate=False)
    wait_until(lambda: site in scene.server.sites(), 10)
    source = "198.18.0.%d" % (30 + list(VERDICTS).index(site))
    scene.sat.addr("wan", source + "/24")
    texts = {scene.insist(site, PASSWORD, source) for _ in range(9)}
    held_off = texts - {"authentication failed"}
    assert bool(held_off) == judged, texts
    assert scene.server.sites()[site]["last_error"].startswith(
        "PAM service tombolo: %s from %s:" % (reason, source))


def test_lines_about_pams_failures_are_limited(scene):
    scene.sat.addr("wan", "198.18.0.29/24")
    before, began = len(scene.server.log_lines("broken")), time.monotonic()
    for _ in range(15):
        scene.insist("broken", PASSWORD, "198.18.0.29")
    windows = 2 + int((time.monotonic() - began) / 10)
    assert len(scene.server.log_lines("broken")) - before <= 10 * windows


def test_the_units_keep_what_pam_needs():
    """What is asked for at a log-in, and where a module may write."""
    for name in ("tombolo.service.in", "tombolo@.service.in"):
        with open(os.path.join(TOP, "contrib/systemd", name)) as f:
            unit = f.read()
        bound = re.search("^CapabilityBoundingSet=(.*)$", unit, re.M).group(1)
        assert "CAP_AUDIT_WRITE" in bound.split()
        assert re.search("^ReadWritePaths=.*-/run/faillock", unit, re.M)
    with open(os.path.join(TOP, "doc/tombolo.conf.5")) as f:
        manual = f.read()
    assert "ReadWritePaths=/etc/users.oath.d" in manual
    assert "ProtectHome=no" in manual


def test_a_helper_has_what_the_units_keep(scene):
    """With NoNewPrivileges it gets nothing that the monitor gave up."""
    stuck = scene.join("stuck").start(wait=False)
    at_work = pid = wait_until(lambda: helper(scene), 10, "it is at work")
    for _ in ("the helper", "the monitor"):
        with open("/proc/%d/status" % pid) as f:
            text = f.read()
        effective = int(re.search("CapEff:\t(.*)", text).group(1), 16)
        assert effective >> CAP_AUDIT_WRITE & 1, text
        pid = int(re.search("PPid:\t(.*)", text).group(1))
    assert stuck.stop("SIGTERM") == 0
    wait_until(lambda: not os.path.exists("/proc/%d" % at_work), 10)


def test_a_one_time_code_is_a_persons(scene):
    sat = scene.join("mobile").start(wait=False)
    wait_until(lambda: "tombolo login" in (sat.status().get("last_error") or
                                           ""), 15, "it says what to do")
    tries = len(scene.server.log_lines("mobile"))
    time.sleep(3)
    assert len(scene.server.log_lines("mobile")) == tries, "it does not hammer"
    said, status = login(sat, scene.code)
    assert status == 0 and "up" in said, said
    assert "One-time" in said, said
    scene.server.wait_site("mobile")

    # Back again, without a question: by its token.
    before = sat.status()["sessions"]
    tombolo("kick", "mobile", "-c", scene.server.conf)
    wait_until(lambda: sat.status()["sessions"] > before, 15)
    scene.server.wait_site("mobile")
    scene.server.wait_log("site mobile: up: .* by pam, resumed")
    secret = scene.code()
    assert secret not in scene.server.log() and PASSWORD not in sat.log()


def test_a_wrong_code_is_refused(scene):
    sat = scene.join("mobile").start(wait=False)
    wait_until(lambda: "tombolo login" in (sat.status().get("last_error") or
                                           ""), 20)
    said, status = login(sat, lambda: "000000")
    assert status == 1 and "refused" in said, said
    assert not scene.server.site_up("mobile")


def test_a_module_that_hangs_delays_nobody(scene):
    office = scene.join("office").start()
    scene.server.wait_site("office")
    wait_until(lambda: scene.sat.can_ping("10.4.2.1"), 10)
    pings = Pings(scene.sat, "10.4.2.1")
    stuck = scene.join("stuck").start(wait=False)
    pid = wait_until(lambda: helper(scene), 10, "its helper is at work")
    assert office.stop("SIGTERM") == 0
    began = time.monotonic()
    office.start()
    scene.server.wait_site("office")
    assert time.monotonic() - began < HANGS / 2
    pings.end()
    # When the site hangs up nobody waits for the module: it goes.
    assert stuck.stop("SIGTERM") == 0
    wait_until(lambda: not os.path.exists("/proc/%d" % pid), 10,
               "the helper is killed")


def test_unknown_clients_who_hold_helpers_keep_no_known_site_out(scene):
    """From many addresses, more than there are helpers, and never answering;
    and the monitor ends nobody for what they do."""
    office = scene.join("office").start()
    scene.server.wait_site("office")
    assert office.stop("SIGTERM") == 0
    engine = scene.server.pid_of("engine")
    controls, asked, busy = [], 0, 0
    for i in range(20):
        address = "198.18.0.%d" % (100 + i)
        scene.sat.addr("wan", address + "/24")
        for _ in range(4):
            control = Control(scene.sat.tcp_connect(HUB, PORT,
                                                    source=address))
            control.send(hello("office", "pam", mode="tun"))
            controls.append(control)
    for control in controls:
        answer = control.receive() or {}
        asked += answer.get("type") == "challenge"
        busy += answer.get("text") == "the hub is busy"
    assert 1 <= asked <= 8 and busy >= len(controls) // 2, (asked, busy)
    began = time.monotonic()
    office.start()
    scene.server.wait_site("office")
    assert time.monotonic() - began < HANGS / 2
    assert scene.server.pid_of("engine") == engine
    assert not scene.server.log_lines("it is killed")
    for control in controls:
        control.close()


def helper(scene):
    try:
        return scene.server.pid_of("pam")
    except Exception:  # none yet
        return None
