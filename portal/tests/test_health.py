from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from jobs.bell import HEARTBEAT_KEY


def test_process_answers_without_database(client: Client) -> None:
    response = client.get("/healthz", headers={"host": "10.0.0.7:8000"})

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.django_db(transaction=True)
def test_ready_names_every_part(client: Client) -> None:
    cache.set(HEARTBEAT_KEY, "here")

    response = client.get("/readyz")

    assert response.json() == {"status": "ok", "parts": {"database": "ok", "redis": "ok", "blob_store": "ok", "worker": "ok"}}
    assert response.status_code == 200


@pytest.mark.django_db(transaction=True)
def test_missing_worker_is_not_ready(client: Client) -> None:
    cache.delete(HEARTBEAT_KEY)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["parts"] == {"database": "ok", "redis": "ok", "blob_store": "ok", "worker": "no heartbeat"}


@pytest.mark.django_db(transaction=True)
def test_unreachable_stores_are_not_ready(client: Client, settings: Any) -> None:
    settings.REDIS_ADDRESS = "unix:///nowhere/redis.sock"
    settings.BLOB_STORE = "s3://bucket?endpoint=http://127.0.0.1:9"

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["parts"]["redis"] == "failed (ConnectionError)"
    assert response.json()["parts"]["blob_store"] != "ok"
