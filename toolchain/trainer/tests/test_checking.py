"""What a dataset is to the gallery's own training."""

from typing import Any

import pytest

from toolchain.trainer.builtin import checking
from toolchain.trainer.builtin.checking import ANSWERING, GENERATION, Outcome, Row, Split
from toolchain.trainer.builtin.sentences import sentence

SAID = [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "Here."}]
SHARED = [{"from": "human", "value": "Where?"}, {"from": "gpt", "value": "Here."}]


def split(
    rows: list[dict[str, Any]], name: str = "train", kinds: dict[str, str] | None = None, of: int | None = None, file: str = "a.jsonl"
) -> Split:
    columns = {key: "" for row in rows for key in row} | (kinds or {})
    return Split(name, columns, lambda: [Row(row, number, file) for number, row in enumerate(rows, 1)], len(rows) if of is None else of)


def outcome(*splits: Split, task: str = GENERATION) -> Outcome:
    return checking.check(task, splits)


def said(found: Outcome) -> list[str]:
    return [sentence(finding.code, finding.facts) for finding in found.findings]


def test_conversations_fit_and_their_rows_are_counted():
    rows = [{"messages": SAID}] * 30
    found = outcome(split(rows, of=108000), split(rows, "validation", of=6000))
    assert found.fits
    assert (found.form, found.training, found.evaluation) == ("messages", "train", "validation")
    assert said(found) == [
        "The format fits: conversations in “messages”, 108,000 rows to train with and 6,000 in “validation” to evaluate with."
    ]


@pytest.mark.parametrize(
    ("row", "form"),
    [
        ({"messages": SAID, "text": "x"}, "messages"),
        ({"conversations": SHARED, "system": "Be brief."}, "conversations"),
        ({"conversations": SAID}, "conversations"),
        ({"instruction": "Where?", "input": "", "output": "Here."}, "instruction"),
        ({"instruction": "Where?", "output": "Here.", "history": [["a", "b"]]}, "instruction"),
        ({"messages": '[{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "Here."}]'}, "messages"),
        ({"text": "Once upon a time."}, "text"),
    ],
)
def test_every_form_of_text_is_known(row, form):
    found = outcome(split([row] * 20))
    assert (found.form, found.fits, found.usable) == (form, True, {"train": 20})
    assert [finding.severity for finding in found.findings] == ["note"]


@pytest.mark.parametrize(
    ("row", "form"),
    [
        ({"context": "In Rome.", "question": "Where?", "answers": {"text": ["Rome"], "answer_start": [3]}}, "squad_flat"),
        ({"context": "In Rome.", "question": "Where?", "answers": [{"text": "Rome", "answer_start": 3}]}, "squad_flat"),
        ({"context": "In Rome.", "question": "Where?", "answers": '{"text": ["Rome"], "answer_start": [3]}'}, "squad_flat"),
        ({"context": "In Rome.", "question": "Where?", "answers": {"text": [], "answer_start": []}}, "squad_flat"),
        ({"context": "In Rome.", "question": "Where?", "answer": "Rome"}, "squad_single"),
        ({"data": [{"paragraphs": [{"context": "In Rome.", "qas": [{"question": "Where?", "answers": [{"text": "Rome"}]}]}]}]}, "squad"),
        (
            {"title": "x", "paragraphs": [{"context": "In Rome.", "qas": [{"question": "Where?", "is_impossible": True}]}]},
            "squad_paragraphs",
        ),
    ],
)
def test_every_form_of_questions_is_known(row, form):
    found = outcome(split([row] * 20), task=ANSWERING)
    assert (found.form, found.fits, found.usable) == (form, True, {"train": 20})


def test_rows_without_an_answer_are_left_out_and_counted():
    rows = (
        [{"instruction": "Where?", "output": "Here."}] * 20
        + [{"instruction": "Where?", "output": " "}] * 3
        + [{"instruction": None, "output": "x"}]
    )
    found = outcome(split(rows))
    assert found.fits
    assert found.usable == {"train": 20}
    assert said(found)[1:] == [
        "Rows without an answer are left out: 3. The first is row 21 of “a.jsonl”.",
        "Rows without a question are left out: 1. The first is row 24 of “a.jsonl”.",
    ]


