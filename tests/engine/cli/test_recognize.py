import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from engine.cli.drawing import draw
from engine.cli.output import plain
from engine.cli.recognize import described, entry
from engine.types import Detection, Label, Placement, RecognizeResult, TextLine, Timings, VisionOutput

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


@pytest.fixture
def squares(home: Path) -> str:
    """A detector that finds a cat in the left half of every image."""
    table = np.zeros((1, 20, 6), np.float32)
    table[0, 0] = [0, 0, 32, 64, 0.875, 0]
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["image"], ["mean"], axes=[1, 2, 3], keepdims=0),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
            helper.make_node("Add", ["nothing", "table"], ["boxes"]),
        ],
        "squares",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 20, 6])],
        [numpy_helper.from_array(np.zeros(1, np.float32), "zero"), numpy_helper.from_array(table, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, home / "models" / "squares.onnx")
    card = {"task": "detection", "labels": ["cat"], "resize": "stretch"}
    (home / "models" / "squares.json").write_text(json.dumps(card))
    return "squares"


def test_detections_are_listed_and_drawn_onto_a_copy(hearth, squares: str, tmp_path: Path) -> None:
    picture, copy = _picture(tmp_path / "a.png", "white"), tmp_path / "copy.png"
    ended = hearth("recognize", squares, picture, "--save", copy)
    assert (ended.code, ended.out) == (0, " 87.5%  cat  0 0 16 16\n")
    assert str(copy) in ended.err
    drawn = np.asarray(Image.open(copy))
    assert drawn.shape == (16, 32, 3)
    assert (drawn[2:, :2] != 255).any()
    assert (drawn[:, 20:] == 255).all() or (drawn[12:, 20:] == 255).all()
    assert np.asarray(Image.open(picture)).min() == 255
    document = hearth("recognize", squares, picture, "--json").document
    assert document["results"][0]["task"] == "detection"
    assert document["results"][0]["detections"] == [{"name": "cat", "score": 0.875, "box": [0, 0, 16, 16]}]


@pytest.mark.parametrize("name", ["copy.text", "missing/copy.png", "a.png"])
def test_a_copy_that_cannot_be_saved(hearth, squares: str, tmp_path: Path, name: str) -> None:
    picture = _picture(tmp_path / "a.png", "white")
    ended = hearth("recognize", squares, picture, "--save", tmp_path / name)
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1
    assert np.asarray(Image.open(picture)).min() == 255


def test_a_copy_goes_with_one_image(hearth, squares: str, tmp_path: Path) -> None:
    pictures = [_picture(tmp_path / name, "white") for name in ("a.png", "b.png")]
    ended = hearth("recognize", squares, *pictures, "--save", tmp_path / "copy.png")
    assert ended.code == 2
    assert "--save" in ended.err


MASK = np.array([[0, 0, 1], [2, 2, 2]], np.uint8)
SEEN = VisionOutput(task="segmentation", image_size=(6, 4), mask=MASK, mask_names=("sky", "sea", "boat"))


def result(output: VisionOutput) -> RecognizeResult:
    timings = Timings(queued_s=0, load_s=0, prefill_s=0, first_token_s=0, decode_s=0, total_s=0)
    placement = Placement(device="cpu", backend="onnxruntime", threads=1, reason="Because.")
    return RecognizeResult(output=output, timings=timings, placement=placement)


def test_masks_are_told_by_the_shares_of_their_parts() -> None:
    assert described(SEEN, "") == " 50.0%  sea\n 16.7%  sky\n"
    document = json.loads(json.dumps(plain(entry(Path("a.png"), result(SEEN)))))
    assert document["mask"] == {
        "rows": 2, "columns": 3, "names": ["sky", "sea", "boat"], "shares": {"sea": 0.5, "sky": 1 / 6},
        "runs": "0*2 1*1 2*3",
    }  # fmt: skip
    assert document["labels"] is document["detections"] is document["features"] is None


def test_everything_that_was_found_is_told() -> None:
    several = VisionOutput(
        task="all", image_size=(9, 9), labels=(Label("cat", 0.5),), lines=(TextLine("MEOW", 0.9, (0, 0, 1, 1)),),
        detections=(), mask=np.zeros((1, 1), np.uint8), features=np.array([0.5, 2], np.float32),
    )  # fmt: skip
    told = "a: MEOW\n 50.0%  cat\nnothing found\nnothing found\n0.5 2\n"
    assert described(several, "a: ") == told
    document = plain(entry(Path("a.png"), result(several)))
    assert (document["text"], document["features"], document["detections"]) == ("MEOW", [0.5, 2.0], [])


def test_drawings_of_masks_and_lines() -> None:
    white = Image.new("RGB", (60, 40), "white")
    marked = np.asarray(draw(white, SEEN))
    assert (marked[:20, :40] == 255).all()
    assert len(np.unique(marked.reshape(-1, 3), axis=0)) == 3
    framed = np.asarray(
        draw(white, VisionOutput(task="reading", image_size=(60, 40), lines=(TextLine("x", 1.0, (5, 5, 50, 30)),)))
    )
    assert (framed[5, 5:50] != 255).any(axis=1).all()
    assert (framed[10:25, 10:45] == 255).all()
    found = VisionOutput(task="detection", image_size=(60, 40), detections=(Detection("cat", 0.5, (10, 20, 50, 38)),))
    assert (np.asarray(draw(white, found))[38, 10:50] != 255).any(axis=1).all()
    assert np.asarray(white).min() == 255
