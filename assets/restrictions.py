"""What somebody should know before taking an asset into use: its licence, what it needs to run, and what its card says of limits."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from assets import card
from assets.ingest import CARD, read_card
from assets.labels import Fact, Item, label
from assets.models import Asset
from assets.revisions import Place
from assets.vocabulary import Terms
from core.markdown import render
from repos.reading import resolve

HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*\s*\Z")
FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
SAYS_LIMITS = re.compile(
    r"\b(limits?|limitations?|restrictions?|out[- ]of[- ]scope|acceptable use|use policy)\b|限制|局限|禁止|不适用", re.I
)


@dataclass(frozen=True)
class Restrictions:
    """`facts` are those of the label; `text` is the part of the introduction about limits as HTML, empty where there is none."""

    facts: Sequence[Fact]
    text: SafeString


def restrictions_of(asset: Asset, user: Any) -> Restrictions:
    """Return what restricts the use of an asset that was read for `user`."""
    text = limits_of(asset)
    link = Place(asset, resolve(asset.open_repository()), CARD).link
    html = render(text, resolve_link=link, id_prefix="limits-", top_heading=3) if text else ""
    return Restrictions(restricting_facts(asset, user), mark_safe(html))


def restricting_facts(asset: Asset, user: Any) -> list[Fact]:
    """Return those facts of the label that restrict the use, the licence always."""
    names = {_("Licence"), _("Hardware"), _("Minimum spec"), _("Distributed"), _("Running platform")}
    facts = [fact for fact in label(asset, Terms.load(), user) if fact.name in names]
    if all(fact.name != _("Licence") for fact in facts):
        facts.insert(0, Fact(_("Licence"), [Item(_("Not stated"))]))
    return facts


def limits_of(asset: Asset) -> str:
    """Return what the introduction of an asset says of limits, as Markdown."""
    text, _errors = read_card(resolve(asset.open_repository()))
    return section(card.parse(text or "").body)


def section(text: str) -> str:
    """Return the sections of a Markdown text whose headings speak of limits, with what stands below them."""
    found: list[str] = []
    level, fence = 0, ""
    for line in text.splitlines():
        mark = FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        heading = None if fence or mark else HEADING.match(line)
        if heading and (not level or len(heading[1]) <= level):
            level = len(heading[1]) if SAYS_LIMITS.search(heading[2]) else 0
        if level:
            found.append(line)
    return "\n".join(found).strip()
