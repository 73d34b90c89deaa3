"""Inference libraries behind one set of protocols."""
