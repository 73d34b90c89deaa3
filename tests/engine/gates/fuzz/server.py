"""Damages files and takes each through the gates and then through a load, in a process of its own, forked for it.

The libraries are imported once, before the first fork. Run as a program: `server.py gguf|onnx SEED COUNT FOLDER`;
writes one JSON object per case, and keeps the files that crash.
"""

import json
import os
import random
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.errors import EngineError, ModelFileError
from engine.gates.header_check import check_header

CASE_S = int(os.environ.get("CASE_S", "10"))
FIRST = int(os.environ.get("FIRST", "0"))
"""Number of the first case, so that two processes can share the work."""
LOAD_BYTES = 4 << 30
SLOW_S, LARGE_BYTES = 2.0, 300 << 20


def run_case(path: Path, try_out: Callable[..., None]) -> dict[str, object]:
    """What becomes of one file; runs in a fork and tells it through a pipe, as far as it gets."""
    receiver, sender = os.pipe()
    began_s = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(receiver)
        _in_the_fork(path, try_out, sender)
    os.close(sender)
    said = b""
    while (left := began_s + CASE_S - time.monotonic()) > 0:
        if not select.select([receiver], [], [], left)[0]:
            break
        if not (piece := os.read(receiver, 65_536)):
            break
        said += piece
    else:
        left = 0
    is_late = time.monotonic() - began_s >= CASE_S
    if is_late:
        os.kill(child, signal.SIGKILL)
    os.close(receiver)
    _, status = os.waitpid(child, 0)
    found: dict[str, object] = {"took_s": round(time.monotonic() - began_s, 3)}
    for line in said.splitlines():
        found |= json.loads(line)
    if is_late:
        found["end"] = "late"
    elif os.WIFSIGNALED(status):
        found["end"] = signal.Signals(os.WTERMSIG(status)).name
    elif "end" not in found:
        found["end"] = f"code {os.WEXITSTATUS(status)}"
    return found


def _in_the_fork(path: Path, try_out: Callable[..., None], sender: int) -> None:
    def tell(**what: object) -> None:
        os.write(sender, json.dumps(what).encode() + b"\n")

    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CASE_S, CASE_S))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began_s = time.monotonic()
    try:
        check_header(path)
        verdict = {"header": "sound"}
    except ModelFileError as error:
        verdict = {"header": "refused", "rule": error.rule, "text": str(error)}
    except BaseException as error:  # noqa: BLE001 - the very thing to be found
        verdict = {"header": "fault", "text": f"{type(error).__name__}: {error}"}
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    tell(**verdict, header_s=round(time.monotonic() - began_s, 4), header_bytes=grown)
    if verdict["header"] != "sound":
        tell(end="not loaded")
        os._exit(0)
    resource.setrlimit(resource.RLIMIT_AS, (LOAD_BYTES, LOAD_BYTES))
    try:
        try_out(path, words_only=False, threads=1)
        tell(end="used")
    except EngineError as error:
        tell(end="refused", why=str(error)[:300])
    except BaseException as error:  # noqa: BLE001 - as above
        tell(end="raised", why=f"{type(error).__name__}: {error}"[:300])
    os._exit(0)


def cases(kind: str, seed: int, count: int, folder: Path) -> Iterator[tuple[int, bytes]]:
    """Damaged files, the same for the same seed."""
    if kind == "gguf":
        from tests.engine.gates.fuzz.gguf_draft import take_apart
        from tests.engine.gates.fuzz.gguf_mutations import mutate
        from tests.engine.gates.fuzz.gguf_seeds import write_seeds

        drafts = [take_apart(path) for path in write_seeds(folder / "seeds").values()]
        for number in range(FIRST, count):
            rng = random.Random(f"{seed} {number}")
            yield number, mutate(rng, rng.choice(drafts))
    else:
        from tests.engine.gates.fuzz.onnx_mutations import mutate as mutate_graph
        from tests.engine.gates.fuzz.onnx_seeds import graphs

        models = graphs()
        for number in range(FIRST, count):
            rng = random.Random(f"{seed} {number}")
            yield number, mutate_graph(rng, rng.choice(models))


def _warm_up(kind: str, folder: Path, try_out: Callable[..., None]) -> None:
    """Use a right file, so that what the libraries do only once is not done in each fork. With one thread none stay."""
    path = folder / f"right.{kind}"
    if kind == "gguf":
        from tests.engine.gates.fuzz.gguf_seeds import write_seeds

        path = write_seeds(folder / "seeds")["llama"]
    else:
        from tests.engine.gates.fuzz.onnx_seeds import graphs

        path.write_bytes(graphs()[0].SerializeToString())
    try_out(path, words_only=False, threads=1)


def main() -> None:
    os.environ["GGML_NO_BACKTRACE"] = "1"  # a debugger would be started for every crash
    kind, seed, count, place = sys.argv[-4:]
    folder = Path(place)
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "gguf":
        from engine.backends.llama.native import ensure_initialised
        from engine.backends.llama.trial import try_out

        ensure_initialised()
    else:
        from engine.backends.onnx.trial import try_out
    _warm_up(kind, folder, try_out)
    path = folder / f"case.{kind}"
    for number, data in cases(kind, int(seed), int(count), folder):
        path.write_bytes(data)
        found = run_case(path, try_out)
        if found["end"] not in {"used", "refused", "not loaded", "raised"} or found["header"] == "fault":
            (folder / f"kept-{seed}-{number}-{found['end']}.{kind}").write_bytes(data)
        print(json.dumps({"case": number, **found}), flush=True)  # noqa: T201 - what it is for


if __name__ == "__main__":
    main()
