"""Sets Hearth up in `.venv` and starts it: what `make run`, `make test` and the others do, on every system.

    python packaging/bootstrap.py run            set up, then open the window (without a display: `hearth demo`)
    python packaging/bootstrap.py test           set up with the test tools, then run the tests
    python packaging/bootstrap.py --help         the rest

Needs nothing but Python 3.11 to 3.13 with venv and a C++ compiler. Exit codes: 0 success, 2 wrong use, 1 failure.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import supported_python  # noqa: F401  # must come first: it refuses a Python that the others cannot be read by

# isort: split
import backend_modules
import backend_recipes
import system_libraries
from environment import pip_install, prepare, requirements_of, venv_program
from failure import SetupError
from locking import locked

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
SETUP_LOCK = ROOT / ".cache" / "setup.lock"
SETUP_RUNS = "Another set-up of this checkout is running; waiting for it."
LIBRARIES_LOG = ROOT / ".cache" / "libraries.log"
BENCHES = ("overhead", "batching", "neighbours", "startup", "ui")
_MADE = (".venv", ".cache", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache", ".hypothesis")
_MADE_TOO = ("build", "dist", "screenshots", "hearth.egg-info", ".coverage")


def install(*, dev: bool) -> None:
    """Make the environment and what it needs from the system; quick when nothing changed."""
    with locked(SETUP_LOCK, SETUP_RUNS):
        system_libraries.ensure_libraries(LIBRARIES_LOG)
        if not prepare(ROOT, VENV, dev=dev):
            return
        backend_modules.restore_modules(backend_modules.place_of(ROOT, VENV))
    print(f"Hearth is set up in {VENV.name}.", flush=True)


def run(arguments: Sequence[str]) -> int:
    """Start Hearth: the window, or `hearth demo` where there is no display, or `hearth ARGUMENTS`."""
    install(dev=False)
    if not arguments and not system_libraries.has_display():
        print("There is no display, so this is `hearth demo`.", flush=True)
        arguments = ["demo"]
    if not arguments:
        system_libraries.require(system_libraries.window_libraries(), "The window")
    return call([venv_program(VENV, "hearth"), *arguments])


def test(arguments: Sequence[str]) -> int:
    """Run the tests; `arguments` go to pytest."""
    install(dev=True)
    with locked(SETUP_LOCK, SETUP_RUNS):  # tests have no graphics card: a server of llama.cpp's stands in for one
        backend_modules.ensure_modules(backend_modules.place_of(ROOT, VENV), ["rpc"], required=True)
    system_libraries.require(system_libraries.QT, "Testing the window")
    return call([venv_program(VENV, "python"), "-m", "pytest", *arguments], {"QT_QPA_PLATFORM": "offscreen"})


def check(arguments: Sequence[str]) -> int:
    """Check format, lint, types, imports and sizes; all of them run, and any complaint fails."""
    refuse(arguments)
    install(dev=True)
    python = venv_program(VENV, "python")
    codes = [
        call([python, "-m", "ruff", "format", "--check", "."]),
        call([python, "-m", "ruff", "check", "."]),
        call([python, "-m", "mypy"]),
        call([venv_program(VENV, "lint-imports")]),
        call([python, "-m", "pytest", "-q", "tests/test_architecture.py"]),
    ]
    return int(any(codes))


def screenshots(arguments: Sequence[str]) -> int:
    """Draw every page, light and dark, into `screenshots/`."""
    refuse(arguments)
    install(dev=True)
    system_libraries.require(system_libraries.QT, "Drawing the window")
    folder = ROOT / "screenshots"
    code = call(
        [venv_program(VENV, "python"), "-m", "app", "--screenshot-dir", folder], {"QT_QPA_PLATFORM": "offscreen"}
    )
    if code == 0:
        print(f"The pictures are in {folder}.")
    return code


def bench(arguments: Sequence[str]) -> int:
    """Measure this machine and Hearth on it; without arguments every bench, one after the other."""
    install(dev=False)
    names = arguments or BENCHES
    return call([venv_program(VENV, "hearth"), "bench", *names], {"QT_QPA_PLATFORM": "offscreen"})


def set_up(arguments: Sequence[str]) -> int:
    """Only make the environment."""
    parser = argparse.ArgumentParser(prog="bootstrap.py install")
    parser.add_argument("--dev", action="store_true", help="with what tests and checks need")
    install(dev=parser.parse_args(arguments).dev)
    return 0


def backends(arguments: Sequence[str]) -> int:
    """Compile and install llama.cpp's modules for graphics cards and other machines."""
    request = backend_modules.read_request(arguments)
    install(dev=False)
    with locked(SETUP_LOCK, SETUP_RUNS):
        names = backend_modules.fulfil(request, backend_modules.place_of(ROOT, VENV))
    if names:
        print(f"Modules of llama.cpp in {VENV.name}: {', '.join(names)}.")
    return 0


