"""Markdown: what models write, converted bit by bit and shown without loading or opening anything."""
