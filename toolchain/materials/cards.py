"""The introduction of a model that a training made: pure text."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from assets import card
from assets.card import DEFAULTS
from assets.vocabulary import Terms
from toolchain.materials.curves import Curve, number
from toolchain.materials.facts import Facts, Origin
from toolchain.materials.outputs import Refusal

SHOWN_REFUSALS = 20
MAX_OWN = 1_000_000
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~!$&])")


def settings_of(facts: Facts) -> dict[str, Any]:
    """Return what the head of the new model's card says, by column."""
    made = {**facts.inherited, "base_models": [facts.model.repo_id], "datasets": [facts.dataset.repo_id] if facts.dataset else []}
    if facts.task != "custom":
        made["task"] = facts.task
    if facts.dataset:
        sentence = _("%(model)s, trained further on %(dataset)s") % {"model": facts.model.repo_id, "dataset": facts.dataset.repo_id}
        made["description"] = sentence if len(sentence) <= 90 else ""
    return made


def introduction(facts: Facts, own: str, pictures: Mapping[str, str], left_out: Sequence[Refusal], data: str) -> str:
    """Return the README: what was done and how it went, and then the text `own` that the program wrote itself.

    Lineage is ours; of the other settings those in the head of `own` count where there are any. `pictures` are paths by the name of a
    curve, `data` is the folder with the numbers. Raises `CardUnreadable` where the head of `own` is broken.
    """
    found = card.parse(own)
    if not found.readable:
        raise card.CardUnreadable(found.errors)
    ours = settings_of(facts)
    kept = {
        column
        for column in ours
        if column not in ("base_models", "datasets") and found.settings.get(column) not in (None, DEFAULTS[column])
    }
    head = own[: len(own) - len(found.body)] if found.body else own
    body = "\n\n".join(part for part in (_report(facts, pictures, left_out, data), _their(found.body)) if part)
    return card.rewrite(f"{head}{body}\n", {column: value for column, value in ours.items() if column not in kept}, kind="model")


def _their(body: str) -> str:
    if not body.strip():
        return ""
    return f"## {_('From the training itself')}\n\n{body.strip()}"


def _report(facts: Facts, pictures: Mapping[str, str], left_out: Sequence[Refusal], data: str) -> str:
    parts = [f"# {facts.name}", _first_sentence(facts), f"## {_('Training')}", _table(_("Setting"), _("Value"), _settings(facts))]
    if facts.parameters:
        rows = [(plain(name), plain(value)) for name, value in facts.parameters.items()]
        parts += [f"## {_('Hyperparameters')}", _table(_("Name"), _("Value"), rows)]
    if rows := _results(facts):
        parts += [f"## {_('Results')}", _table(_("Metric"), _("Value"), rows)]
    for curve in facts.curves:
        if curve.name in pictures:
            parts.append(f"![{plain(_words(curve))}]({pictures[curve.name]})")
    parts.append(_("Everything in numbers: [%(folder)s](%(folder)s).") % {"folder": data})
    if left_out:
        lines = [f"- {plain(refusal.path)}: {refusal.reason}" for refusal in left_out[:SHOWN_REFUSALS]]
        if len(left_out) > SHOWN_REFUSALS:
            lines.append("- …")
        parts += [f"## {_('Left out')}", _("These parts of the output are not in the repository."), "\n".join(lines)]
    return "\n\n".join(parts)


def _first_sentence(facts: Facts) -> str:
    words = {
        "model": _link("model", facts.model),
        "dataset": facts.dataset and _link("dataset", facts.dataset),
        "method": plain(facts.method),
    }
    if facts.dataset:
        return _("%(model)s, trained further on %(dataset)s with the method “%(method)s”.") % words
    return _("%(model)s, trained further with the method “%(method)s”.") % words


def _settings(facts: Facts) -> list[tuple[str, str]]:
    terms = Terms.load()
    task = _("Custom") if facts.task == "custom" else terms.name("task", facts.task)
    rows = [(_("Base model"), f"{_link('model', facts.model)} @ {facts.model.commit[:7]}")]
    if facts.dataset:
        rows.append((_("Dataset"), f"{_link('dataset', facts.dataset)} @ {facts.dataset.commit[:7]}"))
    return [
        *rows,
        (_("Training task type"), plain(task)),
        (_("Training method"), plain(facts.method)),
        (_("Compute spec"), plain(facts.spec)),
        (_("Environment"), plain(facts.environment)),
        (_("Duration"), duration((facts.ended_at - facts.started_at).total_seconds())),
        (_("Finished at"), f"{timezone.localtime(facts.ended_at):%Y-%m-%d %H:%M %Z}"),
    ]


def _results(facts: Facts) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for curve in facts.curves:
        if not (known := curve.known):
            continue
        if curve.name == "loss":
            at, best = min(known, key=lambda point: point[1])
            rows.append((_("Last loss"), number(known[-1][1])))
            rows.append((_("Lowest loss"), _("%(value)s (iteration %(iteration)s)") % {"value": number(best), "iteration": f"{at:,.0f}"}))
        elif curve.name == "throughput":
            rows.append((_("Mean throughput"), number(sum(y for _x, y in known) / len(known))))
    return [*rows, *((plain(name), number(value)) for name, value in facts.metrics.items() if math.isfinite(value))]


def _words(curve: Curve) -> str:
    """Return what the picture of a curve shows, for those who do not see it."""
    values = [y for _x, y in curve.known]
    name = _("Training loss") if curve.name == "loss" else _("Throughput")
    facts = {
        "name": name,
        "first": number(values[0]),
        "last": number(values[-1]),
        "least": number(min(values)),
        "most": number(max(values)),
    }
    return _("%(name)s over iterations: first %(first)s, last %(last)s, lowest %(least)s, highest %(most)s") % facts


def record(facts: Facts) -> bytes:
    """Return the same as JSON, for programs."""

    def origin(found: Origin | None) -> dict[str, str] | None:
        return {"id": found.repo_id, "commit": found.commit} if found else None

    content = {
        "run": facts.key,
        "base_model": origin(facts.model),
        "dataset": origin(facts.dataset),
        "task": facts.task,
        "method": facts.method,
        "parameters": dict(facts.parameters),
        "spec": facts.spec,
        "environment": facts.environment,
        "started_at": facts.started_at.isoformat(),
        "ended_at": facts.ended_at.isoformat(),
        "metrics": {name: value if math.isfinite(value) else None for name, value in facts.metrics.items()},
    }
    return json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n"


def plain(text: str) -> str:
    """Return `text`, somebody else's, as one line of Markdown that shows it and nothing more."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))


def duration(seconds: float) -> str:
    """Return a length of time as hours, minutes and seconds: `1:02:03`."""
    whole = max(0, round(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def _link(kind: str, origin: Origin) -> str:
    return f"[{plain(origin.repo_id)}]({settings.PUBLIC_URL}/{kind}s/{origin.repo_id}/files/{origin.commit})"


def _table(first: str, second: str, rows: Sequence[tuple[str, str]]) -> str:
    lines = [f"| {first} | {second} |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)]
    return "\n".join(lines)
