"""`hearth bench paging`: a model that is larger than the memory there is, against the same without paging."""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Final

from engine.bench.children import BenchProgramError
from engine.bench.measure import BenchOptions
from engine.bench.memory_limit import MemoryGroup, forget_file, memory_group, was_killed
from engine.bench.paging_child import Found, Order
from engine.bench.random_model import cached_random_model
from engine.bench.report import BenchReport, machine_facts
from engine.devices.disk import reading_s
from engine.errors import CapabilityError
from engine.models.page_plan import layout_of, plan_pages
from engine.programs import module_command

DEFAULT_BUDGET_BYTES: Final = 6 << 30
PROGRAM_BYTES: Final = 360 << 20
"""Of the limit, what is left to the program itself and to the system's cache: 150 MB are Python and its libraries."""
_LIMIT_S: Final = 600.0
_MMAP_TOKENS: Final = 5  # of several seconds each
_TOKENS: Final = 32
_SWEEPS: Final = 5


def run(options: BenchOptions) -> BenchReport:
    """Run sides in turns: Hearth and llama.cpp's own mapping under a memory limit, and Hearth without a limit.

    The limit is that of everything: weights, context, the program, and what the system's cache keeps for it.

    `limit_ratio` is how close a token comes to what nothing could beat: the larger of the time in which the disk alone
    reads what is streamed, and the time a token takes when all weights are in memory, over the time it took.

    Raises:
        CapabilityError: no memory limit can be set here.
    """
    machine = machine_facts()
    budget = options.ram_budget or DEFAULT_BUDGET_BYTES
    model = cached_random_model(options.folder, options.shape or "7b", options.kind)
    rounds = 1 if options.quick else 3
    samples: dict[str, list[float]] = {}
    notes: set[str] = set()
    with memory_group(budget) as group, tempfile.TemporaryDirectory(prefix="hearth-bench-") as home:
        if group is None:
            raise CapabilityError(
                "No memory limit can be set here: making a control group is not allowed.", "Run the bench as root."
            )
        for number in range(rounds):
            sides = ("limited", "mmap", "unlimited")
            for side in sides if number % 2 == 0 else sides[::-1]:
                found = _run_side(side, model, Path(home), group, budget, quick=options.quick)
                _collect(samples, side, found)
                notes |= {found.note} if side == "limited" and found.note else set()
                if side == "limited" and found.streamed_bytes:
                    samples.setdefault("disk_s", []).append(_sweep_s(model, found))
    return BenchReport(
        bench="paging",
        figures=_figures(samples),
        samples=samples,
        machine={**machine, "ram_budget_bytes": budget, "notes": sorted(notes)},
    )


def _sweep_s(model: Path, found: Found) -> float:
    """Seconds in which the disk, with nothing else to do, reads what was streamed for a token; the best of some.

    The same chunks at the same places: what they were read for has just ended, so whatever lies between the system and
    the disk knows them as well as it did then.
    """
    layout = layout_of(model)
    plan = plan_pages(layout, found.pinned_bytes + found.buffer_bytes) if layout is not None else None
    chunks = plan.chunks if plan is not None else ()
    ranges = [(chunk.start, chunk.end) for chunk in chunks if chunk is not None]
    return min(reading_s(model, ranges) for _ in range(_SWEEPS))


def _run_side(side: str, model: Path, home: Path, group: MemoryGroup, budget: int, *, quick: bool) -> Found:
    """Measure one side in a process of its own, with nothing of the model in the system's cache.

    Raises:
        BenchProgramError: it failed, or was killed for the memory it took.
    """
    tokens = 4 if quick else _MMAP_TOKENS if side == "mmap" else _TOKENS
    order = Order(
        model=str(model), home=str(home), side="mmap" if side == "mmap" else "hearth", tokens=tokens,
        full=side == "limited", budget_bytes=budget - PROGRAM_BYTES if side == "limited" else 0,
    )  # fmt: skip
    command = module_command("engine.bench.paging_child", json.dumps(asdict(order)))
    forget_file(model)
    try:
        if side == "unlimited":
            ended = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
        else:
            ended = group.run(command, _LIMIT_S)
    except subprocess.TimeoutExpired as error:
        raise BenchProgramError(f"Side {side} of the bench did not end within {_LIMIT_S:.0f} s.") from error
    if was_killed(ended.returncode):
        raise BenchProgramError(f"Side {side} of the bench was killed for the memory that it took.")
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise BenchProgramError(f"Side {side} of the bench ended with code {ended.returncode}: {last}.")
    return Found(**json.loads(ended.stdout.splitlines()[-1]))


def _collect(samples: dict[str, list[float]], side: str, found: Found) -> None:
    values: dict[str, float] = {
        "tokens_per_s": 1 / found.token_s,
        "load_s": found.load_s,
        "major_faults_per_token": found.faults,
        "read_bytes_per_token": found.read_bytes,
        "peak_bytes": found.peak_bytes,
    }
    if side == "limited":
        values["pinned_bytes"], values["streamed_bytes"] = found.pinned_bytes, found.streamed_bytes
        values["repetitive_tokens_per_s"] = found.repetitive_tokens_per_s
        values["sequences_tokens_per_s"] = found.sequences_tokens_per_s
    for name, value in values.items():
        samples.setdefault(f"{name}_{side}" if not name.startswith(("pin", "str", "rep", "seq")) else name, []).append(
            value
        )


def _figures(samples: Mapping[str, list[float]]) -> dict[str, float | None]:
    def ratio(above: str, below: str) -> float:
        """Median over the rounds."""
        return median(a / b for a, b in zip(samples[above], samples[below], strict=True))

    figures: dict[str, float | None] = {
        "speedup_vs_mmap": ratio("tokens_per_s_limited", "tokens_per_s_mmap"),
        "vs_unlimited": ratio("tokens_per_s_limited", "tokens_per_s_unlimited"),
        "draft_gain": ratio("repetitive_tokens_per_s", "tokens_per_s_limited"),
        "sequences_gain": ratio("sequences_tokens_per_s", "tokens_per_s_limited"),
        "major_faults_per_token": median(samples["major_faults_per_token_limited"]),
        "peak_gb": median(samples["peak_bytes_limited"]) / 1e9,
    }
    if "disk_s" in samples:
        columns = (samples["disk_s"], samples["tokens_per_s_unlimited"], samples["tokens_per_s_limited"])
        figures["limit_ratio"] = median(
            max(disk, 1 / free) * limited for disk, free, limited in zip(*columns, strict=True)
        )
    return figures | {name: median(values) for name, values in samples.items()}
