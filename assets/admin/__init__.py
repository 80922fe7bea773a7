"""The administration of the catalog."""

from assets.admin import catalogue, queue, register, taxonomy  # noqa: F401  (they register their pages)
