"""Confinement on Windows: job objects. Files and network stay open to the plugin; `confinement.unenforced` says so.

Two jobs, one inside the other. The plugin's process puts itself into one that limits memory and forbids other programs,
and keeps no handle that could change it. Hearth puts the process into one that ends with Hearth.

Source: learn.microsoft.com/windows/win32/procthread/job-objects, winnt.h
"""

import ctypes
import subprocess
import sys
from ctypes import wintypes
from typing import Final

from engine.plugins.process.confinement import Confinement

_ACTIVE_PROCESS, _PRIORITY_CLASS, _PROCESS_MEMORY = 0x8, 0x20, 0x100
_DIE_ON_UNHANDLED_EXCEPTION, _KILL_ON_JOB_CLOSE = 0x400, 0x2000
_BELOW_NORMAL: Final = 0x4000
_EXTENDED_LIMITS: Final = 9
_COMMITTED_BYTES: Final = 512 << 20
"""Above the memory limit: what libraries commit and never touch."""


class _BasicLimits(ctypes.Structure):
    _fields_ = (  # type: ignore[mutable-override]  # typeshed wants a list, which could be changed
        ("per_process_user_time", ctypes.c_int64),
        ("per_job_user_time", ctypes.c_int64),
        ("flags", ctypes.c_uint32),
        ("least_working_set", ctypes.c_size_t),
        ("most_working_set", ctypes.c_size_t),
        ("active_processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority_class", ctypes.c_uint32),
        ("scheduling_class", ctypes.c_uint32),
    )


class ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_ = (  # type: ignore[mutable-override]  # as above
        ("basic", _BasicLimits),
        ("io", ctypes.c_uint64 * 6),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("peak_process_memory", ctypes.c_size_t),
        ("peak_job_memory", ctypes.c_size_t),
    )


def limits_of(confinement: Confinement) -> ExtendedLimits:
    """The limits of the job that a plugin puts itself into."""
    limits = ExtendedLimits()
    limits.basic.flags = _PROCESS_MEMORY | _PRIORITY_CLASS | _DIE_ON_UNHANDLED_EXCEPTION
    limits.basic.priority_class = _BELOW_NORMAL
    limits.process_memory = confinement.memory_bytes + _COMMITTED_BYTES
    if not confinement.programs:
        limits.basic.flags |= _ACTIVE_PROCESS
        limits.basic.active_processes = 1
    return limits


if sys.platform == "win32":

    def enter_job(confinement: Confinement) -> None:
        """Put this process into a job, for good.

        Raises:
            OSError: Windows refused.
        """
        kernel = _kernel()
        job = _new_job(kernel, limits_of(confinement))
        if not kernel.AssignProcessToJobObject(job, kernel.GetCurrentProcess()):
            raise ctypes.WinError(ctypes.get_last_error())
        kernel.CloseHandle(job)  # the job lives as long as the process in it

    def put_into_job(process: "subprocess.Popen[bytes]") -> object:
        """Have a process end with Hearth; the job it is in ends when what is returned is dropped.

        Raises:
            OSError: Windows refused.
        """
        kernel = _kernel()
        limits = ExtendedLimits()
        limits.basic.flags = _KILL_ON_JOB_CLOSE
        job = _Job(kernel, _new_job(kernel, limits))
        if not kernel.AssignProcessToJobObject(job.handle, int(process._handle)):  # type: ignore[attr-defined]  # noqa: SLF001 - Popen shows it no other way
            raise ctypes.WinError(ctypes.get_last_error())
        return job

    class _Job:
        """Closes its handle when it is dropped."""

        def __init__(self, kernel: ctypes.WinDLL, handle: int) -> None:
            self.handle = handle
            self._kernel = kernel

        def __del__(self) -> None:
            self._kernel.CloseHandle(self.handle)

    def _new_job(kernel: ctypes.WinDLL, limits: ExtendedLimits) -> int:
        job: int | None = kernel.CreateJobObjectW(None, None)
        size = ctypes.sizeof(limits)
        if not job or not kernel.SetInformationJobObject(job, _EXTENDED_LIMITS, ctypes.byref(limits), size):
            raise ctypes.WinError(ctypes.get_last_error())
        return job

    def _kernel() -> ctypes.WinDLL:
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateJobObjectW.restype = wintypes.HANDLE
        kernel.CreateJobObjectW.argtypes = (ctypes.c_void_p, wintypes.LPCWSTR)
        kernel.SetInformationJobObject.argtypes = (wintypes.HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD)
        kernel.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
        kernel.GetCurrentProcess.restype = wintypes.HANDLE
        kernel.CloseHandle.argtypes = (wintypes.HANDLE,)
        return kernel
