import json
from pathlib import Path

import pytest

from engine.caching import Cached, CacheTier
from engine.cli.cached import cached_words

pytestmark = pytest.mark.models

ASK = ("run", "chatty", "Hello", "--temperature", "0", "--max-tokens", "5")


def test_a_second_answer_comes_from_the_cache(hearth) -> None:
    first = hearth(*ASK, "--json").document
    assert first["cached"] is None
    second = hearth(*ASK, "--json").document
    assert second["cached"]["tier"] == "disk"
    assert second["cached"]["saved_s"] == first["timings"]["total_s"]
    assert second["text"] == first["text"]
    assert hearth(*ASK, "--ask-again", "--json").document["cached"] is None
    assert hearth(*ASK, "--no-cache", "--json").document["cached"] is None
    assert hearth("run", "chatty", "Hello", "--max-tokens", "5", "--json").document["cached"] is None


def test_vectors_and_images_are_kept_too(hearth, png, tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    image.write_bytes(png("white"))
    for command in (("embed", "vectors", "some text"), ("recognize", "reader", str(image))):
        documents = [hearth(*command, *more, "--json").document for more in ((), (), ("--ask-again",), ("--no-cache",))]
        said = [
            document["cached"] if "cached" in document else document["results"][0]["cached"] for document in documents
        ]
        assert [it and it["tier"] for it in said] == [None, "disk", None, None]


def test_both_options_at_once_are_wrong_use(hearth) -> None:
    ended = hearth(*ASK, "--no-cache", "--ask-again")
    assert ended.code == 2
    assert "--no-cache" in ended.err


def test_the_cache_is_listed_and_cleared(hearth, home: Path) -> None:
    empty = hearth("cache", "--json").document
    assert (empty["answers"]["entries"], empty["running"], empty["trouble"]) == (0, [], "")
    assert empty["folder"] == str(home / "cache")
    hearth(*ASK)
    listed = hearth("cache")
    assert listed.code == 0
    assert "no Hearth runs" in listed.out
    assert str(home / "cache") in listed.out.replace("\n", "")
    assert hearth("cache", "--json").document["answers"]["entries"] == 1
    kept = hearth("cache", "clear", "--prefixes", "--json").document
    assert kept["answers"] == 0
    gone = hearth("cache", "clear", "--answers")
    assert gone.out.startswith("Forgotten: 1 answer, 0 read prompts; ")
    assert hearth("cache", "--json").document["answers"]["entries"] == 0
    assert hearth(*ASK, "--json").document["cached"] is None
    assert hearth("cache", "clear", "--json").document["answers"] == 1


def test_a_damaged_cache_is_no_reason_to_fail(hearth, home: Path) -> None:
    (home / "cache" / "answers").mkdir(parents=True)
    (home / "cache" / "answers" / "cache.db").write_bytes(b"nonsense" * 999)
    assert hearth("cache").code == 0
    assert hearth(*ASK).code == 0
    assert json.loads(hearth("cache", "--json").out)["answers"]["entries"] == 1


def test_what_is_said_of_a_cached_answer() -> None:
    words = cached_words(Cached(tier=CacheTier.DISK, stored_at=0.0, saved_s=12.3))
    assert words.startswith("from the cache: computed on 19")
    assert "12 s saved" in words
    assert "--ask-again" in words
    assert "another request" in cached_words(Cached(tier=CacheTier.FLIGHT, stored_at=0.0, saved_s=1.0))
