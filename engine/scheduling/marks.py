"""Events for the time axis of the devices."""

import time

from engine.backends.base import LoadedModel
from engine.devices.room import gigabytes
from engine.hardware import HardwareEvent, HardwareEventKind


def mark(kind: HardwareEventKind, device: str, title: str, detail: str = "") -> HardwareEvent:
    """Something that happened just now."""
    return HardwareEvent(at_s=time.monotonic(), kind=kind, device=device, title=title, detail=detail)


def loaded(model: LoadedModel, took_s: float) -> HardwareEvent:
    """A model has come."""
    return mark(HardwareEventKind.LOADED, model.device, f"{model.info.id} loaded", f"{model.device}, {took_s:.1f} s")


def unloaded(model: LoadedModel) -> HardwareEvent:
    """A model has gone."""
    detail = f"{model.device}, {gigabytes(model.memory_bytes)} freed"
    return mark(HardwareEventKind.UNLOADED, model.device, f"{model.info.id} unloaded", detail)
