# SPDX-License-Identifier: GPL-2.0-or-later
"""What each process may do; what an engine that was taken over gets.

                  (the line: 198.18.0.0/24)
           .1 [hub] ------------------ [sat] .2
"""

import os
import re
import subprocess
import time

import pytest

from lib import HERE, CommandFailed, Hub, Satellite, binary, run, tombolo, wait_until

HUB = "198.18.0.1"
BUILD = os.path.dirname(os.path.dirname(binary() or "/none/none"))
LIBS = ("gnutls nettle hogweed jansson libbsd libnl-3.0 libnl-route-3.0 "
        "libnftables libcrypt").split()


def feature(name):
    return re.search(r"^%s: (.*)" % name, run(binary(), "version").stdout,
                     re.M).group(1)


def sandboxed():
    """Builds with a sanitizer have no lists."""
    return b"__asan_init" not in open(binary(), "rb").read() and \
        feature("seccomp") == "yes"


# ----------------------------------------------------- what they are held to

class Scene:
    def __init__(self, net):
        self.net = net
        self.hub, self.sat = net.host("hub"), net.host("sat")
        net.cable(self.hub, "wan", self.sat, "wan")
        self.hub.addr("wan", HUB + "/24")
        self.sat.addr("wan", "198.18.0.2/24")
        self.server = Hub(self.hub).init(HUB, "--mode", "tap")
        self.sats = {}
        self.server.start()
        for name, auth in (("berlin", "srp"), ("paris", "password")):
            invite = self.server.add_site(name, "--auth", auth)
            wait_until(lambda: name in self.server.sites(), 10)
            sat = Satellite(self.sat, name).join(invite)
            sat.conf_set("interface", "device", name + "0")
            if name == "paris":
                sat.conf_set("interface", "aead", "gnutls")
            self.sats[name] = sat.start()
            self.server.wait_site(name)


@pytest.fixture(scope="module")
def scene(net):
    return Scene(net)


