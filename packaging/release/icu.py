"""Shrinks ICU's data, a third of Qt on Linux: what only names things in every language is taken out.

Qt has names of its own for languages, currencies, units and time zones (`QLocale`, `QTimeZone`), and it breaks lines
itself. It asks ICU how to sort (`QCollator`) and how to read old encodings; that stays.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from failure import SetupError
from system_libraries import apt_install, may_install

_TAKEN_OUT: Final = re.compile(r"(curr|lang|region|unit|zone|rbnf|translit|brkitr)/.*|(?!res_)[a-z]{2,3}(_\w+)?\.res")
"""Names, numbers spelled out, scripts into others, word breaks; and what dates and numbers look like, by language."""
_SYMBOL: Final = re.compile(
    r"^\s*\d+: (?P<start>[0-9a-f]+)\s+(?P<size>\S+) OBJECT .* (?P<name>icudt\d+_dat)$", re.MULTILINE
)
_LIBRARY: Final = """\
.section .rodata
.globl {name}
.type {name}, @object
.balign 16
{name}:
.incbin "{data}"
.size {name}, . - {name}
.section .note.GNU-stack, "", @progbits
"""


def shrink(library: Path, log: Path) -> int:
    """Make the library of ICU's data smaller, in place.

    Args:
        library: `libicudata.so.N`.
        log: what apt prints if it installs ICU's tools.

    Returns:
        How many bytes it lost; 0 where ICU's tools are missing, which is said.

    Raises:
        SetupError: the library is none that is known, or a tool failed.
    """
    if shutil.which("icupkg") is None and may_install():
        apt_install(["icu-devtools"], "installing ICU's tools", log)
    if shutil.which("icupkg") is None:
        print("  ICU's data stays whole: the program icupkg is missing (Debian: icu-devtools).", flush=True)
        return 0
    before = library.stat().st_size
    with tempfile.TemporaryDirectory(dir=library.parent) as name:
        folder = Path(name)
        symbol, data = _data_of(library)
        # The file's name becomes part of the names in it, by which ICU looks for them: `l` for little-endian, ASCII.
        whole = folder / f"{symbol.removesuffix('_dat')}l.dat"
        part = folder / "part" / whole.name
        part.parent.mkdir()
        whole.write_bytes(data)
        items = [item for item in _run(["icupkg", "-l", str(whole)]).split() if _TAKEN_OUT.fullmatch(item)]
        (folder / "out.lst").write_text("\n".join(items), encoding="ascii")
        _run(["icupkg", "-tl", "-r", str(folder / "out.lst"), str(whole), str(part)])
        source = folder / "data.s"
        source.write_text(_LIBRARY.format(name=symbol, data=part), encoding="utf-8")
        made = folder / library.name
        _run(["gcc", "-shared", "-nostdlib", f"-Wl,-soname,{library.name}", "-o", str(made), str(source)])
        made.replace(library)
    return before - library.stat().st_size


def _data_of(library: Path) -> tuple[str, bytes]:
    """Name and content of the only thing in the library; its address is its place in the file."""
    said = _run(["readelf", "--dyn-syms", "--wide", str(library)])
    match = _SYMBOL.search(said)
    if match is None:
        raise SetupError(f"{library.name} holds no data of ICU.", "Tell the developers of Hearth.")
    start, size = int(match["start"], 16), int(match["size"], 0)
    data = library.read_bytes()[start : start + size]
    if data[2:4] != b"\xda\x27":  # ICU's mark, in udata.h
        raise SetupError(f"The data in {library.name} is not where it is looked for.", "Tell the developers of Hearth.")
    return match["name"], data


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetupError(
            f"{command[0]} failed on ICU's data: {done.stderr.strip()[-300:]}", "Build it with the data whole."
        )
    return done.stdout
