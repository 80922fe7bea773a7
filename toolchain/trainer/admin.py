"""Training jobs of everybody, to look at and to stop."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.services.administration import ONLY_ADMINISTRATORS
from core.administration import Act, Administration
from toolchain.admin import shown
from toolchain.trainer.models import Training
from toolchain.trainer.services import delete_training, stop_training
from toolchain.trainer.wording import failure


@admin.register(Training)
class TrainingAdministration(Administration):
    list_display = ["name", "namespace", "creator", "base", "method", "state", "on", "created_at", "ended_at", "reason"]
    list_filter = ["state", "task", ("spec", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["name", "namespace__handle", "creator__handle", "model_name", "dataset_name", "output_name"]
    list_select_related = ["namespace", "creator", "spec"]
    ordering = ["-id"]
    base = shown("model_name", _("source model"))
    on = shown("spec", _("compute spec"))
    acts = [
        Act(
            "stop", _("Stop"), stop_training, "training", ONLY_ADMINISTRATORS, danger=True,
            note=_("The script is told to end; finished checkpoints are kept, and no model is made."), applies=lambda row: row.active,
        ),
        Act(
            "delete", _("Delete"), delete_training, "training", ONLY_ADMINISTRATORS, danger=True,
            note=_("Its log, its curves and what it kept are gone for good. The model that it made stays."), applies=lambda row: not row.active,
        ),
    ]  # fmt: skip

    def row(self, request: HttpRequest, key: str) -> Any:
        """Return the job as an administrator sees it, for the services to work on. Raises `Http404`."""
        user = request.user
        assert isinstance(user, User)
        found = Training.objects.for_user(user).whole().filter(pk=key).first() if key.isdigit() else None
        if found is None:
            raise Http404
        return found

    @admin.display(description=_("reason"))
    def reason(self, training: Training) -> str:
        return failure(training)[:200]
