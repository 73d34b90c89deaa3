"""Cards, folders and reports of the mock-up, and verdicts in round numbers."""

from pathlib import Path
from typing import Any

from engine import (
    Accepts,
    Fit,
    FitLine,
    FitVerdict,
    GateReport,
    HubFile,
    HubModel,
    LibraryFolder,
    ModelCard,
    ModelInfo,
    Origin,
    Provenance,
    QualityReport,
    Trust,
)
from engine.hardware import DeviceInfo, DeviceKind, Route

GB = 1_000_000_000
MB = 1_000_000
HOME = Path("/home/jo/.local/share/hearth/models")
LM_STUDIO = Path("/home/jo/.lmstudio/models")
TEXT = frozenset({Accepts.MESSAGES, Accepts.PROMPT})
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}\n"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CPU = DeviceInfo(id="cpu", kind=DeviceKind.CPU, name="Ryzen 7", routes=(Route(backend="llama.cpp", interface="CPU"),))
GPU = DeviceInfo(id="gpu:0", kind=DeviceKind.GPU, name="RTX", routes=(Route(backend="llama.cpp", interface="CUDA"),))
NPU = DeviceInfo(id="npu:0", kind=DeviceKind.NPU, name="AI", routes=(Route(backend="onnxruntime", interface="X"),))


def card(model: str, title: str, size_bytes: int, **other: Any) -> ModelCard:
    """A text model in Hearth's own folder, unless something else is said."""
    given = {name: other.pop(name) for name in tuple(other) if name not in ModelCard.__dataclass_fields__}
    kind = given.pop("format", "gguf")
    facts = {
        "architecture": "llama",
        "quantization": "Q4_K_M",
        "accepts": TEXT,
        "tasks": ("chat", "completion"),
        "plugins": ("chat",),
        "context_tokens": 32_768,
        "licence": "apache-2.0",
        **{name: value for name, value in given.items() if name not in {"origin", "folder"}},
    }
    folder = given.get("folder", HOME)
    path = folder / f"{model}.{kind}"
    info = ModelInfo(id=model, path=path, format=kind, name=title, size_bytes=size_bytes, **facts)
    came = Provenance(origin=given.get("origin", Origin.OWN), folder=folder, added_at=1_790_000_000.0)
    defaults: dict[str, Any] = {"files": (path,), "provenance": came, "gate": GateReport(trust=Trust.PASSED)}
    if Accepts.MESSAGES in info.accepts:
        defaults |= {"template": TEMPLATE, "template_sha256": "4c1d" * 16}
    return ModelCard(info=info, title=title, **{**defaults, **other})


BIG = card(
    "qwen2.5-14b-instruct-q4_k_m",
    "Qwen2.5 14B Instruct",
    8_990 * MB,
    architecture="qwen2",
    parameters=14_800_000_000,
    tokens_per_s=3.0,
    measured_on="cpu",
    sha256="9f2c41d0" * 8,
)
CODER = card(
    "qwen2.5-coder-7b",
    "Qwen2.5 Coder 7B",
    4_680 * MB,
    architecture="qwen2",
    accepts=frozenset({Accepts.PROMPT, Accepts.SUFFIX}),
    tasks=("infill",),
    parameters=7_600_000_000,
    tokens_per_s=38.0,
    measured_on="gpu:0",
)
LLAMA = card(
    "llama-3.2-3b-instruct",
    "Llama 3.2 3B Instruct",
    2_320 * MB,
    quantization="Q5_K_M",
    tokens_per_s=71.0,
    measured_on="gpu:0",
    origin=Origin.LM_STUDIO,
    folder=LM_STUDIO,
)
TOO_BIG = card("mistral-small-24b", "Mistral Small 24B", 19_300 * MB, quantization="Q6_K", measured_on="cpu")
STARTER = card(
    "starter",
    "starter-15m",
    17 * MB,
    quantization="Q8_0",
    origin=Origin.INCLUDED,
    gate=GateReport(trust=Trust.INCLUDED),
    tokens_per_s=142.0,
    measured_on="cpu",
)
READER = card(
    "reader",
    "reader-4m",
    5 * MB,
    format="onnx",
    quantization="INT8",
    accepts=frozenset({Accepts.IMAGE}),
    tasks=("read-text",),
    context_tokens=None,
    origin=Origin.INCLUDED,
    gate=GateReport(trust=Trust.INCLUDED),
    tokens_per_s=90.0,
    measured_on="npu:0",
)
EMBEDDER = card(
    "minilm-l6-v2",
    "MiniLM L6 v2",
    23 * MB,
    format="onnx",
    quantization="INT8",
    accepts=frozenset({Accepts.TEXTS}),
    tasks=("embedding",),
    tokens_per_s=250.0,
    measured_on="npu:0",
)
MOCKED = (BIG, CODER, LLAMA, TOO_BIG, STARTER, READER, EMBEDDER)
REFUSED = card(
    "sly",
    "Sly Model",
    900 * MB,
    gate=GateReport(
        trust=Trust.REFUSED,
        rule="tensor-offsets",
        cause="Tensor blk.3.ffn_up.weight begins at byte 901,000,000, behind the end of the file.",
        remedy="Fetch it again: the file is cut off.",
    ),
)
BROKEN = (HOME / "half.gguf", "The file ends in the middle of its header. Fetch it again from where it came from.")
FOLDERS = (
    LibraryFolder(path=Path("/opt/hearth/models"), origin=Origin.INCLUDED, is_used=True, models=2, size_bytes=22 * MB),
    LibraryFolder(path=HOME, origin=Origin.OWN, is_used=True, models=4, size_bytes=32_993 * MB),
    LibraryFolder(path=LM_STUDIO, origin=Origin.LM_STUDIO, is_used=True, models=2, size_bytes=2_320 * MB),
)
RECOMMENDED = HubModel(
    repo="someone/small-model",
    name="Small Model 0.5B",
    summary="Answers quickly on any machine.",
    files=(HubFile(name="small-q4.gguf", parts=("small-q4.gguf",), size_bytes=398 * MB, fit=Fit.FITS),),
    tasks=("chat",),
    recommended="small-q4.gguf",
    is_catalogued=True,
)


