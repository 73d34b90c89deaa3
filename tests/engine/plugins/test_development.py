"""Development: a changed plugin runs anew, the others go on."""

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from engine.plugins.development import TreeWatch, tree_stamp
from engine.plugins.host import PluginHost
from engine.plugins.infos import PluginInfo, PluginState
from engine.plugins.registry import Registry
from engine.testing import FakeTaskContext

WritePlugin = Callable[..., Path]
MakeHost = Callable[..., PluginHost]
Until = Callable[..., Awaitable[None]]


def info_of(host: PluginHost, plugin: str) -> PluginInfo:
    return next(info for info in host.snapshot() if info.id == plugin)


def say(registry: Registry, plugin: str) -> object:
    return next(task for owner, task in registry.tasks() if owner == plugin).run({"text": "hi"}, FakeTaskContext())[
        "loud"
    ]


def test_a_tree_has_changed_once_it_stays_the_same(tmp_path: Path):
    watch, folder = TreeWatch(), tmp_path / "shout"
    (folder / "data").mkdir(parents=True)
    file = folder / "data" / "a.py"
    file.write_text("1")
    before = {folder: tree_stamp(folder)}
    assert watch.changed(before) == watch.changed(before) == []
    file.write_text("12")
    assert watch.changed(before) == []
    file.write_text("123")  # still being saved
    assert watch.changed(before) == []
    assert watch.changed(before) == [folder]
    assert watch.changed({folder: tree_stamp(folder)}) == []
    assert watch.changed({}) == []


def test_new_and_deleted_files_and_times_count_and_caches_do_not(tmp_path: Path):
    (tmp_path / "a.py").write_text("1")
    stamps = [tree_stamp(tmp_path)]
    (tmp_path / "b.py").touch()
    stamps.append(tree_stamp(tmp_path))
    (tmp_path / "a.py").unlink()
    stamps.append(tree_stamp(tmp_path))
    os.utime(tmp_path / "b.py", (1, 1))
    stamps.append(tree_stamp(tmp_path))
    assert len(set(stamps)) == 4
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").touch()
    assert tree_stamp(tmp_path) == stamps[-1]
    assert tree_stamp(tmp_path / "gone") == ()


async def test_only_the_changed_plugin_runs_anew(
    home: Path, write_plugin: WritePlugin, make_host: MakeHost, registry: Registry, until: Until
):
    folder = write_plugin(home / "plugins", "shout")
    write_plugin(home / "plugins", "whisper")
    host = make_host(is_development=True)
    await host.settled()
    for plugin in ("shout", "whisper"):
        await host.enable(plugin, info_of(host, plugin).digest)
    others = next(task for owner, task in registry.tasks() if owner == "whisper")
    allowed = info_of(host, "shout").digest
    code = folder / "__init__.py"

    code.write_text(code.read_text().replace(".upper()", ".title()"))
    await until(host, lambda: info_of(host, "shout").digest != allowed)
    await until(host, lambda: info_of(host, "shout").state is PluginState.ACTIVE)
    assert say(registry, "shout") == "Hi!"
    assert next(task for owner, task in registry.tasks() if owner == "whisper") is others
    assert others.run({"text": "hi"}, FakeTaskContext()) == {"loud": "HI!"}

    code.write_text(code.read_text() + "\n1 / 0")
    await until(host, lambda: info_of(host, "shout").state is PluginState.STOPPED)
    assert "division by zero" in info_of(host, "shout").reason
    code.write_text(code.read_text().replace("1 / 0", ""))
    await until(host, lambda: info_of(host, "shout").state is PluginState.ACTIVE)
    assert "plugins.shout" not in sys.modules

    # What was allowed without asking holds for this session only.
    host.close()
    again = make_host()
    await again.settled()
    assert info_of(again, "shout").state is PluginState.NEEDS_CONSENT
    assert info_of(again, "whisper").state is PluginState.ACTIVE


async def test_more_permissions_are_asked_for_even_in_development(
    home: Path, write_plugin: WritePlugin, make_host: MakeHost, registry: Registry, until: Until
):
    folder = write_plugin(home / "plugins", "shout")
    host = make_host(is_development=True)
    await host.settled()
    await host.enable("shout", info_of(host, "shout").digest)
    with (folder / "plugin.toml").open("a") as file:
        file.write('\n[[permissions]]\nkind = "network"\nreason = "Sends it home."\n')
    await until(host, lambda: info_of(host, "shout").state is PluginState.NEEDS_CONSENT)
    assert list(registry.tasks()) == []


async def test_what_was_not_allowed_is_not_watched(
    home: Path, write_plugin: WritePlugin, make_host: MakeHost, until: Until
):
    write_plugin(home / "plugins", "shout")
    write_plugin(home / "plugins", "whisper")
    host = make_host(is_development=True)
    await host.settled()
    await host.enable("whisper", info_of(host, "whisper").digest)
    new, known = home / "plugins" / "shout" / "new.py", home / "plugins" / "whisper" / "new.py"
    before = info_of(host, "whisper").digest
    new.touch()
    known.touch()
    await until(host, lambda: info_of(host, "whisper").digest != before)
    assert info_of(host, "shout").state is PluginState.NEEDS_CONSENT
