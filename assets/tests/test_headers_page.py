"""What the headers of weights say on the page of a model, on the page of its tensors, and in REST: exact values."""

import json
from typing import Any

import pytest

from assets.headers import Asked, Headers, asked_for, said
from assets.models import Asset
from assets.tests.files import write
from assets.tests.inspected import LLAMA, MODEL, PAGE, REST, SHAPES, make_read, weights
from core.problems import Problem
from core.testing import People, api, browser
from repos.operations import PutBytes

SEVEN = {
    "format": "safetensors", "parameters": 7_503_876_096, "bytes": 15_007_752_192, "complete": True, "dtypes": {"BF16": 7_503_876_096},
    "parts": {"mlp": 5_637_144_576, "attention": 1_342_177_280, "embedding": 262_144_000, "head": 262_144_000, "norm": 266_240},
    "config": {
        "layers": 32, "hidden": 4096, "heads": 32, "kv_heads": 8, "head_dimension": 128, "vocabulary": 64_000, "context": 32_768,
        "intermediate": 14_336, "generative": True,
    },
    "linear": {}, "quantisation": {}, "files": [{"path": "model.safetensors", "tensors": 291, "parameters": 7_503_876_096}],
}  # fmt: skip


def test_line_of_a_model_of_seven_billion() -> None:
    assert Headers(SEVEN).line.replace("\u00a0", " ") == (
        "32 layers · hidden 4096 · 32 heads (8 KV) · vocabulary 64,000 · context 32k · about 15.0 GB in BF16, 4.68 GB in INT4"
    )


def test_memory_of_a_model_of_seven_billion_fits_24_gigabytes() -> None:
    found = Headers(SEVEN, Asked(8192, 1))
    assert found.verdict == "Fits 24 GB at 8k"
    assert {term.name: term.value for term in found.inference.terms} == {
        "Weights": 15_007_752_192,
        "Keys and values": 2 * 32 * 8 * 128 * 8192 * 2,
        "Activations": 2048 * (4 * 4096 + 2 * 14336) * 2 + 64000 * 4,
        "Runtime": 800_000_000,
    }
    cache = found.inference.terms[1]
    assert cache.formula == "2 × layers × kv heads × head dimension × context × batch × bits / 8"
    assert cache.numbers == "2 × 32 × 8 × 128 × 8,192 × 1 × 16 / 8"
    assert found.inference.terms[0].formula == "all tensors, byte by byte"
    lora, training = found.needs[1:]
    assert (lora.card, training.card) == (24, 141)
    assert {term.name: term.value for term in training.terms}["Optimiser"] == 12 * 7_503_876_096


def test_cards_end_with_the_first_that_holds_everything() -> None:
    found = [(card.size, [held for _name, held in card.holds], card.longest) for card in Headers(SEVEN, Asked(8192, 1)).cards]
    assert found[:2] == [(16, [False, False, False], 868), (24, [True, True, False], 32768)]
    assert found[-1] == (141, [True, True, True], 32768)
    small = Headers(SEVEN | {"bytes": 10**9, "parameters": 5 * 10**8}, Asked(8192, 1)).cards
    assert [(card.size, [held for _name, held in card.holds], card.longest) for card in small][-1] == (24, [True, True, True], 32768)


@pytest.mark.parametrize(("tokens", "words"), [(8192, "8k"), (131072, "128k"), (1000, "1,000"), (512, "512"), (1048576, "1,024k")])
def test_contexts_in_short(tokens: int, words: str) -> None:
    assert said(tokens) == words


def test_quantised_models_say_how_and_are_not_counted_in_int4() -> None:
    found = Headers(SEVEN | {"quantisation": {"method": "gptq", "bits": 4, "group": 128}})
    assert found.quantisation == "gptq · 4 bit · group 128"
    assert "INT4" not in found.line
    assert "Weights: quantised weights cannot be trained as they are. Start from the weights they were made from." in found.needs[2].reasons


def test_what_is_not_known_is_said() -> None:
    found = Headers(SEVEN | {"config": {}})
    assert found.verdict == ""
    assert found.line.replace("\u00a0", " ") == "about 15.0 GB in BF16"
    assert found.inference.reasons == [
        "Keys and values: config.json does not say how the model is built. Add it beside the weights.",
        "Activations: config.json does not say how the model is built. Add it beside the weights.",
    ]
    assert found.inference.card is None


@pytest.mark.parametrize(
    "query", [{"context": "0"}, {"context": "many"}, {"batch": "-1"}, {"context": "99999999999"}, {"batch": "1.5"}, {"batch": "२"}]
)
def test_strange_contexts_are_refused(query: dict[str, str]) -> None:
    with pytest.raises(Problem) as refused:
        asked_for(query, {})
    assert list(refused.value.errors) == list(query)


def test_usual_context_is_what_the_model_was_made_for_where_that_is_less() -> None:
    assert asked_for({}, {"context": 2048}) == Asked(2048, 1)
    assert asked_for({}, {"context": 131072}) == Asked(8192, 1)
    assert asked_for({"context": "4096", "batch": "2"}, {"context": 2048}) == Asked(4096, 2)


# From here on with rows.


@pytest.fixture
def model(people: People) -> Asset:
    return make_read(people, MODEL)


PARAMETERS = 2 * 64 * 16 + 16 + 2 * (16 * 16 + 8 * 16 + 40 * 16)


