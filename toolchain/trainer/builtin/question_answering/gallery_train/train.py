"""Fine-tunes a model that finds the answer to a question in a text. Run as a training job, or by hand with the same variables set."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# A script is started by its path, and only its own folder is searched for modules then.
sys.path.insert(0, str(HERE.parents[4]))
# ruff: noqa: E402

from toolchain.trainer.builtin import checking, feasibility
from toolchain.trainer.builtin import job as jobs
from toolchain.trainer.builtin.checking import ANSWERING, Outcome, Split
from toolchain.trainer.builtin.job import Job, Stops, refused
from toolchain.trainer.builtin.sentences import sentence
from toolchain.trainer.builtin.squad import Question


def main(job: Job, stops: Stops) -> None:
    """Train, and leave the model in the output folder. Raises `Refused` and `Stopped`."""
    values = job.settings(HERE / "train_params.json")
    config = job.check_model(ANSWERING, values)
    outcome, splits = job.check_dataset(ANSWERING, values["subset"])
    length = feasibility.length(ANSWERING, config, values["max_length"])
    learn, evaluate = divided(outcome, splits, values)

    from transformers import AutoModelForQuestionAnswering, AutoTokenizer, Trainer, set_seed

    from toolchain.trainer.builtin import training, weights
    from toolchain.trainer.builtin.question_answering.gallery_train import features, scoring

    set_seed(values["seed"])
    place = training.device()
    number = training.precision(values["precision"], place)
    tokenizer = training.loaded(AutoTokenizer, job.model)
    weights.check_tokenizer(job, tokenizer, config)
    learned, shown = (
        list(features.pieces(each, tokenizer, length, values["doc_stride"], with_offsets=each is evaluate)) for each in (learn, evaluate)
    )
    if not learned:
        raise refused("nothing_left", limit=length)
    job.say(f"{len(learn):,} questions to learn from in {len(learned):,} pieces, {len(evaluate):,} to evaluate with in {len(shown):,}.")
    if not shown:
        job.say(f"Note: {sentence('no_evaluation', {})}")
    model, source = weights.load(job, AutoModelForQuestionAnswering, weights.QUESTIONS, values, number)
    counts = training.parameters(model)
    job.say(f"{place.name} ({place.kind}), {number}; {counts['trained']:,} of {counts['all']:,} parameters are trained.")

    def scores(prediction: Any) -> dict[str, float]:
        starts, ends = prediction.predictions[:2]
        given = scoring.answers(evaluate, shown, starts, ends, values["max_answer_length"])
        return scoring.measured(evaluate, given)

    trainer = Trainer(
        model=model,
        args=training.arguments(job, values, number, place, evaluates=bool(shown), metric="f1"),
        train_dataset=features.Pieces(learned),
        eval_dataset=features.Pieces(shown) if shown else None,
        data_collator=features.collated(tokenizer.pad_token_id or 0),
        processing_class=tokenizer,
        compute_metrics=scores,
    )
    # An adapter hides the names from the trainer.
    trainer.label_names = ["start_positions", "end_positions"]
    facts = {
        "task": ANSWERING,
        "form": outcome.form,
        "examples": {"train": len(learn), "evaluation": len(evaluate), "train_pieces": len(learned), "evaluation_pieces": len(shown)},
        "max_length": length,
        "parameters": counts,
        "precision": number,
        "device": f"{place.name} ({place.kind})",
        "merged": bool("lora_rank" in values and values["merge_adapter"]),
    }
    training.complete(job, stops, trainer, values, facts, lambda trained: weights.save(job, trained, tokenizer, values, source))


def divided(outcome: Outcome, splits: Mapping[str, Split], values: Mapping[str, Any]) -> tuple[list[Question], list[Question]]:
    """Return the questions to learn from and those to evaluate with: of a split of their own, or else a share of the first."""
    learn = asked(outcome, splits[outcome.training])
    kept = checking.held_out(outcome, values["validation_share"], values["seed"])
    if kept or not outcome.evaluation:
        return [each for index, each in enumerate(learn) if index not in kept], [learn[index] for index in sorted(kept)]
    return learn, asked(outcome, splits[outcome.evaluation])


def asked(outcome: Outcome, split: Split) -> list[Question]:
    """Return the questions of a split that can be used."""
    return [each for row in split.read() for each in checking.examples(outcome.form, row) if isinstance(each, Question)]


if __name__ == "__main__":
    jobs.run(main, __file__)
