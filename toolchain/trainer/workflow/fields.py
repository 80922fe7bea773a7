"""The names of the form's fields, and the settings of a job that was made before as their texts."""

from toolchain.forms import hours_of
from toolchain.trainer.models import Training

PREFIX = "param."
KEPT = (
    "model", "clone", "model_revision", "task", "method", "shown", "dataset", "dataset_revision", "environment", "spec", "owner",
    "output_name", "name", "limit", "words",
)  # fmt: skip
"""What the form carries besides hyperparameters, whose names begin with `PREFIX`."""


def settings_of(training: Training) -> dict[str, str]:
    """Return the settings of a training job as texts of the form."""
    return {
        "clone": str(training.pk),
        "model_revision": training.model_commit,
        "task": training.task,
        "method": training.method,
        "shown": f"{training.task}:{training.method}",
        "dataset": training.dataset.repo_id if training.dataset else training.dataset_name,
        "dataset_revision": training.dataset_commit,
        "environment": training.environment,
        "spec": training.spec.code,
        "owner": training.namespace.handle,
        "limit": hours_of(training.limit),
        **{f"{PREFIX}{name}": str(value) for name, value in training.parameters.items()},
    }
