"""Strangers' plugins in their own confined process: frames, proxies, limits, confinement."""
