"""`manage.py up`: the whole gallery with one command."""

import errno
import logging
import os
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal import startup
from portal.datafolder import INSTANCE_VARIABLE, DataFolder, StartError
from portal.embedded import EmbeddedError
from portal.first import administrator_exists, new_token
from portal.supervisor import Supervisor

logger = logging.getLogger("gallery.up")
PARTS = ["web", "worker", "background", "toolchain", "beat"]


class Command(BaseCommand):
    help = "Starts the gallery with all it needs and keeps it running until Ctrl-C."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="part", help=f"{', '.join(PARTS)}; all of them by default")
        parser.add_argument("--demo", action="store_true", help="load demo content once the gallery runs")

    def handle(self, *args: Any, parts: list[str], demo: bool, **options: Any) -> None:
        self.begun = time.monotonic()
        # What the gallery writes is for its own account, not for the other people of the machine.
        os.umask(0o027)
        chosen = parts or PARTS
        folder = DataFolder(settings.DATA_DIR, alone=not parts)
        supervisor = Supervisor(lambda line: self.say(line))
        try:
            supervisor.catch_signals()
            self.start(folder, supervisor, chosen, demo)
            supervisor.supervise()
            self.say("Stopping.")
        except (StartError, EmbeddedError) as error:
            if not supervisor.stop_requested():
                self.fail(str(error))
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self.fail(f"The disk of {settings.DATA_DIR} is full. Make room and start again.")
        finally:
            supervisor.stop()
            folder.close()
        self.say("Stopped.")

    def start(self, folder: DataFolder, supervisor: Supervisor, parts: list[str], demo: bool) -> None:
        """Bring everything up, saying how far it is; return early when a stop is requested."""
        if len(parts) < len(PARTS) and not (settings.DATABASE_URL and settings.REDIS_URL):
            raise StartError("Single parts need DATABASE_URL and REDIS_URL: the embedded engines belong to the whole.")
        self.say(f"AI Gallery {settings.VERSION}, data in {settings.DATA_DIR}")
        folder.open(least_free=settings.MIN_FREE_DISK)
        if count := folder.end_leftovers():
            self.say(f"Ended {count} processes that an earlier run left behind.")
        if "web" in parts:
            startup.check_port(settings.HOST, settings.PORT)
        if folder.alone:
            os.environ[INSTANCE_VARIABLE] = str(folder.path)
        engines = [supervisor.start(program) for program in startup.engine_programs(self.say)]
        for engine in engines:
            startup.wait_for_engine(engine)
            self.say(f"{engine.program.name} is ready.")
        startup.wait_for_external()
        folder.mark(settings.VERSION)
        if supervisor.stop_requested():
            return
        changed = startup.migrate()
        self.say(f"Tables brought up to date by {changed} migrations." if changed else "Tables are up to date.")
        if supervisor.stop_requested():
            return
        compiled, collected = startup.prepare_files(static="web" in parts)
        if compiled or collected:
            self.say("Translations and static files prepared.")
        link = "" if "web" not in parts or administrator_exists() else f"{settings.PUBLIC_URL}/first/{new_token()}"
        startup.disconnect()
        started = {program.name: supervisor.start(program) for program in startup.programs(parts)}
        if "web" in started:
            startup.wait_for_web(started["web"])
            self.say(f"Open {settings.PUBLIC_URL}")
        if link:
            self.say("There is no administrator yet. This link makes you one; it works once, within 24 hours:")
            self.say(f"  {link}")
        if demo:
            self.say("Loading demo content; it appears as it is made.")
            supervisor.start(startup.demo_program(), once=True)
        self.say(f"Ready after {time.monotonic() - self.begun:.1f} s. Press Ctrl-C to stop.")

    def say(self, line: str) -> None:
        """Show one line of progress."""
        if settings.LOG_FORMAT == "json":
            logger.info(line.strip())
        else:
            self.stdout.write(line)
            self.stdout.flush()

    def fail(self, sentence: str) -> None:
        """Say why it does not go on, and end with exit code 1."""
        self.stderr.write(sentence)
        sys.exit(1)
