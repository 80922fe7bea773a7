"""What people and webhooks are told about services."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.notices import WORK, NoticeKind
from accounts.services import emit, notify
from toolchain.inference.models import Service
from toolchain.runs.wording import SENTENCES

KINDS = (
    NoticeKind("service.running", _("A service of yours runs"), _("%(service)s runs and answers requests."), WORK, mail="never"),
    NoticeKind("service.failed", _("A service of yours failed"), _("%(service)s failed. Its page says why."), WORK),
    NoticeKind(
        "service.stopped", _("A service of yours was stopped"), _("%(service)s was stopped. %(reason)s"), WORK,
        words={"reason": {code: SENTENCES[code] for code in ("time", "idle", "hours", "spend", "funds")}},
    ),
)  # fmt: skip
EVENTS = [
    ("service.running", _("Inference service runs")),
    ("service.stopping", _("Inference service is being stopped")),
    ("service.stopped", _("Inference service stopped")),
    ("service.failed", _("Inference service failed")),
]


def tell_state(service: Service) -> None:
    """Tell the webhooks of its namespace, and who deployed it, the new state of a service. In the transaction.

    Nobody is told by a notice what they did with their own hands.
    """
    address = service.get_absolute_url()
    payload = {
        "id": service.pk, "name": f"{service.namespace.handle}/{service.name}", "state": service.state, "error": service.error,
        "model": service.model_name, "url": f"{settings.PUBLIC_URL}{address}",
    }  # fmt: skip
    emit(namespace_id=service.namespace_id, event=f"service.{service.state}", payload=payload)
    if service.creator is None or service.state == Service.State.STOPPING or (service.state == Service.State.STOPPED and not service.error):
        return
    if not Service.objects.for_user(service.creator).filter(pk=service.pk).exists():
        # Who left the organisation hears no more of its work.
        return
    moment = (service.ended_at or service.started_at or service.created_at).isoformat()
    notify(
        receivers=[service.creator], kind=f"service.{service.state}", key=f"service:{service.pk}:{service.state}:{moment}", url=address,
        service=service.name, reason=service.error,
    )  # fmt: skip
