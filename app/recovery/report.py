"""What a report of a crash holds: texts that its writer reads first. It is written to a file, and sent nowhere."""

import json
import os
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.recovery.ending import Ending
from app.recovery.scrub import Scrubber

_MOST_BYTES: Final = 512 << 10
"""Of each log: its end, which tells of the crash."""
_LOGS: Final = ("hearth.log", "cli.log")
_SHOWN: Final = (
    "versions", "build", "libraries", "machine", "processor", "display", "devices", "modules", "packages", "faults",
)  # fmt: skip
"""What is taken over of `hearth doctor --json`; what it says of models and folders is the person's own."""
_ABOUT: Final = """\
A report of Hearth, made on this computer when somebody asked for it.
Hearth sends it to nobody.

  crash.json     how Hearth ended the last time
  machine.json   versions, processor, memory and devices, as hearth doctor
                 tells them
  crash.log      where the program was when it crashed
  hearth.log     what the window logged
  cli.log        what commands logged

Prompts, answers, pictures and models are not in it. Of the logs, the texts of
errors, paths of your folders, names of pictures and whatever looks like a
token were left out, and your own folder is called ~.
Read it before you send it.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the report.

    Attributes:
        name: of the file.
        text: what stands in it.
    """

    name: str
    text: str

    @property
    def size_bytes(self) -> int:
        """How large it is, before the zip makes it smaller."""
        return len(self.text.encode("utf-8", "replace"))


def report_parts(data: Path, ending: Ending | None, doctor: Mapping[str, Any]) -> tuple[Part, ...]:
    """Everything that a report would hold.

    Args:
        data: Hearth's data folder.
        ending: how it ended; None where it did not crash.
        doctor: what `hearth doctor --json` says, or `{"problems": [...]}` where it could not be asked.
    """
    scrubber = Scrubber(Path.home(), data)
    crash = {} if ending is None else _crash(ending)
    parts = [
        Part("README.txt", _ABOUT),
        Part("crash.json", _json(crash)),
        Part("machine.json", _json(machine(doctor, scrubber))),
    ]
    logs = data / "logs"
    if fault := _end_of(logs / "crash.log"):
        parts.append(Part("crash.log", scrubber.crash(fault)))
    found = ((name, _end_of(logs / name)) for name in _LOGS)
    return (*parts, *(Part(name, scrubber.log(text)) for name, text in found if text))


def log_parts(data: Path) -> tuple[Part, ...]:
    """The logs as they are, for the person at this computer; the newest lines last."""
    logs = data / "logs"
    found = ((name, _end_of(logs / name)) for name in ("hearth.log", "crash.log", "cli.log"))
    return tuple(Part(name, text) for name, text in found if text)


def machine(doctor: Mapping[str, Any], scrubber: Scrubber) -> dict[str, Any]:
    """What a report says of the machine: no models, and of the folders only whether they can be used."""
    found = {name: doctor[name] for name in _SHOWN if name in doctor}
    found["folders"] = [
        {name: folder.get(name) for name in ("role", "writable", "free_bytes")} for folder in _maps(doctor, "folders")
    ]
    found["models"] = len(_maps(doctor, "models"))
    found["broken_models"] = len(_maps(doctor, "broken"))
    found["problems"] = doctor.get("problems", [])
    cleaned: dict[str, Any] = _scrubbed(found, scrubber)
    return cleaned


def write_report(path: Path, parts: Sequence[Part]) -> None:
    """Write the zip, readable by its owner only; whoever is to have it is given it.

    Raises:
        OSError: it cannot be written.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in parts:
            archive.writestr(part.name, part.text.encode("utf-8", "replace"))


def report_name(now: float) -> str:
    """How the file is called unless somebody says otherwise."""
    return time.strftime("hearth-report-%Y-%m-%d-%H%M.zip", time.localtime(now))


def _crash(ending: Ending) -> dict[str, str]:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ending.started_at)) if ending.started_at else ""
    return {"kind": ending.kind, "detail": ending.detail, "version": ending.version, "started": at}


def _end_of(path: Path) -> str:
    """The end of a file, from the beginning of a line; empty if there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _MOST_BYTES))
            data = file.read(_MOST_BYTES)
    except OSError:
        return ""
    text = data.decode("utf-8", "replace")
    return text if size <= _MOST_BYTES else text.partition("\n")[2]


def _maps(doctor: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = doctor.get(name, [])
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _scrubbed(value: Any, scrubber: Scrubber) -> Any:
    if isinstance(value, str):
        return scrubber.line(value)
    if isinstance(value, Mapping):
        return {str(name): _scrubbed(item, scrubber) for name, item in value.items()}
    return [_scrubbed(item, scrubber) for item in value] if isinstance(value, list) else value


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
