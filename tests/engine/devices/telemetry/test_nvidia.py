import sys
from pathlib import Path
from types import SimpleNamespace

import pynvml
import pytest

from engine.devices.telemetry.nvidia import NvidiaSource, Nvml, load_nvml
from engine.hardware import DeviceInfo, DeviceKind, DeviceSample

ADDRESS = "0000:01:00.0"
GPU = DeviceInfo(id="gpu:0", kind=DeviceKind.GPU, name="GPU", vendor="NVIDIA", address=ADDRESS)
PIDS = (100, 101)


class FakeNvml:
    """NVML with one GPU whose answers are attributes; None stands for "not supported"."""

    class NVMLError(Exception):
        pass

    class NVMLError_NotFound(NVMLError):  # noqa: N801, N818
        pass

    def __init__(self) -> None:
        self.handles = {ADDRESS: "first", 0: "first"}
        self.rates: object = SimpleNamespace(gpu=80, memory=30)
        self.used: int | None = 6 << 30
        self.celsius: int | None = 71
        self.milliwatts: int | None = 250_500
        self.reasons: int | None = 0
        self.compute: list[SimpleNamespace] | None = []
        self.graphics: list[SimpleNamespace] | None = []
        self.shares: list[SimpleNamespace] | None = []
        self.calls: list[str] = []

    def _answer(self, name: str, value: object) -> object:
        self.calls.append(name)
        if value is None:
            raise self.NVMLError("not supported")
        return value

    def nvmlShutdown(self) -> None:
        self.calls.append("shutdown")

    def nvmlDeviceGetHandleByPciBusId(self, address: str) -> object:
        return self._answer("address", self.handles.get(address))

    def nvmlDeviceGetHandleByIndex(self, index: int) -> object:
        return self._answer("index", self.handles.get(index))

    def nvmlDeviceGetUtilizationRates(self, handle: object) -> object:
        return self._answer("rates", self.rates)

    def nvmlDeviceGetMemoryInfo(self, handle: object) -> object:
        return SimpleNamespace(used=self._answer("memory", self.used))

    def nvmlDeviceGetTemperature(self, handle: object, sensor: int) -> object:
        return self._answer("temperature", self.celsius)

    def nvmlDeviceGetPowerUsage(self, handle: object) -> object:
        return self._answer("power", self.milliwatts)

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: object) -> object:
        return self._answer("reasons", self.reasons)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: object) -> object:
        return self._answer("compute", self.compute)

    def nvmlDeviceGetGraphicsRunningProcesses(self, handle: object) -> object:
        return self._answer("graphics", self.graphics)

    def nvmlDeviceGetProcessUtilization(self, handle: object, since_us: int) -> list[SimpleNamespace]:
        self.calls.append("shares")
        if self.shares is None:
            raise self.NVMLError("not supported")
        newer = [sample for sample in self.shares if sample.timeStamp > since_us]
        if not newer:
            raise self.NVMLError_NotFound("no samples")
        return newer


def share(at_us: int, pid: int, percent: int) -> SimpleNamespace:
    return SimpleNamespace(timeStamp=at_us, pid=pid, smUtil=percent)


def held(pid: int, size: int | None) -> SimpleNamespace:
    return SimpleNamespace(pid=pid, usedGpuMemory=size)


