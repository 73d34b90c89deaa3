"""`latest.json`: what the window's update check reads, if a person allows it."""

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from failure import SetupError

from release.checksums import sha256_of
from release.files import LATEST, downloads
from release.plan import ROOT, source_epoch

URL: Final = "HEARTH_RELEASE_URL"
"""Address of the folder that the files will be downloaded from."""
PAGE: Final = "HEARTH_RELEASE_PAGE"
"""Address of the page that people are shown, if it is another one."""
_MOST_NOTES: Final = 20_000  # letters; Hearth takes five times as many, and nobody reads them


def write_latest(
    dist: Path, version: str, env: Mapping[str, str] = os.environ, changelog: Path = ROOT / "CHANGELOG.md"
) -> Path | None:
    """Write `latest.json` over what was made of a version.

    Args:
        dist: folder with the files.
        version: of Hearth.
        env: where the address is named.
        changelog: whose section of this version becomes the notes.

    Returns:
        The file, or None where nobody says where the files will be.

    Raises:
        SetupError: the address is none of the kind https, or there are no files.
    """
    target = dist / LATEST
    target.unlink(missing_ok=True)  # one of an earlier version would send people back to it
    if not env.get(URL):
        print(f"  No {LATEST}: {URL} does not say where the files will be.", flush=True)
        return None
    base, page = env[URL].rstrip("/"), env.get(PAGE) or env[URL]
    for name, address in ((URL, base), (PAGE, page)):
        if not address.startswith("https://"):
            raise SetupError(f"{name} is no address of the kind https.", "Give one that begins with https://.")
    files = [
        {
            "system": download.system,
            "name": download.path.name,
            "url": f"{base}/{download.path.name}",
            "sha256": sha256_of(download.path),
            "bytes": download.path.stat().st_size,
        }
        for download in downloads(dist, version)
    ]
    if not files:
        raise SetupError(f"There is nothing of Hearth {version} in {dist.name}.", "Make an installer first.")
    said = {
        "version": version,
        "released": datetime.fromtimestamp(source_epoch(), UTC).date().isoformat(),
        "notes": notes_of(changelog.read_text(encoding="utf-8"), version),
        "page": page,
        "files": files,
    }
    target.write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    return target


def notes_of(changelog: str, version: str) -> str:
    """The section of a version in a changelog, without its heading; what is unreleased where it has none of its own.

    Raises:
        SetupError: there is neither.
    """
    sections = re.split(r"^## \[?([^\]\s]+)\]?.*$", changelog, flags=re.MULTILINE)
    notes = dict(zip(sections[1::2], sections[2::2], strict=True))
    for name in (version, "Unreleased"):
        if notes.get(name, "").strip():
            return _shortened(notes[name].strip())
    raise SetupError(f"The changelog says nothing about {version}.", "Write a section for it in CHANGELOG.md.")


def _shortened(notes: str) -> str:
    if len(notes) <= _MOST_NOTES:
        return notes
    return notes[:_MOST_NOTES].rpartition("\n")[0] + "\n\nThe whole list is in the changelog."
