"""What findings mean for fine-tuning, inference and AI app: table 3.3 with every way of doing it."""

import pytest

from assets.demo.recipes.training import inference_folder, train_folder
from toolchain.tests.samples import IMAGE_SERVING, IMAGE_TRAINING, LLAMA, SERVING, TRAINING, Tree, report
from toolchain.validator import Support, Verdict, verdict

BROKEN_TRAINING = TRAINING | {"gallery_train/train.py": "def f(:\n"}
BROKEN_SERVING = {"gallery_inference/inference.py": "x = 1\n"}
NESTED = {f"model/{path}": data for path, data in TRAINING.items()}
TEXT = ("text-generation", "question-answering")
OTHERS = ("translation", "image-classification", "other", "a word of their own")

READY, NOT_READY, NOT_SUPPORTED = "ready", "not_ready", "not_supported"
Row = tuple[str, str, tuple[str, ...], list[str]]


def row(found: Verdict) -> Row:
    return found.code, found.mode, found.modes, [reason.code for reason in found.reasons if reason.severity == "error"]


def judged(tree: Tree, task: str) -> dict[str, Row]:
    return {purpose: row(found) for purpose, found in verdict(report(tree), task=task).items()}


NO_APP: Row = (NOT_SUPPORTED, "built_in", (), ["app_task"])


@pytest.mark.parametrize("task", TEXT)
@pytest.mark.parametrize(
    ("tree", "fine_tuning", "inference", "ai_app"),
    [
        (LLAMA, (READY, "built_in", ("built_in",), []), (READY, "built_in", ("built_in",), []), (READY, "built_in", ("built_in",), [])),
        (
            LLAMA | TRAINING | SERVING,
            (READY, "built_in", ("built_in", "custom"), []),
            (READY, "built_in", ("built_in", "custom"), []),
            (READY, "built_in", ("built_in",), []),
        ),
        (
            LLAMA | BROKEN_TRAINING | BROKEN_SERVING,
            (READY, "built_in", ("built_in",), []),
            (READY, "built_in", ("built_in",), []),
            (READY, "built_in", ("built_in",), []),
        ),
        (
            {},
            (NOT_READY, "built_in", (), ["architecture_missing", "weights_missing"]),
            (NOT_READY, "built_in", (), ["architecture_missing", "weights_missing"]),
            (NOT_READY, "built_in", (), ["architecture_missing", "weights_missing"]),
        ),
        (
            TRAINING | SERVING,
            (READY, "custom", ("custom",), []),
            (READY, "custom", ("custom",), []),
            (NOT_READY, "built_in", (), ["architecture_missing", "weights_missing"]),
        ),
        (
            LLAMA | {"config.json": '{"model_type": "mistral"}'} | BROKEN_TRAINING,
            (NOT_READY, "custom", (), ["architecture_not_supported", "python_syntax"]),
            (NOT_READY, "built_in", (), ["architecture_not_supported"]),
            (NOT_READY, "built_in", (), ["architecture_not_supported"]),
        ),
        (
            LLAMA | NESTED | {"config.json": "{"},
            (NOT_READY, "built_in", (), ["json_syntax", "folder_nested"]),
            (NOT_READY, "built_in", (), ["json_syntax"]),
            (NOT_READY, "built_in", (), ["json_syntax"]),
        ),
        (
            LLAMA | IMAGE_TRAINING,
            (READY, "image", ("image",), []),
            (READY, "built_in", ("built_in",), []),
            (READY, "built_in", ("built_in",), []),
        ),
        (
            LLAMA | IMAGE_SERVING,
            (READY, "built_in", ("built_in",), []),
            (READY, "image", ("image",), []),
            (NOT_SUPPORTED, "image", (), ["app_image"]),
        ),
        (
            LLAMA | {"README.md": "---\nTrain_image_url: swr.example.com/a:1\nInfer_image_url: nowhere:1\nInfer_command_path: /a.sh\n---\n"},
            (NOT_READY, "image", (), ["image_key_missing", "file_missing", "file_missing"]),
            (NOT_READY, "image", (), ["image_reference"]),
            (NOT_SUPPORTED, "image", (), ["app_image"]),
        ),
    ],
    ids=range(10),
)  # fmt: skip
def test_text_models(task: str, tree: Tree, fine_tuning: Row, inference: Row, ai_app: Row) -> None:
    assert judged(tree, task) == {"fine_tuning": fine_tuning, "inference": inference, "ai_app": ai_app}


@pytest.mark.parametrize("task", OTHERS)
@pytest.mark.parametrize(
    ("tree", "fine_tuning", "inference"),
    [
        (LLAMA, (NOT_READY, "custom", (), ["folder_missing"]), (NOT_READY, "custom", (), ["folder_missing"])),
        (TRAINING | SERVING, (READY, "custom", ("custom",), []), (READY, "custom", ("custom",), [])),
        (TRAINING, (READY, "custom", ("custom",), []), (NOT_READY, "custom", (), ["folder_missing"])),
        (SERVING, (NOT_READY, "custom", (), ["folder_missing"]), (READY, "custom", ("custom",), [])),
        (
            LLAMA | BROKEN_TRAINING | BROKEN_SERVING,
            (NOT_READY, "custom", (), ["python_syntax"]),
            (NOT_READY, "custom", (), ["class_missing"]),
        ),
        (NESTED | SERVING, (NOT_READY, "custom", (), ["folder_nested"]), (READY, "custom", ("custom",), [])),
        (IMAGE_TRAINING | SERVING, (READY, "image", ("image",), []), (READY, "custom", ("custom",), [])),
        (BROKEN_SERVING | IMAGE_SERVING, (NOT_READY, "custom", (), ["folder_missing"]), (READY, "image", ("image",), [])),
    ],
    ids=range(8),
)  # fmt: skip
def test_models_of_other_tasks_are_custom_models(task: str, tree: Tree, fine_tuning: Row, inference: Row) -> None:
    assert judged(tree, task) == {"fine_tuning": fine_tuning, "inference": inference, "ai_app": NO_APP}


