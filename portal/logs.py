"""Where log lines go, and what they look like."""

from typing import Any


def to_standard_error(form: str, level: str) -> dict[str, Any]:
    """Return the logging settings of every process: lines in `form` (`text`, `json`) from `level` on, each with its request's id."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": "core.requests.RequestIdFilter"}},
        "formatters": {
            "text": {"format": "{asctime} {levelname:<7} {request_id} {name}: {message}", "style": "{"},
            "json": {"()": "core.requests.JsonFormatter"},
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": form, "filters": ["request"]}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            # The access log has a line for every refused request already.
            "django.request": {"level": "ERROR"},
            # Two lines for every task, the sweep among them, every few seconds.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
        },
    }
