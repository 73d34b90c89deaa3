"""Which devices ONNX Runtime reaches: OpenVINO's for real, the others by what their rows say."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnxruntime
import pytest

from engine.backends.onnx import devices, providers
from engine.backends.onnx.devices import find, reached
from engine.backends.onnx.providers import (
    CPU,
    DIRECTML,
    OPENVINO,
    PROVIDERS,
    Library,
    NamedDevice,
    Provider,
    installed,
    provider_named,
)
from engine.backends.onnx.session_options import providers_by_name, session_options
from engine.devices.ask import ask
from engine.errors import DeviceError, DeviceLostError
from engine.hardware import DeviceKind
from tests.engine.backends.onnx.openvino_wheel import needs_openvino
from tests.engine.backends.onnx.poked import REACHED

ABSENT = Provider(
    name="NoSuchExecutionProvider",
    title="Nothing",
    packages=("no-such-package",),
    library=Library(module="no_such_module", function="get_library_path"),
    kinds=frozenset({DeviceKind.NPU}),
)


def row(module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> Provider:
    """A provider whose package is installed, and whose `get_library_path` runs this code."""
    (tmp_path / f"{module}.py").write_text(f"def get_library_path():\n    {code}\n")
    monkeypatch.syspath_prepend(tmp_path)
    return replace(ABSENT, packages=("some-package",), library=Library(module=module, function="get_library_path"))


def listed(
    name: str = "DmlExecutionProvider", kind: str = "GPU", ids: tuple[int, int] = (0x10DE, 0x2684), **metadata: str
) -> Any:
    """Something like an OrtEpDevice."""
    hardware = SimpleNamespace(
        type=SimpleNamespace(name=kind), vendor="", vendor_id=ids[0], device_id=ids[1], metadata=metadata
    )
    return SimpleNamespace(ep_name=name, ep_metadata={}, device=hardware)


# ------------------------------------------------------------------------------------------------------- for real


@needs_openvino
def test_openvino_is_a_second_way_to_the_processor():
    answer = ask("onnxruntime", {"only": OPENVINO.name}, function=REACHED)
    assert answer.fault == ""
    [device] = answer.devices
    assert (device.backend, device.interface) == ("onnxruntime", "OpenVINOExecutionProvider")
    assert device.kind is DeviceKind.CPU
    assert device.target == "OpenVINOExecutionProvider|cpu|8086:0|0"
    assert device.name
    assert device.version.startswith("1.8.1")
    assert (device.fault, device.shares_memory) == ("", True)


@needs_openvino
def test_the_whole_list_has_no_entry_for_the_processor_s_own_provider_and_none_twice():
    answer = ask("onnxruntime", function=REACHED)
    assert [device.interface for device in answer.devices] == ["OpenVINOExecutionProvider"]


@needs_openvino
def test_a_plugin_without_a_device_of_its_maker_says_so():
    """Without the poke the plugin offers nothing on another maker's processor, and everything on its own."""
    answer = ask("onnxruntime", {"only": OPENVINO.name})
    [device] = answer.devices
    if device.target:
        assert device.fault == ""
        return
    assert device.kind is DeviceKind.CPU
    assert device.fault == "OpenVINO is installed, but finds no device that it can use."


def test_nothing_is_found_where_only_the_processor_s_provider_is_installed():
    assert reached(providers=(CPU,)) == ()


# ------------------------------------------------------------------------------------------------ faults in the rows


def test_what_is_not_installed_gives_no_device_and_no_error():
    assert not installed(ABSENT)
    assert reached(providers=(ABSENT,)) == ()


def test_a_library_that_is_none_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "lib.so").write_text("no library")
    broken = row("plugin_without_library", tmp_path, monkeypatch, f"return {str(tmp_path / 'lib.so')!r}")
    [device] = reached(providers=(broken,))
    assert (device.target, device.kind, device.name) == ("", DeviceKind.NPU, "Nothing")
    assert device.fault.startswith("Nothing is installed, but its library cannot be used: ")
    assert device.fault.count(".") >= 1
    assert "\n" not in device.fault
    with pytest.raises(DeviceError, match="cannot be used"):
        find(f"{broken.name}|npu|1:2|0", (broken,))


def test_a_package_that_fails_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    broken = row("plugin_that_fails", tmp_path, monkeypatch, "raise FileNotFoundError('its library is gone')")
    [device] = reached(providers=(broken,))
    assert device.fault == "Nothing is installed, but its library cannot be used: its library is gone."


def test_a_target_of_nothing_known_and_of_nothing_installed():
    for target in ("", "CPUExecutionProvider", "MadeUpExecutionProvider|gpu|1:2|0"):
        with pytest.raises(DeviceError, match="knows no device"):
            find(target)
    with pytest.raises(DeviceError, match=r"Nothing is not installed\. Install no-such-package\."):
        find(f"{ABSENT.name}|npu|1:2|0", (ABSENT,))


# ------------------------------------------------------------------------------------------------- keys of devices


@pytest.fixture
def directml(monkeypatch: pytest.MonkeyPatch) -> Any:
    """DirectML's row, taken for installed, and a way to set what it lists."""
    monkeypatch.setattr(devices, "installed", lambda provider: provider is DIRECTML)

    def offer(*found: Any) -> None:
        monkeypatch.setattr(onnxruntime, "get_ep_devices", lambda: list(found))

    return offer


