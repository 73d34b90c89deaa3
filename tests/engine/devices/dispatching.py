"""Machines, models and moments for tests of the dispatcher."""

from dataclasses import replace

from hypothesis import strategies as st

from engine.devices.prediction import Rates
from engine.devices.situation import Backlog, Demand, DemandKind, DeviceState, Situation, Spot, Variant
from engine.hardware import DeviceInfo, DeviceKind, Route
from engine.models.shape import Matrices, ModelShape

LLAMA, ONNX = "llama.cpp", "onnxruntime"
INTERFACES = {"cpu": "CPU"}
GB = 1_000_000_000
TEXT = Demand(kind=DemandKind.TEXT, prompt_tokens=100, output_tokens=100, cells=2048)
IMAGE = Demand(kind=DemandKind.IMAGE)


def model(name: str = "m-q4", billions: float = 7.0, bits: float = 4.5, layers: int = 32) -> Variant:
    """A text model of `billions` of weights."""
    weights = int(billions * 1e9)
    size = int(weights * bits / 8)
    layer, head = int(size * 0.9) // layers, int(size * 0.05)
    return Variant(
        id=name,
        backend=LLAMA,
        shape=ModelShape(
            size_bytes=layer * layers + 2 * head,
            parameters=weights,
            layers=layers,
            layer_work={"q4_k": Matrices(layer * layers, weights / 3000, weights * 0.9)},
            head_work={"q4_k": Matrices(head, 32_000, weights * 0.05)},
            layer_bytes=layer * layers,
            largest_layer_bytes=layer,
            head_bytes=head,
            embedding_bytes=head,
            kv_bytes_per_token=layers * 4096,
            attention=layers * 8192,
            context_tokens=4096,
            width=4096,
            vocabulary=32_000,
        ),
    )


def graph(name: str = "g", megabytes: int = 100) -> Variant:
    """An image model."""
    return Variant(
        id=name,
        backend=ONNX,
        shape=ModelShape(size_bytes=megabytes * 1_000_000, parameters=25_000_000, run_operations=8e9),
    )


def device(
    name: str = "cpu",
    free: int | None = None,
    *,
    shares_memory: bool = False,
    backlogs: tuple[Backlog, ...] = (),
    idle: int = 0,
    failure: str = "",
    fault: str = "",
) -> DeviceState:
    """A device that both backends reach."""
    kind = DeviceKind(name.partition(":")[0])
    interface = INTERFACES.get(name, "Vulkan")
    target = "" if name == "cpu" else f"Vulkan{name.partition(':')[2]}"
    routes = tuple(Route(backend=backend, interface=interface, target=target, fault=fault) for backend in (LLAMA, ONNX))
    info = DeviceInfo(id=name, kind=kind, name=name, routes=routes, shares_memory=shares_memory or name == "cpu")
    return DeviceState(info=info, free_bytes=free, idle_bytes=idle, backlogs=backlogs, failure=failure)


def rates(name: str = "cpu", factor: float = 1.0) -> tuple[Rates, Rates]:
    """A device that is `factor` times as fast as a small processor, for both backends."""
    interface = INTERFACES.get(name, "Vulkan")
    basis = Rates(device=name, backend=LLAMA, interface=interface)
    return (
        replace(
            basis,
            decode_bytes_per_s={"q4_k": 30e9 * factor},
            prefill_flops={"q4_k": 300e9 * factor},
            layer_overhead_s=1e-5 / factor,
            step_overhead_s=5e-5 / factor,
            row_overhead_s=8e-9 / factor,
            attention_flops=20e9 * factor,
            load_bytes_per_s=4e9,
        ),
        replace(basis, backend=ONNX, graph_flops=100e9 * factor, graph_overhead_s=1e-4, load_bytes_per_s=1e9),
    )


def situation(
    *devices: DeviceState, speeds: dict[str, float] | None = None, free: int = 100 * GB, **others
) -> Situation:
    """A machine whose devices are so many times as fast as a small processor."""
    factors = {state.info.id: 1.0 for state in devices} if speeds is None else speeds
    measured = tuple(one for name, factor in sorted(factors.items()) for one in rates(name, factor))
    return Situation(devices=devices, free_bytes=free, rates=measured, **others)


NAMES = ("cpu", "gpu:0", "gpu:1", "npu:0")
FACTORS = st.floats(0.2, 50.0)
BYTES = st.integers(0, 12 * GB) | st.integers(12 * GB, 90 * GB)
VARIANTS = st.sampled_from([
    (model("m-q4", 1.1),), (model("m-q8", 7.0, 8.5),), (model("m-q4", 7.0), model("m-q8", 7.0, 8.5)),
    (graph("g-int8", 25), graph("g", 100)), (model("tiny", 0.1, layers=2), model("tiny-f16", 0.1, 16.0, layers=2)),
])  # fmt: skip


@st.composite
def backlogs(draw: st.DrawFn) -> tuple[Backlog, ...]:
    names = draw(st.lists(st.sampled_from(["m-q4", "m-q8", "g", "other"]), unique=True, max_size=3))
    times = st.floats(0.0, 30.0)
    return tuple(
        Backlog(model=name, running=draw(st.integers(0, 8)), left_s=draw(times), waiting_s=draw(times))
        for name in names
    )


@st.composite
def machines(draw: st.DrawFn) -> Situation:
    """Any machine at any moment: devices with and without memory of their own, measured or not, busy or not."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1, max_size=4))
    states = tuple(
        device(
            name,
            draw(st.none() | BYTES),
            shares_memory=draw(st.booleans()),
            backlogs=draw(backlogs()),
            idle=draw(st.sampled_from([0, GB])),
            failure=draw(st.sampled_from([""] * 9 + ["It is lost."])),
        )
        for name in names
    )
    speeds = {name: draw(FACTORS) for name in names if draw(st.integers(0, 9))}
    loaded = frozenset(
        Spot(model="m-q4", device=name, interface=INTERFACES.get(name, "Vulkan"), layers=draw(st.integers(1, 32)))
        for name in names
        if not draw(st.integers(0, 3))
    )
    return situation(*states, speeds=speeds, free=draw(BYTES), idle_bytes=draw(st.sampled_from([0, GB])), loaded=loaded)


@st.composite
def demands(draw: st.DrawFn, variants: tuple[Variant, ...]) -> Demand:
    kind = draw(st.sampled_from(DemandKind)) if variants[0].shape.layers else DemandKind.IMAGE
    return Demand(
        kind=kind,
        prompt_tokens=draw(st.integers(1, 3000)),
        output_tokens=draw(st.integers(0, 500)) if kind is DemandKind.TEXT else 0,
        cells=draw(st.sampled_from([512, 4096, 32_768])),
    )


def noisy(moment: Situation, draw_factor) -> Situation:
    """The same machine, measured with other noise."""
    changed = tuple(
        replace(
            one,
            decode_bytes_per_s={kind: rate * draw_factor() for kind, rate in one.decode_bytes_per_s.items()},
            prefill_flops={kind: rate * draw_factor() for kind, rate in one.prefill_flops.items()},
            layer_overhead_s=one.layer_overhead_s / draw_factor(),
            step_overhead_s=one.step_overhead_s / draw_factor(),
            row_overhead_s=one.row_overhead_s / draw_factor(),
            attention_flops=one.attention_flops * draw_factor(),
            load_bytes_per_s=one.load_bytes_per_s * draw_factor(),
            graph_flops=one.graph_flops * draw_factor(),
            graph_overhead_s=one.graph_overhead_s / draw_factor(),
        )
        for one in moment.rates
    )
    return replace(moment, rates=changed)
