from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ToolchainConfig(AppConfig):
    name = "toolchain"
    verbose_name = _("Toolchain")

    def ready(self) -> None:
        from assets.activity import summarise
        from assets.panels import Panel, offer_panel
        from inspection.registry import register
        from toolchain.panel import in_short, panel_of
        from toolchain.steps import CODE, SPECIFICATION

        register(SPECIFICATION)
        summarise(CODE, in_short)
        offer_panel(Panel("toolchain/_verdict.html", panel_of, position=20))
