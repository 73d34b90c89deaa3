"""Tries an installed Hearth from outside, with nothing but Python's standard library and Xvfb."""
