"""Hearth's window: the Qt front end, which knows the engine's door and nothing behind it."""
