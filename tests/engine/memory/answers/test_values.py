import numpy as np
import pytest

from engine.memory.answers.values import KeptImage, KeptText, KeptVector, decode, encode, kept_image, kept_text
from engine.types import (
    Detection,
    FinishReason,
    GenerateResult,
    Label,
    Placement,
    RecognizeResult,
    TextLine,
    Timings,
    TokenLogprob,
    ToolCall,
    Usage,
    VisionOutput,
)

TIMINGS = Timings(queued_s=0.1, load_s=0.2, prefill_s=0.3, first_token_s=0.4, decode_s=0.5, total_s=1.5)
PLACEMENT = Placement(device="cpu", backend="x", threads=2, reason="r", energy_j=None)
TEXT = GenerateResult(
    text="Grüße 😀\0",
    finish_reason=FinishReason.STOP,
    usage=Usage(prompt_tokens=3, cached_tokens=1, output_tokens=2),
    timings=TIMINGS,
    placement=PLACEMENT,
    seed=2**32 - 2,
    logprobs=(TokenLogprob(text="a", logprob=-0.5, top=(("b", -1.5),)),),
    dropped_messages=(1, 2),
    thinking="hm",
    tool_calls=(ToolCall("f", {"z": [1, {"a": None}], "b": 0.5}),),
)
SEEN = VisionOutput(
    task="t",
    image_size=(3, 4),
    labels=(Label("l", 0.5),),
    lines=(TextLine("x", 0.5, (1, 2, 3, 4)),),
    detections=(Detection("d", 0.25, (1, 2, 3, 4)),),
    mask=np.arange(6, dtype=np.uint8).reshape(2, 3),
    mask_names=("sky",),
    features=np.array([0.1, -2], np.float32),
)


def test_a_text_comes_back_as_it_was():
    kept = decode(encode(kept_text(TEXT)), KeptText)
    assert kept is not None
    assert (kept.result, kept.saved_s) == (TEXT, 1.5)


def test_what_was_seen_comes_back_as_it_was():
    result = RecognizeResult(output=SEEN, timings=TIMINGS, placement=PLACEMENT)
    kept = decode(encode(kept_image(result)), KeptImage)
    assert kept is not None
    found = kept.result.output
    for name in ("task", "image_size", "labels", "lines", "detections", "mask_names"):
        assert getattr(found, name) == getattr(SEEN, name)
    for name in ("mask", "features"):
        array, expected = getattr(found, name), getattr(SEEN, name)
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == expected.dtype
        assert array.flags.writeable


def test_a_vector_comes_back_bit_for_bit():
    vector = np.random.default_rng(0).normal(size=300).astype(np.float32)
    kept = decode(encode(KeptVector(1.0, 2.0, vector, 5, TIMINGS, PLACEMENT)), KeptVector)
    assert kept is not None
    assert kept.vector.tobytes() == vector.tobytes()


@pytest.mark.parametrize("data", [b"", b"\xc0", b"\x93\x01\x02\x03", b"\x80\x04\x95", encode(kept_text(TEXT))[:-3]])
@pytest.mark.parametrize("kind", [KeptText, KeptImage, KeptVector])
def test_what_is_no_value_is_none(data: bytes, kind: type):
    assert decode(data, kind) is None


def test_an_array_of_another_type_is_neither_stored_nor_read():
    with pytest.raises(TypeError):
        encode(KeptVector(1.0, 2.0, np.zeros(2, np.float64), 5, TIMINGS, PLACEMENT))
    data = encode(KeptVector(1.0, 2.0, np.zeros(2, np.float32), 5, TIMINGS, PLACEMENT))
    assert decode(data.replace(b"<f4", b"|O8"), KeptVector) is None
