"""Finding training jobs by plain parameters, for the page and REST alike."""

from toolchain.filters import OwnedFilter
from toolchain.trainer.models import Training


class TrainingFilter(OwnedFilter):
    """`q` looks into the names of the job, its model, its dataset and its output."""

    named = ("name", "model_name", "dataset_name", "output_name")

    class Meta(OwnedFilter.Meta):
        model = Training
