"""Scores of texts, against numbers computed in another way."""

from pathlib import Path

import llama_cpp.llama_cpp as llama
import numpy as np
import pytest

from engine.backends.llama.native import address_of, ensure_initialised, float_view
from engine.backends.llama.scoring import WINDOW, kl_divergence, log_probabilities, score_result, score_source
from engine.backends.llama.speed_meter import SpeedWorker
from engine.backends.process.ticks import Progress
from engine.backends.scores import ResultOrder, SourceOrder, TextScore
from engine.errors import CapabilityError, EngineError, ModelFileError
from engine.quantize.held_out import held_out_text
from tests.engine.quantize.smaller import Q2_K, STARTER, quantized

LIMIT = 1 << 30


def scored(path: Path, text: str, rows: Path, most_bytes: int = LIMIT, limit_s: float = 60.0):
    order = SourceOrder(path=str(path), threads=1, text=text, rows=str(rows), most_bytes=most_bytes, limit_s=limit_s)
    return score_source(order, Progress())


def compared(path: Path, windows: list[list[int]], rows: Path) -> TextScore:
    return score_result(ResultOrder(path=str(path), threads=1, windows=windows, rows=str(rows)), Progress())


def logits_of(path: Path, tokens: list[int]) -> np.ndarray:
    """All logits of one window, in one batch and in double precision: not how the product does it."""
    ensure_initialised()
    model = llama.llama_model_load_from_file(str(path).encode(), llama.llama_model_default_params())
    params = llama.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = len(tokens)
    params.n_threads = params.n_threads_batch = 1
    context = llama.llama_init_from_model(model, params)
    batch = llama.llama_batch_init(len(tokens), 0, 1)
    batch.n_tokens = len(tokens)
    for row, token in enumerate(tokens):
        batch.token[row], batch.pos[row], batch.logits[row] = token, row, 1
        batch.n_seq_id[row], batch.seq_id[row][0] = 1, 0
    assert llama.llama_decode(context, batch) == 0
    words = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(model))
    logits = float_view(address_of(llama.llama_get_logits(context)), len(tokens), words).astype(np.float64)
    llama.llama_batch_free(batch)
    llama.llama_free(context)
    llama.llama_model_free(model)
    return logits


def test_scores_are_those_of_an_independent_computation(tmp_path: Path):
    text = held_out_text().text[:700]
    small = quantized(tmp_path / "small.gguf", Q2_K)
    source, windows = scored(STARTER, text, tmp_path / "rows")
    result = compared(small, windows, tmp_path / "rows")

    [window] = windows
    first = len(window) // 2
    ours, theirs = (logits_of(path, window)[first:-1] for path in (STARTER, small))
    log_p, log_q = (x - np.log(np.exp(x - x.max(1, keepdims=True)).sum(1, keepdims=True)) - x.max(1, keepdims=True)
                    for x in (ours, theirs))  # fmt: skip
    following = np.array(window[first + 1 :])
    rows = np.arange(len(following))
    assert source.tokens == result.tokens == len(following)
    assert source.nats == pytest.approx(-log_p[rows, following].mean(), abs=5e-3)
    assert result.nats == pytest.approx(-log_q[rows, following].mean(), abs=5e-3)
    assert result.kl_nats == pytest.approx((np.exp(log_p) * (log_p - log_q)).sum(1).mean(), rel=0.02, abs=1e-3)
    assert abs(result.same_top - (ours.argmax(1) == theirs.argmax(1)).sum()) <= 1


def test_a_model_is_no_distance_from_itself(tmp_path: Path):
    source, windows = scored(STARTER, held_out_text().text[:4000], tmp_path / "rows")
    again = compared(STARTER, windows, tmp_path / "rows")
    assert again.nats == pytest.approx(source.nats, abs=1e-9)
    assert again.kl_nats < 2e-6
    assert again.same_top == again.tokens == source.tokens


def test_windows_are_equally_long_and_only_second_halves_count(tmp_path: Path):
    source, windows = scored(STARTER, held_out_text().text, tmp_path / "rows")
    assert len(windows) >= 6
    assert {len(window) for window in windows} == {WINDOW}
    assert source.tokens == len(windows) * (WINDOW // 2 - 1)
    joined = [token for window in windows for token in window]
    assert len(set(joined)) > 400  # they go through the text, and do not repeat its beginning


def test_what_is_kept_on_disk_is_bounded_and_one_window_is_always_scored(tmp_path: Path):
    rows = tmp_path / "rows"
    all_of_it, every = scored(STARTER, held_out_text().text, rows)
    whole = rows.stat().st_size
    half_of_it, half = scored(STARTER, held_out_text().text, rows, most_bytes=whole // 2)
    assert rows.stat().st_size <= whole // 2
    assert half == every[: len(half)]
    assert 0 < half_of_it.tokens < all_of_it.tokens
    _, least = scored(STARTER, held_out_text().text, rows, most_bytes=1)
    _, late = scored(STARTER, held_out_text().text, rows, limit_s=0.0)
    assert least == late == every[:1]


def test_a_result_of_another_vocabulary_is_refused(tmp_path: Path, tiny_path: Path):
    _, windows = scored(STARTER, held_out_text().text[:1500], tmp_path / "rows")
    with pytest.raises(ModelFileError, match="other words than its source"):
        compared(tiny_path, windows, tmp_path / "rows")


def test_too_little_text_and_models_that_write_none_are_refused(tmp_path: Path, bert_path: Path):
    with pytest.raises(CapabilityError, match=r"only \d+ tokens"):
        scored(STARTER, "Hello, you", tmp_path / "rows")
    with pytest.raises(CapabilityError, match="does not write text"):
        scored(bert_path, held_out_text().text, tmp_path / "rows")


def test_recurrent_models_are_scored_too(tmp_path: Path, mamba_path: Path):
    source, windows = scored(mamba_path, held_out_text().text[:900], tmp_path / "rows")
    assert compared(mamba_path, windows, tmp_path / "rows").nats == pytest.approx(source.nats, abs=1e-6)


def test_rounding_to_16_bits_hardly_moves_a_divergence():
    rng = np.random.default_rng(0)
    p, q = (log_probabilities(rng.normal(0, 4, (32, 5000)).astype(np.float32)) for _ in range(2))
    exact = (np.exp(p.astype(np.float64)) * (p.astype(np.float64) - q)).sum(1)
    assert np.allclose(kl_divergence(p.astype(np.float16), q), exact, rtol=1e-3)
    assert kl_divergence(p.astype(np.float16), p).max() < 1e-5
    assert np.allclose(np.exp(p).sum(1), 1.0, atol=1e-5)


def test_speeds_are_of_this_model_and_need_one():
    def tell(_share: float) -> None: ...

    meter = SpeedWorker()
    with pytest.raises(EngineError, match="No model is open"):
        meter.read({"least_s": 0.01, "tokens": 16}, (), tell)
    opened, _ = meter.open({"path": str(STARTER), "threads": 1, "text": held_out_text().text}, (), tell)
    assert 0 < opened["token_s"] < 1
    assert STARTER.stat().st_size * 0.9 < opened["memory_bytes"] < STARTER.stat().st_size * 10
    read, _ = meter.read({"least_s": 0.05, "tokens": 256}, (), tell)
    written, _ = meter.write({"least_s": 0.05}, (), tell)
    assert 0 < written < read  # a prompt is read in one pass
