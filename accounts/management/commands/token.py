"""`manage.py token USERNAME`: prints a fresh access token and nothing else."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError

from accounts.models import AccessToken, User
from accounts.services import create_token
from core.problems import Problem


class Command(BaseCommand):
    help = "Prints a new access token of a user on standard output, and nothing else."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help="Handle of the user.")
        parser.add_argument(
            "--create", action="store_true", help="Create the user where there is none; they cannot sign in with a password."
        )
        parser.add_argument("--scope", choices=["read", "write"], default="write", help="What the token may do (default: write).")
        parser.add_argument("--name", default="manage.py token", help="Name under which the token is listed.")

    def handle(self, *args: Any, username: str, create: bool, scope: str, name: str, **options: Any) -> None:
        user = User.objects.filter(handle__iexact=username.replace("\0", "")).first()
        if user is None and create:
            try:
                user = User.objects.create_user(username, f"{username.lower()}@users.invalid")
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from error
        if user is None:
            raise CommandError(f"There is no user “{username}”. Give --create to make one.")
        if not user.is_active:
            raise CommandError(f"The account “{username}” is switched off, so a token of it would not work.")
        try:
            _token, secret = create_token(actor=user, name=name, scope=AccessToken.Scope(scope))
        except Problem as problem:
            raise CommandError(str(problem.detail)) from problem
        self.stdout.write(secret)
