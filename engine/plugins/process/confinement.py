"""Confinement: what the process of a plugin may do, and who sees to it on this system."""

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from engine.plugins.manifest import Manifest, Permission, PermissionKind

FILES: Final = "On this system it can read and change your files, as every program can that you start."
NETWORK: Final = "On this system it can reach the network, even without the permission."
ORPHANS: Final = "On this system it can go on running after Hearth has crashed."
SIGNALS: Final = "On this system it can end your other programs, with the permission to start programs."
PROGRAMS: Final = "On this system it can start other programs, even without the permission."


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """What a plugin's process may do.

    Attributes:
        folder: of the plugin; it may read it.
        scratch: an empty folder of its own; it may do anything in it.
        readable: folders that the user lets it read.
        writable: folders that the user lets it change.
        network: whether it may reach the network.
        programs: whether it may start other programs, which are then confined like itself.
        memory_bytes: that it may take.
    """

    folder: str
    scratch: str
    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    network: bool = False
    programs: bool = False
    memory_bytes: int

    def to_json(self) -> str:
        """As an argument of a command."""
        return json.dumps(asdict(self))


def confinement_of(folder: Path, scratch: Path, manifest: Manifest) -> Confinement:
    """What a plugin may do, from the permissions that its user has agreed to."""
    granted = {permission.kind: permission for permission in manifest.permissions}
    changeable = _named(granted.get(PermissionKind.WRITE))
    return Confinement(
        folder=str(folder.resolve()),
        scratch=str(scratch.resolve()),
        readable=_folders(_named(granted.get(PermissionKind.READ)), changeable),
        writable=_folders(changeable, changeable),
        network=PermissionKind.NETWORK in granted,
        programs=PermissionKind.SUBPROCESS in granted,
        memory_bytes=manifest.memory_bytes,
    )


def confine(text: str) -> None:
    """Confine this process, for good. Called in the process of a plugin, before anything of the plugin is read.

    Args:
        text: a `Confinement` as JSON.
    """
    confinement = Confinement(**json.loads(text))
    if sys.platform == "linux":
        from engine.plugins.process.confine_linux import confine_linux

        confine_linux(confinement)
    elif sys.platform == "win32":
        from engine.plugins.process.confine_windows import enter_job

        enter_job(confinement)
    else:
        from engine.plugins.process.confine_posix import lower_limits

        lower_limits(confinement.memory_bytes)


def hold(process: "subprocess.Popen[bytes]") -> object:
    """Have a process end with Hearth, where that is done from outside; keep what is returned as long as it runs."""
    if sys.platform == "win32":
        from engine.plugins.process.confine_windows import put_into_job

        return put_into_job(process)
    return None


def unenforced() -> tuple[str, ...]:
    """What this system does not enforce, a sentence each, for the consent dialog."""
    if sys.platform == "linux":
        from engine.plugins.process.confine_linux import unenforced_linux

        return unenforced_linux()
    else:  # noqa: RET505 - or mypy would take what follows for unreachable on Linux
        return (FILES, NETWORK) if sys.platform == "win32" else (FILES, NETWORK, PROGRAMS, ORPHANS)


def _named(permission: Permission | None) -> list[Path]:
    """The folders that a permission names."""
    return [Path(folder).expanduser() for folder in permission.folders] if permission is not None else []


def _folders(named: Iterable[Path], changeable: Iterable[Path]) -> tuple[str, ...]:
    """Folders as they are on this machine; those that are not there are left out, and stay out of reach.

    So are those inside a folder that the plugin may change: they are within its reach anyway, unless it has put a link
    in their place, to something that nobody has let it reach.
    """
    its_own = [folder.resolve() for folder in changeable]
    kept = [folder for folder in named if folder.is_dir() and not _is_inside(folder, its_own)]
    return tuple(str(folder.resolve()) for folder in kept)


def _is_inside(folder: Path, others: Iterable[Path]) -> bool:
    above = [parent.resolve() for parent in folder.parents]
    return any(parent.is_relative_to(other) for other in others for parent in above)
