"""Pages of services. What else lies below `/services/<namespace>/<name>/` is the service itself: see `gateway`."""

from django.urls import path

import assets.urls  # noqa: F401  (registers the converters)
from toolchain.inference.views import changes, mine, new, service

app_name = "inference"

ONE = "services/<owner:namespace>/<slug:name>"
PAGES = f"{ONE}/-"

urlpatterns = [
    path("services", mine.services, name="services"),
    path("services/new", new.new, name="new"),
    path(ONE, service.playground, name="service"),
    path(f"{PAGES}/state", service.state, name="state"),
    path(f"{PAGES}/metrics", service.metrics, name="metrics"),
    path(f"{PAGES}/api", service.api, name="api"),
    path(f"{PAGES}/logs", service.log, name="logs"),
    path(f"{PAGES}/logs/<int:replica>/<int:attempt>", service.log, name="log"),
    path(f"{PAGES}/logs/<int:replica>/<int:attempt>.txt", service.log_file, name="log_file"),
    path(f"{PAGES}/versions", service.versions, name="versions"),
    path(f"{PAGES}/versions/<int:number>/roll-back", changes.roll_back, name="roll_back"),
    path(f"{PAGES}/settings", changes.settings, name="settings"),
    path(f"{PAGES}/start", changes.start, name="start"),
    path(f"{PAGES}/stop", changes.stop, name="stop"),
    path(f"{PAGES}/restart", changes.restart, name="restart"),
    path(f"{PAGES}/delete", changes.delete, name="delete"),
    path(f"{PAGES}/keys", changes.keys, name="keys"),
    path(f"{PAGES}/keys/<int:pk>/revoke", changes.revoke, name="revoke"),
    path(f"{PAGES}/examples", changes.save_example, name="save_example"),
    path(f"{PAGES}/examples/<int:pk>/delete", changes.delete_example, name="delete_example"),
]
