"""`hearth devices`: what this machine can compute on, how, and how fast."""

from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.devices_view import devices_document, devices_table, fault_lines, rates_table
from engine.cli.options import JsonOption
from engine.cli.output import Output, note
from engine.cli.session import Session
from engine.devices.inventory import inventory_of
from engine.devices.rates import RateStore

if TYPE_CHECKING:
    from engine.engine import Engine


def devices(
    context: typer.Context,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure every device anew; takes some ten seconds each.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the processor, graphics cards and NPUs: how each is reached, or why it is not, and how fast it is.

    What was found before is shown as long as nothing has changed; `hearth doctor` looks again.
    """
    session: Session = context.obj
    output = Output(as_json)
    config = session.config()
    inventory = inventory_of(config)
    found = inventory.probe()
    if measure:
        session.run(_measure)
    rates = RateStore(config.cache_dir / "rates.json").all()
    output.table(devices_table(found), *((rates_table(rates),) if rates else ()))
    for line in fault_lines(found, inventory.faults):
        output.line(line)
    output.document({"devices": devices_document(found), "faults": inventory.faults, "rates": rates})


async def _measure(engine: "Engine") -> None:
    await engine.measure_devices(lambda share, words: note(f"{words} ({share:.0%} done)"))
