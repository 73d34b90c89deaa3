"""Opening files: good ones, every kind of bad one, and none left behind."""

import gc
import logging
import sys
from pathlib import Path

import psutil
import pytest

from engine.backends.base import Backend, EmbeddingModel, LoadOptions, TextModel
from engine.backends.llama import LlamaBackend
from engine.bench.random_model import cached_random_model
from engine.errors import CapabilityError, EngineError, ModelFileError, OutOfMemoryError, TemplateError
from engine.models.gguf import read_header
from engine.models.gguf_facts import facts_of
from engine.models.gguf_info import describe
from engine.plugins.registry import Registry
from engine.types import Accepts, ModelInfo


def info(path) -> ModelInfo:
    size = path.stat().st_size if path.is_file() else 0
    return ModelInfo(id="m", path=path, format="gguf", name="m", architecture="llama", size_bytes=size)


def load(path, registry=None, **options):
    return LlamaBackend(registry).load(info(path), LoadOptions(**options), lambda _fraction: True)


def test_the_backend_says_who_it_is():
    backend: Backend = LlamaBackend()
    assert backend.name == "llama.cpp"
    assert backend.version[0].isdigit()


def test_a_missing_file(tmp_path):
    with pytest.raises(ModelFileError, match="no file"):
        load(tmp_path / "none.gguf")


def test_a_folder(tmp_path):
    with pytest.raises(ModelFileError, match="folder"):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"GG", b"hello, I am text", b"\0" * 4096])
def test_a_file_of_another_kind(tmp_path, content):
    path = tmp_path / "text.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="not a GGUF file"):
        load(path)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.5, 0.99])
def test_a_truncated_file(tmp_path, tiny_path, share):
    data = tiny_path.read_bytes()
    path = tmp_path / "cut.gguf"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelFileError, match=r"cut\.gguf") as caught:
        load(path)
    assert caught.value.remedy


def test_an_unknown_architecture(tmp_path, tiny_path):
    path = tmp_path / "odd.gguf"
    path.write_bytes(tiny_path.read_bytes().replace(b"llama", b"lzama"))
    with pytest.raises(ModelFileError, match="lzama"):
        load(path)


def test_a_name_that_is_not_unicode(tmp_path, tiny_path):
    path = tmp_path / "bad\udcff.gguf"
    path.write_bytes(tiny_path.read_bytes())
    with pytest.raises(ModelFileError, match="not valid Unicode"):
        load(path)


def test_an_unusual_name(tmp_path, tiny_path):
    path = tmp_path / "\u043c\u043e\u0434\u0435\u043b\u044c \U0001f600.gguf"
    path.write_bytes(tiny_path.read_bytes())
    load(path).close()


def test_nothing_but_the_error_is_said(tmp_path, capfd):
    path = tmp_path / "cut.gguf"
    path.write_bytes(b"GGUF" + b"\xff" * 100)
    with pytest.raises(ModelFileError):
        load(path)
    assert capfd.readouterr() == ("", "")


def test_what_llama_cpp_says_goes_to_logging(tiny_path, caplog):
    with caplog.at_level(logging.DEBUG, logger="engine.backends.llama"):
        load(tiny_path).close()
    assert any("n_ctx" in record.message for record in caplog.records)
    assert all(record.levelno <= logging.INFO for record in caplog.records)


def test_progress_goes_from_start_to_end(tiny_path):
    seen = []
    LlamaBackend().load(info(tiny_path), LoadOptions(), lambda fraction: seen.append(fraction) or True).close()
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)


def test_loading_can_be_cancelled(tiny_path):
    with pytest.raises(EngineError, match="cancelled"):
        LlamaBackend().load(info(tiny_path), LoadOptions(), lambda _fraction: False)


def test_an_error_in_the_progress_callback_comes_out(tiny_path):
    def fail(_fraction: float) -> bool:
        raise LookupError("window is gone")

    with pytest.raises(LookupError, match="window is gone"):
        LlamaBackend().load(info(tiny_path), LoadOptions(), fail)


def test_a_context_that_cannot_fit_is_refused_with_numbers(tiny_path):
    with pytest.raises(OutOfMemoryError, match="MiB"):
        load(tiny_path, context_tokens=256, available_bytes=100_000)


def test_little_memory_means_fewer_cells_but_never_less_than_one_context(tiny_path):
    model = load(tiny_path, context_tokens=256, max_sequences=16, available_bytes=1 << 20)
    assert model._context.kv.cells == 256
    model.close()
    model = load(tiny_path, context_tokens=256, max_sequences=16)
    assert model._context.kv.cells >= 16 * 600
    model.close()


