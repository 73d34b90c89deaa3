"""Which of two versions is the newer one."""

import itertools

import pytest

from engine.releases import Release, ReleaseFile, is_newer

IN_ORDER = (
    "0.1.0.dev1", "0.1.0a1", "0.1.0b2.dev1", "0.1.0b2", "0.1.0rc1", "0.1.0", "0.1.0.post1", "0.1.1", "0.9", "0.10",
    "1.0.0rc2", "1.0.0", "1.0.0.1", "2",
)  # fmt: skip


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(IN_ORDER, 2)))
def test_versions_are_in_order(first: str, second: str) -> None:
    assert is_newer(second, first)
    assert not is_newer(first, second)


@pytest.mark.parametrize(
    ("one", "other"), [("1.0", "1.0.0"), ("v1.2", "1.2"), ("1.0+local", "1.0"), ("1rc1", "1-rc.1")]
)
def test_one_version_can_be_written_in_several_ways(one: str, other: str) -> None:
    assert not is_newer(one, other)
    assert not is_newer(other, one)


@pytest.mark.parametrize("words", ["", "latest", "1.", "1..2", "1.0 ", "1.0\n", "-1", "1e9", "9" * 400, "1.0rc", "٣.1"])
def test_what_is_no_version_is_never_newer_nor_older(words: str) -> None:
    assert not is_newer(words, "0.1")
    assert not is_newer("9.9", words)


def test_files_are_told_apart_by_system() -> None:
    files = [
        ReleaseFile(system=system, name=name, url="https://a.example/b", sha256="0" * 64, size_bytes=1)
        for system, name in (("linux", "a.deb"), ("windows", "a.exe"), ("linux", "a.tar.xz"))
    ]
    release = Release(version="1", released="2026-12-24", notes="", page="https://a.example", files=tuple(files))
    assert [file.name for file in release.files_for("linux")] == ["a.deb", "a.tar.xz"]
    assert release.files_for("macos") == ()
