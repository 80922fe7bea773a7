"""`manage.py prepare`: what an image or a package does once when it is built."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.startup import prepare_files


class Command(BaseCommand):
    help = "Compiles translations and collects static files where they changed; `manage.py up` does the same."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        compiled, collected = prepare_files()
        self.stdout.write(f"{compiled} translations compiled, static files {'collected' if collected else 'unchanged'}.")
