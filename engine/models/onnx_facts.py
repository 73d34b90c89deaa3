"""What plugins are told about an ONNX file: its graph, its notes, and the card beside it."""

from pathlib import Path

from engine.models.onnx import OnnxHeader, read_onnx_header
from engine.models.onnx_card import card_text, find_tokenizer, read_card
from engine.plugins.contract.models import ModelFacts


def facts_of(path: Path, header: OnnxHeader | None = None) -> ModelFacts:
    """Describe an ONNX file by its header and its card, without reading its weights.

    Args:
        path: of the file.
        header: of it, if it has been read already.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: the file is not ONNX, incomplete or damaged, or its card is wrong; says which.
    """
    header = header or read_onnx_header(path)
    card = read_card(path)
    return ModelFacts(
        file_name=path.name,
        format="onnx",
        name=card_text(path, card, "name") or _title(path),
        architecture="onnx",
        metadata=dict(header.properties),
        inputs=header.inputs,
        outputs=header.outputs,
        card=card,
        has_tokenizer=find_tokenizer(path) is not None,
    )


def _title(path: Path) -> str:
    """The file's name; of a file that is just called `model`, its folder's."""
    if path.stem.lower() != "model":
        return path.stem
    folder = path.parent.parent if path.parent.name == "onnx" else path.parent
    return folder.name or path.stem
