"""Whether a dataset has a form that the gallery's own training reads: the same rules before submission and at the start of a run.

Only the standard library is used, and nothing is read here: splits come with their columns and rows.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from toolchain.trainer.builtin import conversations, squad
from toolchain.trainer.builtin.conversations import BadRow

Severity = Literal["error", "warning", "note"]
GENERATION, ANSWERING = "text-generation", "question-answering"
TRAINING, VALIDATIONS = "train", ("validation", "valid", "dev", "val", "test")
FEW = 20
MOST_ERRORS = 20
SHOWN = 300
# What the portal calls the kinds of columns; "" is not known.
_TEXTS = frozenset({"", "text", "category", "json"})
_NESTED = frozenset({"", "text", "category", "json", "list", "struct"})
_KINDS: Mapping[str, frozenset[str]] = dict.fromkeys(("messages", "conversations", "history", "answers", "data", "paragraphs"), _NESTED) | dict.fromkeys(("instruction", "output", "text", "context", "question", "answer"), _TEXTS)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One row: `number` counts from 1 in `file`, or in its split where no file is known; `cut` says that long texts are not whole."""

    values: Mapping[str, Any]
    number: int
    file: str = ""
    cut: bool = False


@dataclass(frozen=True)
class Split:
    """A split: its columns and what kind each is ("" where not known), how many rows it has, and `read`, which gives those to look at.

    `read` is called once for a check and gives all rows, or the first ones.
    """

    name: str
    columns: Mapping[str, str]
    read: Callable[[], Iterable[Row]] = field(compare=False)
    rows: int | None = None


@dataclass(frozen=True)
class Finding:
    """What is to be known about a dataset: `facts` are plain values for the sentence of `code`."""

    code: str
    severity: Severity
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a dataset is to training: its form, the splits to train and to evaluate with ("" for none), and what there is to say.

    `seen` and `usable` count by split the examples that were looked at, and those of them to learn from.
    """

    form: str = ""
    training: str = ""
    evaluation: str = ""
    findings: tuple[Finding, ...] = ()
    seen: Mapping[str, int] = field(default_factory=dict)
    usable: Mapping[str, int] = field(default_factory=dict)

    @property
    def fits(self) -> bool:
        """Whether one can train with it."""
        return not any(finding.severity == "error" for finding in self.findings)


def check(task: str, splits: Sequence[Split]) -> Outcome:
    """Return what a dataset is to the training of a task. Raises `KeyError` for a task without training of the gallery's own."""
    forms = {GENERATION: conversations.FORMS, ANSWERING: squad.FORMS}[task]
    if not splits:
        return _refused("no_splits")
    training, evaluation = _chosen(splits)
    if training is None:
        return _refused("no_training_split", splits=_listed(split.name for split in splits))
    form = form_of(task, training.columns)
    if not form:
        wanted = "; ".join(" + ".join(f"“{name}”" for name in columns) for columns in forms.values())
        return _refused("no_form", columns=_listed(training.columns) or "–", wanted=wanted)
    if evaluation is not None and form_of(task, evaluation.columns) != form:
        found = [Finding("evaluation_form", "warning", {"split": evaluation.name, "columns": _listed(evaluation.columns)})]
        evaluation = None
    else:
        found = []
    for name in forms[form]:
        kind = training.columns[name]
        if kind not in _KINDS[name]:
            return _refused("column_kind", column=name, kind=kind)
    seen, usable = {}, {}
    for split in [training, *([evaluation] if evaluation is not None else [])]:
        seen[split.name], usable[split.name], more = _looked(form, split, split is training)
        found += more
    outcome = Outcome(form, training.name, evaluation.name if evaluation is not None else "", tuple(found), seen, usable)
    return _with_summary(outcome, training, evaluation) if outcome.fits else outcome


def form_of(task: str, columns: Iterable[str]) -> str:
    """Return the form that rows with these columns have, "" for none."""
    there = set(columns)
    forms = {GENERATION: conversations.FORMS, ANSWERING: squad.FORMS}[task]
    return next((form for form, wanted in forms.items() if there.issuperset(wanted)), "")


