"""Every error that crosses the engine's door.

    EngineError
    ├── ConfigError               a setting is wrong
    ├── EngineClosedError         the engine is not open
    ├── EngineDeadError           a lane failed inside, outside of any model
    ├── OutOfMemoryError          the model or its context does not fit
    ├── DeviceError               a device cannot be used, or not for this
    │   └── DeviceLostError       a device, or the process that used it, is gone
    ├── PluginError               a plugin failed, or cannot be used
    │   └── PluginRefusedError    a plugin's folder, zip or manifest is refused
    ├── HubError                  the hub cannot be asked, or a file not be fetched
    │   └── OfflineError          Hearth is switched to offline
    ├── JobError                  work in the background cannot be done
    ├── TaskCancelledError        the task was cancelled
    ├── RequestCancelledError     the request was cancelled in the queue
    ├── ModelError                this model cannot be used
    │   ├── ModelNotFoundError    no such id or file
    │   ├── ModelFileError        the file is broken, or not a model
    │   └── CapabilityError       the model cannot do what was asked
    └── RequestError              this request failed; the engine is fine
        ├── InvalidRequestError   a field is missing or out of range
        ├── ContextOverflowError  prompt longer than the context
        ├── GrammarError          grammar or JSON schema refused
        ├── TemplateError         the model's chat template failed or ran too long
        └── ImageError            the image cannot be read

`str(error)` is one sentence with the cause, followed by what to do where that is known.
"""


class EngineError(Exception):
    """Base of all engine errors.

    Attributes:
        cause: one sentence: what is wrong, with the numbers.
        remedy: one sentence: what the person can do; may be empty.
    """

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(cause, remedy)
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.cause} {self.remedy}".rstrip()


class ConfigError(EngineError):
    """A setting is wrong."""


class EngineClosedError(EngineError):
    """The engine is not open."""


class EngineDeadError(EngineError):
    """A lane failed inside, outside of any model; it goes on with the next request."""


class OutOfMemoryError(EngineError):
    """The model or its context does not fit into memory."""


class DeviceError(EngineError):
    """A device cannot be used, or not for this."""


class DeviceLostError(DeviceError):
    """A device, or the process that used it, is gone."""


class PluginError(EngineError):
    """A plugin failed, or cannot be used.

    Attributes:
        plugin: its id.
        details: a traceback or the end of its output, for copying; may be empty.
    """

    def __init__(self, plugin: str, cause: str, remedy: str = "", details: str = "") -> None:
        super().__init__(cause, remedy)
        self.plugin = plugin
        self.details = details


class PluginRefusedError(PluginError):
    """A plugin's folder, zip or manifest is refused."""


class HubError(EngineError):
    """The hub cannot be asked, or a file cannot be fetched."""


class OfflineError(HubError):
    """Hearth is switched to offline, and this would need the network."""


class JobError(EngineError):
    """Work in the background cannot be done, or there is no such job."""


class TaskCancelledError(EngineError):
    """The task was cancelled."""

    def __init__(self) -> None:
        super().__init__("The task was cancelled.")


class RequestCancelledError(EngineError):
    """Somebody cancelled the request in the queue."""


class ModelError(EngineError):
    """This model cannot be used."""


class ModelNotFoundError(ModelError):
    """No model of this id, and no such file."""


class ModelFileError(ModelError):
    """The file is broken, incomplete, or not a model.

    Attributes:
        rule: short name of the rule that it breaks, such as `tensor-offsets`; empty if that rule has none.
    """

    def __init__(self, cause: str, remedy: str = "", rule: str = "") -> None:
        super().__init__(cause, remedy)
        self.rule = rule


class CapabilityError(ModelError):
    """The model cannot do what was asked."""


class RequestError(EngineError):
    """This request failed; the engine is fine."""


class InvalidRequestError(RequestError):
    """A field of the request is missing or out of range."""


class ContextOverflowError(RequestError):
    """The prompt is longer than the context.

    Attributes:
        prompt_tokens: length of the prompt.
        context_tokens: what the model was loaded with.
    """

    def __init__(self, prompt_tokens: int, context_tokens: int) -> None:
        super().__init__(
            f"The prompt has {prompt_tokens:,} tokens, but the context holds {context_tokens:,}.",
            "Shorten it, load the model with a larger context, or let the oldest turns be dropped.",
        )
        self.prompt_tokens = prompt_tokens
        self.context_tokens = context_tokens


class GrammarError(RequestError):
    """The grammar or JSON schema is refused."""


class TemplateError(RequestError):
    """The model's chat template failed, or ran too long."""


class ImageError(RequestError):
    """The image cannot be read."""
