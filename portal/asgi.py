"""The ASGI application that Granian serves: Django behind the byte transfer layer, behind the request log."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django_application = get_asgi_application()

from portal.access import AccessLog  # noqa: E402  (models must be loaded first)
from repos.transfer import ByteTransfer  # noqa: E402

application = AccessLog(ByteTransfer(django_application))
