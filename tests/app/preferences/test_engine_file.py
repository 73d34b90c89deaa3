"""Settings are changed in the engine's file without touching what else stands there."""

import os
import stat
import sys
from pathlib import Path

import pytest

from app.preferences.engine_file import changed, write_settings
from engine import EngineConfig

OWN = """# my machine
threads = 3
cache_disk_bytes = 5_000_000  # small disk

[weights]
urgency = 0.4
"""


def test_only_the_lines_of_these_settings_change() -> None:
    after = changed(OWN, {"cache_disk_bytes": 7, "memory_budget_bytes": 1 << 30})
    assert after == OWN.replace("5_000_000  #", "7  #").replace(
        "[weights]", "memory_budget_bytes = 1073741824\n[weights]"
    )


def test_a_setting_that_goes_back_to_its_default_leaves_the_file() -> None:
    assert changed(OWN, {"cache_disk_bytes": None, "prefix_disk_bytes": None}) == OWN.replace(
        "cache_disk_bytes = 5_000_000  # small disk\n", ""
    )


@pytest.mark.parametrize("text", ["", "threads = 3", "threads = 3\r\n", "\ufeff"[:0] + "# nothing\n"])
def test_a_new_setting_gets_a_line_of_its_own(text: str) -> None:
    after = changed(text, {"cache_memory_bytes": 9})
    assert after.splitlines()[-1] == "cache_memory_bytes = 9"
    assert after.startswith(text)


def test_nothing_is_written_that_the_file_says_already(tmp_path: Path) -> None:
    path = tmp_path / "engine.toml"
    path.write_text("cache_disk_bytes = 1_000\n", encoding="utf-8")
    before = path.stat().st_ino
    write_settings(path, {"cache_disk_bytes": 1000, "memory_budget_bytes": None})
    assert (path.stat().st_ino, path.read_text(encoding="utf-8")) == (before, "cache_disk_bytes = 1_000\n")


@pytest.mark.parametrize(
    "text",
    [
        'order = """\ncache_disk_bytes = 1\n"""\n',
        "rpc_servers = [\n  [],\n]\nthreads = 2\n",
        '"cache_disk_bytes" = 4\n',
    ],
)
def test_where_a_line_cannot_be_found_the_whole_is_written_anew(text: str) -> None:
    import tomllib

    after = tomllib.loads(changed(text, {"cache_disk_bytes": 5}))
    assert after == {**tomllib.loads(text), "cache_disk_bytes": 5}


def test_a_file_that_is_no_toml_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "engine.toml"
    path.write_text("threads = = 3\n", encoding="utf-8")
    with pytest.raises(ValueError, match="at line 1"):
        write_settings(path, {"cache_disk_bytes": 5})
    assert path.read_text(encoding="utf-8") == "threads = = 3\n"
    assert os.listdir(tmp_path) == ["engine.toml"]


def test_the_engine_reads_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "home" / "engine.toml"
    write_settings(path, {"memory_budget_bytes": 1 << 31, "cache_disk_bytes": 0})
    config = EngineConfig.load(path)
    assert (config.memory_budget_bytes, config.cache_disk_bytes) == (1 << 31, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="links and rights are Unix's")
def test_a_link_is_followed_and_rights_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "engine.toml"
    real.write_text("threads = 3\n", encoding="utf-8")
    real.chmod(0o640)
    link.symlink_to(real)
    write_settings(link, {"cache_days": 3})
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == "threads = 3\ncache_days = 3\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "before",
    [
        "",
        "# mine\nthreads = 2\n",
        'hub_url = "https://a.example/#x"  # a mirror\nthreads = 2\n',
        "hub_url = 'https://a.example'\nused_in_place = []\n",
        'used_in_place = [\n  "jan",  # mine\n  "ollama",\n]\nthreads = 2\n',
        "offline = false # for now\n",
    ],
)
def test_texts_switches_and_lists_are_written_as_well(before: str) -> None:
    import tomllib

    wanted = {"offline": True, "hub_url": 'https://b.example/"quoted"\\d', "used_in_place": ("jan", "lm-studio")}
    text = changed(before, wanted)
    given = {**wanted, "used_in_place": ["jan", "lm-studio"]}
    assert tomllib.loads(text) == {**tomllib.loads(before), **given}
    assert [line for line in before.splitlines() if line.startswith(("#", "threads"))] == [
        line for line in text.splitlines() if line.startswith(("#", "threads"))
    ]
    assert tomllib.loads(changed(text, dict.fromkeys(wanted))) == {
        name: value for name, value in tomllib.loads(before).items() if name not in wanted
    }


def test_a_comment_behind_a_text_stays() -> None:
    assert changed('proxy = "http://a"  # work\n', {"proxy": "http://b:1"}) == 'proxy = "http://b:1"  # work\n'
