"""Pages of the accounts room. Sign-up stands here, before allauth's own, because it may lose a race for a handle."""

from django.urls import path, register_converter

from accounts.handles import HandleConverter
from accounts.views import email, following, inbox, onboarding, organisations, people, pictures, profile, tokens, webhooks

register_converter(HandleConverter, "handle")
app_name = "accounts"

urlpatterns = [
    path("me/profile", profile.profile, name="profile"),
    path("me/profile/avatar", profile.profile_avatar, name="profile_avatar"),
    path("me/profile/habits", profile.profile_habits, name="profile_habits"),
    path("me/profile/handle", profile.profile_handle, name="profile_handle"),
    path("me/email", email.email, name="email"),
    path("me/email/code", email.email_code, name="email_code"),
    path("me/following", following.following, name="following"),
    path("me/inbox", inbox.inbox, name="inbox"),
    path("me/inbox/read", inbox.read_all, name="read_all"),
    path("me/inbox/<int:pk>", inbox.open_notice, name="open_notice"),
    path("me/inbox/<int:pk>/read", inbox.read_notice, name="read_notice"),
    path("me/notices", inbox.notices, name="notices"),
    path("me/tokens", tokens.tokens, name="tokens"),
    path("me/tokens/<int:pk>/revoke", tokens.revoke_token, name="revoke_token"),
    path("me/organisations", organisations.organisations, name="organisations"),
    path("people", people.people, name="people"),
    path("welcome", onboarding.welcome, name="welcome"),
    path("welcome/code", onboarding.welcome_code, name="welcome_code"),
    path("agreements/<slug:kind>", onboarding.agreement, name="agreement"),
    path("agreements/<slug:kind>/<int:version>", onboarding.agreement, name="agreement_version"),
    path("organisations/new", organisations.new_organisation, name="new_organisation"),
    path("avatars/<int:namespace>/<str:name>.webp", pictures.avatar, name="avatar"),
    path("<handle:handle>/-/follow", following.follow, name="follow"),
    path("<handle:handle>/-/settings", organisations.settings, name="settings"),
    path("<handle:handle>/-/settings/avatar", organisations.settings_avatar, name="settings_avatar"),
    path("<handle:handle>/-/settings/handle", organisations.settings_handle, name="settings_handle"),
    path("<handle:handle>/-/settings/delete", organisations.delete_organisation, name="delete_organisation"),
    path("<handle:handle>/-/members", organisations.members, name="members"),
    path("<handle:handle>/-/members/<handle:member>/remove", organisations.remove_member, name="remove_member"),
    path("<handle:handle>/-/webhooks", webhooks.webhooks, name="webhooks"),
    path("<handle:handle>/-/webhooks/<int:pk>", webhooks.webhook, name="webhook"),
    path("<handle:handle>/-/webhooks/<int:pk>/secret", webhooks.renew_secret, name="renew_webhook_secret"),
    path("<handle:handle>/-/webhooks/<int:pk>/delete", webhooks.delete_webhook, name="delete_webhook"),
    path("<handle:handle>/-/webhooks/<int:pk>/ping", webhooks.ping_webhook, name="ping_webhook"),
    path("<handle:handle>/-/webhooks/<int:pk>/deliveries/<int:delivery>", webhooks.webhook_delivery, name="webhook_delivery"),
    path("<handle:handle>/-/webhooks/<int:pk>/deliveries/<int:delivery>/replay", webhooks.replay_delivery, name="replay_delivery"),
]
