"""Plugins: what is installed, what it may do, where it runs, and how it is."""

from app.plugins.controller import PluginsController
from app.plugins.notice import PluginNotice
from app.plugins.page import PluginsPage

__all__ = ["PluginNotice", "PluginsController", "PluginsPage"]
