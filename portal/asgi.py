"""The ASGI application that Granian serves: Django behind the byte transfer layer, behind the request log."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup(set_prefix=False)

from portal.access import AccessLog  # noqa: E402  (models must be loaded first)
from repos.transfer import ByteTransfer, TransferHandler  # noqa: E402

application = AccessLog(ByteTransfer(TransferHandler()))
