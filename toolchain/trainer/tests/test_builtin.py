"""The gallery's own training folders, and what can be said of a model and of settings before anything is loaded."""

import ast
import json
import re
from pathlib import Path

import pytest
from django.utils.translation import override

from inspection.files import in_memory
from toolchain.trainer import builtin
from toolchain.trainer.builtin import feasibility, sentences, settings, wording
from toolchain.trainer.builtin.checking import ANSWERING, GENERATION
from toolchain.validator import validate

LLAMA = {"model_type": "llama", "max_position_embeddings": 512}
FILES = ["config.json", "model.safetensors", "tokenizer.json"]


def params(task: str) -> str:
    return (builtin.folder(task) / "train_params.json").read_text()


@pytest.mark.parametrize("task", builtin.TASKS)
def test_our_own_folders_keep_the_rules_for_everybody(task):
    files = [in_memory(f"gallery_train/{path.name}", path.read_bytes()) for path in builtin.folder(task).iterdir() if path.is_file()]
    report = validate(files, registries=())
    assert report.training.form == "folder"
    assert report.findings == ()
    assert (builtin.folder(task) / "dataset_readme.zh.md").stat().st_size > 500


@pytest.mark.parametrize("task", builtin.TASKS)
def test_every_hyperparameter_has_a_translation_and_bounds_or_choices_that_hold_its_default(task):
    methods = json.loads(params(task))["training_methods"]
    assert [method["name"] for method in methods] == ["Full", "LoRA"]
    for method in methods:
        assert method["name"] in wording.METHODS
        for each in method["hyperparameters"]:
            assert each["name"] in wording.HELPS
            if each["type"] in ("int", "float"):
                least, most = settings.BOUNDS[each["name"]]
                assert each["default"] == "" or least <= each["default"] <= most
            elif each["name"] in settings.CHOICES:
                assert each["default"] in settings.CHOICES[each["name"]]
        defaults = {each["name"]: str(each["default"]) for each in method["hyperparameters"]}
        values, found = settings.read(params(task), json.dumps(defaults))
        assert found == []
        assert values["learning_rate"] == float(defaults["learning_rate"])


def test_settings_are_texts_that_become_values():
    given = {
        "learning_rate": "2e-4",
        "num_train_epochs": "1.5",
        "per_device_train_batch_size": "8",
        "lora_rank": "4",
        "merge_adapter": "False",
    }
    values, found = settings.read(params(GENERATION), json.dumps(given))
    assert found == []
    assert settings.method(given) == "LoRA"
    chosen = {"learning_rate": 2e-4, "num_train_epochs": 1.5, "per_device_train_batch_size": 8, "lora_rank": 4, "merge_adapter": False}
    assert {name: values[name] for name in chosen} == chosen
    assert (values["max_length"], values["subset"], values["lora_alpha"]) == (0, "", 32)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"learning_rate": ""}, "“learning_rate” is missing. Give it a value."),
        ({"learning_rate": "fast"}, "“learning_rate” must be a number; it is “fast”."),
        ({"learning_rate": "nan"}, "“learning_rate” must be from 1e-09 to 1; it is nan."),
        ({"per_device_train_batch_size": "2.5"}, "“per_device_train_batch_size” must be a whole number; it is “2.5”."),
        ({"per_device_train_batch_size": "1_0"}, "“per_device_train_batch_size” must be a whole number; it is “1_0”."),
        ({"per_device_train_batch_size": "0"}, "“per_device_train_batch_size” must be from 1 to 4096; it is 0."),
        ({"gradient_checkpointing": "maybe"}, "“gradient_checkpointing” must be true or false; it is “maybe”."),
        ({"precision": "int4"}, "“precision” must be one of auto, float32, bfloat16, float16; it is “int4”."),
    ],
)
def test_a_setting_that_is_wrong_is_named(given, words):
    whole = {"learning_rate": "1e-4", "num_train_epochs": "1", "per_device_train_batch_size": "1"} | given
    _values, found = settings.read(params(GENERATION), json.dumps(whole))
    assert [(finding.severity, sentences.sentence(finding.code, finding.facts)) for finding in found] == [("error", words)]


