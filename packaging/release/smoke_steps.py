"""The steps of trying a Setup: each is a function that does something with Windows and says what it saw."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from environment import venv_program

from release.plan import project_version
from release.smoke_report import Report, UnexpectedError
from release.smoke_windows import Snapshot, colours_of, differences, snapshot
from release.wine import Wine, windows_path

NEWER: Final = "999.0.0"
"""Version of the Setup that an upgrade is tried with."""
PLACE: Final = "C:\\Prögramme mit Raum\\Héarth 日本"
_WAIT_S: Final = 90.0


@dataclass(slots=True)
class Trial:
    """What the steps share.

    Attributes:
        wine: the Windows that it is tried on.
        report: where details go.
        setup: the Setup that is tried.
        newer: one of a later version.
        folder: for pictures.
        venv: an environment with Hearth from source, to compare with.
        before: what was on the disk and in the registry before.
        window: the running window, while there is one.
    """

    wine: Wine
    report: Report
    setup: Path
    newer: Path
    folder: Path
    venv: Path
    before: Snapshot | None = None
    window: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def installed(self) -> Path:
        """The folder that Hearth is installed into, as Linux names it."""
        return self.wine.prefix / "drive_c" / Path(*PLACE.split("\\")[1:])

    def run(
        self, command: Sequence[str], code: int = 0, timeout_s: float = 180, env: Mapping[str, str] | None = None
    ) -> str:
        """Run a Windows program, note what it printed, and expect how it ends."""
        done = self.wine.run(command, timeout_s=timeout_s, env=env)
        text = done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")
        errors = done.stderr.decode("utf-8", "replace").replace("\r\n", "\n")
        self.report.detail(f"$ {' '.join(command)}\n{text}{errors}[exit code {done.returncode}]")
        if done.returncode != code:
            raise UnexpectedError(f"exit code {done.returncode} instead of {code}: {(errors or text)[-300:]!r}")
        return text

    def hearth(self, *arguments: str, timeout_s: float = 180, env: Mapping[str, str] | None = None) -> str:
        """Run the installed command line."""
        return self.run([f"{PLACE}\\hearth.exe", *arguments], timeout_s=timeout_s, env=env)

    def run_setup(self, setup: Path, arguments: str, code: int = 0) -> None:
        """Run a Setup silently, with what it notes in its log."""
        # Through cmd, because Wine puts quotes around arguments with spaces, which NSIS does not take off.
        try:
            self.run(["cmd", "/c", f"{windows_path(setup)} /S {arguments}".rstrip()], code, timeout_s=300)
        finally:
            self.report.detail(setup_log(self.wine))


def setup_log(wine: Wine) -> str:
    """What the last Setup or uninstaller noted."""
    logs = [*wine.prefix.glob("drive_c/users/*/AppData/Local/Temp/hearth-setup.log")]
    return logs[0].read_bytes().decode("utf-16") if logs else "There is no log of the Setup."


def _install(trial: Trial) -> str:
    """Installing silently into a folder with spaces and other letters."""
    trial.before = snapshot(trial.wine)
    trial.run_setup(trial.setup, f"/DESKTOP=1 /D={PLACE}")
    files = [path for path in trial.installed.rglob("*") if path.is_file()]
    if not (trial.installed / "_internal").is_dir():
        raise UnexpectedError(f"nothing is in {trial.installed}")
    return f"{len(files)} files, {sum(path.stat().st_size for path in files):,} bytes"


def _version(trial: Trial) -> str:
    """The command line by its name on the PATH."""
    said = trial.run([f"{PLACE}\\bin\\hearth.cmd", "--version"]).strip()
    if project_version() not in said:
        raise UnexpectedError(f"it says {said!r}")
    path = trial.run(["reg", "query", "HKCU\\Environment", "/v", "Path"])
    if "bin" not in path or "REG_EXPAND_SZ" not in path:
        raise UnexpectedError(f"the PATH is {path!r}")
    return said


def _doctor(trial: Trial) -> str:
    """`hearth doctor`."""
    said = trial.hearth("doctor")
    if "0 broken" not in said:
        raise UnexpectedError("it does not find the bundled models")
    return next(line.strip() for line in said.splitlines() if line.startswith("Models:"))


def _devices(trial: Trial) -> str:
    """`hearth devices`, which asks processes of its own."""
    found = json.loads(trial.hearth("devices", "--json"))
    trial.report.detail(json.dumps(found, indent=1)[:4000])
    return f"{len(found['devices'])} device(s)"


def _demo(trial: Trial) -> str:
    """`hearth demo` says what it says from source."""
    here = json.loads(trial.hearth("demo", "--json"))
    with tempfile.TemporaryDirectory() as home:
        command = [str(venv_program(trial.venv, "hearth")), "demo", "--json"]
        env = {**os.environ, "HEARTH_HOME": home}
        from_source = json.loads(subprocess.run(command, capture_output=True, check=True, env=env).stdout)
    if here["problems"] or here["answer"]["text"] != from_source["answer"]["text"]:
        raise UnexpectedError(f"{here['problems']} {here['answer']['text']!r}")
    if here["image"]["read"] != from_source["image"]["read"]:
        raise UnexpectedError(f"the picture was read as {here['image']['read']!r}")
    return f"{here['answer']['text'][:40]!r}..., picture {here['image']['read']!r}"


def _vulkan(trial: Trial) -> str:
    """The starter answers through Vulkan as it does on the processor."""
    # Mesa's driver for processors stands in for a graphics card; llama.cpp passes it over unless it is named.
    env = {"GGML_VK_VISIBLE_DEVICES": "0"}
    found = json.loads(trial.hearth("devices", "--json", env=env))["devices"]
    reached = [
        device
        for device in found
        if any(route["interface"] == "Vulkan" for route in device["routes"]) and not device["fault"]
    ]
    if not reached:
        raise UnexpectedError("no device is reached through Vulkan")
    asked = ("run", "starter", "What is Hearth?", "--temperature", "0", "--no-cache")
    there = trial.hearth(*asked, "--device", reached[0]["id"], env=env)
    if there.strip() != trial.hearth(*asked).strip():
        raise UnexpectedError(f"it says {there!r}")
    return f"on {reached[0]['name']}"


def _plugins(trial: Trial) -> str:
    """`hearth plugins list`."""
    said = trial.hearth("plugins", "list")
    if "read-text" not in said:
        raise UnexpectedError("the bundled plugins are not there")
    return f"{len(said.splitlines())} lines"


def _strangers_plugin(trial: Trial) -> str:
    """A stranger's plugin runs in a process of its own."""
    trial.hearth("plugins", "new", "stranger", "--into", "C:\\users\\root")
    trial.hearth("plugins", "install", "C:\\users\\root\\stranger", "--yes")
    said = json.loads(trial.hearth("task", "stranger", "--text", "three grüne 言葉", "--json"))
    if "3" not in json.dumps(said):
        raise UnexpectedError(f"it counted {said}")
    return "it counts words"


