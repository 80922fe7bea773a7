"""System checks: `manage.py check --deploy` reads the configuration, `manage.py check --database default` tries each store."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.security, deploy=True)
def configuration_fits_together(**_options: Any) -> list[CheckMessage]:
    """Warn where several nodes or a proxy would work against each other."""
    found: list[CheckMessage] = []
    if settings.DATABASE_URL and not settings.SECRET_KEY_GIVEN:
        found.append(
            Warning(
                "SECRET_KEY is generated into this machine's data folder, but DATABASE_URL can be shared by several.",
                hint="Set the same SECRET_KEY, or SECRET_KEY_FILE, on every node.",
                id="portal.W001",
            )
        )
    if settings.PUBLIC_URL.startswith("https:") and not settings.TRUSTED_PROXIES:
        found.append(
            Warning(
                "PUBLIC_URL is https, so a proxy stands in front, but TRUSTED_PROXIES is 0.",
                hint="Set TRUSTED_PROXIES to the number of proxies, else all clients share one address and its rate limits.",
                id="portal.W002",
            )
        )
    return found


@register(Tags.database)
def stores_work(databases: Any = None, **_options: Any) -> list[CheckMessage]:
    """Try the database, Redis and the store for large files; only where the database was asked for."""
    if not databases:
        return []
    from portal.health import PARTS, check_part

    states = {name: check_part(name) for name in PARTS if name != "worker"}
    # Warnings: a Redis that is away must not keep anybody from migrating.
    return [Warning(f"{name}: {state}.", hint=HINTS[name], id="portal.W003") for name, state in states.items() if state != "ok"]


HINTS = {"database": "See DATABASE_URL.", "redis": "See REDIS_URL.", "blob_store": "See BLOB_STORE and the S3_ variables."}
