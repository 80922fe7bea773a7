"""REST of services: `/api/v1/services`, their keys and saved requests, and what a model offers."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import signed_in
from accounts.services import namespace_at
from assets.addresses import asset_named
from assets.api.assets import BAD, MISSING, REFUSED, TAKEN
from assets.api.parts import AssetPart, checked
from assets.revisions import permit
from core.paging import FilteredList, KeysetPages
from core.permissions import SIGNED_IN
from core.problems import Invalid, Missing
from toolchain.choices import spec_named
from toolchain.inference import services
from toolchain.inference.filters import ServiceFilter
from toolchain.inference.finding import generations_of, key_of, replicas_of, service_at
from toolchain.inference.metrics import RANGES, Metrics
from toolchain.inference.mine import newest_replicas, ready_of
from toolchain.inference.models import Service
from toolchain.inference.offers import offer_of
from toolchain.inference.page import ServicePage
from toolchain.inference.serializers import (
    ChangesSerializer,
    ExampleSerializer,
    GenerationSerializer,
    KeySerializer,
    MadeKeySerializer,
    MetricsShape,
    NewExampleSerializer,
    NewKeySerializer,
    NewServiceSerializer,
    OptionsShape,
    ReplicaSerializer,
    RollBackSerializer,
    ServiceSerializer,
    options_data,
)
from toolchain.models import Spec
from toolchain.pieces import LOG_PARAMETERS, LogShape, log_piece

PLACE = [
    OpenApiParameter("namespace", str, OpenApiParameter.PATH, description="Handle of the owner."),
    OpenApiParameter("name", str, OpenApiParameter.PATH, description="Name of the service."),
]
DONE = {200: ServiceSerializer, 403: REFUSED, 404: MISSING, 409: TAKEN}


class ServiceViewSet(FilteredList, GenericViewSet[Service]):
    """Services of the caller and of the organisations that they are a member of."""

    queryset = Service.objects.none()
    serializer_class = ServiceSerializer
    filterset_class = ServiceFilter
    pagination_class = KeysetPages
    verbs = {
        "list": SIGNED_IN,
        "create": SIGNED_IN,
        "retrieve": "view",
        "partial_update": "configure",
        "destroy": "delete",
        "start": "start",
        "stop": "stop",
        "restart": "start",
        "roll_back": "configure",
        "generations": "view",
        "replicas": "view",
        "log": "view",
        "metrics": "view",
    }

    def get_queryset(self) -> Any:
        return Service.objects.for_user(self.request.user).whole()

    def service(self, namespace: str, name: str) -> Service:
        """Return the service as the caller sees it, after checking the verb."""
        found = service_at(self.request.user, namespace, name)
        self.check_object_permissions(self.request, found)
        return found

    def _shown(self, found: Service, **options: Any) -> Response:
        again = service_at(self.request.user, found.namespace.handle, found.name)
        return Response(ServiceSerializer(again, context=_context([again])).data, **options)

    @extend_schema(operation_id="services_list", responses={200: ServiceSerializer(many=True), 400: BAD})
    def list(self, request: Request) -> Response:
        """The services, the newest first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(ServiceSerializer(page, many=True, context=_context(page)).data)

    @extend_schema(
        operation_id="services_create", request=NewServiceSerializer,
        responses={201: ServiceSerializer, 400: BAD, 403: REFUSED, 404: MISSING, 409: TAKEN},
    )  # fmt: skip
    def create(self, request: Request) -> Response:
        """Deploy a model. What it costs is in the compute specs and the usage; nothing more is asked."""
        values = checked(NewServiceSerializer, request.data)
        user = signed_in(request)
        namespace, _former = namespace_at(values.pop("namespace", user.handle), user=user)
        model = asset_named(request.user, "model", values.pop("model"))
        permit(model, "deploy")
        spec = spec_named(request.user, values.pop("spec"))
        offer = offer_of(user, model, values.get("revision", ""))
        task = values.pop("task", "") or next(iter(offer.tasks), "")
        if offer.task(task) is None:
            raise Invalid({"task": offer.reasons or [_("Choose one of the inference task types that are offered.")]})
        made = services.deploy_service(actor=user, namespace=namespace, model=model, task=task, spec=spec, **values)
        return self._shown(made, status=201, headers={"Location": f"/api/v1/services/{made.namespace.handle}/{made.name}"})

    @extend_schema(operation_id="services_retrieve", parameters=PLACE, responses={200: ServiceSerializer, 404: MISSING})
    def retrieve(self, request: Request, namespace: str, name: str) -> Response:
        return self._shown(self.service(namespace, name))

    @extend_schema(
        operation_id="services_update", parameters=PLACE, request=ChangesSerializer,
        responses={200: ServiceSerializer, 400: BAD, 403: REFUSED, 404: MISSING},
    )  # fmt: skip
    def partial_update(self, request: Request, namespace: str, name: str) -> Response:
        """Change limits and replicas at once, spec and revision by rolling them out."""
        found = self.service(namespace, name)
        changes = checked(ChangesSerializer, request.data)
        if "spec" in changes:
            changes["spec"] = spec_named(request.user, changes["spec"])
        services.change_service(service=found, actor=signed_in(request), changes=changes)
        return self._shown(found)

    @extend_schema(operation_id="services_destroy", parameters=PLACE, responses={204: None, 403: REFUSED, 404: MISSING, 409: TAKEN})
    def destroy(self, request: Request, namespace: str, name: str) -> Response:
        """Delete a service that is stopped or failed, with its keys, its counts and its logs."""
        services.delete_service(service=self.service(namespace, name), actor=signed_in(request))
        return Response(status=204)

    @extend_schema(operation_id="services_start", parameters=PLACE, request=None, responses=DONE | {400: BAD})
    def start(self, request: Request, namespace: str, name: str) -> Response:
        """Start a service that is stopped or failed."""
        found = self.service(namespace, name)
        services.start_service(service=found, actor=signed_in(request))
        return self._shown(found)

    @extend_schema(operation_id="services_stop", parameters=PLACE, request=None, responses=DONE)
    def stop(self, request: Request, namespace: str, name: str) -> Response:
        """Stop a service; requests that it has are answered."""
        found = self.service(namespace, name)
        services.stop_service(service=found, actor=signed_in(request))
        return self._shown(found)

    @extend_schema(operation_id="services_restart", parameters=PLACE, request=None, responses=DONE)
    def restart(self, request: Request, namespace: str, name: str) -> Response:
        """Replace all replicas by new ones, without a gap."""
        found = self.service(namespace, name)
        services.restart_service(service=found, actor=signed_in(request))
        return self._shown(found)

    @extend_schema(operation_id="services_roll_back", parameters=PLACE, request=RollBackSerializer, responses=DONE | {400: BAD})
    def roll_back(self, request: Request, namespace: str, name: str) -> Response:
        """Roll an earlier generation out again."""
        found = self.service(namespace, name)
        number = checked(RollBackSerializer, request.data)["generation"]
        services.roll_back(service=found, actor=signed_in(request), number=number)
        return self._shown(found)

    @extend_schema(operation_id="services_generations", parameters=PLACE, responses={200: GenerationSerializer(many=True), 404: MISSING})
    def generations(self, request: Request, namespace: str, name: str) -> Response:
        """The last hundred generations, the newest first."""
        return Response(GenerationSerializer(generations_of(self.service(namespace, name))[:100], many=True).data)

    @extend_schema(operation_id="services_replicas", parameters=PLACE, responses={200: ReplicaSerializer(many=True), 404: MISSING})
    def replicas(self, request: Request, namespace: str, name: str) -> Response:
        """The replicas, those of the newest generation first."""
        return Response(ReplicaSerializer(replicas_of(self.service(namespace, name)), many=True).data)

    @extend_schema(
        operation_id="services_log",
        parameters=[
            *PLACE,
            OpenApiParameter("replica", int, description="Id of a replica; else the first of the newest generation."),
            OpenApiParameter("attempt", int, description="Which start of it; else the last."),
            *LOG_PARAMETERS,
        ],
        responses={200: LogShape, 400: BAD, 404: MISSING},
    )
    def log(self, request: Request, namespace: str, name: str) -> Response:
        """A piece of the log of a replica from an offset; ask again from `next` for what follows."""
        page = ServicePage(request.user, self.service(namespace, name), request.GET)
        given = {key: request.query_params.get(key, "") for key in ("replica", "attempt")}
        for key, value in given.items():
            if value and not (value.isascii() and value.isdigit()):
                raise Invalid({key: [_("This must be a number.")]})
        found = next(
            (run for row, run in page.logged if given["replica"] in ("", str(row.pk)) and given["attempt"] in ("", str(run.attempt))),
            None,
        )
        if found is None and any(given.values()):
            raise Missing("run_not_found", _("There is no such log. The replica may be gone."))
        return Response(log_piece(request, found))

    @extend_schema(
        operation_id="services_metrics",
        parameters=[
            *PLACE,
            OpenApiParameter("range", str, enum=[*RANGES, "custom"], description="How far back; 6h unless told otherwise."),
            OpenApiParameter("from", str, description="With range=custom: the beginning, as ISO 8601."),
            OpenApiParameter("to", str, description="With range=custom: the end; else now."),
        ],
        responses={200: MetricsShape, 400: BAD, 404: MISSING},
    )
    def metrics(self, request: Request, namespace: str, name: str) -> Response:
        """What the service did over a stretch of time, in all and in at most some hundred steps."""
        found = Metrics(self.service(namespace, name), request.query_params)
        if found.window.problem:
            raise Invalid({"from": [found.window.problem]})
        if (wanted := request.query_params.get("range")) and wanted not in (*RANGES, "custom"):
            raise Invalid({"range": [_("Choose one of the ranges that are offered.")]})
        return Response(MetricsShape(found.as_json()).data)


