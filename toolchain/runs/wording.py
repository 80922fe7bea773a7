"""What became of a run, in words."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from toolchain.environments.building import Progress
from toolchain.environments.wording import step_sentence

SENTENCES: Mapping[str, Any] = {
    "": _("It ended well."),
    "exit": _("The program ended with exit code %(code)s. The last lines of the log say why."),
    "signal": _("The program was ended by signal %(signal)s. Code of its own that crashed is the usual reason."),
    "memory": _("The program needed more than the %(gib)s GiB of its spec. Choose a larger spec or a smaller batch."),
    "disk": _("The program filled the disk space that it may use. Keep fewer checkpoints, or write less."),
    "processes": _("The program started more processes than it may."),
    "time": _("The run time limit was reached."),
    "stopped": _("It was stopped."),
    "hours": _("It was stopped: the hours of this month are used up."),
    "spend": _("It was stopped: what may be spent this month is used up."),
    "funds": _("It was stopped: the funds are used up."),
    "idle": _("It was stopped because nobody called it."),
    "refused": _("It could not be started here: %(detail)s"),
    "lost": _("Its machine or its supervisor went away. It was tried again without success."),
    "internal": _("Something went wrong in the gallery itself: %(detail)s. An administrator finds more in the log."),
    "problem": _("%(sentence)s"),
    "environment": _("Its Python environment could not be built: %(sentence)s"),
    "model_gone": _("The model is not there any more, or may not be used any more."),
    "base_gone": _("The base model of this adapter is not there any more, or may not be used any more."),
    "dataset_gone": _("The dataset is not there any more, or may not be used any more."),
    "user_gone": _("The account that it ran for is not active any more."),
    "image_gone": _("The image of the model may not be used any more. Look at what its page says about it."),
    "not_ready": _("The model cannot be used for this any more: %(sentence)s"),
    "no_output": _("The program ended well but left no files in the output folder."),
    "output": _("What the program left could not be kept: %(sentence)s"),
    "unready": _("It did not answer in %(seconds)s seconds. The log says how far it came."),
    "unloadable": _("The model could not be loaded: %(sentence)s"),
    "crashes": _("It ended again and again. The log says why."),
}
"""Sentences by the codes of `Run.error`, with the facts of `Run.detail`."""

STAGES: Mapping[str, Any] = {
    "environment": _("Environment"),
    "model": _("Model files"),
    "dataset": _("Dataset files"),
    "start": _("Start"),
    "run": _("Run"),
}
WAITS: Mapping[str, Any] = {
    "": _("Waiting for a machine"),
    "capacity": _("Waiting for a machine"),
    "machine": _("No machine of this kind is there now"),
    "limit": _("Waiting until fewer of yours run at once"),
    "hours": _("The hours of this month are used up"),
    "spend": _("What may be spent this month is used up"),
    "funds": _("The funds are used up"),
}
"""What a waiting run waits for, by `Run.waits_for`."""


def progress(stage: str, told: str) -> str:
    """Return how far a run is, given its stage and what it told: the name of what it fetches, or the step of the build of its environment."""
    name = str(STAGES.get(stage, stage))
    step, *rest = told.split("|", 3)
    if stage == "environment" and len(rest) == 3 and step.isdigit() and rest[0].isdigit():
        told = step_sentence(Progress(int(step), int(rest[0]), rest[1], rest[2]))
    return f"{name}: {told}" if told else name


def sentence(error: str, detail: Mapping[str, Any]) -> str:
    """Return how a run ended in a sentence."""
    text = str(SENTENCES.get(error, SENTENCES["internal"]))
    try:
        return text % detail
    except (KeyError, TypeError):
        return text
