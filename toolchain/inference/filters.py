"""Finding services by plain parameters, for the page and REST alike."""

from toolchain.filters import OwnedFilter
from toolchain.inference.models import Service


class ServiceFilter(OwnedFilter):
    """`q` looks into the names of the service and of its model."""

    named = ("name", "model_name")

    class Meta(OwnedFilter.Meta):
        model = Service
