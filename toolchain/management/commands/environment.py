"""`manage.py environment`: the Python environments for the code of users, with and without a running gallery."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db import OperationalError, connection

from core.numbers import size
from toolchain.environments import following, ready
from toolchain.environments.bases import BASES
from toolchain.environments.building import Progress, Result
from toolchain.environments.identity import identify
from toolchain.environments.wording import sentence, step_sentence
from toolchain.models import Spec
from toolchain.runners.base import RunnerError
from toolchain.runs import places
from toolchain.runs.environments import prepared
from toolchain.runs.registry import Failure
from toolchain.runs.wording import progress

PAUSE = 1.0


class Command(BaseCommand):
    help = "Lists, builds and removes the Python environments in which training and services run."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="action", required=True)
        commands.add_parser("list", help="Lists the environments that are ready, with their sizes.")
        build = commands.add_parser("build", help="Builds a base environment unless it is ready, and tells how far it is.")
        build.add_argument("base", choices=list(BASES))
        remove = commands.add_parser("remove", help="Removes an environment; it is built again when it is needed.")
        remove.add_argument("environment", help="A base, or the beginning of an id that stands in the list.")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        root = places.environments_folder()
        if action == "list":
            self._list(root)
        elif action == "build":
            self._build(root, options["base"])
        else:
            self._remove(root, options["environment"])

    def _list(self, root: Path) -> None:
        for code in BASES:
            if not ready.is_ready(root, identify(code)):
                self.stdout.write(f"{'-':32}  {code:12}  not built")
        for made in ready.everything(root):
            kind = "layer" if made.below else "base" if made.id == identify(made.base) else "base, outdated"
            self.stdout.write(f"{made.id}  {made.base:12}  {kind}, {len(made.packages)} packages, {size(made.size)}")

    def _build(self, root: Path, base: str) -> None:
        if ready.is_ready(root, identify(base)):
            self.stdout.write(f"The environment “{base}” is ready.")
            return
        try:
            connection.ensure_connection()
        except OperationalError:
            # Without a database there is nobody else who could be building.
            self._build_alone(root, base)
        else:
            self._build_with_others(base)
        self.stdout.write(f"The environment “{base}” is ready.")

    def _build_alone(self, root: Path, base: str) -> None:
        def tell(progress: Progress) -> None:
            self.stdout.write(step_sentence(progress))

        try:
            result: Result = following.build(places.runner_of(Spec.Runner.LOCAL), root, base, (), places.index(), tell=tell)
        except RunnerError as error:
            raise CommandError(error.detail) from error
        if not result.ok:
            raise CommandError(sentence(result.code, result.detail))

    def _build_with_others(self, base: str) -> None:
        told = ""
        try:
            while isinstance(stands := prepared(base), str):
                if stands != told:
                    told = stands
                    self.stdout.write(progress("environment", stands))
                time.sleep(PAUSE)
        except RunnerError as error:
            raise CommandError(error.detail) from error
        except Failure as failure:
            raise CommandError(str(failure.facts.get("sentence", failure))) from failure

    def _remove(self, root: Path, name: str) -> None:
        wanted = identify(name) if name in BASES else name
        found = [made for made in ready.everything(root) if made.id.startswith(wanted)]
        if len(found) != 1:
            raise CommandError(f"“{name}” names {'no' if not found else 'more than one'} environment. See manage.py environment list.")
        ready.remove(root, found[0].id)
        self.stdout.write(f"{found[0].id} is removed.")
