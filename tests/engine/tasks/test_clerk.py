import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from engine.errors import EngineClosedError
from engine.tasks.clerk import Clerk, ClerkBusyError


@pytest.fixture
async def clerk() -> AsyncIterator[Clerk]:
    made = Clerk(patience_s=0.2)
    yield made
    await asyncio.to_thread(made.close, lambda: None)


async def test_it_works_on_a_thread_of_its_own_in_order(clerk: Clerk):
    done: list[int] = []
    clerk.tell(lambda: done.append(1))
    assert (await clerk.ask(lambda: threading.current_thread().name)).startswith("hearth-cache")
    clerk.tell(lambda: done.append(2))
    await clerk.do(lambda: done.append(3))
    assert done == [1, 2, 3]


async def test_errors_come_back(clerk: Clerk):
    with pytest.raises(ZeroDivisionError):
        await clerk.ask(lambda: 1 / 0)
    clerk.tell(lambda: 1 / 0)
    assert await clerk.ask(lambda: 1) == 1


async def test_what_is_asked_at_once_comes_back_at_once(clerk: Clerk):
    loop, came = asyncio.get_running_loop(), []

    async def ask(number: int) -> None:
        await clerk.ask(lambda: number)
        if not came:
            loop.call_soon(came.append, "later")  # nobody else had to wait for another round of the loop
        came.append(number)

    await asyncio.gather(*(ask(number) for number in range(8)))
    assert came[:8] == list(range(8))


async def test_it_is_left_out_while_it_hangs(clerk: Clerk):
    going_on = threading.Event()
    clerk.tell(going_on.wait)
    with pytest.raises(ClerkBusyError):
        await clerk.ask(lambda: 1)
    began_s = asyncio.get_running_loop().time()
    with pytest.raises(ClerkBusyError):
        await clerk.ask(lambda: 2)
    assert asyncio.get_running_loop().time() - began_s < 0.1
    going_on.set()
    await clerk.do(lambda: None)
    assert await clerk.ask(lambda: 3) == 3


async def test_closing_does_what_is_left_and_then_nothing_more():
    clerk, done = Clerk(), []
    for number in range(3):
        clerk.tell(lambda number=number: done.append(number))
    await asyncio.to_thread(clerk.close, lambda: done.append("last"))
    assert done == [0, 1, 2, "last"]
    clerk.tell(lambda: done.append("too late"))
    with pytest.raises(ClerkBusyError):
        await clerk.ask(lambda: 1)
    with pytest.raises(EngineClosedError):
        await clerk.do(lambda: 1)
    assert done[-1] == "last"
