"""Which site Django's administration is."""

from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    """Django's administration with `portal.console.Console` as `admin.site`; apart from it, because settings name it."""

    default_site = "portal.console.Console"
