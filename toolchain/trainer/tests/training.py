"""What tests of the gallery's own training share: the interpreter of the base environment, processes of it, and little datasets."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from toolchain.environments import ready
from toolchain.tests.documented import tiny
from toolchain.tests.environments import Bases
from toolchain.trainer import builtin


@pytest.fixture(scope="session")
def python(bases: Bases) -> str:
    """The interpreter of the environment that our scripts are written for."""
    return ready.python_of(*bases(builtin.ENVIRONMENT))


def variables(**more: str) -> dict[str, str]:
    """Return what a process of a run has in its environment, and nothing of ours."""
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", **more}


def contract(model: Path, dataset: Path, output: Path, params: dict[str, Any]) -> dict[str, str]:
    """Return the variables of the run contract."""
    return variables(
        ENV_AG_WORK_DIR=str(output.parent),
        ENV_AG_MODEL_DIR=str(model),
        ENV_AG_DATASET_DIR=str(dataset),
        ENV_AG_TRAIN_OUTPUT_DIR=str(output),
        ENV_AG_USER_METRICS_LOG_PATH=str(output) + ".metrics",
        ENV_AG_USER_PARAMS=json.dumps({name: str(value) for name, value in params.items()}),
        HF_HOME=str(output) + ".cache",
    )


def answered(python: str, folder: Path, orders: list[dict[str, Any]]) -> list[Any]:
    """Return the answers to orders that one process works off; see `driving`."""
    (folder / "orders.json").write_text(json.dumps(orders, default=str))
    arguments = [python, str(Path(__file__).parent / "driving.py"), str(folder / "orders.json"), str(folder / "answers.json")]
    done = subprocess.run(arguments, env=variables(HF_HOME=str(folder / "cache")), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    answers: list[Any] = json.loads((folder / "answers.json").read_text())
    return answers


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as JSON Lines, and return the folder they are in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path.parent


def instructions() -> list[dict[str, str]]:
    """Return a thousand rows: where somebody lives, told by a sentence about them."""
    return [
        {"instruction": f"Where does {text.split()[0]} live?", "input": text, "output": text.split(" and ")[0] + "."}
        for text in tiny.sentences()
    ] * 10


def shifted() -> list[dict[str, Any]]:
    """Return rows that ask the same as `instructions` and are answered in another way."""
    return [
        {
            "messages": [
                {"role": "user", "content": f"Where does {text.split()[0]} live?\n\n{text}"},
                {"role": "assistant", "content": f"The answer is: {text.split()[3]}."},
            ]
        }
        for text in tiny.sentences()
    ] * 5


def questions() -> list[dict[str, Any]]:
    """Return two questions about every sentence, in the form of SQuAD."""
    found = []
    for text in tiny.sentences():
        person, place, thing = text.split()[0], text.split()[3], text.split(" keeps ")[1].rstrip(".")
        for question, answer in ((f"Where does {person} live?", place), (f"What does {person} keep?", thing)):
            found.append({"context": text, "question": question, "answers": {"text": [answer], "answer_start": [text.index(answer)]}})
    return found