def libraries(arguments: Sequence[str]) -> int:
    """Install the system libraries that Qt needs, or say how; the only part that needs root."""
    parser = argparse.ArgumentParser(prog="bootstrap.py libraries")
    parser.add_argument(
        "--with-vulkan", action="store_true", help="also what the vulkan module is built and tried with"
    )
    if parser.parse_args(arguments).with_vulkan:
        backend_recipes.ensure_tools(backend_recipes.RECIPES["vulkan"], LIBRARIES_LOG)
        backend_recipes.ensure_lavapipe(LIBRARIES_LOG)
    return 1 if system_libraries.ensure_libraries(LIBRARIES_LOG) else 0


def installer(what: str) -> Callable[[Sequence[str]], int]:
    """The command that makes what people download.

    Args:
        what: `linux`, `windows` or `all`.
    """

    def make(arguments: Sequence[str]) -> int:
        refuse(arguments)
        install(dev=False)
        python, tools = venv_program(VENV, "python"), requirements_of(ROOT, "package")
        with locked(SETUP_LOCK, SETUP_RUNS):
            pip_install(python, tools, "installing what installers are made with", ROOT / ".cache" / "package.log")
        return call([python, ROOT / "packaging" / "release" / "commands.py", what])

    titles = {"linux": "the packages for Linux", "windows": "the Setup for Windows", "all": "all installers"}
    make.__doc__ = f"Make {titles[what]} in dist/."
    return make


def clean(arguments: Sequence[str]) -> int:
    """Remove everything that can be made again; what was compiled for this user stays in their cache."""
    refuse(arguments)
    for name in (*_MADE, *_MADE_TOO):
        path = ROOT / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for cache in [*ROOT.glob("*/**/__pycache__"), *ROOT.glob("__pycache__")]:
        shutil.rmtree(cache, ignore_errors=True)
    return 0


COMMANDS: Mapping[str, Callable[[Sequence[str]], int]] = {
    "install": set_up,
    "libraries": libraries,
    "backends": backends,
    "run": run,
    "test": test,
    "check": check,
    "screenshots": screenshots,
    "bench": bench,
    "installer-linux": installer("linux"),
    "installer-windows": installer("windows"),
    "installers": installer("all"),
    "clean": clean,
}


def refuse(arguments: Sequence[str]) -> None:
    """Refuse arguments that the command has no use for."""
    if arguments:
        print(f"This command takes no arguments, but got {' '.join(arguments)}.", file=sys.stderr)
        raise SystemExit(2)


def call(command: Iterable[object], env: Mapping[str, str] | None = None) -> int:
    """Run a program in the checkout with this terminal; variables that the person set win over `env`."""
    sys.stdout.flush()
    return subprocess.call([str(part) for part in command], cwd=ROOT, env={**(env or {}), **os.environ})


def main(arguments: Sequence[str]) -> int:
    """Run one command and say in one sentence what went wrong, if anything did."""
    parser = argparse.ArgumentParser(prog="bootstrap.py", description="Sets Hearth up and starts it.")
    summaries = "\n".join(f"  {name:17} {(action.__doc__ or '').splitlines()[0]}" for name, action in COMMANDS.items())
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"commands:\n{summaries}\n\nWhat follows the command is passed on."
    parser.add_argument("command", choices=COMMANDS, metavar="command")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...")
    chosen = parser.parse_args(arguments)
    try:
        return COMMANDS[chosen.command](chosen.rest)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on from here.", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
