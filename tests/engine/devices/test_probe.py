from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.devices.ask import LLAMA, ONNX, AskedFault
from engine.devices.probe import is_software, match
from engine.devices.seen.device import SeenDevice
from engine.hardware import DeviceInfo, DeviceKind, ReachedDevice

CUDA, DML, OPENVINO = "CUDAExecutionProvider", "DmlExecutionProvider", "OpenVINOExecutionProvider"
PROCESSOR = SeenDevice(kind=DeviceKind.CPU, name="A Processor", vendor="AMD", memory_bytes=7, shares_memory=True)
NVIDIA = SeenDevice(
    kind=DeviceKind.GPU, name="NVIDIA GeForce RTX 4090", vendor="NVIDIA", driver="nvidia 550.54",
    address="0000:01:00.0", memory_bytes=24 << 30,
)  # fmt: skip
RADEON = SeenDevice(
    kind=DeviceKind.GPU, name="AMD Radeon RX 7600", vendor="AMD", driver="amdgpu 6.8", address="0000:03:00.0",
    memory_bytes=8 << 30,
)  # fmt: skip
BUILT_IN = SeenDevice(
    kind=DeviceKind.GPU, name="AMD Radeon 780M", vendor="AMD", driver="amdgpu 6.8", address="0000:c4:00.0",
    memory_bytes=32 << 30, shares_memory=True,
)  # fmt: skip
NPU = SeenDevice(
    kind=DeviceKind.NPU, name="Intel AI Boost NPU (Lunar Lake)", vendor="Intel", driver="intel_vpu 6.8",
    address="0000:00:0b.0", shares_memory=True,
)  # fmt: skip


def way(interface: str, target: str, name: str = "", **values: object) -> ReachedDevice:
    backend = ONNX if interface.endswith("Provider") else LLAMA
    kind = values.pop("kind", DeviceKind.GPU)
    return ReachedDevice(backend=backend, interface=interface, target=target, kind=kind, name=name, **values)  # type: ignore[arg-type]


def routes(device: DeviceInfo) -> list[tuple[str, str]]:
    return [(route.interface, route.target) for route in device.routes]


# ------------------------------------------------------------------------------------------------------ the processor


def test_the_processor_is_always_there():
    (cpu,) = match((), ())
    assert (cpu.id, cpu.kind, cpu.shares_memory, cpu.is_usable) == ("cpu", DeviceKind.CPU, True, True)
    assert [(route.backend, route.interface) for route in cpu.routes] == [
        (LLAMA, "CPU"), (ONNX, "CPUExecutionProvider"),
    ]  # fmt: skip


def test_what_reaches_the_processor_is_another_route_of_it():
    reached = [
        way(OPENVINO, "ov", "Some CPU", kind=DeviceKind.CPU, version="1.8"),
        way("CPU", "CPU", "", kind=DeviceKind.CPU, version="0.3.36"),
    ]
    (cpu,) = match((PROCESSOR,), reached)
    assert routes(cpu) == [("CPU", "CPU"), ("CPUExecutionProvider", "CPU"), (OPENVINO, "ov")]
    assert [route.version for route in cpu.routes] == ["0.3.36", "", "1.8"]
    assert (cpu.name, cpu.vendor, cpu.memory_bytes) == ("A Processor", "AMD", 7)


def test_a_backend_that_does_not_load_cannot_use_the_processor_either():
    fault = AskedFault(backend=LLAMA, interface="CPU", sentence="llama.cpp crashes.")
    (cpu,) = match((PROCESSOR,), (), [fault])
    assert cpu.route(LLAMA) is None
    assert cpu.route(ONNX) is not None
    assert cpu.is_usable
    (cpu,) = match(
        (PROCESSOR,), (), [fault, AskedFault(backend=ONNX, interface="CPUExecutionProvider", sentence="Too.")]
    )
    assert (cpu.is_usable, cpu.fault) == (False, "llama.cpp crashes.")


# --------------------------------------------------------------------------------------------------------- one device


def test_several_ways_to_one_device_are_its_routes_best_first():
    reached = [
        way("Vulkan", "Vulkan0", "NVIDIA GeForce RTX 4090", address="0000:01:00.0", free_bytes=20, version="0.3"),
        way(CUDA, "cuda0", "NVIDIA GPU 0"),
        way("CUDA", "CUDA0", "NVIDIA GeForce RTX 4090", address="00000000:01:00.0", total_bytes=23 << 30),
    ]
    _, device = match((NVIDIA,), reached)
    assert routes(device) == [("CUDA", "CUDA0"), ("Vulkan", "Vulkan0"), (CUDA, "cuda0")]
    assert device == DeviceInfo(
        id="gpu:0", kind=DeviceKind.GPU, name=NVIDIA.name, vendor="NVIDIA", driver="nvidia 550.54",
        address="0000:01:00.0", memory_bytes=24 << 30, routes=device.routes,
    )  # fmt: skip
    assert (device.routes[1].free_bytes, device.routes[1].version) == (20, "0.3")


