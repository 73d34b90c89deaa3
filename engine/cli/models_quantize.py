"""`hearth models quantize`: what can be made of a model, and making it."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.options import JsonOption, ModelArgument
from engine.cli.output import Output, human_size
from engine.cli.progress import watched
from engine.cli.session import Session
from engine.quality import QualityReport, RecipeForecast

if TYPE_CHECKING:
    from rich.table import Table


def quantize_model(
    context: typer.Context,
    model: ModelArgument,
    recipe: Annotated[
        str,
        typer.Argument(metavar="[RECIPE]", help="Id of a recipe; without it, all are listed.", show_default=False),
    ] = "",
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration",
            metavar="FILE",
            help="Text (or folder of pictures) to see which weights matter; Hearth has its own.",
        ),
    ] = None,
    out: Annotated[
        str, typer.Option("--out", metavar="NAME", help="Name of the result's file in Hearth's model folder.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Make a smaller MODEL by RECIPE beside its source, and measure what it kept; without RECIPE, say what there is."""
    session: Session = context.obj
    output = Output(as_json)
    engine = session.engine()
    if not recipe:
        found = asyncio.run(engine.recipes(model))
        output.table(_recipes_table(found))
        for forecast in found:
            if forecast.is_recommended:
                output.line(f"Recommended here: {forecast.recipe.id}. {forecast.reason}")
        output.document({"model": engine.model(model).id, "recipes": found})
        return
    result = watched(lambda control: engine.quantize_now(model, recipe, control, calibration, name=out))
    reports = engine.reports(str(result))
    report = engine.card(str(result)).report
    size_bytes = result.stat().st_size
    output.line(f"{result}: {human_size(size_bytes)}, made of {engine.model(model).path.name}, which is as it was.")
    if report is None:
        output.line("What it kept could not be measured.")
    else:
        output.table(_reports_table(reports))
        output.line(f"Measured on {report.text}, {report.tokens:,} tokens, with {report.machine}.")
    output.document({"path": result, "size_bytes": size_bytes, "report": report, "reports": reports})


def convert_model(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Folder of a model in safetensors, or one of its files.", show_default=False
        ),
    ],
    out: Annotated[
        str, typer.Option("--out", metavar="NAME", help="Name of the result's file in Hearth's model folder.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Make a GGUF file of a model in safetensors, which can then be quantized; the source stays as it is."""
    session: Session = context.obj
    output = Output(as_json)
    engine = session.engine()
    result = watched(lambda control: engine.convert_now(folder, control, name=out))
    info = engine.model(str(result))
    output.line(f"{result}: {human_size(info.size_bytes)}, {info.quantization}.")
    output.line(f"`hearth models quantize {info.id}` shows how it can be made smaller.")
    output.document({"path": result, "model": info})


def _recipes_table(found: tuple[RecipeForecast, ...]) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("", "recipe", "name", "bits", "size", "speed", "for"):
        table.add_column(heading, justify="right" if heading in ("bits", "size", "speed") else "left")
    for forecast in found:
        table.add_row(
            "★" if forecast.is_recommended else "",
            forecast.recipe.id,
            forecast.recipe.name,
            f"{forecast.recipe.bits:g}",
            human_size(forecast.size_bytes),
            f"{forecast.speedup:.1f}x",
            forecast.recipe.explanation,
        )
    return table


def _reports_table(reports: tuple[QualityReport, ...]) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("recipe")
    for heading in ("size", "ratio", "kept", "KL", "same", "writes", "reads", "memory"):
        table.add_column(heading, justify="right")
    for report in reports:
        table.add_row(
            report.recipe,
            human_size(report.result_bytes),
            f"{report.size_ratio:.0%}",
            f"{report.kept:.1%}",
            f"{report.kl_divergence:.4f}" if report.kl_divergence is not None else "–",
            f"{report.same_top_share:.1%}",
            _speedup(report.decode_speedup),
            _speedup(report.prefill_speedup),
            human_size(report.memory_bytes),
        )
    return table


def _speedup(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}x"
