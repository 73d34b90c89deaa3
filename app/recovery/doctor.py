"""Asks `hearth doctor --json` what this machine is, in a process of its own: what crashed once may crash again."""

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

from engine.programs import NO_WINDOW, module_command

_WITHIN_S: Final = 90.0  # devices are looked for anew


async def ask_doctor(data: Path, within_s: float = _WITHIN_S) -> dict[str, Any]:
    """Ask it; a failure is what the report then says.

    Args:
        data: Hearth's data folder.
        within_s: longest to wait.
    """
    return await asyncio.to_thread(_ask, data, within_s)


def _ask(data: Path, within_s: float) -> dict[str, Any]:
    environment = {**os.environ, "HEARTH_HOME": str(data)}
    try:
        ended = subprocess.run(
            module_command("engine", "doctor", "--json"),
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=within_s,
            check=False,
            creationflags=NO_WINDOW,
        )
        said = json.loads(ended.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return {"problems": [f"hearth doctor could not be asked: {type(error).__name__}"]}
    return said if isinstance(said, dict) else {}
