"""Memory and CPU limits of the control group this process runs in (Linux containers, systemd slices), v1 and v2."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_UNLIMITED_BYTES = 1 << 60  # v1 writes "no limit" as a number near 2**63


@dataclass(frozen=True, slots=True)
class CgroupLimits:
    """What the control group allows; None where it sets no limit.

    Attributes:
        memory_bytes: the smallest memory limit on the way up to the root.
        memory_used_bytes: what counts against that limit now and cannot be dropped at once.
        cores: CPU time per second, in cores, as a fraction.
    """

    memory_bytes: int | None = None
    memory_used_bytes: int | None = None
    cores: float | None = None


def read_limits(root: Path = Path("/")) -> CgroupLimits:
    """Read the limits of this process; no limits where there are no control groups.

    Args:
        root: where `proc` and `sys` are; a test gives its own.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return CgroupLimits()
    groups = {}
    for line in lines:
        _number, controllers, path = line.split(":", 2)
        groups.update(dict.fromkeys(controllers.split(","), path))
    mount = root / "sys/fs/cgroup"
    if "memory" in groups or "cpu" in groups:
        return _read_v1(mount, groups)
    return _read_v2(mount, groups.get("", "/"))


def _read_v2(mount: Path, path: str) -> CgroupLimits:
    memory: tuple[int, int | None] | None = None
    cores: float | None = None
    for folder in _up_to(mount, path):
        limit = _number_in(folder / "memory.max")
        if limit is not None and (memory is None or limit < memory[0]):
            memory = limit, _used(folder, "memory.current", "inactive_file")
        quota, period = _pair_in(folder / "cpu.max")
        if quota and period:
            cores = min(cores or quota / period, quota / period)
    limit_bytes, used_bytes = memory or (None, None)
    return CgroupLimits(limit_bytes, used_bytes, cores)


def _read_v1(mount: Path, groups: dict[str, str]) -> CgroupLimits:
    memory: tuple[int, int | None] | None = None
    for folder in _up_to(mount / "memory", groups.get("memory", "/")):
        limit = _number_in(folder / "memory.limit_in_bytes")
        if limit is not None and limit < _UNLIMITED_BYTES and (memory is None or limit < memory[0]):
            memory = limit, _used(folder, "memory.usage_in_bytes", "total_inactive_file")
    cores: float | None = None
    for folder in _up_to(mount / "cpu", groups.get("cpu", "/")):
        quota, period = _number_in(folder / "cpu.cfs_quota_us"), _number_in(folder / "cpu.cfs_period_us")
        if quota and period:
            cores = min(cores or quota / period, quota / period)
    limit_bytes, used_bytes = memory or (None, None)
    return CgroupLimits(limit_bytes, used_bytes, cores)


def _up_to(mount: Path, path: str) -> Iterator[Path]:
    # Inside a container the path may be the host's and not exist here; the mount itself is then the group.
    folder = mount / path.lstrip("/")
    while folder != mount and mount in folder.parents:
        if folder.is_dir():
            yield folder
        folder = folder.parent
    yield mount


def _number_in(file: Path) -> int | None:
    try:
        number = int(file.read_text())
    except (OSError, ValueError):  # ValueError: "max"
        return None
    return number if number > 0 else None


def _pair_in(file: Path) -> tuple[int | None, int | None]:
    try:
        quota, period = file.read_text().split()
        return int(quota), int(period)
    except (OSError, ValueError):
        return None, None


def _used(folder: Path, usage_file: str, droppable_key: str) -> int | None:
    used = _number_in(folder / usage_file)
    if used is None:
        return None
    try:
        statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return max(0, used - int(statistics.get(droppable_key, 0)))
    except (OSError, ValueError):
        return used
