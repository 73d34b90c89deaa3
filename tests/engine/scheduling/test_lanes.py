"""Lanes and the lock of the queue."""

import asyncio
from pathlib import Path

from engine import Engine
from tests.computing import computing


async def test_a_lane_is_made_while_somebody_holds_the_queue(tmp_path: Path) -> None:
    """Who ends a request wakes lanes under the queue's lock; who makes a lane must therefore never wait for that."""
    async with Engine(computing(home=tmp_path)) as engine:
        works = engine._works()
        with works.state.changed:
            made = asyncio.to_thread(works.lanes.open, "gpu:7")
            assert await asyncio.wait_for(made, 10)
            works.lanes.wake("gpu:7")
        assert works.lanes.snapshots()["gpu:7"].waiting == 0
