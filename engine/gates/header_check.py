"""The first gate: everything about a model file that can be checked without the library that will load it."""

from pathlib import Path

from engine.errors import ModelFileError
from engine.gates.graph_check import check_graph
from engine.gates.pickles import refuse_pickles
from engine.models.gguf import DOWNLOAD_AGAIN, GgufHeader, read_header
from engine.models.gguf_info import check_is_model, split_count
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
        check_graph(path)
        return
    header = read_header(path)
    check_before_load(header)
    _check_parts(header)


def why_not_alone(path: Path) -> ModelFileError | None:
    """Why a file whose header is sound is no model by itself: an adapter, say. None if it is one.

    Raises:
        ModelFileError: the header is not sound.
    """
    if path.suffix.lower() == ".onnx":
        return None
    try:
        check_is_model(read_header(path))
    except ModelFileError as error:
        return error
    return None


def _check_parts(header: GgufHeader) -> None:
    """Check that all files of a split model are there, and are what their names say."""
    path, count = header.path, split_count(header)
    if count != named_count(path) or header.number("split.no"):
        raise ModelFileError(
            f"The file {path.name} says that it is part {(header.number('split.no') or 0) + 1:,} of {count:,}, "
            "which its name does not.",
            "Give it back its own name, and choose the first part.",
            "split-files",
        )
    for number, part in enumerate(later_parts(path, count), 1):
        if not part.exists():
            raise ModelFileError(
                f"The model {path.name} is incomplete: {part.name} is missing.", DOWNLOAD_AGAIN, "split-files"
            )
        found = read_header(part)
        if found.number("split.no") != number or split_count(found) != count:
            raise ModelFileError(
                f"The file {part.name} is not part {number + 1} of {count} of this model.",
                DOWNLOAD_AGAIN,
                "split-files",
            )
