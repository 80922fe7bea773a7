import pytest
from django.core.cache import cache

from portal.cache import ForgivingRedisCache


def test_values_are_kept_while_redis_answers() -> None:
    cache.set("a", 1)

    assert (cache.get("a"), cache.incr("a"), cache.get_many(["a", "b"]), cache.delete("a"), cache.get("a", "none")) == (
        1,
        2,
        {"a": 2},
        True,
        "none",
    )


@pytest.fixture
def dead() -> ForgivingRedisCache:
    return ForgivingRedisCache("unix:///nowhere/redis.sock", {"OPTIONS": {"socket_connect_timeout": 1}})


def test_dead_redis_is_a_miss_not_an_error(dead: ForgivingRedisCache) -> None:
    dead.set("a", 1)

    assert (dead.get("a", "none"), dead.get_many(["a"]), dead.has_key("a"), dead.delete("a"), dead.touch("a")) == (
        "none",
        {},
        False,
        False,
        False,
    )
    assert (dead.add("a", 1), dead.incr("a"), dead.set_many({"a": 1}), dead.get_or_set("b", 5)) == (True, 1, ["a"], 5)
