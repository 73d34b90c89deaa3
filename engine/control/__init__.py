"""How a command reaches the engine of a Hearth that already runs: the window, or another command."""
