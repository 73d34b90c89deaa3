"""Backends without weights and tasks without an engine, shipped so that plugins and front ends can be tested.

text = FakeBackend(script=("Hel", "lo"))
async with Engine(config, backends={"gguf": text}) as engine: ...

context = FakeTaskContext(FakeModels(lambda request: "short"))
outputs = MyTask().run({"text": "long"}, context)

offers = load_plugin(Path("my_plugin"))
"""

from engine.testing.backends import FakeBackend as FakeBackend
from engine.testing.backends import FakeEmbeddingModel as FakeEmbeddingModel
from engine.testing.backends import FakeSequence as FakeSequence
from engine.testing.backends import FakeTextModel as FakeTextModel
from engine.testing.backends import FakeVisionModel as FakeVisionModel
from engine.testing.images import recognize_images as recognize_images
from engine.testing.library import FakeLibrary as FakeLibrary
from engine.testing.plugins import load_plugin as load_plugin
from engine.testing.tasks import FakeModels as FakeModels
from engine.testing.tasks import FakeTaskContext as FakeTaskContext
