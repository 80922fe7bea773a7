from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AssetsConfig(AppConfig):
    name = "assets"
    verbose_name = _("Catalogue")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import notices
        from accounts.events import register
        from accounts.menu import offer_entries, offer_waiting
        from accounts.services import offer_resources
        from assets import tasks  # noqa: F401  (registers the job handlers)
        from assets.access_menu import WAITING, access_entries
        from assets.access_notices import KINDS as ACCESS
        from assets.activity import register_summaries
        from assets.events import EVENTS
        from assets.mine import entries
        from assets.notice_kinds import KINDS
        from assets.publishing_notices import KINDS as PUBLISHING
        from assets.resources import VERB_NAMES, offered_to
        from assets.services.safety_news import tell_of_safety
        from assets.understanding import listen
        from inspection.registry import when_read

        offer_resources(offered_to, VERB_NAMES)
        offer_entries(entries)
        offer_entries(access_entries)
        offer_waiting(WAITING)
        notices.register(*KINDS, *PUBLISHING, *ACCESS)
        listen()
        register_summaries()
        when_read("safety", tell_of_safety)
        for code, name in EVENTS:
            register(code, name)