class ServicePart(GenericViewSet[Any]):
    """What lies below one service."""

    queryset = Service.objects.none()
    pagination_class = None
    filter_backends = ()

    def service(self, namespace: str, name: str) -> Service:
        """Return the service as the caller sees it, after checking the verb."""
        found = service_at(self.request.user, namespace, name)
        self.check_object_permissions(self.request, found)
        return found


class KeyViewSet(ServicePart):
    """Keys that may call one service."""

    serializer_class = KeySerializer
    verbs = {"list": "share", "create": "share", "destroy": "share"}

    @extend_schema(
        operation_id="service_keys_list", parameters=PLACE, responses={200: KeySerializer(many=True), 403: REFUSED, 404: MISSING}
    )
    def list(self, request: Request, namespace: str, name: str) -> Response:
        """The keys, the newest first, also those that were revoked."""
        return Response(KeySerializer(ServicePage(request.user, self.service(namespace, name), {}).keys, many=True).data)

    @extend_schema(
        operation_id="service_keys_create", parameters=PLACE, request=NewKeySerializer,
        responses={201: MadeKeySerializer, 400: BAD, 403: REFUSED, 404: MISSING, 409: TAKEN},
    )  # fmt: skip
    def create(self, request: Request, namespace: str, name: str) -> Response:
        """Make a key. Its text is in this one answer only."""
        found = self.service(namespace, name)
        key, text = services.make_key(service=found, actor=signed_in(request), **checked(NewKeySerializer, request.data))
        return Response({**KeySerializer(key).data, "key": text}, status=201)

    @extend_schema(operation_id="service_keys_destroy", parameters=PLACE, responses={204: None, 403: REFUSED, 404: MISSING})
    def destroy(self, request: Request, namespace: str, name: str, pk: int) -> Response:
        """Revoke a key."""
        found = self.service(namespace, name)
        services.revoke_key(service=found, actor=signed_in(request), key=key_of(found, pk))
        return Response(status=204)


