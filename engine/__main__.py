"""`python -m engine` is `hearth`."""

from engine.cli.main import main

main()
