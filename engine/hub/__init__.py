"""Models that are not here yet: what the hub and the catalogue have, whether it fits this machine, and its download."""
