"""What the devices are doing, sampled by one thread: how busy, whose work, memory, heat and power."""
