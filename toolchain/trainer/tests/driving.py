"""Runs several trainings in one process, whose imports take most of the time: `python driving.py <orders.json> <answers.json>`.

Started by the interpreter of the base environment, from the root of the repository. An order is an object with `do`; its answer stands at
the same place of the list.
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

from toolchain.trainer.builtin.job import Job, Refused, Stops  # noqa: E402


def check(order: dict[str, Any]) -> Any:
    """Answer with the form of a dataset."""
    outcome, _splits = _job(order).check_dataset(order["task"], order.get("subset", ""))
    return outcome.form


def make(order: dict[str, Any]) -> Any:
    """Make a tiny model."""
    from toolchain.tests.documented import tiny

    folder = Path(order["folder"])
    folder.mkdir(parents=True)
    {"bert": tiny.bert}.get(order["kind"], lambda target: tiny.writer(target, order["kind"]))(folder)
    if order.get("broken"):
        import torch
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(folder)
        torch.nn.init.constant_(model.get_output_embeddings().weight, float("nan"))
        model.save_pretrained(folder)
    if order.get("template"):
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokenizer.chat_template = order["template"]
        tokenizer.save_pretrained(folder)


def train(order: dict[str, Any]) -> Any:
    """Train, and answer with the summary."""
    from toolchain.trainer.builtin.question_answering.gallery_train import train as answering
    from toolchain.trainer.builtin.text_generation.gallery_train import train as generation

    job = _job(order)
    job.output.mkdir(parents=True)
    (answering if order["task"] == "question-answering" else generation).main(job, Stops())
    return json.loads((job.output / "training_summary.json").read_text())


def write(order: dict[str, Any]) -> Any:
    """Answer with what a model says to each question, written as a service would write it."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(order["model"])
    model = AutoModelForCausalLM.from_pretrained(order["model"])
    if order.get("adapter"):
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, order["adapter"])
    found = []
    for question in order["questions"]:
        inputs = tokenizer.apply_chat_template(
            [{"role": "user", "content": question}], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        made = model.generate(**inputs, max_new_tokens=40, do_sample=False)
        found.append(tokenizer.decode(made[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True).strip())
    return found


def learned(order: dict[str, Any]) -> Any:
    """Answer with the stretches of a conversation that are learned."""
    from transformers import AutoTokenizer

    from toolchain.trainer.builtin.conversations import Message
    from toolchain.trainer.builtin.text_generation.gallery_train import tokens
    from toolchain.trainer.builtin.text_generation.gallery_train.prompts import Template

    template = Template(AutoTokenizer.from_pretrained(order["model"]), needed=True)
    packed = tokens.Tokens()
    tokens.add_conversations(packed, [[Message(*each) for each in order["messages"]]], template, order["length"])
    if not len(packed):
        return [packed.cut, packed.lost]
    labels = packed[0]["labels"].tolist()
    return template.tokenizer.decode([label for label in labels if label >= 0]), template.rewrites, packed.cut


def measure(order: dict[str, Any]) -> Any:
    """Answer with the F1 of pairs of a given and a right answer."""
    from toolchain.trainer.builtin.question_answering.gallery_train import scoring

    return [round(scoring.f1(*pair), 4) for pair in order["pairs"]]


def _job(order: dict[str, Any]) -> Job:
    output = Path(order.get("output", "output"))
    given = json.dumps(order.get("params", {}))
    return Job(Path(order.get("model", "model")), Path(order["dataset"]), output, Path(f"{output}.metrics"), given)


def main(orders: Path, answers: Path) -> None:
    """Answer every order; one that is refused with its sentences."""
    found = []
    for order in json.loads(orders.read_text()):
        try:
            found.append(globals()[order["do"]](order))
        except Refused as refused:
            found.append({"refused": str(refused)})
    answers.write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
