"""Several partial samples of one device made into one."""

from collections.abc import Iterable, Mapping

from engine.hardware import DeviceSample

UNKNOWN = DeviceSample()


def merged(parts: Iterable[Mapping[str, DeviceSample]]) -> dict[str, DeviceSample]:
    """Put together what several sources say of the devices: known wins over unknown, an earlier source over a later.

    Args:
        parts: what each source says, by device id; the best source first.
    """
    whole: dict[str, DeviceSample] = {}
    for part in parts:
        for device, sample in part.items():
            known = whole.get(device)
            whole[device] = sample if known is None else _filled(known, sample)
    return whole


def _filled(known: DeviceSample, more: DeviceSample) -> DeviceSample:
    return DeviceSample(
        utilisation=more.utilisation if known.utilisation is None else known.utilisation,
        ours=more.ours if known.ours is None else known.ours,
        memory_used_bytes=more.memory_used_bytes if known.memory_used_bytes is None else known.memory_used_bytes,
        memory_ours_bytes=more.memory_ours_bytes if known.memory_ours_bytes is None else known.memory_ours_bytes,
        temperature_c=more.temperature_c if known.temperature_c is None else known.temperature_c,
        power_w=more.power_w if known.power_w is None else known.power_w,
        is_throttled=more.is_throttled if known.is_throttled is None else known.is_throttled,
        cores=known.cores or more.cores,
    )


def share(part: float, whole: float) -> float | None:
    """A part of a whole, in [0, 1]; None of nothing."""
    return None if whole <= 0 else min(1.0, max(0.0, part / whole))
