"""What this machine is: processor, cores and memory that this process may really use."""

import os
import platform
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import perf_counter

import numpy as np
import psutil

from engine.devices.cgroup import read_limits

BYTES_PER_PARAMETER_4_BIT = 4.9 / 8  # Q4_K_M
_RESERVED_BYTES = 2 << 30  # the system, the window, a KV cache
_COMFORTABLE_TOKENS_PER_S = 6.0  # about as fast as people read
_WANTED_FEATURES = ("sse4_2", "avx", "f16c", "fma", "avx2", "avx_vnni", "avx512f", "avx512_vnni", "asimddp", "i8mm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine, as far as it matters for running models.

    Attributes:
        cpu: the processor's name.
        cores: logical cores this process may use (affinity and CPU quota).
        physical_cores: physical cores among them.
        features: instruction sets that make models faster, as the system spells them.
        memory_bytes: memory this process may use (RAM or control group limit).
        available_bytes: how much of it is free now.
        system: operating system and its version.
    """

    cpu: str
    cores: int
    physical_cores: int
    features: tuple[str, ...]
    memory_bytes: int
    available_bytes: int
    system: str


def describe_machine() -> Machine:
    """Look at the machine; takes a few milliseconds."""
    return Machine(
        cpu=cpu_name(),
        cores=usable_cores(),
        physical_cores=physical_cores(),
        features=cpu_features(),
        memory_bytes=memory_limit_bytes(),
        available_bytes=available_memory_bytes(),
        system=f"{platform.system()} {platform.release()}",
    )


def memory_limit_bytes() -> int:
    """Most memory this process may use: RAM, or the control group's limit where that is smaller."""
    total = int(psutil.virtual_memory().total)
    limit = read_limits().memory_bytes
    return total if limit is None else min(total, limit)


def available_memory_bytes() -> int:
    """Memory that can be taken now without swapping or meeting the control group's limit."""
    available = int(psutil.virtual_memory().available)
    limits = read_limits()
    if limits.memory_bytes is None or limits.memory_used_bytes is None:
        return available
    return max(0, min(available, limits.memory_bytes - limits.memory_used_bytes))


def usable_cores() -> int:
    """Logical cores this process may use at once: affinity, capped by the control group's CPU quota; at least 1."""
    quota = read_limits().cores
    allowed = len(_allowed_cpus())
    return max(1, allowed if quota is None else min(allowed, int(quota + 0.5)))


def physical_cores() -> int:
    """Physical cores among the usable ones; at least 1. More threads than these seldom help a model."""
    siblings = {_siblings_of(cpu) for cpu in _allowed_cpus()}
    counted = len(siblings) if None not in siblings else psutil.cpu_count(logical=False) or usable_cores()
    return max(1, min(counted, usable_cores()))


def _allowed_cpus() -> frozenset[int]:
    if sys.platform == "linux":
        allowed = os.sched_getaffinity(0)
    else:
        allowed = set(range(os.cpu_count() or 1))
    return frozenset(allowed)


def _siblings_of(cpu: int) -> str | None:
    try:
        return Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return None


@cache
def cpu_name() -> str:
    """The processor's name as the maker writes it; the instruction set's name where that is not to be had."""
    if sys.platform == "win32":
        name = _registry_cpu_name()
    elif sys.platform == "darwin":
        asked = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
        )
        name = asked.stdout.strip()
    else:
        name = _cpuinfo("model name") or _cpuinfo("Model")
    return name or platform.processor() or platform.machine()


if sys.platform == "win32":

    def _registry_cpu_name() -> str:
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"HARDWARE\DESCRIPTION\System\CentralProcessor\0") as key:
                return str(winreg.QueryValueEx(key, "ProcessorNameString")[0]).strip()
        except OSError:
            return ""


@cache
def cpu_features() -> tuple[str, ...]:
    """Instruction sets that matter for models; empty where the system does not list them."""
    flags = set((_cpuinfo("flags") or _cpuinfo("Features")).split())
    return tuple(feature for feature in _WANTED_FEATURES if feature in flags)


def _cpuinfo(key: str) -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""
    found = re.search(rf"^{re.escape(key)}\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


def memory_bandwidth() -> float:
    """Bytes per second that all usable cores together read from memory; measured, takes about 0.2 s."""
    threads = physical_cores()
    chunk_bytes = min(128 << 20, available_memory_bytes() // (8 * threads))
    chunks = [np.ones(chunk_bytes // 4, dtype=np.int32) for _ in range(threads)]
    best_s = float("inf")
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(3):
            started = perf_counter()
            list(pool.map(np.max, chunks))
            best_s = min(best_s, perf_counter() - started)
    return sum(chunk.nbytes for chunk in chunks) / best_s


def largest_model(memory_bytes: int) -> float:
    """Parameters of the largest model that fits into memory with 4-bit weights, by rule of thumb."""
    return max(0.0, (memory_bytes - _RESERVED_BYTES) * 0.85 / BYTES_PER_PARAMETER_4_BIT)


def comfortable_model(memory_bytes: int, bytes_per_s: float) -> float:
    """Parameters of the largest 4-bit model that fits and answers about as fast as people read.

    Every token reads all weights once, so memory bandwidth sets the speed.
    """
    by_speed = bytes_per_s / _COMFORTABLE_TOKENS_PER_S / BYTES_PER_PARAMETER_4_BIT
    return min(by_speed, largest_model(memory_bytes))
