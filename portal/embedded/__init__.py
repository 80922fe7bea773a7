"""PostgreSQL and Redis out of Python wheels, on unix sockets in the data folder. Knows no settings and no Django."""

from portal.embedded.account import EmbeddedError, Owner, owner
from portal.embedded.postgres import postgres, prepare_postgres, wait_for_postgres
from portal.embedded.redis import redis, wait_for_redis

__all__ = ["EmbeddedError", "Owner", "owner", "postgres", "prepare_postgres", "redis", "wait_for_postgres", "wait_for_redis"]
