"""Packages for Windows are chosen as pip on Windows would choose them."""

import os
import subprocess
import zipfile
from pathlib import Path

from release.windows_wheels import download_command, requirements, unpack_wheels

PYPROJECT = """
[project]
dependencies = ["alpha==1.0", "llama-cpp-python==0.3.36", "beta==2; sys_platform == 'win32'"]
[project.optional-dependencies]
package = ["something-else==1", "pyinstaller==6.22.3"]
"""


def write_wheel(folder: Path, name: str, needs: tuple[str, ...] = (), tag: str = "py3-none-any") -> None:
    """Write a wheel that pip takes for real."""
    info = f"{name}-1.0.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {need}" for need in needs)]
    with zipfile.ZipFile(folder / f"{name}-1.0-{tag}.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(f"{info}/METADATA", "\n".join(lines) + "\n")
        wheel.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        wheel.writestr(f"{info}/RECORD", "")


def test_all_but_llama_and_other_tools_is_fetched() -> None:
    assert requirements(PYPROJECT) == ["alpha==1.0", "beta==2; sys_platform == 'win32'", "pyinstaller==6.22.3"]


def test_what_only_windows_needs_is_fetched_and_what_only_others_need_is_not(tmp_path: Path) -> None:
    index, target = tmp_path / "index", tmp_path / "wheels"
    index.mkdir()
    here, there = "sys_platform == 'win32' and os_name == 'nt'", "sys_platform == 'linux'"
    write_wheel(index, "alpha", (f"onwindows; {here}", f"onlinux; {there}", "old; python_version < '3.13'"))
    write_wheel(index, "onwindows", tag="cp313-cp313-win_amd64")
    write_wheel(index, "onlinux")
    write_wheel(index, "old")
    env = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": index.as_uri(), "PIP_CONFIG_FILE": os.devnull}

    done = subprocess.run(
        download_command(["alpha==1.0"], target), env=env, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name.split("-")[0] for path in target.iterdir()) == ["alpha", "onwindows"]


def test_wheels_are_unpacked_side_by_side(tmp_path: Path) -> None:
    for name in ("alpha", "beta"):
        write_wheel(tmp_path, name)

    unpack_wheels(tmp_path, tmp_path / "packages")

    found = {path.name for path in (tmp_path / "packages").iterdir()}
    assert found == {"alpha.py", "beta.py", "alpha-1.0.dist-info", "beta-1.0.dist-info"}
