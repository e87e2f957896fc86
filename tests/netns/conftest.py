# SPDX-License-Identifier: GPL-2.0-or-later
"""What every test here shares: who may run them, how long, what a failure says.

    TOMBOLO=/path/to/tombolo /usr/bin/python3 -m pytest tests/netns/test_tap.py

Tests need root and the program; without either they skip and say so.  With
`-m "not slow"` the ones that wait a minute for a timer are left out.
"""

import atexit
import contextlib
import os
import shutil
import signal
import sys
import tempfile

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import etc  # noqa: E402
import net as world  # noqa: E402
from daemon import binary  # noqa: E402

TOOLS = ("ip", "ethtool", "ping", "tcpdump", "nft", "cc")
SECONDS = 120  # a test that takes longer hangs; @pytest.mark.seconds(n)


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: waits for a timer of a minute, or "
                            "takes ten seconds of a processor")
    config.addinivalue_line("markers", "seconds(n): may take so long")
    config.addinivalue_line("markers", "without_root: needs the program only")
    # A run that is told to end cleans up as one that was interrupted.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # What a test starts by itself leaves nothing on the host either.
    state = tempfile.mkdtemp(prefix="tombolo-state-")
    os.environ["STATE_DIRECTORY"] = state
    atexit.register(shutil.rmtree, state, ignore_errors=True)
    if os.geteuid() == 0:
        world.sweep()
        with contextlib.suppress(PermissionError):  # nor has it namespaces
            etc.use_own()


def pytest_collection_modifyitems(items):
    program = None
    if binary() is None:
        program = "needs the program: build it, or set TOMBOLO"
    host = program or why_not()
    for item in items:
        why = program if item.get_closest_marker("without_root") else host
        if why is not None:
            item.add_marker(pytest.mark.skip(reason=why))


def why_not():
    """Why this host cannot have the namespaces of a test, or None."""
    if os.geteuid() != 0:
        return "needs root: namespaces, bridges and TAP devices"
    missing = [t for t in TOOLS if shutil.which(t) is None]
    if missing:
        return "needs %s (contrib/packages)" % " ".join(missing)
    return None


@pytest.fixture(scope="module")
def net():
    """The world of one test file; whatever is in it goes at the end."""
    with world.Net() as made:
        yield made


@pytest.fixture
def small_net():
    """A world for one test alone."""
    with world.Net() as made:
        yield made


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    mark = item.get_closest_marker("seconds")
    seconds = mark.args[0] if mark else SECONDS

    def late(*_):
        raise TimeoutError("the test hangs: %d s" % seconds)
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for made in world.OPEN:
        for title, text in made.logs():
            report.sections.append(("log of " + title, text))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """Under automake, a file in which all was skipped is a SKIP (77)."""
    if os.environ.get("TOMBOLO_AUTOMAKE") is None or exitstatus != 0:
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter.stats.get("skipped") and not reporter.stats.get("passed"):
        session.exitstatus = 77