def test_settings_that_are_no_object_are_refused():
    assert [finding.code for text in ("[1]", "{") for finding in settings.read(params(GENERATION), text)[1]] == ["settings_unreadable"] * 2


@pytest.mark.parametrize(
    ("task", "names", "config", "values", "codes"),
    [
        (GENERATION, FILES, LLAMA, {"max_length": 512}, []),
        (GENERATION, FILES, LLAMA, {"max_length": 513}, ["longer_than_model"]),
        (GENERATION, FILES, {"model_type": "bloom", "seq_length": 512}, {"max_length": 4096}, []),
        (GENERATION, FILES, {"model_type": "mpt", "max_seq_len": 128}, {"max_length": 129}, ["longer_than_model"]),
        (GENERATION, FILES, {"model_type": "falcon", "alibi": True, "max_position_embeddings": 128}, {"max_length": 129}, []),
        (GENERATION, FILES, {"architectures": ["LlamaForCausalLM"]}, {}, []),
        (GENERATION, FILES, {"model_type": "chatglm", "auto_map": {}}, {}, ["architecture_code"]),
        (GENERATION, FILES, {"model_type": "bert"}, {}, ["architecture_other"]),
        (ANSWERING, FILES, {"model_type": "bert", "max_position_embeddings": 512}, {"max_length": 0}, []),
        (GENERATION, ["config.json"], LLAMA, {}, ["weights_missing", "tokenizer_missing"]),
        (GENERATION, FILES, None, {}, ["config_missing"]),
        (GENERATION, FILES, "[", {}, ["config_unreadable"]),
    ],
)
def test_what_stands_against_a_model_is_known_before_it_is_loaded(task, names, config, values, codes):
    text = json.dumps(config) if isinstance(config, dict) else config
    found = feasibility.check(task, names, text, values)
    assert [finding.code for finding in found] == codes
    assert all(sentences.sentence(finding.code, finding.facts) for finding in found)


def test_an_example_is_as_long_as_usual_and_never_longer_than_the_model_reads():
    assert feasibility.length(GENERATION, LLAMA, 0) == 512
    assert feasibility.length(GENERATION, {"model_type": "bloom"}, 0) == 2048
    assert feasibility.length(ANSWERING, {"model_type": "bert", "max_position_embeddings": 512}, 0) == 384
    assert feasibility.length(GENERATION, LLAMA, 100) == 100


def test_both_sides_say_the_same_words():
    facts = {"form": "messages", "rows": 1234, "split": "test", "evaluation": 5, "seen": 9}
    with override("en"):
        assert wording.sentence("fits_with_evaluation", facts) == sentences.sentence("fits_with_evaluation", facts)
        assert wording.sentence("unheard_of", {}) == "This cannot be trained with the gallery's own methods."


def test_every_code_that_is_said_has_a_sentence():
    """Whatever is raised or found in the scripts is looked up by its code when there is nobody left to mend it."""
    codes = set()
    for path in Path(builtin.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(getattr(node, "func", None), "id", "") or getattr(getattr(node, "func", None), "attr", "")
            if (
                name in ("Finding", "refused", "_refused", "Refused", "sentence", "Unreadable")
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                codes.add(node.args[0].value)
            if name == "BadRow" and isinstance(node.args[0], ast.Constant):
                table = sentences.PROBLEMS if any(word.arg == "skipped" for word in node.keywords) else sentences.SENTENCES
                assert node.args[0].value in table
    assert len(codes) > 30
    assert codes <= set(sentences.SENTENCES)


def test_scripts_of_the_run_import_nothing_of_the_portal():
    for path in Path(builtin.__file__).parent.rglob("*.py"):
        if path.name != "wording.py":
            found = re.findall(
                r"^\s*(?:from|import) (django|rest_framework|core|accounts|assets|inspection|toolchain\.(?!trainer\.builtin))",
                path.read_text(),
                re.M,
            )
            assert found == [], path
