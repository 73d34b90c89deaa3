"""The notices that ship."""

import re

import pytest
from failure import SetupError
from release.notices import write_notices


def test_each_part_has_its_name_version_licence_and_whole_text(frozen):
    frozen.install("rich", "15.0", text="Permission is granted by Rich.\n\nSecond paragraph.")
    path = write_notices(frozen.tree, frozen.packages, "linux")
    assert path == frozen.tree / "_internal" / "resources" / "NOTICES.txt"
    text = path.read_text(encoding="utf-8")
    assert re.search(r"^rich 15\.0 +MIT$", text, re.MULTILINE)
    assert "rich 15.0\nLicence: MIT\n" in text
    for words in (
        "Permission is granted by Rich.\n\nSecond paragraph.",
        "PYTHON SOFTWARE FOUNDATION LICENSE",
        "Copyright (c) 2023-2026 The ggml authors",
        "Bootloader Exception",
        "A very small model.",
        "The Hearth authors",
    ):
        assert words in text, words


def test_a_text_that_holds_for_two_parts_is_given_once(frozen):
    for name in ("rich", "typer"):
        frozen.install(name, text="One text for both.")
    text = write_notices(frozen.tree, frozen.packages, "linux").read_text(encoding="utf-8")
    assert text.count("One text for both.") == 1
    assert "The text is the one that is given under rich 1.0." in text


def test_the_same_tree_gives_the_same_notices_also_over_older_ones(frozen):
    first = write_notices(frozen.tree, frozen.packages, "linux").read_bytes()
    assert write_notices(frozen.tree, frozen.packages, "linux").read_bytes() == first


def test_nothing_is_written_while_something_is_unnamed(frozen):
    frozen.add("_internal/libstranger.so", b"x")
    with pytest.raises(SetupError, match=r"libstranger\.so"):
        write_notices(frozen.tree, frozen.packages, "linux")
    assert not (frozen.tree / "_internal" / "resources" / "NOTICES.txt").exists()
