"""Loading the demo: people, organisations, assets with their histories, and download figures. What exists is left alone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from random import Random

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone

from accounts.handles import normalise
from accounts.models import Handle, Membership, Organisation, User
from accounts.services import create_organisation, namespace_at, record, set_member
from assets.addresses import asset_at
from assets.demo.collection import EXHIBITS
from assets.demo.exhibits import Exhibit, Person, Revision, Team
from assets.demo.life import add_life
from assets.demo.people import PEOPLE, TEAMS
from assets.downloads import tally
from assets.models import Asset
from assets.services import commit_files, create_asset, create_version
from core.problems import Missing, Moved
from inspection.models import Inspection
from jobs.models import Job
from jobs.services import BACKGROUND, run
from repos import reading
from repos.models import DailyDownloads, Ref
from repos.models.git import HEADS, TAGS
from repos.operations import PutBytes

DAYS_OF_DOWNLOADS = 75


class HandleTaken(Exception):
    """A handle of the demo belongs to somebody else."""

    def __init__(self, handle: str) -> None:
        super().__init__(f"The handle “{handle}” belongs to somebody who is not of the demo. Load the demo into another data folder.")


@dataclass
class Report:
    """What a load added."""

    people: int = 0
    organisations: int = 0
    assets: int = 0

    @property
    def changed(self) -> bool:
        return bool(self.people or self.organisations or self.assets)


def load(*, password: str, say: Callable[[str], None], now: datetime | None = None) -> Report:
    """Add whatever of the demo is missing and return what that was; `password` is for the people it creates.

    Each asset is loaded in one transaction, so a load that was interrupted continues where it stopped. Raises
    `HandleTaken` where a handle of the demo belongs to somebody else.
    """
    now = now or timezone.now()
    report = Report()
    with transaction.atomic():
        added = [person for person in PEOPLE if add_person(person, password, now)]
        report.people = len(added)
        report.organisations = sum(add_team(team) for team in TEAMS)
    for person in added:
        say(f"Sign in as {person.handle} ({person.nickname}) with the password {password}")
    for exhibit in EXHIBITS:
        if exists(exhibit):
            continue
        asset = add_exhibit(exhibit, now)
        report.assets += 1
        say(f"{exhibit.kind:<8}{asset.repo_id}")
    if report.assets:
        tally(now.date())
    return report


def add_person(person: Person, password: str, now: datetime) -> bool:
    """Create a user of the demo; False means that they are there."""
    if User.objects.filter(email__iexact=person.email).exists():
        return False
    if Handle.objects.filter(key=normalise(person.handle)).exists():
        raise HandleTaken(person.handle)
    # Nobody reads the mail of invented people.
    user = User.objects.create_user(
        person.handle, person.email, password, nickname=person.nickname, bio=person.bio, language=person.language,
        created_at=now - timedelta(days=person.joined), email_notifications=False,
    )  # fmt: skip
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    record(actor=None, verb="create", target_kind="user", target_id=user.pk, target=user.handle, demo=True)
    return True


def demo_users() -> dict[str, User]:
    """Return the people of the demo by the handle they began with; they may have chosen another one since."""
    by_email = {user.email: user for user in User.objects.filter(email__in=[person.email for person in PEOPLE])}
    return {person.handle: by_email[person.email] for person in PEOPLE}


def add_team(team: Team) -> bool:
    """Create an organisation of the demo with its members; False means that it is there."""
    (owner, _role), *others = team.members.items()
    people = demo_users()
    actor = people[owner]
    if Handle.objects.filter(key=normalise(team.handle)).exists():
        if not Organisation.objects.filter(handles__key=normalise(team.handle), memberships__user__in=people.values()).exists():
            raise HandleTaken(team.handle)
        return False
    organisation = create_organisation(actor=actor, handle=team.handle, nickname=team.nickname, bio=team.bio)
    # An administrator marks official publishers in the administration; there is nobody here to ask.
    Organisation.objects.filter(pk=organisation.pk).update(official=True)
    for handle, role in others:
        set_member(organisation=organisation, actor=actor, user=people[handle], role=Membership.Role[role])
    return True


def exists(exhibit: Exhibit) -> bool:
    """Whether the asset is there, under its own or, after a rename, another name."""
    try:
        asset_at(demo_users()[exhibit.revisions[0].by], exhibit.kind, exhibit.owner, exhibit.name)
    except Moved:
        return True
    except Missing:
        return False
    return True


@transaction.atomic
def add_exhibit(exhibit: Exhibit, now: datetime) -> Asset:
    """Create one asset and replay its history; return it as its creator sees it."""
    people = demo_users()
    first = exhibit.revisions[0]
    actor = people[first.by]
    asset = create_asset(
        actor=actor, namespace=namespace_at(exhibit.owner, user=actor)[0], kind=exhibit.kind, name=exhibit.name,
        title_zh=exhibit.fact("title_zh"), licence=exhibit.fact("license") or exhibit.fact("License"), description=exhibit.fact("description"),
        at=_moment(exhibit, first, 0, now) - timedelta(minutes=9),
    )  # fmt: skip
    for place, revision in enumerate(exhibit.revisions):
        add_revision(exhibit, revision, asset, people[revision.by], _moment(exhibit, revision, place, now))
    add_downloads(exhibit, asset, now)
    add_life(exhibit, asset, _publisher(exhibit, people), people, now, _moment(exhibit, first, 0, now))
    # What people bring themselves is read before all that came with the demo.
    read = Inspection.objects.filter(repository=asset.repository_id)
    Job.objects.filter(pk__in=read.values("job")).update(priority=BACKGROUND + 1)
    return Asset.objects.for_user(actor).get(pk=asset.pk)


def add_revision(exhibit: Exhibit, revision: Revision, asset: Asset, actor: User, at: datetime) -> None:
    """Commit one revision, on a branch of its own where it says so, and tag it."""
    seen = Asset.objects.for_user(actor).get(pk=asset.pk)
    repository = seen.open_repository()
    if revision.branch != "main" and not Ref.objects.filter(repository=repository, name=HEADS + revision.branch).exists():
        create_version(asset=seen, actor=actor, name=HEADS + revision.branch, revision=reading.resolve(repository, "main").commit.sha)
    files = revision.files()
    if revision.card:
        files["README.md"] = exhibit.card(revision.card)
    operations = [PutBytes(path, data) for path, data in files.items()]
    made = commit_files(asset=seen, actor=actor, operations=operations, message=revision.message, branch=revision.branch, at=at)
    # A broken card keeps the facts of the one before only if that was read before the next commit came.
    for job in Asset.objects.filter(pk=asset.pk).values_list("ingest_job", flat=True):
        run(job)
    if revision.tag:
        create_version(asset=seen, actor=actor, name=TAGS + revision.tag, revision=made.sha)


def add_downloads(exhibit: Exhibit, asset: Asset, now: datetime) -> None:
    """Write figures for the last weeks: growing to `exhibit.downloads` a day, lower at weekends, never before the upload."""
    if not exhibit.downloads:
        return
    random = Random(exhibit.repo_id)
    rows = []
    for before in range(min(DAYS_OF_DOWNLOADS, exhibit.revisions[0].day), -1, -1):
        day = now.date() - timedelta(days=before)
        rate = (
            exhibit.downloads * (1 - 0.35 * before / DAYS_OF_DOWNLOADS) * (0.72 if day.weekday() > 4 else 1.08) * random.uniform(0.85, 1.15)
        )
        part = (now - datetime.combine(day, time(), UTC)) / timedelta(days=1) if before == 0 else 1
        rows.append(DailyDownloads(repository_id=asset.repository_id, day=day, count=round(rate * part)))
    DailyDownloads.objects.bulk_create(rows)


def _publisher(exhibit: Exhibit, people: dict[str, User]) -> User:
    """Return who may publish it: the first owner of its organisation, or the person it belongs to."""
    teams = {team.handle: team for team in TEAMS}
    return people[next(iter(teams[exhibit.owner].members)) if exhibit.owner in teams else exhibit.owner]


def _moment(exhibit: Exhibit, revision: Revision, place: int, now: datetime) -> datetime:
    """Return when a revision was made: on its day in working hours, later revisions of a day after earlier ones."""
    minutes = Random(exhibit.repo_id).randrange(0, 120) + place * 47
    return datetime.combine(now.date() - timedelta(days=revision.day), time(1, 10), UTC) + timedelta(minutes=minutes)
