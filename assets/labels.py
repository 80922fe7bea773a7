"""What a label says: the facts of an asset in their one fixed order, in words, with links into the catalogue."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from assets.addresses import visible
from assets.models import Asset, Term
from assets.vocabulary import Terms
from core.numbers import grouped, parameters, size

V = Term.Vocabulary


@dataclass(frozen=True)
class Item:
    """One value of a fact; `url` is empty where there is nothing to open. `external` addresses leave the site."""

    text: str
    url: str = ""
    external: bool = False


@dataclass(frozen=True)
class Fact:
    """One line of a label. `plain` values stand side by side, `ids` one below the other, `tags` as badges."""

    name: str
    items: Sequence[Item]
    style: str = "plain"

    @property
    def text(self) -> str:
        """All values in one line."""
        return " · ".join(item.text for item in self.items)


@dataclass(frozen=True)
class Card:
    """An asset as lists show it: its name in the reader's language, its colour, and four facts."""

    asset: Asset
    pigment: str
    facts: Sequence[tuple[str, str]]

    @property
    def task(self) -> str:
        return self.facts[0][1]

    @property
    def measure(self) -> str:
        """Parameters of a model where they are known, else the size."""
        return self.facts[1][1]

    @property
    def licence(self) -> str:
        return self.facts[2][1]

    @property
    def last(self) -> str:
        """The hardware of a model, the languages of a dataset."""
        return self.facts[3][1]


def cards(assets: Iterable[Asset], terms: Terms) -> list[Card]:
    """Return the cards for rows that were read with `whole()`."""
    return [card(asset, terms) for asset in assets]


def card(asset: Asset, terms: Terms) -> Card:
    """Return the card of one asset."""
    measure = (_("Params"), parameters(asset.parameters)) if asset.parameters else (_("Size"), size(asset.repository.size))
    if asset.kind == Asset.Kind.MODEL:
        last = (_("Hardware"), " · ".join(short(name) for name in terms.names(V.HARDWARE, asset.hardware)))
    else:
        last = (_("Language"), " · ".join(terms.names(V.LANGUAGE, asset.languages[:3])))
    facts = [(_("Task"), terms.name(V.TASK, asset.task)), measure, (_("Licence"), terms.name(V.LICENCE, asset.licence)), last]
    return Card(asset, terms.pigment(asset.task), facts)


def short(name: str) -> str:
    """Return a name without what stands in brackets behind it, for narrow places: `NPU` for `NPU (Ascend)`."""
    return name.split(" (")[0].split("（")[0]


def label(asset: Asset, terms: Terms, user: Any) -> list[Fact]:
    """Return every fact that is known, in order; other assets are linked only where `user` may see them."""
    model = asset.kind == Asset.Kind.MODEL
    licence = terms.get(V.LICENCE, asset.licence)
    several = [Item(_("Training and inference on several cards"))] if asset.distributed else []
    facts = [
        Fact(_("Task"), _linked(asset, "task", V.TASK, [asset.task], terms)),
        Fact(_("Framework"), _linked(asset, "framework", V.FRAMEWORK, asset.frameworks, terms)),
        Fact(_("Languages"), _linked(asset, "language", V.LANGUAGE, asset.languages, terms)),
        Fact(_("Size"), [Item(_files(asset))]),
        Fact(
            _("Licence"),
            [Item(licence.name, licence.url, external=True)] if licence and licence.url else _some(terms.name(V.LICENCE, asset.licence)),
        ),
        Fact(_("Hardware"), _linked(asset, "hardware", V.HARDWARE, asset.hardware, terms)),
        Fact(_("Minimum spec"), _some(terms.name(V.SPEC, asset.minimum_spec))),
        Fact(_("Distributed"), several),
        Fact(_("Industry"), _linked(asset, "industry", V.INDUSTRY, [asset.industry], terms)),
        Fact(_("Running platform"), _linked(asset, "platform", V.PLATFORM, [asset.platform], terms)),
        Fact(_("Base model"), _lineage(Asset.Kind.MODEL, asset.base_models, user), style="ids"),
        Fact(_("Trained on") if model else _("Made from"), _lineage(Asset.Kind.DATASET, asset.datasets, user), style="ids"),
        Fact(_("Tags"), [Item(tag, f"/{asset.kind}s?{urlencode({'tag': tag})}") for tag in asset.tags], style="tags"),
    ]
    return [fact for fact in facts if fact.items]


def _files(asset: Asset) -> str:
    count = asset.repository.files
    words = ngettext("%(count)s file, %(size)s", "%(count)s files, %(size)s", count)
    return words % {"count": grouped(count), "size": size(asset.repository.size)}


def _some(text: str) -> list[Item]:
    return [Item(text)] if text else []


def _linked(asset: Asset, parameter: str, vocabulary: str, codes: Iterable[str], terms: Terms) -> list[Item]:
    """Return the names of `codes`, each known one leading to the assets that share it."""
    return [
        Item(terms.name(vocabulary, code), f"/{asset.kind}s?{urlencode({parameter: code})}" if terms.get(vocabulary, code) else "")
        for code in codes
        if code
    ]


def _lineage(kind: str, repo_ids: Sequence[str], user: Any) -> list[Item]:
    found = visible(user, kind, repo_ids)
    return [Item(repo_id, found[repo_id].get_absolute_url() if repo_id in found else "") for repo_id in repo_ids]
