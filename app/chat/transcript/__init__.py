"""Transcript: one chat as it is read; only the blocks on the screen are widgets."""

from app.chat.transcript.model import TranscriptModel
from app.chat.transcript.view import TranscriptView

__all__ = ["TranscriptModel", "TranscriptView"]
