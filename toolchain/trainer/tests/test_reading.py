"""Files of datasets as the gallery's own training reads them: what fits, and the words about what does not."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from toolchain.trainer.tests.training import answered, lines

pytestmark = pytest.mark.process

SAID = {"messages": [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "Here."}]}
TOLD = {"instruction": "Where?", "output": "Here, “there”,\nand everywhere."}
ASKED = {"context": "In Rome.", "question": "Where?", "answers": {"text": ["Rome"], "answer_start": [3]}}
SQUAD = {"version": "1.1", "data": [{"title": "x", "paragraphs": [{"context": "In Rome.", "qas": [{"id": "1", "question": "Where?", "answers": [{"text": "Rome", "answer_start": 3}]}]}]}]}  # fmt: skip
CARD = "---\nconfigs:\n- config_name: one\n  data_files: one.csv\n- config_name: two\n  data_files: two.jsonl\n---\n"
GENERATION, ANSWERING = "text-generation", "question-answering"


def table(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path.parent


def text(path: Path, words: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(words.encode() if isinstance(words, str) else words)
    return path.parent


def parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path.parent


@pytest.fixture(scope="module")
def said(python: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one process says of many datasets, by their names."""
    root = tmp_path_factory.mktemp("reading")
    one = text(root / "subsets" / "README.md", CARD)
    lines(one / "two.jsonl", [SAID])
    (one / "one.csv").write_text("text\nhello\n")
    sets: dict[str, tuple[str, Path, str]] = {
        "json": (GENERATION, text(root / "json" / "train.json", json.dumps([SAID], indent=2)), ""),
        "jsonl": (GENERATION, lines(root / "jsonl" / "data" / "train-00000-of-00001.jsonl", [SAID]).parent, ""),
        "csv": (GENERATION, table(root / "csv" / "all.csv", [TOLD]), ""),
        "csv of lists": (GENERATION, table(root / "csv2" / "all.csv", [{"messages": json.dumps(SAID["messages"])}]), ""),
        "parquet": (GENERATION, parquet(root / "parquet" / "x.parquet", [SAID]), ""),
        "gzip": (GENERATION, text(root / "gzip" / "x.jsonl.gz", gzip.compress(json.dumps(SAID).encode())), ""),
        "byte order mark": (GENERATION, text(root / "bom" / "x.jsonl", "\ufeff" + json.dumps(TOLD)), ""),
        "text": (GENERATION, text(root / "text" / "x.txt", "one\ntwo\n"), ""),
        "squad": (ANSWERING, text(root / "squad" / "train.json", json.dumps(SQUAD)), ""),
        "squad indented": (ANSWERING, text(root / "squad2" / "train.json", json.dumps(SQUAD, indent=1)), ""),
        "squad flat": (ANSWERING, parquet(root / "squad3" / "x.parquet", [ASKED]), ""),
        "first subset": (GENERATION, one, ""),
        "second subset": (GENERATION, one, "two"),
        "no subset": (GENERATION, one, "three"),
        "empty": (GENERATION, text(root / "empty" / "README.md", "# Nothing\n"), ""),
        "broken line": (GENERATION, text(root / "line" / "x.jsonl", json.dumps(SAID) + "\n{\n"), ""),
        "broken file": (GENERATION, text(root / "file" / "x.json", "[1, 2"), ""),
        "no object": (GENERATION, text(root / "object" / "x.json", "[1, 2]"), ""),
        "broken parquet": (GENERATION, text(root / "broken" / "x.parquet", b"PAR1 and no more"), ""),
        "too many fields": (GENERATION, text(root / "fields" / "x.csv", "text\na\nb,c\n"), ""),
        "not text": (GENERATION, text(root / "bytes" / "x.jsonl", b'{"text": "\xff"}'), ""),
        "wrong role": (GENERATION, lines(root / "role" / "train.jsonl", [SAID, {"messages": [{"role": "dog", "content": "x"}]}]), ""),
    }
    orders = [{"do": "check", "task": task, "dataset": folder, "subset": subset} for task, folder, subset in sets.values()]
    return dict(zip(sets, answered(python, root, orders), strict=True))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("json", "messages"),
        ("jsonl", "messages"),
        ("csv", "instruction"),
        ("csv of lists", "messages"),
        ("parquet", "messages"),
        ("gzip", "messages"),
        ("byte order mark", "instruction"),
        ("text", "text"),
        ("squad", "squad"),
        ("squad indented", "squad"),
        ("squad flat", "squad_flat"),
        ("first subset", "text"),
        ("second subset", "messages"),
    ],
)
def test_every_kind_of_file_is_read(said, name, form):
    assert said[name] == form


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no subset", "The dataset has no subset “three”; it has: one, two. Choose one of these."),
        ("empty", "The dataset has no file that can be read. Add JSON, JSONL, CSV or Parquet files."),
        ("broken line", "Row 2 of “x.jsonl” cannot be read: this is no JSON (Expecting property name enclosed in double quotes: line 2 column 1 (char 2))."),
        ("broken file", "“x.json” cannot be read: Expecting ',' delimiter: line 1 column 6 (char 5)."),
        ("no object", "Row 1 of “x.json” cannot be read: this is no object."),
        ("too many fields", "Row 2 of “x.csv” cannot be read: it has more fields than the first line has names."),
        ("not text", "“x.jsonl” cannot be read: 'utf-8' codec can't decode byte 0xff in position 10: invalid start byte."),
        ("wrong role", "Row 2 of “train.jsonl”: “dog” is no role. Use system, user and assistant."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_with_file_and_row(said, name, words):
    assert said[name] == {"refused": words}


def test_a_damaged_parquet_file_is_named(said):
    assert said["broken parquet"]["refused"].startswith("“x.parquet” cannot be read: ")