def report(recipe: str, size_bytes: int, kept: float, per_s: float) -> QualityReport:
    """What a model made of 29.5 GB kept."""
    return QualityReport(
        recipe=recipe,
        source="qwen2.5-14b-instruct-f16",
        source_sha256="ab" * 32,
        text="held-out text",
        tokens=8192,
        size_ratio=size_bytes / 29_500_000_000,
        source_bytes=29_500 * MB,
        result_bytes=size_bytes,
        perplexity_ratio=1 + (1 - kept),
        kl_divergence=0.02,
        same_top_share=kept - 0.01,
        kept=kept,
        decode_speedup=per_s / 0.2,
        prefill_speedup=1.5,
        decode_per_s=per_s,
        source_decode_per_s=0.2,
        memory_bytes=size_bytes + GB,
        source_memory_bytes=30 * GB,
        machine="AMD Ryzen 7",
        measured_at=1_790_000_000.0,
    )


REPORTS = (
    report("q8_0", 15_700 * MB, 0.999, 0.4),
    report("q6_k", 12_100 * MB, 0.996, 0.8),
    report("q5_k_m", 10_500 * MB, 0.991, 1.4),
    report("q4_k_m", 8_990 * MB, 0.979, 3.0),
    report("q3_k_m", 7_320 * MB, 0.944, 6.0),
    report("q2_k", 5_770 * MB, 0.875, 7.0),
)


def verdict_for(found: ModelCard, context: int, budget: int) -> FitVerdict:
    """As the engine would say it, in round numbers."""
    weights, kv = found.info.size_bytes, context * 196_500
    if Accepts.IMAGE in found.info.accepts or found.info.size_bytes < GB:
        kv = 4 * MB
    rest = kv + (420 * MB if weights > GB else 8 * MB) + 90 * MB
    needed = weights + rest
    streamed = max(0, needed - budget)
    fit = Fit.FITS if not streamed else Fit.PAGING if streamed < 0.5 * weights else Fit.NO
    if fit is not Fit.PAGING:
        streamed = 0
    lines = (
        FitLine("Weights", weights - streamed, "14,800,000,000 weights, 4.9 bits each"),
        FitLine("KV cache", kv, "8,192 tokens"),
        FitLine("Compute buffers", rest - kv - 90 * MB, "for a step, and its results"),
        FitLine("Reserve", 90 * MB, "left free for small things"),
    )
    return FitVerdict(
        fit=fit,
        sentence=f"{found.info.id} needs {needed / 1e9:.1f} GB, but {budget / 1e9:.1f} GB are free.",
        lines=lines,
        needed_bytes=sum(line.size_bytes for line in lines),
        budget_bytes=budget,
        budget_reason="free now, with what idle models would give back",
        context_tokens=context,
        tokens_per_s=(6.0 if fit is Fit.FITS else 3.0) if fit is not Fit.NO else None,
        streamed_bytes=streamed,
        remedies=() if fit is Fit.FITS else ("Take it as Q3_K_M, 11.7 GB.",),
    )