def _import(trial: Trial) -> str:
    """A model is tried in a process of its own, and imported."""
    trial.hearth("models", "import", f"{PLACE}\\_internal\\resources\\models\\starter.gguf")
    return next(line for line in trial.hearth("models", "list").splitlines() if "starter" in line).strip()[:60]


def _window(trial: Trial) -> str:
    """The window opens."""
    trial.window = trial.wine.start([f"{PLACE}\\hearth-window.exe"])
    picture = trial.folder / "window.png"
    began = time.monotonic()
    wait(lambda: _is_drawn(trial, picture), "the window was not drawn")
    seconds = time.monotonic() - began
    time.sleep(10)  # what is read after the first picture
    trial.wine.take_screenshot(picture)
    if trial.window.poll() is not None:
        raise UnexpectedError(f"it ended with {trial.window.returncode}")
    return f"drawn within {seconds:.0f} s; {picture.name}"


def _is_drawn(trial: Trial, picture: Path) -> bool:
    trial.wine.take_screenshot(picture)
    return colours_of(picture) > 60


def _second_start(trial: Trial) -> str:
    """A second start gives way to the first, with a file."""
    model = f"{PLACE}\\_internal\\resources\\models\\starter.gguf"
    trial.run([f"{PLACE}\\hearth-window.exe", model], timeout_s=60)
    assert trial.window is not None
    if trial.window.poll() is not None:
        raise UnexpectedError("the first one has ended")
    time.sleep(5)
    trial.wine.take_screenshot(trial.folder / "second-start.png")
    return "second-start.png"


