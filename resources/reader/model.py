"""The network: a small stack of convolutions that reads a line of text from left to right.

Why no recurrent layer: convolutions take any width, run in parallel, export to plain ONNX operators, and a letter
needs only its neighbours to be told apart.
"""

import torch
from torch import nn

from resources.reader.text import CHARSET

CLASSES = len(CHARSET) + 1
FRAME_COLUMNS = 2
"""Columns of the image per output frame; `ll` in a narrow font needs three frames in about 7 columns."""


class Reader(nn.Module):
    """Line image, float32 (N, 1, 32, W) in -1..1 -> log-probabilities, float32 (N, 2 * frames(W), CLASSES)."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_conv(1, 24, kernel=(3, 3), stride=(2, 2), padding=(1, 1)),  # 16 rows, W / 2
            *_conv(24, 48, kernel=(3, 3), stride=(2, 1), padding=(1, 1)),  # 8 rows
            *_conv(48, 96, kernel=(3, 3), stride=(2, 2), padding=(1, 1)),  # 4 rows, W / 4
            *_conv(96, 224, kernel=(4, 3), stride=(1, 1), padding=(0, 1)),  # 1 row
            *(_Block(224) for _ in range(5)),
        )
        # Each position says what is in its left and its right half, so that the layers above run at half the width.
        self.head = nn.Conv2d(224, 2 * CLASSES, 1)

    def forward(self, lines: torch.Tensor) -> torch.Tensor:
        """Read a batch of lines."""
        scores = self.head(self.features(lines)).squeeze(2).transpose(1, 2)
        return scores.reshape(scores.shape[0], -1, CLASSES).log_softmax(2)


class _Block(nn.Module):
    """Depthwise then pointwise convolution along the line, added to its input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, (1, 7), padding=(0, 3), groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.layers(x))


def frames(width: int) -> int:
    """Count the output frames of a line `width` columns wide."""
    return 2 * ((((width + 1) // 2) + 1) // 2)


def _conv(
    inputs: int, outputs: int, *, kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]
) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
