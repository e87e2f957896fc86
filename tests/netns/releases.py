# SPDX-License-Identifier: GPL-2.0-or-later
"""releases: the programs of earlier releases, built from this tree's history.

tests/versions names their commits.  Each is built once, into versions/ of the
build directory: by contrib/check while other tests wait, else by the test.

    python3 tests/netns/releases.py BUILD-DIRECTORY
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


class Unavailable(Exception):
    """Why a release cannot be built here."""


def named():
    """(version, commit) of each release."""
    with open(os.path.join(TOP, "tests", "versions")) as f:
        return [tuple(l.split()) for l in f if l.strip() and l[0] != "#"]


def program(version, commit, build):
    """The path of its program; it is built below the directory `build`."""
    home = os.path.join(build, "versions")
    path = os.path.join(home, "%s-%s" % (version, commit))
    if git("cat-file", "-e", commit + "^{commit}").returncode != 0:
        raise Unavailable("%s (%s) is not in a git history here" % (
            version, commit[:7]))
    os.makedirs(home, exist_ok=True)
    with open(os.path.join(home, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            with tempfile.TemporaryDirectory(dir=home) as tree:
                os.rename(make(commit, tree), path)
    return path


def git(*args, **kw):
    try:
        return subprocess.run(
            ["git", "-c", "safe.directory=" + TOP, "-C", TOP, *args],
            check=False, stderr=subprocess.DEVNULL, **kw)
    except FileNotFoundError:
        raise Unavailable("needs git (contrib/packages)")


def make(commit, tree):
    """Builds in `tree`; gives the program's path in it."""
    archive = git("archive", commit, stdout=subprocess.PIPE)
    subprocess.run(["tar", "-C", tree, "-xf", "-"], input=archive.stdout,
                   check=True)
    if shutil.which("autoreconf") is None:
        raise Unavailable("needs autoconf and automake (contrib/packages)")
    for step in ("autoreconf -i", "./configure -q CFLAGS=-O0",
                 "make -s -j%d src/tombolo" % os.cpu_count()):
        done = subprocess.run(step.split(), cwd=tree, check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, "%s of %s:\n%s" % (
            step, commit[:7], done.stdout[-4000:])
    return os.path.join(tree, "src", "tombolo")


if __name__ == "__main__":
    for release in named():
        try:
            print(program(*release, sys.argv[1]))
        except Unavailable as why:
            print("skipped: %s" % why)