def test_of_a_sample_it_is_said_that_it_is_one():
    found = outcome(split([{"messages": SAID}] * 20 + [{"messages": SAID[:1]}], of=5000, file=""))
    assert said(found) == [
        "The format fits: conversations in “messages”, 5,000 rows to train with.",
        "Rows without an answer are left out: 1 of the first 21. The first is row 21 of “train”.",
    ]


def test_an_answer_that_stands_elsewhere_is_found_and_one_that_stands_nowhere_is_left_out():
    row = {"context": "Rome is old. Rome is large.", "question": "Which?", "answers": {"text": ["Rome"], "answer_start": [11]}}
    (question,) = checking.examples("squad_flat", Row(row, 1))
    assert question.answers[0].start == 13
    found = outcome(split([row] * 20 + [row | {"answers": {"text": ["Oslo"], "answer_start": [0]}}]), task=ANSWERING)
    assert said(found)[1] == "Rows whose answer does not stand in the text are left out: 1. The first is row 21 of “a.jsonl”."


@pytest.mark.parametrize(
    ("task", "row", "words"),
    [
        (GENERATION, {"messages": "hello"}, "Row 2 of “a.jsonl”: “messages” must be a list."),
        (GENERATION, {"messages": ["hello"]}, "Row 2 of “a.jsonl”: “messages” must be a list of objects."),
        (GENERATION, {"messages": [{"content": "x"}]}, "Row 2 of “a.jsonl”: a message in “messages” does not say whose it is. Add “role” and “content”."),
        (GENERATION, {"messages": [{"role": "tool", "content": "x"}]}, "Row 2 of “a.jsonl”: “tool” is no role. Use system, user and assistant."),
        (GENERATION, {"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "Row 2 of “a.jsonl”: a message in “messages” is not text. Only text can be learned."),
        (GENERATION, {"messages": None, "conversations": None, "instruction": ["x"], "output": "y"}, None),
        (ANSWERING, {"context": "x", "question": "y", "answers": 5}, "Row 2 of “a.jsonl”: “answers” must hold “text” and “answer_start”."),
        (ANSWERING, {"context": ["x"], "question": "y", "answers": None}, "Row 2 of “a.jsonl”: “context” must be text."),
    ],
)  # fmt: skip
def test_a_row_of_another_form_is_an_error_that_names_its_place(task, row, words):
    good = {"messages": SAID} if task == GENERATION else {"context": "In Rome.", "question": "Where?", "answers": {"text": ["Rome"]}}
    found = outcome(split([good, row]), task=task)
    assert found.fits is (words is None)
    assert words is None or said(found) == [words]


def test_many_rows_of_another_form_are_not_all_named():
    found = outcome(split([{"messages": "hello"}] * 100))
    assert len(found.findings) == 4
    assert said(found)[-1] == "There are at least 17 more rows with errors."


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        ([], "The dataset has no file that can be read. Add JSON, JSONL, CSV or Parquet files."),
        ([split([{"text": "x"}], "test")], "No split is named “train”; there are: test. Name the one to train with “train”."),
        ([split([{"text": "x"}], "a"), split([{"text": "x"}], "b")], "No split is named “train”; there are: a, b. Name the one to train with “train”."),
        (
            [split([{"prompt": "x", "label": 1}])],
            "The columns are prompt, label. Training needs one of these sets of columns: “messages”; “conversations”; “instruction” + “output”; “text”.",
        ),
        ([split([{"text": 5}], kinds={"text": "integer"})], "The column “text” holds values of the kind “integer”, which it must not. Correct the files."),
        ([split([{"text": " "}])], "No row of “train” can be learned from. Correct the files."),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_with_is_refused_with_a_sentence(splits, words):
    found = outcome(*splits)
    assert not found.fits
    assert said(found)[0] == words


def test_an_evaluation_split_of_another_form_is_not_used():
    found = outcome(split([{"messages": SAID}] * 20), split([{"text": "x"}], "test"))
    assert (found.fits, found.evaluation) == (True, "")
    assert said(found)[1] == "The split “test” has other columns (text), and is not used. A share of the training rows takes its place."


def test_few_rows_are_worth_a_word():
    assert said(outcome(split([{"text": "x"}] * 3)))[1] == "Only 3 rows can be learned from. Add more for a useful model."
