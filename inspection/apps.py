from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InspectionConfig(AppConfig):
    name = "inspection"
    verbose_name = _("Inspection of contents")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from inspection import tasks  # noqa: F401  (registers the job handlers)
        from inspection.registry import Step, register
        from inspection.steps import headers, safety, tables

        register(Step("headers", _("Model headers"), headers.VERSION, headers.read, frozenset({"model"})))
        register(Step("safety", _("Safety scan"), safety.VERSION, safety.read))
        register(Step("tables", _("Dataset tables"), tables.VERSION, tables.read, frozenset({"dataset"})))
