"""The cache, which must never be the reason why a request fails."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
T = TypeVar("T")


class ForgivingRedisCache(RedisCache):
    """Redis where it answers; while it is away every read misses and every write is dropped, with a line in the log."""

    def add(self, key: str, value: Any, *args: Any, **options: Any) -> bool:
        # True as for a fresh key: a lock or a rate limit lets the request pass while nobody can count.
        return self._try(lambda: super(ForgivingRedisCache, self).add(key, value, *args, **options), True)

    def get(self, key: str, default: Any = None, *args: Any, **options: Any) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).get(key, default, *args, **options), default)

    def set(self, key: str, value: Any, *args: Any, **options: Any) -> None:
        self._try(lambda: super(ForgivingRedisCache, self).set(key, value, *args, **options), None)

    def touch(self, key: str, *args: Any, **options: Any) -> bool:
        return self._try(lambda: super(ForgivingRedisCache, self).touch(key, *args, **options), False)

    def delete(self, key: str, *args: Any, **options: Any) -> bool:
        return self._try(lambda: super(ForgivingRedisCache, self).delete(key, *args, **options), False)

    def get_many(self, keys: Any, *args: Any, **options: Any) -> dict[str, Any]:
        return self._try(lambda: super(ForgivingRedisCache, self).get_many(keys, *args, **options), {})

    def has_key(self, key: str, *args: Any, **options: Any) -> bool:
        return self._try(lambda: super(ForgivingRedisCache, self).has_key(key, *args, **options), False)

    def incr(self, key: str, delta: int = 1, *args: Any, **options: Any) -> int:
        return self._try(lambda: super(ForgivingRedisCache, self).incr(key, delta, *args, **options), delta)

    def set_many(self, data: Mapping[str, Any], *args: Any, **options: Any) -> list[str]:
        return self._try(lambda: super(ForgivingRedisCache, self).set_many(dict(data), *args, **options), list(data))

    def delete_many(self, keys: Any, *args: Any, **options: Any) -> None:
        self._try(lambda: super(ForgivingRedisCache, self).delete_many(keys, *args, **options), None)

    def _try(self, call: Callable[[], Any], otherwise: T) -> T | Any:
        try:
            return call()
        except (RedisError, OSError) as error:
            logger.warning("The cache is away, going on without it: %s", error)
            return otherwise