def test_a_route_with_a_fault_comes_last():
    reached = [way("CUDA", "CUDA0", "NVIDIA L4", fault="No."), way("Vulkan", "Vulkan0", "NVIDIA L4")]
    _, device = match((NVIDIA,), reached)
    assert routes(device) == [("Vulkan", "Vulkan0"), ("CUDA", "CUDA0")]
    assert device.is_usable
    _, device = match((NVIDIA,), reached[:1])
    assert (device.is_usable, device.fault) == (False, "No.")


def test_the_two_names_of_metal_and_hip_rank_alike():
    apple = SeenDevice(kind=DeviceKind.GPU, name="Apple M3", vendor="Apple", driver="macOS", shares_memory=True)
    _, device = match((apple,), [way("Vulkan", "Vulkan0", "Apple M3"), way("MTL", "MTL0", "Apple M3")])
    assert [interface for interface, _ in routes(device)] == ["MTL", "Vulkan"]
    _, device = match((RADEON,), [way("Vulkan", "Vulkan0", RADEON.name), way("ROCm", "ROCm0", RADEON.name)])
    assert [interface for interface, _ in routes(device)] == ["ROCm", "Vulkan"]


def test_a_device_without_a_name_takes_that_of_the_backend():
    _, device = match([replace(NVIDIA, name="")], [way("CUDA", "CUDA0", "NVIDIA H200", address=NVIDIA.address)])
    assert device.name == "NVIDIA H200"
    _, device = match([replace(NVIDIA, name="")], ())
    assert device.name == "NVIDIA GPU"


def test_memory_that_the_system_does_not_say_is_what_a_backend_says():
    reached = [way("Vulkan", "V0", address=NVIDIA.address, total_bytes=5), way("CUDA", "C0", address=NVIDIA.address)]
    assert match([replace(NVIDIA, memory_bytes=None)], reached)[1].memory_bytes == 5


# --------------------------------------------------------------------------------------------------- several devices


def test_cards_come_before_what_is_built_in_and_larger_ones_first():
    devices = match((BUILT_IN, RADEON, NVIDIA, NPU), ())
    assert [(device.id, device.name) for device in devices[1:]] == [
        ("gpu:0", NVIDIA.name), ("gpu:1", RADEON.name), ("gpu:2", BUILT_IN.name), ("npu:0", NPU.name),
    ]  # fmt: skip


def test_equal_cards_are_told_apart_by_their_addresses():
    other = replace(NVIDIA, address="0000:41:00.0")
    reached = [way("CUDA", "CUDA0", NVIDIA.name, address=other.address), way("CUDA", "CUDA1", address=NVIDIA.address)]
    _, first, second = match((other, NVIDIA), reached)
    assert (first.address, routes(first)) == (NVIDIA.address, [("CUDA", "CUDA1")])
    assert (second.address, routes(second)) == (other.address, [("CUDA", "CUDA0")])


def test_without_addresses_the_maker_and_the_order_decide():
    reached = [way("Vulkan", f"Vulkan{index}", "NVIDIA card") for index in range(3)]
    seen = [replace(NVIDIA, address=f"0000:0{index}:00.0") for index in range(1, 3)]
    devices = match([*seen, RADEON], reached)
    assert [(device.vendor, device.address, routes(device)) for device in devices[1:]] == [
        ("NVIDIA", "0000:01:00.0", [("Vulkan", "Vulkan0")]),
        ("NVIDIA", "0000:02:00.0", [("Vulkan", "Vulkan1")]),
        ("AMD", "0000:03:00.0", []),
        ("NVIDIA", "", [("Vulkan", "Vulkan2")]),  # which nobody has seen
    ]


def test_without_addresses_the_name_tells_two_devices_of_one_maker_apart():
    reached = [
        way("Vulkan", "Vulkan0", "AMD Radeon 780M (RADV PHOENIX)", shares_memory=True),
        way("Vulkan", "Vulkan1", "AMD Radeon RX 7600 (RADV NAVI33)"),
    ]
    _, card, built_in = match((RADEON, BUILT_IN), reached)
    assert (routes(card), routes(built_in)) == ([("Vulkan", "Vulkan1")], [("Vulkan", "Vulkan0")])


def test_a_backend_that_does_not_say_the_maker_means_the_only_device():
    _, device = match((NVIDIA,), [way(DML, "dml", "DirectX 12 adapter 0")])
    assert routes(device) == [(DML, "dml")]


