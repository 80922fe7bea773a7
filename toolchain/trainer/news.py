"""What people and webhooks are told about training jobs."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.notices import WORK, NoticeKind
from accounts.services import emit, notify
from toolchain.runs.wording import SENTENCES
from toolchain.trainer.models import Training

KINDS = (
    NoticeKind("training.completed", _("A training job of yours is completed"), _("%(training)s is completed and made %(output)s."), WORK),
    NoticeKind("training.failed", _("A training job of yours failed"), _("%(training)s failed. Its page says why."), WORK),
    NoticeKind(
        "training.stopped",
        _("A training job of yours was stopped"),
        _("%(training)s was stopped. %(reason)s"),
        WORK,
        words={"reason": {code: SENTENCES[code] for code in ("", "stopped", "time", "hours", "spend", "funds")}},
    ),
)
EVENTS = [
    ("training.completed", _("Training job completed")),
    ("training.failed", _("Training job failed")),
    ("training.stopped", _("Training job stopped")),
]


def tell_ended(training: Training, *, by_hand: bool) -> None:
    """Tell who submitted a training job, and the webhooks of its namespace, how it ended. In the transaction.

    Who stopped it with their own hands is not told by a notice.
    """
    address, event = training.get_absolute_url(), f"training.{training.state}"
    output = training.output.repo_id if training.output is not None else ""
    payload = {
        "id": training.pk, "name": training.name, "state": training.state, "error": training.error, "model": training.model_name,
        "output": output, "url": f"{settings.PUBLIC_URL}{address}",
    }  # fmt: skip
    emit(namespace_id=training.namespace_id, event=event, payload=payload)
    # Who left the organisation hears no more of its work.
    sees = training.creator is not None and Training.objects.for_user(training.creator).filter(pk=training.pk).exists()
    if training.creator is not None and sees and not by_hand:
        notify(
            receivers=[training.creator], kind=event, key=f"training:{training.pk}:ended", url=address,
            training=training.name, output=output, reason=training.error or "stopped",
        )  # fmt: skip
