"""The life of plugins: strangers' in real processes, Hearth's own inside."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import EngineError, InvalidRequestError, PluginError, PluginRefusedError
from engine.plugins import hosted
from engine.plugins.host import PluginHost
from engine.plugins.infos import PluginInfo, PluginState
from engine.plugins.manifest import OfferKind, PermissionKind
from engine.plugins.registry import Registry
from engine.testing import FakeTaskContext

WritePlugin = Callable[..., Path]
MakeHost = Callable[..., PluginHost]

BROKEN = "1 / 0"


def info_of(host: PluginHost, plugin: str) -> PluginInfo:
    return next(info for info in host.snapshot() if info.id == plugin)


def say(registry: Registry, plugin: str) -> object:
    task = next(task for owner, task in registry.tasks() if owner == plugin)
    return task.run({"text": "hi"}, FakeTaskContext())["loud"]


def offered(registry: Registry) -> set[str]:
    return {plugin for plugin, _ in registry.tasks()}


async def test_a_bundled_plugin_runs_inside_at_once(
    clean_bundled: Path, write_plugin: WritePlugin, make_host: MakeHost, registry: Registry
):
    write_plugin(clean_bundled, "own")
    host = make_host()
    info = info_of(host, "own")
    assert (info.state, info.is_bundled, info.is_isolated, info.digest) == (PluginState.ACTIVE, True, False, "")
    assert [(offer.kind, offer.id, offer.title) for offer in info.offers] == [(OfferKind.TASK, "own", "Shout")]
    assert say(registry, "own") == "HI!"
    await host.disable("own")
    assert info_of(host, "own").state is PluginState.DISABLED
    assert offered(registry) == set()
    await host.enable("own")
    assert say(registry, "own") == "HI!"


async def test_a_stranger_is_asked_about_then_runs_in_its_own_process(
    home: Path, write_plugin: WritePlugin, make_host: MakeHost, registry: Registry
):
    write_plugin(home / "plugins", "shout")
    host = make_host()
    await host.settled()
    info = info_of(host, "shout")
    assert info.state is PluginState.NEEDS_CONSENT
    assert [(offer.kind, offer.id) for offer in info.offers] == [(OfferKind.TASK, "shout")]
    assert info.permissions[0].reason == "Asks a model how loud."
    assert not host.permits("shout", PermissionKind.MODELS)
    with pytest.raises(PluginError, match="has not been allowed"):
        await host.enable("shout")
    with pytest.raises(PluginError, match="others than those that were allowed"):
        await host.enable("shout", "0" * 64)
    assert offered(registry) == set()

    await host.enable("shout", info.digest)
    assert info_of(host, "shout").state is PluginState.ACTIVE
    assert say(registry, "shout") == "HI!"
    assert "plugins.shout" not in sys.modules
    assert host.permits("shout", PermissionKind.MODELS)
    assert not host.permits("shout", PermissionKind.NETWORK)

    host.close()
    again = make_host()
    await again.settled()
    assert say(registry, "shout") == "HI!"


async def test_one_changed_byte_asks_again(
    home: Path, write_plugin: WritePlugin, make_host: MakeHost, registry: Registry
):
    folder = write_plugin(home / "plugins", "shout")
    host = make_host()
    await host.settled()
    await host.enable("shout", info_of(host, "shout").digest)
    allowed = info_of(host, "shout").digest
    (folder / "notes.txt").write_bytes(b"0")
    with pytest.raises(PluginError, match="does not run"):
        await host.reload("shout")
    info = info_of(host, "shout")
    assert info.state is PluginState.NEEDS_CONSENT
    assert "changed since you allowed it" in info.reason
    assert info.digest != allowed
    assert offered(registry) == set()
    with pytest.raises(PluginError):
        await host.enable("shout", allowed)
    (folder / "notes.txt").unlink()
    await host.reload("shout")  # the files are again those that were allowed
    assert info_of(host, "shout").state is PluginState.ACTIVE


async def test_settings_reach_the_plugin_and_last(
    home: Path, write_plugin: WritePlugin, make_host: MakeHost, registry: Registry
):
    write_plugin(home / "plugins", "shout")
    host = make_host()
    await host.settled()
    await host.set_settings("shout", {"mark": "?"})
    await host.enable("shout", info_of(host, "shout").digest)
    assert say(registry, "shout") == "HI?"
    await host.set_settings("shout", {"mark": "..."})
    assert say(registry, "shout") == "HI..."
    assert info_of(host, "shout").settings == {"mark": "..."}
    for wrong in ({"mark": 3}, {"volume": 1}):
        with pytest.raises(InvalidRequestError):
            await host.set_settings("shout", wrong)
    host.close()
    again = make_host(is_idle=True)
    assert info_of(again, "shout").settings == {"mark": "..."}


async def test_a_broken_plugin_is_stopped_with_its_traceback(
    home: Path, clean_bundled: Path, write_plugin: WritePlugin, make_host: MakeHost, registry: Registry
):
    write_plugin(clean_bundled, "own", BROKEN)
    write_plugin(home / "plugins", "shout", BROKEN)
    host = make_host()
    await host.settled()
    with pytest.raises(PluginError):
        await host.enable("shout", info_of(host, "shout").digest)
    for plugin in ("own", "shout"):
        info = info_of(host, plugin)
        assert info.state is PluginState.STOPPED
        assert "division by zero" in info.reason
        assert "Traceback" in info.details
    write_plugin(clean_bundled, "own")
    await host.reload("own")
    assert say(registry, "own") == "HI!"


async def test_a_bundled_plugin_that_fails_is_reported_and_goes_on(
    clean_bundled: Path, write_plugin: WritePlugin, make_host: MakeHost, registry: Registry
):
    write_plugin(clean_bundled, "own")
    host = make_host()
    task = next(task for _, task in registry.tasks())
    for _ in range(5):
        with pytest.raises(PluginError, match="Own failed to run the task Shout: KeyError"):
            task.run({}, FakeTaskContext())
    info = info_of(host, "own")
    assert info.state is PluginState.ACTIVE
    assert info.failures == 5
    assert "KeyError" in info.reason
    assert "Traceback" in info.details
    assert say(registry, "own") == "HI!"


async def test_refused_plugins_are_shown_with_the_reason(
    home: Path, clean_bundled: Path, write_plugin: WritePlugin, make_host: MakeHost, registry: Registry
):
    write_plugin(clean_bundled, "own")
    write_plugin(home / "plugins", "odd", manifest="colour = 3")
    host = make_host()
    await host.settled()
    info = info_of(host, "odd")
    assert info.state is PluginState.REFUSED
    assert "the key colour is unknown" in info.reason
    for call in (host.enable("odd", "x"), host.reload("odd")):
        with pytest.raises(PluginError):
            await call
    assert offered(registry) == {"own"}


async def test_a_stranger_cannot_take_the_place_of_a_bundled_plugin(
    home: Path, clean_bundled: Path, write_plugin: WritePlugin, make_host: MakeHost, registry: Registry
):
    write_plugin(clean_bundled, "own")
    write_plugin(home / "plugins", "own", BROKEN)
    host = make_host()
    await host.settled()
    assert [(info.id, info.state) for info in host.snapshot()] == [
        ("own", PluginState.ACTIVE),
        ("own~", PluginState.REFUSED),
    ]
    with pytest.raises(PluginRefusedError, match="has the id of a plugin that comes with Hearth"):
        await host.enable("own~", "0" * 64)
    await host.reload("own")
    assert say(registry, "own") == "HI!"
    await host.remove("own~")
    assert [info.id for info in host.snapshot()] == ["own"]


async def test_safe_mode_leaves_strangers_out(
    home: Path, clean_bundled: Path, write_plugin: WritePlugin, make_host: MakeHost, registry: Registry
):
    write_plugin(clean_bundled, "own")
    write_plugin(home / "plugins", "shout")
    host = make_host(is_idle=True)
    await host.enable("shout", info_of(host, "shout").digest)
    host.close()
    safe = make_host(is_safe=True)
    await safe.settled()
    info = info_of(safe, "shout")
    assert info.state is PluginState.DISABLED
    assert "safe mode" in info.reason
    assert offered(registry) == {"own"}


async def test_an_idle_host_decides_and_runs_nothing(home: Path, write_plugin: WritePlugin, make_host: MakeHost):
    folder = write_plugin(home / "plugins", "shout", f"open({str(home / 'ran')!r}, 'w')\n{BROKEN}")
    host = make_host(is_idle=True)
    info = info_of(host, "shout")
    assert info.state is PluginState.NEEDS_CONSENT
    await host.enable("shout", info.digest)
    assert info_of(host, "shout").state is PluginState.ACTIVE
    await host.disable("shout")
    assert info_of(host, "shout").state is PluginState.DISABLED
    assert not (home / "ran").exists()
    await host.remove("shout")
    assert not folder.exists()
    assert host.snapshot() == ()


async def test_install_replaces_asks_again_and_keeps_settings(
    home: Path, tmp_path: Path, write_plugin: WritePlugin, make_host: MakeHost, registry: Registry
):
    source = write_plugin(tmp_path / "source", "shout")
    host = make_host()
    info = await host.install(source)
    assert info.state is PluginState.NEEDS_CONSENT
    assert info.folder == home / "plugins" / "shout"
    await host.enable("shout", info.digest)
    await host.set_settings("shout", {"mark": "?"})
    info = await host.install(source)  # the same files: asked all the same
    assert info.state is PluginState.NEEDS_CONSENT
    assert offered(registry) == set()
    await host.enable("shout", info.digest)
    assert say(registry, "shout") == "HI?"
    with pytest.raises(PluginRefusedError):
        await host.install(tmp_path / "nothing.zip")


async def test_remove_deletes_files_and_decisions(
    home: Path, clean_bundled: Path, write_plugin: WritePlugin, make_host: MakeHost, registry: Registry
):
    write_plugin(clean_bundled, "own")
    folder = write_plugin(home / "plugins", "shout")
    host = make_host()
    await host.settled()
    digest = info_of(host, "shout").digest
    await host.enable("shout", digest)
    await host.remove("shout")
    assert not folder.exists()
    assert offered(registry) == {"own"}
    assert [info.id for info in host.snapshot()] == ["own"]
    write_plugin(home / "plugins", "shout")
    with pytest.raises(PluginError, match="has not been allowed"):
        await host.enable("shout")  # its folder is back, but nothing is remembered
    with pytest.raises(PluginError, match="came with Hearth"):
        await host.remove("own")
    with pytest.raises(PluginError, match=r"no plugin called gone.*own, shout"):
        await host.remove("gone")


async def test_listeners_hear_of_changes_until_they_are_removed(
    clean_bundled: Path, write_plugin: WritePlugin, make_host: MakeHost
):
    write_plugin(clean_bundled, "own")
    host = make_host()
    heard: list[int] = []

    def fail() -> None:
        raise ValueError("a listener's own fault")

    host.add_listener(fail)
    remove = host.add_listener(lambda: heard.append(1))
    await host.disable("own")
    assert heard
    remove()
    heard.clear()
    await host.enable("own")
    assert heard == []


@pytest.mark.skipif(os.name == "nt", reason="needs rights that most users of Windows lack")
async def test_a_decision_that_cannot_be_kept_is_not_acted_on(
    home: Path, write_plugin: WritePlugin, make_host: MakeHost, registry: Registry
):
    write_plugin(home / "plugins", "shout")
    host = make_host()
    await host.settled()
    (home / "plugins.json").mkdir()
    with pytest.raises(EngineError, match="cannot be kept"):
        await host.enable("shout", info_of(host, "shout").digest)
    assert offered(registry) == set()


async def test_what_is_shown_is_what_the_digest_stands_for(home: Path, write_plugin: WritePlugin, make_host: MakeHost):
    folder = write_plugin(home / "plugins", "shout")
    host = make_host()
    await host.settled()
    shown = info_of(host, "shout")
    with (folder / "plugin.toml").open("a") as file:
        file.write('\n[[permissions]]\nkind = "network"\nreason = "Sends it home."\n')
    with pytest.raises(PluginError):
        await host.enable("shout", shown.digest)
    info = info_of(host, "shout")
    assert info.digest != shown.digest
    assert [permission.kind for permission in info.permissions] == [PermissionKind.MODELS, PermissionKind.NETWORK]
    await host.enable("shout", info.digest)
    assert host.permits("shout", PermissionKind.NETWORK)


async def test_files_that_change_while_they_are_looked_at_are_not_run(
    home: Path, write_plugin: WritePlugin, make_host: MakeHost, registry: Registry, monkeypatch: pytest.MonkeyPatch
):
    folder = write_plugin(home / "plugins", "shout")
    digest_of = hosted.tree_digest

    def meanwhile(path: Path) -> str:
        manifest = folder / "plugin.toml"
        manifest.write_text(manifest.read_text().replace("1.0.0", "1.0.1"))
        return digest_of(path)

    host = make_host()
    await host.settled()
    monkeypatch.setattr(hosted, "tree_digest", meanwhile)
    with pytest.raises(PluginError):
        await host.reload("shout")
    info = info_of(host, "shout")
    assert info.state is PluginState.STOPPED
    assert "being changed" in info.reason
    assert offered(registry) == set()


def test_damaged_decisions_ask_again_and_say_why(home: Path, write_plugin: WritePlugin, make_host: MakeHost):
    write_plugin(home / "plugins", "shout")
    (home / "plugins.json").write_text("{")
    info = info_of(make_host(is_idle=True), "shout")
    assert info.state is PluginState.NEEDS_CONSENT
    assert "damaged and put aside as plugins.json.corrupt." in info.reason
