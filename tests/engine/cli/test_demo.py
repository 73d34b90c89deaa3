import io
from pathlib import Path

import pytest
from PIL import Image

from engine.cli.demo import IMAGE_TEXT, QUESTION, text_image

pytestmark = pytest.mark.models


def test_the_demo_runs_both_bundled_models(hearth) -> None:
    ended = hearth("demo")
    assert ended.code == 0
    assert ended.err == ""
    for part in ("This machine: ", QUESTION, "tokens/s", IMAGE_TEXT):
        assert part in ended.out


def test_the_demo_in_json(hearth) -> None:
    ended = hearth("demo", "--json")
    assert ended.code == 0
    document = ended.document
    assert document["machine"]["bandwidth_bytes_per_s"] > 0
    assert document["answer"]["text"]
    assert document["answer"]["usage"]["output_tokens"] > 1
    assert document["image"]["shown"] == IMAGE_TEXT
    assert document["image"]["read"]
    assert document["problems"] == []


def test_missing_models_are_named_and_the_rest_still_shown(
    hearth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.models.opening.models_dir", lambda: tmp_path / "nothing")
    ended = hearth("demo", "--json")
    assert ended.code == 1
    assert "starter" in ended.err
    assert "reader" in ended.err
    assert ended.document["machine"]["cores"] >= 1
    assert len(ended.document["problems"]) == 2


def test_the_demo_image_is_dark_text_on_white() -> None:
    with Image.open(io.BytesIO(text_image("Hearth"))) as image:
        assert image.format == "PNG"
        assert image.width > 2 * image.height
        assert image.getpixel((0, 0)) == 255
        assert image.getextrema() == (0, 255)
