"""What the pages of this room share: refusals shown at their fields, and who is looking."""

import json
import re
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.files.storage import default_storage
from django.forms import BaseForm
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import services
from accounts.authentication import signed_in
from accounts.forms import people as forms
from accounts.heads import head_of
from accounts.models import AccessToken, Membership, Namespace, Organisation, User
from core.htmx import render_page
from core.permissions import require
from core.problems import Missing, Moved, Problem
from core.security import CONTENT_POLICY


def show_problem(form: BaseForm, problem: Problem) -> None:
    """Put what a service refused at the fields of `form`; what fits no field is raised again."""
    if not problem.errors or not set(problem.errors) <= set(form.fields):
        raise problem
    for field, found in problem.errors.items():
        form.add_error(field, [str(message) for message in found])


def attempt(form: BaseForm, act: Callable[[], Any]) -> bool:
    """Do `act` if the form is valid, and say whether it happened; refusals by field become errors of the form."""
    if not form.is_valid():
        return False
    try:
        act()
    except Problem as problem:
        show_problem(form, problem)
        return False
    return True


def me(request: HttpRequest) -> User:
    """Return the signed-in user with their verbs."""
    user: User = User.objects.for_user(request.user).get(pk=request.user.pk)
    return user
