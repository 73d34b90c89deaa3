"""Benches: small programs that measure Hearth against a bare llama.cpp loop, and models of random weights to run on."""
