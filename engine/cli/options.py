"""Arguments and options that several commands share."""

from typing import Annotated

import typer

DeviceOption = Annotated[
    str,
    typer.Option(
        metavar="ID", help="Device to run on, as in `hearth devices`; without it the best one.", show_default=False
    ),
]
ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="Id from the library, or path to a file.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
