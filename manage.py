#!/usr/bin/env python
"""Runs the gallery's administrative commands; `manage.py up` starts everything."""

import os
import sys


def main() -> None:
    """Run one command; what a person can put right is said in a sentence."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    if sys.argv[1:2] != ["up"]:
        # One connection is enough for a command, and without a pool it fails at once where the database is down.
        os.environ.setdefault("DATABASE_POOL", "0")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except OperationalError as error:
        if "connection" not in str(error):
            raise
        sys.exit(
            f"The database does not answer. Start the gallery first (script/server), or check DATABASE_URL. {str(error).splitlines()[0]}"
        )


if __name__ == "__main__":
    main()
