"""What is said about datasets, models and settings: English here, and the source of the translations that the portal shows."""

from collections.abc import Mapping
from typing import Any


def gettext_noop(text: str) -> str:
    """Return `text`, which the portal translates when it shows it."""
    return text


FORMS: Mapping[str, str] = {
    "messages": gettext_noop("conversations in “messages”"),
    "conversations": gettext_noop("conversations in “conversations”"),
    "instruction": gettext_noop("“instruction” with “output”"),
    "text": gettext_noop("plain text in “text”"),
    "squad": gettext_noop("SQuAD with articles and paragraphs"),
    "squad_paragraphs": gettext_noop("SQuAD with paragraphs"),
    "squad_flat": gettext_noop("SQuAD with one question in a row"),
    "squad_single": gettext_noop("one question with one answer in a row"),
}
PROBLEMS: Mapping[str, str] = {
    "answer_missing": gettext_noop("without an answer"),
    "question_missing": gettext_noop("without a question"),
    "text_missing": gettext_noop("without text"),
    "context_missing": gettext_noop("without a text to find the answer in"),
    "answer_not_found": gettext_noop("whose answer does not stand in the text"),
}
SENTENCES: Mapping[str, str] = {
    # Datasets
    "fits": gettext_noop("The format fits: %(form)s, %(rows)s rows to train with."),
    "fits_with_evaluation": gettext_noop(
        "The format fits: %(form)s, %(rows)s rows to train with and %(evaluation)s in “%(split)s” to evaluate with."
    ),
    "few_rows": gettext_noop("Only %(rows)s rows can be learned from. Add more for a useful model."),
    "skipped": gettext_noop("Rows %(problem)s are left out: %(count)s. The first is row %(row)s of “%(file)s”."),
    "skipped_of_first": gettext_noop(
        "Rows %(problem)s are left out: %(count)s of the first %(seen)s. The first is row %(row)s of “%(file)s”."
    ),
    "no_splits": gettext_noop("The dataset has no file that can be read. Add JSON, JSONL, CSV or Parquet files."),
    "no_training_split": gettext_noop("No split is named “train”; there are: %(splits)s. Name the one to train with “train”."),
    "no_form": gettext_noop("The columns are %(columns)s. Training needs one of these sets of columns: %(wanted)s."),
    "column_kind": gettext_noop("The column “%(column)s” holds values of the kind “%(kind)s”, which it must not. Correct the files."),
    "evaluation_form": gettext_noop(
        "The split “%(split)s” has other columns (%(columns)s), and is not used. A share of the training rows takes its place."
    ),
    "no_rows": gettext_noop("No row of “%(split)s” can be learned from. Correct the files."),
    "no_evaluation_rows": gettext_noop("No row of “%(split)s” can be used to evaluate with. A share of the training rows takes its place."),
    "more_errors": gettext_noop("There are at least %(count)s more rows with errors."),
    "file_unreadable": gettext_noop("“%(file)s” cannot be read: %(problem)s."),
    "row_unreadable": gettext_noop("Row %(row)s of “%(file)s” cannot be read: %(problem)s."),
    "value_not_text": gettext_noop("Row %(row)s of “%(file)s”: “%(column)s” must be text."),
    "not_a_list": gettext_noop("Row %(row)s of “%(file)s”: “%(column)s” must be a list."),
    "not_an_object": gettext_noop("Row %(row)s of “%(file)s”: “%(column)s” must be a list of objects."),
    "history_not_pairs": gettext_noop("Row %(row)s of “%(file)s”: “history” must be a list of pairs of question and answer."),
    "role_missing": gettext_noop("Row %(row)s of “%(file)s”: a message in “%(column)s” does not say whose it is. Add “role” and “content”."),
    "role_unknown": gettext_noop("Row %(row)s of “%(file)s”: “%(role)s” is no role. Use system, user and assistant."),
    "content_not_text": gettext_noop("Row %(row)s of “%(file)s”: a message in “%(column)s” is not text. Only text can be learned."),
    "answers_shape": gettext_noop("Row %(row)s of “%(file)s”: “answers” must hold “text” and “answer_start”."),
    "subset_unknown": gettext_noop("The dataset has no subset “%(subset)s”; it has: %(subsets)s. Choose one of these."),
    # Settings
    "settings_unreadable": gettext_noop("The hyperparameters are not a JSON object of texts. Submit the job again."),
    "setting_missing": gettext_noop("“%(name)s” is missing. Give it a value."),
    "setting_not_int": gettext_noop("“%(name)s” must be a whole number; it is “%(value)s”."),
    "setting_not_float": gettext_noop("“%(name)s” must be a number; it is “%(value)s”."),
    "setting_not_bool": gettext_noop("“%(name)s” must be true or false; it is “%(value)s”."),
    "setting_range": gettext_noop("“%(name)s” must be from %(least)s to %(most)s; it is %(value)s."),
    "setting_choice": gettext_noop("“%(name)s” must be one of %(choices)s; it is “%(value)s”."),
    "setting_unknown": gettext_noop("“%(name)s” means nothing here and is ignored."),
    # Models
    "config_missing": gettext_noop("The model has no “config.json” at its first level. Add the one your library saves."),
    "config_unreadable": gettext_noop("The “config.json” of the model cannot be read. Add the one your library saves."),
    "weights_missing": gettext_noop("The model has no weights at its first level. Add “model.safetensors” or “pytorch_model.bin”, or their parts."),
    "tokenizer_missing": gettext_noop("The model has no tokenizer at its first level. Add “tokenizer.json”, or the files your library saves."),
    "tokenizer_slow": gettext_noop("The tokenizer cannot say where its pieces stand in the text. Add a “tokenizer.json”."),
    "tokenizer_larger": gettext_noop("The tokenizer knows %(tokens)s tokens and the model only %(limit)s. Add the tokenizer that belongs to the model."),
    "no_end_token": gettext_noop("The tokenizer has no token for the end of a text, so the model cannot learn where an answer ends."),
    "architecture_code": gettext_noop(
        "“%(architecture)s” is not part of the library that trains; its models bring code of their own. Give the model training scripts of its own."
    ),
    "architecture_other": gettext_noop("“%(architecture)s” cannot be trained for this task here. Known are %(known)s."),
    "longer_than_model": gettext_noop("“max_length” is %(value)s, and the model reads at most %(limit)s tokens. Set it to at most %(limit)s."),
    "template_broken": gettext_noop("The chat template of the tokenizer does not accept this dataset: %(problem)s"),
    "template_rewrites": gettext_noop("The chat template of the tokenizer rewrites earlier messages; only the last answer of a conversation is learned."),
    "model_unreadable": gettext_noop("The model cannot be loaded: %(problem)s"),
    "layers_unknown": gettext_noop("The model has no layers named “%(modules)s”. Set “lora_target_modules” to all-linear."),
    # Running
    "variable_missing": gettext_noop("The environment variable %(name)s is missing. Start this script as a training job."),
    "too_long": gettext_noop("Longer than %(limit)s tokens and cut: %(count)s. Left out because nothing of the answer remained: %(lost)s."),
    "nothing_left": gettext_noop("No example is left after cutting to %(limit)s tokens. Raise “max_length”."),
    "no_evaluation": gettext_noop("There are no rows to evaluate with, so the last state of the model is kept and training does not stop early."),
    "precision_needs_card": gettext_noop("“precision” is float16, which needs a GPU or an NPU. Choose auto, float32 or bfloat16."),
    "not_finite": gettext_noop("The loss is no number any more at step %(step)s. Lower “learning_rate”, or choose another precision."),
    "memory": gettext_noop("The memory of the accelerator is not enough. Lower the batch size or “max_length”, or turn on “gradient_checkpointing”."),
    "stopped_early": gettext_noop("Stopped before the first step; there is nothing to keep."),
    "stopped": gettext_noop("Stopped at step %(step)s of %(steps)s; the state so far is in “%(folder)s”."),
}  # fmt: skip


def sentence(code: str, facts: Mapping[str, Any]) -> str:
    """Return what `code` says in English, numbers with commas."""
    return SENTENCES[code] % {name: shown(name, value) for name, value in facts.items()}


def shown(name: str, value: Any) -> str:
    """Return one fact as a sentence shows it in English."""
    if name == "form":
        return FORMS[value]
    if name == "problem" and value in PROBLEMS:
        return PROBLEMS[value]
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
