import pytest

from engine.hub.files import RepoFile, models_among, quantization_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Llama-3.2-1B-Instruct-Q4_K_M.gguf", "Q4_K_M"),
        ("tinyllama-1.1b-chat-v1.0.Q8_0.gguf", "Q8_0"),
        ("model-IQ4_XS.gguf", "IQ4_XS"),
        ("model-i1-IQ3_XXS.gguf", "IQ3_XXS"),
        ("Qwen3-4B-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("Phi-3-mini-4k-instruct-q4.gguf", "Q4"),
        ("Phi-3-mini-4k-instruct-fp16.gguf", "F16"),
        ("model-BF16-00001-of-00003.gguf", "BF16"),
        ("model-Q4_0_4_4.gguf", "Q4_0_4_4"),
        ("gpt-oss-20b-mxfp4.gguf", "MXFP4"),
        ("Q4_K_M/model-Q4_K_M-00001-of-00002.gguf", "Q4_K_M"),
        ("onnx/model_quantized.onnx", "INT8"),
        ("onnx/model_q4f16.onnx", "Q4F16"),
        ("onnx/model_uint8.onnx", "UINT8"),
        ("model.gguf", ""),
        ("Qwen2-7B.gguf", ""),
        ("mistral-7b-v0.3.gguf", ""),
    ],
)
def test_the_name_says_how_weights_are_stored(name: str, kind: str) -> None:
    assert quantization_of(name) == kind


def files(*names: str, size: int = 10) -> list[RepoFile]:
    return [RepoFile(name=name, size_bytes=size, sha256=f"{at:064x}") for at, name in enumerate(names)]


def test_what_is_only_a_part_of_a_model_is_no_model() -> None:
    names = ("README.md", "m-Q8_0.gguf", "mmproj-m-F16.gguf", "m.imatrix.gguf", "imatrix.dat", "m-lora-f16.gguf")
    assert [found.name for found in models_among(files(*names))] == ["m-Q8_0.gguf"]


def test_the_parts_of_a_split_model_are_one_file_in_their_order() -> None:
    parts = [f"big/m-Q4_K_M-{number:05}-of-00003.gguf" for number in (3, 1, 2)]
    (found,) = models_among(files(*parts))
    assert found.parts == tuple(sorted(parts))
    assert found.name == min(parts)
    assert found.size_bytes == 30
    assert [int(sha, 16) for sha in found.sha256] == [1, 2, 0]
    assert found.quantization == "Q4_K_M"


def test_a_split_model_with_a_missing_part_is_not_offered() -> None:
    assert models_among(files("m-00001-of-00003.gguf", "m-00003-of-00003.gguf")) == ()


def test_a_graph_comes_with_its_weights_card_and_tokenizer() -> None:
    names = (
        "onnx/model.onnx", "onnx/model.onnx_data", "onnx/model.onnx_data_1", "onnx/model_fp16.onnx", "onnx/model.json",
        "tokenizer.json", "config.json", "preprocessor_config.json", "vocab.txt", "onnx/model_fp16.onnx_data",
    )  # fmt: skip
    found = {file.name: file for file in models_among(files(*names))}
    assert set(found) == {"onnx/model.onnx", "onnx/model_fp16.onnx"}
    beside = ("tokenizer.json", "config.json", "preprocessor_config.json")
    weights = ("onnx/model.json", "onnx/model.onnx_data", "onnx/model.onnx_data_1")
    assert found["onnx/model.onnx"].parts == ("onnx/model.onnx", *weights, *beside)
    assert found["onnx/model_fp16.onnx"].parts == ("onnx/model_fp16.onnx", "onnx/model_fp16.onnx_data", *beside)


def test_graphs_that_work_only_together_are_not_offered() -> None:
    names = ("onnx/decoder_model_merged.onnx", "onnx/encoder_model.onnx", "onnx/vision_encoder_q4.onnx", "model.onnx")
    assert [found.name for found in models_among(files(*names))] == ["model.onnx"]


def test_the_smallest_comes_first() -> None:
    listed = [RepoFile(name=f"m-{kind}.gguf", size_bytes=size) for kind, size in (("F16", 9), ("Q4_0", 3), ("Q8_0", 5))]
    assert [found.quantization for found in models_among(listed)] == ["Q4_0", "Q8_0", "F16"]
