"""What is said of a model before its download against what `hearth models fit` says of the file afterwards."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.bench.random_model import RECIPES
from engine.config import EngineConfig
from engine.finds import HubFile, HubQuery
from engine.footprint import Fit
from engine.hub.imagined import Numbers, bits_of, imagined_layout, imagined_shape, in_other_type, weight_type
from engine.hub.judge import Judge, Known
from engine.models.gguf import GgufArray, read_header
from engine.models.gguf_writer import MetadataValue, write_header
from engine.models.library import ModelLibrary
from engine.models.page_plan import layout_of
from engine.models.random_model import RandomShape, tensors_of, write_hollow_model
from engine.models.shape import shape_of_gguf
from engine.scheduling.fitting import FitCheck
from engine.types import ModelInfo
from tests.engine.hub.conftest import MakeDesk
from tests.engine.hub.hub_server import HubServer, Repo

SHAPE = RandomShape(layers=12, width=512, feed_forward=1536, heads=8, kv_heads=4, vocabulary=8192, context=4096)
NUMBERS = Numbers(
    parameters=0, layers=12, width=512, forward=1536, heads=8, kv_heads=4, head=64, vocabulary=8192, words=8192,
    context_tokens=4096,
)  # fmt: skip
KINDS = ("q4_k_m", "q6_k", "q8_0", "f16")
BUDGETS = tuple(int(30e6 * 1.5**step) for step in range(10))
"""From what nothing fits in to what everything does."""


@dataclass(frozen=True)
class Served:
    """Files that are on a hub, and on this disk as well."""

    folder: Path
    parameters: int

    def info(self, name: str) -> ModelInfo:
        return ModelLibrary([self.folder]).find(name.removesuffix(".gguf"))

    def says(self, name: str, budget: int) -> Fit:
        return FitCheck(EngineConfig(home=self.folder / "home", memory_budget_bytes=budget)).of(self.info(name)).fit


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    folder = tmp_path_factory.mktemp("served")
    for kind in KINDS:
        write_hollow_model(folder / f"m-{kind.upper()}.gguf", SHAPE, RECIPES[kind], name="m")
    return Served(folder, shape_of_gguf(folder / "m-F16.gguf").parameters)


@pytest.fixture
def repo(hub: HubServer, served: Served) -> str:
    files: dict[str, bytes | Path] = {path.name: path for path in sorted(served.folder.glob("*.gguf"))}
    gguf = {"total": served.parameters, "architecture": "llama", "context_length": 4096}
    hub.repos["hearth/m-GGUF"] = Repo(files=files, gguf=gguf)
    return "hearth/m-GGUF"


def check_against(said: HubFile, really: Fit) -> None:
    """Nothing that was promised is broken."""
    assert not (said.fit is Fit.FITS and really is not Fit.FITS), (said.name, said.fit, really)
    assert not (said.fit is Fit.PAGING and really is Fit.NO), (said.name, said.fit, really)


@pytest.mark.parametrize("budget", BUDGETS)
def test_a_card_promises_nothing_that_the_file_does_not_keep(
    make_desk: MakeDesk, repo: str, served: Served, budget: int
) -> None:
    desk = make_desk(memory_budget_bytes=budget)
    files = desk.card(repo).model.files
    assert [file.quantization.lower() for file in files] == list(KINDS)
    agreeing = 0
    for file in files:
        really = served.says(file.name, budget)
        check_against(file, really)
        agreeing += file.fit is really
    assert agreeing >= len(files) - 1, "and it is not shy either"
    listed = desk.search(HubQuery(text="m-GGUF"))[0]
    for file in listed.files:
        check_against(file, served.says(file.name, budget))


@pytest.mark.parametrize("budget", BUDGETS[::2])
def test_the_file_whose_header_was_read_is_judged_as_it_will_be(
    make_desk: MakeDesk, repo: str, served: Served, hub: HubServer, budget: int
) -> None:
    hub.repos[repo].files = {"m-Q8_0.gguf": served.folder / "m-Q8_0.gguf"}
    (file,) = make_desk(memory_budget_bytes=budget).card(repo).model.files
    assert file.fit is served.says(file.name, budget)


@pytest.mark.parametrize("budget", BUDGETS)
def test_numbers_of_a_catalogue_promise_nothing_that_the_file_does_not_keep(served: Served, budget: int) -> None:
    fits = FitCheck(EngineConfig(home=served.folder / "home", memory_budget_bytes=budget))
    rooms = fits.rooms(served.info("m-F16.gguf"))
    judge = Judge(lambda info, shape, layout, _: fits.brief(info, shape, layout, rooms, served.folder), Path())
    numbers = Numbers(
        **{name: getattr(NUMBERS, name) for name in NUMBERS.__slots__} | {"parameters": served.parameters}
    )
    for kind in KINDS:
        path = served.folder / f"m-{kind.upper()}.gguf"
        file = HubFile(name=path.name, parts=(path.name,), size_bytes=path.stat().st_size, quantization=kind.upper())
        known = Known(name="m", architecture="llama", parameters=served.parameters, numbers=numbers)
        check_against(judge.judged([file], known)[0], served.says(path.name, budget))


@pytest.mark.parametrize("kind", KINDS)
def test_an_imagined_shape_is_close_to_the_real_one(served: Served, kind: str) -> None:
    path = served.folder / f"m-{kind.upper()}.gguf"
    real = shape_of_gguf(path)
    numbers = Numbers(**{name: getattr(NUMBERS, name) for name in NUMBERS.__slots__} | {"parameters": real.parameters})
    shape = imagined_shape(numbers, path.stat().st_size, kind.upper())
    assert shape.size_bytes >= real.size_bytes
    assert shape.kv_bytes_per_token == real.kv_bytes_per_token
    assert (shape.attention, shape.step_values, shape.layers) == (real.attention, real.step_values, real.layers)
    assert (shape.vocabulary, shape.context_tokens, shape.width) == (8192, 4096, 512)
    assert shape.bytes_per_token == pytest.approx(real.bytes_per_token, rel=0.15)
    assert shape.multiply_adds == pytest.approx(real.multiply_adds, rel=0.02)
    layout, real_layout = imagined_layout(shape, path), layout_of(path)
    assert layout is not None
    assert real_layout is not None
    whole = sum(span.size_bytes for span in (*layout.layers, *layout.others, *layout.looked_up))
    assert whole == shape.size_bytes
    assert len(layout.layers) == len(real_layout.layers)


def test_a_shape_in_another_type_costs_as_much_as_that_file(served: Served) -> None:
    known = shape_of_gguf(served.folder / "m-Q4_K_M.gguf")
    path = served.folder / "m-Q8_0.gguf"
    real = shape_of_gguf(path)
    shape = in_other_type(known, path.stat().st_size, "Q8_0")
    assert shape.size_bytes >= real.size_bytes
    assert set(shape.layer_work) == {"q8_0"}
    assert shape.bytes_per_token == pytest.approx(real.bytes_per_token, rel=0.1)
    assert shape.layer_bytes == pytest.approx(real.layer_bytes, rel=0.05)


@pytest.mark.parametrize(
    ("name", "bits", "kind"),
    [("Q4_K_M", 0, "q4_k"), ("UD-Q6_K_XL", 0, "q6_k"), ("IQ4_XS", 0, "iq4_xs"), ("BF16", 0, "bf16"), ("", 8.5, "q8_0"),
     ("", 0, "f16"), ("MXFP4", 0, "mxfp4"), ("W4A16", 4.3, "iq4_xs")],
)  # fmt: skip
def test_the_type_of_weights_is_told_by_name_or_size(name: str, bits: float, kind: str) -> None:
    assert weight_type(name, bits) == kind


def test_bits_of_a_type() -> None:
    assert bits_of("Q8_0") == 8.5
    assert 4.5 < bits_of("Q4_K_M") < 5.2
    assert bits_of("INT8") == 8
    assert bits_of("") == 0


def test_headers_are_read_without_their_weights_and_kept(make_desk: MakeDesk, repo: str, hub: HubServer) -> None:
    desk = make_desk()
    first = desk.card(repo)
    asked = hub.sent_to(is_hub=False)
    assert len(asked) == 1, "one header tells of all files of a model"
    assert make_desk().card(repo).model == first.model
    assert len(hub.sent_to(is_hub=False)) == 1, "and is asked for once"
    assert first.model.parameters == hub.repos[repo].gguf["total"]  # type: ignore[index]


def test_a_kept_header_that_is_damaged_is_read_again(
    make_desk: MakeDesk, repo: str, hub: HubServer, tmp_path: Path
) -> None:
    before = make_desk().card(repo).model
    (kept,) = (tmp_path / "home" / "cache" / "hub").glob("*.head")
    assert read_header(next(path for path in hub.repos[repo].files.values() if isinstance(path, Path)))
    kept.write_bytes(kept.read_bytes()[:1000])
    assert make_desk().card(repo).model == before
    assert len(hub.sent_to(is_hub=False)) == 2


@pytest.mark.parametrize("budget", BUDGETS[::3])
def test_a_split_model_is_judged_as_it_will_be(
    make_desk: MakeDesk, hub: HubServer, tmp_path: Path, budget: int
) -> None:
    tensors = tensors_of(SHAPE, RECIPES["q8_0"])
    write_hollow_model(tmp_path / "whole.gguf", SHAPE, RECIPES["q8_0"], name="m")
    metadata = {
        key: value.texts() if isinstance(value, GgufArray) and value.is_text else value
        for key, value in read_header(tmp_path / "whole.gguf").metadata.items()
    }
    (tmp_path / "whole.gguf").unlink()
    names = [f"m-Q8_0-0000{number}-of-00002.gguf" for number in (1, 2)]
    for number, name in enumerate(names):
        said = {**_plain(metadata), "split.no": 0} if number == 0 else {"general.architecture": "llama", "split.no": 1}
        with (tmp_path / name).open("wb") as stream:
            half = tensors[: len(tensors) // 2] if number == 0 else tensors[len(tensors) // 2 :]
            stream.truncate(write_header(stream, {**said, "split.count": 2, "split.tensors.count": len(tensors)}, half))
    hub.repos["hearth/split-GGUF"] = Repo(files={name: tmp_path / name for name in names})
    (file,) = make_desk(memory_budget_bytes=budget).card("hearth/split-GGUF").model.files
    assert file.parts == tuple(names)
    real = ModelLibrary([tmp_path]).find("m-q8_0")
    config = EngineConfig(home=tmp_path / "home", memory_budget_bytes=budget)
    assert file.fit is FitCheck(config).of(real).fit


def _plain(metadata: dict[str, object]) -> dict[str, MetadataValue]:
    """Metadata as the writer takes it."""
    found: dict[str, MetadataValue] = {}
    for key, value in metadata.items():
        if isinstance(value, GgufArray):
            found[key] = list(value.numbers())
        elif isinstance(value, list):
            found[key] = [item.decode() for item in value]
        elif isinstance(value, str | bool | int | float):
            found[key] = value
    return found
