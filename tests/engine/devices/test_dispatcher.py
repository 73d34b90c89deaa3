"""The dispatcher in situations that people know."""

from dataclasses import replace

import pytest

from engine.backends.base import DeviceTarget
from engine.devices.dispatcher import decide
from engine.devices.layouts import layouts_of
from engine.devices.reasons import seconds
from engine.devices.room import device_bytes, host_bytes, proportional
from engine.devices.situation import Backlog, Demand, DemandKind, Seen, Spot
from engine.hardware import DeviceInfo, DeviceKind, Route
from tests.engine.devices.dispatching import GB, IMAGE, TEXT, device, graph, model, rates, situation

GPU_SPOT = Spot(model="m-q4", device="gpu:0", interface="Vulkan", layers=32)
CPU_SPOT = Spot(model="m-q4", device="cpu", interface="CPU", layers=32)


def with_gpu(room: int, *, factor: float = 10.0, backlogs: tuple[Backlog, ...] = (), **others: object):
    return situation(device(), device("gpu:0", room, backlogs=backlogs), speeds={"cpu": 1.0, "gpu:0": factor}, **others)


def test_a_model_that_fits_goes_to_the_faster_device():
    decision = decide(TEXT, [model()], with_gpu(8 * GB))
    assert decision.choice.target == DeviceTarget(device="gpu:0", interface="Vulkan", targets=("Vulkan0",))
    assert decision.choice.candidate.layers == decision.choice.candidate.total_layers == 32
    assert decision.choice.candidate.reason.startswith("Done first: ")
    assert [it.device for it in decision.candidates] == ["gpu:0", "cpu"]
    assert decision.options[1].target == DeviceTarget(device="cpu", interface="CPU")
    assert decision.candidates[1].reason.endswith(" later than gpu:0.")
    report = decision.report("m")
    assert (report.model, report.choice, report.candidates) == ("m", decision.choice.candidate, decision.candidates)


def test_layers_are_chosen_from_the_free_memory_and_the_numbers_are_said():
    decision = decide(TEXT, [model()], with_gpu(2_500_000_000))
    it = decision.choice.candidate
    assert (it.device, it.layers, it.total_layers) == ("gpu:0", 15, 32)
    assert decision.choice.target.layers == 15
    assert "; gpu:0 needs 4.4 GB, but 2.5 GB are free: 15 of 32 layers fit." in it.reason
    assert it.needed_bytes <= 2_500_000_000 < device_bytes(model().shape, 16, TEXT.cells)
    assert it.tokens_per_s > decision.candidates[1].tokens_per_s


def test_a_models_own_context_counts_and_not_the_usual_one():
    own = replace(model(), cells=64)
    needed = device_bytes(own.shape, 32, 64)
    assert needed < device_bytes(own.shape, 32, TEXT.cells)
    its_own = decide(TEXT, [own], with_gpu(needed)).choice.candidate
    usual = decide(TEXT, [replace(own, cells=None)], with_gpu(needed)).choice.candidate
    assert (its_own.device, its_own.layers) == ("gpu:0", 32)
    assert (usual.device, usual.layers < 32) == ("gpu:0", True)


def test_a_device_without_room_for_a_layer_is_refused_with_the_numbers():
    decision = decide(TEXT, [model()], with_gpu(700_000_000))
    assert decision.choice.candidate.device == "cpu"
    assert decision.candidates[1].refusal == "gpu:0 needs 4.4 GB, but 700 MB are free: none of 32 layers fit."
    assert decision.choice.candidate.reason.startswith("The only place where it can run: ")


def test_the_machines_memory_counts_once_for_all_that_compute_in_it():
    built_in = device("gpu:0", None, shares_memory=True)
    needed = device_bytes(model().shape, 32, TEXT.cells, is_shared=True) + host_bytes(model().shape, 32, TEXT.cells)
    speeds = {"cpu": 1.0, "gpu:0": 3.0}
    enough = decide(TEXT, [model()], situation(device(), built_in, speeds=speeds, free=needed)).choice.candidate
    assert (enough.device, enough.layers) == ("gpu:0", 32)
    short = situation(device(), built_in, speeds=speeds, free=needed - 1)
    assert all(it.layers < 32 for it in decide(TEXT, [model()], short).candidates if it.device == "gpu:0")
    tiny = decide(TEXT, [model()], situation(device(), built_in, speeds=speeds, free=3 * GB))
    assert tiny.choice is None
    assert tiny.refusal == "cpu needs 4.4 GB, but 3.0 GB are free."


