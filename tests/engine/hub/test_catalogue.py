import re
import time
from pathlib import Path

import pytest

from engine.devices.prediction import Rates
from engine.devices.rates import RateStore
from engine.errors import EngineError
from engine.footprint import Fit
from engine.hub.catalogue import Catalogue, CatalogueModel, read_catalogue
from engine.hub.files import quantization_of
from engine.hub.imagined import Numbers, bits_of
from plugins import plugins_dir
from resources import catalogue_file
from tests.engine.hub.conftest import MakeDesk

LIST = read_catalogue(catalogue_file())
MODELS = pytest.mark.parametrize("model", LIST.model, ids=lambda model: model.repo)
GATES = 3  # matrices of a feed-forward part with a gate
WITHOUT_GATES = {"bert"}


def weights_of(numbers: Numbers, gates: int) -> int:
    """Weights that such a model has, but for norms and biases."""
    attention = 2 * numbers.width * numbers.head * (numbers.heads + numbers.kv_heads)
    layer = attention + gates * numbers.width * numbers.forward
    return numbers.layers * layer + numbers.vocabulary * numbers.width * (1 if numbers.is_tied else 2)


def test_there_is_something_small_for_every_purpose() -> None:
    assert 28 <= len(LIST.model) <= 40
    for task in ("chat", "code", "summarize", "embed", "classify", "detect"):
        found = [model for model in LIST.model if task in model.tasks]
        assert len(found) >= 2, task
        assert min(file.size for model in found for file in model.files) < 600_000_000, task


@MODELS
def test_the_numbers_of_a_model_agree_with_each_other(model: CatalogueModel) -> None:
    numbers = model.numbers
    parameters = numbers.parameters if numbers is not None else model.parameters
    if numbers is not None:
        gates = GATES - 1 if model.architecture in WITHOUT_GATES else GATES
        assert weights_of(numbers, gates) == pytest.approx(numbers.parameters, rel=0.012)
        assert numbers.heads % numbers.kv_heads == 0
    assert parameters is not None
    assert 100_000_000 <= parameters <= 15_000_000_000 or numbers is None or "embed" in model.tasks
    assert list(model.files) == sorted(model.files, key=lambda file: file.size)


@MODELS
def test_sizes_of_files_are_what_such_weights_take(model: CatalogueModel) -> None:
    parameters = model.numbers.parameters if model.numbers is not None else model.parameters
    assert parameters is not None
    for file in model.files:
        named = quantization_of(file.name)
        assert file.quantization == (named or "F32"), file.name
        bits, plain = 8 * file.size / parameters, bits_of(file.quantization)
        # Small models keep their large embeddings in more bits than the rest.
        most = 1.5 if file.quantization.startswith("Q4") else 1.2
        assert 0.95 * plain <= bits <= most * plain, (file.name, bits)
        assert file.sha256 == "" or re.fullmatch("[0-9a-f]{64}", file.sha256)


@MODELS
def test_every_model_says_what_it_is_in_one_sentence(model: CatalogueModel) -> None:
    assert model.summary.endswith(".")
    assert ". " not in model.summary
    assert 20 <= len(model.summary) <= 120
    assert model.licence in {licence.id for licence in LIST.licence}
    assert set(model.tasks) <= {word.name for word in LIST.task}
    assert model.tasks


def test_no_model_is_listed_twice() -> None:
    assert len({model.repo for model in LIST.model}) == len(LIST.model)
    assert len({licence.id for licence in LIST.licence}) == len(LIST.licence)


def test_tasks_are_called_by_the_words_of_the_plugins() -> None:
    assert {word.name for word in LIST.task} <= {path.name.replace("_", "-") for path in plugins_dir().iterdir()}


def test_the_catalogue_is_judged_for_this_machine_and_quick(make_desk: MakeDesk) -> None:
    desk = make_desk(offline=True)
    first = desk.catalogue()
    assert [model.repo for model in first] == [model.repo for model in LIST.model]
    assert all(file.fit is not None for model in first for file in model.files)
    began_s = time.perf_counter()
    assert desk.catalogue() == first
    assert time.perf_counter() - began_s < 0.03


def test_a_measured_machine_says_how_fast_each_would_be(make_desk: MakeDesk) -> None:
    desk = make_desk()
    store = RateStore(desk.folder.parent / "cache" / "rates.json")
    rates = {"q8_0": 40e9, "q4_k": 30e9, "f16": 40e9}
    store.put(
        Rates(
            device="cpu", backend="llama.cpp", interface="CPU", decode_bytes_per_s=rates, prefill_flops={"q8_0": 1e12}
        )
    )
    speeds = {model.repo: model.files[-1].tokens_per_s for model in desk.catalogue() if "chat" in model.tasks}
    small, large = speeds["bartowski/SmolLM2-360M-Instruct-GGUF"], speeds["bartowski/Qwen2.5-7B-Instruct-GGUF"]
    assert small is not None
    assert large is not None
    assert large == pytest.approx(40e9 / 8.1e9, rel=0.2)
    assert small > 15 * large


def test_a_small_budget_rules_large_models_out(make_desk: MakeDesk) -> None:
    roomy = {model.repo: model for model in make_desk(memory_budget_bytes=6_000_000_000).catalogue()}
    tight = {model.repo: model for model in make_desk(memory_budget_bytes=900_000_000).catalogue()}
    large, small = "Qwen/Qwen3-14B-GGUF", "bartowski/SmolLM2-135M-Instruct-GGUF"
    assert roomy[small].recommended == tight[small].recommended != ""
    assert {file.fit for file in tight[large].files} <= {Fit.NO, Fit.PAGING}
    fitting = [sum(model.files[0].fit is Fit.FITS for model in found.values()) for found in (roomy, tight)]
    assert fitting[0] > fitting[1] > 0


@pytest.mark.parametrize("text", ["", "format = 2\nmodel = []\ntask = []\nlicence = []", "format = [", "model = 3"])
def test_a_damaged_list_gets_a_sentence(text: str, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(EngineError, match="list of recommended models"):
        Catalogue(file)
