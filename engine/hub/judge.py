"""Whether a model fits this machine before a byte of its weights is here."""

import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engine.finds import HubFile
from engine.footprint import Fit
from engine.hub.imagined import Numbers, imagined_layout, imagined_shape, in_other_type
from engine.models.page_plan import WeightLayout
from engine.models.shape import ModelShape
from engine.types import Accepts, ModelInfo

Brief = Callable[[ModelInfo, ModelShape, WeightLayout | None, bool], tuple[Fit, float | None]]
"""Says whether a model fits of which nothing has to be on the disk and, if that is wanted, how many tokens per second
it would write."""

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
    is said, and nothing of its speed.

    Thread: any.
    """

    def __init__(self, brief: Brief, folder: Path) -> None:
        """Make one.

        Args:
            brief: says whether a model fits.
            folder: that files would go to.
        """
        self._brief = brief
        self._folder = folder

    def judged(self, files: Iterable[HubFile], known: Known) -> tuple[HubFile, ...]:
        """Files of a model with whether each fits, and how fast it would be; in the order in which they were given.

        Args:
            files: all of them graphs, or none.
            known: of the model.
        """
        files = tuple(files)
        if known.is_graph or known.shape is not None or known.numbers is not None:
            return tuple(self._judged(file, known) for file in files)
        return self._guessed(files, known)

    def _judged(self, file: HubFile, known: Known) -> HubFile:
        fit, speed = self._say(file, known, known.numbers, True)
        return replace(file, fit=fit, tokens_per_s=speed)

    def _guessed(self, files: Sequence[HubFile], known: Known) -> tuple[HubFile, ...]:
        """Files of a model of whose inside nothing is known; what is smaller fits as well, so few have to be tried."""
        by_size = sorted((file for file in files if file.size_bytes), key=lambda file: file.size_bytes)
        if not by_size:
            return tuple(files)
        usual, most = guesses(known, by_size[0].size_bytes)

        def count(numbers: Numbers, *fits: Fit) -> int:
            """How many of them fit so."""
            return bisect.bisect_left(
                by_size, True, key=lambda file: self._say(file, known, numbers, False)[0] not in fits
            )

        fitting = count(most, Fit.FITS)
        paged = fitting if fitting == len(by_size) else count(most, Fit.FITS, Fit.PAGING)
        unsure = paged if paged == len(by_size) else count(usual, Fit.FITS, Fit.PAGING)
        found: dict[str, Fit | None] = {}
        for number, file in enumerate(by_size):
            is_no = number >= max(paged, unsure)
            found[file.name] = (
                Fit.FITS if number < fitting else Fit.PAGING if number < paged else Fit.NO if is_no else None
            )
        return tuple(replace(file, fit=found.get(file.name)) for file in files)

    def _say(self, file: HubFile, known: Known, numbers: Numbers | None, wants_speed: bool) -> tuple[Fit, float | None]:
        info = self._info(file, known)
        if known.is_graph:
            size = int(file.size_bytes * _GRAPH_MARGIN) + _GRAPH_BYTES
            shape = ModelShape(size_bytes=size, parameters=known.parameters or 0)
            return self._brief(replace(info, size_bytes=size), shape, None, False)
        if known.shape is not None:
            is_same = file.name == known.shape_of
            shape = known.shape if is_same else in_other_type(known.shape, file.size_bytes, file.quantization)
            layout = known.layout if is_same else imagined_layout(shape, info.path)
            return self._brief(info, shape, layout, wants_speed)
        assert numbers is not None
        shape = imagined_shape(numbers, file.size_bytes, file.quantization)
        return self._brief(info, shape, imagined_layout(shape, info.path), wants_speed)

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
