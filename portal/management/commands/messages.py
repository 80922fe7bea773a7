"""`manage.py messages`: every marked sentence, and whether it is translated."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polib
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.management.commands import makemessages

from portal.translations import problems

LANGUAGE = "zh_Hans"
SOURCES = (".py", ".html", ".txt")
KEPT_OUT = {"tests", "migrations", "node_modules", "data", "benchmarks", "docs", "build", "shared"}


class Extract(makemessages.Command):
    # A guessed translation is worse than a missing one.
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]


class Command(BaseCommand):
    help = "Brings the translation source up to date with the code; with --check only says what is wrong with it."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; fail where a translation is missing, fuzzy or superfluous"
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        source = settings.BASE_DIR / "locale" / LANGUAGE / "LC_MESSAGES" / "django.po"
        with self.copy() as copy:
            extracted = copy / source.relative_to(settings.BASE_DIR)
            with contextlib.chdir(copy):
                call_command(Extract(), locale=[LANGUAGE], no_obsolete=True, no_wrap=True, add_location="file", verbosity=0)
            if not check:
                source.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(extracted, source)
            found = self.differences(source, extracted) + problems(copy / "locale")
            if not found and shutil.which("msgfmt"):
                checked = subprocess.run(
                    ["msgfmt", "--check", "-o", os.devnull, str(extracted)], capture_output=True, text=True, check=False
                )
                found = checked.stderr.splitlines() if checked.returncode else []
        for line in found:
            self.stderr.write(line.replace(f"{copy}/", ""))
        if found:
            raise CommandError(f"{len(found)} messages need work.")
        self.stdout.write("All messages are translated.")

    @staticmethod
    def differences(source: Path, extracted: Path) -> list[str]:
        def keys(path: Path) -> set[tuple[str, str]]:
            return (
                {(entry.msgctxt or "", entry.msgid) for entry in polib.pofile(str(path)) if not entry.obsolete} if path.exists() else set()
            )

        old, new = keys(source), keys(extracted)
        return [f"{text[:70]!r} is not in {source.name}: run manage.py messages" for _context, text in sorted(new - old)] + [
            f"{text[:70]!r} is in {source.name} but nowhere in the code: run manage.py messages" for _context, text in sorted(old - new)
        ]

    @staticmethod
    @contextlib.contextmanager
    def copy() -> Iterator[Path]:
        """Yield a copy of the code and its translations, in which extraction may leave its droppings."""
        with tempfile.TemporaryDirectory(prefix="gallery-messages-") as name:
            copy = Path(name)
            for folder, folders, files in os.walk(settings.BASE_DIR):
                folders[:] = sorted(each for each in folders if each not in KEPT_OUT and not each.startswith("."))
                for file in sorted(files):
                    path = Path(folder) / file
                    if path.suffix in SOURCES or path.suffix == ".po":
                        target = copy / path.relative_to(settings.BASE_DIR)
                        target.parent.mkdir(parents=True, exist_ok=True)
                        shutil.copyfile(path, target)
            (copy / "locale" / LANGUAGE).mkdir(parents=True, exist_ok=True)
            yield copy
