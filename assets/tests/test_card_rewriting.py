"""Writing settings into a card changes what it must and nothing else."""

from typing import Any

import pytest

from assets.card import CardUnreadable, compose, parse, rewrite

HUB = """---
# who wrote this
license: apache-2.0   # keep me
language:
- zh  # Chinese
- English
pipeline_tag: "text-generation"
library_name: transformers
tags: [a, 'b c',  d]
base_model: lab/Base
model-index:
- name: x
  results: []   # odd   spaces
unknown:   'x'

# the end
---

# Title
"""


@pytest.mark.parametrize(
    ("values", "old", "new"),
    [
        ({"licence": "mit"}, "license: apache-2.0   # keep me\n", "license: mit   # keep me\n"),
        ({"task": "translation"}, 'pipeline_tag: "text-generation"\n', 'pipeline_tag: "translation"\n'),
        ({"languages": ["zh", "en", "ja"]}, "- English\n", "- English\n- ja\n"),
        ({"languages": ["en"]}, "- zh  # Chinese\n", ""),
        ({"languages": ["en", "zh"]}, "- zh  # Chinese\n- English\n", "- English\n- zh  # Chinese\n"),
        ({"languages": []}, "language:\n- zh  # Chinese\n- English\n", ""),
        ({"tags": ["b c", "x: y"]}, "tags: [a, 'b c',  d]\n", "tags: ['b c', \"x: y\"]\n"),
        ({"base_models": ["lab/Other"]}, "base_model: lab/Base\n", "base_model: lab/Other\n"),
        ({"base_models": ["lab/Base", "lab/Other"]}, "base_model: lab/Base\n", "base_model: [lab/Base, lab/Other]\n"),
        ({"frameworks": ["onnx"]}, "library_name: transformers\n", "library_name: onnx\n"),
        ({"frameworks": ["transformers", "onnx"]}, "# the end\n", "# the end\nFramework: [transformers, onnx]\n"),
        ({"title_zh": "云鹤：7B"}, "# the end\n", "# the end\ntitle_zh: 云鹤：7B\n"),
        ({"title_zh": "云鹤: 7B #1"}, "# the end\n", '# the end\ntitle_zh: "云鹤: 7B #1"\n'),
        ({"distributed": True}, "# the end\n", "# the end\ndistributed: true\n"),
        ({"description": "yes"}, "# the end\n", "# the end\ndescription: yes\n"),
        ({"description": "true"}, "# the end\n", '# the end\ndescription: "true"\n'),
        ({"description": "1.0"}, "# the end\n", '# the end\ndescription: "1.0"\n'),
        ({"description": '"; - [x] {y} & *z !a |'}, "# the end\n", '# the end\ndescription: "\\"; - [x] {y} & *z !a |"\n'),
    ],
)
def test_only_the_line_of_the_setting_changes(values: dict[str, Any], old: str, new: str) -> None:
    assert HUB.count(old) == 1
    written = rewrite(HUB, values)
    assert written == HUB.replace(old, new)
    assert {column: parse(written).settings[column] for column in values} == values


def test_same_settings_leave_the_text_as_it_is() -> None:
    assert rewrite(HUB, parse(HUB).settings) == HUB


def test_every_setting_can_be_emptied_and_the_rest_survives() -> None:
    empty = {column: type(value)() for column, value in parse(HUB).settings.items()}
    written = rewrite(HUB, empty)
    assert written == (
        "---\n# who wrote this\nmodel-index:\n- name: x\n  results: []   # odd   spaces\nunknown:   'x'\n\n# the end\n---\n\n# Title\n"
    )


def test_new_head_is_in_the_hubs_style() -> None:
    assert compose(
        {"licence": "mit", "languages": ["zh", "en"], "task": "translation", "frameworks": ["pytorch"], "tags": []}, kind="model", title="X"
    ) == ("---\nlicense: mit\npipeline_tag: translation\nlanguage: [zh, en]\nlibrary_name: pytorch\n---\n\n# X\n")


