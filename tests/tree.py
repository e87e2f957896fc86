# SPDX-License-Identifier: GPL-2.0-or-later
"""tree: what must hold over the source tree itself, whatever it does.

Needs no root and no build: it reads files.
"""

import os
import re
import shutil
import subprocess

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SRC = os.path.join(TOP, "src")

# Which directory may include what of which: arrows point one way.
ARROWS = {
    "base": set(),
    "io": {"base"},
    "conf": {"base"},
    "proc": {"base"},
    "pki": {"base"},
    "datapath/offload": {"base"},
    "datapath/util": {"datapath/offload", "base"},
    "datapath/record": {"base"},
    "datapath/switch": {"datapath/util", "base"},
    "datapath/lane": {"datapath/record", "datapath/util", "io", "base"},
    "datapath": {"datapath/lane", "datapath/offload", "datapath/record",
                 "datapath/switch", "datapath/util", "io", "base"},
    "monitor/host": {"proc", "conf", "base"},
    "monitor/state": {"monitor/host", "proc", "conf", "base"},
    "monitor/serve": {"monitor/host", "monitor/state", "proc", "conf", "base"},
    "monitor": {"monitor/host", "monitor/serve", "monitor/state", "proc",
                "conf", "base"},
    "keeper": {"pki", "proc", "conf", "base"},
    "tls_srp/keeper": {"keeper", "proc", "conf", "base"},
    "resolver": {"proc", "conf", "base"},
    "pam": {"proc", "conf", "base"},
    "engine/ask": {"pki", "proc", "conf", "base"},
    "control/conn": {"engine/ask", "datapath/lane", "datapath/util", "datapath",
                     "pki", "conf", "base"},
    "control/auth": {"control/conn", "engine/ask", "proc", "conf", "base"},
    "control/reach": {"engine/ask", "proc", "conf", "base"},
    "dataplane": {"control/conn", "engine/ask", "datapath", "datapath/lane",
                  "datapath/switch", "datapath/util", "conf", "base"},
    "control": {"control/auth", "control/conn", "control/reach", "dataplane",
                "engine/ask", "datapath", "datapath/lane", "datapath/util",
                "pki", "proc", "conf", "base"},
    "tls_srp/engine": {"control", "control/conn", "engine/ask", "proc", "base"},
    "engine": {"tls_srp/engine", "control", "control/auth", "control/conn",
               "dataplane", "engine/ask", "datapath", "datapath/record",
               "datapath/switch", "datapath/util", "pki", "conf", "proc",
               "base"},
    "cmd/util": {"engine", "control/conn", "monitor/state", "proc", "conf", "base"},
    "cmd/site": {"cmd/util", "tls_srp/engine", "keeper", "monitor/state", "pki",
                 "conf", "base"},
    "cmd/check": {"cmd/site", "cmd/util", "control", "control/conn", "keeper",
                  "monitor", "monitor/host", "monitor/serve", "monitor/state",
                  "pki", "proc", "conf", "base"},
    "cmd": {"cmd/check", "cmd/site", "cmd/util", "control", "tls_srp/engine",
            "keeper", "monitor", "monitor/host", "monitor/state", "pki",
            "proc", "conf", "base"},
}
MAX_SOURCES = 20  # of a directory: what one looks over at a glance

# The files that start everything, and one that says what there is here.
STARTERS = {
    "main.c": {"cmd", "cmd/util", "base"},
    "roles.c": {"engine", "keeper", "resolver", "pam", "proc", "base"},  # main()s
    "cmd/cmd_version.c": {"datapath/record"},
}

# Raw GnuTLS codes are translated in the file that made the call, so few may.
GNUTLS_FILES = {
    "base/secret.c", "control/conn/tls.c", "control/conn/tls.h",
    "control/conn/tls_cert.c", "control/conn/tls_cert.h",
    "control/conn/tls_context.c", "control/conn/tls_context.h",
    "tls_srp/engine/tls_srp.c", "tls_srp/keeper/tls_srp_signer.c",
    "datapath/record/aead_gnutls.c", "datapath/lane/lane.c",
    "datapath/lane/lane_keys.c", "datapath/record/record.c",
    "engine/ask/sign_ask.h", "keeper/signer.c",
    "pki/ca.c", "pki/crl.c", "pki/keypair.c", "pki/keypair.h", "pki/x509.c",
    "pki/x509.h", "cmd/cmd_version.c",
}


