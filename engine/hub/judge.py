"""Whether a model fits this machine before a byte of its weights is here."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engine.finds import HubFile
from engine.footprint import Fit, FitVerdict
from engine.hub.imagined import Numbers, imagined_layout, imagined_shape, in_other_type
from engine.models.page_plan import WeightLayout
from engine.models.shape import ModelShape
from engine.types import Accepts, ModelInfo

Verdict = Callable[[ModelInfo, ModelShape | None, WeightLayout | None], FitVerdict]
"""Says whether a model fits, of which nothing has to be on the disk."""

_GRAPH_MARGIN: Final = 1.3
"""A guess: what a graph computes with takes more than its weights say, and only its file tells how much."""
_GRAPH_BYTES: Final = 64 << 20
_UNKNOWN_BITS: Final = 4.5
_WIDTHS: Final = ((0.2e9, 576, 30), (0.7e9, 1024, 28), (2e9, 2048, 28), (5e9, 3072, 36), (10e9, 4096, 36))
"""Usual widths and numbers of layers, by most parameters."""
_LARGEST: Final = (5120, 64)
_VOCABULARY: Final = 152_000
_WORDS: Final = 410_000
_HEAD: Final = 128
_FEW_KV_HEADS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a model.

    Attributes:
        name: of it.
        architecture: empty if unknown.
        parameters: number of weights; None if unknown.
        context_tokens: that it was trained for; 0 if unknown.
        numbers: of its inside; None if unknown.
        shape: from the header of one of its files; None if none was read.
        layout: of that file.
        shape_of: name of that file.
        is_graph: whether its files are graphs.
        reads: whether it reads texts as a whole, and writes none.
    """

    name: str
    architecture: str = ""
    parameters: int | None = None
    context_tokens: int = 0
    numbers: Numbers | None = None
    shape: ModelShape | None = None
    layout: WeightLayout | None = None
    shape_of: str = ""
    is_graph: bool = False
    reads: bool = False


class Judge:
    """Judges files of models that are not here.

    A verdict from a header is what it will be once the file is here. Without one, the inside of the model is taken to
    be as large as it can be, so that nothing is said to fit that will not; where that makes all the difference, nothing
    is said.

    Thread: any.
    """

    def __init__(self, verdict: Verdict, folder: Path) -> None:
        """Make one.

        Args:
            verdict: says whether a model fits.
            folder: that files would go to.
        """
        self._verdict = verdict
        self._folder = folder

    def judged(self, file: HubFile, known: Known) -> HubFile:
        """A file with whether it fits, and how fast it would be."""
        fit, speed = self._judge(file, known)
        return replace(file, fit=fit, tokens_per_s=speed)

    def verdict(self, file: HubFile, known: Known) -> FitVerdict:
        """All that is said of a file whose model's inside is known."""
        return self._say(file, known, known.numbers)

    def _judge(self, file: HubFile, known: Known) -> tuple[Fit | None, float | None]:
        if known.is_graph or known.shape is not None or known.numbers is not None:
            found = self._say(file, known, known.numbers)
            return found.fit, found.tokens_per_s
        usual, most = guesses(known, file.size_bytes)
        found = self._say(file, known, most)
        if found.fit is not Fit.NO:
            return found.fit, None
        return (Fit.NO if self._say(file, known, usual).fit is Fit.NO else None), None

    def _say(self, file: HubFile, known: Known, numbers: Numbers | None) -> FitVerdict:
        info = self._info(file, known)
        if known.is_graph:
            size = int(file.size_bytes * _GRAPH_MARGIN) + _GRAPH_BYTES
            shape = ModelShape(size_bytes=size, parameters=known.parameters or 0)
            return self._verdict(replace(info, size_bytes=size), shape, None)
        if known.shape is not None:
            is_same = file.name == known.shape_of
            shape = known.shape if is_same else in_other_type(known.shape, file.size_bytes, file.quantization)
            layout = known.layout if is_same else imagined_layout(shape, info.path)
            return self._verdict(info, shape, layout)
        assert numbers is not None
        shape = imagined_shape(numbers, file.size_bytes, file.quantization)
        return self._verdict(info, shape, imagined_layout(shape, info.path))

    def _info(self, file: HubFile, known: Known) -> ModelInfo:
        name = file.name.rpartition("/")[2]
        return ModelInfo(
            id=name,
            path=self._folder / name,
            format="onnx" if known.is_graph else "gguf",
            name=known.name,
            architecture=known.architecture or ("onnx" if known.is_graph else ""),
            size_bytes=file.size_bytes,
            parameters=known.parameters,
            quantization=file.quantization or None,
            accepts=frozenset({Accepts.TEXTS}) if known.reads else frozenset(),
        )


def guesses(known: Known, size_bytes: int) -> tuple[Numbers, Numbers]:
    """The usual inside of a model of which only the number of weights is known, and the largest that it can have.

    Args:
        known: of it.
        size_bytes: of one of its files; tells the number of weights if nothing else does.
    """
    parameters = known.parameters or int(8 * size_bytes / _UNKNOWN_BITS)
    width, layers = next(((width, layers) for most, width, layers in _WIDTHS if parameters <= most), _LARGEST)
    heads = max(1, -(-width // _HEAD))

    def numbers(kv_heads: int) -> Numbers:
        return Numbers(
            parameters=parameters,
            layers=layers,
            width=width,
            forward=4 * width,
            heads=heads,
            kv_heads=kv_heads,
            head=_HEAD,
            vocabulary=_VOCABULARY,
            words=_WORDS,
            context_tokens=known.context_tokens,
        )

    return numbers(min(heads, _FEW_KV_HEADS)), numbers(heads)
