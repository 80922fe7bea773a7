"""The web server process: `python -m portal.web`."""

import os
from typing import Any


def serve() -> None:
    """Serve the gallery on HOST and PORT until SIGTERM or SIGINT."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.urls import get_resolver
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.log import LogLevels

    # Loaded once here: the workers are forked and share it.
    from portal import settings
    from portal.asgi import application

    # A page that cannot be imported stops the start here and not a visitor later.
    assert get_resolver().url_patterns

    def loaded(_target: str) -> Any:
        return application

    Granian(
        target="portal.asgi:application",
        address=settings.HOST,
        port=settings.PORT,
        # Django knows no lifespan events.
        interface=Interfaces.ASGINL,
        workers=settings.WEB_WORKERS,
        loop=Loops.uvloop,
        http=HTTPModes.auto,
        websockets=True,
        backlog=2048,
        # Requests past this wait in the backlog: each one in progress holds a thread and perhaps a database connection.
        backpressure=256,
        respawn_failed_workers=True,
        workers_kill_timeout=15,
        log_level=LogLevels.warning if settings.LOG_LEVEL != "DEBUG" else LogLevels.debug,
        log_dictconfig=_log_config(settings.LOGGING),
    ).serve(target_loader=loaded)


def _log_config(config: dict[str, Any]) -> dict[str, Any]:
    return {**config, "loggers": {**config["loggers"], "_granian": {"propagate": True}, "granian.access": {"propagate": True}}}


if __name__ == "__main__":
    serve()