def test_memory_counts_weights_cache_and_buffers(tiny_path):
    small = load(tiny_path, context_tokens=256, max_sequences=1)
    large = load(tiny_path, context_tokens=256, max_sequences=16)
    cells = large._context.kv.cells - small._context.kv.cells
    assert small.memory_bytes > tiny_path.stat().st_size * 0.9
    assert large.memory_bytes - small.memory_bytes >= cells * small._weights.kv_bytes_per_token
    small.close()
    large.close()


def test_closing_twice_is_safe(tiny_path, bert_path):
    model = load(tiny_path)
    model.admit(model.prepare(request_for("the")))
    model.close()
    model.close()
    embedder = LlamaBackend().load(
        ModelInfo(
            id="b",
            path=bert_path,
            format="gguf",
            name="b",
            architecture="bert",
            size_bytes=1,
        ),
        LoadOptions(),
        lambda _fraction: True,
    )
    embedder.close()
    embedder.close()


def test_an_encoder_does_not_generate_text_whatever_a_plugin_says(bert_path, registry_of):
    with pytest.raises(CapabilityError, match="does not write text"):
        load(bert_path, registry_of(Accepts.PROMPT))


def test_a_model_that_no_plugin_knows_is_refused(tiny_path):
    with pytest.raises(CapabilityError, match="No plugin knows how to use m"):
        load(tiny_path, Registry())


def test_a_model_is_loaded_as_what_the_most_confident_plugin_says(tiny_path, registry_of):
    for forms, kind in (
        ({Accepts.TEXTS}, EmbeddingModel),
        ({Accepts.PROMPT}, TextModel),
        ({Accepts.TEXTS, Accepts.PROMPT}, TextModel),
    ):
        model = load(tiny_path, registry_of(*forms))
        assert isinstance(model, kind)
        model.close()


def test_plugins_are_told_what_llama_cpp_knows_better(tmp_path, tiny_path, registry_of, plain_format):
    """Without the keys, a vocabulary of this kind still begins texts with <s>."""
    path = tmp_path / "nameless.gguf"
    path.write_bytes(tiny_path.read_bytes().replace(b"tokenizer.ggml.bos_token_id", b"tokenizer.ggml.bxx_token_id"))
    registry, seen = registry_of(Accepts.PROMPT), []
    family = next(iter(registry.serve(facts_of(read_header(path))).families.values()))
    family.open = lambda facts: seen.append(facts) or plain_format
    load(path, registry).close()
    assert facts_of(read_header(path)).bos == ""
    assert (seen[0].bos, seen[0].eos) == ("<s>", "</s>")


def test_a_plugin_that_refuses_a_model_leaves_nothing_open(tiny_path, registry_of):
    registry = registry_of(Accepts.PROMPT)
    family = next(iter(registry.serve(facts_of(read_header(tiny_path))).families.values()))

    def refuse(facts):
        raise TemplateError("The template is broken.")

    family.open = refuse
    with pytest.raises(TemplateError):
        load(tiny_path, registry)


def test_opening_and_closing_fifty_times_leaks_neither_threads_nor_memory(tiny_path):
    process = psutil.Process()

    def once() -> None:
        model = load(tiny_path, context_tokens=256, max_sequences=2, threads=2)
        sequence = model.admit(model.prepare(request_for("the cat sat")))
        while not any(step.finish for step in model.step([sequence], 512)):
            pass
        model.close()

    for _ in range(5):
        once()
    gc.collect()
    threads, resident = process.num_threads(), process.memory_info().rss
    for _ in range(50):
        once()
    gc.collect()
    assert process.num_threads() <= threads
    assert process.memory_info().rss - resident < 12 << 20


def request_for(prompt: str):
    from engine.types import GenerateRequest, Sampling

    sampling = Sampling(seed=1, repeat_penalty=1.1)
    return GenerateRequest(model="m", prompt=prompt, grammar="root ::= [a-z]+", sampling=sampling, max_tokens=2)


@pytest.mark.skipif(sys.platform != "linux", reason="what is mapped is asked of Linux")
@pytest.mark.parametrize(("kind", "is_copied"), [("q8_0", False), ("f16", False), ("q4_0", True), ("q4_k_m", True)])
def test_weights_are_in_memory_once(tmp_path, kind, is_copied):
    """Mapped, or copied into another order; not both."""
    path = cached_random_model(tmp_path, "tiny", kind)
    model = LlamaBackend().load(describe(read_header(path), "m"), LoadOptions(), lambda _fraction: True)
    share = mapped_in_memory(path) / path.stat().st_size
    assert share < 0.2 if is_copied else share > 0.9
    model.close()


def mapped_in_memory(path: Path) -> int:
    """Bytes of a mapped file that are in this process's memory."""
    total, is_ours = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split(maxsplit=1)[0]:
            is_ours = line.endswith(str(path))
        elif is_ours and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total
