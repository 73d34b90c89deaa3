"""The misbehaviour matrix: what a stranger's plugin does wrong stays its own affair.

In its own process, every case is contained: it is named in one sentence, others go on. Inside Hearth's process, which
strangers' plugins never enter, only what raises would be contained; the rest could stop the app.
"""

import re
import runpy
from pathlib import Path

import pytest

from engine.errors import PluginError
from engine.plugins.infos import PluginState
from engine.plugins.process.confinement import PROGRAMS, unenforced

CASES = runpy.run_path(str(Path(__file__).with_name("misbehaviours.py")))["CASES"]
WORST_S = 0.1

pytestmark = pytest.mark.skipif(PROGRAMS in unenforced(), reason="this system would let a plugin fork without end")


def provoke(plugin, case, tmp_path):
    """Have the plugin misbehave; what it answers, and the error that was raised."""
    secret = tmp_path / "secret"
    secret.write_text("password", encoding="utf-8")
    try:
        plugin.start()
        answer = plugin.go(folder=str(plugin.folder), secret=str(secret))
    except PluginError as error:
        return "", error
    if case.is_late:
        plugin.wait_for(lambda: plugin.process.status().failures > 0)
    return answer, None


@pytest.mark.parametrize("name", CASES)
def test_it_is_contained(name, make_plugin, heartbeat, tmp_path):
    case = CASES[name]
    for attempt in ("first", "second"):  # the machine may be busy with something else, but hardly twice
        plugin = make_plugin(
            case.source, name=f"{attempt}-offender", limits=case.limits, memory_bytes=case.memory_bytes
        )
        with heartbeat() as beat:
            answer, error = provoke(plugin, case, tmp_path)
            status = plugin.process.status()
            plugin.process.stop()
        if beat.worst_s < WORST_S:
            break
    assert beat.worst_s < WORST_S
    assert (beat.failures, beat.answers > 0) == ([], True)
    assert re.fullmatch(case.answer, answer) or case.failure
    if case.failure:
        said = error.cause if error is not None else status.reason
        assert re.search(case.failure, said)
        assert said.startswith(f"The plugin {attempt.title()}-Offender ")
        assert status.failures == 1
        assert (status.state is PluginState.STOPPED) == case.at_start
    assert len(status.details) < 70_000
    assert (plugin.folder / "__init__.py").exists()