# Names that everybody knows (err.h's kind), whatever file they are in.
OTHER_NAMES = {"fatal", "fatalx"}


def sources():
    """Paths below src/ of every file of ours, as "dir/file"."""
    found = []
    for base, _, files in os.walk(SRC):
        found += [os.path.relpath(os.path.join(base, f), SRC) for f in files
                  if f.endswith((".c", ".h"))]
    assert len(found) > 50
    return sorted(found)


def read(path):
    with open(os.path.join(TOP, path)) as f:
        return f.read()


def includes(path):
    return re.findall(r'^#\s*include\s+"([^"]+)"', read("src/" + path), re.M)


def directory(path):
    return os.path.dirname(path)


def may_include(path, target):
    home, there = directory(path), directory(target)
    if there in ("", home):
        return True  # config.h, and one's own directory
    return (there in ARROWS.get(home, set()) or
            there in STARTERS.get(path, set()))


def test_arrows_between_directories_point_one_way():
    wrong = ["src/%s includes %s" % (path, target) for path in sources()
             for target in includes(path) if not may_include(path, target)]
    assert not wrong, "\n".join(wrong)


def test_arrows_have_no_circle():
    def reach(start, seen):
        for there in ARROWS[start]:
            assert there != seen[0], "a circle at " + there
            reach(there, seen + [there])
    for start in ARROWS:
        reach(start, [start])


def test_every_directory_has_its_arrows():
    assert {directory(p) for p in sources()} - {""} == set(ARROWS)


def test_no_directory_has_too_many_files():
    homes = [directory(p) for p in sources() if p.endswith(".c")]
    many = {d: homes.count(d) for d in homes if homes.count(d) > MAX_SOURCES}
    assert not many


def test_every_include_exists():
    for path in sources():
        for target in includes(path):
            assert target == "config.h" or os.path.exists(
                os.path.join(SRC, target)), "src/%s: %s" % (path, target)


def test_a_file_includes_its_own_header_first():
    for path in sources():
        header = path[:-2] + ".h"
        if path.endswith(".c") and os.path.exists(os.path.join(SRC, header)):
            first = [t for t in includes(path) if t != "config.h"][:1]
            assert first == [header], "src/%s: %s" % (path, first)


def test_file_names_are_unique():
    names = [os.path.basename(p) for p in sources()]
    assert len(names) == len(set(names)), \
        sorted(n for n in names if names.count(n) > 1)


def test_every_file_names_its_licence():
    for path in sources():
        assert read("src/" + path).startswith(
            "/* SPDX-License-Identifier: GPL-2.0-or-later */\n"), path


def test_few_files_include_gnutls():
    found = {p for p in sources() if re.search(
        r"^#\s*include\s+<gnutls/", read("src/" + p), re.M)}
    assert found <= GNUTLS_FILES, sorted(found - GNUTLS_FILES)


def test_no_shell_is_ever_started():
    for path in sources():
        text = re.sub(r"/\*.*?\*/", "", read("src/" + path), flags=re.S)
        assert not re.search(r"\b(system|popen|execlp|execvp)\s*\(", text), path


def exported(path):
    """Functions that a .c file defines at column 0, but for its static ones."""
    text = re.sub(r"/\*.*?\*/", "", read("src/" + path), flags=re.S)
    return [name for kind, name in re.findall(
        r"^([A-Za-z_][^\n;{}()=#]*)\n(\w+)\([^;{}]*\)\n\{", text, re.M)
        if not re.search(r"\bstatic\b", kind) and name != "main"]


def types_of(path):
    """Structs and enums that a file's own header defines."""
    header = path[:-2] + ".h"
    if not os.path.exists(os.path.join(SRC, header)):
        return []
    return re.findall(r"^(?:struct|enum) (\w+) \{", read("src/" + header), re.M)