def test_a_target_does_not_depend_on_the_order_of_the_list(directml: Any):
    one, two = listed(DxgiAdapterNumber="0"), listed(DxgiAdapterNumber="1")
    directml(one, two)
    assert [device.target for device in reached()] == [
        "DmlExecutionProvider|gpu|10de:2684|0",
        "DmlExecutionProvider|gpu|10de:2684|1",
    ]
    for order in ((one, two), (two, one)):
        directml(*order)
        assert find("DmlExecutionProvider|gpu|10de:2684|1").device is two
    directml(one)
    with pytest.raises(DeviceLostError, match="finds no device DmlExecutionProvider"):
        find("DmlExecutionProvider|gpu|10de:2684|1")


def test_an_address_tells_equal_devices_apart(directml: Any):
    directml(listed(pci_bus_id="0000:02:00.0"), listed(pci_bus_id="0000:01:00.0"))
    assert [(device.target, device.address) for device in reached()] == [
        ("DmlExecutionProvider|gpu|10de:2684|0000:01:00.0", "0000:01:00.0"),
        ("DmlExecutionProvider|gpu|10de:2684|0000:02:00.0", "0000:02:00.0"),
    ]


def test_what_a_device_says_about_itself(directml: Any):
    directml(
        listed(Description="GeForce RTX 4090", DxgiVideoMemory="24564 MB", Discrete="1"),
        listed(ids=(0x8086, 0x46A6), Discrete="0", DxgiVideoMemory="odd"),
    )
    card, built_in = reached()
    assert (card.name, card.vendor, card.total_bytes, card.shares_memory) == (
        "GeForce RTX 4090",
        "NVIDIA",
        24564 << 20,
        False,
    )
    assert (built_in.name, built_in.vendor, built_in.total_bytes, built_in.shares_memory) == (
        "Intel GPU",
        "Intel",
        None,
        True,
    )


def test_virtual_devices_other_names_and_kinds_are_left_out(directml: Any):
    directml(
        listed(is_virtual="1"),
        listed(IsVirtual="1"),
        listed("DmlExecutionProvider.AUTO"),
        listed(kind="NPU"),
    )
    [entry] = reached()
    assert entry.target == ""
    assert entry.fault == "DirectML is installed, but finds no device that it can use."


def test_the_version_holds_the_driver_s(directml: Any):
    device = listed()
    device.ep_metadata = {"version": "1.2.3", "NPU_DRIVER_VERSION": "30.0"}
    directml(device)
    assert [entry.version for entry in reached()] == ["1.2.3 driver 30.0"]


def test_a_provider_that_lists_nothing_can_be_asked_for_by_name(monkeypatch: pytest.MonkeyPatch):
    """Azure's provider is in every build and lists no device, as Core ML's did for years."""
    named = replace(
        ABSENT,
        name="AzureExecutionProvider",
        packages=("onnxruntime",),
        library=None,
        named=(NamedDevice(kind=DeviceKind.NPU, name="Unit", options={"units": "one"}),),
    )
    [device] = reached(providers=(named,))
    assert (device.target, device.name, device.kind) == (
        "AzureExecutionProvider|npu|named|Unit",
        "Unit",
        DeviceKind.NPU,
    )
    found = find(device.target, (named,))
    assert providers_by_name(named, found, 2) == [
        ("AzureExecutionProvider", {"units": "one"}),
        ("CPUExecutionProvider", {}),
    ]


# --------------------------------------------------------------------------------------------------- rules as data


def test_directml_runs_in_sequence_and_without_a_memory_pattern():
    options = session_options(DIRECTML, None, 4)
    assert options.execution_mode == onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    assert options.enable_mem_pattern is False
    assert session_options(CPU, None, 4).enable_mem_pattern is True


def test_threads_stand_in_the_options():
    assert '"INFERENCE_NUM_THREADS":"3"' in OPENVINO.options_for(3)["load_config"]
    assert session_options(CPU, None, 3).intra_op_num_threads == 3


def test_rows_are_consistent():
    assert len({provider.name for provider in PROVIDERS}) == len(PROVIDERS)
    for provider in PROVIDERS:
        assert provider_named(provider.name) is provider
        assert provider.name.endswith("ExecutionProvider")
        assert provider.packages
        assert {named.kind for named in provider.named} <= provider.kinds
        assert provider.wants_fixed_shapes | provider.wants_qdq <= provider.kinds
        if provider.library is not None:
            assert bool(provider.library.function) != bool(provider.library.file)
    assert provider_named("MadeUp") is None


@pytest.mark.parametrize("name", ["libplugin.so", "plugin.dll", "libplugin.dylib"])
def test_a_library_in_a_module_s_folder_is_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    package = tmp_path / "some_runtime"
    (package / "capi").mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('it must not be imported')")
    monkeypatch.syspath_prepend(tmp_path)
    library = Library(module="some_runtime", file="capi/plugin")
    provider = replace(ABSENT, library=library, platforms=frozenset({sys.platform}))
    assert not installed(provider)
    (package / "capi" / name).write_bytes(b"")
    assert installed(provider)
    assert providers.library_file(library) == package / "capi" / name
    assert not installed(replace(provider, platforms=frozenset({"plan9"})))
