"""Restoring or reading again: what is faster, as far as it was measured."""

import pytest

from engine.backends.llama.restore_rates import RestoreRates

MB = 1_000_000


def test_what_is_not_known_is_tried():
    rates = RestoreRates()
    assert rates.puts_faster(10**12, 1)
    assert rates.reads_faster(10**12, 1)
    rates.note_prefill(512, 1.0)
    assert rates.puts_faster(10**12, 1)
    assert rates.reads_faster(10**12, 1)


def test_the_faster_way_is_taken():
    rates = RestoreRates(prefill_tokens_per_s=100, put_bytes_per_s=1000 * MB, read_bytes_per_s=250 * MB)
    assert rates.puts_faster(900 * MB, 100)
    assert not rates.puts_faster(1100 * MB, 100)
    assert rates.reads_faster(190 * MB, 100)  # 0.76 s and 0.19 s against 1 s
    assert not rates.reads_faster(210 * MB, 100)
    assert rates.reads_faster(210 * MB, 200)


def test_what_is_small_is_put_back_in_any_case():
    assert RestoreRates(prefill_tokens_per_s=1e9, put_bytes_per_s=1).puts_faster(1000, 1)


def test_speeds_follow_what_is_measured():
    rates = RestoreRates()
    rates.note_prefill(512, 0.512)
    rates.note_put(100 * MB, 0.1)
    rates.note_read(100 * MB, 0.5)
    assert rates.prefill_tokens_per_s == pytest.approx(1000)
    assert rates.put_bytes_per_s == pytest.approx(1000 * MB)
    assert rates.read_bytes_per_s == pytest.approx(200 * MB)
    for _ in range(10):
        rates.note_read(100 * MB, 1.0)
    assert rates.read_bytes_per_s == pytest.approx(100 * MB, rel=0.01)


def test_what_says_nothing_is_not_learned():
    rates = RestoreRates()
    rates.note_prefill(1, 0.5)
    rates.note_prefill(0, 0.5)
    rates.note_prefill(512, 0.0)
    rates.note_put(1000, 1.0)
    rates.note_read(1000, 1.0)
    assert (rates.prefill_tokens_per_s, rates.put_bytes_per_s, rates.read_bytes_per_s) == (None, None, None)


def test_a_verdict_is_tried_again_now_and_then():
    def refusals(seconds: float) -> int:
        """How often a state that takes so long is not put back in place of reading for a second."""
        rates = RestoreRates(prefill_tokens_per_s=100, put_bytes_per_s=100 * MB / seconds, read_bytes_per_s=1e15)
        for number in range(1000):
            if rates.reads_faster(100 * MB, 100):
                assert rates.puts_faster(100 * MB, 100)
                return number
            rates.doubt()
        raise AssertionError("it is never tried again")

    assert refusals(1.05) == 1
    assert 10 < refusals(4) < 20
    assert 40 < refusals(100) < 60
    RestoreRates().doubt()  # knows nothing, and still knows nothing
