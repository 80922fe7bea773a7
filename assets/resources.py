"""What a fine-grained token may be limited to: the assets of its user, and what may be done with them."""

from collections.abc import Iterator

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.services import Resource
from assets.models import Asset

VERB_NAMES = [
    ("upload", _("Upload files")),
    ("commit", _("Commit changes")),
    ("edit_card", _("Edit the card")),
    ("tag", _("Tag versions")),
    ("branch", _("Make and remove branches")),
    ("configure", _("Change settings")),
    ("publish", _("Publish and delist")),
    ("decide", _("Decide on applications")),
    ("rename", _("Rename")),
    ("transfer", _("Transfer to another owner")),
    ("delete", _("Delete")),
]


def offered_to(user: User | AnonymousUser) -> Iterator[Resource]:
    """Yield the assets of `user` and of their organisations in which they may change something."""
    if not user.is_authenticated:
        return
    near = Q(namespace=user.pk) | Q(namespace__organisation__memberships__user=user.pk)
    rows = Asset.objects.for_user(user).filter(near).select_related("namespace").distinct().order_by("kind", "namespace__handle", "name")
    for asset in rows:
        if "commit" in asset.allowed:
            yield Resource(f"asset:{asset.pk}", f"{asset.get_kind_display()} {asset.repo_id}", asset.get_absolute_url())
