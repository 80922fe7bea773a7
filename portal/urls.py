"""Every address of the site, in the order in which they are tried; handles come last."""

import sys
from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from portal import views


def _rooms(kind: str, *rooms: str) -> list[URLPattern | URLResolver]:
    found: list[URLPattern | URLResolver] = []
    for room in rooms:
        if find_spec(f"{room}.{kind}"):
            try:
                found.append(path("", include(f"{room}.{kind}")))
            except ImportError as error:
                print(f"portal.urls: {room}.{kind} left out: {error}", file=sys.stderr)  # noqa: T201
    return found


SHELL = []
if find_spec("portal.specimens"):
    from portal import shell

    SHELL = [
        path("language", shell.language, name="language"),
        path("design", shell.design, name="design"),
        path("robots.txt", shell.robots),
        path("favicon.ico", shell.favicon),
    ]
    handler400 = shell.bad_request
    handler403 = shell.permission_denied
    handler404 = shell.page_not_found
    handler500 = shell.server_error
handler429 = views.too_many_requests

urlpatterns = [
    *SHELL,
    path("first/<str:token>", views.first_administrator, name="first_administrator"),
    path("admin/", admin.site.urls),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api_docs"),
    path("api/v1/", include(_rooms("api_urls", "accounts", "repos", "assets"))),
    *_rooms("urls", "accounts"),
    path("account/", include("accounts.sign_up_urls")),
    path("account/", include("allauth.urls")),
    *_rooms("urls", "repos", "assets"),
]
