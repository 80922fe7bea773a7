"""The gallery's own training, in the base environment that it is written for."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from toolchain.trainer import builtin
from toolchain.trainer.tests.training import answered, contract, instructions, lines, questions, shifted

pytestmark = pytest.mark.process

FULL = {"learning_rate": 0.003, "num_train_epochs": 3, "per_device_train_batch_size": 16}
LORA = {**FULL, "lora_rank": 16, "warmup_ratio": 0.1}
ONCE = {"learning_rate": 1e-3, "num_train_epochs": 1, "per_device_train_batch_size": 8, "max_steps": 2}
TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
# Shortens what was said before, as templates of reasoning models do.
FORGETS = TEMPLATE.replace("{{ m.content }}", "{{ m.content }}{% if loop.last and m.role == 'assistant' %}!{% endif %}")
TALK = [("user", "Hello"), ("assistant", "Hi"), ("user", "Where?"), ("assistant", "Rome")]
ASKED = "Where does Anna live?\n\nAnna lives in Lima and keeps a clay pot."


def start(python: str, model: Path, dataset: Path, output: Path, params: dict[str, Any], **more: str) -> "subprocess.Popen[str]":
    script = builtin.folder("text-generation") / "train.py"
    environment = contract(model, dataset, output, params) | more
    return subprocess.Popen([python, script], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/")


@pytest.fixture(scope="module")
def made(python: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one process makes of many orders, by their names; and the folder it made it in."""
    folder = tmp_path_factory.mktemp("training")
    data = {
        "lives": lines(folder / "data" / "ann--lives" / "train.jsonl", instructions()),
        "shifted": lines(folder / "data" / "ann--shifted" / "train.jsonl", shifted()),
        "asked": lines(folder / "data" / "ann--asked" / "train.jsonl", questions()[20:] * 8),
        "story": lines(folder / "data" / "ann--story" / "train.jsonl", [{"text": row["input"] * 20} for row in instructions()[:40]]),
    }
    lines(folder / "data" / "ann--asked" / "test.jsonl", questions()[:20])

    def model(name: str) -> Path:
        return folder / "models" / f"ann--{name}"

    orders: dict[str, dict[str, Any]] = {
        **{kind: {"do": "make", "kind": kind, "folder": model(kind)} for kind in ("llama", "bert", "bloom", "falcon", "mpt")},
        "templated": {"do": "make", "kind": "llama", "folder": model("templated"), "template": TEMPLATE},
        "forgetful": {"do": "make", "kind": "llama", "folder": model("forgetful"), "template": FORGETS},
        "broken": {"do": "make", "kind": "llama", "folder": model("broken"), "broken": True},
        "not_finite": {
            "do": "train", "task": "text-generation", "model": model("broken"), "dataset": data["shifted"],
            "params": {**ONCE, "max_steps": 9, "logging_steps": 1},
        },
        "full": {"do": "train", "task": "text-generation", "model": model("llama"), "dataset": data["lives"], "params": FULL},
        "says": {"do": "write", "model": folder / "full", "questions": [ASKED]},
        "lora": {"do": "train", "task": "text-generation", "model": folder / "full", "dataset": data["shifted"], "params": LORA},
        "says_otherwise": {"do": "write", "model": folder / "lora", "questions": [ASKED]},
        "adapter": {
            "do": "train", "task": "text-generation", "model": model("llama"), "dataset": data["shifted"],
            "params": {**ONCE, "lora_rank": 2, "merge_adapter": False, "validation_share": 0, "gradient_checkpointing": True},
        },
        "adapter_says": {"do": "write", "model": model("llama"), "adapter": folder / "adapter", "questions": []},
        "early": {
            "do": "train", "task": "text-generation", "model": model("llama"), "dataset": data["lives"],
            "params": {**ONCE, "max_steps": 40, "learning_rate": 1.0, "eval_steps": 2, "early_stopping_patience": 2, "logging_steps": 1},
        },
        **{
            f"{kind}_{method}": {
                "do": "train", "task": "text-generation", "model": model(kind), "dataset": data["story"],
                "params": {**ONCE, "max_length": 100, **({"lora_rank": 2} if method == "lora" else {})},
            }
            for kind in ("bloom", "falcon", "mpt") for method in ("full", "lora")
        },
        "bfloat16": {
            "do": "train", "task": "text-generation", "model": model("llama"), "dataset": data["shifted"],
            "params": {**ONCE, "precision": "bfloat16", "gradient_accumulation_steps": 2},
        },
        "float16": {
            "do": "train", "task": "text-generation", "model": model("llama"), "dataset": data["shifted"],
            "params": {**ONCE, "precision": "float16"},
        },
        "no_layers": {
            "do": "train", "task": "text-generation", "model": model("llama"), "dataset": data["shifted"],
            "params": {**ONCE, "lora_rank": 2, "lora_target_modules": "nowhere"},
        },
        "too_long": {
            "do": "train", "task": "text-generation", "model": model("llama"), "dataset": data["shifted"], "params": {**ONCE, "max_length": 257},
        },
        "too_short": {
            "do": "train", "task": "text-generation", "model": model("llama"), "dataset": data["shifted"], "params": {**ONCE, "max_length": 5},
        },
        "answers": {
            "do": "train", "task": "question-answering", "model": model("bert"), "dataset": data["asked"],
            "params": {**FULL, "num_train_epochs": 8, "per_device_train_batch_size": 32, "max_length": 64, "doc_stride": 8},
        },
        "answers_lora": {
            "do": "train", "task": "question-answering", "model": model("llama"), "dataset": data["asked"],
            "params": {**ONCE, "lora_rank": 2, "max_length": 16, "doc_stride": 8},
        },
        "learned_ours": {"do": "learned", "model": model("llama"), "messages": TALK, "length": 100},
        "learned_theirs": {"do": "learned", "model": model("templated"), "messages": TALK, "length": 100},
        "learned_last": {"do": "learned", "model": model("forgetful"), "messages": TALK, "length": 100},
        "learned_nothing": {"do": "learned", "model": model("llama"), "messages": TALK, "length": 3},
        "measured": {"do": "measure", "pairs": [["the Red lamp.", "red lamp"], ["a red lamp", "blue lamp"], ["山东省", "山东"], ["", "x"], ["", ""]]},
    }  # fmt: skip
    for name, order in orders.items():
        order.update({"output": folder / name} if order["do"] == "train" else {})
    answers = answered(python, folder, list(orders.values()))
    return {"folder": folder, **dict(zip(orders, answers, strict=True))}


