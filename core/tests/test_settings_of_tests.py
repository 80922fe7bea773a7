"""The workers of a test run share engines, and nothing else."""

import os

from django.conf import settings


def test_settings_were_read_from_this_worker_s_environment() -> None:
    assert settings.REDIS_ADDRESS == os.environ["REDIS_URL"]
    assert str(settings.DATA_DIR) == os.environ["DATA_DIR"]
