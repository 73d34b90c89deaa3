import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.devices.telemetry.drm_fdinfo import SEARCH_PERIOD_S, Client, FdinfoSource, busy_share, parse_client
from engine.hardware import DeviceInfo, DeviceKind, DeviceSample

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

AMDGPU = """\
pos:	0
flags:	02100002
mnt_id:	29
ino:	1042
drm-driver:	amdgpu
drm-client-id:	{client}
drm-pdev:	0000:03:00.0
drm-memory-vram:	{vram} KiB
drm-memory-gtt: 	2048 KiB
drm-memory-cpu: 	512 KiB
drm-total-vram:	99999 KiB
drm-resident-vram:	{vram} KiB
{engines}"""
XE = """\
drm-driver:	xe
drm-client-id:	{client}
drm-cycles-rcs:	{cycles}
drm-total-cycles-rcs:	{whole}
drm-cycles-ccs:	{ccs}
drm-total-cycles-ccs:	{whole}
drm-engine-capacity-ccs:	4
drm-resident-vram0:	4 MiB
drm-resident-system:	1 MiB"""
SILENT = "pos:\t0\nflags:\t02\nmnt_id:\t29\nino:\t5"
ADDRESS = "0000:03:00.0"
GPU = DeviceInfo(id="gpu:0", kind=DeviceKind.GPU, name="GPU", vendor="AMD", address=ADDRESS)


def amdgpu(client: int = 7, vram: int = 1024, **engines: int) -> str:
    lines = "\n".join(f"drm-engine-{name}:\t{ns} ns" for name, ns in engines.items())
    return AMDGPU.format(client=client, vram=vram, engines=lines)


