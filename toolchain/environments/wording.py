"""Sentences for what can go wrong with an environment, and for how far its build is."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toolchain.environments.building import Progress

MAX_SAID = 600

SENTENCES: Mapping[str, Any] = {
    # Lines of requirements.txt
    "requirement_invalid": gettext_lazy("%(file)s, line %(line)d: “%(text)s” is not the name of a package with its versions. Write it like torch>=2.1."),
    "requirement_address": gettext_lazy("%(file)s, line %(line)d: “%(text)s” names an address. Packages come from the package index only: write name and version."),
    "requirement_path": gettext_lazy("%(file)s, line %(line)d: “%(text)s” names a file. Packages come from the package index only: write name and version."),
    "requirement_editable": gettext_lazy("%(file)s, line %(line)d: “%(text)s” would install from source. Put the scripts into the folder, or name a published package."),
    "requirement_index": gettext_lazy("%(file)s, line %(line)d: “%(text)s” names another package index. The gallery has its own: remove the line."),
    "requirement_constraint": gettext_lazy("%(file)s, line %(line)d: “%(text)s” names a file of constraints, which is not read. Write the versions beside the packages."),
    "requirement_include_missing": gettext_lazy("%(file)s, line %(line)d: “%(text)s” is not in the folder, or names itself again. Write its lines here."),
    "requirements_too_many": gettext_lazy("%(file)s asks for too many packages, from line %(line)d on. Ask for those only that the scripts import."),
    "requirements_unreadable": gettext_lazy("A line of requirements.txt cannot be read: %(said)s"),
    # Choosing and fetching packages
    "requirements_conflict": gettext_lazy("No versions of these packages go together, neither with the base environment nor without it. Loosen what the following says: %(said)s"),
    "package_unknown": gettext_lazy("The package index does not have one of these packages. Check how it is spelt: %(said)s"),
    "package_without_wheel": gettext_lazy("One of these packages has no wheel for this Python and this machine, and nothing is built from source here. Choose another version: %(said)s"),
    "index_unreachable": gettext_lazy("The package index cannot be reached. Try again later; if it stays so, tell an administrator: %(said)s"),
    "index_refuses": gettext_lazy("The package index refuses to answer. Tell an administrator: %(said)s"),
    # The build
    "disk_full": gettext_lazy("These packages need more disk space than there is for an environment. Ask for fewer, or smaller ones."),
    "build_too_slow": gettext_lazy("Installing these packages took too long and was stopped. Ask for fewer, or try again later."),
    "build_too_large": gettext_lazy("Installing these packages needed more memory or processes than a build may have. Ask for fewer."),
    "build_stopped": gettext_lazy("The build was stopped. Try again."),
    "build_lost": gettext_lazy("The build was lost several times, say because the machine was restarted. Try again."),
    "build_refused": gettext_lazy("The build could not be started on this machine. Tell an administrator: %(said)s"),
    "base_broken": gettext_lazy("The base environment was installed, but its packages do not work here. Tell an administrator: %(said)s"),
    "build_failed": gettext_lazy("The environment could not be built. This is the end of what was written: %(said)s"),
}  # fmt: skip

STEP_NAMES: Mapping[str, Any] = {
    "create": gettext_lazy("Making an empty environment"),
    "resolve": gettext_lazy("Choosing versions"),
    "install": gettext_lazy("Fetching packages"),
    "compile": gettext_lazy("Compiling modules"),
    "check": gettext_lazy("Trying the packages"),
}


def sentence(code: str, detail: Mapping[str, Any]) -> str:
    """Return what went wrong, in the language in force; what uv said stays English and is shortened."""
    said = " ".join(str(detail.get("said", "")).split())
    facts = {"file": "requirements.txt", "line": 0, "text": "", **detail, "said": f"{said[:MAX_SAID]}…" if len(said) > MAX_SAID else said}
    return str(SENTENCES.get(code, SENTENCES["build_failed"])) % facts


def step_sentence(progress: Progress) -> str:
    """Return how far a build is, with what uv does at the moment where it said so."""
    words = {"step": progress.step, "of": progress.of, "name": STEP_NAMES.get(progress.name, progress.name), "line": progress.line}
    if progress.line:
        return _("Step %(step)d of %(of)d: %(name)s (%(line)s)") % words
    return _("Step %(step)d of %(of)d: %(name)s") % words
