"""A fresh Debian in a folder, in which a package can be tried as on a machine that knows nothing of Hearth."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from failure import SetupError

PERSON: Final = "person"
_MIRROR: Final = "HEARTH_DEBIAN_MIRROR"
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The mounts are seen by this command and its children alone, and go with them.
_ENTER: Final = """
root=$1; shift
mount --rbind /proc "$root/proc" && mount --rbind /dev "$root/dev" && mount --rbind /sys "$root/sys" || exit 125
mount -t tmpfs tmpfs "$root/tmp" || exit 125
exec chroot "$root" env -i PATH="$HEARTH_PATH" LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
"""


def require_tools() -> None:
    """Say what is missing, if anything is.

    Raises:
        SetupError: this is not Linux, this is not root, or a tool is missing.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise SetupError("Trying the packages in a fresh Debian needs root.", "Run it as root, such as with sudo.")
    for tool, package in (("debootstrap", "debootstrap"), ("unshare", "util-linux"), ("tar", "tar")):
        if shutil.which(tool) is None:
            raise SetupError(f"The program {tool} is missing.", f"Install it (apt-get install {package}).")


class Debian:
    """A Debian; made in a new folder, which goes again.

    Attributes:
        root: its folder.
    """

    def __init__(self, release: str, cache: Path) -> None:
        """Prepare a Debian.

        Args:
            release: such as `bookworm`.
            cache: folder in which the freshly installed system is kept for the next time.
        """
        self.root = Path(tempfile.mkdtemp(prefix=f"hearth-{release}-"))
        self._release = release
        self._base = cache / f"{release}.tar"

    def __enter__(self) -> Self:
        """Unpack it, and make an account of a person.

        Raises:
            SetupError: debootstrap failed.
        """
        if not self._base.exists():
            self._install()
        subprocess.run(["tar", "-C", str(self.root), "-xpf", str(self._base)], check=True)
        self.root.chmod(0o755)
        self.run(["useradd", "--create-home", PERSON])
        self.run(["apt-get", "update", "-q"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Never into something that is mounted there after all.
        subprocess.run(["rm", "-rf", "--one-file-system", str(self.root)], check=False)

    def run(self, command: Sequence[str], *, person: bool = False) -> "subprocess.CompletedProcess[str]":
        """Run a command in it, as root or as the person.

        Raises:
            SetupError: it cannot be entered.
        """
        home = f"/home/{PERSON}" if person else "/root"
        inner = [f"HOME={home}", *(["setpriv", f"--reuid={PERSON}", f"--regid={PERSON}", "--init-groups"] * person)]
        enter = ["unshare", "--mount", "sh", "-c", _ENTER, "sh", str(self.root), *inner, *command]
        env = {**os.environ, "HEARTH_PATH": _PATH}
        ended = subprocess.run(enter, capture_output=True, text=True, errors="replace", env=env, check=False)
        if ended.returncode == 125:
            raise SetupError(f"The Debian in {self.root} cannot be entered: {ended.stderr.strip()}", "Run it as root.")
        return ended

    def put(self, source: Path, place: str) -> None:
        """Copy a file or a folder into it, to be read by everybody."""
        target = self.root / place.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)

    def take(self, place: str, target: Path) -> None:
        """Copy a file out of it."""
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.root / place.lstrip("/"), target)

    def named(self, word: str) -> list[str]:
        """Paths with a word in their name, but for those of the kernel, homes, logs and caches."""
        found = []
        for folder, names, files in os.walk(self.root):
            inside = Path(folder).relative_to(self.root)
            names[:] = [name for name in names if str(inside / name) not in _LEFT_OUT]
            found += [f"/{inside / name}" for name in (*names, *files) if word in name.lower()]
        return sorted(found)

    def _install(self) -> None:
        self._base.parent.mkdir(parents=True, exist_ok=True)
        mirror = [os.environ[_MIRROR]] if os.environ.get(_MIRROR) else []
        print(f"  Debian {self._release} is fetched and installed: once, some minutes.", flush=True)
        command = ["debootstrap", "--variant=minbase", self._release, str(self.root), *mirror]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            last = (ended.stdout.strip().splitlines() or ["it said nothing"])[-1]
            raise SetupError(f"debootstrap failed: {last}", f"Look at the network, or name a mirror in {_MIRROR}.")
        for name in ("etc/resolv.conf",):
            shutil.copyfile(f"/{name}", self.root / name)
        partial = self._base.with_suffix(".partial")
        subprocess.run(["tar", "-C", str(self.root), "-cf", str(partial), "."], check=True)
        partial.replace(self._base)
        shutil.rmtree(self.root)
        self.root.mkdir()


_LEFT_OUT: Final = frozenset({"proc", "sys", "dev", "tmp", "home", "var/log", "var/cache"})
