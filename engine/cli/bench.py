"""`hearth bench`: measure this machine and Hearth on it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.options import JsonOption
from engine.cli.output import Output, human_size
from engine.cli.session import Session
from engine.cli.sizes import parse_size
from engine.config import ORDERS
from engine.errors import InvalidRequestError

if TYPE_CHECKING:
    from rich.table import Table

    from engine.bench.measure import BenchOptions
    from engine.bench.report import BenchReport, Figure


_Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME...",
        help="overhead, batching, neighbours, startup, ui, plugins, telemetry, dispatch, mixed, scheduler, cache, "
        "prefix, speed, paging, fit, library, quantize.",
    ),
]
_Trace = Annotated[
    Path | None, typer.Option(help="Of mixed: replay the requests of this file.", show_default=False, dir_okay=False)
]
_Insertions = Annotated[
    int | None, typer.Option(min=1, help="Of cache: keep so many answers. \\[default: a million]", show_default=False)
]
_Tokens = Annotated[
    int | None, typer.Option(min=64, max=1 << 20, help="Of prefix: length of the prompt.", show_default=False)
]
_RamBudget = Annotated[
    int | None,
    typer.Option(metavar="SIZE", parser=parse_size, help="Of paging: the memory that there is. \\[default: 6GiB]"),
]
_Policies = Annotated[
    list[str] | None,
    typer.Option(help=f"Of mixed: order requests so; may be repeated. One of {', '.join(ORDERS)}."),
]


def bench(
    context: typer.Context,
    names: _Names = None,
    shape: Annotated[
        str | None,
        typer.Option(help="Use a random-weight model of this shape: 100m, 120m, 1b, 7b.", show_default=False),
    ] = None,
    kind: Annotated[str, typer.Option("--type", help="Type of its weights: f16, q8_0, q4_k_m, ...")] = "q8_0",
    trace: _Trace = None,
    policy: _Policies = None,
    simulate: Annotated[bool, typer.Option("--simulate", help="Of mixed: simulate the replay as well.")] = False,
    insertions: _Insertions = None,
    tokens: _Tokens = None,
    ram_budget: _RamBudget = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only see whether the benches work.")] = False,
    clean: Annotated[bool, typer.Option("--clean", help="Delete the random-weight models.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run benches; `--shape` and `--type` alone say how fast such a model would run here."""
    from engine.bench.catalogue import check_names, run_bench
    from engine.bench.measure import BenchOptions
    from engine.bench.random_model import check_model, remove_random_models

    session: Session = context.obj
    output = Output(as_json)
    # What is known already is not computed, and tells nothing about computing.
    computing = replace(session.config(), cache_memory_bytes=0, cache_disk_bytes=0, prefix_disk_bytes=0)
    options = BenchOptions(
        config=computing, quick=quick, shape=shape, kind=kind,
        trace=trace, orders=tuple(policy or ()), simulate=simulate, tokens=tokens, insertions=insertions,
        ram_budget=ram_budget,
    )  # fmt: skip
    chosen = names or (["speed"] if shape else [])
    check_names(chosen)
    if shape is not None:
        check_model(shape, kind)
    if not chosen and not clean:
        raise InvalidRequestError("No bench is named.", "Try `hearth bench overhead`, or `hearth bench --help`.")
    reports, is_usual = [], not (quick or shape or trace or tokens or ram_budget)
    for name in chosen:
        reports.append(run_bench(name, options))
        output.table(_table(reports[-1], with_targets=is_usual), _circumstances(reports[-1]))
    freed: dict[str, int] = {}
    if clean:
        freed = {"freed_bytes": remove_random_models(options.folder) + _remove_measuring_models(options)}
        output.line(f"Deleted random-weight models: {human_size(freed['freed_bytes'])} freed.")
    if not chosen:
        output.document(freed)
    else:
        output.document(reports[0] if len(reports) == 1 else {"benches": reports})


def _remove_measuring_models(options: "BenchOptions") -> int:
    """Delete the models that devices are measured with; they are written anew when that is done again."""
    from engine.backends.llama.measuring import remove_measuring_models

    return remove_measuring_models(options.config.cache_dir / "calibration")


def _table(report: "BenchReport", *, with_targets: bool) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table("figure", title=f"bench {report.bench}", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("value", justify="right")
    table.add_column("target", justify="right")
    table.add_column("")
    for name, value in report.figures.items():
        verdict = report.verdict(name) if with_targets else None
        target, mark = ("", "") if verdict is None else (str(verdict[0]), "ok" if verdict[1] else "missed")
        table.add_row(name, _shown(value), target, mark)
    return table


def _shown(value: "Figure") -> str:
    if not isinstance(value, int | float):
        return value or "–"
    return f"{value:.4g}" if value < 1e6 else f"{value:,.0f}"


def _circumstances(report: "BenchReport") -> str:
    machine, load = report.machine, report.machine["load_average"]
    busy = f", load average {load:.1f} before" if isinstance(load, float) else ""
    return f"{machine['cpu']}, {machine['physical_cores']} cores{busy}\n"
