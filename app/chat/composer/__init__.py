"""Composer: where a message is written, with the model, the preset and the context meter."""

from app.chat.composer.composer import Composer

__all__ = ["Composer"]
