"""The execution providers of ONNX Runtime that Hearth uses, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One way to run a graph.

    Attributes:
        name: as ONNX Runtime spells it.
        device: where it runs: `cpu`, `gpu:N` or `npu:N`.
        package: distribution that contains it.
        options: passed to the provider.
    """

    name: str
    device: str
    package: str
    options: Mapping[str, str] = field(default_factory=dict)


CPU = Provider(name="CPUExecutionProvider", device="cpu", package="onnxruntime")
