"""Well-formed files pass the first gate, all of them: those that come with installed packages, and those made here."""

import sysconfig
import time
from pathlib import Path

import pytest

from engine.bench.random_model import RECIPES, write_random_gguf
from engine.gates.header_check import check_header
from engine.models.gguf_writer import WeightType
from engine.models.random_model import RandomRecipe, RandomShape, write_hollow_model
from resources import models_dir
from tests.engine.backends.llama.conftest import write_mamba
from tests.engine.gates.fuzz.gguf_seeds import write_seeds
from tests.engine.gates.fuzz.onnx_seeds import graphs

LIMIT_S = 1.0
EXCEPTIONS: dict[str, str] = {}
"""Part of a path -> why that file is refused; there is none."""


def installed() -> list[Path]:
    roots = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    found = [path for root in roots for kind in ("onnx", "gguf") for path in root.rglob(f"*.{kind}")]
    return sorted({path.resolve() for path in [*found, *models_dir().glob("*.onnx"), *models_dir().glob("*.gguf")]})


def accept(path: Path) -> None:
    began_s = time.process_time()
    check_header(path)
    assert time.process_time() - began_s <= LIMIT_S


def test_there_are_many() -> None:
    assert len(installed()) > 100  # onnx brings its own


@pytest.mark.parametrize("path", installed(), ids=lambda path: "/".join(path.parts[-3:]))
def test_an_installed_file_passes(path: Path) -> None:
    if any(part in str(path) for part in EXCEPTIONS):
        pytest.skip("refused, for the reason given")
    accept(path)


def test_small_models_of_every_kind_pass(tmp_path: Path) -> None:
    for path in write_seeds(tmp_path).values():
        accept(path)
    accept(write_mamba(tmp_path / "recurrent.gguf"))
    for number, model in enumerate(graphs()):
        place = tmp_path / f"{number}.onnx"
        place.write_bytes(model.SerializeToString())
        accept(place)


def test_every_operator_of_the_standard_passes(tmp_path: Path) -> None:
    import onnx
    from onnx import helper

    for schema in onnx.defs.get_all_schemas():
        node = helper.make_node(schema.name, ["x"], ["y"], domain=schema.domain)
        model = helper.make_model(helper.make_graph([node], "g", [], []))
        path = tmp_path / "one.onnx"
        path.write_bytes(model.SerializeToString())
        accept(path)


@pytest.mark.parametrize("kind", sorted(RECIPES))
def test_random_models_of_every_recipe_pass(kind: str, tmp_path: Path) -> None:
    write_random_gguf(tmp_path / "r.gguf", "tiny", kind)
    accept(tmp_path / "r.gguf")


def test_a_large_model_with_a_large_vocabulary_passes_in_time(tmp_path: Path) -> None:
    shape = RandomShape(64, 8192, 28_672, 64, 8, 200_000, 131_072)
    write_hollow_model(tmp_path / "l.gguf", shape, RandomRecipe(7, WeightType.Q8_0, WeightType.Q8_0), name="large")
    accept(tmp_path / "l.gguf")
