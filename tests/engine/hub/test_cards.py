from pathlib import Path

import pytest

from engine.errors import HubError
from engine.footprint import Fit
from engine.models.gguf_writer import write_header
from engine.tasks.hub_desk import HubDesk
from resources import models_dir
from tests.engine.hub.hub_server import COMMIT, HubServer, Repo, starter_repo

REPO = "hearth/starter-GGUF"


def test_a_card_has_all_that_is_to_be_known_before_the_first_byte(desk: HubDesk) -> None:
    card = desk.card(REPO)
    (file,) = card.model.files
    assert (file.name, file.quantization, file.fit) == ("starter-F16.gguf", "F16", Fit.FITS)
    assert file.size_bytes == (models_dir() / "starter.gguf").stat().st_size
    assert len(file.sha256[0]) == 64
    assert card.model.recommended == file.name
    assert card.model.revision == COMMIT
    assert (card.model.licence, card.model.context_tokens) == ("mit", 1024)
    assert card.text == "# Starter\n\nA small model.\n"
    assert card.licence_text.startswith("MIT License")
    assert card.licence_url == "https://opensource.org/license/mit"
    assert not card.model.is_gated


def test_an_address_will_do_as_a_name(desk: HubDesk, hub: HubServer) -> None:
    assert desk.card(f"{hub.url}/{REPO}/").model.repo == REPO


@pytest.mark.parametrize("name", ["", "starter", "../../etc", "a/b/c", "hearth/..", "a b/c", "-a/b", "https://x/a/b"])
def test_what_is_no_name_is_refused_before_anything_is_asked(desk: HubDesk, hub: HubServer, name: str) -> None:
    with pytest.raises(HubError, match="no name of a model"):
        desk.card(name)
    assert hub.seen == []


def test_a_gated_model_shows_what_it_may_and_says_so(desk: HubDesk, hub: HubServer) -> None:
    hub.repos[REPO] = starter_repo(gated=True)
    card = desk.card(REPO)
    assert card.model.is_gated
    assert card.text == ""
    assert card.licence_text == (
        "The licence is stated as MIT License. It can be read at https://opensource.org/license/mit."
    )
    assert card.model.files[0].fit is Fit.FITS, "as far as the number of weights tells"
    desk.set_token(hub.token)
    assert desk.card(REPO).text.startswith("# Starter")


@pytest.mark.parametrize(
    ("licence", "front", "url"),
    [
        ("apache-2.0", "", "https://www.apache.org/licenses/LICENSE-2.0"),
        ("other", "license_link: https://example.org/terms\n", "https://example.org/terms"),
        ("other", "license_link: TERMS.md\n", f"/hearth/x-GGUF/blob/{COMMIT}/TERMS.md"),
        ("other", "license_link: javascript:alert(1)\n", ""),
        ("other", "license_link: http://example.org/terms\n", ""),
    ],
)
def test_where_a_licence_can_be_read(desk: HubDesk, hub: HubServer, licence: str, front: str, url: str) -> None:
    files: dict[str, bytes | Path] = {"README.md": f"---\nlicense: {licence}\n{front}---\nText".encode()}
    hub.repos["hearth/x-GGUF"] = Repo(files=files, licence=licence)
    card = desk.card("hearth/x-GGUF")
    assert card.licence_url == (f"{hub.url}{url}" if url.startswith("/") else url)
    assert bool(card.licence_text)


def test_a_card_is_cut_where_it_would_be_too_long(desk: HubDesk, hub: HubServer) -> None:
    hub.repos["hearth/x-GGUF"] = Repo(files={"README.md": "ü".encode() * 3_000_000})
    text = desk.card("hearth/x-GGUF").text
    assert 500_000 <= len(text.encode()) <= 1 << 20


def test_a_repository_without_models_says_so_by_having_no_files(desk: HubDesk, hub: HubServer) -> None:
    hub.repos["hearth/weights"] = Repo(files={"model.safetensors": b"x" * 200_000, "pytorch_model.bin": b"x"})
    model = desk.card("hearth/weights").model
    assert (model.files, model.recommended) == ((), "")
    with pytest.raises(HubError, match="no GGUF or ONNX model"):
        desk.download("hearth/weights")


@pytest.mark.parametrize("data", [b"\x80\x02ckle" * 40_000, b"GGUF" + b"\xff" * 200_000], ids=["other", "damaged"])
def test_a_file_that_is_not_what_it_claims_is_found_out(desk: HubDesk, hub: HubServer, data: bytes) -> None:
    hub.repos["hearth/x-GGUF"] = Repo(files={"x-Q8_0.gguf": data}, gguf={"total": 1_000_000})
    model = desk.card("hearth/x-GGUF").model
    assert "x-Q8_0.gguf" in model.summary
    assert model.files[0].fit is None
    assert model.recommended == ""
    with pytest.raises(HubError) as error:
        desk.download("hearth/x-GGUF")
    assert error.value.cause == model.summary


def test_a_part_of_another_model_is_found_out_by_its_header(desk: HubDesk, hub: HubServer, tmp_path: Path) -> None:
    path = tmp_path / "adapter.gguf"
    with path.open("wb") as stream:
        write_header(stream, {"general.architecture": "llama", "general.type": "adapter"}, [])
        stream.write(bytes(200_000))
    hub.repos["hearth/x-GGUF"] = Repo(files={"x-F16.gguf": path})
    assert "an adapter, which changes another model" in desk.card("hearth/x-GGUF").model.summary


def test_a_recommended_model_keeps_its_words(desk: HubDesk, hub: HubServer) -> None:
    listed = next(model for model in desk.catalogue() if model.recommended)
    hub.repos[listed.repo] = starter_repo(tags=("something",))
    model = desk.card(listed.repo).model
    assert (model.name, model.summary, model.tasks) == (listed.name, listed.summary, listed.tasks)
    assert model.is_catalogued


def test_hostile_words_of_a_hub_stay_words(desk: HubDesk, hub: HubServer) -> None:
    hub.repos[REPO] = starter_repo(tags=("\x1b[2Jx", "y" * 100_000), licence="mit\x07", gguf={"total": -5})
    hub.repos[REPO].files["a\\b-Q8_0.gguf"] = b"x"
    hub.repos[REPO].files["../up-Q8_0.gguf"] = b"x" * 10
    card = desk.card(REPO)
    assert card.model.licence == "mit"
    assert "a\\b-Q8_0.gguf" not in [file.name for file in card.model.files]
    with pytest.raises(HubError):
        desk.download(REPO, "../nothing.gguf")
