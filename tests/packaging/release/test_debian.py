"""Which Debian package a library came from."""

import os
import sys
from pathlib import Path

import pytest
from release.debian import debian_components, licence_name

DEP5 = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: debian/*
Copyright: somebody
License: GPL-3+

Files: *
Copyright: 2001 Somebody
  2002 Somebody else
License: ISC
 Permission is granted.
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_only_packages_that_the_loader_looks_into_are_asked(tmp_path, monkeypatch):
    script = """#!/bin/sh
if [ "$1" = --search ]; then
    echo 'strange: /opt/strange/lib/libz.so.1'
    echo 'zlib1g:amd64: /usr/lib/x86_64-linux-gnu/libz.so.1'
    exit 1  # as it does when one of the names is unknown
fi
printf '1:1.2.13\\namd64\\n'
"""
    program = tmp_path / "dpkg-query"
    program.write_text(script, encoding="ascii")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    library, stranger = Path("tree/libz.so.1"), Path("tree/libstranger.so")
    found = debian_components([library, stranger])
    assert found.keys() == {library}
    assert (found[library].name, found[library].licence) == ("zlib1g", "Zlib")
    assert found[library].purl == "pkg:deb/debian/zlib1g@1:1.2.13?arch=amd64"


def test_elsewhere_than_on_debian_nothing_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert debian_components([Path("libz.so.1")]) == {}


def test_a_package_names_its_licence_or_the_table_does():
    assert licence_name("libnew1", DEP5) == "ISC"
    assert licence_name("libx11-6", DEP5) == "MIT"
    assert licence_name("libnew1", "Everything is allowed.") == ""
