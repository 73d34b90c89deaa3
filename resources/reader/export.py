"""Write the trained network as ONNX, with its card.

Why the graph is built by hand: the network has four kinds of layer, folding the batch normalisation into the
convolutions is three lines, and the file depends on no exporter's version.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from resources.reader.model import CLASSES, Reader
from resources.reader.render import HEIGHT
from resources.reader.text import CHARSET

OPSET = 17
IR_VERSION = 8
"""Old enough for ONNX Runtime 1.14 and later."""

CARD = {
    "name": "Reader (printed text)",
    "task": "reading",
    "charset": CHARSET,
    "size": [HEIGHT, None],
    "layout": "NCHW",
    "channels": "L",
    "mean": [0.5],
    "std": [0.5],
    "resize": "fit",
    "licence": "MIT",
}


class _Graph:
    """Collects nodes and weights; `head` names the latest tensor."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.head = "lines"

    def add(self, operator: str, extra_inputs: Sequence[str] = (), **attributes: object) -> None:
        output = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, [self.head, *extra_inputs], [output], **attributes))
        self.head = output

    def weight(self, values: np.ndarray) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def convolve(self, layer: nn.Conv2d, norm: nn.BatchNorm2d | None) -> None:
        kernel, bias = _fold(layer, norm)
        pads = [*layer.padding, *layer.padding]
        names = [self.weight(kernel), self.weight(bias)]
        self.add("Conv", names, strides=list(layer.stride), pads=pads, group=layer.groups)


def build(network: Reader) -> onnx.ModelProto:
    """Make the ONNX graph: `lines` (N, 1, 32, W) -> `probabilities` (N, frames, CLASSES)."""
    graph = _Graph()
    layers = list(network.features)
    for layer, norm in zip(layers, [*layers[1:], None], strict=True):
        if isinstance(layer, nn.Conv2d):
            graph.convolve(layer, norm)
            graph.add("Relu")
        elif not isinstance(layer, nn.BatchNorm2d | nn.ReLU):
            _add_block(graph, list(layer.layers))
    graph.convolve(network.head, None)
    graph.add("Squeeze", [graph.weight(np.array([2]))])
    graph.add("Transpose", perm=[0, 2, 1])
    graph.add("Reshape", [graph.weight(np.array([0, -1, CLASSES]))])
    graph.add("Softmax", axis=2)
    graph.nodes[-1].output[0] = "probabilities"
    inputs = [helper.make_tensor_value_info("lines", TensorProto.FLOAT, ["batch", 1, HEIGHT, "width"])]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", "frames", CLASSES])]
    proto = helper.make_graph(graph.nodes, "reader", inputs, outputs, graph.weights)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="hearth")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    return model


def export(network: Reader, folder: Path) -> None:
    """Write reader.onnx and reader.json."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(build(network.eval()), folder / "reader.onnx")
    (folder / "reader.json").write_text(json.dumps(CARD, indent=2) + "\n", encoding="utf-8")


def _add_block(graph: _Graph, layers: list[nn.Module]) -> None:
    depthwise, first_norm, _, pointwise, second_norm = layers
    shortcut = graph.head
    graph.convolve(depthwise, first_norm)
    graph.add("Relu")
    graph.convolve(pointwise, second_norm)
    graph.add("Add", [shortcut])
    graph.add("Relu")


def _fold(layer: nn.Conv2d, norm: nn.BatchNorm2d | None) -> tuple[np.ndarray, np.ndarray]:
    """Merge a convolution and the normalisation after it into one kernel and bias."""
    kernel = layer.weight.detach().numpy()
    if norm is None:
        return kernel, layer.bias.detach().numpy()
    scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach().numpy()
    bias = norm.bias.detach().numpy() - norm.running_mean.numpy() * scale
    return np.ascontiguousarray(kernel * scale[:, None, None, None]), bias


def main() -> None:
    """Export a checkpoint of an unfinished run: `python -m resources.reader.export CHECKPOINT FOLDER`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    network = Reader()
    network.load_state_dict(torch.load(options.checkpoint, weights_only=True)["average"])
    export(network, options.out)


if __name__ == "__main__":
    main()
