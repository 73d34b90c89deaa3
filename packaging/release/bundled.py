"""What ships beside Python packages: Python itself, llama.cpp, and what both were linked with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from release.component import Component, licence_texts

_PRODUCT_VERSION: Final = re.compile("ProductVersion".encode("utf-16-le") + rb"\0*((?:[\d.]\0)+)")
"""In what Windows shows of a file."""
_NOT_IN_PURL: Final = re.compile(r"[^a-z0-9.+]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A component that is known by the names of its files.

    Attributes:
        name: as its makers write it.
        licence: SPDX expression.
        texts: file names in the folder `licences`.
        files: matches paths in the frozen tree, with forward slashes.
        version: finds the version in one of the files; None where it has to be said.
        inside: systems where it is a part of other files, so that it ships without one of its own.
        needs: names of others that it uses.
    """

    name: str
    licence: str
    texts: tuple[str, ...]
    files: re.Pattern[str]
    version: re.Pattern[bytes] | None = None
    inside: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


PYTHON: Final = Part(
    name="CPython",
    licence="PSF-2.0",
    texts=("cpython.txt",),
    files=re.compile(
        r"_internal/(libpython3[\d.]*(so|dylib)[\d.]*|python3\d*\.dll|base_library\.zip|(python3\.\d+/)?lib-dynload/.*"
        r"|[^/]*\.pyd|Python|(Python\.framework|python3\.\d+)/.*)"
    ),
    version=re.compile(rb"(?<![\d.])(3\.1\d\.\d{1,2})(?![\d.])"),
)
LLAMA: Final = Part(
    name="llama.cpp (of llama-cpp-python)",
    licence="MIT",
    texts=("llama.cpp.txt",),
    files=re.compile(r"_internal/llama_cpp/lib/.*"),
)
BOOTLOADER: Final = Part(
    name="PyInstaller",
    licence="GPL-2.0-or-later WITH Bootloader-exception",
    texts=("pyinstaller.txt",),
    files=re.compile(r"hearth(-window)?(\.exe)?|_internal/[^/]*pyi_rth[^/]*"),
)
MICROSOFT: Final = Part(
    name="Microsoft Visual C++ runtime",
    licence="LicenseRef-Microsoft-Distributable-Code",
    texts=("microsoft-runtime.txt",),
    files=re.compile(
        r"_internal/(.*/)?(vcruntime140|msvcp140|concrt140|ucrtbase|api-ms-win-)[-\w]*\.dll", re.IGNORECASE
    ),
    version=_PRODUCT_VERSION,
)
DIRECTML: Final = Part(
    name="DirectML",
    licence="LicenseRef-Microsoft-DirectML",
    texts=("directml.txt",),
    files=re.compile(r"_internal/(.*/)?DirectML\.dll", re.IGNORECASE),
    version=_PRODUCT_VERSION,
)
FIRST: Final = (LLAMA, BOOTLOADER, MICROSOFT, DIRECTML)
"""Recognised before anything else, because packages lay claim to some of the same files."""
SURE: Final = (PYTHON, LLAMA, BOOTLOADER)
"""Ships with every program, in whatever files."""
LAST: Final = (
    Part(
        name="OpenSSL",
        licence="Apache-2.0",
        texts=("Apache-2.0.txt",),
        files=re.compile(r"_internal/lib(ssl|crypto)[-.\d\w]*"),
        version=re.compile(rb"OpenSSL (\d+\.\d+\.\d+)"),
    ),
    Part(
        name="SQLite",
        licence="blessing",
        texts=("sqlite.txt",),
        files=re.compile(r"_internal/(lib)?sqlite3[.\d\w]*"),
        version=re.compile(rb"(?<![\d.])(3\.[3-9]\d\.\d{1,2})\0"),
    ),
    Part(
        name="zlib",
        licence="Zlib",
        texts=("zlib.txt",),
        files=re.compile(r"_internal/(libz|zlib1?)\.[.\d\w]*"),
        version=re.compile(rb"deflate (\d+\.\d+[.\d]*) "),
        inside=("macos", "windows"),
    ),
    Part(
        name="bzip2",
        licence="bzip2-1.0.6",
        texts=("cpython.txt",),
        files=re.compile(r"_internal/libbz2[-.\d\w]*"),
        version=re.compile(rb"(1\.0\.\d), \d"),
        inside=("macos", "windows"),
    ),
    Part(
        name="XZ Utils (liblzma)",
        licence="0BSD",
        texts=("xz.txt",),
        files=re.compile(r"_internal/liblzma[-.\d\w]*"),
        inside=("macos", "windows"),
    ),
    Part(
        name="libffi",
        licence="MIT",
        texts=("cpython.txt",),
        files=re.compile(r"_internal/libffi[-.\d\w]*"),
        inside=("macos",),
    ),
    Part(
        name="GCC runtime (libgomp, libgcc, libstdc++)",
        licence="GPL-3.0-or-later WITH GCC-exception-3.1",
        texts=("gcc-runtime.txt", "GPL-3.0.txt"),
        files=re.compile(r"_internal/(.*/)?lib(gomp|gcc_s|stdc\+\+)[-.\d\w]*"),
        inside=("windows",),
    ),
    Part(
        name="mingw-w64 runtime",
        licence="MIT AND ZPL-2.1 AND BSD-3-Clause",
        texts=("mingw-w64.txt",),
        files=re.compile(r"_internal/libwinpthread[-.\d\w]*"),
        inside=("windows",),
    ),
)
"""Recognised where no package, and on Linux no package of the system, knows a file."""


def component_of(part: Part, files: tuple[Path, ...], versions: Mapping[str, str]) -> Component:
    """Describe a part.

    Args:
        part: which.
        files: of it in the frozen tree.
        versions: of parts that do not state their own, by name.
    """
    version = versions.get(part.name) or stated_version(part, files)
    return Component(
        name=part.name,
        version=version,
        licence=part.licence,
        texts=licence_texts(part.texts),
        purl=f"pkg:generic/{_NOT_IN_PURL.sub('-', part.name.lower()).strip('-')}" + (f"@{version}" if version else ""),
        files=files,
        needs=part.needs,
    )


def stated_version(part: Part, files: tuple[Path, ...]) -> str:
    """The version that one of the files holds; empty if none does."""
    if part.version is not None:
        for path in files:
            found = part.version.search(path.read_bytes())
            if found:
                return found[1].replace(b"\0", b"").decode("ascii")
    return ""
