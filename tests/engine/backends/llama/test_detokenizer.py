"""Detokenizer: characters are never split, bad bytes never delay what follows."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from engine.backends.llama.detokenizer import Detokenizer


def run(pieces: list[bytes]) -> list[str]:
    detokenizer = Detokenizer(lambda token: pieces[token])
    return [*(detokenizer.push(token) for token in range(len(pieces))), detokenizer.flush()]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(bounds)]


def test_a_character_over_four_tokens_comes_out_once_and_whole():
    assert run([b"\xf0", b"\x9f", b"\x94", b"\xa5", b"!"]) == ["", "", "", "🔥", "!", ""]


def test_an_invalid_byte_is_replaced_at_once_and_the_text_after_it_is_not_delayed():
    assert run([b"a\xff", b"b"]) == ["a�", "b", ""]
    assert run([b"\xe2\x82", b"x"]) == ["", "�x", ""]


def test_flush_shows_what_was_cut_off_and_starts_afresh():
    detokenizer = Detokenizer(lambda token: [b"\xe2\x82", b"ok"][token])
    assert detokenizer.push(0) == ""
    assert detokenizer.flush() == "�"
    assert detokenizer.push(1) == "ok"
    assert detokenizer.flush() == ""


@given(st.text(max_size=60), st.lists(st.integers(0, 300), max_size=20))
def test_any_cutting_of_valid_text_gives_the_same_text_without_replacements(text, places):
    pieces = cut(text.encode(), places)
    shown = run(pieces)
    assert "".join(shown) == text
    assert shown[-1] == ""


@given(st.binary(max_size=60), st.lists(st.integers(0, 300), max_size=20))
def test_any_cutting_of_any_bytes_gives_what_decoding_at_once_gives(data, places):
    assert "".join(run(cut(data, places))) == data.decode(errors="replace")


@example(b"\xed\xa0")
@given(st.binary(max_size=40))
def test_only_the_beginning_of_a_character_is_ever_held_back(data):
    detokenizer = Detokenizer(lambda token: data[token : token + 1])
    shown = ""
    for index in range(len(data)):
        shown += detokenizer.push(index)
        whole = data[: index + 1].decode(errors="replace")
        # Two bytes of a surrogate are the beginning of a character to Python's decoder, but two bad bytes at the end.
        half_surrogate = data[index - 1 : index + 1] >= b"\xed\xa0" and data[index - 1 : index] == b"\xed"
        assert whole in (shown, shown + "�", shown + "��" if half_surrogate else shown)