def test_the_rest_of_a_model_must_fit_into_the_machines_memory():
    decision = decide(TEXT, [model()], with_gpu(2_500_000_000, free=1_000_000_000))
    assert decision.choice is None
    said = "gpu:0 needs 4.4 GB, but 2.5 GB are free: 15 of 32 layers fit, and the rest not into 1.0 GB of memory."
    assert said in [it.refusal for it in decision.candidates]


def test_a_slow_device_takes_no_layers():
    decision = decide(TEXT, [model()], with_gpu(2_500_000_000, factor=0.3))
    assert decision.choice.candidate.device == "cpu"
    shown = [it for it in decision.candidates if it.device == "gpu:0"]
    assert [it.layers for it in shown] == [1, 15]
    assert shown[0].reason.count("of 32 layers") == 1


def test_several_devices_share_what_none_of_them_holds():
    both = situation(
        device("gpu:0", 3 * GB), device("gpu:1", 2 * GB), device(), speeds={"cpu": 1.0, "gpu:0": 10.0, "gpu:1": 10.0}
    )
    decision = decide(TEXT, [model()], both)
    it, target = decision.choice.candidate, decision.choice.target
    assert (it.device, it.layers) == ("gpu:0+gpu:1", 32)
    assert target.targets == ("Vulkan0", "Vulkan1")
    assert target.layers is None
    assert sum(target.split) == 33  # the output head is one more, on the last
    assert target.split[0] > target.split[1]
    for share, room, has_head in zip(target.split, (3 * GB, 2 * GB), (False, True), strict=True):
        assert device_bytes(model().shape, int(share) - has_head, TEXT.cells, has_head=has_head) <= room
    large = replace(both, devices=(device("gpu:0", 8 * GB), *both.devices[1:]))
    assert "+" not in "".join(it.device for it in decide(TEXT, [model()], large).candidates)


def test_a_model_that_is_loaded_over_several_devices_stays_there():
    spot = Spot(model="m-q4", device="gpu:0+gpu:1", interface="Vulkan", layers=32)
    moment = situation(
        device("gpu:0", GB), device("gpu:1", GB), device(),
        speeds={"cpu": 1.0, "gpu:0": 10.0, "gpu:1": 10.0}, loaded=frozenset({spot}),
    )  # fmt: skip
    choice = decide(TEXT, [model()], moment).choice
    assert choice.spot == spot
    assert (choice.candidate.is_loaded, choice.candidate.load_s, choice.needed_bytes) == (True, 0.0, 0)


def test_where_it_is_loaded_it_need_not_be_loaded():
    far = with_gpu(8 * GB, factor=1.2, loaded=frozenset({CPU_SPOT}))
    decision = decide(TEXT, [model(billions=7.0)], far)
    costs = {it.device: it for it in decision.candidates}
    assert costs["cpu"].load_s == 0 < costs["gpu:0"].load_s
    short = Demand(kind=DemandKind.TEXT, prompt_tokens=10, output_tokens=5, cells=2048)
    assert decide(short, [model()], far).choice.candidate.device == "cpu"
    assert decide(replace(short, output_tokens=500), [model()], far).choice.candidate.device == "gpu:0"


def test_a_model_that_is_partly_loaded_stays_as_it_is():
    spot = replace(GPU_SPOT, layers=10)
    choice = decide(TEXT, [model()], with_gpu(0, loaded=frozenset({spot}))).choice
    assert choice.spot == spot
    assert choice.candidate.reason.endswith("; 10 of 32 layers are there.")


def test_an_answer_joins_those_that_are_being_written():
    running = (Backlog(model="m-q4", running=4, left_s=20.0),)
    loaded = frozenset({GPU_SPOT})
    alone = decide(TEXT, [model()], with_gpu(8 * GB, loaded=loaded)).choice.candidate
    joined = decide(TEXT, [model()], with_gpu(8 * GB, loaded=loaded, backlogs=running)).choice.candidate
    assert joined.device == "gpu:0"
    assert joined.wait_s == 0
    assert alone.token_s < joined.token_s < 5 * alone.token_s


def test_other_models_take_turns_but_never_more_than_the_request_itself():
    other = (Backlog(model="other", running=1, left_s=1000.0), Backlog(model="third", waiting_s=0.5))
    loaded = frozenset({GPU_SPOT})
    alone = decide(TEXT, [model()], with_gpu(8 * GB, loaded=loaded)).choice
    decision = decide(TEXT, [model()], with_gpu(8 * GB, loaded=loaded, backlogs=other))
    busy = next(option for option in decision.options if option.candidate.device == "gpu:0")
    assert busy.candidate.wait_s == pytest.approx(alone.cost_s + 0.5)
    assert busy.cost_s == pytest.approx(2 * alone.cost_s + 0.5)
    assert "waiting)" in busy.candidate.reason


