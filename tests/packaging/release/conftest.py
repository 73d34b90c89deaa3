"""A small frozen tree, and a folder of packages that it could have been made from."""

from collections.abc import Callable
from pathlib import Path

import pytest

EPOCH = "1790000000"


class Frozen:
    """A tree as the freeze leaves it, as small as can be.

    Attributes:
        tree: folder with the program.
        packages: folder of the packages that it was made from.
    """

    def __init__(self, folder: Path) -> None:
        self.tree, self.packages = folder / "hearth", folder / "site-packages"
        self.packages.mkdir(parents=True)
        self.add("hearth", b"program")
        self.add("_internal/libpython3.11.so.1.0", b"\0Python 3.11.7 (main)\0")
        self.add("_internal/llama_cpp/lib/libllama.so", b"llama")
        self.add("_internal/resources/models/starter.md", b"# starter\n\nA very small model.\n")
        self.add("_internal/resources/models/starter.gguf", b"GGUF")
        self.install("llama_cpp_python", "0.3.36", files=["llama_cpp/llama.py", "llama_cpp/lib/libllama.so"])

    def add(self, place: str, data: bytes) -> Path:
        """Put a file into the tree."""
        path = self.tree / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def install(
        self,
        name: str,
        version: str = "1.0",
        *,
        licence: str = "License-Expression: MIT",
        text: str = "A licence.",
        metadata: str = "",
        files: list[str] | None = None,
    ) -> None:
        """Put the metadata of a package into the folder of packages."""
        info = self.packages / f"{name}-{version}.dist-info"
        (info / "licenses").mkdir(parents=True)
        head = "\n".join(line for line in (f"Metadata-Version: 2.4\nName: {name}", licence, metadata.strip()) if line)
        (info / "METADATA").write_text(f"{head}\nVersion: {version}\n", encoding="utf-8")
        listed = [f"{info.name}/METADATA", *(files or [f"{name}/__init__.py"])]
        for file in listed[1:]:  # some readers of metadata pass over what is not there
            (self.packages / file).parent.mkdir(parents=True, exist_ok=True)
            (self.packages / file).touch()
        if text:
            (info / "licenses" / "LICENSE").write_text(text, encoding="utf-8")
            listed.append(f"{info.name}/licenses/LICENSE")
        (info / "RECORD").write_text("".join(f"{file},,\n" for file in listed), encoding="utf-8")


@pytest.fixture
def frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Frozen:
    """A tree for Linux with nothing but what every tree has."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", EPOCH)
    return Frozen(tmp_path)


@pytest.fixture
def named(frozen: Frozen) -> Callable[[str], dict[str, str]]:
    """Lists what ships: licences by name."""
    from release.inventory import inventory

    def list_all(system: str = "linux") -> dict[str, str]:
        return {part.name: part.licence for part in inventory(frozen.tree, frozen.packages, system)}

    return list_all


@pytest.fixture
def tiny_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A frozen program for Linux as small as it can be: a program, a library with a link to it, and notices."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", EPOCH)
    tree = tmp_path / "tree" / "hearth"
    contents = tree / "_internal"
    (contents / "resources").mkdir(parents=True)
    (contents / "resources" / "NOTICES.txt").write_text("Notices.\n", encoding="utf-8")
    (contents / "libtiny.so.1").write_bytes(b"\x7fELF\0GLIBC_2.4\0GLIBC_2.34\0GLIBC_2.17\0")
    (contents / "libtiny.so.1").chmod(0o755)
    (contents / "libtiny.so").symlink_to("libtiny.so.1")
    (tree / "hearth").write_text('#!/bin/sh\necho "Hearth 0.1.0"\n', encoding="utf-8")
    (tree / "hearth").chmod(0o755)
    return tree
