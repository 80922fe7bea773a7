from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TrainerConfig(AppConfig):
    name = "toolchain.trainer"
    label = "trainer"
    verbose_name = _("Fine-tuning")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import notices
        from accounts.events import register as register_event
        from accounts.menu import offer_entries
        from assets.menus import offer_menu
        from toolchain.runs.registry import register as register_purpose
        from toolchain.trainer import tasks  # noqa: F401  (registers the job handlers)
        from toolchain.trainer.menus import train_menu
        from toolchain.trainer.mine import entries
        from toolchain.trainer.news import EVENTS, KINDS
        from toolchain.trainer.work import Work

        register_purpose(Work())
        notices.register(*KINDS)
        for code, name in EVENTS:
            register_event(code, name)
        offer_entries(entries)
        offer_menu(train_menu, position=10)
