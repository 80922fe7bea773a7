"""What the safety scan says of files and of an asset, and the one place that decides which bytes are kept back for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from assets.models import Asset
from core.numbers import grouped
from core.problems import Forbidden, Missing
from inspection.models import FileReport, Inspection
from inspection.safety.forms import form_of
from inspection.safety.wording import sentence
from inspection.services import reports
from inspection.sources import content_of
from inspection.steps.safety import VIRUS
from repos import reading
from repos.reading import Item, Revision

CONFIRMED = "dangerous"
"""What `?confirm=` says where somebody means to fetch such a file."""
GRAVEST = ("dangerous", "unscanned", "caution", "safe")
"""Of one file: what was not read to its end outweighs a caution."""
WORTH_A_MARK = ("dangerous", "caution", "unscanned")
SEVERITIES = ("danger", "unread", "caution")
NAMED = 5
BATCH = 1000


@dataclass(frozen=True)
class Reason:
    """Why a verdict is what it is: a sentence, how much it weighs, and where it is: a member of the file, a line or a byte, if known."""

    code: str
    severity: str
    where: str
    detail: str
    line: int = 0
    byte: int | None = None

    @property
    def place(self) -> str:
        """Where in the file, in words; empty for the whole."""
        line = _("line %(number)s") % {"number": grouped(self.line)} if self.line else ""
        byte = _("byte %(number)s") % {"number": grouped(self.byte)} if self.byte is not None and not line else ""
        return " · ".join(part for part in (self.where, line, byte) if part)


@dataclass(frozen=True)
class Verdict:
    """What is known of a file. `unscanned` without findings means that nothing has read it by the present rules yet."""

    word: str = "unscanned"
    findings: Sequence[Mapping[str, Any]] = ()

    @property
    def label(self) -> str:
        """The verdict in words."""
        return str(Asset.Safety(self.word).label)

    @property
    def reasons(self) -> list[Reason]:
        """The findings in the language of the moment, the gravest first."""
        return [_reason(found) for found in self.findings]


UNKNOWN = Verdict()


def _reason(found: Mapping[str, Any]) -> Reason:
    facts, code = found["facts"], found["code"]
    line, byte = facts.get("line"), facts.get("at")
    return Reason(
        code,
        found["severity"],
        found["where"],
        str(sentence(code, facts)),
        line if type(line) is int else 0,
        byte if type(byte) is int else None,
    )


def verdicts(items: Iterable[Item]) -> dict[str, Verdict]:
    """Return what is known of files of one repository by path, one query for each thousand; folders are left out."""
    found: dict[str, Verdict] = {}
    files = (item for item in items if not item.is_folder)
    while batch := list(islice(files, BATCH)):
        known = reports(step="safety", repository=batch[0].repository, contents=[content_of(item) for item in batch])
        for item in batch:
            content = content_of(item)
            found[item.path] = _together(known.get((content, form_of(item.path))), known.get((content, VIRUS)))
    return found


def _together(report: FileReport | None, virus: FileReport | None) -> Verdict:
    """Return the verdict of our rules and that of ClamAV, where it looked, as one."""
    both = [row for row in (virus, report) if row is not None]
    words = {row.verdict for row in both} | (set() if report else {UNKNOWN.word})
    findings = sorted((one for row in both for one in row.report.get("findings", ())), key=lambda one: SEVERITIES.index(one["severity"]))
    return Verdict(next(word for word in GRAVEST if word in words), findings)


def verdict_of(item: Item) -> Verdict:
    """Return what is known of one file."""
    return verdicts([item])[item.path]


def check_bytes(asset: Asset, items: Iterable[Item], *, confirmed: bool = False) -> None:
    """Raise `Forbidden` where the setting `BLOCK_DANGEROUS` keeps one of `items` back from the viewer that `asset` was read for.

    Whoever may configure the asset gets it with `confirmed`: they have to look at what they are to mend. What was not scanned passes.
    """
    if not settings.BLOCK_DANGEROUS or (confirmed and may_confirm(asset)):
        return
    held = [path for path, verdict in verdicts(items).items() if verdict.word == "dangerous"]
    if not held:
        return
    if may_confirm(asset):
        words = _("The safety scan found %(names)s dangerous. To fetch it all the same, add “?confirm=dangerous” to the address.")
    else:
        words = ngettext(
            "The safety scan found %(names)s dangerous, so it is not handed out here. Its page says why. Fetch the other files one by one, or ask the owner to replace it.",
            "The safety scan found %(names)s dangerous, so they are not handed out here. Their pages say why. Fetch the other files one by one, or ask the owner to replace them.",
            len(held),
        )
    names = ", ".join(f"“{path}”" for path in held[:NAMED]) + (" …" if len(held) > NAMED else "")
    raise Forbidden("dangerous_file", words % {"names": names}, extra={"files": held[:BATCH]})


def may_confirm(asset: Asset) -> bool:
    """Whether the viewer may fetch a dangerous file where that is blocked."""
    return "configure" in asset.allowed


def is_blocked(verdict: Verdict) -> bool:
    """Whether a file with this verdict is kept back here, from some altogether and from others until they confirm."""
    return bool(settings.BLOCK_DANGEROUS) and verdict.word == "dangerous"


def scan_of(revision: Revision) -> Mapping[str, Any]:
    """Return the result of the scan of a commit, empty where there is none yet; it stays while the commit is scanned again."""
    return Inspection.objects.result_of("safety", revision.repository, revision.commit.sha)


def below(scan: Mapping[str, Any], folder: str) -> str:
    """Return the gravest verdict on a file below `folder`, empty where nothing there is worth a mark."""
    start = f"{folder}/" if folder else ""
    found = {verdict for path, verdict in scan.get("files", {}).items() if path.startswith(start)}
    return next((word for word in WORTH_A_MARK if word in found), "")


@dataclass(frozen=True)
class Suspect:
    """A dangerous file of an asset: where its page is, and why; `reasons` are for those who may read it."""

    path: str
    url: str
    reasons: Sequence[Reason]


def suspects(revision: Revision, paths: Iterable[str], address: Any, *, told: bool) -> list[Suspect]:
    """Return the dangerous files among `paths`; `address` gives the page of a path, `told` whether the viewer may know the reasons."""
    found = []
    for path in paths:
        try:
            verdict = verdict_of(reading.find(revision, path)) if told else UNKNOWN
        except Missing:
            continue
        found.append(Suspect(path, address(path), verdict.reasons))
    return found