def page(path: str = "", user: Any = None) -> str:
    response = browser(user).get(PAGE + path)
    assert response.status_code == 200, response.content[:300]
    return str(response.content.decode()).replace("\u00a0", " ")


@pytest.mark.django_db
def test_model_page_shows_parameters_build_and_memory(people: People, model: Asset) -> None:
    assert model.parameters == PARAMETERS == 4112
    html = page()
    assert "4,112" in html
    assert "safetensors · BF16" in html
    assert "2 layers · hidden 16 · 4 heads (2 KV) · vocabulary 64 · context 32k · about 8.2 KB in BF16, 5.2 KB in INT4" in html
    assert "Fits 8 GB at 8k" in html
    assert "9 tensors" in html
    assert "2 × layers × kv heads × head dimension × context × batch × bits / 8" in html


@pytest.mark.django_db
def test_context_is_chosen_by_a_plain_form(people: People, model: Asset) -> None:
    html = page("?context=32768&batch=4&days=90")
    assert "Fits 8 GB at 32k" in html
    assert 'name="days" value="90"' in html
    assert "= 2 × 2 × 2 × 4 × 32,768 × 4 × 16 / 8" in html
    assert "The model was made for" not in html
    assert "The model was made for 32,768 tokens at most." in page("?context=65536")
    assert "Fits 8 GB at 8k" in page("?context=nonsense")


@pytest.mark.django_db
def test_figures_belong_to_the_newest_commit(people: People, model: Asset) -> None:
    from assets.tests.factories import finish_everything

    write(model, people.alice, [PutBytes("config.json", json.dumps(LLAMA | {"num_hidden_layers": 1}).encode())])
    assert "2 layers" not in page()
    finish_everything()
    assert "1 layer · hidden 16" in page()


@pytest.mark.django_db
def test_damaged_weights_are_said_and_nothing_is_made_up(people: People) -> None:
    model = make_read(people, {"model.safetensors": b"\xff" * 64, "config.json": MODEL["config.json"]})
    assert model.parameters is None
    html = page()
    assert "Not all of the weights are in order" in html
    assert "model.safetensors: " in html
    assert "(header_too_long)" in html
    assert "Fits" not in html
    assert "Weights: not all files of the weights are there and readable." in html


@pytest.mark.django_db
def test_tensors_page_lists_files_modules_and_tensors(people: People, model: Asset) -> None:
    html = page("/tensors")
    assert "9 tensors" in html
    for name in SHAPES:
        assert f">{name}<" in html
    assert "40 × 16" in html
    assert "× 2" in html  # two equal layers stand as one
    html = page("/tensors?q=MLP+layers.1")
    assert "1 tensor" in html
    assert "model.layers.1.mlp.up_proj.weight" in html
    assert "model.layers.0.mlp.up_proj.weight" not in html
    assert "No tensor of that name" in page("/tensors?q=nonsense")
    assert "9 tensors" in page("/tensors?file=model.safetensors&page=x")
    assert "0 tensors" in page("/tensors?file=other.safetensors")


@pytest.mark.django_db
def test_tensors_of_many_are_shown_in_pages(people: People) -> None:
    make_read(people, {"model.safetensors": weights({f"layer.{number}.weight": [number + 1] for number in range(250)})})
    html = page("/tensors")
    assert "layer.199.weight<" in html
    assert "layer.200.weight<" not in html
    assert "layer.249.weight<" in page("/tensors?page=2")
    assert 'href="?page=2"' in html


@pytest.mark.django_db
def test_model_without_weights_says_so(people: People) -> None:
    make_read(people, {"a.txt": b"a"})
    assert "No weights here" in page("/tensors")
    assert api().get(REST).json()["headers"] is None
    answer = api().get(f"{REST}/memory")
    assert (answer.status_code, answer.json()["code"]) == (404, "headers_not_read")


@pytest.mark.django_db
def test_rest_tells_headers_memory_and_tensors(people: People, model: Asset) -> None:
    headers = api().get(REST).json()["headers"]
    assert {key: headers[key] for key in ("format", "parameters", "bytes", "tensors", "dtypes", "complete")} == {
        "format": "safetensors", "parameters": 4112, "bytes": 8224, "tensors": 9, "dtypes": {"BF16": 4112}, "complete": True,
    }  # fmt: skip
    assert headers["config"]["kv_heads"] == 2
    found = api().get(f"{REST}/memory?context=4096&batch=2").json()
    assert (found["context"], found["batch"], found["inference"]["fits"]) == (4096, 2, 8)
    cache = next(term for term in found["inference"]["terms"] if term["code"] == "cache")
    assert cache["value"] == 2 * 2 * 2 * 4 * 4096 * 2 * 2
    assert found["inference"]["total"] == sum(term["value"] for term in found["inference"]["terms"])
    assert set(found) == {"context", "batch", "inference", "lora", "training"}
    refused = api().get(f"{REST}/memory?context=0")
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["context"])
    tensors = api().get(f"{REST}/tensors?q=lm_head").json()
    assert (tensors["count"], tensors["next"]) == (1, None)
    assert tensors["results"] == [
        {"file": "model.safetensors", "name": "lm_head.weight", "dtype": "BF16", "shape": [64, 16], "parameters": 1024, "bytes": 2048}
    ]
    assert api().get(f"{REST}/tensors?limit=2&offset=2").json()["next"] == "4"
