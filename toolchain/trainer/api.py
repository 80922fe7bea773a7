"""REST of training jobs: `/api/v1/training-jobs`, what a model offers, compute specs and what was used of them."""

from typing import Any

from django.conf import settings
from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSet

from accounts.authentication import signed_in
from accounts.models import Namespace
from accounts.services import namespace_at
from assets.addresses import asset_named
from assets.api.assets import BAD, MISSING, REFUSED, TAKEN
from assets.api.parts import AssetPart, checked
from assets.models import Asset
from assets.revisions import permit
from core.paging import FilteredList, KeysetPages, Order
from core.permissions import SIGNED_IN
from core.problems import Invalid, Missing, Problem
from toolchain.choices import spec_named
from toolchain.lists import members_of
from toolchain.metrics.sources import digest_of
from toolchain.models import Entry, Sample, Spec
from toolchain.pieces import LOG_PARAMETERS, LogShape, SampleShape, log_piece
from toolchain.runs.queue import places_of
from toolchain.trainer import services
from toolchain.trainer.compute import NEWEST, standing_of
from toolchain.trainer.filters import TrainingFilter
from toolchain.trainer.models import Training
from toolchain.trainer.offers import offer_of
from toolchain.trainer.page import JobPage
from toolchain.trainer.parameters import method_named
from toolchain.trainer.sending import sent_stream
from toolchain.trainer.serializers import (
    EntrySerializer,
    NewTrainingSerializer,
    SpecSerializer,
    TrainingMetricsShape,
    TrainingOptionsShape,
    TrainingSerializer,
    UsageShape,
    options_data,
    usage_data,
)

MOST_SAMPLES = 5000
ID = OpenApiParameter("pk", int, OpenApiParameter.PATH, description="Id of the training job.")


