"""REST of the webhooks of a person or an organisation."""

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.api.room import Room
from accounts.authentication import signed_in
from accounts.models import Namespace, Webhook, WebhookDelivery
from accounts.serializers.webhooks import DeliverySerializer, NewWebhookSerializer, WebhookSerializer, WholeDeliverySerializer
from core.problems import Missing, Moved

WEBHOOK = OpenApiParameter("pk", int, OpenApiParameter.PATH, description="Id of the webhook.")
DELIVERY = OpenApiParameter("delivery", int, OpenApiParameter.PATH, description="Id of the delivery.")


class WebhookRoom(Room):
    """What the two ViewSets share: the way to the rows."""

    def owner(self, handle: str) -> Namespace:
        """Return the namespace at `handle` after checking the verb; a former handle is answered with a redirect."""
        row, former = services.namespace_at(handle, user=self.request.user)
        if former:
            raise Moved(f"namespaces/{handle}", f"namespaces/{row.handle}")
        self.check_object_permissions(self.request, row)
        return row

    def webhook(self, handle: str, pk: int) -> Webhook:
        namespace = self.owner(handle)
        row = Webhook.objects.for_user(self.request.user).filter(namespace=namespace.pk, pk=pk).first()
        if row is None:
            raise Missing("webhook_not_found", _("There is no such webhook."))
        row.namespace = namespace
        return row


class WebhookViewSet(WebhookRoom):
    """Webhooks: what is called when something happens."""

    verbs = {
        "list": "edit", "create": "edit", "retrieve": "edit", "partial_update": "edit", "destroy": "edit",
        "renew_secret": "edit", "ping": "edit",
    }  # fmt: skip
    serializer_class = WebhookSerializer

    def list(self, request: Request, handle: str) -> Response:
        return self.listed(Webhook.objects.for_user(request.user).filter(namespace=self.owner(handle).pk), WebhookSerializer)

    @extend_schema(responses={201: NewWebhookSerializer})
    def create(self, request: Request, handle: str) -> Response:
        """Create a webhook; only this answer has its secret."""
        namespace = self.owner(handle)
        row = services.create_webhook(namespace=namespace, actor=signed_in(request), **self.checked(request.data))
        return self._with_secret(row, 201)

    @extend_schema(parameters=[WEBHOOK])
    def retrieve(self, request: Request, handle: str, pk: int) -> Response:
        return Response(self.get_serializer(self.webhook(handle, pk)).data)

    @extend_schema(parameters=[WEBHOOK])
    def partial_update(self, request: Request, handle: str, pk: int) -> Response:
        row = self.webhook(handle, pk)
        services.edit_webhook(webhook=row, actor=signed_in(request), **self.checked(request.data, partial=True))
        return Response(self.get_serializer(row).data)

    @extend_schema(parameters=[WEBHOOK])
    def destroy(self, request: Request, handle: str, pk: int) -> Response:
        services.delete_webhook(webhook=self.webhook(handle, pk), actor=signed_in(request))
        return Response(status=204)

    @extend_schema(parameters=[WEBHOOK], request=None, responses=NewWebhookSerializer)
    def renew_secret(self, request: Request, handle: str, pk: int) -> Response:
        """Make another secret; the former one signs nothing from now on."""
        row = self.webhook(handle, pk)
        services.renew_secret(webhook=row, actor=signed_in(request))
        return self._with_secret(row, 200)

    @extend_schema(parameters=[WEBHOOK], request=None, responses={202: WholeDeliverySerializer})
    def ping(self, request: Request, handle: str, pk: int) -> Response:
        """Send a test, tried once."""
        delivery = services.ping(webhook=self.webhook(handle, pk), actor=signed_in(request))
        return Response(WholeDeliverySerializer(delivery).data, status=202)

    def _with_secret(self, row: Webhook, status: int) -> Response:
        shown = NewWebhookSerializer(row, context=self.get_serializer_context())
        return Response(shown.data, status=status, headers={"Cache-Control": "no-store"})


class DeliveryViewSet(WebhookRoom):
    """The log of what a webhook was told, 30 days back."""

    verbs = {"list": "edit", "retrieve": "edit", "replay": "edit"}
    serializer_class = WholeDeliverySerializer

    def delivery(self, handle: str, pk: int, delivery: int) -> WebhookDelivery:
        webhook = self.webhook(handle, pk)
        row = WebhookDelivery.objects.for_user(self.request.user).filter(webhook=webhook.pk, pk=delivery).first()
        if row is None:
            raise Missing("delivery_not_found", _("There is no such delivery. The log reaches back 30 days."))
        row.webhook = webhook
        return row

    @extend_schema(parameters=[WEBHOOK], responses=DeliverySerializer(many=True))
    def list(self, request: Request, handle: str, pk: int) -> Response:
        webhook = self.webhook(handle, pk)
        return self.listed(WebhookDelivery.objects.for_user(request.user).filter(webhook=webhook.pk), DeliverySerializer)

    @extend_schema(parameters=[WEBHOOK, DELIVERY])
    def retrieve(self, request: Request, handle: str, pk: int, delivery: int) -> Response:
        return Response(self.get_serializer(self.delivery(handle, pk, delivery)).data)

    @extend_schema(parameters=[WEBHOOK, DELIVERY], request=None, responses={202: WholeDeliverySerializer})
    def replay(self, request: Request, handle: str, pk: int, delivery: int) -> Response:
        """Send the same again, under the same event id."""
        row = self.delivery(handle, pk, delivery)
        again = services.replay_delivery(delivery=row, webhook=row.webhook, actor=signed_in(request))
        return Response(self.get_serializer(again).data, status=202)
