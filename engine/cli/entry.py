"""Entry point of the program `hearth`: imports next to nothing, so that Ctrl-C is quiet from the first moment on."""

import sys


def main() -> None:
    """Run the command line; importing it takes a third of a second, in which Ctrl-C must not end in a traceback."""
    if sys.argv[1:2] == ["--plugin-process"]:  # how a frozen program starts itself as the process of a plugin
        from engine.plugins.process.child import main as run_plugin

        run_plugin()
        return
    if sys.argv[1:2] == ["--ask-devices"]:  # the same, to ask what a backend reaches
        from engine.devices.ask import main as ask_devices

        ask_devices(sys.argv[2:])
        return
    try:
        from engine.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()