def process(root: Path, pid: int, handles: Mapping[int, tuple[str, str]]) -> None:
    """Give a process handles: number -> what it is open on, and its text."""
    for number, (target, text) in handles.items():
        (root / f"proc/{pid}/fd").mkdir(parents=True, exist_ok=True)
        (root / f"proc/{pid}/fdinfo").mkdir(parents=True, exist_ok=True)
        link = root / f"proc/{pid}/fd/{number}"
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        (root / f"proc/{pid}/fdinfo/{number}").write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with a GPU and an NPU."""
    for node, address in (("drm/renderD128", ADDRESS), ("accel/accel0", "0000:00:0b.0")):
        folder = tmp_path / "sys/devices/pci0000:00" / address
        folder.mkdir(parents=True)
        (tmp_path / "sys/class" / node).mkdir(parents=True)
        (tmp_path / "sys/class" / node / "device").symlink_to(folder)
    (tmp_path / "proc/10/fd").mkdir(parents=True)
    return tmp_path


def source(root: Path, *pids: int, device: DeviceInfo = GPU) -> FdinfoSource:
    return FdinfoSource([device], lambda: pids or (10,), root)


def test_a_handle_of_amdgpu() -> None:
    assert parse_client(amdgpu(gfx=5_000, compute=7_000)) == Client(
        key="7",
        driver="amdgpu",
        engine_ns={"gfx": 5_000, "compute": 7_000},
        memory_bytes={"vram": 1024 << 10, "gtt": 2048 << 10, "cpu": 512 << 10},
    )


def test_a_handle_of_xe() -> None:
    client = parse_client(XE.format(client=3, cycles=10, whole=100, ccs=20))
    assert client is not None
    assert client.cycles == {"rcs": 10, "ccs": 20}
    assert client.whole_cycles == {"rcs": 100, "ccs": 100}
    assert client.capacity == {"ccs": 4}
    assert client.memory_bytes == {"vram0": 4 << 20, "system": 1 << 20}


@pytest.mark.parametrize("text", ["", SILENT, "drm-driver:\tx", "drm-client-id:"])
def test_a_handle_that_says_nothing(text: str) -> None:
    assert parse_client(text) is None


def test_the_busiest_engine_counts_and_users_add_up() -> None:
    before = {"1": Client(key="1", engine_ns={"gfx": 0, "dec": 0}), "2": Client(key="2", engine_ns={"gfx": 10**9})}
    now = {
        "1": Client(key="1", engine_ns={"gfx": 2 * 10**8, "dec": 4 * 10**8}),
        "2": Client(key="2", engine_ns={"gfx": 13 * 10**8}),
        "3": Client(key="3", engine_ns={"gfx": 10**12}),  # a newcomer: when it worked is not known
    }
    assert busy_share(before, now, 1.0) == pytest.approx(0.5)
    assert busy_share(now, now, 1.0) == 0.0


def test_cycles_are_shares_of_all_cycles_and_of_all_equal_units() -> None:
    before, now = (
        {"1": parse_client(XE.format(client=1, cycles=cycles, whole=whole, ccs=ccs))}
        for cycles, whole, ccs in ((0, 1000, 0), (100, 2000, 2000))
    )
    assert busy_share(before, now, 1.0) == pytest.approx(0.5)  # 2 of 4 compute units, against a tenth of the other


@linux_only
def test_our_share_of_a_gpu(root: Path) -> None:
    process(root, 10, {0: ("/dev/null", SILENT), 5: ("/dev/dri/renderD128", amdgpu(gfx=1_000))})
    found = source(root)
    assert found.read(0.0) == {"gpu:0": DeviceSample(memory_ours_bytes=1024 << 10)}
    process(root, 10, {5: ("/dev/dri/renderD128", amdgpu(gfx=600_001_000, vram=2048))})
    assert found.read(1.0)["gpu:0"] == DeviceSample(ours=pytest.approx(0.6), memory_ours_bytes=2048 << 10)
    assert found.read(1.01)["gpu:0"].ours == pytest.approx(0.6)  # too soon to say anything new
    found.close()


@linux_only
def test_two_handles_of_one_user_are_one(root: Path) -> None:
    handles = {number: ("/dev/dri/renderD128", amdgpu(gfx=0)) for number in (5, 6)}
    process(root, 10, handles)
    process(root, 11, {4: ("/dev/dri/renderD128", amdgpu(client=8, gfx=0))})
    found = source(root, 10, 11)
    found.read(0.0)
    process(root, 10, {number: ("/dev/dri/renderD128", amdgpu(gfx=3 * 10**8)) for number in (5, 6)})
    process(root, 11, {4: ("/dev/dri/renderD128", amdgpu(client=8, gfx=10**8))})
    assert found.read(1.0)["gpu:0"] == DeviceSample(ours=pytest.approx(0.4), memory_ours_bytes=2048 << 10)


@linux_only
def test_memory_of_a_gpu_that_shares_the_machines(root: Path) -> None:
    process(root, 10, {5: ("/dev/dri/renderD128", amdgpu())})
    shared = DeviceInfo(id="gpu:0", kind=DeviceKind.GPU, name="GPU", address=ADDRESS, shares_memory=True)
    assert source(root, device=shared).read(0.0)["gpu:0"].memory_ours_bytes == (1024 + 2048) << 10


@linux_only
def test_without_a_handle_we_are_known_to_use_nothing(root: Path) -> None:
    found = source(root)
    assert found.read(0.0)["gpu:0"] == DeviceSample(ours=0.0, memory_ours_bytes=0)


@linux_only
def test_a_new_handle_is_found_and_a_closed_one_forgotten(root: Path) -> None:
    found = source(root)
    found.read(0.0)
    process(root, 10, {5: ("/dev/dri/renderD128", amdgpu(gfx=10**9))})
    assert found.read(1.0)["gpu:0"].ours == 0.0  # not looked for yet
    found.read(SEARCH_PERIOD_S)
    process(root, 10, {5: ("/dev/dri/renderD128", amdgpu(gfx=15 * 10**8))})
    assert found.read(SEARCH_PERIOD_S + 1)["gpu:0"].ours == pytest.approx(0.5)
    (root / "proc/10/fd/5").unlink()
    assert found.read(2 * SEARCH_PERIOD_S)["gpu:0"] == DeviceSample(ours=0.0, memory_ours_bytes=0)


@linux_only
def test_a_driver_that_does_not_count_leaves_our_share_unknown(root: Path) -> None:
    process(root, 10, {5: ("/dev/accel/accel0", SILENT)})
    npu = DeviceInfo(id="npu:0", kind=DeviceKind.NPU, name="NPU", address="0000:00:0b.0")
    found = source(root, device=npu)
    found.read(0.0)
    assert found.read(1.0) == {"npu:0": DeviceSample()}
    process(
        root, 10, {5: ("/dev/accel/accel0", "drm-driver:\tintel_vpu\ndrm-client-id:\t1\ndrm-resident-memory:\t3 MiB")}
    )
    assert found.read(2.0) == {"npu:0": DeviceSample()}  # and has no memory of its own of which we could have a part


@linux_only
def test_a_process_that_hides_its_handles_leaves_our_share_unknown(root: Path) -> None:
    (root / "proc/12").mkdir()
    (root / "proc/12/fd").write_text("not a folder")
    found = source(root, 10, 12, 13)  # 13 has ended
    assert found.read(0.0) == {"gpu:0": DeviceSample()}


@linux_only
def test_devices_without_an_address_are_not_covered(root: Path) -> None:
    assert source(root, device=DeviceInfo(id="gpu:0", kind=DeviceKind.GPU, name="GPU")).read(0.0) == {}
