import os
from pathlib import Path

import pytest

from engine.models import fingerprint
from engine.models.fingerprint import HEAD_BYTES, SAMPLE_BYTES, SAMPLES, Fingerprints


def write(path: Path, data: bytes, changed_ns: int = 10**18) -> Path:
    path.write_bytes(data)
    os.utime(path, ns=(changed_ns, changed_ns))
    return path


def test_the_same_files_have_the_same_fingerprint_wherever_they_are(tmp_path: Path):
    one = write(tmp_path / "a.gguf", b"x" * 5000)
    assert Fingerprints().of(one) == Fingerprints().of(write(tmp_path / "b.gguf", b"x" * 5000))


@pytest.mark.parametrize(("data", "changed_ns"), [(b"y" * 5000, 10**18), (b"x" * 5001, 10**18), (b"x" * 5000, 10**17)])
def test_content_size_and_time_count(tmp_path: Path, data: bytes, changed_ns: int):
    fingerprints = Fingerprints()
    path = write(tmp_path / "a.gguf", b"x" * 5000)
    before = fingerprints.of(path)
    path.unlink()  # a new file, as a download makes one
    write(path, data, changed_ns)
    assert fingerprints.of(path) != before


def test_a_large_file_is_sampled_from_its_beginning_to_its_end(tmp_path: Path):
    size = HEAD_BYTES + 3 * SAMPLES * SAMPLE_BYTES
    data = bytearray(size)
    seen = Fingerprints().of(write(tmp_path / "a.gguf", bytes(data)))
    noticed = 0
    for at in (0, HEAD_BYTES, size // 2, size - SAMPLE_BYTES, size - 1, *range(HEAD_BYTES, size, SAMPLE_BYTES)):
        data[at] = 1
        noticed += Fingerprints().of(write(tmp_path / "b.gguf", bytes(data))) != seen
        data[at] = 0
    assert SAMPLES + 3 <= noticed < 3 * SAMPLES  # not all of it is read


def test_every_part_of_a_split_model_counts(tmp_path: Path):
    first = write(tmp_path / "m-00001-of-00002.gguf", b"one")
    with pytest.raises(OSError, match="00002"):
        Fingerprints().of(first)
    second = write(tmp_path / "m-00002-of-00002.gguf", b"two")
    before = Fingerprints().of(first)
    write(second, b"2nd")
    assert Fingerprints().of(first) != before


def test_what_lies_beside_a_graph_counts(colour_model):
    path = colour_model()
    fingerprints = Fingerprints()
    seen = {fingerprints.of(path)}
    path.with_suffix(".json").write_text("{}")
    seen.add(fingerprints.of(path))
    path.with_suffix(".json").unlink()
    seen.add(fingerprints.of(path))
    path.with_name("tokenizer.json").write_text("{}")
    seen.add(fingerprints.of(path))
    assert len(seen) == 4


def test_weights_outside_of_a_graph_count(colour_model, tmp_path: Path):
    import onnx
    from onnx.external_data_helper import convert_model_to_external_data

    model = onnx.load(colour_model())
    convert_model_to_external_data(model, location="weights.bin", size_threshold=0)
    path = tmp_path / "large.onnx"
    onnx.save(model, path)
    fingerprints = Fingerprints()
    before = fingerprints.of(path)
    write(tmp_path / "weights.bin", (tmp_path / "weights.bin").read_bytes()[::-1])
    assert fingerprints.of(path) != before


def test_a_known_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    read = []
    monkeypatch.setattr(fingerprint, "_read", lambda path, stamp: read.append(path) or b"digest")
    fingerprints = Fingerprints()
    path = write(tmp_path / "a.gguf", b"x")
    for _ in range(3):
        fingerprints.of(path)
    assert read == [path]
