"""LibraryDesk: cards, names, folders, and what changes by itself."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cards import ModelDefaults, Origin, Trust
from engine.errors import ConfigError, InvalidRequestError, ModelNotFoundError
from engine.models.library import ModelLibrary
from engine.plugins.offers import Offers
from engine.plugins.registry import Registry
from engine.requests import Sampling
from engine.tasks.library_watch import LibraryWatch, has_changed
from tests.engine.tasks.library import READER, STARTER, Desk, copied, wait_until


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home", trusted=(tmp_path,))


def test_a_card_says_all_that_is_known(desk):
    card = desk.card("reader")
    assert card.files == (READER, READER.with_suffix(".json"))
    assert (card.provenance.origin, card.provenance.folder) == (Origin.INCLUDED, READER.parent)
    assert (card.gate.trust, card.title) == (Trust.INCLUDED, "Reader (printed text)")
    assert card.provenance.added_at > 0
    starter = desk.card("starter")
    assert len(starter.template_sha256) == 64
    assert "messages" in starter.template
    assert desk.cards() == (card, starter)


def test_names_tags_favourites_and_defaults_last(desk, tmp_path):
    defaults = ModelDefaults(
        context_tokens=64, memory_budget_bytes=1 << 30, sampling=Sampling(temperature=0.5), is_pinned=True, device="cpu"
    )
    desk.rename("starter", "  My\n model ")
    desk.tag("starter", ["a", " b  c ", "", "a"])
    desk.favour("starter", True)
    desk.set_defaults("starter", defaults)
    desk.note_speed(STARTER, 12.5, "cpu")
    desk.library.close()
    card = Desk(tmp_path / "home").card("starter")
    assert (card.title, card.tags, card.is_favourite) == ("My model", ("a", "b c"), True)
    assert (card.defaults, card.info.sampling.temperature) == (defaults, 0.5)
    assert (card.tokens_per_s, card.measured_on) == (12.5, "cpu")
    desk.rename("starter", "")
    desk.set_defaults("starter", ModelDefaults())
    again = Desk(tmp_path / "home").card("starter")
    assert (again.title, again.defaults, again.info.sampling.temperature) == ("starter", ModelDefaults(), 0.2)


def test_every_change_makes_the_version_go_up(desk):
    versions = [desk.version()]
    for change in (
        lambda: desk.cards(),
        lambda: desk.rename("starter", "x"),
        lambda: desk.favour("starter", True),
        lambda: desk.set_defaults("starter", ModelDefaults(context_tokens=100)),
        lambda: desk.note_speed(STARTER, 1.0, "cpu"),
        lambda: desk.probe("starter"),
    ):
        change()
        versions.append(desk.version())
    assert sorted(set(versions)) == versions
    desk.cards()
    desk.card("starter")
    assert desk.version() == versions[-1]


@pytest.mark.parametrize(
    "wrong",
    [
        ModelDefaults(context_tokens=15),
        ModelDefaults(context_tokens=1 << 25),
        ModelDefaults(memory_budget_bytes=0),
        ModelDefaults(sampling=Sampling(temperature=float("nan"))),
        ModelDefaults(sampling=Sampling(top_p=1.5)),
    ],
)
def test_defaults_that_make_no_sense_are_refused(desk, wrong):
    with pytest.raises(InvalidRequestError):
        desk.set_defaults("starter", wrong)
    with pytest.raises(ModelNotFoundError):
        desk.set_defaults("nothing", ModelDefaults())


def test_folders_are_listed_with_what_is_in_them(tmp_path, monkeypatch):
    monkeypatch.setenv("HEARTH_FOREIGN_HOME", str(tmp_path))
    copied(STARTER, tmp_path / ".lmstudio" / "models" / "o" / "n" / "a.gguf")
    (tmp_path / "jan" / "models").mkdir(parents=True)
    desk = Desk(tmp_path / "home", used_in_place=("lm-studio",), model_dirs=(tmp_path / "mine",))
    desk.models.mkdir(parents=True)
    (desk.models / "bad.gguf").write_text("text")
    found = {folder.origin: folder for folder in desk.folders()}
    assert list(found) == [Origin.INCLUDED, Origin.OWN, Origin.FOLDER, Origin.LM_STUDIO, Origin.JAN]
    assert (found[Origin.INCLUDED].models, found[Origin.LM_STUDIO].models) == (2, 1)
    assert found[Origin.LM_STUDIO].size_bytes == STARTER.stat().st_size
    assert [path.name for path, _ in found[Origin.OWN].broken] == ["bad.gguf"]
    assert [it.is_used for it in found.values()] == [True, True, True, True, False]


def test_a_home_that_cannot_be_written_shows_models_and_refuses_notes(tmp_path):
    (tmp_path / "home").write_text("a file")
    desk = Desk(tmp_path / "home")
    assert [card.info.id for card in desk.cards()] == ["reader", "starter"]
    with pytest.raises(ConfigError, match="cannot be kept"):
        desk.rename("starter", "Mine")
    assert desk.card("starter").title == "starter"


def test_the_watch_notices_what_comes_changes_and_goes(desk):
    desk.cards()
    watch = LibraryWatch(desk.library, desk.library.scan, every_s=0.02)
    watch.start()
    try:
        before = desk.version()
        path = copied(STARTER, desk.models / "sub" / "new.gguf")
        wait_until(lambda: desk.version() > before)
        assert desk.library._entries.keys() == {"new", "reader", "starter"}
        path.unlink()
        wait_until(lambda: "new" not in desk.library._entries)
    finally:
        watch.close()
        watch.close()


def test_a_quiet_library_is_not_looked_through_again(desk, monkeypatch):
    copied(STARTER, desk.models / "a.gguf")
    desk.cards()
    for folder in (desk.models, desk.home):
        os.utime(folder, (1, 1))
    desk.cards()
    assert not has_changed(desk.library)
    copied(STARTER, desk.models / "b.gguf")
    assert has_changed(desk.library)


def test_the_watch_runs_only_while_the_engine_is_open(tmp_path):
    closed, opened = Desk(tmp_path / "a"), Desk(tmp_path / "b", is_open=True)
    for desk in (closed, opened):
        desk.version()
    assert (closed._watch._thread, opened._watch._thread is not None) == (None, True)
    opened.close()
    assert opened._watch._thread is None


def test_models_of_this_home_are_read_once(desk, monkeypatch):
    copied(STARTER, desk.models / "a.gguf")
    desk.cards()
    entry = desk.library.entry("a")
    monkeypatch.setattr(desk.library, "_scan", lambda: pytest.fail("it looked through all folders"))
    assert desk.library.entry("A") is entry
    monkeypatch.undo()
    os.utime(entry.info.path, (5, 5))
    assert desk.library.entry("a") is not entry
    assert replace(desk.library.entry("a").info) == entry.info


FULL = """
import resource, signal, sys
from pathlib import Path
from engine.cards import ModelDefaults
from engine.errors import ConfigError
from tests.engine.tasks.library import Desk
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
desk = Desk(Path(sys.argv[1]))
if sys.argv[2] == "known":
    desk.cards()
    desk.rename("starter", "Before")
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
chosen = ModelDefaults(device="cpu")
for change in (lambda: desk.rename("starter", "Mine"), lambda: desk.set_defaults("starter", chosen)):
    try:
        change()
    except ConfigError as error:
        print(error.remedy)
print(*(card.title for card in desk.cards()), sep="|")
desk.library.close()
print(*(card.title for card in desk.cards()), sep="|")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on files")
@pytest.mark.parametrize("how", ["new", "known"])
def test_a_full_disk_costs_only_the_memory_of_it(tmp_path, how):
    root = Path(__file__).resolve().parents[3]
    ended = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "home"), how], cwd=root, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr
    *refusals, first, second = ended.stdout.splitlines()
    title = "starter" if how == "new" else "Before"
    assert (first, second) == (f"Reader (printed text)|{title}",) * 2
    assert len(refusals) == 2
    assert all(line.startswith("Free space") for line in refusals)


def test_plugins_that_come_are_a_reason_to_look_again(tmp_path):
    registry = Registry()
    library = ModelLibrary([copied(STARTER, tmp_path / "models" / "a.gguf").parent], registry)
    os.utime(tmp_path / "models", (1, 1))
    library.scan()
    assert not has_changed(library)
    registry.put("others", Offers())
    assert has_changed(library)
    library.scan()
    assert not has_changed(library)
