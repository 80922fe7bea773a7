"""Every address of the site, in the order in which they are tried; handles come last."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from portal import shell, site, views

urlpatterns = [
    path("language", shell.language, name="language"),
    path("banner", site.dismiss_banner, name="dismiss_banner"),
    path("design", shell.design, name="design"),
    path("robots.txt", shell.robots),
    path("favicon.ico", shell.favicon),
    path("first/<str:token>", views.first_administrator, name="first_administrator"),
    path("admin/", admin.site.urls),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api_docs"),
    path("api/v1/", include("accounts.api_urls")),
    path("api/v1/", include("assets.api_urls")),
    path("api/v1/", include("toolchain.api_urls")),
    path("api/v1/", include("toolchain.trainer.api_urls")),
    path("api/v1/", include("toolchain.inference.api_urls")),
    path("account/", include("accounts.sign_up_urls")),
    path("account/", include("allauth.urls")),
    path("", include("accounts.urls")),
    path("", include("toolchain.urls")),
    path("", include("toolchain.trainer.urls")),
    path("", include("toolchain.inference.urls")),
    path("", include("assets.urls")),
]

handler400 = shell.bad_request
handler403 = shell.permission_denied
handler404 = shell.page_not_found
handler429 = views.too_many_requests
handler500 = shell.server_error
