"""The process of one stranger's plugin: confines itself, loads the plugin, and does what Hearth asks.

The order matters: limits and confinement come before any code of the plugin, and before libraries that start threads,
since Linux confines threads one by one.
"""

import os
import sys
from collections.abc import Sequence

from engine.handover import take


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until Hearth is gone.

    Args:
        arguments: a file descriptor, and what is to be confined, as JSON; the program's own if not given.
    """
    from engine.plugins.process.confinement import confine

    descriptor, confinement = sys.argv[-2:] if arguments is None else arguments
    stream = take(descriptor)
    confine(confinement)
    from engine.plugins.process.serving import serve
    from engine.plugins.process.wire import FROM_HEARTH, FROM_PLUGIN, Channel

    serve(Channel(stream, receives=FROM_HEARTH, sends=FROM_PLUGIN))
    os._exit(0)  # threads of the plugin may be running; nobody waits for them


if __name__ == "__main__":
    main()
