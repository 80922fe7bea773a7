"""The Celery application of beat, which only rings: without Django's apps it starts in half a second."""

import os
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("gallery", fixups=[])
app.config_from_object("django.conf:settings", namespace="CELERY")


@setup_logging.connect
def _log_like_the_web(**_signal: Any) -> None:
    from django.conf import settings

    dictConfig(settings.LOGGING)
