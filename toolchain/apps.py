from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ToolchainConfig(AppConfig):
    name = "toolchain"
    verbose_name = _("Toolchain")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from assets.activity import summarise
        from assets.panels import Panel, offer_panel
        from inspection.registry import register
        from jobs.services import when_ended
        from toolchain.panel import in_short, panel_of
        from toolchain.runs.tasks import when_job_ended
        from toolchain.steps import CODE, SPECIFICATION

        register(SPECIFICATION)
        when_ended(when_job_ended)
        summarise(CODE, in_short)
        offer_panel(Panel("toolchain/_verdict.html", panel_of, position=20))