def test_an_npu_is_no_graphics_processor():
    reached = [
        way(OPENVINO, "gpu", "Intel(R) Graphics", kind=DeviceKind.GPU, vendor="Intel"),
        way(OPENVINO, "npu", "Intel(R) AI Boost", kind=DeviceKind.NPU, vendor="Intel(R) Corporation"),
    ]
    _, graphics, npu = match((NPU,), reached)
    assert (npu.id, npu.name, routes(npu)) == ("npu:0", NPU.name, [(OPENVINO, "npu")])
    assert (graphics.id, graphics.address, routes(graphics)) == ("gpu:0", "", [(OPENVINO, "gpu")])


def test_what_nobody_has_seen_is_one_device_however_it_is_reached():
    reached = [
        way("CUDA", "CUDA0", "NVIDIA GeForce RTX 4090", address="0000:01:00.0"),
        way("Vulkan", "Vulkan0", "NVIDIA GeForce RTX 4090"),
        way("Vulkan", "Vulkan1", "NVIDIA GeForce GTX 1050"),  # which CUDA does not reach any more
        way(CUDA, "cuda0", "NVIDIA GPU 0"),
    ]
    _, first, second = match((), reached)
    assert routes(first) == [("CUDA", "CUDA0"), ("Vulkan", "Vulkan0"), (CUDA, "cuda0")]
    assert routes(second) == [("Vulkan", "Vulkan1")]


def test_servers_are_devices_of_their_own_behind_those_of_the_machine():
    reached = [
        way("RPC", "localhost:1#0", "RPC server localhost:1", total_bytes=1 << 50),
        way("RPC", "localhost:1#1", "RPC server localhost:1", total_bytes=1 << 50),
        way("RPC", "localhost:2#0", "localhost:2", fault="It does not answer."),
    ]
    devices = match((NVIDIA, BUILT_IN), reached)
    assert [(device.id, device.name, device.is_usable) for device in devices[3:]] == [
        ("gpu:2", "RPC server localhost:1", True),
        ("gpu:3", "RPC server localhost:1", True),
        ("gpu:4", "RPC server localhost:2", False),
    ]
    assert devices[5].fault == "It does not answer."


def test_vulkan_in_software_is_marked_and_last():
    name = "llvmpipe (LLVM 15.0.6, 256 bits)"
    reached = [way("Vulkan", "Vulkan0", name, total_bytes=1 << 31), way("RPC", "h:1#0", "RPC server h:1")]
    devices = match((BUILT_IN,), reached)
    assert [device.id for device in devices] == ["cpu", "gpu:0", "gpu:1", "gpu:2"]
    assert (devices[3].name, devices[3].vendor) == (f"{name}, in software", "Mesa")
    assert devices[3].shares_memory
    assert is_software(devices[3].name)
    assert not any(is_software(device.name) for device in devices[:3])


# ---------------------------------------------------------------------------------------------------- what is missing


@pytest.mark.parametrize(
    ("seen", "installed", "sentence"),
    [
        (NVIDIA, (), "NVIDIA GPU seen; this build of llama.cpp has no CUDA or Vulkan module: run `make backends`."),
        (
            NVIDIA,
            ("Vulkan", "RPC"),
            "NVIDIA GPU seen; llama.cpp's Vulkan does not find it: install or update its driver, Vulkan included.",
        ),
        (RADEON, ("CUDA",), "AMD GPU seen; this build of llama.cpp has no Vulkan or HIP module: run `make backends`."),
        (
            replace(NVIDIA, driver="nouveau 6.8"),
            (),
            "NVIDIA GPU seen, but its driver nouveau cannot compute: install NVIDIA's own.",
        ),
        (
            replace(NVIDIA, driver="vfio-pci 6.8"),
            (),
            "NVIDIA GPU seen, but it is set aside for virtual machines: give it to its own driver instead of vfio-pci.",
        ),
        (
            NPU,
            (),
            "Intel NPU seen; it needs the provider OpenVINO of ONNX Runtime: `pip install onnxruntime-ep-openvino`.",
        ),
        (NPU, (OPENVINO,), "Intel NPU seen; the provider OpenVINO does not list it: update the NPU's driver."),
        (
            SeenDevice(kind=DeviceKind.NPU, driver="rocket 6.18"),
            (),
            "NPU seen; Hearth knows no provider of ONNX Runtime for it.",
        ),
    ],
)
def test_a_device_that_nothing_reaches_says_why(seen: SeenDevice, installed: tuple[str, ...], sentence: str):
    device = match((seen,), (), installed=installed)[1]
    assert (device.fault, device.routes, device.is_usable) == (sentence, (), False)


