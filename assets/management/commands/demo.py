"""`manage.py demo`: fills an empty gallery with people, models and datasets."""

import secrets
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError

from assets.demo.load import HandleTaken, load
from core.problems import Problem


class Command(BaseCommand):
    help = "Loads demo content: people, organisations, models and datasets with generated files. What exists is left alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--password", default="", help="Password of the demo's people (default: a random one, printed once).")

    def handle(self, *args: Any, password: str, **options: Any) -> None:
        password = password or secrets.token_urlsafe(12)
        try:
            validate_password(password)
            report = load(password=password, say=self.stdout.write)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except HandleTaken as error:
            raise CommandError(str(error)) from error
        except Problem as problem:
            raise CommandError(str(problem.detail)) from problem
        if not report.changed:
            self.stdout.write("The demo is complete already. Nothing changed.")
            return
        self.stdout.write(f"Added {report.people} people, {report.organisations} organisations, {report.assets} models and datasets.")
