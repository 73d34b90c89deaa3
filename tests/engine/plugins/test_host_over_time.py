"""Plugins over time: processes that end, numbers that come in, and the end of a host."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from engine.errors import EngineClosedError, PluginError
from engine.plugins.contract.offers import Sample
from engine.plugins.host import PluginHost
from engine.plugins.infos import PluginInfo, PluginState
from engine.plugins.registry import Registry
from engine.testing import FakeTaskContext

WritePlugin = Callable[..., Path]
MakeHost = Callable[..., PluginHost]
Until = Callable[..., Awaitable[None]]

METER = """
from engine.plugins.api import Sample
class Meter:
    id = "meter"
    title = "Meter"
    period_s = 0.5
    def sample(self):
        return (Sample("level", 3.0, "m"),)
def register(registrar):
    registrar.add_telemetry(Meter())
"""
METER_MANIFEST = """
id = "{id}"
name = "Meter"
version = "1.0.0"
api = "1.0"
summary = "Measures."
provides = ["telemetry:meter"]
"""


def info_of(host: PluginHost, plugin: str) -> PluginInfo:
    return next(info for info in host.snapshot() if info.id == plugin)


def say(registry: Registry, plugin: str) -> object:
    task = next(task for owner, task in registry.tasks() if owner == plugin)
    return task.run({"text": "hi"}, FakeTaskContext())["loud"]


def offered(registry: Registry) -> set[str]:
    return {plugin for plugin, _ in registry.tasks()}


async def test_a_process_that_ends_is_started_again_and_its_task_works(
    home: Path, write_plugin: WritePlugin, make_host: MakeHost, registry: Registry, until: Until
):
    code = """
import os
from engine.plugins.api import Field
class Leave:
    id = "TASK"
    title = "Leave"
    summary = "Ends its process."
    inputs = (Field(name="text", title="Text"),)
    outputs = (Field(name="loud", title="Loud text"),)
    def run(self, inputs, context):
        if inputs["text"] == "leave":
            os._exit(3)
        return {"loud": inputs["text"]}
def register(registrar):
    registrar.add_task(Leave())
"""
    write_plugin(home / "plugins", "leave", code)
    host = make_host()
    await host.settled()
    await host.enable("leave", info_of(host, "leave").digest)
    task = next(task for _, task in registry.tasks())
    with pytest.raises(PluginError) as raised:
        task.run({"text": "leave"}, FakeTaskContext())
    assert raised.value.plugin == "leave"
    await until(host, lambda: info_of(host, "leave").state is PluginState.ACTIVE)
    assert info_of(host, "leave").failures == 1
    assert say(registry, "leave") == "hi"
    for _ in range(2):
        with pytest.raises(PluginError):
            task.run({"text": "leave"}, FakeTaskContext())
        await until(host, lambda: info_of(host, "leave").state is not PluginState.STARTING)
    await until(host, lambda: info_of(host, "leave").state is PluginState.STOPPED)
    assert offered(registry) == set()


async def test_telemetry_is_read_while_it_is_offered(
    clean_bundled: Path, write_plugin: WritePlugin, make_host: MakeHost, until: Until
):
    write_plugin(clean_bundled, "own", METER, METER_MANIFEST)
    host = make_host()
    await until(host, lambda: info_of(host, "own").samples == (Sample("level", 3.0, "m"),))
    await host.disable("own")
    assert info_of(host, "own").samples == ()


async def test_a_closed_host_says_so_and_leaves_no_threads(
    home: Path, write_plugin: WritePlugin, make_host: MakeHost, registry: Registry, until: Until
):
    write_plugin(home / "plugins", "shout")
    host = make_host()
    await host.settled()
    await host.enable("shout", info_of(host, "shout").digest)
    host.close()
    host.close()
    assert host.snapshot() == ()
    assert offered(registry) == set()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("hearth-plugin")] == []
    with pytest.raises(EngineClosedError):
        await host.enable("shout")
    host.start()
    await host.settled()
    assert say(registry, "shout") == "HI!"


async def test_closing_does_not_wait_for_a_plugin_that_hangs_at_its_start(
    home: Path, write_plugin: WritePlugin, make_host: MakeHost, until: Until
):
    write_plugin(home / "plugins", "hang", "import time\ntime.sleep(1e6)")
    idle = make_host(is_idle=True)
    await idle.enable("hang", info_of(idle, "hang").digest)
    idle.close()
    host = make_host()
    await until(host, lambda: any(info.state is PluginState.STARTING for info in host.snapshot()))
    async with asyncio.timeout(10):  # its limit for a start is 15 s
        await asyncio.to_thread(host.close)
