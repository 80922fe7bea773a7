"""What a card says."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from assets.card import COLUMNS, check_facts, parse, sentence

EMPTY = {
    "title_zh": "", "description": "", "licence": "", "task": "", "languages": [], "frameworks": [], "hardware": [], "minimum_spec": "",
    "distributed": False, "industry": "", "platform": "", "base_models": [], "datasets": [], "tags": [],
}  # fmt: skip


def settings(head: str) -> dict[str, object]:
    """Return what differs from an empty card."""
    card = parse(f"---\n{head}---\nBody\n")
    assert card.readable and card.errors == ()
    return {column: value for column, value in card.settings.items() if value != EMPTY[column]}


def test_card_without_head_has_every_column_empty() -> None:
    card = parse("# Title\n\nText.\n")
    assert (card.settings, card.body, card.errors, card.readable) == (EMPTY, "# Title\n\nText.\n", (), True)
    assert set(card.settings) == set(COLUMNS)


def test_empty_text_is_an_empty_card() -> None:
    assert parse("").settings == EMPTY


def test_hub_keys_fill_the_columns() -> None:
    head = (
        "license: apache-2.0\nlanguage:\n- zh\n- en\npipeline_tag: text-generation\nlibrary_name: transformers\ntags: [chat, tools]\n"
        "base_model: lab/Base-7B\ndatasets:\n- lab/Care\npretty_name: 云鹤 7B 对话\n"
    )
    assert settings(head) == {
        "title_zh": "云鹤 7B 对话", "licence": "apache-2.0", "languages": ["zh", "en"], "task": "text-generation",
        "frameworks": ["transformers"], "tags": ["chat", "tools"], "base_models": ["lab/Base-7B"], "datasets": ["lab/Care"],
    }  # fmt: skip


def test_gallery_keys_fill_the_columns() -> None:
    head = (
        "Framework:\n- mindspore\nMinimum_hardware_requirement: 1-snt9b-16-cpu-24-96\nHardware: npu\nLanguage:\n- en\nLicense: MIT\n"
        "Task_type: 文本问答\nDistributed: true\nIndustry: 金融\nPlatform: 盘古\nTrain_image_url: swr.example/x\n"
    )
    assert settings(head) == {
        "frameworks": ["mindspore"], "minimum_spec": "1-snt9b-16-cpu-24-96", "hardware": ["npu"], "languages": ["en"], "licence": "mit",
        "task": "question-answering", "distributed": True, "industry": "finance", "platform": "pangu-studio",
    }  # fmt: skip


def test_case_of_keys_does_not_matter() -> None:
    assert settings("LICENSE: mit\nhardWARE: [GPU]\n") == {"licence": "mit", "hardware": ["gpu"]}


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("license: Apache License 2.0\n", {"licence": "apache-2.0"}),
        ("license: [mit, apache-2.0]\n", {"licence": "mit"}),
        ("license: other\nlicense_name: qwen\n", {"licence": "qwen"}),
        ("license: other\nlicense_name: our own\n", {"licence": "other"}),
        ("license: our-own-1.0\n", {"licence": "our-own-1.0"}),
        ("language: zh, English、粤语\n", {"languages": ["zh", "en", "yue"]}),
        ("language: [zh, zh-CN, 中文]\n", {"languages": ["zh"]}),
        ("language: no\n", {"languages": ["no"]}),
        ("task_categories: [translation, summarization]\n", {"task": "translation"}),
        ("pipeline_tag: 文生图\n", {"task": "text-to-image"}),
        ("library_name: sentence_transformers\n", {"frameworks": ["sentence-transformers"]}),
        ("distributed: 是\n", {"distributed": True}),
        ("distributed: [yes]\n", {"distributed": True}),
        ("tags: 3\n", {"tags": ["3"]}),
        ("tags: [a, null, ' b  c ', 1.5, true]\n", {"tags": ["a", "b c", "1.5", "true"]}),
        ("pretty_name: Only English\n", {}),
        ("license:\ntags: []\n", {}),
        ("date: 2026-99-99\ncreated: 2026-11-22T25:61:00Z\n", {}),
        ("base_model: &b lab/x\ndatasets: [*b]\n", {"base_models": ["lab/x"], "datasets": ["lab/x"]}),
    ],
)
def test_values_are_understood(head: str, expected: dict[str, object]) -> None:
    assert settings(head) == expected


def test_bare_leading_keys_are_the_head() -> None:
    card = parse("Framework:\n- mindspore\nHardware: gpu\n# Title\nText: more\n")
    assert (card.settings["frameworks"], card.settings["hardware"], card.body) == (["mindspore"], ["gpu"], "# Title\nText: more\n")


@pytest.mark.parametrize("text", ["Note: this is prose\n", "Overview: a\nLicense: mit\n", "# License: mit\n"])
def test_prose_is_not_a_bare_head(text: str) -> None:
    assert (parse(text).body, parse(text).settings) == (text, EMPTY)


def test_rule_at_the_start_is_not_a_head() -> None:
    text = "---\n\nA paragraph.\n\n---\nMore.\n"
    assert (parse(text).body, parse(text).errors) == (text, ())


@pytest.mark.parametrize(
    "text", ["\ufeff---\nlicense: mit\n---\nBody", "\n\n---\r\nlicense: mit\r\n---\r\nBody", "--- \nlicense: mit\n---  \nBody"]
)
def test_head_is_found_behind_marks_and_blank_lines(text: str) -> None:
    assert (parse(text).settings["licence"], parse(text).body) == ("mit", "Body")


def test_unknown_keys_are_kept_in_the_mapping() -> None:
    card = parse("---\nmodel-index:\n- name: x\n  results: [{value: 1.5}]\nversion: 1.0\n---\n")
    assert card.front_matter == {"model-index": [{"name": "x", "results": [{"value": 1.5}]}], "version": 1.0}


def test_bad_value_leaves_its_column_out_and_names_the_line() -> None:
    card = parse("---\nlicense: {a: b}\nlanguage: [[x]]\ndistributed: maybe\ndescription: " + "d" * 91 + "\ntask_type: translation\n---\n")
    assert [error.as_dict() for error in sorted(card.errors, key=lambda error: error.line)] == [
        {"code": "wrong_shape", "line": 2, "params": {"key": "license"}},
        {"code": "wrong_shape", "line": 3, "params": {"key": "language"}},
        {"code": "not_a_flag", "line": 4, "params": {"key": "distributed"}},
        {"code": "too_long", "line": 5, "params": {"key": "description", "limit": 90}},
    ]
    assert set(COLUMNS) - set(card.settings) == {"licence", "languages", "distributed", "description"}
    assert (card.settings["task"], card.readable) == ("translation", True)


def test_too_many_values_leave_the_column_out() -> None:
    card = parse("---\ntags: [" + ", ".join(f"t{n}" for n in range(101)) + "]\n---\n")
    assert [error.as_dict() for error in card.errors] == [{"code": "too_many", "line": 2, "params": {"key": "tags", "limit": 100}}]


def test_errors_are_sentences_in_both_languages() -> None:
    error = {"code": "duplicate_key", "line": 3, "params": {"key": "license"}}
    with translation.override("en"):
        assert sentence(error) == "Line 3: The key “license” stands there twice."
    assert sentence({"code": "from the future", "line": 0, "params": {}}) == "The settings could not be read."
    assert sentence({"code": "too_long", "line": 1, "params": {}}) == "Line 1: The settings could not be read."


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"title_zh": "a\nb"}, "Leave out line breaks and control characters."),
        ({"title_zh": "\ud800"}, "Leave out line breaks and control characters."),
        ({"description": "d" * 91}, "Use at most 90 characters."),
        ({"tags": ["x" * 65]}, "Use at most 64 characters."),
        ({"tags": [str(n) for n in range(101)]}, "Use at most 100 values."),
    ],
)
def test_facts_a_card_cannot_hold_are_refused(facts: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        check_facts(facts)
    assert refused.value.message_dict == {next(iter(facts)): [message]}
