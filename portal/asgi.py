"""The ASGI application that Granian serves: Django behind the gateway of services, the byte transfer layer and the request log."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup(set_prefix=False)

from portal.access import AccessLog  # noqa: E402  (models must be loaded first)
from repos.transfer import ByteTransfer, TransferHandler  # noqa: E402
from toolchain.inference.gateway import Gateway  # noqa: E402

application = AccessLog(ByteTransfer(Gateway(TransferHandler())))
