import json
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

pytestmark = pytest.mark.models


@pytest.fixture
def colours(home: Path) -> str:
    """A classifier that says which of red, green and blue an image has most of."""
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["scores"]),
        ],
        "colours",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, home / "models" / "colours.onnx")
    card = {
        "name": "Colours", "task": "classification", "labels": ["red", "green", "blue"], "size": [8, 8],
        "layout": "NCHW", "channels": "RGB", "mean": [0, 0, 0], "std": [0.1, 0.1, 0.1], "resize": "stretch",
    }  # fmt: skip
    (home / "models" / "colours.json").write_text(json.dumps(card))
    return "colours"


def _picture(path: Path, colour: str) -> Path:
    Image.new("RGB", (32, 16), colour).save(path)
    return path


def test_labels_of_an_image(hearth, colours: str, tmp_path: Path) -> None:
    ended = hearth("recognize", colours, _picture(tmp_path / "a.png", "blue"), "--top-k", 2)
    assert ended.code == 0
    assert ended.err == ""
    assert len(ended.out.splitlines()) == 2
    assert ended.out.splitlines()[0].endswith("blue")


def test_several_images_in_one_document(hearth, colours: str, tmp_path: Path) -> None:
    pictures = [_picture(tmp_path / f"{colour}.png", colour) for colour in ("red", "blue")]
    document = hearth("recognize", colours, *pictures, "--json").document
    assert [result["labels"][0]["name"] for result in document["results"]] == ["red", "blue"]
    assert [result["image"] for result in document["results"]] == [str(picture) for picture in pictures]
    assert document["results"][0]["image_size"] == [32, 16]
    assert document["results"][0]["placement"]["backend"] == "onnxruntime"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.png", None),
        ("broken.png", b"\x89PNG\r\n\x1a\n and then nothing"),
        ("text.png", b"no image"),
        ("empty.png", b""),
    ],
)
def test_a_bad_image_is_one_sentence(hearth, colours: str, tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    ended = hearth("recognize", colours, tmp_path / name, "--json")
    assert (ended.code, ended.out) == (1, "")
    assert len(ended.err.splitlines()) == 1


def test_a_bad_image_does_not_spoil_the_others(hearth, colours: str, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    images = (tmp_path / "bad.png", _picture(tmp_path / "good.png", "red"))
    ended = hearth("recognize", colours, *images)
    assert ended.code == 1
    assert "bad.png" in ended.err
    assert "red" in ended.out
    document = hearth("recognize", colours, *images, "--json").document
    assert document["results"][0]["error"]["cause"]
    assert document["results"][1]["labels"][0]["name"] == "red"


def test_run_with_an_image_recognises_it(hearth, colours: str, tmp_path: Path) -> None:
    picture = _picture(tmp_path / "a.png", "red")
    assert "red" in hearth("run", colours, "--image", picture).out.splitlines()[0]
    ended = hearth("run", colours, "what is it?")
    assert ended.code == 2
    assert "--image" in ended.err


def test_a_text_model_recognises_nothing(hearth, tmp_path: Path) -> None:
    ended = hearth("recognize", "plain", _picture(tmp_path / "a.png", "red"))
    assert (ended.code, ended.out) == (1, "")
    assert "plain" in ended.err
