"""Trying thread counts, on a clock that the steps move."""

import pytest

from engine.devices.cpu_load import CpuLoad
from engine.scheduling.thread_trials import HOLD_S, ThreadTrials
from engine.scheduling.threads import ThreadGovernor


class Machine:
    """Takes a given time for a step, by number of threads."""

    def __init__(self, step_s: dict[int, float]) -> None:
        self.now_s = 100.0
        self.step_s = step_s
        self.used: list[int] = []
        self.trials = ThreadTrials(lambda: self.now_s)

    def run(self, seconds: float, work: object = "a", few: int = 1, many: int = 2) -> float:
        """Take steps for some time; return the share of the time spent with `many` threads."""
        until_s, spent_s = self.now_s + seconds, 0.0
        while self.now_s < until_s:
            threads = self.trials.pick(few, many)
            self.used.append(threads)
            self.now_s += self.step_s[threads]
            spent_s += self.step_s[threads] * (threads == many)
            self.trials.note(work, self.step_s[threads])
        return spent_s / seconds


def test_begins_with_the_smaller_count() -> None:
    assert Machine({1: 0.01, 2: 0.01}).trials.pick(1, 2) == 1


@pytest.mark.parametrize(("two_s", "winner"), [(0.005, 2), (0.0095, 1), (0.01, 1), (0.5, 1)])
def test_keeps_the_faster_count_and_the_smaller_one_in_doubt(two_s: float, winner: int) -> None:
    machine = Machine({1: 0.01, 2: two_s})
    machine.run(2.0)
    assert machine.trials.pick(1, 2) == winner


def test_a_hopeless_count_costs_next_to_nothing() -> None:
    machine = Machine({1: 0.004, 2: 0.08})
    assert machine.run(20.0) < 0.08


def test_steps_longer_than_a_trial_are_compared_too() -> None:
    machine = Machine({1: 0.6, 2: 0.4})
    machine.run(6.0)
    assert machine.trials.pick(1, 2) == 2


def test_tries_again_after_a_while_and_follows_a_change() -> None:
    machine = Machine({1: 0.01, 2: 0.05})
    machine.run(2.0)
    machine.step_s[2] = 0.005
    machine.run(HOLD_S + 1.0)
    assert machine.trials.pick(1, 2) == 2


def test_other_work_is_not_compared_with_what_was_before() -> None:
    machine = Machine({1: 0.01, 2: 0.03})
    machine.run(0.35)  # the smaller count has been tried
    machine.step_s = {1: 0.1, 2: 0.05}  # another model, ten times as large
    machine.run(2.0, work="b")
    assert machine.trials.pick(1, 2) == 2


def test_the_governor_keeps_all_threads_where_fewer_are_slower_and_says_why() -> None:
    now_s, step_s = [0.0], {1: 0.02, 2: 0.01}
    governor = ThreadGovernor(2, meter=lambda: CpuLoad(1.0, 1.0), clock=lambda: now_s[0])
    assert governor.update().threads == 1
    for _ in range(200):
        duration_s = step_s[governor.update().threads]
        now_s[0] += duration_s
        governor.note("a", duration_s)
    assert governor.choice.threads == 2
    assert governor.choice.reason == "2 threads: other programs use 1.0 cores, but fewer threads were not faster"


def test_the_reason_follows_when_the_others_leave_and_the_count_stays() -> None:
    now_s, others = [0.0], [1.0]
    governor = ThreadGovernor(2, meter=lambda: CpuLoad(1.0, others[0]), clock=lambda: now_s[0])
    for _ in range(200):
        duration_s = {1: 0.02, 2: 0.01}[governor.update().threads]
        now_s[0] += duration_s
        governor.note("a", duration_s)
    others[0] = 0.0
    for _ in range(5):
        governor.update()
    assert governor.choice.reason == "2 threads: the machine is quiet"


def test_the_governor_gives_way_where_all_threads_are_slower() -> None:
    now_s, step_s = [0.0], {1: 0.01, 2: 0.2}
    governor = ThreadGovernor(2, meter=lambda: CpuLoad(1.0, 1.0), clock=lambda: now_s[0])
    counts = []
    for _ in range(400):
        counts.append(governor.update().threads)
        now_s[0] += step_s[counts[-1]]
        governor.note("a", step_s[counts[-1]])
    assert counts.count(2) < 20
    assert governor.choice.reason == "1 thread instead of 2: other programs use 1.0 cores"
