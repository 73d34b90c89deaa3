"""From a frozen tree to `Hearth-<version>.dmg`: completes the bundle, signs it, and puts it into a disk image.

Run on macOS by `installer/macos/build.sh`, after `release/freeze.py`.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from failure import SetupError

from release.freeze import site_packages
from release.notices import write_notices
from release.plan import DIST, ROOT, WORK, project_version
from release.reproducible import normalise, sorted_files
from release.sbom import write_sbom
from release.signing import notarise_macos, seal_macos, sign_macos

_ENTITLEMENTS: Final = ROOT / "installer" / "macos" / "entitlements.plist"
_PLAIN: Final = ("plugins", "resources")
_MACH_O: Final = frozenset(
    bytes.fromhex(magic) for magic in ("feedface", "feedfacf", "cefaedfe", "cffaedfe", "cafebabe", "cafebabf")
)
_RETRIES: Final = 3  # hdiutil now and then finds its image busy, because Spotlight looks into it


def complete_bundle(tree: Path, app: Path) -> None:
    """Bring the bundle's plain files up to those of the tree: PyInstaller made it before they were all written.

    Args:
        tree: folder with the program, `_internal` in it.
        app: the bundle.
    """
    for part in _PLAIN:
        shutil.copytree(tree / "_internal" / part, app / "Contents" / "Resources" / part, dirs_exist_ok=True)


def signing_order(app: Path) -> list[Path]:
    """What has to be signed in a bundle: from the inside out, the bundle itself last.

    Raises:
        SetupError: there is no program in it.
    """
    binaries = [path for path in sorted_files(app) if not path.is_symlink() and _is_mach_o(path)]
    if not binaries:
        raise SetupError(f"{app.name} holds no program.", "Freeze Hearth again.")
    frameworks = [path for path in app.rglob("*.framework") if path.is_dir() and not path.is_symlink()]
    main = app / "Contents" / "MacOS"
    inner = [path for path in binaries if path.parent != main]
    outer = [path for path in binaries if path.parent == main]
    return [*_deepest_first(inner), *_deepest_first(frameworks), *outer, app]


def make_image(app: Path, image: Path) -> None:
    """Put a bundle into a compressed disk image, beside a link to the folder of programs.

    Raises:
        SetupError: hdiutil failed.
    """
    image.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hearth-image-") as name:
        staging = Path(name)
        shutil.copytree(app, staging / app.name, symlinks=True)
        (staging / "Applications").symlink_to("/Applications")
        command = ["hdiutil", "create", "-volname", "Hearth", "-srcfolder", str(staging), "-fs", "HFS+"]
        command += ["-format", "UDZO", "-ov", str(image)]
        said = ""
        for _attempt in range(_RETRIES):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return
            said = " ".join(done.stderr.split())[-400:]
    raise SetupError(f"hdiutil did not make {image.name}.", f"It said: {said}")


def build(work: Path, dist: Path) -> Path:
    """Make the disk image out of what `release/freeze.py` left.

    Args:
        work: folder of this system, with `hearth`, `Hearth.app` and `venv` in it.
        dist: folder that the image goes to.

    Raises:
        SetupError: a step failed.
    """
    tree, app, packages = work / "hearth", work / "Hearth.app", site_packages(work / "venv")
    write_notices(tree, packages, "macos")
    complete_bundle(tree, app)
    normalise(app)
    if not sign_macos(signing_order(app), _ENTITLEMENTS):
        seal_macos(app)
    image = dist / f"Hearth-{project_version()}.dmg"
    make_image(app, image)
    if sign_macos([image], _ENTITLEMENTS):
        notarise_macos(image)
    write_sbom(tree, packages, "macos", dist)
    return image


def _is_mach_o(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in _MACH_O


def _deepest_first(paths: list[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: (-len(path.parts), path.as_posix()))


if __name__ == "__main__":
    try:
        print(build(WORK / "macos", DIST))
    except SetupError as refused:
        sys.exit(str(refused))
