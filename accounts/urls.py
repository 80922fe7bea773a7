"""Pages of the accounts room. Sign-up stands here, before allauth's own, because it may lose a race for a handle."""

from django.urls import path, register_converter

from accounts.handles import HandleConverter
from accounts.views import people as views

register_converter(HandleConverter, "handle")
app_name = "accounts"

urlpatterns = [
    path("me/profile", views.profile, name="profile"),
    path("me/profile/avatar", views.profile_avatar, name="profile_avatar"),
    path("me/profile/habits", views.profile_habits, name="profile_habits"),
    path("me/profile/handle", views.profile_handle, name="profile_handle"),
    path("me/tokens", views.tokens, name="tokens"),
    path("me/tokens/<int:pk>/revoke", views.revoke_token, name="revoke_token"),
    path("me/organisations", views.organisations, name="organisations"),
    path("organisations/new", views.new_organisation, name="new_organisation"),
    path("avatars/<int:namespace>/<str:name>.webp", views.avatar, name="avatar"),
    path("<handle:handle>/-/settings", views.settings, name="settings"),
    path("<handle:handle>/-/settings/avatar", views.settings_avatar, name="settings_avatar"),
    path("<handle:handle>/-/settings/handle", views.settings_handle, name="settings_handle"),
    path("<handle:handle>/-/settings/delete", views.delete_organisation, name="delete_organisation"),
    path("<handle:handle>/-/members", views.members, name="members"),
    path("<handle:handle>/-/members/<handle:member>/remove", views.remove_member, name="remove_member"),
]
