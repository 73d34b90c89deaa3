from pathlib import Path

import pytest

from engine.models.walk import model_id


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/resnet-50/model.onnx", "resnet-50"),
        ("a/resnet-50/onnx/model.onnx", "resnet-50"),
        ("a/resnet-50/model_quantized.onnx", "resnet-50_quantized"),
        ("a/Detr/onnx/model_fp16.onnx", "detr_fp16"),
        ("a/resnet-50/model_of_mine.onnx", "model_of_mine"),
        ("a/m/Big-Q4_K_M-00001-of-00002.gguf", "big-q4_k_m"),
    ],
)
def test_a_file_that_is_just_called_model_goes_by_its_folder(path: str, name: str) -> None:
    assert model_id(Path(path)) == name
