"""The simulator against what can be worked out by hand, and the figures of a replay."""

from dataclasses import replace

import pytest

from engine.bench.random_traces import MACHINE, random_trace
from engine.bench.replays import Replay, Served, figures_of, jain, overtaken_s
from engine.bench.simulator import Machine, Rates, Simulator
from engine.bench.traces import Trace, TracedModel, TracedRequest
from engine.config import ORDERS
from engine.requests import Urgency
from engine.scheduling.policies import policy_of

RATES = Rates(size_bytes=10, load_s=2.0, prefill_s=0.01, steps=((1, 0.1), (2, 0.12), (4, 0.16)), slots=4)


def trace_of(*requests: TracedRequest, budget: int = 100, models: str = "ab") -> Trace:
    return Trace(
        models={name: TracedModel(shape="1b", type="q8_0") for name in models},
        memory_budget_bytes=budget,
        requests=requests,
    )


def machine(**facts) -> Machine:
    return Machine(models={"a": RATES, "b": RATES}, **facts)


def replay(order: str, trace: Trace, **facts) -> Replay:
    return Simulator(
        trace, machine(**facts), policy_of(order), order=order, has_own_lanes=order == "free_for_all"
    ).run()


def asked(at_s: float = 0.0, model: str = "a", **facts) -> TracedRequest:
    return TracedRequest(at_s=at_s, model=model, **{"prompt_tokens": 50, "max_tokens": 11, **facts})


@pytest.mark.parametrize("order", ORDERS)
def test_one_request_takes_its_load_its_prompt_and_its_tokens(order):
    replayed = replay(order, trace_of(asked(1.0)))
    (one,) = replayed.served
    assert one.began_s == pytest.approx(3.0)
    assert one.first_s == pytest.approx(3.0 + 50 * 0.01 + RATES.line()[0])
    assert one.ended_s == pytest.approx(one.first_s + 10 * 0.1)
    assert (replayed.loads, replayed.loaded_bytes, replayed.most_bytes) == (1, 10, 10)


def test_rows_of_one_step_share_its_time():
    together = replay("fifo_batched", trace_of(asked(), asked()))
    alone = replay("fifo", trace_of(asked(), asked()))
    assert together.makespan_s < alone.makespan_s - 0.5
    assert RATES.decode_s(3) == pytest.approx(0.14)
    assert Rates(size_bytes=1, load_s=1, prefill_s=1, steps=((1, 0.2),)).line() == (0.0, 0.2)


def test_a_known_prefix_is_not_read_again():
    first, second = asked(), asked(20.0, shared_prefix=40)
    replayed = replay("fifo", trace_of(replace(first, shared_prefix=40), second))
    times = [one.first_s - one.began_s for one in replayed.served]
    assert times[0] - times[1] == pytest.approx(40 * 0.01)
    other = replay("fifo", trace_of(replace(first, shared_prefix=40), replace(second, client="other")))
    assert [one.first_s - one.began_s for one in other.served] == pytest.approx([times[0], times[0]])


def test_models_that_do_not_fit_together_are_loaded_in_turn():
    trace = trace_of(asked(), asked(1.0, "b"), asked(2.0), budget=15)
    assert replay("fifo", trace).loads == 3
    assert replay("collate", trace).loads == 2
    assert replay("fifo", replace(trace, memory_budget_bytes=20)).loads == 2
    assert replay("free_for_all", trace).loads == 2  # separate programs know nothing of one another


def test_lanes_and_loading_slow_each_other_down_by_what_was_measured():
    trace = trace_of(asked(max_tokens=200), asked(0.0, "b", max_tokens=200))
    calm, crowded = replay("free_for_all", trace), replay("free_for_all", trace, crowding=2.0)
    assert crowded.makespan_s > 1.6 * calm.makespan_s
    slow = replay("free_for_all", trace, loading_slows=1.0)
    assert slow.makespan_s > calm.makespan_s


