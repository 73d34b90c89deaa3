"""What was found out is kept: bounded, whole at any moment, and shared with another Hearth."""

import msgspec

from engine.cards import GateReport, Trust
from engine.gates import verdicts
from engine.gates.file_set import digest_of, stamp_of
from engine.gates.verdicts import Verdicts

PASSED = GateReport(trust=Trust.PASSED, took_s=1.0)


def note(store, path, digest, report=PASSED):
    path.write_bytes(digest.encode())
    store.note([(path, stamp_of(path))], digest, "engine 1", report)


def test_the_oldest_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(verdicts, "MAX_ENTRIES", 3)
    store = Verdicts(tmp_path / "gates.json")
    for number in range(5):
        note(store, tmp_path / f"{number}.gguf", f"digest {number}")
    known = [store.of_files(str(tmp_path / f"{number}.gguf"), "engine 1") is not None for number in range(5)]
    assert known == [False, False, True, True, True]
    book = msgspec.json.decode((tmp_path / "gates.json").read_bytes())
    assert len(book["results"]) == len(book["seen"]) == 3


def test_two_programs_keep_each_others_results(tmp_path):
    first, second = Verdicts(tmp_path / "gates.json"), Verdicts(tmp_path / "gates.json")
    assert first.of_content("a", "engine 1") is second.of_content("b", "engine 1") is None  # both have read it
    note(first, tmp_path / "a.gguf", "a")
    note(second, tmp_path / "b.gguf", "b")
    later = Verdicts(tmp_path / "gates.json")
    assert later.of_content("a", "engine 1") == later.of_content("b", "engine 1") == GateReport(trust=Trust.PASSED)


def test_a_store_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    note(Verdicts(tmp_path / "gates.json"), tmp_path / "a.gguf", "a")
    monkeypatch.setattr(verdicts, "MAX_BYTES", 10)
    assert Verdicts(tmp_path / "gates.json").of_content("a", "engine 1") is None


def test_where_it_cannot_be_written_a_result_holds_until_the_end(tmp_path):
    (tmp_path / "file").write_text("")
    store = Verdicts(tmp_path / "file" / "gates.json")
    note(store, tmp_path / "a.gguf", "a")
    assert store.of_content("a", "engine 1") is not None


def test_the_digest_sees_the_whole_graph_and_samples_of_weights(tmp_path):
    path = tmp_path / "m.onnx"
    data = bytearray(5 << 20)
    path.write_bytes(data)
    before = digest_of([path])
    data[3 << 20] = 1
    path.write_bytes(data)
    assert digest_of([path]) != before
    assert digest_of([path, tmp_path / "gone"]) != digest_of([path])


def test_a_large_file_is_sampled_after_its_header(tmp_path):
    path = tmp_path / "l.gguf"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    before = digest_of([path])
    with path.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")
    assert digest_of([path]) != before
