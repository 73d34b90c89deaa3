"""The parts of the plugin contract; plugins import them from `engine.plugins.api`."""
