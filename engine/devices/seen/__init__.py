"""What the system itself says about the machine's devices, before any inference engine is loaded."""
