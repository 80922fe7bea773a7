from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InferenceConfig(AppConfig):
    name = "toolchain.inference"
    label = "inference"
    verbose_name = _("Inference services")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import notices
        from accounts.events import register as register_event
        from accounts.menu import offer_entries
        from assets.menus import offer_menu
        from toolchain.inference import tasks  # noqa: F401  (registers the job handlers)
        from toolchain.inference.menus import deploy_menu, entries
        from toolchain.inference.news import EVENTS, KINDS
        from toolchain.inference.work import Work
        from toolchain.runs.registry import register as register_purpose

        register_purpose(Work())
        notices.register(*KINDS)
        for code, name in EVENTS:
            register_event(code, name)
        offer_entries(entries)
        offer_menu(deploy_menu, position=20)
