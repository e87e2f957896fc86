# SPDX-License-Identifier: GPL-2.0-or-later
"""Connect, transfer, disconnect: every process of both ends under valgrind's
memcheck finds no error and leaks nothing.

                  (the line: 198.18.0.0/24)
           .1 [hub] ------------------ [sat] .2

It needs a build without libseccomp, since valgrind makes system calls of its
own; it makes one, once, beside the other.
"""

import glob
import os
import re
import shutil

import pytest

from lib import Hub, Satellite, binary, run, wait_until

HUB = "198.18.0.1"
TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

# Known of others: each with its why.
SUPPRESSIONS = """
{
   libnftables-keeps-its-scanner: flex and mini-gmp buffers for the process's life
   Memcheck:Leak
   match-leak-kinds: definite,possible
   ...
   obj:*/libnftables.so*
}
{
   glibc-keeps-thread-stacks: a thread's TLS block, cached for the next one
   Memcheck:Leak
   match-leak-kinds: possible
   fun:calloc
   ...
   fun:_dl_allocate_tls
}
"""


@pytest.fixture(scope="module")
def plain(net):
    """tombolo without a list of system calls."""
    if os.environ.get("TOMBOLO_FAST"):
        pytest.skip("left out of a fast run: it builds once more")
    if not shutil.which("valgrind"):
        pytest.skip("valgrind is not there")
    with open(binary(), "rb") as f:
        if b"__asan_init" in f.read() or not os.access(
                TOP + "/configure", os.X_OK):
            pytest.skip("this build has a sanitizer, or no configure")
    build = os.path.join(net.dir, "build")
    os.makedirs(build)
    # /proc/self/exe is valgrind itself, so the children go by name.
    name = '"%s/src/tombolo"' % build
    run("sh", "-c", "cd \"$0\" && \"$1\"/configure --without-seccomp "
        "CFLAGS='-g -O1' CPPFLAGS=\"-DPROC_EXE='$2'\" && "
        "make -j2 src/tombolo", build, TOP, name, timeout=800)
    return build + "/src/tombolo"


@pytest.mark.seconds(900)
def test_no_error_and_no_leak(net, plain):
    logs = os.path.join(net.dir, "memcheck")
    os.makedirs(logs)
    os.chmod(logs, 0o777)
    suppressions = os.path.join(net.dir, "suppressions")
    with open(suppressions, "w") as f:
        f.write(SUPPRESSIONS)
    hub_ns, sat_ns = net.host("hub"), net.host("sat")
    net.cable(hub_ns, "wan", sat_ns, "wan")
    hub_ns.addr("wan", HUB + "/24")
    sat_ns.addr("wan", "198.18.0.2/24")
    hub = Hub(hub_ns).init(HUB, "--mode", "tun")
    sat = Satellite(sat_ns).join(hub.add_site("berlin"))
    for daemon in (hub, sat):
        daemon.process = daemon.ns.spawn(
            "valgrind", "--trace-children=yes", "--leak-check=full",
            "--show-leak-kinds=definite,possible", "--error-exitcode=99",
            "--suppressions=" + suppressions, "--log-file=%s/%s-%%p" % (
                logs, daemon.name), plain, "run", "-c", daemon.conf,
            "--foreground", name=daemon.name)
        daemon.logs.append(daemon.process)
        wait_until(lambda: daemon.state() in ("up", "connecting", "waiting"),
                   60, "%s answers" % daemon.name)
    wait_until(lambda: sat.state() == "up", 60)
    wait_until(lambda: sat_ns.can_ping("10.4.2.1"), 60, "frames pass")
    sat_ns.ping("10.4.2.1", count=20, size=1300, interval=0.05)
    hub.site("disable", "berlin")
    wait_until(lambda: not hub.site_up("berlin"), 20)
    hub.site("enable", "berlin")
    wait_until(lambda: hub.site_up("berlin"), 60)
    for daemon in (sat, hub):
        assert daemon.stop("SIGTERM", timeout=60) == 0
    reports = glob.glob(logs + "/*")
    assert len(reports) >= 6
    for path in reports:
        with open(path) as f:
            text = f.read()
        # One that was killed says nothing; the others say it all.
        for summary in re.findall(r"ERROR SUMMARY: (\d+) errors", text):
            assert summary == "0", text
        assert "definitely lost: 0 bytes" in text or \
            "All heap blocks were freed" in text or \
            "HEAP SUMMARY" not in text, text