def test_full_training_brings_the_loss_to_a_tenth(made):
    summary = made["full"]
    assert summary["loss"]["last"] < summary["loss"]["first"] / 10
    assert (summary["method"], summary["state"], summary["base_model"], summary["dataset"]) == (
        "Full",
        "completed",
        "ann/llama",
        "ann/lives",
    )
    assert (summary["examples"]["train"], summary["examples"]["evaluation"]) == (950, 50)
    assert summary["parameters"]["trained"] == summary["parameters"]["all"] == 180672
    assert made["says"] == ["Anna lives in Lima."]


def test_the_output_is_a_model_and_nothing_else(made):
    names = sorted(path.name for path in (made["folder"] / "full").iterdir())
    assert names == [
        "chat_template.jinja", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
        "training_summary.json",
    ]  # fmt: skip
    assert "TokenizersBackend" not in (made["folder"] / "full" / "tokenizer_config.json").read_text()


def test_every_line_of_the_metrics_log_is_iteration_loss_and_throughput(made):
    rows = [line.split("|") for line in Path(f"{made['folder'] / 'full'}.metrics").read_text().splitlines()]
    assert [int(iteration) for iteration, _loss, _throughput in rows] == [1, *range(10, 181, 10)]
    assert float(rows[0][1]) == pytest.approx(made["full"]["loss"]["first"], rel=1e-4)
    assert all(float(throughput) > 0 for _iteration, _loss, throughput in rows)


def test_lora_on_other_data_halves_the_loss_and_changes_what_the_model_says(made):
    summary = made["lora"]
    assert summary["loss"]["last"] < summary["loss"]["first"] / 2
    assert (summary["method"], summary["merged"], summary["chat_template"]) == ("LoRA", True, "the tokenizer's")
    assert summary["parameters"]["trained"] < summary["parameters"]["all"] / 2
    assert made["says_otherwise"][0].startswith("The answer is")
    assert not (made["folder"] / "lora" / "adapter_model.safetensors").exists()


