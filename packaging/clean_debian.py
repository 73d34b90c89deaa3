"""Tries the Debian package and the archive in fresh Debians: installs, runs, removes, and looks what is left.

    python packaging/clean_debian.py
    python packaging/clean_debian.py --release trixie --deb dist/hearth_0.1.0_amd64.deb --pictures build/pictures

Needs root, debootstrap and a network. Exit codes: 0 if all went well, 1 if not.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from build_cache import cache_folder
from failure import SetupError
from release.plan import DIST, WORK, project_version
from smoke.checks import CheckFailedError, checked
from smoke.chroot import PERSON, Debian, require_tools
from smoke.report import Check

RELEASES: Final = ("bookworm", "trixie")
_HERE: Final = Path(__file__).resolve().parent
_TRIAL: Final = "/opt/trial"
_HOME: Final = f"/home/{PERSON}"
_FOLDER: Final = f"{_HOME}/Ordner mit Leerzeichen, Ünï 日本"
_APT: Final = ("apt-get", "install", "-y", "-q", "--no-install-recommends")


def try_deb(debian: Debian, package: Path, picture: Path) -> Iterator[Check]:
    """Install the package with what it needs and nothing else, run everything, and remove it again.

    Args:
        debian: a fresh one.
        package: the `.deb`.
        picture: where a picture of the window is kept.
    """
    debian.put(package, f"/root/{package.name}")
    yield checked(
        "apt installs it with what it needs", lambda: _said(debian, [*_APT, f"/root/{package.name}"], "hearth")
    )
    yield checked("there is no Python beside it", lambda: _has_no(debian, "python3"))
    yield from _commands(debian, "/usr/bin/hearth")
    yield checked("files of models are known", lambda: _knows_models(debian))
    yield from _smoke(debian, "/usr/bin/hearth", picture, person=True)
    yield checked(
        "apt removes it", lambda: _said(debian, ["apt-get", "remove", "-y", "-q", "hearth"], "Removing hearth")
    )
    yield checked("dpkg has nothing to purge", lambda: _said(debian, ["dpkg", "--purge", "hearth"]))
    yield checked("nothing is left", lambda: _nothing_left(debian))
    yield checked("the person's data is left", lambda: _data_is_left(debian))


def try_tarball(debian: Debian, archive: Path, picture: Path) -> Iterator[Check]:
    """Unpack the archive as a person, run it in place, install it for that person, and remove it again.

    Args:
        debian: a fresh one.
        archive: the `.tar.xz`.
        picture: where a picture of the window is kept.
    """
    debian.put(archive, f"/srv/{archive.name}")
    yield checked("what unpacks archives", lambda: _said(debian, [*_APT, "xz-utils"]))
    unpack = f"mkdir -p '{_FOLDER}' && tar -C '{_FOLDER}' -xf /srv/{archive.name}"
    yield checked("a person unpacks it", lambda: _said(debian, ["sh", "-c", unpack], person=True))
    place = f"{_FOLDER}/{archive.name.split('-linux-')[0]}"
    yield checked(
        "the command line runs on the bare system", lambda: _said(debian, [f"{place}/hearth", "demo"], person=True)
    )
    yield checked("its README names what the window needs", lambda: _installs_what_readme_names(debian, place))
    yield from _commands(debian, f"{place}/hearth")
    yield checked("it installs itself", lambda: _said(debian, ["sh", f"{place}/install.sh"], "installed", person=True))
    installed = f"{_HOME}/.local/bin/hearth"
    yield from _smoke(debian, installed, picture, person=True)
    script = f"{_HOME}/.local/opt/hearth/uninstall.sh"
    yield checked("it removes itself", lambda: _said(debian, ["sh", script], "is removed", person=True))
    yield checked("nothing of it is left", lambda: _nothing_left_of_person(debian))


def _commands(debian: Debian, program: str) -> Iterator[Check]:
    for words, expected in ((["--version"], "Hearth "), (["doctor"], "0 broken"), (["demo"], "HEARTH 2026")):
        title = f"hearth {' '.join(words)}, with nothing but what it needs"
        yield checked(title, lambda w=words, e=expected: _said(debian, [program, *w], e, person=True))  # type: ignore[misc]


def _smoke(debian: Debian, program: str, picture: Path, *, person: bool) -> Iterator[Check]:
    """Run the smoke test in there; only now come Python and Xvfb."""
    yield checked("Xvfb and Python are added", lambda: _said(debian, [*_APT, "xvfb", "python3"]))
    if not (debian.root / _TRIAL.lstrip("/")).exists():
        debian.put(_HERE / "smoke", f"{_TRIAL}/smoke")
        debian.put(_HERE / "smoke_test.py", f"{_TRIAL}/smoke_test.py")
    shown = f"{_HOME}/window.png"
    command = ["python3", "-B", f"{_TRIAL}/smoke_test.py", "--program", program, "--picture", shown, "--times", "1"]
    ended = debian.run(command, person=person)
    print(ended.stdout, flush=True)
    yield checked(
        "the smoke test", lambda: "passed" if ended.returncode == 0 else _complain(ended.stdout + ended.stderr)
    )
    if (debian.root / shown.lstrip("/")).exists():
        debian.take(shown, picture)


def _said(debian: Debian, command: Sequence[str], expected: str = "", *, person: bool = False) -> str:
    ended = debian.run(command, person=person)
    if ended.returncode != 0 or expected not in ended.stdout:
        _complain(f"code {ended.returncode}: {(ended.stderr.strip() or ended.stdout.strip())[-400:]}")
    return next((line.strip() for line in ended.stdout.splitlines() if expected and expected in line), "")


def _complain(text: str) -> str:
    raise CheckFailedError(text)


def _has_no(debian: Debian, program: str) -> str:
    if debian.run(["which", program]).returncode == 0:
        _complain(f"{program} is there, so this is no bare system")
    return ""


def _knows_models(debian: Debian) -> str:
    if debian.run(["which", "update-mime-database"]).returncode != 0:
        _said(debian, [*_APT, "shared-mime-info", "desktop-file-utils"])
    known = (debian.root / "usr/share/mime/globs2").read_text(encoding="utf-8")
    if "application/x-gguf:*.gguf" not in known:
        _complain("the system's kinds of files do not have them")
    entries = (debian.root / "usr/share/applications/mimeinfo.cache").read_text(encoding="utf-8")
    if "application/x-gguf=hearth.desktop;" not in entries:
        _complain("the menu's cache does not have them")
    return "through the triggers of shared-mime-info and desktop-file-utils"


def _nothing_left(debian: Debian) -> str:
    left = [path for path in debian.named("hearth") if not path.startswith("/root/")]
    known = (debian.root / "usr/share/mime/globs2").read_text(encoding="utf-8")
    status = (debian.root / "var/lib/dpkg/status").read_text(encoding="utf-8")
    if left or "x-gguf" in known or "Package: hearth\n" in status:
        _complain(f"left: {left[:5]}, x-gguf known: {'x-gguf' in known}")
    return ""


def _data_is_left(debian: Debian) -> str:
    folder = debian.root / _HOME.lstrip("/") / ".local/share/hearth"
    return "" if folder.is_dir() else _complain("the data folder is gone")


def _installs_what_readme_names(debian: Debian, place: str) -> str:
    text = (debian.root / place.lstrip("/") / "README.txt").read_text(encoding="utf-8")
    match = re.search(r"apt-get install \\\n((?:.*\\\n)*.*\n)", text)
    if match is None:
        return _complain("it names no packages")
    names = match[1].replace("\\", " ").split()
    _said(debian, [*_APT, *names])
    return f"{len(names)} packages"


def _nothing_left_of_person(debian: Debian) -> str:
    home = debian.root / _HOME.lstrip("/")
    kept = {home / ".local/share/hearth"}
    left = [path for path in (home / ".local").rglob("*hearth*") if not kept & {path, *path.parents}]
    return _complain(f"left: {left[:5]}") if left else ""


def main(arguments: Sequence[str]) -> int:
    """Read the arguments, try everything, and say what was found; returns the exit code."""
    version = project_version()
    parser = argparse.ArgumentParser(prog="clean_debian.py", description="Tries Hearth's packages in fresh Debians.")
    parser.add_argument("--release", nargs="+", default=RELEASES, help="releases of Debian (default: %(default)s)")
    parser.add_argument("--deb", type=Path, default=DIST / f"hearth_{version}_amd64.deb")
    parser.add_argument("--tarball", type=Path, default=DIST / f"hearth-{version}-linux-x86_64.tar.xz")
    parser.add_argument(
        "--pictures", type=Path, default=WORK / "linux" / "pictures", help="folder for pictures of the window"
    )
    chosen = parser.parse_args(arguments)
    kinds: tuple[tuple[Path, Callable[[Debian, Path, Path], Iterator[Check]]], ...] = (
        (chosen.deb, try_deb),
        (chosen.tarball, try_tarball),
    )
    try:
        require_tools()
        return int(
            any(_failed(release, path, kind, chosen.pictures) for release in chosen.release for path, kind in kinds)
        )
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1


def _failed(release: str, path: Path, kind: Callable[[Debian, Path, Path], Iterator[Check]], pictures: Path) -> bool:
    if not path.is_file():
        raise SetupError(f"There is no {path}.", "Make it with `make installer-linux`.")
    print(f"{path.name} in a fresh Debian {release}", flush=True)
    outcomes = []
    with Debian(release, cache_folder("debian")) as debian:
        for check in kind(debian, path, pictures / f"{release}{path.suffix}.png"):
            print(f"  {check.name}: {check.outcome} {check.detail}".rstrip(), flush=True)
            outcomes.append(check.outcome)
    return "failed" in outcomes


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
