"""Conformance: a plugin against the contract, with made-up models, pictures, texts and arguments, and a stopwatch."""
