"""The words of the gallery's own training in the language in force. Only the portal imports this."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.numbers import grouped
from toolchain.trainer.builtin.sentences import FORMS, PROBLEMS, SENTENCES

METHODS: Mapping[str, Any] = {"Full": gettext_lazy("Full fine-tuning"), "LoRA": gettext_lazy("LoRA")}
HELPS: Mapping[str, Any] = {
    "learning_rate": gettext_lazy("How far one step changes the model."),
    "num_train_epochs": gettext_lazy("How often all rows are learned from."),
    "per_device_train_batch_size": gettext_lazy("Examples that are learned from together, on each card."),
    "gradient_accumulation_steps": gettext_lazy("Batches that make one step: larger steps with the same memory."),
    "max_length": gettext_lazy("Tokens of an example; empty for as many as usual and as the model reads."),
    "validation_share": gettext_lazy("Share of the rows that is kept for evaluation where the dataset has no split for it."),
    "early_stopping_patience": gettext_lazy("Training ends after so many evaluations without gain; 0 for never."),
    "eval_steps": gettext_lazy("Steps between evaluations; 0 for one after each pass over the rows."),
    "logging_steps": gettext_lazy("Steps between points of the curves."),
    "warmup_ratio": gettext_lazy("Share of the steps in which the learning rate rises."),
    "lr_scheduler_type": gettext_lazy("How the learning rate falls afterwards."),
    "weight_decay": gettext_lazy("How strongly large weights are drawn to zero."),
    "max_grad_norm": gettext_lazy("Longest step that one batch may ask for; 0 for any."),
    "gradient_checkpointing": gettext_lazy("Takes less memory and more time."),
    "precision": gettext_lazy("Numbers to compute with; auto chooses by the hardware."),
    "save_total_limit": gettext_lazy("Checkpoints kept at most while training runs; the best one is among them."),
    "max_steps": gettext_lazy("Steps in all; 0 for as many as the passes take."),
    "seed": gettext_lazy("The same seed gives the same order of rows."),
    "subset": gettext_lazy("Subset of the dataset; empty for the default one."),
    "lora_rank": gettext_lazy("Size of the adapter."),
    "lora_alpha": gettext_lazy("How strongly the adapter counts; usually twice its rank."),
    "lora_dropout": gettext_lazy("Share of the adapter's inputs that is left out at random."),
    "lora_target_modules": gettext_lazy("Names of layers that get an adapter, with commas; all-linear for all."),
    "merge_adapter": gettext_lazy("Makes a plain model; else the adapter alone is kept, which needs its base model."),
    "doc_stride": gettext_lazy("Tokens that two pieces of a long text have in common."),
    "max_answer_length": gettext_lazy("Tokens of an answer at most."),
}


def sentence(code: str, facts: Mapping[str, Any]) -> str:
    """Return what a finding of the gallery's own training says."""
    try:
        return _(SENTENCES[code]) % {name: _shown(name, value) for name, value in facts.items()}
    except KeyError:
        # A result that was kept under other rules.
        return _("This cannot be trained with the gallery's own methods.")


def method_name(name: str) -> str:
    """Return what people call a training method of ours; others keep their name."""
    return str(METHODS.get(name, name))


def help_text(name: str, given: str) -> str:
    """Return what a hyperparameter of ours does; `given` is the help that stands in `train_params.json`."""
    return str(HELPS.get(name, given))


def _shown(name: str, value: Any) -> str:
    if name == "form" and value in FORMS:
        return _(FORMS[value])
    if name == "problem" and value in PROBLEMS:
        return _(PROBLEMS[value])
    return grouped(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)
