# SPDX-License-Identifier: GPL-2.0-or-later
"""What `check` says of a configuration, and what files it is made of may look
like.  No daemon runs, except where one of them is in the way.
"""

import os

import pytest

from daemon import binary
from test_cli import Cli

BOM = b"\xef\xbb\xbf"

pytestmark = [
    pytest.mark.without_root,
    pytest.mark.skipif(binary() is None,
                       reason="needs the program: build it, or set TOMBOLO"),
]

# How an editor of another system saves what was typed here.
SAVED = {
    "bom": lambda text: BOM + text,
    "crlf": lambda text: text.replace(b"\n", b"\r\n"),
    "bom and crlf": lambda text: BOM + text.replace(b"\n", b"\r\n"),
    "cr": lambda text: text.replace(b"\n", b"\r"),
}
UTF16 = {
    "utf-16": lambda text: text.decode().encode("utf-16"),
    "utf-16 without a mark": lambda text: text.decode().encode("utf-16-le"),
    "utf-16 of the other kind": lambda text: text.decode().encode("utf-16-be"),
}


@pytest.fixture
def cli(tmp_path):
    return Cli(tmp_path)


@pytest.fixture
def hub(cli):
    cli.ok("init", "--name", "vpn.example.org", "--dir", "s", "--mode", "tun")
    cli.ok("site", "add", "berlin", "--generate", "--dir", "s", "--out", "b")
    cli.ok("join", "b", "--dir", "c")
    return cli


def resave(cli, name, how):
    """The file as that editor would have left it."""
    path = os.path.join(cli.path, name)
    with open(path, "rb") as f:
        text = f.read()
    with open(path, "wb") as f:
        f.write(how(text))


# ------------------------------------------------------------ text, as saved


@pytest.mark.parametrize("how", SAVED)
@pytest.mark.parametrize("name", ["s/tombolo.conf", "s/sites.d/berlin.conf",
                                  "c/tombolo.conf"])
def test_a_configuration_means_the_same_however_it_is_saved(hub, name, how):
    where = name.split("/")[0]
    before = hub.ok("check", "--dir", where, "-v")
    resave(hub, name, SAVED[how])
    assert hub.ok("check", "--dir", where, "-v") == before


@pytest.mark.parametrize("how", UTF16)
@pytest.mark.parametrize("name", ["s/tombolo.conf", "s/sites.d/berlin.conf"])
def test_utf16_is_one_clear_line(hub, name, how):
    resave(hub, name, UTF16[how])
    done = hub("check", "--dir", "s")
    assert done.returncode == 1
    assert done.stderr.count("is UTF-16; save it as UTF-8") == 1, done.stderr
    assert "byte" not in done.stderr and "expected" not in done.stderr


@pytest.mark.parametrize("how", SAVED)
def test_a_site_is_disabled_however_its_file_is_saved(hub, how):
    resave(hub, "s/sites.d/berlin.conf", SAVED[how])
    hub("site", "disable", "berlin", "--dir", "s")
    assert "disabled = yes" in hub.ok("check", "--dir", "s", "-v")
    hub("site", "enable", "berlin", "--dir", "s")
    assert "disabled = yes" not in hub.ok("check", "--dir", "s", "-v")


@pytest.mark.parametrize("how", SAVED)
def test_an_invitation_is_taken_however_it_is_saved(hub, how):
    resave(hub, "b", SAVED[how])
    hub.ok("join", "b", "--dir", "d")
    assert hub.text("d/keeper/password") == hub.text("c/keeper/password")


@pytest.mark.parametrize("how", UTF16)
def test_an_invitation_of_utf16_is_one_clear_line(hub, how):
    resave(hub, "b", UTF16[how])
    hub.fails("join", "b", "--dir", "d", says="is UTF-16; save it as UTF-8")


@pytest.mark.parametrize("how", SAVED)
def test_a_password_is_the_same_however_it_is_saved(hub, how):
    hub.write("pw", "open sesame\n")
    resave(hub, "pw", SAVED[how])
    hub.ok("join", "b", "--dir", "d", "--password-file", "pw")
    assert hub.text("d/keeper/password") == "open sesame\n"


@pytest.mark.parametrize("text, says", [
    ("open sesame\n".encode("utf-16"), "is UTF-16; save it as UTF-8"),
    (b"open\x1bsesame\n", "has a control character in it"),
    (b"open\x7fsesame\n", "has a control character in it"),
    (b"open\rsesame\n", "is not one line"),
])
def test_a_password_that_cannot_be_meant_is_refused(hub, text, says):
    hub.write("pw", "")
    resave(hub, "pw", lambda _: text)
    hub.fails("join", "b", "--dir", "d", "--password-file", "pw", says=says)
    hub.fails("site", "add", "rome", "--password-file", "pw", "--dir", "s",
              says=says)