class ExampleViewSet(ServicePart):
    """Requests that are saved for the playground of one service."""

    serializer_class = ExampleSerializer
    verbs = {"list": "view", "create": "configure", "destroy": "configure"}

    @extend_schema(operation_id="service_examples_list", parameters=PLACE, responses={200: ExampleSerializer(many=True), 404: MISSING})
    def list(self, request: Request, namespace: str, name: str) -> Response:
        """The saved requests, by name."""
        return Response(ExampleSerializer(ServicePage(request.user, self.service(namespace, name), {}).examples, many=True).data)

    @extend_schema(
        operation_id="service_examples_create", parameters=PLACE, request=NewExampleSerializer,
        responses={201: ExampleSerializer, 400: BAD, 403: REFUSED, 404: MISSING, 409: TAKEN},
    )  # fmt: skip
    def create(self, request: Request, namespace: str, name: str) -> Response:
        """Save a request, in place of one of the same name."""
        found = self.service(namespace, name)
        values = checked(NewExampleSerializer, request.data)
        made = services.save_example(service=found, actor=signed_in(request), name=values["name"], request={"body": values["body"]})
        return Response(ExampleSerializer(made).data, status=201)

    @extend_schema(operation_id="service_examples_destroy", parameters=PLACE, responses={204: None, 403: REFUSED, 404: MISSING})
    def destroy(self, request: Request, namespace: str, name: str, pk: int) -> Response:
        """Delete a saved request."""
        found = self.service(namespace, name)
        example = next((each for each in ServicePage(request.user, found, {}).examples if each.pk == pk), None)
        if example is None:
            raise Missing("example_not_found", _("There is no such saved request."))
        services.delete_example(service=found, actor=signed_in(request), example=example)
        return Response(status=204)


class ServiceOptionsViewSet(AssetPart):
    """What may be deployed of a model, and with which engines."""

    verbs = {"retrieve": "deploy"}

    @extend_schema(
        operation_id="service_options_retrieve", parameters=[OpenApiParameter("revision", str, description="Branch, tag or commit.")],
        responses={200: OptionsShape, 403: REFUSED, 404: MISSING},
    )  # fmt: skip
    def retrieve(self, request: Request, namespace: str, name: str) -> Response:
        """The inference task types with the specs and engines that can serve them."""
        asset = self.open(request, "models", namespace, name)
        specs = list(Spec.objects.for_user(request.user).offered())
        return Response(options_data(offer_of(request.user, asset, request.query_params.get("revision", "")), specs))


def _context(rows: list[Service]) -> dict[str, Any]:
    wanted = [row.pk for row in rows]
    return {"replicas": newest_replicas(wanted), "ready": ready_of(wanted)}
