"""Pages of the toolchain."""

from django.urls import path

import assets.urls  # noqa: F401  (registers the converters)
from toolchain import views

app_name = "toolchain"

MODEL = "models/<owner:namespace>/<asset:name>"

urlpatterns = [
    path(f"{MODEL}/verdict", views.verdict, name="verdict"),
    path(f"{MODEL}/verdict/again", views.read_again, name="read_again"),
]
