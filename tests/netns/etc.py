# SPDX-License-Identifier: GPL-2.0-or-later
"""etc: files of /etc by which names are looked up, the tests' own.

What this host has in them would decide what a test sees: a name of ours in
hosts, a resolver that answers for names that nobody has, a module of NSS that asks
the host's network.  So this process has a mount namespace, in which ours lie over
them; what it starts, inherits it.  A namespace that needs others has them in
Namespace.etc(), which `ip netns exec` lays over these.
"""

import atexit
import contextlib
import ctypes
import os
import shutil
import tempfile

CLONE_NEWNS = 0x00020000
MS_BIND = 0x1000
MS_PRIVATE = 1 << 18

FILES = {
    "hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost\n",
    "host.conf": "multi on\n",
    "gai.conf": "",
    "resolv.conf": "nameserver 127.0.0.1\n",  # where nobody listens
    "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\n"
                     "hosts: files dns\nnetworks: files\n"
                     "protocols: files\nservices: files\n",
}

_libc = ctypes.CDLL(None, use_errno=True)


def use_own():
    """From now on; for a process that has one thread yet."""
    _call("unshare", CLONE_NEWNS)
    directory = tempfile.mkdtemp(prefix="tombolo-etc-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    os.chmod(directory, 0o755)
    for name, text in FILES.items():
        ours, theirs = os.path.join(directory, name), "/etc/" + name
        with open(ours, "w") as f:
            f.write(text)
        # What is not there has no influence.
        if os.path.exists(theirs):
            _lay_over(ours, os.path.realpath(theirs))


def _lay_over(ours, theirs):
    # Not all mounts: those of `ip netns add` stay where others see them.
    above = theirs
    while True:
        with contextlib.suppress(OSError):  # no mount point
            _mount(None, above, MS_PRIVATE)
        if above == "/":
            break
        above = os.path.dirname(above)
    _mount(ours, theirs, MS_BIND)


def _mount(source, target, flags):
    _call("mount", source and source.encode(), target.encode(), None,
          ctypes.c_ulong(flags), None)


def _call(name, *args):
    if getattr(_libc, name)(*args) != 0:
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e), name)
