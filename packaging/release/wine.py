"""Runs Windows programs with Wine, closed in: mounts, processes and screen vanish with the block that opened them."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from failure import SetupError

from release.plan import ROOT
from release.wine_root import ensure_root, ensure_stand_ins

_DISPLAY: Final = ":7"
_WINE: Final = "/usr/lib/wine/wine64"
_OVERRIDES: Final = (
    "mscoree=",  # no .NET and no browser: their installers would ask
    "mshtml=",
    "winedbg.exe=",  # a crash would wait for its debugger
    "ucrtbase=n,b",
)
_NATIVE_ONLY: Final = ("msvcp140", "msvcp140_1", "msvcp140_2", "concrt140", "vcruntime140", "vcruntime140_1")
"""Libraries that a fresh Windows does not have, so that Wine's own must not help out."""
_OPEN_ROOM: Final = """
set -e
root=$1; display=$2; shift 2
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mkdir -m 1777 "$root/tmp/.X11-unix"
for folder in "$@"; do mkdir -p "$root$folder"; mount --bind "$folder" "$root$folder"; done
exec chroot "$root" /bin/sh -c "$KEEP_ROOM" "$display"
"""
_KEEP_ROOM: Final = """
Xvfb $0 -screen 0 1360x900x24 -nolisten tcp -nolisten local >/dev/null 2>&1 &
while :; do wait; sleep 1; done
"""
"""The first process of the room: it has the screen, and cleans up after processes whose parents ended."""
_READY_S: Final = 30.0


class Wine:
    """A Windows of Wine's while its block runs. Linux's files are on drive Z.

    Attributes:
        prefix: the folder with its drive C and its registry.
    """

    def __init__(self, prefix: Path, folders: Sequence[Path] = (), *, has_redistributable: bool = True) -> None:
        """Prepare; nothing runs yet.

        Args:
            prefix: made where it is missing.
            folders: that programs may see and change, beside the checkout and the prefix.
            has_redistributable: whether Microsoft's C++ libraries count as installed.
        """
        self.prefix = prefix
        self._folders = [ROOT, prefix, *folders]
        self._overrides = [*_OVERRIDES, *(() if has_redistributable else (f"{name}=n" for name in _NATIVE_ONLY))]
        self._root = Path()
        self._keeper: subprocess.Popen[bytes] | None = None
        self._inside = 0

    def __enter__(self) -> Self:
        """Open the closed room, with a screen.

        Raises:
            SetupError: Wine cannot be set up here.
        """
        self._root = ensure_root()
        self.prefix.mkdir(parents=True, exist_ok=True)
        folders = [str(folder.resolve()) for folder in self._folders]
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _OPEN_ROOM, "sh"]
        command += [str(self._root), _DISPLAY, *folders]
        variables = {**os.environ, "KEEP_ROOM": _KEEP_ROOM}
        self._keeper = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=variables)
        self._inside = self._wait_for_room(self._keeper)
        if not (self.prefix / "system.reg").exists():
            self._make_prefix()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all that runs in the room; the prefix stays."""
        if self._keeper is not None:
            self._keeper.kill()
            self._keeper.wait()

    def _wait_for_room(self, keeper: "subprocess.Popen[bytes]") -> int:
        """Wait until the screen is there; returns the number of the room's first process."""
        children = Path(f"/proc/{keeper.pid}/task/{keeper.pid}/children")
        until_s = time.monotonic() + _READY_S
        while keeper.poll() is None and time.monotonic() < until_s:
            inside = children.read_text(encoding="ascii").split()
            if inside:
                socket = Path(f"/proc/{inside[0]}/root/tmp/.X11-unix/X{_DISPLAY[1:]}")
                if socket.exists():
                    return int(inside[0])
            time.sleep(0.1)
        keeper.kill()
        raise SetupError("Wine's room cannot be opened.", "Run it as root, outside a container that forbids mounts.")

    def _make_prefix(self) -> None:
        self.run_in_room([_WINE, "wineboot", "-i"], timeout_s=180)
        self.run_in_room(["/usr/lib/wine/wineserver64", "-w"], timeout_s=60)
        for library in sorted(ensure_stand_ins().glob("*.dll")):
            shutil.copyfile(library, self.prefix / "drive_c" / "windows" / "system32" / library.name)

    def run(
        self,
        command: Sequence[str],
        *,
        timeout_s: float = 120,
        env: Mapping[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run a Windows program to its end; what it prints comes back as bytes.

        Args:
            command: program, as Windows or Linux names it, and arguments.
            timeout_s: after which it is ended.
            env: more variables.

        Raises:
            subprocess.TimeoutExpired: it took longer.
        """
        return _finish(self.windows_command(command, env), timeout_s)

    def run_in_room(
        self,
        command: Sequence[str],
        *,
        timeout_s: float = 120,
        env: Mapping[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run a Linux program of the room to its end.

        Raises:
            subprocess.TimeoutExpired: it took longer.
        """
        return _finish(self.command(command, env), timeout_s)

    def start(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
        """Start a Windows program and leave it running; it ends with the block at the latest."""
        entered = self.windows_command(command, env)
        return subprocess.Popen(entered, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def take_screenshot(self, path: Path) -> None:
        """Write what the screen shows to a PNG file in a folder that the room sees."""
        self.run_in_room(["import", "-window", "root", str(path.resolve())])

    def windows_command(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> list[str]:
        """The command that runs a Windows program in the room."""
        return self.command([_WINE, *command], env)

    def command(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> list[str]:
        """The command that runs a Linux program in the room.

        Args:
            command: program and arguments.
            env: more variables.
        """
        settings = {
            "WINEPREFIX": str(self.prefix.resolve()),
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": ";".join(self._overrides),
            "DISPLAY": _DISPLAY,
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            **(env or {}),
        }
        variables = [f"{name}={value}" for name, value in settings.items()]
        enter = ["nsenter", "--target", str(self._inside), "--mount", "--pid", "chroot", str(self._root)]
        return [*enter, "env", "-i", *variables, *command]


def _finish(command: Sequence[str], timeout_s: float) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, check=False)


def windows_path(path: Path) -> str:
    """How a Windows program names a file of Linux's."""
    return "Z:" + str(path.resolve()).replace("/", "\\")
