from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AssetsConfig(AppConfig):
    name = "assets"
    verbose_name = _("Catalogue")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts.events import register
        from accounts.services import offer_resources
        from assets import tasks  # noqa: F401  (registers the job handlers)
        from assets.events import EVENTS
        from assets.resources import VERB_NAMES, offered_to

        offer_resources(offered_to, VERB_NAMES)
        for code, name in EVENTS:
            register(code, name)