def test_a_name_says_its_file():
    """
    An exported function begins with the name of its file; or of a type of its
    own header; or with x, if x.h beside it declares it for all of x_*.c.
    """
    wrong = []
    for path in (p for p in sources() if p.endswith(".c")):
        stem = os.path.basename(path)[:-2]
        firsts = [stem] + types_of(path)
        parts = stem.split("_")
        for n in range(1, len(parts)):
            first = "_".join(parts[:n])
            header = os.path.join(os.path.dirname(path), first + ".h")
            text = read("src/" + header) if os.path.exists(
                os.path.join(SRC, header)) else ""
            firsts += [f for f in exported(path) if
                       f.startswith(first + "_") and
                       re.search(r"\b%s\(" % f, text)]
        wrong += ["src/%s: %s()" % (path, name) for name in exported(path)
                  if name not in OTHER_NAMES and not any(
                      name == f or name.startswith(f + "_") for f in firsts)]
    assert not wrong, "\n".join(wrong)


def test_every_file_that_a_comment_names_exists():
    ours = sources() + os.listdir(os.path.join(TOP, "tests", "unit"))
    wrong = []
    for path in sources():
        for comment in re.findall(r"/\*.*?\*/", read("src/" + path), re.S):
            for name in re.findall(r"[\w/]*\w\.[ch]\b", comment):
                if not any(("/" + o).endswith("/" + name) for o in ours):
                    wrong.append("src/%s names %s" % (path, name))
    assert not wrong, "\n".join(wrong)


def test_every_source_is_built():
    makefile = read("Makefile.am")
    for path in sources():
        assert "src/" + path in makefile, "src/%s is in no list" % path


# --------------------------------------------------------------- the words

# Words of our own, and the field's in their place: each is gone from code,
# comments, messages and documents.
WORDS = {
    "gift": "startup_recv",
    "opening": "startup_send",
    "material": "certs",
    "parcel": "tcp_batch",
    "lone": "read_hint",
    "judge": "verify, check",
    "vault": "secret_store",
    "pulse": "watchdog",
    "stranger": "unknown client",
    "mend": "fix",
    "passed over": "ignored",
    "swallow": "suppress",
    "log-in": "login",
    "no memory": "out of memory",
}
KEPT = "log-ins-resumed|inherits no memory"  # a counter; what it says

# Names of files that were changed for the field's.
OLD_FILES = set("""answer candidates field forwarding gift good_time heap hub
    hub_peer judge lane_table listening login lone loopprobe loops material
    modes notify opening parcel pool pulse race refusals remains repair running
    suspect undo vault worker_loop""".split())


def words_of(path):
    """Those of WORDS in it, also as a part of an identifier or with an ending."""
    text = re.sub(KEPT, "", re.sub(r"\s+(\*\s)?", " ", read(path)))
    return {word for word in WORDS if re.search(
        r"(?<![a-z])%s(s|d|ed|ing)?(?![a-z])" % word, text, re.I)}


def test_words_of_our_own_do_not_come_back():
    papers = ["README"] + ["doc/" + p for p in os.listdir(
        os.path.join(TOP, "doc")) if "." in p or p == "NEWS"]
    found = {p: words_of(p) for p in papers + ["src/" + p for p in sources()]}
    wrong = ["%s: \"%s\": say %s" % (p, word, WORDS[word])
             for p in found for word in found[p]]
    assert not wrong, "\n".join(wrong)


def test_old_names_of_files_do_not_come_back():
    assert not [p for p in sources() if
                os.path.splitext(os.path.basename(p))[0] in OLD_FILES]


# -------------------------------------------------------------- the papers

def document(name):
    path = os.path.join(TOP, name)
    if not os.path.exists(path):
        pytest.skip("there is no %s yet" % name)
    return read(name)


def test_every_path_that_the_architecture_names_exists():
    text = document("doc/ARCHITECTURE.md")
    words = set(re.findall(r"[\w./-]+/[\w.*-]+", text))
    dirs = set(ARROWS)
    for word in sorted(words):
        first = word.split("/")[0]
        if first in ("src", "tests", "contrib", "doc"):
            base = TOP
        elif first in dirs and "." in word:
            base = SRC
        else:
            continue
        path = os.path.join(base, word.rstrip(".,"))
        assert os.path.exists(path) or "*" in word, word


