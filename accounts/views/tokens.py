"""One's own access tokens."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import services
from accounts.authentication import signed_in
from accounts.forms import tokens as forms
from accounts.models import AccessToken
from accounts.views.answers import attempt, me
from core.htmx import render_page
from core.problems import Missing


@never_cache
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """The list, and a new token, whose secret is in this one answer only."""
    user = me(request)
    form = forms.TokenForm(request.POST or None, user=user)
    made: list[Any] = []

    def create() -> None:
        cleaned = form.cleaned_data
        made.extend(
            services.create_token(
                actor=signed_in(request), name=cleaned["name"], scope=cleaned["scope"],
                verbs=cleaned["verbs"], resources=cleaned["resources"], expires_at=form.expires_at,
            )
        )  # fmt: skip

    if request.method == "POST" and attempt(form, create):
        form = forms.TokenForm(user=user)
    labels = {choice.key: choice for choice in form.choices}
    rows = list(AccessToken.objects.for_user(request.user).order_by("-created_at", "-pk"))
    context = {
        "person": user,
        "form": form,
        "tokens": [{"row": row, "resources": [labels[key] for key in row.resources if key in labels]} for row in rows],
        "created": made[0] if made else None,
        "secret": made[1] if made else "",
    }
    return render_page(request, "accounts/tokens.html", "accounts/_tokens.html", context, status=422 if form.errors else 200)


@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """End a token at once."""
    token = AccessToken.objects.for_user(request.user).filter(pk=pk).first()
    if token is None:
        raise Missing("token_not_found", _("You have no such token."))
    services.revoke_token(token=token, actor=signed_in(request))
    messages.success(request, _("Token “%(name)s” revoked.") % {"name": token.name})
    return redirect("accounts:tokens")
