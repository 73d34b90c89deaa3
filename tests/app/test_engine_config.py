from pathlib import Path

import pytest

from app.__main__ import engine_config, main
from engine.config import EngineConfig


def test_the_window_reads_the_settings_of_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "engine.toml").write_text('threads = 3\nmodel_dirs = ["a"]\n', encoding="utf-8")
    expected = EngineConfig(home=tmp_path, threads=3, model_dirs=(Path("a"), Path("b")))
    assert engine_config(tmp_path, [Path("b")]) == expected
    monkeypatch.setenv("HEARTH_HOME", str(tmp_path))
    assert engine_config(None, [Path("b")]) == expected


def test_without_a_settings_file_the_defaults_apply(tmp_path: Path):
    assert engine_config(tmp_path, []) == EngineConfig(home=tmp_path)


def test_a_wrong_settings_file_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "engine.toml").write_text("speed = 9\n", encoding="utf-8")
    assert main(["--home", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("hearth: Unknown setting 'speed'")
