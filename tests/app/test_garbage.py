"""Cycles with widgets in them die on the UI thread, and do die."""

import gc
import threading
import weakref

from app.garbage import collect_if_due, collecting_on_this_thread


class Knot:
    """A reference cycle that notes the thread it dies on."""

    def __init__(self, died_on: list[str]) -> None:
        self.me = self
        self._died_on = died_on

    def __del__(self) -> None:
        self._died_on.append(threading.current_thread().name)


def test_another_thread_never_collects(qapp):
    died_on: list[str] = []
    with collecting_on_this_thread():
        Knot(died_on)
        thread = threading.Thread(target=lambda: [[] for _ in range(50_000)], name="lane")
        kept = thread
        kept.start()
        kept.join()
        [[index] for index in range(5000)]
        assert died_on == []
    assert died_on == ["MainThread"]


def test_the_timer_collects(qtbot):
    with collecting_on_this_thread():
        knot = Knot([])
        gone = weakref.ref(knot)
        del knot
        waste = [[] for _ in range(2 * gc.get_threshold()[0])]
        waste.append(waste)
        qtbot.waitUntil(lambda: gone() is None, timeout=5000)


def test_nothing_is_done_while_nothing_is_due(qapp):
    with collecting_on_this_thread():
        gc.collect()
        assert collect_if_due() == 0


def test_the_collector_is_put_back(qapp):
    assert gc.isenabled()
    with collecting_on_this_thread():
        assert not gc.isenabled()
        frozen = gc.get_freeze_count()
        assert frozen > 0
    assert gc.isenabled()
    assert gc.get_freeze_count() < frozen / 10  # Python 3.12 keeps a few immortal objects there by itself
