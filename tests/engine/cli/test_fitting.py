def test_a_model_that_fits(hearth) -> None:
    ended = hearth("models", "fit", "plain")
    assert ended.code == 0
    assert "✓ fits: plain fits" in ended.out
    assert "Weights" in ended.out
    document = hearth("models", "fit", "plain", "--ctx", "512", "--json").document
    assert document["fit"] == "fits"
    assert document["context_tokens"] == 512
    assert document["needed_bytes"] == sum(line["size_bytes"] for line in document["lines"]) <= document["budget_bytes"]


def test_a_shape_needs_no_file(hearth) -> None:
    document = hearth("models", "fit", "7b:q4_k_m", "--ram-budget", "4GiB", "--json").document
    assert document["fit"] == "paging"
    assert document["budget_bytes"] == 4 << 30
    assert document["pinned_bytes"] > document["streamed_bytes"] / 10 > 0
    assert document["remedies"]
    ended = hearth("models", "fit", "7b", "--type", "f16", "--ram-budget", "1GB")
    assert ended.code == 0
    assert "✗ does not fit: 7b:f16 needs about" in ended.out
    assert "▶" in ended.out


def test_wrong_use(hearth) -> None:
    assert hearth("models", "fit", "7b:q9", "--json").code == 2
    assert hearth("models", "fit", "plain", "--ram-budget", "much").code == 2
    assert hearth("models", "fit", "nobody").code == 1
