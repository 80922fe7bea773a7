"""Training jobs and services of the demo's people as rows that nothing changes any more: their pages have something to show."""

import math
from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from assets.models import Asset
from toolchain.inference.services import make_key
from toolchain.inference.tests.factories import count_minute, make_service
from toolchain.models import Run, Sample
from toolchain.trainer.tests.factories import make_training

METRICS = "".join(f"{step}|{0.4 + 2 * math.exp(-step / 60):.4f}|{11_000 + step % 7 * 90}\n" for step in range(1, 301))
LOG = "".join(f"step {step} of 300\n" for step in range(0, 300, 20)) + "WARNING: the learning rate is high\nValueError: no rows\n"


def add_runs() -> None:
    """Add jobs 1 (completed), 2 (failed) and 3 (stopped before it began), and the services `helpdesk`, `finder` and `router`."""
    owner = User.objects.get(handle="linwz")
    whole = Asset.objects.for_user(owner).whole()
    model, dataset = whole.get(name="Yunhe-7B-Support"), whole.get(name="Spindle-Tickets")
    inputs = {"model": model, "dataset": dataset, "task": "text-generation", "method": "LoRA", "log": LOG}
    done = make_training(owner, name="主轴工单-第一轮", state="completed", metrics=METRICS + "no line\n", output=model, **inputs)
    make_training(owner, name="spindle-2", state="failed", metrics=METRICS, error="exit", detail={"code": 1}, **inputs)
    make_training(owner, name="spindle-3", state="stopped", **inputs)
    Run.objects.filter(pk__gt=done.run_id).update(started_at=None)
    began = timezone.now() - timedelta(minutes=30)
    Sample.objects.bulk_create(
        Sample(run=done.run, at=began + timedelta(seconds=10 * place), cpu=1.5, memory=(2 << 30) + place) for place in range(60)
    )
    chat = make_service(owner, name="helpdesk", state="stopped", model=model, task="text-generation", engine="builtin", log=LOG)
    make_service(owner, name="finder", state="stopped", model=model, task="question-answering", engine="builtin")
    make_service(owner, name="router", state="failed", model=model, error="exit", detail={"code": 1}, log=LOG)
    make_key(service=chat, actor=owner, name="line-3", limit=60)
    for minute in range(1, 40):
        count_minute(chat, timezone.now() - timedelta(minutes=minute), {50: 3, 200: minute}, errors=minute % 3, tokens_out=100)
