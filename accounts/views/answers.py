"""What the pages of this room share: refusals shown at their fields, and who is looking."""

from collections.abc import Callable
from typing import Any

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from django.forms import BaseForm
from django.http import HttpRequest

from accounts.authentication import signed_in
from accounts.models import User
from core.problems import Problem


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


def prove_again(request: HttpRequest, email: str) -> None:
    """Before another address may open the account, let the person enter the password again; then the request goes on by itself."""
    if email.lower() != signed_in(request).email.lower():
        raise_if_reauthentication_required(request, app="")


def me(request: HttpRequest) -> User:
    """Return the signed-in user with their verbs."""
    user: User = User.objects.for_user(request.user).get(pk=request.user.pk)
    return user
