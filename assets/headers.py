"""What the headers of a model's weights say, as its page and REST show it: figures, memory with every formula open, tensors."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from assets.headers_wording import problem_sentence, reason_sentence
from core.numbers import grouped, size
from core.problems import Problem
from inspection.models import Inspection
from inspection.services import reports
from inspection.sources import content_of
from inspection.weights import memory
from inspection.weights.memory import Estimate, Term
from repos import reading
from repos.reading import Item, Revision

CONTEXTS = (2048, 8192, 32768, 131072)
USUAL_CONTEXT = 8192
MOST_BATCH = 1024
# Four bits, with a scale of 16 and a zero point of 4 bits for each group of 128, as AWQ and GPTQ pack them.
INT4_BITS = 4 + (16 + 4) / 128
MOST_IN_FOLDER = 10_000
WORK: dict[str, Promise] = {
    "inference": gettext_lazy("Inference"),
    "lora": gettext_lazy("LoRA fine-tuning"),
    "training": gettext_lazy("Full training"),
}
TERMS: dict[str, Promise] = {
    "weights": gettext_lazy("Weights"),
    "cache": gettext_lazy("Keys and values"),
    "activations": gettext_lazy("Activations"),
    "runtime": gettext_lazy("Runtime"),
    "gradients": gettext_lazy("Gradients"),
    "optimizer": gettext_lazy("Optimiser"),
    "adapter": gettext_lazy("Adapter"),
    "scores": gettext_lazy("Scores of words"),
}
SHORT: dict[str, Promise] = {"inference": gettext_lazy("Inference"), "lora": gettext_lazy("LoRA"), "training": gettext_lazy("Full")}
PLAIN: dict[str, Promise] = {
    "bytes": gettext_lazy("all tensors, byte by byte"),
    "runtime": gettext_lazy("driver, kernels and their workspaces"),
}
"""Terms that are no product, in words."""
_WORD = re.compile(r"[a-z][a-z_]*")


@dataclass(frozen=True)
class Asked:
    """For which length of context and how many sequences at once memory is worked out."""

    context: int
    batch: int = 1

    @property
    def shown(self) -> str:
        """The context as people say it: `8k`."""
        return said(self.context)


def said(tokens: int) -> str:
    """Return a number of tokens in short: `8k`, `128k`, `1,000`."""
    return f"{tokens // 1024:,}k" if tokens >= 1024 and tokens % 1024 == 0 else grouped(tokens)


@dataclass(frozen=True)
class Summand:
    """One term of an estimate with its formula, in names and in numbers (empty where there is nothing to work out)."""

    name: str
    value: int
    formula: str
    numbers: str


def _summand(term: Term) -> Summand:
    name = str(TERMS.get(term.code, term.code))
    if plain := PLAIN.get(term.formula):
        return Summand(name, term.value, str(plain), "")
    return Summand(name, term.value, term.formula.replace("_", " "), _numbers(term.formula, term.factors))


@dataclass(frozen=True)
class Need:
    """What one kind of work wants: `card` is the smallest that holds it, in GB, None where none does or it cannot be told."""

    code: str
    found: Estimate
    card: int | None

    @property
    def name(self) -> str:
        return str(WORK[self.code])

    @property
    def short(self) -> str:
        return str(SHORT[self.code])

    @property
    def terms(self) -> list[Summand]:
        """The terms, each with its formula."""
        return [_summand(term) for term in self.found.terms]

    @property
    def reasons(self) -> list[str]:
        """What is not known, and why."""
        return [
            _("%(term)s: %(reason)s") % {"term": TERMS.get(term, term), "reason": reason_sentence(reason)}
            for term, reason in self.found.missing.items()
        ]


@dataclass(frozen=True)
class Card:
    """A size of card in GB, the kinds of work that fit it, and the longest context of inference, None where it cannot be told."""

    size: int
    holds: Sequence[tuple[str, bool]]
    longest: int | None

    @property
    def longest_said(self) -> str:
        return said(self.longest) if self.longest else ""


class Headers:
    """The result of reading the headers at one commit, for those who may read its files."""

    def __init__(self, result: Mapping[str, Any], asked: Asked | None = None) -> None:
        self.result = result
        self.figures: Mapping[str, Any] = result.get("config") or {}
        self.asked = asked or usual(self.figures)

    @property
    def line(self) -> str:
        """The build of the model in one line: `32 layers · hidden 4096 · 32 heads (8 KV) · about 15.0 GB in BF16`."""
        return " · ".join([*self._build(), *self._sizes()])

    def _build(self) -> Iterator[str]:
        found = self.figures
        if layers := found.get("layers"):
            yield ngettext("%(count)s layer", "%(count)s layers", layers) % {"count": layers}
        if hidden := found.get("hidden"):
            yield _("hidden %(count)s") % {"count": hidden}
        if heads := found.get("heads"):
            words = ngettext("%(count)s head", "%(count)s heads", heads) % {"count": heads}
            shared = found.get("kv_heads", heads)
            yield words if shared == heads else _("%(heads)s (%(shared)s KV)") % {"heads": words, "shared": shared}
        if experts := found.get("experts"):
            words = ngettext("%(count)s expert", "%(count)s experts", experts) % {"count": experts}
            used = found.get("experts_used")
            yield _("%(experts)s (%(used)s in use)") % {"experts": words, "used": used} if used else words
        if vocabulary := found.get("vocabulary"):
            yield _("vocabulary %(count)s") % {"count": grouped(vocabulary)}
        if context := found.get("context"):
            yield _("context %(count)s") % {"count": said(context)}

    def _sizes(self) -> Iterator[str]:
        whole = self.result.get("bytes")
        if not whole or not self.result.get("complete", True):
            return
        dtypes = self.result.get("dtypes") or {}
        words = _("about %(size)s in %(type)s") % {"size": size(whole), "type": next(iter(dtypes), self.result.get("format", ""))}
        small = self.in_int4
        yield _("%(sizes)s, %(size)s in INT4") % {"sizes": words, "size": size(small)} if small else words

    @property
    def in_int4(self) -> int:
        """How many bytes the model would have with the matrices of attention and MLP in four bits; 0 where that cannot be told."""
        parts = self.result.get("parts") or {}
        packed: int = parts.get("attention", 0) + parts.get("mlp", 0)
        dtypes = self.result.get("dtypes") or {}
        if not packed or self.quantisation or not self.figures.get("layers") or not set(dtypes) <= {"F32", "F16", "BF16"}:
            return 0
        return round(packed * INT4_BITS / 8) + 2 * (sum(map(int, parts.values())) - packed)

    @property
    def quantisation(self) -> str:
        """How the weights were quantised, such as `gptq · 4 bit · group 128`; empty where they were not."""
        found = self.result.get("quantisation") or {}
        words = [found.get("method", ""), found.get("form", "")]
        words += [_("%(bits)s bit") % {"bits": found["bits"]}] if found.get("bits") else []
        words += [_("group %(count)s") % {"count": found["group"]}] if found.get("group") else []
        return " · ".join(word for word in words if word)

    @property
    def adapter(self) -> Mapping[str, Any]:
        """What an adapter says of itself (`type`, `rank`, `base`); empty for a whole model."""
        return self.result.get("adapter") or {}

    @property
    def problems(self) -> list[str]:
        """What is wrong with the weights, in words."""
        return [problem_sentence(found["code"], found["path"], found["facts"]) for found in self.result.get("findings", ())]

    @property
    def tree(self) -> Sequence[Mapping[str, Any]]:
        """The tensors by module, equal ones folded into one."""
        found: Sequence[Mapping[str, Any]] = self.result.get("tree") or ()
        return found

    @property
    def tensors(self) -> int:
        """How many tensors there are."""
        return sum(file["tensors"] for file in self.result.get("files", ()))

    @cached_property
    def needs(self) -> list[Need]:
        """What inference, an adapter and full training want."""
        return needs(self.result, self.asked) if self.result.get("files") else []

    @property
    def inference(self) -> Need:
        return self.needs[0]

    @property
    def verdict(self) -> str:
        """Whether one card is enough for inference, in a few words: `Fits 24 GB at 8k`."""
        if not self.needs or not self.inference.found.complete:
            return ""
        if self.inference.card is None:
            return _("Needs more than one card of %(size)s GB at %(context)s") % {"size": memory.CARDS[-1], "context": self.asked.shown}
        return _("Fits %(size)s GB at %(context)s") % {"size": self.inference.card, "context": self.asked.shown}

    @cached_property
    def cards(self) -> list[Card]:
        """Sizes of cards with what fits on one, from the smallest that holds something to the smallest that holds everything."""
        found = [
            Card(
                card,
                [(need.name, need.card is not None and need.card <= card) for need in self.needs],
                memory.longest_context(self.result, card * memory.GIGABYTE, batch=self.asked.batch),
            )
            for card in memory.CARDS
        ]
        some = [card for card in found if card.longest or any(held for _name, held in card.holds)]
        enough = next(
            (at for at, card in enumerate(some) if all(held for _name, held in card.holds) and card.longest == found[-1].longest), len(some)
        )
        return some[: enough + 1]

    @property
    def presets(self) -> list[tuple[int, str, bool]]:
        """Contexts to choose from, up to what the model was made for: the number, as people say it, and whether it is in use."""
        most = self.figures.get("context") or CONTEXTS[-1]
        return [(tokens, said(tokens), tokens == self.asked.context) for tokens in CONTEXTS if tokens <= most]

    @property
    def is_beyond(self) -> bool:
        """Whether the context is longer than the model was made for."""
        return bool(self.figures.get("context")) and self.asked.context > self.figures["context"]


def needs(result: Mapping[str, Any], asked: Asked) -> list[Need]:
    """Return what each kind of work wants, inference first."""
    found = {
        "inference": memory.estimate(result, context=asked.context, batch=asked.batch),
        "lora": memory.adapting(result, context=asked.context, batch=asked.batch),
        "training": memory.training(result, context=asked.context, batch=asked.batch),
    }
    return [Need(code, one, memory.fits(one)) for code, one in found.items()]


def usual(figures: Mapping[str, Any]) -> Asked:
    """Return the usual context: 8k, or what the model was made for where that is less."""
    return Asked(min(USUAL_CONTEXT, figures.get("context") or USUAL_CONTEXT))


def asked_for(values: Mapping[str, str], figures: Mapping[str, Any]) -> Asked:
    """Return what `context` and `batch` of a query ask for, the usual where they are absent. Raises a `Problem` with messages by field."""
    start, errors, found = usual(figures), {}, {}
    for name, usual_value, most in (("context", start.context, memory.LONGEST), ("batch", start.batch, MOST_BATCH)):
        given = values.get(name, "").strip()
        if not given:
            found[name] = usual_value
        elif given.isascii() and given.isdigit() and len(given) < 10 and 1 <= int(given) <= most:
            found[name] = int(given)
        else:
            errors[name] = [_("Give a whole number from 1 to %(most)s.") % {"most": grouped(most)}]
    if errors:
        raise Problem("invalid", _("Some values are not valid; see the messages by field."), errors=errors)
    return Asked(**found)


def result_at(revision: Revision) -> Mapping[str, Any]:
    """Return what the headers at a commit say, empty while they are not read; a result stays while they are read again."""
    return Inspection.objects.result_of("headers", revision.repository, revision.commit.sha)


@dataclass(frozen=True)
class Tensor:
    """One tensor as it is stored: its name, type, shape and bytes, and the file it is in."""

    file: str
    name: str
    dtype: str
    shape: Sequence[int]
    size: int

    @property
    def parameters(self) -> int:
        """How many numbers it has."""
        count = 1
        for length in self.shape:
            count *= length
        return count

    @property
    def shown_shape(self) -> str:
        return " × ".join(grouped(length) for length in self.shape) or _("scalar")


def tensors_at(revision: Revision, result: Mapping[str, Any], *, file: str = "", words: str = "") -> list[Tensor]:
    """Return the tensors of the weights in the order of files, those of one `file` and those whose names hold every one of `words`."""
    paths = [row["path"] for row in result.get("files", ()) if not file or row["path"] == file]
    items = _items(revision, paths)
    known = reports(step="headers", repository=revision.repository, contents=[content_of(item) for item in items.values()])
    by_content = {content: report for (content, _form), report in known.items()}
    wanted = words.lower().split()
    found = []
    for path, item in items.items():
        report = by_content.get(content_of(item))
        for name, dtype, shape, length in report.report.get("tensors", ()) if report else ():
            if all(word in name.lower() for word in wanted):
                found.append(Tensor(path, name, dtype, shape, length))
    return found


def _items(revision: Revision, paths: Sequence[str]) -> dict[str, Item]:
    """Return the files at `paths`, in their order, with one listing for each folder."""
    there: dict[str, Item] = {}
    for folder in dict.fromkeys(path.rpartition("/")[0] for path in paths):
        there |= {item.path: item for item in reading.listing(revision, folder, limit=MOST_IN_FOLDER)}
    return {path: there[path] for path in paths if path in there}


def _numbers(formula: str, factors: Mapping[str, int]) -> str:
    """Return a formula with its names replaced by their numbers."""
    return _WORD.sub(lambda found: grouped(factors[found[0]]) if found[0] in factors else found[0], formula)
