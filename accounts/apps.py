from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import menu, notice_kinds, notices, trail  # noqa: F401

        menu.offer_entries(menu.account_entries)
        notices.register(*notice_kinds.KINDS)
