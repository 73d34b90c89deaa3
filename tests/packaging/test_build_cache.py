from pathlib import Path

import build_cache
import pytest


def fail_half_way(folder: Path) -> None:
    (folder / "half").touch()
    raise OSError("broken")


def test_folder_follows_the_cache_setting(tmp_path: Path):
    assert build_cache.cache_folder("kind", {"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "hearth" / "kind"
    assert build_cache.cache_folder("kind", {}).parts[-2:] == ("hearth", "kind")


def test_what_was_filled_replaces_what_was_there(tmp_path: Path):
    (tmp_path / "key").mkdir()
    (tmp_path / "key" / "old").touch()
    with build_cache.filling(tmp_path, "key") as partial:
        (partial / "new").touch()
        assert (tmp_path / "key" / "old").exists()
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["key", "key/new"]


def test_what_failed_leaves_nothing_and_keeps_what_was_there(tmp_path: Path):
    (tmp_path / "key").mkdir()
    (tmp_path / "key.partial-killed").mkdir()
    (tmp_path / "key-other.partial-busy").mkdir()
    with pytest.raises(OSError, match="broken"), build_cache.filling(tmp_path, "key") as partial:
        fail_half_way(partial)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "key-other.partial-busy"]