def test_layers_on_the_processor_wait_for_what_it_has_to_do():
    busy = device(backlogs=(Backlog(model="other", left_s=3.0),))
    moment = situation(busy, device("gpu:0", 2_500_000_000), speeds={"cpu": 1.0, "gpu:0": 10.0})
    partly = next(it for it in decide(TEXT, [model()], moment).candidates if it.device == "gpu:0")
    assert partly.wait_s == pytest.approx(3.0)


def test_pictures_wait_for_all_pictures_before_them():
    work = (Backlog(model="g", running=2, left_s=1.0, waiting_s=2.0),)
    moment = situation(device("gpu:0", GB, backlogs=work), device(), speeds={"cpu": 1.0, "gpu:0": 10.0})
    decision = decide(IMAGE, [graph()], moment)
    waits = {it.device: it.wait_s for it in decision.candidates}
    assert waits == {"cpu": 0.0, "gpu:0": 3.0}
    assert decision.choice.candidate.device == "cpu"
    assert decision.choice.candidate.token_s is None
    assert decision.choice.candidate.reason.startswith("Done first: result after ")


def test_the_finest_comfortable_variant_wins_else_the_fastest():
    coarse, fine = model("m-q4", 7.0, 4.5), model("m-q8", 7.0, 8.5)
    fast = decide(TEXT, [coarse, fine], with_gpu(20 * GB, factor=10.0))
    assert fast.choice.candidate.model == "m-q8"
    assert fast.choice.candidate.reason.startswith("The finest variant that is fast enough: ")
    assert decide(TEXT, [coarse, fine], situation(device())).choice.candidate.model == "m-q4"
    small = decide(TEXT, [coarse, fine], with_gpu(3 * GB, factor=10.0))
    assert small.choice.candidate.model == "m-q4"  # the fine one fits only in part, and would be slow
    busy = (Backlog(model="m-q8", waiting_s=60.0),)
    assert decide(TEXT, [coarse, fine], with_gpu(20 * GB, backlogs=busy)).choice.candidate.model == "m-q4"


def test_graphs_are_fast_enough_within_half_a_second():
    coarse, fine = graph("g-int8", 25), graph("g", 100)
    assert decide(IMAGE, [coarse, fine], situation(device())).choice.candidate.model == "g"
    slow = situation(device(), speeds={"cpu": 0.1})
    assert decide(IMAGE, [coarse, fine], slow).choice.candidate.model == "g-int8"


def test_texts_to_embed_cost_their_prompt():
    demand = Demand(kind=DemandKind.TEXTS, prompt_tokens=400)
    choice = decide(demand, [model()], situation(device(), loaded=frozenset({CPU_SPOT}))).choice
    assert choice.candidate.token_s is None
    assert choice.cost_s == choice.candidate.first_token_s > 400 * 2 * 7e9 * 0.9 / 300e9


def test_what_was_seen_wins_over_what_was_predicted():
    seen = {("m-q4", "cpu"): Seen(token_s=0.001, more_s=0.0001)}
    choice = decide(TEXT, [model()], with_gpu(8 * GB, seen=seen)).choice.candidate
    assert (choice.device, choice.token_s) == ("cpu", 0.001)
    partly = decide(TEXT, [model()], with_gpu(2_500_000_000, seen={("m-q4", "gpu:0"): Seen(token_s=0.001)}))
    assert all(it.token_s != 0.001 for it in partly.candidates)  # it was seen with another number of layers, perhaps


def test_what_was_seen_is_enough_where_nothing_was_measured():
    moment = situation(device(), speeds={}, seen={("g", "cpu"): Seen(token_s=0.25)})
    assert decide(IMAGE, [graph()], moment).choice.cost_s == 0.25


def test_without_measurements_the_processor_is_taken():
    decision = decide(TEXT, [model()], situation(device("gpu:0", 8 * GB), device(), speeds={}))
    assert [it.device for it in decision.candidates] == ["cpu", "gpu:0"]
    assert decision.choice.candidate.reason == "Nothing else is known to be better: its speed has not been measured."
    measured = situation(device("gpu:0", 8 * GB), device(), speeds={"gpu:0": 0.1})
    assert decide(TEXT, [model()], measured).choice.candidate.device == "gpu:0"


