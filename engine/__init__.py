"""Hearth's engine: several AI models at once on one small machine. No Qt, one door.

async with Engine() as engine:
    async with aclosing(engine.generate(GenerateRequest(model="starter", messages=(user("Hi"),)))) as events:
        async for event in events:
            ...
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.config import EngineConfig
    from engine.engine import Engine
    from engine.errors import (
        CapabilityError,
        ConfigError,
        ContextOverflowError,
        EngineClosedError,
        EngineDeadError,
        EngineError,
        GrammarError,
        ImageError,
        InvalidRequestError,
        ModelError,
        ModelFileError,
        ModelNotFoundError,
        OutOfMemoryError,
        PluginError,
        PluginRefusedError,
        RequestError,
        TaskCancelledError,
        TemplateError,
    )
    from engine.types import (
        Accepts,
        Detection,
        EmbedRequest,
        EmbedResult,
        EngineSnapshot,
        Event,
        Finished,
        FinishReason,
        GenerateRequest,
        GenerateResult,
        Label,
        LoadedModelInfo,
        Loading,
        Message,
        ModelInfo,
        OverflowPolicy,
        Placement,
        Prefill,
        Queued,
        RecognizeRequest,
        RecognizeResult,
        Sampling,
        TextDelta,
        TextLine,
        ThinkingDelta,
        Timings,
        TokenLogprob,
        ToolCall,
        ToolSpec,
        Urgency,
        Usage,
        VisionOutput,
        assistant,
        system,
        user,
    )

__all__ = [
    "Accepts",
    "CapabilityError",
    "ConfigError",
    "ContextOverflowError",
    "Detection",
    "EmbedRequest",
    "EmbedResult",
    "Engine",
    "EngineClosedError",
    "EngineConfig",
    "EngineDeadError",
    "EngineError",
    "EngineSnapshot",
    "Event",
    "FinishReason",
    "Finished",
    "GenerateRequest",
    "GenerateResult",
    "GrammarError",
    "ImageError",
    "InvalidRequestError",
    "Label",
    "LoadedModelInfo",
    "Loading",
    "Message",
    "ModelError",
    "ModelFileError",
    "ModelInfo",
    "ModelNotFoundError",
    "OutOfMemoryError",
    "OverflowPolicy",
    "Placement",
    "PluginError",
    "PluginRefusedError",
    "Prefill",
    "Queued",
    "RecognizeRequest",
    "RecognizeResult",
    "RequestError",
    "Sampling",
    "TaskCancelledError",
    "TemplateError",
    "TextDelta",
    "TextLine",
    "ThinkingDelta",
    "Timings",
    "TokenLogprob",
    "ToolCall",
    "ToolSpec",
    "Urgency",
    "Usage",
    "VisionOutput",
    "assistant",
    "system",
    "user",
]

_HOMES = ("engine.errors", "engine.config", "engine.types", "engine.engine")
"""Where the public names live, cheapest first."""


def __getattr__(name: str) -> object:
    """Import a public name when it is first used; `hearth --help` and the first paint of the window need none."""
    if name in __all__:
        for home in _HOMES:
            module = import_module(home)
            if hasattr(module, name):
                value: object = getattr(module, name)
                globals()[name] = value
                return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
