"""The devices as plain text, to be copied into a question or a report."""

import platform
from collections.abc import Iterator

from engine.hardware import DeviceInfo, DeviceRates, DeviceSample, HardwareSnapshot

_GIB = 1 << 30


def report_text(snapshot: HardwareSnapshot) -> str:
    """Describe devices, what they do, and how fast they were measured to be; unknown is said, never 0."""
    memory = f"Memory: {snapshot.memory_bytes / _GIB:.1f} GiB"
    if snapshot.latest is not None:
        ours, used = snapshot.latest.memory_ours_bytes / _GIB, snapshot.latest.memory_used_bytes / _GIB
        memory += f", {used:.1f} in use, {ours:.1f} of it by Hearth"
    lines = [f"System: {platform.system()} {platform.release()}, {platform.machine()}", memory]
    for device in snapshot.devices:
        lines += ["", *_device(device, snapshot)]
    return "\n".join(lines) + "\n"


def _device(device: DeviceInfo, snapshot: HardwareSnapshot) -> Iterator[str]:
    yield f"{device.id}: {device.name}"
    facts = [device.vendor, device.driver, device.address]
    if device.memory_bytes is not None:
        shared = " shared with the machine" if device.shares_memory else ""
        facts.append(f"{device.memory_bytes / _GIB:.1f} GiB{shared}")
    if said := ", ".join(fact for fact in facts if fact):
        yield f"  {said}"
    if device.fault:
        yield f"  not used: {device.fault}"
    for route in device.routes:
        yield f"  {route.backend} through {route.interface} {route.version}{': ' + route.fault if route.fault else ''}"
    load = snapshot.loads.get(device.id)
    if load is not None and load.failure:
        yield f"  failed: {load.failure}"
    if load is not None and load.models:
        yield f"  loaded: {', '.join(load.models)}"
    sample = snapshot.latest.devices.get(device.id) if snapshot.latest is not None else None
    if sample is not None:
        yield f"  {_sample(sample)}"
    for rates in snapshot.rates:
        if rates.device == device.id:
            yield f"  measured through {rates.interface}: {_rates(rates)}"


def _sample(sample: DeviceSample) -> str:
    return ", ".join(
        (
            f"in use {_percent(sample.utilisation)} (Hearth {_percent(sample.ours)})",
            f"heat {'unknown' if sample.temperature_c is None else f'{sample.temperature_c:.0f} °C'}",
            f"power {'unknown' if sample.power_w is None else f'{sample.power_w:.1f} W'}",
        )
    )


def _rates(rates: DeviceRates) -> str:
    decode = [f"{kind} {speed / 1e9:.1f} GB/s" for kind, speed in sorted(rates.decode_bytes_per_s.items())]
    prefill = [f"{kind} {speed / 1e9:.0f} GFLOP/s" for kind, speed in sorted(rates.prefill_flops.items())]
    parts = [*(f"decode {part}" for part in decode), *(f"prefill {part}" for part in prefill)]
    if rates.graph_flops:
        parts.append(f"graphs {rates.graph_flops / 1e9:.0f} GFLOP/s")
    return ", ".join(parts) or "nothing"


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share * 100:.0f} %"
