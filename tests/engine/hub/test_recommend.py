import pytest

from engine.finds import HubFile
from engine.footprint import Fit
from engine.hub.recommend import recommended

GB = 1_000_000_000


def file(kind: str, size_gb: float, fit: Fit | None = Fit.FITS, speed: float | None = None) -> HubFile:
    name = f"m-{kind}.gguf"
    return HubFile(
        name=name, parts=(name,), size_bytes=int(size_gb * GB), quantization=kind, fit=fit, tokens_per_s=speed
    )


def take(*files: HubFile) -> str:
    return recommended(files).removeprefix("m-").removesuffix(".gguf")


def test_nothing_is_recommended_if_nothing_fits_or_nothing_is_known() -> None:
    assert recommended(()) == ""
    assert take(file("Q4_K_M", 4, Fit.NO), file("Q8_0", 8, Fit.NO)) == ""
    assert take(file("Q4_K_M", 4, None)) == ""


def test_a_small_model_is_taken_with_eight_bits() -> None:
    assert take(file("Q4_K_M", 0.4), file("Q6_K", 0.5), file("Q8_0", 0.6), file("F16", 1.1)) == "Q8_0"


def test_of_a_middling_one_the_finest_that_is_not_seen_to_be_worse() -> None:
    sizes = (file("Q2_K", 1.3), file("Q4_K_M", 2.0), file("Q5_K_M", 2.3), file("Q6_K", 2.6), file("Q8_0", 3.4))
    assert take(*sizes) == "Q6_K"
    assert take(*sizes[:3], file("Q6_K", 2.6, Fit.PAGING)) == "Q5_K_M"


def test_of_a_large_one_the_smallest_good_one_unless_it_is_known_to_be_quick() -> None:
    assert take(file("Q3_K_M", 4.0), file("Q4_K_M", 4.9), file("Q6_K", 6.6)) == "Q4_K_M"
    quick = (file("Q3_K_M", 4.0, speed=60), file("Q4_K_M", 4.9, speed=50), file("Q6_K", 6.6, speed=38))
    assert take(*quick) == "Q6_K"


def test_what_writes_more_slowly_than_people_read_gives_way_to_a_quicker_one() -> None:
    assert take(file("Q4_K_M", 4.9, speed=7.5), file("Q6_K", 6.6, speed=4.5)) == "Q4_K_M"
    assert take(file("Q4_K_M", 4.9, speed=3.5), file("Q6_K", 6.6, speed=2.5)) == "Q4_K_M"


def test_if_all_must_be_paged_every_byte_counts() -> None:
    paged = (file("Q2_K", 3, Fit.PAGING), file("Q4_K_M", 4.9, Fit.PAGING), file("Q6_K", 6.6, Fit.PAGING))
    assert take(*paged) == "Q4_K_M"
    assert take(file("Q2_K", 3, Fit.PAGING), file("Q8_0", 9, Fit.NO)) == "Q2_K"


def test_a_file_that_stays_in_memory_comes_before_a_finer_one_that_does_not() -> None:
    assert take(file("Q2_K", 3), file("Q4_K_M", 4.9, Fit.PAGING)) == "Q2_K"


@pytest.mark.parametrize(("kinds", "kind"), [(("INT8", "F32"), "INT8"), (("F16", "F32"), "F16"), (("",), "")])
def test_of_graphs_whole_numbers_are_taken(kinds: tuple[str, ...], kind: str) -> None:
    graphs = [
        HubFile(name=f"model_{it}.onnx", parts=(f"model_{it}.onnx",), size_bytes=at, quantization=it, fit=Fit.FITS)
        for at, it in enumerate(kinds)
    ]
    assert recommended(graphs) == f"model_{kind}.onnx"


def test_what_was_never_made_smaller_is_the_last_choice() -> None:
    assert take(file("F16", 2.0)) == "F16"
    assert take(file("Q3_K_S", 1.5), file("F16", 8.0), file("F32", 16.0)) == "Q3_K_S"
