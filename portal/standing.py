"""What reviewers and operators may do in the administration. Administrators may do everything."""

from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.db import connections

from accounts.standing import OPERATOR, REVIEWER

ROOMS = ("accounts", "jobs", "repos", "assets", "toolchain", "trainer", "inference", "portal")
READS = {
    REVIEWER: ("accounts.wordlist", "assets.asset", "assets.submission", "assets.term"),
    OPERATOR: (
        "accounts.user", "accounts.organisation", "accounts.namespace", "accounts.accesstoken", "accounts.auditevent", "accounts.agreement",
        "accounts.acceptance", "accounts.wordlist", "accounts.webhook", "accounts.webhookdelivery", "accounts.notification",
        "usersessions.usersession", "mfa.authenticator", "jobs.job", "assets.asset", "assets.term", "assets.submission",
        "assets.application", "assets.grant", "assets.collection", "toolchain.spec", "toolchain.limit", "toolchain.entry", "toolchain.node",
        "toolchain.run", "toolchain.environment", "trainer.training", "portal.sitesettings",
    ),
}  # fmt: skip
MORE = {
    REVIEWER: ("assets.review_asset",),
    OPERATOR: (
        "accounts.change_user", "accounts.change_namespace", "accounts.delete_accesstoken", "accounts.add_agreement",
        "accounts.change_agreement", "accounts.add_wordlist", "accounts.change_wordlist", "jobs.change_job", "assets.change_asset",
        "assets.add_term", "assets.change_term", "toolchain.add_spec", "toolchain.change_spec", "toolchain.add_limit", "toolchain.change_limit",
        "toolchain.delete_limit", "portal.change_sitesettings",
    ),
}  # fmt: skip


def permissions_of(standing: str) -> frozenset[str]:
    """Return the Django permissions of a group, as `accounts.view_user`."""
    views = {f"{label.split('.')[0]}.view_{label.split('.')[1]}" for label in READS[standing]}
    return frozenset(views | set(MORE[standing]))


def keep_groups(using: str = "default", **_signal: Any) -> None:
    """Bring the groups and their permissions to what stands above; Django calls this after every migration and every emptied table."""
    if "auth_group" not in connections[using].introspection.table_names():
        return
    from django.contrib.auth.models import Group, Permission

    for room in (*ROOMS, "usersessions", "mfa"):
        create_permissions(apps.get_app_config(room), verbosity=0, using=using)
    known = {f"{row.content_type.app_label}.{row.codename}": row for row in Permission.objects.using(using).select_related("content_type")}
    for standing in READS:
        group, _made = Group.objects.using(using).get_or_create(name=standing)
        group.permissions.set([known[name] for name in sorted(permissions_of(standing))])
