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
        DeviceError,
        DeviceLostError,
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
    from engine.hardware import (
        Candidate,
        DeviceInfo,
        DeviceKind,
        DeviceLoad,
        DeviceRates,
        DeviceSample,
        HardwareEvent,
        HardwareEventKind,
        HardwareSnapshot,
        PlacementReport,
        Route,
        TelemetrySample,
    )
    from engine.plugins.contract.offers import Sample
    from engine.plugins.contract.values import (
        Field,
        InputFile,
        Json,
        Kind,
        Table,
        Value,
        Values,
    )
    from engine.plugins.infos import (
        OfferInfo,
        PluginInfo,
        PluginState,
        TaskEvent,
        TaskFinished,
        TaskInfo,
        TaskProgress,
        TaskRequest,
        TaskText,
        ToolInfo,
    )
    from engine.plugins.manifest import (
        OfferKind,
        Permission,
        PermissionKind,
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
        SteppedDown,
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
    "Candidate",
    "CapabilityError",
    "ConfigError",
    "ContextOverflowError",
    "Detection",
    "DeviceError",
    "DeviceInfo",
    "DeviceKind",
    "DeviceLoad",
    "DeviceLostError",
    "DeviceRates",
    "DeviceSample",
    "EmbedRequest",
    "EmbedResult",
    "Engine",
    "EngineClosedError",
    "EngineConfig",
    "EngineDeadError",
    "EngineError",
    "EngineSnapshot",
    "Event",
    "Field",
    "FinishReason",
    "Finished",
    "GenerateRequest",
    "GenerateResult",
    "GrammarError",
    "HardwareEvent",
    "HardwareEventKind",
    "HardwareSnapshot",
    "ImageError",
    "InputFile",
    "InvalidRequestError",
    "Json",
    "Kind",
    "Label",
    "LoadedModelInfo",
    "Loading",
    "Message",
    "ModelError",
    "ModelFileError",
    "ModelInfo",
    "ModelNotFoundError",
    "OfferInfo",
    "OfferKind",
    "OutOfMemoryError",
    "OverflowPolicy",
    "Permission",
    "PermissionKind",
    "Placement",
    "PlacementReport",
    "PluginError",
    "PluginInfo",
    "PluginRefusedError",
    "PluginState",
    "Prefill",
    "Queued",
    "RecognizeRequest",
    "RecognizeResult",
    "RequestError",
    "Route",
    "Sample",
    "Sampling",
    "SteppedDown",
    "Table",
    "TaskCancelledError",
    "TaskEvent",
    "TaskFinished",
    "TaskInfo",
    "TaskProgress",
    "TaskRequest",
    "TaskText",
    "TelemetrySample",
    "TemplateError",
    "TextDelta",
    "TextLine",
    "ThinkingDelta",
    "Timings",
    "TokenLogprob",
    "ToolCall",
    "ToolInfo",
    "ToolSpec",
    "Urgency",
    "Usage",
    "Value",
    "Values",
    "VisionOutput",
    "assistant",
    "system",
    "user",
]

_HOMES = (
    "engine.errors",
    "engine.config",
    "engine.types",
    "engine.hardware",
    "engine.plugins.contract.values",
    "engine.plugins.contract.offers",
    "engine.plugins.manifest",
    "engine.plugins.infos",
    "engine.engine",
)
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