class TrainingViewSet(FilteredList, GenericViewSet[Training]):
    """Training jobs of the caller and of the organisations that they are a member of."""

    queryset = Training.objects.none()
    serializer_class = TrainingSerializer
    filterset_class = TrainingFilter
    pagination_class = KeysetPages
    verbs = {
        "list": SIGNED_IN,
        "create": SIGNED_IN,
        "retrieve": "view",
        "destroy": "delete",
        "stop": "stop",
        "retry": "start",
        "drop": "keep",
        "collect": "keep",
        "log": "view",
        "metrics": "view",
        "raw_metrics": "view",
        "usage": "view",
    }

    def get_queryset(self) -> Any:
        return Training.objects.for_user(self.request.user).whole()

    def training(self, pk: int) -> Training:
        """Return the job as the caller sees it, after checking the verb."""
        found = self.get_queryset().filter(pk=pk).first() if pk < 2**63 else None
        if found is None:
            raise Missing("training_not_found", _("There is no such training job, or you may not see it."))
        self.check_object_permissions(self.request, found)
        row: Training = found
        return row

    @extend_schema(operation_id="training_jobs_list", responses={200: TrainingSerializer(many=True), 400: BAD})
    def list(self, request: Request) -> Response:
        """The jobs, the newest first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        places = places_of(row.run for row in page if row.run is not None)
        return self.get_paginated_response(TrainingSerializer(page, many=True, context={"places": places}).data)

    @extend_schema(
        operation_id="training_jobs_create", request=NewTrainingSerializer,
        responses={201: TrainingSerializer, 400: BAD, 403: REFUSED, 404: MISSING, 409: TAKEN},
    )  # fmt: skip
    def create(self, request: Request) -> Response:
        """Put a job into the queue. What it costs is in the compute specs and the usage; nothing more is asked."""
        values = checked(NewTrainingSerializer, request.data)
        try:
            made = _submit(request, values)
        except Problem as problem:
            problem.errors = {name.replace("parameters.", "hyperparameters.", 1): messages for name, messages in problem.errors.items()}
            raise
        return Response(TrainingSerializer(made).data, status=201, headers={"Location": f"/api/v1/training-jobs/{made.pk}"})

    @extend_schema(operation_id="training_jobs_retrieve", parameters=[ID], responses={200: TrainingSerializer, 404: MISSING})
    def retrieve(self, request: Request, pk: int) -> Response:
        return Response(TrainingSerializer(self.training(pk)).data)

    @extend_schema(operation_id="training_jobs_destroy", parameters=[ID], responses={204: None, 403: REFUSED, 404: MISSING, 409: TAKEN})
    def destroy(self, request: Request, pk: int) -> Response:
        """Delete a job that is over, with its log, its curves and what it kept; the model that it made stays."""
        services.delete_training(training=self.training(pk), actor=signed_in(request))
        return Response(status=204)

    @extend_schema(
        operation_id="training_jobs_stop", parameters=[ID], request=None,
        responses={200: TrainingSerializer, 403: REFUSED, 404: MISSING, 409: TAKEN},
    )  # fmt: skip
    def stop(self, request: Request, pk: int) -> Response:
        """Ask a job to end; its finished checkpoints are kept."""
        services.stop_training(training=self.training(pk), actor=signed_in(request))
        return Response(TrainingSerializer(self.training(pk)).data)

    @extend_schema(
        operation_id="training_jobs_retry", parameters=[ID], request=None,
        responses={201: TrainingSerializer, 400: BAD, 403: REFUSED, 404: MISSING, 409: TAKEN},
    )  # fmt: skip
    def retry(self, request: Request, pk: int) -> Response:
        """Make a new job with the settings of one that is over."""
        made = services.retry_training(training=self.training(pk), actor=signed_in(request))
        return Response(TrainingSerializer(made).data, status=201, headers={"Location": f"/api/v1/training-jobs/{made.pk}"})

    @extend_schema(
        operation_id="training_jobs_drop", parameters=[ID], request=None,
        responses={200: TrainingSerializer, 403: REFUSED, 404: MISSING, 409: TAKEN},
    )  # fmt: skip
    def drop(self, request: Request, pk: int) -> Response:
        """Give up the checkpoints that a stopped job left."""
        services.drop_checkpoints(training=self.training(pk), actor=signed_in(request))
        return Response(TrainingSerializer(self.training(pk)).data)

    @extend_schema(
        operation_id="training_jobs_collect", parameters=[ID], request=None,
        responses={200: TrainingSerializer, 403: REFUSED, 404: MISSING, 409: TAKEN},
    )  # fmt: skip
    def collect(self, request: Request, pk: int) -> Response:
        """Try once more to make a model of the result of a job that ended well but could not be kept."""
        services.collect_again(training=self.training(pk), actor=signed_in(request))
        return Response(TrainingSerializer(self.training(pk)).data)

    @extend_schema(operation_id="training_jobs_log", parameters=[ID, *LOG_PARAMETERS], responses={200: LogShape, 400: BAD, 404: MISSING})
    def log(self, request: Request, pk: int) -> Response:
        """A piece of the log from an offset; ask again from `next` for what follows."""
        return Response(log_piece(request, self.training(pk).run))

    @extend_schema(
        operation_id="training_jobs_metrics",
        parameters=[
            ID,
            OpenApiParameter("axis", str, enum=["iteration", "time"], description="What the curves lie over; seconds for time."),
        ],
        responses={200: TrainingMetricsShape, 400: BAD, 404: MISSING},
    )
    def metrics(self, request: Request, pk: int) -> Response:
        """The curves, with as many points as pages draw."""
        axis = request.query_params.get("axis", "iteration")
        if axis not in ("iteration", "time"):
            raise Invalid({"axis": [_("Choose iteration or time.")]})
        source = JobPage(request.user, self.training(pk), request.GET).source
        if source is None:
            return Response({"axis": axis, "records": 0, "refused": 0, "loss": [], "throughput": []})
        return Response(digest_of(source, "time" if axis == "time" else "iteration").as_json())

    @extend_schema(
        operation_id="training_jobs_metrics_raw", parameters=[ID], responses={(200, "text/plain"): OpenApiTypes.STR, 404: MISSING}
    )
    def raw_metrics(self, request: Request, pk: int) -> StreamingHttpResponse:
        """The lines of metrics as the script wrote them."""
        return sent_stream(JobPage(request.user, self.training(pk), request.GET).running, "metrics")

    @extend_schema(operation_id="training_jobs_usage", parameters=[ID], responses={200: SampleShape(many=True), 404: MISSING})
    def usage(self, request: Request, pk: int) -> Response:
        """What the job used of its machine; of very many samples every n-th."""
        run = self.training(pk).run
        rows = Sample.objects.filter(run=run).order_by("at")
        step = rows.count() // MOST_SAMPLES + 1
        return Response(SampleShape(list(rows[::step]) if step > 1 else rows, many=True).data)


class TrainingOptionsViewSet(AssetPart):
    """What may be trained of a model, and how."""

    verbs = {"retrieve": "train"}

    @extend_schema(
        operation_id="training_options_retrieve", parameters=[OpenApiParameter("revision", str, description="Branch, tag or commit.")],
        responses={200: TrainingOptionsShape, 403: REFUSED, 404: MISSING},
    )  # fmt: skip
    def retrieve(self, request: Request, namespace: str, name: str) -> Response:
        """The training task types with their methods and hyperparameters."""
        asset = self.open(request, "models", namespace, name)
        return Response(options_data(offer_of(asset, request.query_params.get("revision", ""))))


class SpecViewSet(ViewSet):
    """The compute specs on offer."""

    verbs = {"list": SIGNED_IN}

    @extend_schema(operation_id="compute_specs_list", responses={200: SpecSerializer(many=True)})
    def list(self, request: Request) -> Response:
        """All specs at once, in the order of the pages."""
        return Response(SpecSerializer(Spec.objects.for_user(request.user).offered(), many=True).data)


NAMESPACE = OpenApiParameter("namespace", str, description="A handle; else the caller.")


class UsageViewSet(GenericViewSet[Entry]):
    """What a namespace used of compute."""

    queryset = Entry.objects.none()
    serializer_class = EntrySerializer
    pagination_class: type[KeysetPages] | None = KeysetPages
    filter_backends = ()
    verbs = {"retrieve": SIGNED_IN, "list": SIGNED_IN}

    def order_for(self, request: Request) -> Order:
        return NEWEST

    def _namespace(self, request: Request) -> Namespace:
        handle = request.query_params.get("namespace", "") or signed_in(request).handle
        found: Namespace | None = members_of(request.user).filter(handle__iexact=handle.replace("\0", "")).first()
        if found is None:
            raise Missing("namespace_not_found", _("There is nothing of this name, or you are no member of it."))
        return found

    @extend_schema(operation_id="compute_usage_retrieve", parameters=[NAMESPACE], responses={200: UsageShape, 404: MISSING})
    def retrieve(self, request: Request) -> Response:
        """What was used this month, and the limits."""
        namespace = self._namespace(request)
        return Response(usage_data(namespace.handle, standing_of(namespace), settings.CURRENCY))

    @extend_schema(operation_id="compute_ledger_list", parameters=[NAMESPACE], responses={200: EntrySerializer(many=True), 404: MISSING})
    def list(self, request: Request) -> Response:
        """The ledger, the newest entries first."""
        rows = Entry.objects.for_user(request.user).filter(namespace=self._namespace(request)).select_related("spec")
        return self.get_paginated_response(EntrySerializer(self.paginate_queryset(rows), many=True).data)


def _submit(request: Request, values: dict[str, Any]) -> Training:
    user = signed_in(request)
    namespace, _former = namespace_at(values.pop("namespace", user.handle), user=user)
    model, dataset = _asset(request, "model", values.pop("model")), _asset(request, "dataset", values.pop("dataset"))
    spec = spec_named(user, values.pop("spec"))
    offer = offer_of(model, values.get("model_revision", ""))
    task = values.pop("task", "") or next((each.code for each in offer.tasks), "")
    chosen = values.pop("hyperparameters", {})
    method = values.pop("method", "")
    if offer.task(task) is None:
        raise Invalid(
            {"task": offer.reasons or [_("The model cannot be trained this way. Choose one of the training task types that are offered.")]}
        )
    known = method_named(offer.methods(task), method) if method else offer.methods(task)[0]
    parameters = dict(known.defaults) if known is not None else {}
    for name, value in chosen.items():
        if value is None:
            parameters.pop(name, None)
        else:
            parameters[name] = value
    environment = values.pop("environment", "") or offer.environments(task)[0]
    return services.submit_training(
        actor=user, namespace=namespace, model=model, dataset=dataset, task=task, method=known.name if known else method,
        parameters=parameters, environment=environment, spec=spec, **values,
    )  # fmt: skip


def _asset(request: Request, kind: str, repo_id: str) -> Asset:
    asset = asset_named(request.user, kind, repo_id)
    permit(asset, "train")
    return asset
