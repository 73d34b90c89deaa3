from pathlib import Path

import pytest

from engine.devices.cgroup import CgroupLimits, read_limits


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_no_control_groups_means_no_limits(tmp_path: Path) -> None:
    assert read_limits(tmp_path) == CgroupLimits()


def test_v2_takes_the_smallest_limit_on_the_way_up(tmp_path: Path) -> None:
    root = _tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/user.slice/app\n",
            "sys/fs/cgroup/user.slice/memory.max": "1000\n",
            "sys/fs/cgroup/user.slice/memory.current": "700\n",
            "sys/fs/cgroup/user.slice/memory.stat": "anon 300\ninactive_file 250\n",
            "sys/fs/cgroup/user.slice/app/memory.max": "max\n",
            "sys/fs/cgroup/user.slice/cpu.max": "400000 100000\n",
            "sys/fs/cgroup/user.slice/app/cpu.max": "150000 100000\n",
        },
    )
    assert read_limits(root) == CgroupLimits(memory_bytes=1000, memory_used_bytes=450, cores=1.5)


def test_v2_inside_a_container_reads_the_root_of_the_mount(tmp_path: Path) -> None:
    root = _tree(tmp_path, {"proc/self/cgroup": "0::/../host/path\n", "sys/fs/cgroup/memory.max": "5000\n"})
    assert read_limits(root).memory_bytes == 5000


def test_v2_without_limits(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}
    assert read_limits(_tree(tmp_path, files)) == CgroupLimits()


def test_v1_reads_each_controllers_own_group(tmp_path: Path) -> None:
    root = _tree(
        tmp_path,
        {
            "proc/self/cgroup": "5:memory:/docker/x\n4:cpu,cpuacct:/docker/y\n0::/\n",
            "sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": "4096\n",
            "sys/fs/cgroup/memory/docker/x/memory.usage_in_bytes": "2048\n",
            "sys/fs/cgroup/memory/docker/x/memory.stat": "total_inactive_file 48\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/cpu/docker/y/cpu.cfs_quota_us": "200000\n",
            "sys/fs/cgroup/cpu/docker/y/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
    )
    assert read_limits(root) == CgroupLimits(memory_bytes=4096, memory_used_bytes=2000, cores=2.0)


@pytest.mark.parametrize("text", ["", "not a number\n", "0\n"])
def test_nonsense_is_no_limit(tmp_path: Path, text: str) -> None:
    files = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": text, "sys/fs/cgroup/cpu.max": text}
    assert read_limits(_tree(tmp_path, files)) == CgroupLimits()