def status(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(l.rstrip("\n").split(":\t", 1) for l in f if ":\t" in l)


def limits(pid):
    with open("/proc/%d/limits" % pid) as f:
        return {l[:26].strip(): l[26:].split()[0] for l in f}


@pytest.mark.parametrize("role", ["engine", "keeper"])
def test_a_process_has_no_right_that_it_does_not_need(scene, role):
    for daemon in [scene.server, *scene.sats.values()]:
        pid = daemon.pid_of(role)
        said = status(pid)
        assert set(said["Uid"].split()) != {"0"}
        assert said["Groups"].strip() == ""
        for caps in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(said[caps], 16) == 0, (role, caps)
        assert said["NoNewPrivs"] == "1"
        assert limits(pid)["Max core file size"] == "0"
        if sandboxed():
            assert said["Seccomp"] == "2"
            assert limits(pid)["Max processes"] == "0"
            # Or else it has said so: this host does not let root raise it.
            locked = int(said["VmLck"].split()[0]) > 0
            unlimited = limits(pid)["Max locked memory"] == "unlimited"
            assert locked == unlimited
            assert locked or daemon.log_lines("%s: secrets may be swapped"
                                              % role)


def test_each_end_says_whose_ciphers_it_uses(scene):
    assert scene.sats["paris"].status()["aead"] == "GnuTLS"
    site = scene.server.sites()["paris"]
    assert site["lanes_up"] == site["lanes"] > 0
    for daemon in (scene.server, scene.sats["berlin"]):
        said = daemon.status()["aead"]
        assert "\nAEAD: %s\n" % said in tombolo("version").stdout
        assert said in tombolo("status", "-c", daemon.conf).stdout


def test_the_resolver_has_no_right_that_it_does_not_need(scene):
    sat = Satellite(scene.sat, "named").join(scene.server.add_site("named"))
    sat.conf_set("interface", "device", "named0")
    sat.conf_set("client", "server", "localhost")
    sat.start(wait=False)
    pid = wait_until(lambda: resolver_of(sat), 10, "there is a resolver")
    wait_until(lambda: status(pid)["NoNewPrivs"] == "1", 10)
    said = status(pid)
    assert set(said["Uid"].split()).isdisjoint({"0"} | set(
        status(sat.pid_of("engine"))["Uid"].split()))
    assert said["Groups"].strip() == ""
    for caps in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(said[caps], 16) == 0, caps
    assert limits(pid)["Max core file size"] == "0"
    if sandboxed():
        wait_until(lambda: status(pid)["Seccomp"] == "2", 10)
    for fd in os.listdir("/proc/%d/fd" % pid):
        target = os.readlink("/proc/%d/fd/%s" % (pid, fd))
        assert fd in ("1", "2") or target.startswith("socket:") or \
            target == "/dev/null", target
    assert sat.stop("SIGTERM") == 0


def resolver_of(daemon):
    try:
        return daemon.pid_of("resolver")
    except CommandFailed:  # none yet
        return None


def test_the_monitor_keeps_few_capabilities(scene):
    few = {5, 6, 7, 8, 12, 2, 24}  # linux/capability.h
    for daemon in scene.sats.values():
        said = status(daemon.process.pid)
        for caps in ("CapPrm", "CapEff", "CapBnd"):
            kept = {n for n in range(64) if int(said[caps], 16) >> n & 1}
            assert kept <= few, (caps, kept)


def test_processes_have_users_of_their_own(scene):
    uids = [status(scene.server.pid_of(r))["Uid"] for r in ("engine",
                                                            "keeper")]
    assert len(set(uids)) == 2


def test_the_engine_holds_nothing_but_what_it_was_given(scene):
    pid = scene.server.pid_of("engine")
    for fd in os.listdir("/proc/%d/fd" % pid):
        target = os.readlink("/proc/%d/fd/%s" % (pid, fd))
        # Where the log goes is the caller's.
        assert fd in ("1", "2") or re.match(r"socket:|pipe:|anon_inode:\[(eventpoll|eventfd|"
                        r"timerfd|signalfd)\]|/dev/net/tun|/dev/null",
                        target), target


def test_no_secret_in_argv_environment_or_log(scene):
    for name, sat in scene.sats.items():
        with open(os.path.join(sat.dir, "keeper", "password")) as f:
            secret = f.read().strip().encode()
        for daemon in (scene.server, sat):
            for pid in daemon.pids():
                for what in ("cmdline", "environ"):
                    with open("/proc/%d/%s" % (pid, what), "rb") as f:
                        assert secret not in f.read()
            assert secret not in daemon.log().encode()
            assert secret.decode() not in str(daemon.status())


# ----------------------------------------------------------- what is in memory

def memory(pid):
    """All that is mapped and readable."""
    out = []
    with open("/proc/%d/maps" % pid) as maps, \
            open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            m = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
            if not m or "[vvar" in line or "[vsyscall" in line:
                continue
            start, end = (int(x, 16) for x in m.groups())
            try:
                mem.seek(start)
                out.append(mem.read(end - start))
            except (OSError, ValueError):
                continue
    return b"\n".join(out)


def private_scalar(path):
    text = run("openssl", "pkey", "-in", path, "-text", "-noout").stdout
    body = re.search(r"priv:\s*([0-9a-f:\s]+?)pub:", text).group(1)
    return bytes.fromhex(re.sub(r"[^0-9a-f]", "", body))[-32:]


def test_keys_and_hashes_never_enter_the_engine(scene):
    keeper = os.path.join(scene.server.dir, "keeper")
    scalar = private_scalar(os.path.join(keeper, "server.key"))
    with open(os.path.join(keeper, "server.key")) as f:
        pem = f.read().splitlines()[1].encode()
    with open(os.path.join(keeper, "sites", "berlin.srp")) as f:
        verifier = f.read().split()[3]
    with open(os.path.join(keeper, "sites", "paris.password")) as f:
        digest = f.read().strip().rsplit("$", 1)[1].encode()
    engine = memory(scene.server.pid_of("engine"))
    assert len(engine) > 1000000
    for what, secret in (("key", scalar), ("key backwards", scalar[::-1]),
                         ("key as text", pem), ("hash", digest),
                         ("verifier as text", verifier.encode()[:64]),
                         ("verifier", bytes.fromhex(verifier)[:32]),
                         ("verifier backwards",
                          bytes.fromhex(verifier)[::-1][:32])):
        assert secret not in engine, what
    # The search finds what is there: the key, in the keeper.
    kept = memory(scene.server.pid_of("keeper"))
    assert scalar in kept or scalar[::-1] in kept


def test_an_srp_password_enters_neither_engine(scene):
    sat = scene.sats["berlin"]
    with open(os.path.join(sat.dir, "keeper", "password")) as f:
        secret = f.read().strip().encode()
    assert secret not in memory(scene.server.pid_of("engine"))
    assert secret not in memory(sat.pid_of("engine"))


def test_a_password_that_passed_through_is_wiped(scene):
    sat = scene.sats["paris"]
    with open(os.path.join(sat.dir, "keeper", "password")) as f:
        secret = f.read().strip().encode()
    for daemon in (scene.server, sat):
        image = memory(daemon.pid_of("engine"))
        assert secret not in image
        assert secret.hex().encode() not in image


# ------------------------------------------------------------- files at start

LOOSE = [
    ("keeper/server.key", 0o644), ("keeper", 0o755), ("tombolo.conf", 0o666),
    ("sites.d", 0o777), ("sites.d/berlin.conf", 0o666), ("ca.key", 0o644),
]


@pytest.mark.parametrize("name,mode", LOOSE)
def test_loose_modes_are_refused_with_the_mending_command(scene, name, mode):
    hub = Hub(scene.hub, "loose%d" % len(scene.net.daemons)).init("loose.example.org", "--mode", "tun")
    hub.add_site("berlin")
    path = os.path.join(hub.dir, name)
    right = os.stat(path).st_mode & 0o7777
    os.chmod(path, mode)
    hub.conf_set("interface", "device", "loose0")
    hub.conf_set("server", "port", 4444)
    if name == "tombolo.conf":
        os.chmod(path, mode)
    hub.expect_trouble = True
    hub.start(wait=False)
    hub.process.wait(20)
    line = [l for l in hub.log().splitlines() if "chmod" in l]
    assert line and name in line[0], hub.log()
    # The command that it says mends it.
    command = re.search(r"(chown \S+ \S+; )?(chmod [0-7a-z,+-]+ \S+)",
                        line[0])
    run("sh", "-c", command.group(0))
    assert os.stat(path).st_mode & 0o7777 & ~right == 0
    hub.start()
    assert hub.stop("SIGTERM") == 0


# ------------------------------------------------------------ a taken-over engine

@pytest.fixture(scope="module")
def rogue(net):
    """tombolo with rogue.c's engine."""
    return build_rogue(net, "rogue")


def build_rogue(net, name):
    """The program under test, but for what NAME.c has instead."""
    path = os.path.join(net.dir, name)
    top = os.path.dirname(os.path.dirname(HERE))
    flags = run("pkg-config", "--cflags", "--libs", *LIBS).stdout.split()
    seccomp = run("pkg-config", "--libs", "libseccomp", check=False)
    run(*os.environ.get("CC", "cc").split(), "-std=gnu17", "-D_GNU_SOURCE",
        "-w", "-Wl,-z,muldefs", "-I", top + "/src", "-I", BUILD, "-o", path,
        BUILD + "/src/main.o", BUILD + "/src/roles.o",
        os.path.join(HERE, name + ".c"),
        BUILD + "/libtombolo.a", *flags, *seccomp.stdout.split(),
        "-lev", "-lgmp", "-lpam", "-lpthread", timeout=120)
    return path


@pytest.fixture
def captured(scene, rogue):
    """Starts a hub whose engine does one thing."""
    made = []

    def start(attack):
        number = len(scene.net.daemons)
        hub = Hub(scene.hub, "rogue%d" % number).init(
            "rogue.example.org", "--mode", "tun", "--auth", "srp", "--auth",
            "pam")
        hub.add_site("berlin")
        hub.conf_set("interface", "device", "rogue0")
        hub.conf_set("server", "port", 4445)
        hub.expect_trouble = True
        hub.process = scene.hub.spawn(rogue, "run", "-c", hub.conf,
                                      "--foreground", name="rogue",
                                      env=dict(os.environ, ROGUE=attack))
        hub.logs.append(hub.process)
        made.append(hub)
        hub.wait_log("rogue: %s: begins" % attack)
        return hub

    yield start
    for hub in made:
        if hub.running():
            assert hub.stop("SIGTERM") == 0


KERNEL = ["open", "exec", "udp", "netlink", "packet", "ioctl", "fork",
          "thread", "ptrace", "readv", "kill", "code", "connect"]


@pytest.mark.parametrize("attack", KERNEL)
def test_the_kernel_forbids(scene, captured, attack):
    if not sandboxed():
        pytest.skip("no seccomp in this build")
    hub = captured(attack)
    index = scene.hub.ip("-o", "link", "show", "rogue0").stdout.split(":")[0]
    hub.wait_log("engine: died by signal 31")
    assert not hub.log_lines("rogue: %s: result" % attack)
    hub.wait_log("engine: is up again", deadline=20)
    now = scene.hub.ip("-o", "link", "show", "rogue0").stdout.split(":")[0]
    assert now == index, "the device outlived it"
    assert hub.running()


MONITOR = ["ask-connect", "ask-network", "ask-unknown", "ask-pam",
           "ask-with-fd", "ask-ready-again", "ask-garbage"]


@pytest.mark.parametrize("attack", MONITOR)
def test_the_monitor_does_not_take(scene, captured, attack):
    """It ends that engine, says why once, and has another."""
    hub = captured(attack)
    hub.wait_log("it is killed|engine: closed its channel|engine: died")
    hub.wait_log("engine: is up again", deadline=20)
    said = hub.log_lines("it is killed")
    begun = hub.log_lines("rogue: %s: begins" % attack)
    assert len(said) <= len(begun)
    assert hub.running()
    assert scene.hub.ip("link", "show", "rogue0")


def outcome(hub, attack, what="result"):
    line = hub.wait_log("rogue: %s: %s" % (attack, what), deadline=60)[0]
    return int(line.split()[-1])


def test_signatures_are_limited(captured):
    hub = captured("signatures")
    signed = outcome(hub, "signatures")
    seconds = outcome(hub, "signatures", "milliseconds") / 1e3
    print("%d of 30000 signatures in %.1f s" % (signed, seconds))
    assert signed <= 4096 + 2000 * (seconds + 1)
    assert 1 <= len(hub.log_lines("signatures too often")) <= 30


def test_other_signatures_than_tls_needs_are_refused(captured):
    hub = captured("forbidden")
    assert outcome(hub, "forbidden") == 0
    assert 1 <= len(hub.log_lines("signature of kind")) <= 30


def test_verifiers_are_limited(captured):
    hub = captured("verifiers")
    got = outcome(hub, "verifiers")
    seconds = outcome(hub, "verifiers", "milliseconds") / 1e3
    assert got <= 64 + 8 * (seconds + 1)
    assert 1 <= len(hub.log_lines("tls-srp too often")) <= 30


def test_garbage_ends_the_keeper_and_another_comes(captured):
    hub = captured("keeper-garbage")
    assert outcome(hub, "keeper-garbage") < 0
    hub.wait_log("engine's request")
    wait_until(lambda: hub.pid_of("keeper"), 10)
    assert hub.running()


# --------------------------------------------------------- a taken-over resolver

@pytest.fixture(scope="module")
def taken_resolver(net):
    return build_rogue(net, "rogue_resolver")


@pytest.fixture
def lookup(scene, taken_resolver):
    """Starts a satellite whose resolver does one thing."""
    made = []

    def start(attack):
        name = "lost%d" % len(scene.net.daemons)
        sat = Satellite(scene.sat, name).join(scene.server.add_site(name))
        sat.conf_set("interface", "device", "lost0")
        sat.conf_set("client", "server", "localhost")
        sat.expect_trouble = True
        sat.process = scene.sat.spawn(taken_resolver, "run", "-c", sat.conf,
                                      "--foreground", name=name,
                                      env=dict(os.environ, ROGUE=attack))
        sat.logs.append(sat.process)
        made.append(sat)
        sat.wait_log("rogue: %s: begins" % attack)
        return sat

    yield start
    # A death before the daemon is up is the end of it, with status 1.
    for sat in made:
        if sat.running():
            assert sat.stop("SIGTERM") in (0, 1)


@pytest.mark.parametrize("attack", ["exec", "fork", "kill", "ptrace", "readv",
                                    "listen", "ioctl", "unlink"])
def test_the_kernel_forbids_the_resolver(lookup, attack):
    if not sandboxed():
        pytest.skip("no seccomp in this build")
    # It is told that there is no such call, as its modules are: see below.
    sat = lookup(attack)
    assert outcome(sat, attack) == -1
    assert not sat.log_lines("resolver: died")


@pytest.mark.parametrize("attack", ["write-file", "change-file", "read-proc",
                                    "packet"])
def test_a_resolver_gets_no_file_and_no_raw_socket(lookup, attack):
    if not sandboxed() or not feature("Landlock").startswith("ABI"):
        pytest.skip("no seccomp or no Landlock")
    assert outcome(lookup(attack), attack) == -1


def test_a_resolver_reads_hosts(lookup):
    assert outcome(lookup("hosts"), "hosts") == 0


# ----------------------------------------------------- others' code in a resolver

# In a mount namespace: what it finds in /etc, and the module itself there.
WITH_MODULE = """
cp -aL /etc/passwd /etc/group /etc/ld.so.conf.d /etc/ld.so.conf /etc/hosts \
    /etc/services /etc/protocols "$1" 2>/dev/null
echo "198.18.0.1 files.example.org" >>"$1/hosts"
echo "hosts: $2" >"$1/nsswitch.conf"
echo /etc/modules >"$1/ld.so.conf.d/t.conf"
mount --bind "$1" /etc && ldconfig || exit 1
shift 2
exec "$@"
"""


@pytest.fixture(scope="module")
def module(net):
    """A directory for /etc with libnss_t.so.2 in it."""
    etc = os.path.join(net.dir, "etc")
    os.makedirs(etc + "/modules")
    run("cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-Wl,-soname,libnss_t.so.2",
        "-o", etc + "/modules/libnss_t.so.2",
        os.path.join(HERE, "nss_module.c"), "-lpthread")
    return etc


@pytest.mark.parametrize("hosts,server", [
    ("t dns", "vpn.example.org"),     # the module answers
    ("t files", "files.example.org"),  # it has no answer, the next one has
    ("files t [!UNAVAIL=return] dns", "vpn.example.org"),
])
def test_modules_that_ask_for_much_do_not_end_a_resolver(scene, module, hosts,
                                                         server):
    name = "nss%d" % len(scene.net.daemons)
    sat = Satellite(scene.sat, name).join(scene.server.add_site(name))
    wait_until(lambda: name in scene.server.sites(), 10)
    sat.conf_set("interface", "device", "nss0")
    sat.conf_set("client", "server", server)
    sat.conf_set("client", "name", HUB)
    sat.start(wrap=("unshare", "-m", "sh", "-c", WITH_MODULE, "sh", module,
                    hosts))
    scene.server.wait_site(name)
    assert resolver_of(sat)
    assert not sat.log_lines("resolver: (died|ended)")
    assert sat.stop("SIGTERM") == 0