def test_a_choice_by_hand_is_followed_and_the_rest_says_what_it_would_cost():
    decision = decide(TEXT, [model()], with_gpu(8 * GB), override="cpu")
    assert decision.choice.candidate.device == "cpu"
    assert decision.choice.candidate.reason.startswith("Chosen by hand: ")
    assert decision.candidates[1].device == "gpu:0"
    assert decision.candidates[1].reason.startswith("cpu was chosen by hand; here ")
    assert decision.candidates[1].tokens_per_s > decision.choice.candidate.tokens_per_s
    assert decision.override == "cpu"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("gpu:0", "gpu:0 needs 4.4 GB, but 300 MB are free: none of 32 layers fit."),
        ("gpu:5", "gpu:5 cannot run it."),
    ],
)
def test_a_choice_by_hand_that_cannot_be_is_refused(override: str, said: str):
    decision = decide(TEXT, [model()], with_gpu(300_000_000), override=override)
    assert decision.choice is None
    assert decision.refusal == said
    assert decision.candidates[0].device == "cpu"
    assert decision.candidates[0].tokens_per_s is not None


def test_a_choice_is_kept_while_another_is_not_clearly_better():
    moment = with_gpu(8 * GB, factor=1.05, loaded=frozenset({CPU_SPOT, GPU_SPOT}))
    assert decide(TEXT, [model()], moment).choice.spot == GPU_SPOT
    kept = decide(TEXT, [model()], moment, previous=CPU_SPOT)
    assert kept.choice.spot == CPU_SPOT
    assert kept.choice.candidate.reason.startswith("Kept, because gpu:0 would be done only ")
    clear = with_gpu(8 * GB, factor=1.2, loaded=frozenset({CPU_SPOT, GPU_SPOT}))
    assert decide(TEXT, [model()], clear, previous=CPU_SPOT).choice.spot == GPU_SPOT
    gone = with_gpu(8 * GB, factor=1.05, refused={("m-q4", "cpu"): "It failed there."})
    assert decide(TEXT, [model()], gone, previous=CPU_SPOT).choice.candidate.device == "gpu:0"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (device("gpu:0", 8 * GB, failure="It was lost 3 s ago."), "It was lost 3 s ago."),
        (device("gpu:0", 8 * GB, fault="Its driver is too old."), "Its driver is too old."),
    ],
)
def test_devices_that_cannot_be_used_say_why(state, said: str):
    decision = decide(TEXT, [model()], situation(state, device()))
    assert decision.candidates[-1].refusal == said


def test_a_device_that_the_backend_does_not_reach_says_so():
    npu = device("npu:0", GB)
    info = replace(npu.info, routes=tuple(route for route in npu.info.routes if route.backend == "onnxruntime"))
    decision = decide(TEXT, [model()], situation(replace(npu, info=info), device()))
    assert decision.candidates[-1].refusal == "npu:0 cannot be reached by llama.cpp."


def test_nothing_to_run_on_is_said():
    assert decide(TEXT, [model()], situation()).refusal == "There is no device that could run it."


def test_each_route_to_a_device_is_a_way_of_its_own():
    routes = tuple(Route(backend="llama.cpp", interface=name, target=f"{name}0") for name in ("CUDA", "Vulkan"))
    card = replace(device("gpu:0", 8 * GB), info=DeviceInfo(id="gpu:0", kind=DeviceKind.GPU, name="x", routes=routes))
    moment = replace(
        situation(card, speeds={"gpu:0": 2.0}),
        rates=(rates("gpu:0", 2.0)[0], replace(rates("gpu:0", 5.0)[0], interface="CUDA")),
    )
    assert [it.interface for it in decide(TEXT, [model()], moment).candidates] == ["CUDA", "Vulkan"]


def test_a_device_whose_free_memory_is_unknown_is_tried_with_all_layers():
    [layout] = layouts_of(model(), TEXT, situation(device("gpu:0", None)))
    assert (layout.layers, layout.refusal, layout.room_bytes) == (32, "", None)


def test_numbers_are_shared_out_by_weight():
    assert proportional(10, [1, 1]) == [5, 5]
    assert proportional(32, [20, 13]) == [19, 13]
    assert proportional(3, [1, 1, 1]) == [1, 1, 1]
    assert proportional(1, [5, 5]) == [1, 0]


@pytest.mark.parametrize(
    ("duration_s", "said"), [(0.0451, "45 ms"), (0.3561, "0.4 s"), (12.3, "12 s"), (179.0, "3 min")]
)
def test_times_are_said_with_a_sensible_number_of_digits(duration_s: float, said: str):
    assert seconds(duration_s) == said