def _running_refused(trial: Trial) -> str:
    """A Setup refuses while Hearth runs."""
    trial.run_setup(trial.newer, "", code=3)
    return ""


def _close(trial: Trial) -> str:
    """The window closes when it is asked to."""
    assert trial.window is not None
    window = trial.window
    trial.run(["taskkill", "/im", "hearth-window.exe"])
    wait(lambda: window.poll() is not None, "it does not close")
    if window.returncode != 0:
        raise UnexpectedError(f"exit code {window.returncode}")
    return ""


def _upgrade(trial: Trial) -> str:
    """A newer Setup replaces the program and keeps the data."""
    stale = trial.installed / "_internal" / "of-an-older-version.dll"
    stale.write_bytes(b"")
    data = trial.wine.prefix / "drive_c" / "users" / "root" / "AppData" / "Local" / "hearth" / "kept.txt"
    data.parent.mkdir(parents=True, exist_ok=True)
    data.write_text("mine", encoding="utf-8")
    trial.run_setup(trial.newer, "")
    if stale.exists() or not data.exists():
        raise UnexpectedError("what was to go stayed, or what was to stay went")
    key = "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\Hearth"
    if NEWER not in trial.run(["reg", "query", key, "/v", "DisplayVersion"]):
        raise UnexpectedError("Windows still shows the old version")
    trial.hearth("--version")
    return ""


def _downgrade(trial: Trial) -> str:
    """An older Setup refuses, with a sentence."""
    trial.run_setup(trial.setup, "", code=2)
    return next(line for line in setup_log(trial.wine).splitlines() if "newer" in line)


def _uninstall(trial: Trial) -> str:
    """Uninstalling leaves nothing but the data."""
    trial.run([f"{PLACE}\\uninstall.exe", "/S"])
    wait(lambda: not trial.installed.exists(), f"files stay in {trial.installed}")
    wait(lambda: "Done." in setup_log(trial.wine), "the uninstaller does not end")
    assert trial.before is not None
    files, entries = differences(trial.before, snapshot(trial.wine))
    trial.report.detail("Files that are new:\n" + "\n".join(files))
    trial.report.detail("Entries of the registry that are new or changed:\n" + "\n".join(entries))
    local = "users/root/AppData/Local/"
    data = f"{local}hearth/"
    foreign = [name for name in files if not name.startswith((data, f"{local}Temp/hearth-setup.log"))]
    theirs = (
        "HKEY_CURRENT_USER\\Software\\Wine\\",
        "[HKEY_CURRENT_USER\\Software\\Wine",
    )  # its notes on the Start menu
    ours = [entry for entry in entries if not entry.startswith(theirs) and _is_of_hearth(entry)]
    foreign = [name for name in foreign if _is_of_hearth(name)]
    if ours or foreign:
        raise UnexpectedError(f"left behind: {foreign[:5]} {ours[:5]}")
    kept = len([name for name in files if name.startswith(data)])
    if f"{data}kept.txt" not in files:
        raise UnexpectedError("data was deleted")
    return f"{kept} files of data stay"


def _is_of_hearth(name: str) -> bool:
    return any(word in name.lower() for word in ("hearth", "héarth", ".gguf", ".onnx"))


def wait(is_so: Callable[[], bool], complaint: str, seconds: float = _WAIT_S) -> None:
    """Wait until something is so.

    Raises:
        UnexpectedError: it took too long.
    """
    until_s = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until_s:
            raise UnexpectedError(complaint)
        time.sleep(1)


STEPS: Final[tuple[Callable[[Trial], str], ...]] = (
    _install,
    _version,
    _doctor,
    _devices,
    _demo,
    _vulkan,
    _plugins,
    _strangers_plugin,
    _import,
    _window,
    _second_start,
    _running_refused,
    _close,
    _upgrade,
    _downgrade,
    _uninstall,
)
