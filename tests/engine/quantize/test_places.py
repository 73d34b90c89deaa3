"""Where results go, and that they come there whole or not at all."""

import stat
from pathlib import Path

import pytest

from engine.errors import ModelError
from engine.quantize.places import begin_part, check_room, digest, discard, part_of, publish, sweep, target_of
from tests.engine.quantize.support import Told


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("models/chat-7b.gguf", "models/chat-7b.q4_k_m.gguf"),
        ("models/chat-7b.f16.gguf", "models/chat-7b.q4_k_m.gguf"),
        ("models/Chat-7B-BF16.GGUF", "models/Chat-7B.q4_k_m.gguf"),
        ("models/sub/chat-f32.gguf", "models/sub/chat.q4_k_m.gguf"),
        ("models/chat-00001-of-00003.gguf", "models/chat.q4_k_m.gguf"),
        ("elsewhere/chat.f16.gguf", "models/chat.q4_k_m.gguf"),
        ("elsewhere/reader/model.onnx", "models/reader.q4_k_m.onnx"),
        ("elsewhere/reader/onnx/model.onnx", "models/reader.q4_k_m.onnx"),
    ],
)
def test_target(source: str, result: str, tmp_path: Path) -> None:
    assert target_of(tmp_path / source, "q4_k_m", tmp_path / "models") == tmp_path / result


def test_a_file_that_is_named_by_its_digest(tmp_path: Path) -> None:
    blob, models = tmp_path / "blobs" / f"sha256-{'a' * 64}", tmp_path / "models"
    assert target_of(blob, "q8_0", models, "some/model:7b-f16") == models / "some-model-7b.q8_0.gguf"
    assert target_of(blob, "q8_0", models, "..").name == "model.q8_0.gguf"


def test_foreign_folders_are_never_written_even_through_a_link(tmp_path: Path) -> None:
    foreign, models = tmp_path / "foreign", tmp_path / "models"
    foreign.mkdir()
    models.mkdir()
    (models / "link").symlink_to(foreign)
    assert target_of(models / "link" / "chat.gguf", "q8_0", models) == models / "chat.q8_0.gguf"


def test_a_result_appears_whole_and_read_only(tmp_path: Path) -> None:
    target = tmp_path / "models" / "new.gguf"
    part = begin_part(target)
    assert part.parent.name.startswith(".")  # which the library passes over
    assert part.name == target.name
    part.write_bytes(b"weights")
    part.with_name("new.json").write_bytes(b"{}")
    assert not target.exists()
    publish(target)
    assert {path.name: path.read_bytes() for path in target.parent.iterdir()} == {
        "new.gguf": b"weights",
        "new.json": b"{}",
    }
    assert stat.S_IMODE(target.stat().st_mode) == 0o444


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "new.gguf"
    part = begin_part(target)
    part.write_bytes(b"new")
    part.with_name("new.json").write_bytes(b"{}")
    target.write_bytes(b"old")
    with pytest.raises(ModelError, match="there already"):
        publish(target)
    with pytest.raises(ModelError, match="there already"):
        check_room(target, 1)
    assert target.read_bytes() == b"old"
    assert not target.with_name("new.json").exists()


def test_what_is_left_is_removed(tmp_path: Path) -> None:
    models = tmp_path / "models"
    targets = [models / "one.gguf", models / "sub" / "two.gguf"]
    for target in targets:
        begin_part(target).write_bytes(b"half")
    models.joinpath("kept.gguf").write_bytes(b"whole")
    again = begin_part(targets[0])
    assert list(again.parent.iterdir()) == []  # what an earlier try has left is gone
    discard(targets[0])
    assert not part_of(targets[0]).parent.exists()
    discard(targets[0])
    sweep(models)
    assert sorted(path.name for path in models.rglob("*")) == ["kept.gguf", "sub"]


def test_too_little_room_is_said_with_numbers(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"will take about 1000000\.00 GB, but \d+\.\d\d GB are free") as caught:
        check_room(tmp_path / "deep" / "new.gguf", 10**15)
    assert "smaller recipe" in caught.value.remedy
    check_room(tmp_path / "deep" / "new.gguf", 10)


def test_a_digest_tells_how_far_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 9_000_000)
    (tmp_path / "b").write_bytes(b"y")
    told = Told()
    first = digest([tmp_path / "a", tmp_path / "b"], told.control)
    assert told.shares == sorted(told.shares)
    assert told.shares[-1] == 1.0
    (tmp_path / "b").write_bytes(b"z")
    assert digest([tmp_path / "a", tmp_path / "b"], told.control) != first
