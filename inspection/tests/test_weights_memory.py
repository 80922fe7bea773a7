"""Estimates of memory, term by term."""

from typing import Any

import pytest

from inspection.weights.memory import CARDS, RUNTIME, Estimate, adapting, estimate, fits, longest_context, training

# Figures of Llama 3.1 8B as its configuration and headers tell them.
CONFIG = {
    "layers": 32, "hidden": 4096, "heads": 32, "kv_heads": 8, "head_dimension": 128, "intermediate": 14336, "vocabulary": 128256,
    "context": 131072, "generative": True,
}  # fmt: skip
PARAMETERS = 8_030_261_248
LINEAR = {"attention": 32 * (2 * 8192 + 2 * (4096 + 1024)), "mlp": 32 * 3 * (4096 + 14336)}
LLAMA: dict[str, Any] = {
    "parameters": PARAMETERS, "bytes": 2 * PARAMETERS, "complete": True, "config": CONFIG, "linear": LINEAR, "quantisation": {},
}  # fmt: skip


def values(found: Estimate) -> dict[str, int]:
    return {term.code: term.value for term in found.terms}


def model(**config: Any) -> dict[str, Any]:
    return LLAMA | {"config": CONFIG | config}


def test_inference_is_weights_cache_activations_and_runtime() -> None:
    found = estimate(LLAMA, context=8192)
    assert values(found) == {
        "weights": 16_060_522_496,
        "cache": 2 * 32 * 8 * 128 * 8192 * 2,
        "activations": 2048 * (4 * 4096 + 2 * 14336) * 2 + 128256 * 4,
        "runtime": RUNTIME,
    }
    assert (found.total, found.missing, found.complete) == (sum(values(found).values()), {}, True)
    assert fits(found) == 24
    cache = found.term("cache")
    assert cache is not None
    assert cache.formula == "2 × layers × kv_heads × head_dimension × context × batch × bits / 8"
    assert cache.factors == {"layers": 32, "kv_heads": 8, "head_dimension": 128, "context": 8192, "batch": 1, "bits": 16}


@pytest.mark.parametrize(
    ("config", "options", "cache"),
    [
        ({}, {"batch": 4}, 4 * 1_073_741_824),
        ({}, {"cache_bits": 8}, 536_870_912),
        ({"kv_heads": 32}, {}, 4_294_967_296),
        ({"kv_heads": 1}, {}, 134_217_728),
        ({"sliding_window": 1024, "sliding_layers": 32}, {}, 2 * 32 * 8 * 128 * 1024 * 2),
        ({"sliding_window": 1024, "sliding_layers": 24}, {}, 2 * 8 * 128 * 2 * (8 * 8192 + 24 * 1024)),
        ({"sliding_window": 32768, "sliding_layers": 24}, {}, 1_073_741_824),
        ({"attention_layers": 4}, {}, 2 * 4 * 8 * 128 * 8192 * 2),
        ({"kv_rank": 512, "rope_dimension": 64}, {}, 32 * 576 * 8192 * 2),
        ({"kv_heads_by_layer": [0, 8, 4], "value_dimension": 64}, {}, 12 * 192 * 8192 * 2),
    ],
)  # fmt: skip
def test_the_cache_follows_how_the_model_attends(config: dict[str, Any], options: dict[str, Any], cache: int) -> None:
    assert values(estimate(model(**config), context=8192, **options))["cache"] == cache


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (LLAMA | {"config": {}}, "no_config"),
        (model(kv_heads=None), "no_config"),
        (model(encoder_decoder=True), "encoder_decoder"),
        (model(recurrent=True), "hybrid"),
        (LLAMA | {"config": {"layers": 24, "hidden": 768, "recurrent": True}}, "recurrent"),
        (LLAMA | {"pipeline": "FluxPipeline", "config": {"architecture": "FluxPipeline"}}, "pipeline"),
    ],
)
def test_where_the_formula_does_not_hold_there_is_a_reason_and_no_figure(facts: dict[str, Any], reason: str) -> None:
    found = estimate(facts, context=8192)
    assert (found.missing["cache"], found.term("cache"), found.complete, fits(found)) == (reason, None, False, None)
    assert longest_context(facts, 24 * 10**9) is None