def test_architecture_names_every_directory():
    text = document("doc/ARCHITECTURE.md")
    for name in ARROWS:
        assert re.search(r"^\s+(src/)?%s/" % os.path.basename(name), text,
                         re.M), name


def test_manual_describes_every_key_of_the_configuration():
    text = document("doc/tombolo.conf.5")
    keys = re.findall(r'^\t\{ CONF_IN_\w+, "([a-z-]+)"',
                      read("src/conf/conf_keys.c"), re.M)
    assert len(keys) > 20
    for key in keys:
        assert re.search(r"^\.It Ic %s\b|^\.It Cm %s\b|^\.It .*\b%s\b" % (
            key, key, key), text, re.M), "%s is not described" % key


def test_manual_describes_every_command_and_every_drop():
    text = document("doc/tombolo.8").replace("\\-", "-")
    for name in re.findall(r'^\t\{ "([a-z]+)", cmd_', read("src/main.c"), re.M):
        assert re.search(r"\b%s\b" % name, text), "command " + name
    for name in re.findall(r'^\tX\(\w+,\s+"([a-z-]+)"',
                           read("src/datapath/util/drop.h"), re.M):
        assert name in text, "drop " + name


@pytest.mark.parametrize("page", ["doc/tombolo.8", "doc/tombolo.conf.5"])
def test_manual_is_clean_mdoc(page):
    document(page)
    if shutil.which("mandoc") is None:
        pytest.skip("needs mandoc")
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning",
                           os.path.join(TOP, page)], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_netns_test_shows_its_topology():
    for name in os.listdir(os.path.join(TOP, "tests/netns")):
        if not name.startswith("test_") or not name.endswith(".py"):
            continue
        text = read("tests/netns/" + name)
        assert re.match(r'# SPDX.*\n"""\w', text), name
        assert "tests/netns/" + name in read("tests/netns/Makefile.inc"), name


def test_what_security_md_names_is_there():
    """Each test and script that it points to; it would mislead otherwise."""
    with open(os.path.join(TOP, "doc", "SECURITY.md")) as f:
        text = f.read()
    names = set()
    for base, _, files in os.walk(os.path.join(TOP, "tests")):
        names |= set(files) | {os.path.splitext(f)[0] for f in files}
    said = re.findall(r"`((?:test|check|fuzz)_[a-z0-9_]+(?:\.py)?)`", text)
    assert len(said) > 10
    assert not [s for s in said if s not in names]
    for path in re.findall(r"`((?:doc|contrib|tests|src)/[\w./-]+)`", text):
        assert os.path.exists(os.path.join(TOP, path)), path


# -------------------------------------------------------------- the releases

def test_one_version_everywhere():
    version = re.search(r"AC_INIT\(\[tombolo\], \[([\d.]+)\]",
                        read("configure.ac")).group(1)
    assert read("doc/NEWS").startswith("Tombolo %s\n" % version)
    package = re.match(r"tombolo \(([\d.]+)[^)]*\) ",
                       read("contrib/debian/changelog")).group(1)
    assert package == version


def test_releases_are_named_by_whole_commits():
    lines = [l for l in read("tests/versions").splitlines() if l[:1] != "#"]
    assert lines
    for line in lines:
        assert re.fullmatch(r"\d+\.\d+\.\d+ [0-9a-f]{40}", line), line


def test_what_a_build_needs_is_said_alike():
    """README's packages, contrib/packages', and those of the package."""
    listed = read("contrib/packages").split("# to build\n")[1].split("\n\n")[0]
    wanted = set(listed.replace(" [amd64]", "").split())
    install = re.search(r"apt-get install ((?:.*\\\n)+.*)", read("README"))
    said = set(install.group(1).replace("\\\n", " ").split())
    assert said == wanted - {"check"}
    # build-essential is there, debhelper brings the autotools.
    # pkgconf is what pkg-config is by now.
    control = read("contrib/debian/control").split("\n\n")[0]
    missing = [p for p in wanted if not re.search(
        r" %s(,| <| \[)" % re.escape(p), control)]
    assert set(missing) == {"build-essential", "autoconf", "automake",
                            "pkg-config"}
