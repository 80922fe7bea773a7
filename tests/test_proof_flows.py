"""From files to answers in a whole gallery, in the real environments: what people bring is trained, becomes a model, is deployed and called."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import requests

from portal.tests.running import Gallery
from tests.proving import Person, files_in, gallery, models
from toolchain.tests.documented import pictures
from toolchain.tests.environments import bases
from toolchain.trainer.tests.training import instructions, questions, shifted

__all__ = ["bases", "gallery", "models"]
pytestmark = pytest.mark.process

PICTURES = {
    "lr": "0.003",
    "num_train_epochs": "3",
    "per_device_train_batch_size": "8",
    "per_device_eval_batch_size": "8",
    "logging_steps": "2",
}
FULL = {"learning_rate": 0.003, "num_train_epochs": 3, "per_device_train_batch_size": 16, "logging_steps": 5}
LORA = {**FULL, "lora_rank": 16, "warmup_ratio": 0.1}
ANSWERS = {
    "learning_rate": 0.003, "num_train_epochs": 8, "per_device_train_batch_size": 32, "max_length": 64, "doc_stride": 8, "logging_steps": 5,
}  # fmt: skip
ASKED = "Where does Anna live?\n\nAnna lives in Lima and keeps a clay pot."


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.fixture(scope="module")
def pia(gallery: Gallery) -> Person:
    return Person(gallery, "pia")


@pytest.fixture(scope="module")
def jobs(pia: Person, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """Training jobs that run while the tests wait for one after the other; `lora` is submitted once its model is there."""
    folder = tmp_path_factory.mktemp("pictures") / "drawn"
    folder.mkdir()
    pictures.draw(folder)
    sources = {
        code: pia.publish(
            "model", f"colours-{code}",
            {**files_in(models / "vit"), **{path: text.encode() for path, text in pictures.scripts(code).items()}}, "image-classification",
        )
        for code in ("current", "compatible")
    }  # fmt: skip
    sources["full"] = pia.publish("model", "writer", files_in(models / "llama"), "text-generation")
    sources["answers"] = pia.publish("model", "reader", files_in(models / "bert"), "question-answering")
    data = {
        "pictures": pia.publish("dataset", "pictures", files_in(folder)),
        "lives": pia.publish("dataset", "lives", {"train.jsonl": lines(instructions())}),
        "asked": pia.publish("dataset", "asked", {"train.jsonl": lines(questions()[20:] * 8), "test.jsonl": lines(questions()[:20])}),
    }
    pia.publish("dataset", "shifted", {"train.jsonl": lines(shifted())})
    for source in sources.values():
        pia.usable(source)
    orders: dict[str, dict[str, Any]] = {
        "full": {"dataset": data["lives"], "output_name": "writer-full", "hyperparameters": FULL},
        "current": {"dataset": data["pictures"], "output_name": "colours-1", "environment": "current", "hyperparameters": PICTURES},
        "compatible": {"dataset": data["pictures"], "output_name": "colours-2", "environment": "compatible", "hyperparameters": PICTURES},
        "answers": {"dataset": data["asked"], "output_name": "reader-full", "hyperparameters": ANSWERS},
    }
    yield {name: pia.train(model=sources[name], spec=pia.spec, **order) for name, order in orders.items()}


def losses(pia: Person, job: int) -> list[float]:
    """Return the first and the last loss of a job's curve."""
    curve = [value for _step, value in pia.call("GET", f"training-jobs/{job}/metrics")["loss"] if value is not None]
    return [curve[0], curve[-1]]


@pytest.fixture(scope="module")
def written(pia: Person, jobs: dict[str, int]) -> int:
    """The job that trains the fully trained writer on, with LoRA and on rows that are answered in another way."""
    full = pia.trained(jobs["full"])
    pia.usable(full["output"])
    return pia.train(
        model=full["output"], dataset="pia/shifted", spec=pia.spec, output_name="writer-lora", method="LoRA", hyperparameters=LORA
    )


