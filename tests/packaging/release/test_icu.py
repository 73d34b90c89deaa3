"""ICU's data without its names: made of the real library that comes with Qt."""

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path

import PySide6
import pytest
from failure import SetupError
from release.icu import shrink

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Qt brings ICU on Linux only")
_QT = Path(PySide6.__file__).parent / "Qt" / "lib"


@pytest.fixture
def libraries(tmp_path: Path) -> Path:
    """A copy of Qt's ICU, which finds its data beside itself."""
    for path in _QT.glob("libicu*.so.*"):
        shutil.copyfile(path, tmp_path / path.name)
    return tmp_path


def sorted_by_icu(folder: Path) -> list[str]:
    """Sort with ICU's Swedish rules, in a process of its own."""
    code = """
import ctypes, functools, sys
from pathlib import Path
folder = Path(sys.argv[1])
data, common, rules = (next(folder.glob(f"libicu{part}.so.*")) for part in ("data", "uc", "i18n"))
for library in (data, common):
    ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)
icu, version = ctypes.CDLL(str(rules)), rules.suffix[1:]
opened, compare = icu[f"ucol_open_{version}"], icu[f"ucol_strcollUTF8_{version}"]
opened.restype, opened.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_void_p]
compare.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
status = ctypes.c_int(0)
collator = opened(b"sv", ctypes.byref(status))
assert status.value <= 0, status.value
assert collator
def order(a, b):
    return compare(collator, a.encode(), -1, b.encode(), -1, ctypes.byref(status))
sys.stdout.reconfigure(encoding="utf-8")
print(" ".join(sorted(["örn", "zebra", "apa", "ål", "ärm"], key=functools.cmp_to_key(order))))
"""
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, encoding="utf-8", check=True)
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("icupkg") is None, reason="ICU's tools are not installed")
def test_it_is_much_smaller_and_still_sorts(libraries: Path) -> None:
    (library,) = libraries.glob("libicudata.so.*")
    before = sorted_by_icu(libraries)
    size = library.stat().st_size
    lost = shrink(library, libraries / "log")
    assert library.stat().st_size == size - lost
    assert lost > size * 0.5
    assert sorted_by_icu(libraries) == before == ["apa", "zebra", "ål", "ärm", "örn"]
    assert hasattr(ctypes.CDLL(str(library)), f"icudt{library.suffix[1:]}_dat")
    assert not [path for path in libraries.iterdir() if path.is_dir()]


@pytest.mark.skipif(shutil.which("icupkg") is None, reason="ICU's tools are not installed")
def test_another_library_is_refused_and_left_as_it_is(libraries: Path) -> None:
    (library,) = libraries.glob("libicuuc.so.*")
    before = library.read_bytes()
    with pytest.raises(SetupError, match="is not where it is looked for"):
        shrink(library, libraries / "log")
    assert library.read_bytes() == before
