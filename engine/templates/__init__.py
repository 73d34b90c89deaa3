"""Jinja templates from model files: sandboxed, with limits on time, memory and output."""
