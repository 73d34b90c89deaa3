"""What another process of Hearth does with plugins is noticed by one that is open."""

import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from engine.plugins import sampling
from engine.plugins.consent import ConsentStore, Decision
from engine.plugins.elsewhere import Elsewhere
from engine.plugins.host import PluginHost
from engine.plugins.infos import PluginInfo, PluginState
from engine.plugins.registry import Registry
from engine.testing import FakeTaskContext

WritePlugin = Callable[..., Path]
MakeHost = Callable[..., PluginHost]
Until = Callable[..., Awaitable[None]]


@pytest.fixture(autouse=True)
def quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "BEAT_S", 0.01)


@pytest.fixture
def other(home: Path, bundled: Path) -> PluginHost:
    """The host of another process, as the command line makes one; it is closed by the test."""
    return PluginHost(bundled, home / "plugins", home / "plugins.json", Registry(), is_idle=True)


def find(host: PluginHost, plugin: str) -> PluginInfo | None:
    return next((info for info in host.snapshot() if info.id == plugin), None)


def state(host: PluginHost, plugin: str) -> PluginState | None:
    info = find(host, plugin)
    return info.state if info is not None else None


def say(registry: Registry) -> object:
    task = next(task for _, task in registry.tasks())
    return task.run({"text": "hi"}, FakeTaskContext())["loud"]


async def test_the_whole_life_of_a_plugin_is_decided_in_another_process(
    tmp_path: Path, write_plugin: WritePlugin, make_host: MakeHost, other: PluginHost, registry: Registry, until: Until
):
    host = make_host()
    await host.settled()
    other.start()
    source = write_plugin(tmp_path, "shout")
    digest = (await other.install(source)).digest
    await until(host, lambda: state(host, "shout") is PluginState.NEEDS_CONSENT)

    await other.enable("shout", digest)
    await until(host, lambda: state(host, "shout") is PluginState.ACTIVE)
    assert say(registry) == "HI!"

    seen = []
    host.add_listener(lambda: seen.append(state(host, "shout")))
    await other.set_settings("shout", {"mark": "?"})
    await until(host, lambda: PluginState.STARTING in seen and state(host, "shout") is PluginState.ACTIVE)
    assert say(registry) == "HI?"

    await other.disable("shout")
    await until(host, lambda: state(host, "shout") is PluginState.DISABLED)
    assert list(registry.tasks()) == []

    await other.enable("shout", digest)
    await until(host, lambda: state(host, "shout") is PluginState.ACTIVE)

    (source / "__init__.py").write_text((source / "__init__.py").read_text() + "\n")
    await other.install(source)
    await until(host, lambda: state(host, "shout") is PluginState.NEEDS_CONSENT)
    assert find(host, "shout").digest != digest

    await other.remove("shout")
    await until(host, lambda: find(host, "shout") is None)
    assert list(registry.tasks()) == []
    other.close()


async def test_a_bundled_plugin_is_left_out_by_another_process(
    clean_bundled: Path, write_plugin: WritePlugin, make_host: MakeHost, other: PluginHost, until: Until
):
    write_plugin(clean_bundled, "own")
    host = make_host()
    other.start()
    await other.disable("own")
    await until(host, lambda: state(host, "own") is PluginState.DISABLED)
    other.close()


async def test_files_that_are_taken_away_by_hand_stop_the_plugin(
    home: Path, write_plugin: WritePlugin, make_host: MakeHost, registry: Registry, until: Until
):
    folder = write_plugin(home / "plugins", "shout")
    host = make_host()
    await host.settled()
    await host.enable("shout", find(host, "shout").digest)
    shutil.rmtree(folder)
    await until(host, lambda: find(host, "shout") is None)
    assert list(registry.tasks()) == []
    write_plugin(home / "plugins", "shout")
    await until(host, lambda: state(host, "shout") is PluginState.ACTIVE)  # the files that were allowed


async def test_what_this_host_decides_starts_nothing_anew(
    home: Path, write_plugin: WritePlugin, make_host: MakeHost, until: Until
):
    write_plugin(home / "plugins", "shout")
    write_plugin(home / "plugins", "whisper")
    host = make_host()
    await host.settled()
    await host.enable("shout", find(host, "shout").digest)
    seen = []
    host.add_listener(lambda: seen.append(state(host, "shout")))
    await host.enable("whisper", find(host, "whisper").digest)
    await host.disable("whisper")
    write_plugin(home / "plugins", "third")
    await until(host, lambda: find(host, "third") is not None)
    assert set(seen) == {PluginState.ACTIVE}


def test_settings_of_two_processes_are_both_kept(tmp_path: Path):
    path = tmp_path / "plugins.json"
    here, there = ConsentStore(path), ConsentStore(path)
    here.load()
    there.put("shout", Decision(digest="a" * 64))
    here.change("shout", lambda decision: Decision(digest=decision.digest, is_enabled=False))
    assert here.get("shout") == Decision(digest="a" * 64, is_enabled=False)


def test_a_change_counts_once_it_stays(tmp_path: Path):
    folder, file = tmp_path / "plugins", tmp_path / "plugins.json"
    elsewhere = Elsewhere(folder, file)
    assert not elsewhere.has_changed()
    folder.mkdir()
    assert not elsewhere.has_changed()
    file.write_text("{}")
    assert not elsewhere.has_changed()
    assert elsewhere.has_changed()
    assert not elsewhere.has_changed()
    os.utime(file, ns=(1, 1))
    assert not elsewhere.has_changed()
    assert elsewhere.has_changed()
