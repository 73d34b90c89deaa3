"""A device that is none of the processor's is measured as requests would find it; a server on loopback stands in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.devices.calibrate import CalibrationOrder, calibrate
from engine.errors import DeviceError
from tests.engine.rpc_server import RpcServer, modules

pytestmark = pytest.mark.models


@pytest.fixture
def server() -> Iterator[RpcServer]:
    server = RpcServer()
    yield server
    server.kill()


def order(server: RpcServer, folder: Path) -> CalibrationOrder:
    return CalibrationOrder(
        device="gpu:0",
        backend="llama.cpp",
        interface="RPC",
        target=server.targets[0],
        folder=str(folder),
        modules=str(modules()),
        is_quick=True,
    )


def test_a_device_is_measured(server: RpcServer, tmp_path: Path):
    rates = calibrate(order(server, tmp_path))
    assert (rates.device, rates.interface) == ("gpu:0", "RPC")
    assert set(rates.decode_bytes_per_s) == {"q4_k", "q8_0"}
    assert rates.step_overhead_s > 1e-5  # the way to another process and back


def test_a_device_that_is_gone_is_said(server: RpcServer, tmp_path: Path):
    server.kill()
    with pytest.raises(DeviceError, match="cannot be measured"):
        calibrate(order(server, tmp_path))