@pytest.mark.parametrize(
    ("seen", "platform", "sentence"),
    [
        (NVIDIA, "linux", "NVIDIA GPU seen, but no driver runs it: install its driver (NVIDIA's)."),
        (NVIDIA, "win32", "NVIDIA GPU seen, but no driver runs it: install its driver."),
        (
            NPU,
            "linux",
            "Intel NPU seen, but no driver runs it: install its driver (intel_vpu, in Linux 6.3 and later).",
        ),
    ],
)
def test_a_device_without_a_driver_says_which(
    seen: SeenDevice, platform: str, sentence: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.platform", platform)
    assert match([replace(seen, driver="")], ())[1].fault == sentence


def test_a_broken_module_is_the_reason_and_a_route_that_cannot_be_used():
    fault = AskedFault(backend=LLAMA, interface="Vulkan", sentence="llama.cpp's Vulkan module crashes.")
    _, card, npu = match((NVIDIA, NPU), (), [fault], ("Vulkan",))
    assert (card.fault, routes(card)) == (fault.sentence, [("Vulkan", "")])
    assert npu.routes == ()
    _, card = match((NVIDIA,), [way("CUDA", "CUDA0", address=NVIDIA.address)], [fault], ("Vulkan", "CUDA"))
    assert (card.is_usable, routes(card)) == (True, [("CUDA", "CUDA0"), ("Vulkan", "")])


def test_a_broken_provider_is_the_reason():
    faults = [AskedFault(backend=ONNX, interface=OPENVINO, sentence="OpenVINO finds no device.", is_failure=False)]
    assert match((NPU,), (), faults, (OPENVINO,))[1].fault == "OpenVINO finds no device."


# --------------------------------------------------------------------------------------------------- for any machine

addresses = st.sampled_from(["", "0000:01:00.0", "0000:02:00.0", "0000:03:00.0"])
names = st.sampled_from(["", "NVIDIA RTX 4090", "AMD Radeon 780M", "AMD Radeon", "llvmpipe (LLVM)", "Adapter 0"])
vendors = st.sampled_from(["", "NVIDIA", "AMD", "Intel"])
memory = st.sampled_from([None, 1 << 30, 8 << 30])
seen_devices = st.lists(
    st.builds(
        SeenDevice, kind=st.sampled_from(DeviceKind), name=names, vendor=vendors, address=addresses,
        memory_bytes=memory, shares_memory=st.booleans(), driver=st.sampled_from(["", "nvidia 1", "amdgpu 2"]),
    ),
    max_size=5,
)  # fmt: skip
interfaces = st.sampled_from(["CPU", "CUDA", "Vulkan", "RPC", CUDA, DML, OPENVINO, "Unheard-of"])
reached_devices = st.lists(
    st.builds(
        ReachedDevice, backend=st.sampled_from([LLAMA, ONNX]), interface=interfaces, target=st.just(""),
        kind=st.sampled_from(DeviceKind), name=names, vendor=vendors, address=addresses, total_bytes=memory,
        shares_memory=st.booleans(), fault=st.sampled_from(["", "It is broken."]),
    ),
    max_size=6,
).map(lambda devices: [replace(device, target=f"T{index}") for index, device in enumerate(devices)])  # fmt: skip


@given(seen_devices, reached_devices)
def test_nothing_is_lost_and_nothing_counts_twice(seen: list[SeenDevice], reached: list[ReachedDevice]):
    devices = match(seen, reached)
    ids = [device.id for device in devices]
    assert ids[0] == "cpu"
    assert len(set(ids)) == len(ids)
    targets = Counter(route.target for device in devices for route in device.routes if route.target.startswith("T"))
    assert targets == Counter(device.target for device in reached)
    for kind in (DeviceKind.GPU, DeviceKind.NPU):
        before = Counter(device.address for device in seen if device.kind is kind and device.address)
        after = Counter(device.address for device in devices if device.kind is kind)
        assert before <= after
        assert sum(device.kind is kind for device in devices) >= sum(device.kind is kind for device in seen)
        numbered = [device.id for device in devices if device.kind is kind]
        assert numbered == [f"{kind}:{index}" for index in range(len(numbered))]
    for device in devices:
        assert bool(device.fault) != any(not route.fault for route in device.routes)


@given(st.data(), seen_devices, reached_devices)
def test_the_order_of_what_is_found_makes_no_difference(
    data: st.DataObject, seen: list[SeenDevice], reached: list[ReachedDevice]
):
    assert match(data.draw(st.permutations(seen)), data.draw(st.permutations(reached))) == match(seen, reached)


@given(seen_devices, reached_devices)
def test_what_cannot_be_used_keeps_its_number(seen: list[SeenDevice], reached: list[ReachedDevice]):
    """A driver that breaks must not give a device's number, and what people have set for it, to another one."""
    broken = [replace(device, fault="It is broken.") for device in reached]
    known = [(device.id, device.name, device.address) for device in match(seen, reached)]
    assert [(device.id, device.name, device.address) for device in match(seen, broken)] == known
