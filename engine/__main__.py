"""`python -m engine` is `hearth`."""

from engine.cli.entry import main

main()
