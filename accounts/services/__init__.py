"""Writes of the accounts room, and the look-up of a handle. Everything here may be called from the rooms above."""

from accounts.services.audit import record
from accounts.services.handles import (
    check_handle,
    claiming,
    free_handle,
    namespace_at,
    person_at,
    rename_handle,
)
from accounts.services.organisations import (
    create_organisation,
    delete_organisation,
    edit_organisation,
    remove_member,
    set_member,
)
from accounts.services.profiles import (
    edit_profile,
    remember_language,
    remove_avatar,
    set_avatar,
)
from accounts.services.resources import Resource, offer_resources, resource_choices
from accounts.services.tokens import create_token, revoke_token

__all__ = [
    "Resource",
    "check_handle",
    "claiming",
    "create_organisation",
    "create_token",
    "delete_organisation",
    "edit_organisation",
    "edit_profile",
    "free_handle",
    "namespace_at",
    "offer_resources",
    "person_at",
    "record",
    "remember_language",
    "remove_avatar",
    "remove_member",
    "rename_handle",
    "resource_choices",
    "revoke_token",
    "set_avatar",
    "set_member",
]
