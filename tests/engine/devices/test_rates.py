import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.devices.prediction import Rates
from engine.devices.rates import RateStore, encoded
from engine.hardware import DeviceInfo, DeviceKind, Route

ROUTE = Route(backend="llama.cpp", interface="Vulkan", target="Vulkan0", version="1.2")
RATES = Rates(
    device="gpu:0",
    backend="llama.cpp",
    interface="Vulkan",
    version="1.2",
    measured_at=1000.0,
    decode_bytes_per_s={"q8_0": 4e11},
    prefill_flops={"q8_0": 9e12},
    row_overhead_s=1e-9,
)


def test_rates_are_kept_per_device_and_route(tmp_path: Path):
    store = RateStore(tmp_path / "home" / "rates.json")
    assert store.all() == ()
    other = replace(RATES, device="cpu", interface="CPU")
    store.put(RATES)
    store.put(other)
    for known in (store, RateStore(tmp_path / "home" / "rates.json")):
        assert known.all() == (other, RATES)
        assert known.find("gpu:0", ROUTE) == RATES
        assert known.find("gpu:1", ROUTE) is None
        assert known.find("gpu:0", replace(ROUTE, interface="CUDA")) is None


def test_rates_of_another_version_of_the_driver_do_not_count(tmp_path: Path):
    store = RateStore(tmp_path / "rates.json")
    store.put(RATES)
    assert store.find("gpu:0", replace(ROUTE, version="1.3")) is None


def test_the_newest_rates_win_whoever_wrote_them(tmp_path: Path):
    one, two = RateStore(tmp_path / "rates.json"), RateStore(tmp_path / "rates.json")
    assert one.all() == two.all() == ()
    newer, other = replace(RATES, measured_at=2000.0), replace(RATES, device="cpu")
    one.put(newer)
    two.put(RATES)
    two.put(other)
    assert two.all() == RateStore(tmp_path / "rates.json").all() == (other, newer)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"rates": 3}', b'{"rates": [{"device": 3}]}', b"\xff" * 100])
def test_a_broken_file_counts_as_empty_and_is_replaced(tmp_path: Path, data: bytes):
    file = tmp_path / "rates.json"
    file.write_bytes(data)
    store = RateStore(file)
    assert store.all() == ()
    store.put(RATES)
    assert RateStore(file).all() == (RATES,)


def test_a_file_of_another_format_counts_as_empty(tmp_path: Path):
    file = tmp_path / "rates.json"
    file.write_bytes(encoded({"format": 99, "rates": []}))
    assert RateStore(file).all() == ()


def test_a_file_that_cannot_be_written_is_said_and_the_rates_are_known_all_the_same(tmp_path: Path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.devices.rates.replace_file", full)
    store = RateStore(tmp_path / "rates.json")
    with pytest.raises(OSError, match="No space"):
        store.put(RATES)
    assert store.all() == (RATES,)


def test_what_is_missing_is_what_could_be_measured(tmp_path: Path):
    broken = replace(ROUTE, interface="CUDA", fault="It crashes.")
    gpu = DeviceInfo(id="gpu:0", kind=DeviceKind.GPU, name="Card", routes=(broken, ROUTE))
    lost = DeviceInfo(id="gpu:1", kind=DeviceKind.GPU, name="Card", routes=(ROUTE,), fault="It is lost.")
    store = RateStore(tmp_path / "rates.json")
    assert store.missing((gpu, lost)) == ((gpu, ROUTE),)
    store.put(RATES)
    assert store.missing((gpu, lost)) == ()


def test_rates_have_an_age(tmp_path: Path):
    assert RateStore(tmp_path / "r.json", clock=lambda: 1600.0).age_s(RATES) == 600
    assert RateStore(tmp_path / "r.json", clock=lambda: 900.0).age_s(RATES) == 0


def test_the_file_is_plain_json(tmp_path: Path):
    RateStore(tmp_path / "rates.json").put(RATES)
    found = json.loads((tmp_path / "rates.json").read_bytes())
    assert found["rates"][0]["decode_bytes_per_s"] == {"q8_0": 4e11}
    with pytest.raises(TypeError, match="nothing that JSON knows"):
        encoded({"path": object()})