@pytest.fixture
def nvml() -> FakeNvml:
    return FakeNvml()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine outside of any container."""
    (tmp_path / "proc/self/ns").mkdir(parents=True)
    (tmp_path / "proc/self/ns/pid").symlink_to("pid:[4026531836]")
    return tmp_path


def source(nvml: FakeNvml, root: Path, device: DeviceInfo = GPU) -> NvidiaSource:
    return NvidiaSource(device, 0, lambda: PIDS, nvml, root)


def test_all_that_it_says(nvml: FakeNvml, root: Path) -> None:
    nvml.compute = [held(100, 1 << 30), held(55, 2 << 30)]
    nvml.graphics = [held(100, 1 << 30), held(101, 1 << 20)]
    nvml.shares = [share(5, 100, 40), share(6, 100, 60), share(6, 101, 10), share(6, 55, 20)]
    assert source(nvml, root).read(0.0) == {
        "gpu:0": DeviceSample(
            utilisation=0.8,
            ours=pytest.approx(0.6),
            memory_used_bytes=6 << 30,
            memory_ours_bytes=(1 << 30) + (1 << 20),
            temperature_c=71.0,
            power_w=250.5,
            is_throttled=False,
        )
    }


def test_nothing_that_is_not_supported_is_said(nvml: FakeNvml, root: Path) -> None:
    nvml.rates = nvml.used = nvml.celsius = nvml.milliwatts = nvml.reasons = None
    nvml.compute = nvml.graphics = nvml.shares = None
    assert source(nvml, root).read(0.0) == {"gpu:0": DeviceSample()}


def test_each_sample_of_ours_counts_once(nvml: FakeNvml, root: Path) -> None:
    nvml.shares = [share(5, 100, 40)]
    found = source(nvml, root)
    assert found.read(0.0)["gpu:0"].ours == pytest.approx(0.4)
    assert found.read(1.0)["gpu:0"].ours == 0.0  # nobody has used it since
    nvml.shares = [share(5, 100, 40), share(9, 55, 70)]
    assert found.read(2.0)["gpu:0"].ours == 0.0  # somebody else has
    nvml.shares = [share(12, 100, 90), share(12, 101, 90)]
    assert found.read(3.0)["gpu:0"].ours == 1.0


def test_memory_that_the_system_keeps_to_itself_is_unknown(nvml: FakeNvml, root: Path) -> None:
    nvml.compute = [held(100, None)]
    assert source(nvml, root).read(0.0)["gpu:0"].memory_ours_bytes is None


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [(0, False), (0x1, False), (0x2, False), (0x4, True), (0x8, True), (0x20, True), (0x40, True), (0x81, True)],
)
def test_reasons_for_a_low_clock(nvml: FakeNvml, root: Path, reasons: int, expected: bool) -> None:
    nvml.reasons = reasons
    assert source(nvml, root).read(0.0)["gpu:0"].is_throttled is expected


def test_heat_and_processes_are_read_seldom(nvml: FakeNvml, root: Path) -> None:
    found = source(nvml, root)
    for number in range(4):
        found.read(number * 0.5)
    assert [nvml.calls.count(name) for name in ("rates", "temperature", "compute")] == [4, 1, 1]
    found.read(2.0)
    assert nvml.calls.count("temperature") == 2


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such containers")
def test_in_a_container_process_ids_mean_nothing(nvml: FakeNvml, tmp_path: Path) -> None:
    (tmp_path / "proc/self/ns").mkdir(parents=True)
    (tmp_path / "proc/self/ns/pid").symlink_to("pid:[4026532285]")
    nvml.compute = [held(100, 1 << 30)]
    nvml.shares = [share(5, 100, 40)]
    sample = source(nvml, tmp_path).read(0.0)["gpu:0"]
    assert (sample.ours, sample.memory_ours_bytes) == (None, None)
    assert sample.utilisation == 0.8


def test_devices_are_found_by_address_or_by_number(nvml: FakeNvml, root: Path) -> None:
    nameless = DeviceInfo(id="gpu:3", kind=DeviceKind.GPU, name="GPU")
    assert source(nvml, root, nameless).read(0.0).keys() == {"gpu:3"}
    nvml.handles.clear()
    assert source(nvml, root).read(0.0) == {}


def test_closing_releases_the_library(nvml: FakeNvml, root: Path) -> None:
    found = source(nvml, root)
    found.close()
    assert nvml.calls[-1] == "shutdown"


def library(**more: object) -> SimpleNamespace:
    """What is imported as `pynvml`."""
    return SimpleNamespace(**{"NVMLError": FakeNvml.NVMLError, "nvmlInit": lambda: None, **more})


def test_the_library_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    found = library(nvmlInit=lambda: begun.append(1))
    monkeypatch.setitem(sys.modules, "pynvml", found)
    assert load_nvml() is found
    assert begun == [1]


def test_without_the_driver_there_is_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise FakeNvml.NVMLError("NVML Shared Library Not Found")

    monkeypatch.setitem(sys.modules, "pynvml", library(nvmlInit=refuse))
    assert load_nvml() is None
    monkeypatch.setitem(sys.modules, "pynvml", None)  # makes importing it fail
    assert load_nvml() is None


def test_the_real_binding_has_all_that_is_asked() -> None:
    assert [name for name in Nvml.__annotations__ if not hasattr(pynvml, name)] == []
    assert issubclass(pynvml.NVMLError_NotFound, pynvml.NVMLError)
