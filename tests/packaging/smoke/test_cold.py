from pathlib import Path

import pytest
from smoke import cold


def test_who_may_not_empty_the_systems_cache_lets_go_of_the_programs_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cold, "_SYSTEM", tmp_path)  # a folder cannot be written, whoever tries
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "file").write_bytes(b"x")
    assert "the program's files" in cold.make_cold(tmp_path)


def test_who_may_empties_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cold, "_SYSTEM", tmp_path / "drop_caches")
    assert "emptied" in cold.make_cold(tmp_path)
    assert (tmp_path / "drop_caches").read_text(encoding="ascii") == "3"