def test_a_model_that_generates_nothing_keeps_nothing() -> None:
    found = estimate(model(generative=False), context=512)
    assert (found.missing, found.complete, fits(found)) == ({"cache": "not_generative"}, True, 24)


def test_weights_that_were_not_all_read_give_no_figure() -> None:
    found = estimate(LLAMA | {"complete": False}, context=1)
    assert (found.missing, fits(found)) == ({"weights": "unknown_size"}, None)


def test_training_takes_sixteen_bytes_a_parameter() -> None:
    found = training(LLAMA, context=2048, batch=2)
    assert values(found) == {
        "weights": 2 * PARAMETERS, "gradients": 2 * PARAMETERS, "optimizer": 12 * PARAMETERS,
        "activations": 2048 * 2 * 4096 * (2 * 32 + 34), "scores": 2048 * 2 * 128256 * 8, "runtime": RUNTIME,
    }  # fmt: skip
    assert (fits(found), fits(found, (96,))) == (141, None)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"quantisation": {"method": "gptq", "bits": 4}}, "quantised"),
        ({"quantisation": {"packed": True}}, "packed"),
        ({"parameters": None}, "unknown_size"),
    ],
)
def test_what_cannot_be_trained_says_why(said: dict[str, Any], reason: str) -> None:
    found = training(LLAMA | said, context=2048)
    assert (found.missing, found.term("optimizer")) == ({"weights": reason}, None)


def test_an_adapter_takes_its_rank_times_both_sides() -> None:
    found = adapting(LLAMA, context=2048, rank=16)
    assert values(found)["adapter"] == 16 * (32 * (16384 + 10240) + 32 * 3 * 18432) * 16
    assert values(found)["weights"] == 16_060_522_496
    assert found.term("adapter").value // 16 == 41_943_040  # type: ignore[union-attr]
    assert fits(found) == 24


def test_sides_come_from_the_configuration_where_packing_hides_them() -> None:
    packed = LLAMA | {"linear": {}, "quantisation": {"method": "gptq", "bits": 4}, "bytes": 5_700_000_000}
    assert values(adapting(packed, context=2048))["adapter"] == 41_943_040 * 16
    assert fits(adapting(packed, context=2048)) == 12
    assert adapting(packed | {"config": {}}, context=2048).missing == {"adapter": "no_config", "activations": "no_config"}


def test_the_longest_context_is_the_last_that_fits() -> None:
    memory = 24 * 10**9
    longest = longest_context(LLAMA, memory)
    assert longest is not None
    assert estimate(LLAMA, context=longest).total <= memory < estimate(LLAMA, context=longest + 1).total
    assert longest_context(LLAMA, 80 * 10**9) == 131072
    assert longest_context(LLAMA, 8 * 10**9) == 0
    assert longest_context(LLAMA, 16 * 10**9 + RUNTIME) == 0


def test_cards_are_counted_in_round_gigabytes() -> None:
    assert [card for card in CARDS if fits(estimate(LLAMA, context=8192), (card,))] == [24, 32, 40, 48, 64, 80, 96, 141]


def test_an_estimate_is_plain_data_too() -> None:
    found = estimate(LLAMA | {"config": {}}, context=1).as_dict()
    assert found == {
        "total": 16_060_522_496 + RUNTIME, "complete": False, "missing": {"cache": "no_config", "activations": "no_config"},
        "terms": [
            {"code": "weights", "value": 16_060_522_496, "formula": "bytes", "factors": {"bytes": 16_060_522_496}},
            {"code": "runtime", "value": RUNTIME, "formula": "runtime", "factors": {"runtime": RUNTIME}},
        ],
    }  # fmt: skip