@pytest.mark.parametrize("code", ["current", "compatible"])
def test_pictures_are_learned_by_a_script_of_the_models_own(pia: Person, jobs: dict[str, int], written: int, code: str) -> None:
    row = pia.trained(jobs[code])

    first, last = losses(pia, jobs[code])
    assert last < first / 2
    assert [
        line.split("|")[0]
        for line in pia.session.get(f"{pia.gallery.address}/api/v1/training-jobs/{jobs[code]}/metrics/raw").text.splitlines()
    ] == [str(step) for step in range(2, 16, 2)]
    output = pia.call("GET", f"models/{row['output']}")
    assert (output["base_models"], output["datasets"], output["task"]) == (
        [f"pia/colours-{code}"],
        ["pia/pictures"],
        "image-classification",
    )
    made = json.loads(pia.resolve(row["output"], "training/training.json"))
    assert row["model_commit"] in json.dumps(made)
    assert row["dataset_commit"] in json.dumps(made)
    # The scripts are those of the model it was made of, so that it can be deployed as it is.
    assert pia.resolve(row["output"], "gallery_inference/inference.py") == pia.resolve(
        f"pia/colours-{code}", "gallery_inference/inference.py"
    )


@pytest.mark.parametrize("code", ["current", "compatible"])
def test_the_output_is_deployed_and_names_an_uploaded_picture(pia: Person, jobs: dict[str, int], code: str, tmp_path: Path) -> None:
    output = pia.trained(jobs[code])["output"]
    pia.usable(output)
    pia.deploy(f"colours-{code}", output, environment=code)
    address = pia.serving(f"colours-{code}")
    pictures.draw(tmp_path)

    for colour in pictures.COLOURS:
        shown = (tmp_path / "test" / colour / "1.png").read_bytes()
        sent = requests.post(
            f"{address}predict?top=1", data=shown, headers={"Authorization": f"Bearer {pia.token}", "Content-Type": "image/png"}, timeout=60
        )
        assert [each["label"] for each in sent.json()] == [colour]
        form = requests.post(
            f"{address}predict", files={"file": ("a.png", shown)}, headers={"Authorization": f"Bearer {pia.token}"}, timeout=60
        )
        assert [each["label"] for each in form.json()] == [colour, *({*pictures.COLOURS} - {colour})]
    pia.put_away(f"colours-{code}")


def test_questions_about_a_text_are_learned_and_answered(pia: Person, jobs: dict[str, int]) -> None:
    row = pia.trained(jobs["answers"])

    first, last = losses(pia, jobs["answers"])
    assert last < first / 10
    assert json.loads(pia.resolve(row["output"], "training_summary.json"))["evaluation"]["exact_match"] > 0.9
    pia.usable(row["output"])
    pia.deploy("reader", row["output"])
    address = pia.serving("reader")
    asked = {"question": "Where does Anna live?", "context": "Anna lives in Lima and keeps a clay pot."}
    found = requests.post(f"{address}predict", json=asked, headers={"Authorization": f"Bearer {pia.token}"}, timeout=60).json()
    assert (found["answer"], found["start"], found["end"]) == ("Lima", 14, 18)
    pia.put_away("reader")


def test_a_writer_is_trained_fully_then_with_lora_and_chats_with_the_openai_client(pia: Person, jobs: dict[str, int], written: int) -> None:
    first, last = losses(pia, jobs["full"])
    assert last < first / 10
    row = pia.trained(written)
    first, last = losses(pia, written)
    assert last < first / 2

    pia.usable(row["output"])
    pia.deploy("writer", row["output"])
    address = pia.serving("writer")
    key = pia.call("POST", "services/pia/writer/keys", 201, json={"name": "proof"})["key"]
    client = openai.OpenAI(api_key=key, base_url=f"{address}v1", max_retries=0)

    assert [model.id for model in client.models.list()] == ["writer", "pia/writer"]
    asked: Any = {"model": "writer", "messages": [{"role": "user", "content": ASKED}], "temperature": 0, "max_tokens": 20}
    whole = client.chat.completions.create(**asked)
    # So tiny a model learns how to answer, not what.
    assert re.fullmatch(r"The answer is: [A-Z][a-z]+\.", whole.choices[0].message.content.strip())
    assert whole.usage.completion_tokens > 3
    pieces = [piece.choices[0].delta.content or "" for piece in client.chat.completions.create(**asked, stream=True) if piece.choices]
    assert "".join(pieces) == whole.choices[0].message.content
    assert len(pieces) > 3
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(api_key="svc_wrong", base_url=f"{address}v1", max_retries=0).models.list()
    pia.put_away("writer")
