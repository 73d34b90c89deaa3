"""Forms: drawn from fields that a plugin declares, for its settings and for the inputs of its tasks."""

from app.forms.file_reader import FileReader
from app.forms.form import FieldForm

__all__ = ["FieldForm", "FileReader"]