def test_an_adapter_alone_names_its_base_and_loads_onto_it(made):
    config = json.loads((made["folder"] / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "ann/llama"
    assert made["adapter"]["merged"] is False
    assert made["adapter"]["evaluation"] == {}
    assert made["adapter_says"] == []


def test_training_that_gets_worse_stops_early_and_keeps_the_best_state(made):
    summary = made["early"]
    assert summary["stopped_early"] is True
    assert summary["steps"] == summary["best_step"] + 4
    assert not list((made["folder"] / "early").glob("checkpoint-*"))


@pytest.mark.parametrize("kind", ["bloom", "falcon", "mpt"])
@pytest.mark.parametrize("method", ["full", "lora"])
def test_other_architectures_are_trained_too(made, kind, method):
    summary = made[f"{kind}_{method}"]
    assert (summary["state"], summary["steps"], summary["form"]) == ("completed", 2, "text")
    # Texts of several hundred tokens each continue in the next example.
    assert summary["examples"]["train"] > 38 * 2


def test_bfloat16_trains_on_a_processor_and_float16_does_not(made):
    assert (made["bfloat16"]["precision"], made["bfloat16"]["state"]) == ("bfloat16", "completed")
    assert made["float16"] == {"refused": "“precision” is float16, which needs a GPU or an NPU. Choose auto, float32 or bfloat16."}


def test_what_cannot_be_done_is_refused_with_a_sentence(made):
    assert made["no_layers"] == {"refused": "The model has no layers named “nowhere”. Set “lora_target_modules” to all-linear."}
    assert made["too_long"] == {"refused": "“max_length” is 257, and the model reads at most 256 tokens. Set it to at most 256."}
    assert made["not_finite"] == {
        "refused": "The loss is no number any more at step 3. Lower “learning_rate”, or choose another precision."
    }
    assert made["too_short"] == {"refused": "No example is left after cutting to 5 tokens. Raise “max_length”."}


def test_question_answering_learns_to_match_every_answer_exactly(made):
    summary = made["answers"]
    assert summary["evaluation"]["exact_match"] == 1.0
    assert summary["evaluation"]["f1"] == 1.0
    assert summary["loss"]["last"] < summary["loss"]["first"] / 10
    assert summary["examples"]["evaluation"] == 20


def test_question_answering_trains_an_adapter_and_cuts_long_texts_into_pieces(made):
    summary = made["answers_lora"]
    assert (summary["state"], summary["method"]) == ("completed", "LoRA")
    assert summary["examples"]["train_pieces"] > summary["examples"]["train"]


def test_only_answers_are_learned_with_the_token_that_ends_them(made):
    assert made["learned_ours"] == [" Hi</s> Rome</s>", 0, 0]
    assert made["learned_theirs"] == ["Hi</s>Rome</s>", 0, 0]
    assert made["learned_last"] == ["Rome!</s>", 1, 0]
    assert made["learned_nothing"] == [1, 1]


def test_f1_counts_words_and_characters_of_scripts_without_spaces(made):
    assert made["measured"] == [1.0, 0.5, 0.8, 0.0, 1.0]


def test_a_stop_saves_the_state_so_far_and_says_so(made, python):
    folder = made["folder"]
    process = start(
        python, folder / "models" / "ann--llama", folder / "data" / "ann--lives", folder / "stopped", {**FULL, "num_train_epochs": 500}
    )
    said = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line.strip())
        if line.startswith("Step 10 "):
            process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    assert said[-1].startswith("Stopped at step ")
    assert "steps: 30000" in said
    (state,) = (folder / "stopped").glob("checkpoint-*")
    assert sorted(path.name for path in state.iterdir()) == [
        "chat_template.jinja", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip
    assert json.loads((folder / "stopped" / "training_summary.json").read_text())["state"] == "stopped"


def test_a_stop_while_it_prepares_ends_at_once_and_leaves_nothing(made, python):
    folder = made["folder"]
    process = start(python, folder / "models" / "ann--llama", folder / "data" / "ann--lives", folder / "early_stop", FULL)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("The format fits")
    process.send_signal(signal.SIGTERM)
    said, _errors = process.communicate(timeout=60)
    assert process.returncode == 143
    assert said == "Stopped before the first step; there is nothing to keep.\n"
    assert list((folder / "early_stop").iterdir()) == []


def test_a_run_that_cannot_begin_says_why_and_fails(made, python):
    folder = made["folder"]
    process = start(python, folder / "models" / "ann--bert", folder / "data" / "ann--lives", folder / "refused", FULL)
    _said, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert errors == "Error: “bert” cannot be trained for this task here. Known are Llama, Bloom, Falcon, MPT.\n"


def test_several_cards_train_together_with_a_process_for_each(made, python):
    """There are no cards here: both processes compute on the processor and exchange what they learned in the same way."""
    folder = made["folder"]
    params = {**ONCE, "logging_steps": 1}
    process = start(
        python, folder / "models" / "ann--llama", folder / "data" / "ann--shifted", folder / "cards", params, CUDA_VISIBLE_DEVICES="0,1"
    )
    said, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert said.count("steps: 2\n") == 1
    assert len(Path(f"{folder / 'cards'}.metrics").read_text().splitlines()) == 2
    assert json.loads((folder / "cards" / "training_summary.json").read_text())["state"] == "completed"
    assert (folder / "cards" / "model.safetensors").is_file()
