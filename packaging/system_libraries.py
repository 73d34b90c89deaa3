"""The system libraries and fonts that Qt needs on Linux: found missing by loading them, installed where we may.

Only Debian's and Ubuntu's apt is driven, and only as root; everybody else is told the exact command.
"""

import ctypes
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from failure import SetupError
from progress import run_with_progress


@dataclass(frozen=True, slots=True)
class Library:
    """A shared library and the packages that bring it."""

    soname: str
    apt: str
    dnf: str
    pacman: str


# What PySide6's QtGui, QtWidgets and QtSvg link to, whatever the platform plugin.
QT = (
    Library("libEGL.so.1", "libegl1", "libglvnd-egl", "libglvnd"),
    Library("libGL.so.1", "libgl1", "libglvnd-glx", "libglvnd"),
    Library("libX11.so.6", "libx11-6", "libX11", "libx11"),
    Library("libdbus-1.so.3", "libdbus-1-3", "dbus-libs", "dbus"),
    Library("libfontconfig.so.1", "libfontconfig1", "fontconfig", "fontconfig"),
    Library("libfreetype.so.6", "libfreetype6", "freetype", "freetype2"),
    Library("libglib-2.0.so.0", "libglib2.0-0", "glib2", "glib2"),
    Library("libgthread-2.0.so.0", "libglib2.0-0", "glib2", "glib2"),
    Library("libxkbcommon.so.0", "libxkbcommon0", "libxkbcommon", "libxkbcommon"),
    Library("libzstd.so.1", "libzstd1", "libzstd", "zstd"),
)
# What its `xcb` and `wayland` plugins link to besides.
X11 = (
    Library("libX11-xcb.so.1", "libx11-xcb1", "libX11-xcb", "libx11"),
    Library("libxcb-cursor.so.0", "libxcb-cursor0", "xcb-util-cursor", "xcb-util-cursor"),
    Library("libxcb-glx.so.0", "libxcb-glx0", "libxcb", "libxcb"),
    Library("libxcb-icccm.so.4", "libxcb-icccm4", "xcb-util-wm", "xcb-util-wm"),
    Library("libxcb-image.so.0", "libxcb-image0", "xcb-util-image", "xcb-util-image"),
    Library("libxcb-keysyms.so.1", "libxcb-keysyms1", "xcb-util-keysyms", "xcb-util-keysyms"),
    Library("libxcb-randr.so.0", "libxcb-randr0", "libxcb", "libxcb"),
    Library("libxcb-render-util.so.0", "libxcb-render-util0", "xcb-util-renderutil", "xcb-util-renderutil"),
    Library("libxcb-render.so.0", "libxcb-render0", "libxcb", "libxcb"),
    Library("libxcb-shape.so.0", "libxcb-shape0", "libxcb", "libxcb"),
    Library("libxcb-shm.so.0", "libxcb-shm0", "libxcb", "libxcb"),
    Library("libxcb-sync.so.1", "libxcb-sync1", "libxcb", "libxcb"),
    Library("libxcb-util.so.1", "libxcb-util1", "xcb-util", "xcb-util"),
    Library("libxcb-xfixes.so.0", "libxcb-xfixes0", "libxcb", "libxcb"),
    Library("libxcb-xkb.so.1", "libxcb-xkb1", "libxcb", "libxcb"),
    Library("libxcb.so.1", "libxcb1", "libxcb", "libxcb"),
    Library("libxkbcommon-x11.so.0", "libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11"),
)
WAYLAND = (
    Library("libwayland-client.so.0", "libwayland-client0", "libwayland-client", "wayland"),
    Library("libwayland-cursor.so.0", "libwayland-cursor0", "libwayland-cursor", "wayland"),
    Library("libwayland-egl.so.1", "libwayland-egl1", "libwayland-egl", "wayland"),
)
EVERYTHING = QT + X11 + WAYLAND
FONTS = Library("(fonts)", "fonts-inter fonts-dejavu-core", "rsms-inter-fonts dejavu-sans-mono-fonts", "inter-font")
_FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")
_FONT_ENDINGS = {".ttf", ".otf", ".ttc"}


