from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = _("Site")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The application that rings for jobs; the checks, and the handlers of what is sent out, register themselves.
        from portal import celery, checks, deliveries, endings  # noqa: F401
        from portal.standing import keep_groups

        endings.announce()
        post_migrate.connect(keep_groups, sender=self)
