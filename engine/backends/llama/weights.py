"""Opening a GGUF file with llama.cpp and making contexts for it, every failure turned into one clear sentence."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import llama_cpp.llama_cpp as llama
import psutil

from engine.backends.base import DeviceTarget, LoadOptions, LoadProgress
from engine.backends.llama.mapping_trim import CAN_TRIM, MappingTrim
from engine.backends.llama.native import NativeLog, captured_log, ensure_initialised
from engine.errors import EngineError, ModelFileError, OutOfMemoryError
from engine.models.ggml import REPACKED
from engine.models.gguf import GgufHeader, read_header
from engine.models.gguf_facts import facts_of
from engine.models.gguf_vocabulary import check_before_load
from engine.plugins.contract.models import ModelFacts
from engine.types import ModelInfo

ALL_LAYERS = 9_999
_KV_VALUE_BYTES = 2  # keys and values are kept as 16-bit floats
_NO_MAPPING = 0  # enum llama_load_mode


@dataclass(slots=True, kw_only=True)
class Weights:
    """A model that llama.cpp has opened.

    Attributes:
        info: the model on disk.
        facts: what plugins are told about it.
        handle: llama.cpp's pointer; 0 once freed.
        memory_bytes: what llama.cpp announced for the weights and for the contexts made of them.
        device_bytes: of these, in the memory of other devices than the processor.
    """

    info: ModelInfo
    facts: ModelFacts
    handle: int
    memory_bytes: int
    device_bytes: int = 0

    @property
    def trained_context_tokens(self) -> int:
        """Context that the model was trained for."""
        return int(llama.llama_model_n_ctx_train(self.handle))

    @property
    def layers(self) -> int:
        """Number of its layers."""
        return int(llama.llama_model_n_layer(self.handle))

    def note(self, said: NativeLog) -> None:
        """Take account of the buffers that a native call has announced."""
        self.memory_bytes += said.buffer_bytes
        self.device_bytes += said.device_bytes

    @property
    def has_partial_memory(self) -> bool:
        """Whether a part of a sequence can be dropped or shared; recurrent models keep one state for all of it."""
        return not (llama.llama_model_is_recurrent(self.handle) or llama.llama_model_is_hybrid(self.handle))

    @property
    def kv_bytes_per_token(self) -> int:
        """KV cache of one token, estimated from the shape as if every layer attends."""
        heads = max(1, int(llama.llama_model_n_head(self.handle)))
        usual = int(llama.llama_model_n_embd(self.handle)) // heads
        head_size = sum(self._number(f"attention.{name}_length") or usual for name in ("key", "value"))
        kv_heads = int(llama.llama_model_n_head_kv(self.handle))
        return int(llama.llama_model_n_layer(self.handle)) * kv_heads * head_size * _KV_VALUE_BYTES

    def _number(self, key: str) -> int:
        """A number of the file's metadata, below the architecture's prefix; 0 if it is not there."""
        full_key = f"{self.info.architecture}.{key}".encode()
        buffer = ctypes.create_string_buffer(32)
        length = llama.llama_model_meta_val_str(self.handle, full_key, buffer, len(buffer))
        return int(buffer.value) if length > 0 and buffer.value.isdigit() else 0

    def free(self) -> None:
        """Free the weights; contexts must be freed before. Safe to call twice."""
        if self.handle:
            llama.llama_model_free(self.handle)
            self.handle = 0


def open_weights(
    info: ModelInfo,
    options: LoadOptions,
    progress: LoadProgress,
    devices: Sequence[int] = (),
    *,
    words_only: bool = False,
    mapped_only: bool = False,
) -> Weights:
    """Open a GGUF file, memory-mapped; weights that the processor likes in another order are copied into it.

    Args:
        info: which file.
        options: how; its target says how many layers go to the devices.
        progress: told how far it is.
        devices: ggml's handles of the devices to use; none for the processor alone.
        words_only: open nothing but the vocabulary.
        mapped_only: leave all weights in the mapping of the file.

    Raises:
        ModelFileError: it is missing, broken, or of an architecture that llama.cpp does not know.
        OutOfMemoryError: it does not fit into a device's memory.
        EngineError: `progress` cancelled it.
    """
    path = _checked_path(info)
    # Some broken vocabularies make llama.cpp abort the process, at the first tokenisation if not before.
    header = read_header(info.path)
    check_before_load(header)
    ensure_initialised()
    params = _params(header, repacks=not (words_only or mapped_only or options.paged))
    params.vocab_only = words_only
    watcher = _ProgressWatcher(progress, MappingTrim(info.path) if params.use_extra_bufts and CAN_TRIM else None)
    params.progress_callback = callback = llama.llama_progress_callback(watcher)
    kept = _choose_devices(params, devices, options.target)
    with captured_log() as said:
        handle = llama.llama_model_load_from_file(path, params)
    del callback, kept  # only now: llama.cpp uses them while loading
    if watcher.error is not None:
        if handle:
            llama.llama_model_free(handle)
        raise watcher.error
    if not handle:
        if watcher.cancelled:
            raise EngineError(f"Loading {info.name} was cancelled.")
        raise _load_error(info, said, options.target)
    weights = Weights(info=info, facts=facts_of(header), handle=handle, memory_bytes=0)
    weights.note(said)
    if watcher.trims:  # what was copied is no longer in the mapping
        weights.memory_bytes -= said.copied_bytes
    return weights


def _params(header: GgufHeader, *, repacks: bool) -> llama.llama_model_params:
    """Whether some weights are put into another order, and whether they are mapped while that is done."""
    params = llama.llama_model_default_params()
    params.use_extra_bufts = repacks and any(tensor.type.name in REPACKED for tensor in header.tensors)
    if params.use_extra_bufts and not CAN_TRIM:  # they would be in memory twice
        params.load_mode = _NO_MAPPING
    return params


def _choose_devices(params: llama.llama_model_params, devices: Sequence[int], target: DeviceTarget) -> object:
    """Say where the layers go. Returns what must live until the model is loaded.

    An empty list of devices is not the same as none: with none llama.cpp takes whatever is registered.
    """
    handles = (ctypes.c_void_p * (len(devices) + 1))(*devices, None)
    params.devices = ctypes.cast(handles, ctypes.c_void_p)
    if not devices:
        params.n_gpu_layers = 0
        return handles
    # The output head counts as one more layer, the last; it goes to the device with the first layer.
    params.n_gpu_layers = ALL_LAYERS if target.layers is None else target.layers + 1 if target.layers else 0
    shares = (ctypes.c_float * max(int(llama.llama_max_devices()), len(devices)))(*target.split)
    if target.split:
        params.tensor_split = ctypes.cast(shares, ctypes.POINTER(ctypes.c_float))
    return handles, shares


def open_context(weights: Weights, params: llama.llama_context_params) -> int:
    """Make a context; its buffers are added to `weights.memory_bytes`.

    Raises:
        OutOfMemoryError: its buffers do not fit.
    """
    with captured_log() as said:
        handle: int | None = llama.llama_init_from_model(weights.handle, params)
    if not handle:
        reason = said.last_error or "llama.cpp gave no reason"
        raise OutOfMemoryError(
            f"A context of {params.n_ctx:,} tokens for {weights.info.name} cannot be made ({reason}).",
            "Load it with a smaller context.",
        )
    weights.note(said)
    return handle


def free_memory_bytes(options: LoadOptions) -> int:
    """Memory that this load may take."""
    if options.available_bytes is not None:
        return options.available_bytes
    return int(psutil.virtual_memory().available)


class _ProgressWatcher:
    """Calls a progress callback from llama.cpp; an exception in it cancels the load and is raised afterwards."""

    def __init__(self, progress: LoadProgress, trim: MappingTrim | None) -> None:
        self._progress = progress
        self._trim = trim
        self.trims = trim is not None
        self.cancelled = False
        self.error: BaseException | None = None

    def __call__(self, fraction: float, _user_data: int | None) -> bool:
        try:
            if self._trim is not None:
                self._trim.advance(fraction)
            self.cancelled = not self._progress(fraction)
        except BaseException as error:  # noqa: BLE001 - must not unwind through C; raised by open_weights
            self.error = error
            return False
        return not self.cancelled


def _checked_path(info: ModelInfo) -> bytes:
    path = info.path
    if not path.exists():
        raise ModelFileError(f"There is no file {path}.", "It may have been moved or deleted.")
    if not path.is_file():
        raise ModelFileError(f"{path} is a folder, not a model file.", "Give a file that ends in .gguf.")
    try:
        with path.open("rb") as file:
            magic = file.read(4)
        encoded = str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        raise ModelFileError(f"The name of {path!r} is not valid Unicode.", "Rename the file.") from error
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    if magic != b"GGUF":
        raise ModelFileError(f"{path.name} is not a GGUF file.", "Give a file that ends in .gguf.")
    return encoded


def _load_error(info: ModelInfo, said: NativeLog, target: DeviceTarget) -> EngineError:
    reason = said.last_error.strip().rstrip(".") or "llama.cpp gave no reason"
    if any("unable to allocate" in line or "failed to allocate" in line for line in said.errors):
        return OutOfMemoryError(
            f"{info.name} does not fit into the memory of {target.device} ({reason}).",
            "Put fewer of its layers there, or choose a smaller model.",
        )
    return ModelFileError(
        f"{info.path.name} cannot be loaded: {reason}.",
        "Get the file again; if that does not help, it needs a newer llama.cpp.",
    )
