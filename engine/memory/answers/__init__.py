"""Answers that need not be computed twice: in memory, and beyond that on disk. Nothing is ever unpickled."""
