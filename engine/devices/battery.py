"""The battery of the machine."""

import psutil


def battery_left() -> float | None:
    """Percent of the battery that is left; None while the machine is on mains, has none, or does not say."""
    try:
        battery = psutil.sensors_battery()
    except (AttributeError, OSError, RuntimeError):  # systems without such a reading; a driver's nonsense
        return None
    return None if battery is None or battery.power_plugged is not False else float(battery.percent)


def on_battery() -> bool:
    """Whether the machine runs on its battery; False where that cannot be told."""
    return battery_left() is not None
