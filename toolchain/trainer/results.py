"""What is known about a training job, for the card of the model that it made."""

from collections.abc import Iterator
from datetime import UTC, datetime

from assets.models import Asset
from toolchain.materials import Curve, Facts, Origin, inherited_from
from toolchain.metrics.digest import Digest
from toolchain.metrics.rows import metrics_of
from toolchain.metrics.sources import digest_of
from toolchain.metrics.thinning import Thin
from toolchain.models import Run
from toolchain.trainer.models import Training


def facts_of(training: Training, run: Run) -> Facts:
    """Return everything that the card says about a training job that ended well."""
    digest = digest_of(metrics_of(run))
    model = Asset.objects.filter(pk=training.model_id or 0).first()
    return Facts(
        key=run.key,
        namespace=training.namespace,
        name=training.output_name,
        model=Origin(training.model_name, training.model_commit),
        dataset=Origin(training.dataset_name, training.dataset_commit),
        task=training.task,
        method=training.method,
        spec=run.spec.code,
        environment=training.environment,
        started_at=run.started_at or run.created_at,
        ended_at=datetime.fromtimestamp(run.exit["ended_at"], UTC),
        parameters=training.parameters,
        curves=list(_curves(digest)),
        inherited=inherited_from(model) if model is not None else {},
    )


def _curves(digest: Digest) -> Iterator[Curve]:
    for name, line in (("loss", digest.loss), ("throughput", digest.throughput)):
        if points := _points(line):
            yield Curve(name, points)


def _points(line: Thin) -> list[tuple[float, float | None]]:
    return [(float(x), None if y != y else float(y)) for x, y in zip(line.x, line.y, strict=True)]