def test_model_without_a_task_is_told_to_choose_one() -> None:
    found = judged(LLAMA, "")
    assert found["fine_tuning"] == (NOT_READY, "custom", (), ["task_missing", "folder_missing"])
    assert found["ai_app"] == (NOT_SUPPORTED, "built_in", (), ["task_missing"])


def test_datasets_are_not_for_the_toolchain() -> None:
    found = verdict(report(LLAMA), task="text-generation", kind="dataset")
    assert [row(each) for _purpose, each in found.items()] == [(NOT_SUPPORTED, "custom", (), ["not_a_model"])] * 3


def test_table_of_the_gallery_decides() -> None:
    table = {"translation": Support("built_in", "", "built_in")}
    found = verdict(report(LLAMA), task="translation", table=table)
    assert [row(each) for _purpose, each in found.items()] == [
        (READY, "built_in", ("built_in",), []),
        (NOT_SUPPORTED, "custom", (), ["task_not_supported"]),
        (READY, "built_in", ("built_in",), []),
    ]


def test_warnings_go_along_with_what_is_ready() -> None:
    found = verdict(report(SERVING | {"gallery_inference/requirements.txt": "-i https://x\n"}), task="other").inference
    assert (found.code, [reason.code for reason in found.reasons]) == (READY, ["requirement_option"])
    without_tag = {"README.md": IMAGE_SERVING["README.md"].replace(":1.0", "")}
    found = verdict(report(without_tag), task="other").inference
    assert (found.code, [reason.code for reason in found.reasons]) == (READY, ["image_without_tag"])


def test_registry_that_is_not_allowed_stops_the_image_only() -> None:
    found = verdict(report(IMAGE_SERVING | TRAINING, ("other.example.com",)), task="other")
    assert row(found.inference) == (NOT_READY, "image", (), ["registry_refused"])
    assert found.fine_tuning.code == READY


@pytest.mark.parametrize(
    ("config", "known"),
    [
        ('{"model_type": "llama"}', True), ('{"model_type": "Bloom"}', True), ('{"model_type": "falcon"}', True), ('{"model_type": "mpt"}', True),
        ('{"model_type": "RefinedWebModel"}', True), ('{"model_type": "bert"}', True), ('{"model_type": "chatglm"}', True),
        ('{"architectures": ["LlamaForCausalLM"]}', True), ('{"architectures": ["BertForQuestionAnswering"]}', True),
        ('{"architectures": ["ChatGLMModel"]}', True), ('{"architectures": ["BertLMHeadModel"]}', True), ('\ufeff{"model_type": "llama"}', True),
        ('{"model_type": "llama", "architectures": ["GPT2LMHeadModel"]}', True),
        ('{"model_type": "gpt2"}', False), ('{"model_type": "llama4"}', False), ('{"model_type": "distilbert"}', False),
        ('{"architectures": ["RobertaForMaskedLM"]}', False), ('{"architectures": ["GPT2LMHeadModel"]}', False), ("{}", False), ("[]", False),
        ('{"model_type": 5}', False), ('{"architectures": "LlamaForCausalLM"}', False), ('{"model_type": "gpt2", "architectures": ["BertModel"]}', False),
    ],
)  # fmt: skip
def test_architectures_of_section_17(config: str, known: bool) -> None:
    assert (judged(LLAMA | {"config.json": config}, "text-generation")["inference"][0] == READY) is known


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("model.safetensors", True), ("pytorch_model.bin", True), ("model-00001-of-00002.safetensors", True), ("pytorch_model-00001-of-00003.bin", True),
        ("weights/model.safetensors", False), ("adapter_model.safetensors", False), ("model.bin.txt", False), ("tf_model.h5", False),
    ],
)  # fmt: skip
def test_weights_stand_where_libraries_look(path: str, known: bool) -> None:
    tree: Tree = {"config.json": LLAMA["config.json"], path: "x"}
    assert (judged(tree, "text-generation")["fine_tuning"][0] == READY) is known
    assert judged(tree | {path: ""}, "text-generation")["fine_tuning"][0] == NOT_READY


@pytest.mark.parametrize("subject", ["text", "image", "sound"])
def test_models_of_the_demo_keep_the_specification(subject: str) -> None:
    said = report({**train_folder(subject), **inference_folder(subject)})
    assert said.errors == 0
    assert [finding.code for finding in said.findings] in ([], ["call_params"])
    assert judged({**train_folder(subject), **inference_folder(subject)}, "other")["inference"][0] == READY


def test_report_survives_being_kept() -> None:
    said = report(IMAGE_TRAINING | BROKEN_SERVING | SERVING | {"gallery_inference/requirements.txt": "-e ."})
    assert type(said).from_dict(said.as_dict()) == said
