"""Windows has no fork, no `fcntl` and no `os.getuid`: every module is read here as it would be read there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

UNIX_ONLY = (
    "engine.backends.llama.paging.posix",
    "engine.plugins.process.confine_linux",
    "engine.plugins.process.confine_posix",
    "engine.plugins.process.landlock",
    "engine.plugins.process.seccomp",
)
"""Read only behind a question for the platform, and not at all here."""

# What Python lacks on Windows, as far as somebody could use it while a module is read. Packages of others are read
# before, on this system: what they do on Windows is their own affair.
READ = """
import ctypes, importlib, json, mmap, os, select, signal, socket, sys, traceback, types

modules, left_out = json.loads(sys.argv[1]), json.loads(sys.argv[2])
for name in modules:
    importlib.import_module(name)
for name in [name for name in sys.modules if name.split(".")[0] in ("app", "engine", "plugins")]:
    del sys.modules[name]

LACKING = {
    os: '''
        O_CLOEXEC O_DIRECT O_DIRECTORY O_NOFOLLOW O_NONBLOCK O_PATH chown fchmod fchown fork getegid geteuid getgid
        getloadavg getpgid getuid getxattr killpg major memfd_create minor mkfifo nice posix_fadvise pread preadv
        pwrite pwritev sched_getaffinity sched_setaffinity sendfile setpriority setsid statvfs sysconf uname
    ''',
    signal: "SIGALRM SIGCHLD SIGHUP SIGKILL SIGPIPE SIGUSR1 SIGUSR2 alarm setitimer",
    socket: "AF_UNIX SCM_RIGHTS",
    select: "epoll poll",
    mmap: "MAP_ANONYMOUS MAP_PRIVATE MAP_SHARED PROT_READ PROT_WRITE",
}
for module, names in LACKING.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
for name in ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"):
    sys.modules[name] = None
for name in ("msvcrt", "winreg"):
    sys.modules[name] = types.ModuleType(name)

class WinDLL(ctypes.CDLL):
    pass

def needs_a_name(self, name, *rest, **more):
    if name is None:
        raise TypeError("LoadLibrary() argument 1 must be str, not None")
    return load(self, name, *rest, **more)

load, ctypes.CDLL.__init__ = ctypes.CDLL.__init__, needs_a_name
ctypes.WinDLL = WinDLL
sys.platform = "win32"

faults = {}
for name in modules:
    if name in left_out:
        continue
    try:
        importlib.import_module(name)
    except Exception:
        faults[name] = traceback.format_exc(limit=-3)
faults |= {name: "it was read" for name in left_out if name in sys.modules}
print(json.dumps(faults))
"""


def modules_of(*folders: str) -> list[str]:
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


def read_as_on_windows(modules: list[str], left_out: tuple[str, ...]) -> dict[str, str]:
    """What goes wrong with each module."""
    command = [sys.executable, "-c", READ, json.dumps(modules), json.dumps(left_out)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert ended.returncode == 0, ended.stderr
    faults: dict[str, str] = json.loads(ended.stdout.splitlines()[-1])
    return faults


@pytest.mark.skipif(sys.platform != "linux", reason="it takes away what Linux has")
def test_every_module_can_be_read_on_windows():
    modules = modules_of("engine", "app", "plugins")
    assert {"engine.control.channel", "app.main", *UNIX_ONLY} <= set(modules)
    assert read_as_on_windows(modules, UNIX_ONLY) == {}


@pytest.mark.skipif(sys.platform != "linux", reason="it takes away what Linux has")
def test_a_module_that_cannot_be_read_there_is_noticed():
    faults = read_as_on_windows(["engine.errors", *UNIX_ONLY], ())
    assert faults.keys() == set(UNIX_ONLY)
