"""Names of revisions."""

from django.utils.translation import gettext as _

from core.permissions import require
from core.problems import Missing
from repos.models import Commit, Ref, Repository
from repos.models.git import HEADS, TAGS
from repos.reading.items import Revision


def resolve(repository: Repository, revision: str = "") -> Revision:
    """Return the revision named by a branch, a tag, a full ref name or a commit id of at least seven digits."""
    require(repository, "view")
    name = revision or repository.default_branch
    refs = {ref.name: ref for ref in Ref.objects.filter(repository=repository, name__in=[HEADS + name, TAGS + name, name])}
    ref = refs.get(HEADS + name) or refs.get(TAGS + name) or refs.get(name)
    commits = Commit.objects.filter(repository=repository).select_related("author")
    commit: Commit | None = None
    if ref:
        commit = commits.get(sha=ref.commit)
    elif 7 <= len(name) <= 40 and set(name) <= set("0123456789abcdef"):
        found = list(commits.filter(sha__startswith=name)[:2])
        commit = found[0] if len(found) == 1 else None
    if commit is None:
        raise Missing(
            "revision_not_found",
            _("There is no branch, tag or commit “%(name)s” here.") % {"name": name[:200]},
            extra={"revision": name[:200]},
        )
    return Revision(repository, name, ref, commit)


def split(repository: Repository, rest: str) -> tuple[Revision, str]:
    """Return revision and path of an address part such as `feature/x/dir/a.txt`; the longest branch or tag name wins."""
    parts = [part for part in rest.split("/") if part]
    if not parts:
        return resolve(repository), ""
    heads = ["/".join(parts[:count]) for count in range(1, min(len(parts), 12) + 1)]
    names = Ref.objects.filter(repository=repository, name__in=[prefix + head for head in heads for prefix in (HEADS, TAGS, "")])
    known = {ref.name for ref in names} | {ref.short for ref in names}
    head = max((h for h in heads if h in known), key=len, default=parts[0])
    return resolve(repository, head), "/".join(parts[head.count("/") + 1 :])


def branches(repository: Repository) -> list[Ref]:
    """Return branches, the default one first."""
    require(repository, "view")
    rows = Ref.objects.filter(repository=repository, name__startswith=HEADS).order_by("name")
    return sorted(rows, key=lambda ref: ref.short != repository.default_branch)


def tags(repository: Repository) -> list[Ref]:
    """Return tags, newest first."""
    require(repository, "view")
    return list(Ref.objects.filter(repository=repository, name__startswith=TAGS).order_by("-updated_at", "name"))
