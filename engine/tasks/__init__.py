"""Running tasks: threads, progress, cancelling, and their way back to the engine's door."""