def examples(form: str, row: Row) -> Iterator[Any]:
    """Yield what a row teaches (messages of a conversation, or a question), and in its place a `BadRow` for what is left out.

    Raises `BadRow` where the row has not this form.
    """
    if form in squad.FORMS:
        yield from squad.questions(form, row.values, cut=row.cut)
        return
    try:
        yield conversations.conversation(form, row.values)
    except BadRow as bad:
        if not bad.skipped:
            raise
        yield bad


def held_out(outcome: Outcome, share: float, seed: int) -> frozenset[int]:
    """Return which usable examples of the training split, counted from 0, are kept to evaluate with: none where another split is for that."""
    count = outcome.usable[outcome.training]
    if (outcome.evaluation and outcome.usable[outcome.evaluation]) or not share or count < 2:
        return frozenset()
    return frozenset(Random(seed).sample(range(count), min(count - 1, max(round(count * share), 1))))


def place(row: Row, split: str) -> dict[str, Any]:
    """Return the facts that say where a row stands."""
    return {"file": row.file or split, "row": row.number}


def _chosen(splits: Sequence[Split]) -> tuple[Split | None, Split | None]:
    by_name = {split.name.lower(): split for split in splits}
    others = [split for split in splits if split.name.lower() not in VALIDATIONS]
    training = by_name.get(TRAINING) or (others[0] if len(others) == 1 else None)
    evaluation = next((by_name[name] for name in VALIDATIONS if name in by_name), None)
    return training, evaluation


def _looked(form: str, split: Split, is_training: bool) -> tuple[int, int, list[Finding]]:
    """Return how many examples were looked at and can be used, and what is wrong with the others."""
    errors: list[Finding] = []
    skipped: Counter[str] = Counter()
    first: dict[str, dict[str, Any]] = {}
    seen = usable = rows = 0
    for row in split.read():
        rows += 1
        try:
            for example in examples(form, row):
                seen += 1
                if isinstance(example, BadRow):
                    skipped[example.code] += 1
                    first.setdefault(example.code, place(row, split.name))
                else:
                    usable += 1
        except BadRow as bad:
            seen += 1
            errors.append(Finding(bad.code, "error", place(row, split.name) | bad.facts))
            if len(errors) >= MOST_ERRORS:
                break
    if errors:
        more = [Finding("more_errors", "error", {"count": len(errors) - 3})] if len(errors) > 3 else []
        return seen, usable, errors[:3] + more
    part = "" if split.rows is None or rows >= split.rows else "_of_first"
    found = [
        Finding(f"skipped{part}", "warning", {"problem": code, "count": count, "seen": seen, **first[code]})
        for code, count in sorted(skipped.items())
    ]
    if not usable:
        code = "no_rows" if is_training else "no_evaluation_rows"
        found.insert(0, Finding(code, "error" if is_training else "warning", {"split": split.name}))
    return seen, usable, found


def _with_summary(outcome: Outcome, training: Split, evaluation: Split | None) -> Outcome:
    """Return the outcome with what it comes to at the head."""
    seen = sum(outcome.seen.values())
    rows = {
        split.name: outcome.usable[split.name] if split.rows is None or outcome.seen[split.name] >= split.rows else split.rows
        for split in (training, evaluation)
        if split is not None
    }
    facts = {"form": outcome.form, "rows": rows[training.name], "split": outcome.evaluation, "seen": seen}
    if outcome.evaluation and outcome.usable[outcome.evaluation]:
        head = [Finding("fits_with_evaluation", "note", facts | {"evaluation": rows[outcome.evaluation]})]
    else:
        head = [Finding("fits", "note", facts)]
    if rows[training.name] < FEW:
        head.append(Finding("few_rows", "warning", {"rows": rows[training.name]}))
    return Outcome(outcome.form, outcome.training, outcome.evaluation, (*head, *outcome.findings), outcome.seen, outcome.usable)


def _refused(code: str, **facts: Any) -> Outcome:
    return Outcome(findings=(Finding(code, "error", facts),))


def _listed(names: Iterable[str]) -> str:
    text = ", ".join(names)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
