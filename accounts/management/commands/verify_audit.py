"""`manage.py verify_audit`: proves that the audit trail is whole."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from accounts.models.audit import GENESIS
from accounts.services.audit import ChainBroken, chain


class Command(BaseCommand):
    help = (
        "Recomputes the hash of every row of the audit trail and checks that each follows the one before. Prints the number of rows "
        "and the last hash; exits with 1 and the id of the first row that does not fit. Note the last hash outside the database and "
        "give it as --known next time: that also proves that no rows were cut off the end."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--known", default="", metavar="HASH", help="A last hash printed earlier, which must still be in the trail.")

    def handle(self, *args: Any, known: str = "", **options: Any) -> None:
        rows, last, found = 0, GENESIS, known in ("", GENESIS)
        try:
            for event in chain():
                rows, last = rows + 1, event.hash
                found = found or last == known
        except ChainBroken as error:
            raise CommandError(
                f"Row {error.event.pk} of the audit trail ({error.event.at:%Y-%m-%d %H:%M} UTC): {error}.", returncode=1
            ) from error
        if not found:
            raise CommandError(f"The hash {known} is not in the audit trail: rows were cut off or written anew.", returncode=1)
        self.stdout.write(f"The audit trail is whole: {rows} rows, last hash {last}.")
