"""Recognize: drop, paste or open pictures, and see what a model finds in them."""

from app.recognize.controller import RecognizeController
from app.recognize.page import RecognizePage

__all__ = ["RecognizeController", "RecognizePage"]