def test_a_picture_takes_one_step_on_a_lane_of_its_own():
    trace = Trace(
        models={"a": TracedModel(shape="1b", type="q8_0"), "p": TracedModel(shape="picture")},
        memory_budget_bytes=100,
        requests=tuple(TracedRequest(at_s=0.0, model="p", is_image=True) for _ in range(4)),
    )
    rates = replace(RATES, prefill_s=1e-9)
    replayed = Simulator(trace, Machine(models={"a": RATES, "p": rates}), policy_of("hearth")).run()
    assert {one.lane for one in replayed.served} == {"cpu-graphs"}
    assert [one.ended_s for one in replayed.served] == pytest.approx([2.16] * 4, abs=1e-6)


@pytest.mark.parametrize("order", ORDERS)
def test_equal_inputs_give_equal_results(order):
    trace = random_trace(5, 1.2, 60.0)
    first, second = (
        Simulator(trace, MACHINE, policy_of(order), has_own_lanes=order == "free_for_all").run() for _ in range(2)
    )
    assert first == second


def test_urgent_answers_come_sooner_by_score_than_by_arrival():
    traces = [random_trace(seed, 1.2, 120.0) for seed in range(3)]

    def worst(order: str) -> float:
        replays = [Simulator(trace, MACHINE, policy_of(order)).run() for trace in traces]
        found = [replayed.quantile_s(Urgency.INTERACTIVE, 95) for replayed in replays]
        return sum(value for value in found if value is not None)

    assert worst("hearth") < 0.7 * worst("fifo")


def served(client: str = "", *, arrived: float = 0.0, began: float = 1.0, ended: float = 2.0, **facts) -> Served:
    request = TracedRequest(at_s=arrived, model="a", client=client, **{"max_tokens": 5, **facts})
    return Served(request=request, arrived_s=arrived, began_s=began, first_s=began, ended_s=ended, lane="cpu")


def test_a_promise_is_kept_by_the_first_token_and_by_those_that_are_read():
    assert served().keeps_promise
    assert not served(began=2.1, ended=2.2).keeps_promise
    assert not served(ended=2.1).keeps_promise  # four tokens in 1.1 s
    assert served(ended=99.0, urgency=Urgency.BATCH).keeps_promise
    assert served(began=14.0, ended=99.0, urgency=Urgency.NORMAL).keeps_promise


def test_overtaking_is_counted_on_one_lane():
    first, late, later = served(began=9.0), served(arrived=3.0, began=5.0), served(arrived=4.0, began=6.0)
    assert overtaken_s([first, late]) == 3.0
    assert overtaken_s([first, late, later]) == 4.0
    assert overtaken_s([late, replace(first, lane="gpu:0")]) == 0.0


def test_jain_tells_equal_shares_from_one_who_has_it_all():
    def alone(_request: TracedRequest) -> float:
        return 1.0

    equal = [served("x", began=0.5, ended=2.0), served("y", began=0.5, ended=2.0)]
    assert jain(equal, alone) == pytest.approx(1.0)
    flood = [served("flood", began=number, ended=number + 1.0) for number in range(50)]
    unfair = [*flood, served("y", arrived=0.0, began=50.0, ended=51.0)]
    assert jain(unfair, alone) < 0.6
    assert jain([*flood, served("y", arrived=0.0, began=1.0, ended=2.0)], alone) > 0.95


def test_figures_name_their_class_and_the_bound_counts_the_work_of_others_and_loads():
    two = [served(), served(arrived=1.0, began=4.0, ended=6.0, urgency=Urgency.BATCH)]
    figures = figures_of(Replay(order="fifo", served=two, loads=1), lambda _request: 2.0, 3.0)
    assert figures["makespan_s"] == 6.0
    assert figures["tokens_per_s"] == pytest.approx(10 / 6)
    assert (figures["longest_wait_s"], figures["wait_bound_s"], figures["waits_over_bound"]) == (3.0, 8.0, 0)
    assert figures["first_token_p50_s_batch"] == 3.0
    assert "first_token_p50_s_normal" not in figures
