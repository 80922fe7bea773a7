"""`manage.py compile`: translations for use."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal.translations import compile_messages


class Command(BaseCommand):
    help = "Compiles the translations that changed; needs no gettext tools."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{compile_messages(settings.BASE_DIR / 'locale')} files compiled.")
