"""All that a plugin may import from Hearth, beside the standard library, numpy, Pillow, Jinja2 and tokenizers.

The version is semantic: a plugin that says `api = "1.0"` runs with every 1.x.
"""

from typing import Final

from engine.errors import CapabilityError as CapabilityError
from engine.errors import EngineError as EngineError
from engine.errors import InvalidRequestError as InvalidRequestError
from engine.errors import ModelFileError as ModelFileError
from engine.errors import RequestError as RequestError
from engine.errors import TaskCancelledError as TaskCancelledError
from engine.errors import TemplateError as TemplateError
from engine.plugins.contract.models import Composition as Composition
from engine.plugins.contract.models import ModelFacts as ModelFacts
from engine.plugins.contract.models import ModelFamily as ModelFamily
from engine.plugins.contract.models import Recognition as Recognition
from engine.plugins.contract.models import Span as Span
from engine.plugins.contract.models import TensorFacts as TensorFacts
from engine.plugins.contract.models import Text as Text
from engine.plugins.contract.models import TextFormat as TextFormat
from engine.plugins.contract.models import Token as Token
from engine.plugins.contract.offers import Registrar as Registrar
from engine.plugins.contract.offers import Sample as Sample
from engine.plugins.contract.offers import TelemetrySource as TelemetrySource
from engine.plugins.contract.offers import Tool as Tool
from engine.plugins.contract.tasks import Models as Models
from engine.plugins.contract.tasks import Task as Task
from engine.plugins.contract.tasks import TaskContext as TaskContext
from engine.plugins.contract.values import Field as Field
from engine.plugins.contract.values import InputFile as InputFile
from engine.plugins.contract.values import Json as Json
from engine.plugins.contract.values import Kind as Kind
from engine.plugins.contract.values import Table as Table
from engine.plugins.contract.values import Value as Value
from engine.plugins.contract.values import Values as Values
from engine.plugins.contract.vision import ImageFormat as ImageFormat
from engine.plugins.contract.vision import Picture as Picture
from engine.plugins.contract.vision import Pixels as Pixels
from engine.plugins.contract.vision import Prepared as Prepared
from engine.plugins.contract.vision import Tensors as Tensors
from engine.plugins.contract.vision import VisionPipeline as VisionPipeline
from engine.templates.environment import ConversationRefusedError as ConversationRefusedError
from engine.templates.template import SafeTemplate as SafeTemplate
from engine.types import Accepts as Accepts
from engine.types import Detection as Detection
from engine.types import EmbedRequest as EmbedRequest
from engine.types import EmbedResult as EmbedResult
from engine.types import FloatArray as FloatArray
from engine.types import GenerateRequest as GenerateRequest
from engine.types import GenerateResult as GenerateResult
from engine.types import Label as Label
from engine.types import Message as Message
from engine.types import ModelInfo as ModelInfo
from engine.types import RecognizeRequest as RecognizeRequest
from engine.types import RecognizeResult as RecognizeResult
from engine.types import Sampling as Sampling
from engine.types import TextLine as TextLine
from engine.types import ToolCall as ToolCall
from engine.types import ToolSpec as ToolSpec
from engine.types import VisionOutput as VisionOutput
from engine.types import assistant as assistant
from engine.types import system as system
from engine.types import user as user

API_VERSION: Final = "1.0"
