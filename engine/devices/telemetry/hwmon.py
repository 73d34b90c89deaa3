"""The sensors of one device on the bus, as Linux' hwmon shows them."""

from pathlib import Path

from engine.devices.telemetry.kept_file import KeptFile, Rate, Seldom

MILLI = 1e-3
_MICRO = 1e-6
_PERIOD_S = 2.0
_TEMPERATURES = ("temp1_input", "temp2_input")  # xe counts from 2
_POWERS = ("power1_average", "power1_input")
_ENERGIES = ("energy1_input",)


def temperature_of(file: KeptFile) -> float | None:
    """Degrees Celsius that a file says in thousandths; None if it does not, or says what cannot be."""
    number = file.number()
    celsius = None if number is None else number * MILLI
    return celsius if celsius is not None and -50 < celsius < 200 else None


class Hwmon:
    """Heat and power of one device.

    Thread: one at a time.
    """

    def __init__(self, device: Path) -> None:
        """Find the files.

        Args:
            device: its folder under `sys/bus/pci/devices`.
        """
        folders = sorted((device / "hwmon").glob("hwmon*"))
        self._temperature_file = _first(folders, _TEMPERATURES)
        self._power_file = _first(folders, _POWERS)
        self._energy_file = None if self._power_file is not None else _first(folders, _ENERGIES)
        self._energy = Rate()
        self._temperature = Seldom(_PERIOD_S, self._read_temperature)

    def temperature_c(self, now_s: float) -> float | None:
        """Degrees Celsius, at most two seconds old."""
        return self._temperature.value(now_s)

    def power_w(self, now_s: float) -> float | None:
        """Watts: what the device says, or its energy since the last call."""
        if self._power_file is not None:
            microwatts = self._power_file.number()
            return None if microwatts is None else microwatts * _MICRO
        rate = None if self._energy_file is None else self._energy.of(self._energy_file.number(), now_s)
        return None if rate is None else rate * _MICRO

    def close(self) -> None:
        """Release the files."""
        for file in (self._temperature_file, self._power_file, self._energy_file):
            if file is not None:
                file.close()

    def _read_temperature(self) -> float | None:
        return None if self._temperature_file is None else temperature_of(self._temperature_file)


def _first(folders: list[Path], names: tuple[str, ...]) -> KeptFile | None:
    found = next((path for folder in folders for name in names if (path := folder / name).exists()), None)
    return None if found is None else KeptFile(found)
