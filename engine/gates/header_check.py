"""The first gate: everything about a model file that can be checked without the library that will load it."""

from pathlib import Path

from engine.errors import ModelFileError
from engine.gates.pickles import refuse_pickles
from engine.models.gguf import read_header
from engine.models.gguf_vocabulary import check_before_load
from engine.models.onnx import read_onnx_header
from engine.models.split_files import later_parts, named_count


def check_header(path: Path) -> None:
    """Check a model file and those that belong to it; takes a fraction of a second, for the largest vocabularies too.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: it breaks a rule; says which.
    """
    refuse_pickles(path)
    if path.suffix.lower() == ".onnx":
        read_onnx_header(path)
        return
    check_before_load(read_header(path))
    for part in later_parts(path, named_count(path)):
        if not part.exists():
            raise ModelFileError(
                f"The model {path.name} is incomplete: {part.name} is missing.",
                "Download it again.",
                "split-files",
            )
        read_header(part)