def test_new_head_of_a_dataset_lists_its_task() -> None:
    assert rewrite("Text\n", {"task": "translation"}, kind="dataset") == "---\ntask_categories: [translation]\n---\n\nText\n"


def test_nothing_to_say_makes_no_head() -> None:
    assert compose({"licence": "", "languages": []}, kind="model", title="X") == "# X\n"


def test_gallery_style_and_bare_head_are_kept() -> None:
    text = "Framework:\n  - mindspore\nHardware: gpu\nTrain_image_url: swr/x\n# Title\n"
    assert rewrite(text, {"licence": "mit", "hardware": ["gpu", "npu"], "frameworks": ["mindspore", "onnx"]}) == (
        "Framework:\n  - mindspore\n  - onnx\nHardware: [gpu, npu]\nTrain_image_url: swr/x\nLicense: mit\n# Title\n"
    )


def test_other_categories_of_a_dataset_stay() -> None:
    text = "---\ntask_categories:\n- translation\n- summarization  # too\n---\n"
    assert (
        rewrite(text, {"task": "text-generation"}, kind="dataset")
        == "---\ntask_categories:\n- text-generation\n- summarization  # too\n---\n"
    )


def test_new_licence_drops_the_name_of_the_old() -> None:
    text = "---\nlicense: other\nlicense_name: ours\nlicense_link: LICENSE\nx: 1\n---\n"
    assert rewrite(text, {"licence": "mit"}) == "---\nlicense: mit\nx: 1\n---\n"


def test_line_ends_and_mark_are_kept() -> None:
    text = "\ufeff---\r\nlicense: mit\r\n---\r\nBody\r\n"
    assert rewrite(text, {"licence": "gpl-3.0", "tags": ["a"]}) == "\ufeff---\r\nlicense: gpl-3.0\r\ntags: [a]\r\n---\r\nBody\r\n"


@pytest.mark.parametrize(
    ("head", "values", "expected"),
    [
        ("license:\n", {"licence": "mit"}, "license: mit\n"),
        ("license: |\n  mit\n\ntags: [a]\n", {"licence": "isc"}, "license: isc\n\ntags: [a]\n"),
        ("license: >-\n  mit\n", {"licence": "isc"}, "license: isc\n"),
        ("tags: [a,\n  b]  # two\n", {"tags": ["c"]}, "tags: [c]\n"),
        ("\"license\": 'mit'\n", {"licence": "isc"}, "\"license\": 'isc'\n"),
        ("license: mit", {"tags": ["a"]}, "license: mit\ntags: [a]\n"),
        ("x: &l mit\nlicense: *l\n", {"licence": "isc"}, "x: &l mit\nlicense: isc\n"),
        ("{license: mit}\n", {"licence": "isc"}, "{license: isc}\n"),
        ("pretty_name: English\n", {"title_zh": "中文"}, "pretty_name: English\ntitle_zh: 中文\n"),
        ("pretty_name: 旧名\n", {"title_zh": "新名"}, "pretty_name: 新名\n"),
        ("distributed: yes\n", {"distributed": False}, "distributed: false\n"),
    ],
)
def test_unusual_heads_are_edited_in_place(head: str, values: dict[str, Any], expected: str) -> None:
    end = "" if head.endswith("\n") else "\n"
    written = rewrite(f"---\n{head}{end}---\n", values)
    assert written == f"---\n{expected}---\n"
    assert {column: parse(written).settings[column] for column in values} == values


def test_value_that_was_not_understood_is_replaced() -> None:
    assert rewrite("---\nlicense: {a: b}\nx: 1\n---\n", {"licence": "mit"}) == "---\nlicense: mit\nx: 1\n---\n"


def test_broken_head_is_refused_and_named() -> None:
    with pytest.raises(CardUnreadable) as refused:
        rewrite("---\na: [\n---\n", {"licence": "mit"})
    assert [error.code for error in refused.value.errors] == ["yaml_syntax"]
