"""Fine-tunes a model that writes text: all of it, or with LoRA. Run as a training job, or by hand with the same variables set."""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# A script is started by its path, and only its own folder is searched for modules then.
sys.path.insert(0, str(HERE.parents[4]))
# ruff: noqa: E402

from toolchain.trainer.builtin import checking, feasibility
from toolchain.trainer.builtin import job as jobs
from toolchain.trainer.builtin.checking import GENERATION, Outcome, Split
from toolchain.trainer.builtin.conversations import TEXT, BadRow
from toolchain.trainer.builtin.job import Job, Stops, refused
from toolchain.trainer.builtin.sentences import sentence

SOME = 50_000


def main(job: Job, stops: Stops) -> None:
    """Train, and leave the model in the output folder. Raises `Refused` and `Stopped`."""
    values = job.settings(HERE / "train_params.json")
    config = job.check_model(GENERATION, values)
    outcome, splits = job.check_dataset(GENERATION, values["subset"])
    length = feasibility.length(GENERATION, config, values["max_length"])

    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, set_seed

    from toolchain.trainer.builtin import training, weights
    from toolchain.trainer.builtin.text_generation.gallery_train import tokens
    from toolchain.trainer.builtin.text_generation.gallery_train.prompts import Template

    set_seed(values["seed"])
    place = training.device()
    number = training.precision(values["precision"], place)
    tokenizer = training.loaded(AutoTokenizer, job.model)
    weights.check_tokenizer(job, tokenizer, config)
    template = Template(tokenizer, needed=outcome.form != TEXT)
    learn, evaluate = prepared(job, outcome, splits, values, template, length)
    tell(job, template, learn, evaluate, length)
    model, source = weights.load(job, AutoModelForCausalLM, weights.TEXTS, values, number)
    counts = training.parameters(model)
    job.say(f"{place.name} ({place.kind}), {number}; {counts['trained']:,} of {counts['all']:,} parameters are trained.")
    args = training.arguments(job, values, number, place, evaluates=len(evaluate) > 0, metric="loss")
    args.train_sampling_strategy, args.prediction_loss_only = "group_by_length", True
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=learn,
        eval_dataset=evaluate if len(evaluate) else None,
        data_collator=tokens.collated(tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0),
        processing_class=tokenizer,
    )
    facts = {
        "task": GENERATION,
        "form": outcome.form,
        "examples": {"train": len(learn), "evaluation": len(evaluate), "cut": learn.cut + evaluate.cut, "lost": learn.lost + evaluate.lost},
        "max_length": length,
        "parameters": counts,
        "precision": number,
        "device": f"{place.name} ({place.kind})",
        "chat_template": "ours" if template.is_ours else "the tokenizer's" if tokenizer.chat_template else "",
        "merged": bool("lora_rank" in values and values["merge_adapter"]),
    }
    training.complete(job, stops, trainer, values, facts, lambda trained: weights.save(job, trained, tokenizer, values, source))


def prepared(
    job: Job, outcome: Outcome, splits: Mapping[str, Split], values: Mapping[str, Any], template: Any, length: int
) -> tuple[Any, Any]:
    """Return the examples to learn from and those to evaluate with: of a split of their own, or else a share of the first."""
    from jinja2 import TemplateError

    from toolchain.trainer.builtin.text_generation.gallery_train import tokens

    kept = checking.held_out(outcome, values["validation_share"], values["seed"])
    learn, evaluate = tokens.Tokens(), tokens.Tokens()

    def examples(split: str, wanted: Callable[[int], bool]) -> Iterator[Any]:
        found = (each for row in splits[split].read() for each in checking.examples(outcome.form, row) if not isinstance(each, BadRow))
        for number, messages in enumerate(found):
            if number and number % SOME == 0:
                job.say(f"{number:,} rows of “{split}” are prepared.")
            if wanted(number):
                yield messages[0].content if outcome.form == TEXT else messages

    def add(target: Any, found: Iterator[Any]) -> None:
        if outcome.form == TEXT:
            tokens.add_texts(target, found, template.tokenizer, length)
        else:
            tokens.add_conversations(target, found, template, length)

    try:
        add(learn, examples(outcome.training, lambda number: number not in kept))
        if kept:
            add(evaluate, examples(outcome.training, lambda number: number in kept))
        elif outcome.evaluation:
            add(evaluate, examples(outcome.evaluation, lambda number: True))
    except TemplateError as error:
        raise refused("template_broken", problem=" ".join(str(error).split())[:300]) from error
    if not len(learn):
        raise refused("nothing_left", limit=length)
    return learn, evaluate


def tell(job: Job, template: Any, learn: Any, evaluate: Any, length: int) -> None:
    """Say what becomes of the examples."""
    job.say(f"{len(learn):,} examples to learn from, {len(evaluate):,} to evaluate with, of at most {length:,} tokens.")
    if template.is_ours:
        job.say("The tokenizer has no chat template; the one of the gallery is used and kept with the model.")
    for code, count, facts in (
        ("too_long", learn.cut + evaluate.cut, {"limit": length, "count": learn.cut + evaluate.cut, "lost": learn.lost + evaluate.lost}),
        ("template_rewrites", template.rewrites, {}),
        ("no_evaluation", not len(evaluate), {}),
        ("no_end_token", template.tokenizer.eos_token_id is None, {}),
    ):
        if count:
            job.say(f"Note: {sentence(code, facts)}")


if __name__ == "__main__":
    jobs.run(main, __file__)
