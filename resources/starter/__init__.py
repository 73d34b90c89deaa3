"""The recipe of ``starter``, the small language model that comes with Hearth."""
