"""`hearth devices`: what this machine can compute on, and how."""

from typing import Annotated

import typer

from engine.cli.devices_view import devices_document, devices_table, fault_lines
from engine.cli.output import Output
from engine.cli.session import Session
from engine.devices.inventory import inventory_of


def devices(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the processor, graphics cards and NPUs: how each is reached, or why it is not.

    What was found before is shown as long as nothing has changed; `hearth doctor` looks again.
    """
    session: Session = context.obj
    output = Output(as_json)
    inventory = inventory_of(session.config())
    found = inventory.probe()
    output.table(devices_table(found))
    for line in fault_lines(found, inventory.faults):
        output.line(line)
    output.document({"devices": devices_document(found), "faults": inventory.faults})
