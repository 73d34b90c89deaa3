"""Options that several commands share."""

from typing import Annotated

import typer

DeviceOption = Annotated[
    str,
    typer.Option(
        metavar="ID", help="Device to run on, as in `hearth devices`; without it the best one.", show_default=False
    ),
]
