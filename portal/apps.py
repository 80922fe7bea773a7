from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        from portal import celery, checks  # noqa: F401  (the application that rings for jobs; the checks register themselves)