def loads(soname: str) -> bool:
    """Whether the dynamic loader finds this library and all that it links to."""
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def has_fonts(folders: Iterable[str] = _FONT_FOLDERS) -> bool:
    """Whether any font is installed; without one Qt draws empty boxes."""
    files = (path for folder in folders for path in Path(folder).expanduser().rglob("*"))
    return any(path.suffix.lower() in _FONT_ENDINGS for path in files)


def missing_libraries(wanted: Sequence[Library], can_load: Callable[[str], bool] = loads) -> list[Library]:
    """Which of the `wanted` libraries this system lacks; none anywhere but on Linux."""
    if sys.platform != "linux":
        return []
    return [library for library in wanted if not can_load(library.soname)]


def install_command(missing: Iterable[Library], which: Callable[[str], str | None] = shutil.which) -> str:
    """The exact command that installs what is missing, for this system's package manager."""
    libraries = list(missing)
    for program, field, command in (
        ("apt-get", "apt", "apt-get install -y --no-install-recommends"),
        ("dnf", "dnf", "dnf install -y"),
        ("pacman", "pacman", "pacman -S --needed"),
    ):
        if which(program):
            names = " ".join(getattr(library, field) for library in libraries).split()
            return f"sudo {command} {' '.join(sorted(set(names)))}"
    return "your package manager, for " + " ".join(library.soname for library in libraries)


def may_install(which: Callable[[str], str | None] = shutil.which) -> bool:
    """Whether we are root on a system with apt."""
    return sys.platform == "linux" and os.geteuid() == 0 and which("apt-get") is not None


def ensure_libraries(log: Path) -> list[Library]:
    """Install what Qt lacks here if we may; otherwise say how to.

    Returns:
        What is still missing.

    Raises:
        SetupError: apt failed.
    """
    missing = missing_libraries(EVERYTHING)
    if sys.platform == "linux" and not has_fonts():
        missing.append(FONTS)
    if missing and may_install():
        packages = sorted(set(" ".join(library.apt for library in missing).split()))
        apt_install(packages, "installing the system libraries that Qt needs", log)
        return missing_libraries(EVERYTHING)
    if missing:
        print(
            f"  Qt lacks {len(missing)} system libraries. Install them with:\n    {install_command(missing)}",
            flush=True,
        )
    return missing


def apt_install(packages: Sequence[str], title: str, log: Path) -> None:
    """Install packages with apt, fetching its lists only if it does not know the packages yet.

    Raises:
        SetupError: apt failed twice.
    """
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Another program may be installing at this moment, such as unattended upgrades: wait for it.
    wait = ["-o", "DPkg::Lock::Timeout=300"]
    command = ["apt-get", *wait, "install", "-y", "-q", "--no-install-recommends", *packages]
    outcome = run_with_progress(command, title, log, env=env)
    if outcome.code != 0:
        run_with_progress(["apt-get", "update", "-q"], "fetching apt's lists", log, env=env)
        outcome = run_with_progress(command, title, log, env=env)
    if outcome.code != 0:
        reason = next((line for line in outcome.output.splitlines() if line.startswith("E:")), "apt-get failed.")
        raise SetupError(f"System packages could not be installed: {reason}", f"Try `{' '.join(command)}` yourself.")


def require(wanted: Sequence[Library], purpose: str) -> None:
    """Stop before Qt does, with a sentence instead of a crash.

    Raises:
        SetupError: a wanted library is missing.
    """
    if missing := missing_libraries(wanted):
        names = ", ".join(library.soname for library in missing)
        raise SetupError(
            f"{purpose} needs system libraries that are missing: {names}.", f"Install them: {install_command(missing)}"
        )


def window_libraries(env: Mapping[str, str] = os.environ) -> tuple[Library, ...]:
    """What a window needs on this desktop."""
    return QT + (WAYLAND if env.get("WAYLAND_DISPLAY") else X11)


def has_display(env: Mapping[str, str] = os.environ) -> bool:
    """Whether a window can be opened, or Qt was told to draw elsewhere; Windows and macOS always have a screen."""
    return sys.platform != "linux" or any(env.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
