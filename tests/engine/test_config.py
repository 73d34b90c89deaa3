"""Settings: defaults, TOML, and what is refused."""

from pathlib import Path

import pytest

from engine.config import EngineConfig
from engine.errors import ConfigError


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "hearth.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_home_follows_the_environment(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HEARTH_HOME", str(tmp_path / "home"))
    assert EngineConfig().home == tmp_path / "home"
    assert EngineConfig().cache_dir == tmp_path / "home" / "cache"


def test_a_missing_file_gives_the_defaults(tmp_path) -> None:
    assert EngineConfig.load(tmp_path / "none.toml") == EngineConfig()


def test_settings_are_read_with_their_types(tmp_path) -> None:
    config = EngineConfig.load(
        write(tmp_path, 'threads = 3\nhome = "/x"\nmodel_dirs = ["/a", "/b"]\nmax_sequences = 2')
    )
    assert (config.threads, config.home, config.max_sequences) == (3, Path("/x"), 2)
    assert config.model_dirs == (Path("/a"), Path("/b"))
    assert config.context_tokens == EngineConfig().context_tokens


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("threads = ", "cannot be read"),
        ("thread = 2", "Unknown setting 'thread'"),
        ('threads = "many"', "wrong type"),
        ("threads = true", "wrong type"),
        ("model_dirs = [1]", "wrong type"),
        ("threads = 0", "from 1 to 512"),
        ("max_sequences = 65", "from 1 to 64"),
        ("context_tokens = 1", "from 16"),
        ("prefill_chunk_tokens = 0", "from 1"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, text, message) -> None:
    with pytest.raises(ConfigError, match=message):
        EngineConfig.load(write(tmp_path, text))


def test_a_folder_instead_of_a_file_is_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        EngineConfig.load(tmp_path)
