"""Confinement on Linux: limits, no capabilities, Landlock, seccomp; as root and as anybody, in containers as well."""

import ctypes
import os
import resource
import signal
import struct
import sys
import sysconfig
from pathlib import Path
from typing import Final

from engine.plugins.process.confine_posix import FILE_BYTES, lower_limits
from engine.plugins.process.confinement import FILES, NETWORK, PROGRAMS, SIGNALS, Confinement
from engine.plugins.process.landlock import SCOPE_VERSION, TCP_VERSION, FileRules, landlock_version, restrict
from engine.plugins.process.seccomp import has_seccomp, refuse_calls
from engine.programs import is_frozen

_LIBRARIES: Final = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/nix/store",
    "/usr/share/zoneinfo", "/etc/localtime", "/etc/timezone", "/usr/share/locale", "/etc/mime.types",
    "/dev/urandom", "/dev/random", "/dev/zero", "/sys/devices/system/cpu",
)  # fmt: skip
_NETWORK_FILES: Final = (
    "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",
    "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/usr/share/ca-certificates", "/run/systemd/resolve",
)  # fmt: skip
_PROGRAM_FOLDERS: Final = ("/bin", "/sbin", "/usr", "/lib", "/lib64", "/opt", "/nix/store", "/etc/alternatives")
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP = 1, 24
_DATAGRAMS: Final = "On this system it can reach the network by other ways than TCP, even without the permission."
_USERS_FILE_BYTES: Final = 4 << 30
_MORE_THREADS: Final = 1024
_CAPABILITIES_V3: Final = 0x20080522


def confine_linux(confinement: Confinement) -> None:
    """Confine this process, which must have one thread only.

    Raises:
        OSError: the kernel has what it takes, but refuses it; the plugin must not run then.
    """
    lower_limits(confinement.memory_bytes, _USERS_FILE_BYTES if confinement.writable else FILE_BYTES)
    _limit_threads()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _drop_capabilities(libc)
    network, programs = confinement.network, confinement.programs
    restrict(
        FileRules(
            readable=(
                *_LIBRARIES,
                *_python_folders(),
                *(_NETWORK_FILES if network else ()),
                confinement.folder,
                *confinement.readable,
            ),
            writable=(confinement.scratch, "/dev/null", *confinement.writable),
            runnable=_PROGRAM_FOLDERS if programs else (),
            tcp=network,
        )
    )
    refuse_calls(network=network, programs=programs)


def unenforced_linux() -> tuple[str, ...]:
    """What this system does not enforce, a sentence each."""
    version = landlock_version()
    missing = [] if version else [FILES]
    if version < SCOPE_VERSION:
        missing.append(SIGNALS)
    if not has_seccomp():
        missing += [PROGRAMS, NETWORK if version < TCP_VERSION else _DATAGRAMS]
    return tuple(missing)


def _python_folders() -> list[str]:
    """Where Python finds modules, and this package; not the folder of a checkout, in which anything may lie."""
    if is_frozen():
        # Not all of the program's folder: in portable mode everything that Hearth keeps lies there as well.
        return [str(getattr(sys, "_MEIPASS", "")), sys.executable]
    package = str(Path(__file__).parents[2])
    root = os.path.dirname(package)
    libraries = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return [package, *(path for path in sys.path if path != root or path in libraries)]


def _limit_threads() -> None:
    """Keep the system from running out of threads.

    The limit counts all threads of the user, so it lies above those that all users have now. It does not hold root;
    Hearth looks at the number as well.
    """
    try:
        with open("/proc/loadavg", encoding="ascii") as file:
            running = int(file.read().split()[3].split("/")[1])
    except (OSError, ValueError, IndexError):  # some containers have another /proc, or none
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    most = running + _MORE_THREADS if hard == resource.RLIM_INFINITY else min(running + _MORE_THREADS, hard)
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Give up what root can do beyond owning files; nothing happens for anybody else."""
    for capability in range(64):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    libc.capset(struct.pack("=Ii", _CAPABILITIES_V3, 0), bytes(24))
