"""The editor of an asset's introduction: settings, text and preview on one page."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from assets import card
from assets.forms.cards import CardForm
from assets.ingest import CARD, speller
from assets.models import Asset, Term
from assets.revisions import Place, asset_kwargs, open_asset
from assets.services import CardChanged, card_text, save_card
from assets.vocabulary import Terms
from core.markdown import render as to_html
from core.problems import Problem
from repos.previews.diffs import diff
from repos.reading import resolve

PREVIEW_LEVEL = 3
TABLE = "|  |  |\n| --- | --- |\n|  |  |\n"


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Edit the card; when somebody else changed it meanwhile, both changes are shown above the text."""
    asset = open_asset(request.user, kind, namespace, name, "edit_card")
    if request.method == "GET":
        return _page(request, asset, _loaded(asset))
    form = _posted(request, asset)
    if not form.is_valid():
        return _page(request, asset, form, status=422)
    if request.POST.get("action") == "preview":
        return _page(request, asset, form)
    try:
        saved = save_card(
            asset=asset, actor=cast(User, request.user), text=form.cleaned_data["text"], values=form.values,
            parent=form.cleaned_data["parent"], message=form.cleaned_data["message"],
        )  # fmt: skip
    except CardChanged as change:
        return _conflict(request, asset, form, change)
    except Problem as problem:
        form.add_problem(problem)
        return _page(request, asset, form, status=422)
    if saved.commit is None:
        messages.info(request, _("Nothing has changed, so nothing was saved."))
    else:
        messages.success(request, _("The card is saved as commit %(commit)s.") % {"commit": saved.commit.short})
    for error in saved.errors:
        messages.warning(request, _("A setting keeps its last good value. %(reason)s") % {"reason": card.sentence(error.as_dict())})
    return HttpResponseRedirect(asset.get_absolute_url())


@require_POST
def preview(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Return the text in the field `text` as the page of the asset would show it, without the page around it."""
    asset = open_asset(request.user, kind, namespace, name, "edit_card")
    return render(request, "assets/editor/_preview.html", _preview(asset, request.POST.get("text", "")))


def _loaded(asset: Asset) -> CardForm:
    """Return the form as the card stands now."""
    head = resolve(asset.open_repository()).commit
    text = card_text(asset, head.sha)
    values = _values(asset, text)
    return _form(asset, values, initial=values | {"text": text, "parent": head.sha, "message": _("Update the card")})


def _posted(request: HttpRequest, asset: Asset) -> CardForm:
    return _form(asset, {column: getattr(asset, column) for column in card.COLUMNS}, data=request.POST)


def _form(asset: Asset, current: dict[str, Any], **kwargs: Any) -> CardForm:
    form = CardForm(kind=asset.kind, terms=Terms.load(), current=current, **kwargs)
    address = reverse("assets:preview", kwargs=asset_kwargs(asset))
    form.fields["text"].widget.attrs |= {
        "hx-post": address,
        "hx-trigger": "preview delay:400ms",
        "hx-target": "#preview",
        "hx-swap": "innerHTML",
    }
    return form


def _values(asset: Asset, text: str) -> dict[str, Any]:
    """Return the settings that `text` states, and the last good ones of the asset where it could not be understood."""
    return {column: getattr(asset, column) for column in card.COLUMNS} | dict(card.parse(text, speller()).settings)


def _conflict(request: HttpRequest, asset: Asset, form: CardForm, change: CardChanged) -> HttpResponse:
    """Show what the other person changed and what saving would change; saving again, from their version, is knowing."""
    text = change.merged or change.mine
    values = _values(asset, text)
    fresh = _form(asset, values, initial=values | {"text": text, "parent": change.head.sha, "message": form.cleaned_data["message"]})
    context = {
        "conflict": change,
        "their_change": diff(change.original, change.theirs, CARD),
        "your_change": diff(change.theirs, text, CARD),
    }
    return _page(request, asset, fresh, status=409, **context)


def _page(request: HttpRequest, asset: Asset, form: CardForm, *, status: int = 200, **more: Any) -> HttpResponse:
    done, total = form.completeness
    task = Terms.load().get(Term.Vocabulary.TASK, str(form["task"].value() or ""))
    context = {
        "asset": asset,
        "form": form,
        "done": done,
        "total": total,
        "support": _support(task),
        "template": _template(asset),
        "table": TABLE,
        "submit": _("Save to %(branch)s") % {"branch": asset.repository.default_branch},
        **_preview(asset, str(form["text"].value() or "")),
        **more,
    }
    return render(request, "assets/edit.html", context, status=status)


def _preview(asset: Asset, text: str) -> dict[str, Any]:
    place = Place(asset, resolve(asset.open_repository()), CARD)
    parsed = card.parse(text)
    html = to_html(parsed.body, resolve_link=place.link, id_prefix="preview-", top_heading=PREVIEW_LEVEL)
    return {"html": html, "problems": [card.sentence(error.as_dict()) for error in parsed.errors]}


def _support(task: Term | None) -> str:
    """Return what the toolchain offers for a task."""
    if task is None:
        return ""
    if task.app:
        return _("Supports fine-tuning, services and AI apps")
    return _("Fine-tuning and services with files of your own")


def _template(asset: Asset) -> str:
    """Return headings to fill in for an introduction."""
    model = [_("Overview"), _("Quick start"), _("Training"), _("Evaluation"), _("Limits"), _("Citation")]
    dataset = [_("Overview"), _("Structure"), _("How it was made"), _("How to use it"), _("Limits"), _("Citation")]
    return "".join(f"## {heading}\n\n" for heading in (model if asset.kind == Asset.Kind.MODEL else dataset))
