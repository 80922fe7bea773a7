"""What the page of parts shows in them: invented names and numbers, the same on every visit."""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from core.charts import Figure, Series
from core.logs import Log, Window, tail
from core.plots import Curve, Plot
from toolchain.choices import SpecChoice, by_machine
from toolchain.compute.limits import Order
from toolchain.metrics.digest import Figures
from toolchain.models import Spec


@dataclass(frozen=True)
class Publisher:
    handle: str
    official: bool = False

    def get_absolute_url(self) -> str:
        return "#cards"


@dataclass(frozen=True)
class Exhibit:
    """An asset as far as cards and heads look at it."""

    kind: str
    namespace: Publisher
    name: str
    display_name: str
    description: str
    downloads: int
    days: int
    state: str = "published"
    facts: list[tuple[str, str]] = field(default_factory=list)
    pigment: str = "azurite"

    @property
    def repo_id(self) -> str:
        return f"{self.namespace.handle}/{self.name}"

    @property
    def updated_at(self) -> Any:
        return timezone.now() - timedelta(days=self.days)

    def get_absolute_url(self) -> str:
        return "#cards"


@dataclass(frozen=True)
class Entry:
    """A file or folder as far as a list of files looks at it."""

    name: str
    size: int
    message: str
    changed_at: datetime
    is_folder: bool = False
    is_large: bool = False

    @property
    def path(self) -> str:
        return self.name

    @property
    def commit(self) -> dict[str, str]:
        return {"message": self.message}


class Form(forms.Form):
    """One field of each kind, with and without a mistake in it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"] = forms.CharField(label=_("Text"), help_text=_("Help goes below"))
        self.fields["bad"] = forms.RegexField(r"\A\S+\Z", label=_("Invalid"), error_messages={"invalid": _("No spaces")})
        self.fields["licence"] = forms.ChoiceField(label=_("Select"), choices=[("apache-2.0", "Apache-2.0"), ("mit", "MIT")])
        self.fields["password"] = forms.CharField(label=_("Password"), widget=forms.PasswordInput)
        self.fields["counted"] = forms.CharField(label=_("Counted"), max_length=90, widget=forms.TextInput({"data-count": ""}))
        self.fields["tags"] = forms.CharField(label=_("Many values"), widget=forms.TextInput({"data-values": ""}))
        self.fields["hardware"] = forms.MultipleChoiceField(
            label=_("Chips"), choices=[("gpu", "GPU"), ("npu", "NPU"), ("cpu", "CPU")], widget=forms.CheckboxSelectMultiple, required=False
        )
        self.fields["visibility"] = forms.ChoiceField(
            label=_("Radio"), choices=[("private", _("Private")), ("public", _("Public"))], widget=forms.RadioSelect
        )
        self.fields["agreed"] = forms.BooleanField(label=_("Checkbox"), required=False)
        self.fields["switched"] = forms.BooleanField(label=_("Switch"), required=False, widget=forms.CheckboxInput({"role": "switch"}))
        self.fields["text"] = forms.CharField(label=_("Long text"), widget=forms.Textarea({"rows": 3}), required=False)


def _waves(count: int, base: float, swing: float, turns: float) -> list[float]:
    """Return a curve that comes down and sways; the same numbers every time."""
    return [round(base + swing * math.exp(-4 * i / count) + swing * 0.1 * math.sin(turns * math.tau * i / count), 3) for i in range(count)]


def _exhibits() -> list[Exhibit]:
    return [
        Exhibit(
            "model",
            Publisher("songlan", official=True),
            "Songlan-Embed-Large",
            _("Songlan Embed Large"),
            _("Retrieval embeddings for 42 languages with 8K input; can be cut to 256 dimensions for large knowledge bases."),
            217_300,
            6,
            facts=[(_("Task"), _("Embeddings")), (_("Params"), "568\u00a0M"), (_("Licence"), "MIT"), (_("Hardware"), "GPU · CPU")],
            pigment="malachite",
        ),
        Exhibit(
            "dataset",
            Publisher("zhongji-inspect"),
            "Bearing-Defect-30k",
            _("Bearing Defect 30k"),
            _("Pixel-level masks for six defect classes."),
            5_100,
            2,
            state="unpublished",
            facts=[(_("Task"), _("Object detection")), (_("Files"), "31,204"), (_("Licence"), "Apache-2.0"), (_("Size"), "9.80\u00a0GB")],
            pigment="ochre",
        ),
    ]


def _figures() -> list[Figure]:
    steps = [str(50 * (i + 1)) for i in range(80)]
    hours = [f"{8 + i // 12:02d}:{i % 12 * 5:02d}" for i in range(72)]
    return [
        Figure(
            "one",
            _("One series"),
            [Series("loss", "azurite", _waves(80, 0.8, 1.2, 5))],
            0.5,
            2.5,
            ["2.5", "1.5", "0.5"],
            ["0", "2k", "4k"],
            positions=steps,
            digits=3,
            now="0.81",
            x_name=_("Step"),
        ),
        Figure(
            "several",
            _("Several series and a threshold"),
            [Series("P50", "azurite", _waves(72, 0.55, 0.1, 6)), Series("P99", "wisteria", _waves(72, 1.0, 0.5, 4), dashed=True)],
            0,
            2.4,
            ["2.4", "1.2", "0"],
            ["08:00", "11:00", "14:00"],
            positions=hours,
            unit="\u00a0s",
            threshold=1.2,
        ),
    ]


def _plots() -> list[Plot]:
    """Return a smoothed comparison and use over time with its limit and a gap."""
    steps = list(range(0, 4000, 20))
    noisy = [value + 0.09 * math.sin(97 * place) for place, value in enumerate(_waves(200, 0.8, 1.2, 5))]
    calm = [value + 0.05 * math.sin(89 * place) for place, value in enumerate(_waves(120, 1.0, 1.1, 3))]
    times = [1_795_341_600.0 + 60 * place for place in range(180)]
    used = [float("nan") if 70 <= place < 90 else 5e9 + 2e9 * math.sin(place / 25) for place in range(180)]
    return [
        Plot(
            "smoothed",
            _("Smoothing and comparison"),
            [Curve("r16", steps, noisy), Curve("r8", steps[:120], calm, "malachite", dashed=True)],
            end=5000,
            smoothing=0.6,
            control="demo-smoothing",
            x_name=_("Step"),
        ),
        Plot(
            "used",
            _("Over time, with a limit"),
            [Curve(_("Memory in use"), times, used)],
            axis="time",
            kind="bytes",
            zero=True,
            limit=(_("limit"), 8e9),
            filled=True,
        ),
    ]


def _log() -> Window:
    """Return a log with colours, a warning, an error, hidden characters and a progress bar."""
    lines = [f"\x1b[32mINFO\x1b[0m  step {step} | loss {2 / (1 + step / 900):.3f}" for step in range(3300, 3420, 10)]
    lines[5] = "\x1b[33mWARNING\x1b[0m data loader waited 1.8 s for shard 00041.parquet"
    lines[9] = "ERROR gradient overflow on rank 2 \u202e(recovered)"
    data = "\n".join([*lines, "saving  10%|#         |\rsaving 100%|##########|", ""]).encode()
    return tail(Log(lambda offset, limit: data[offset : offset + limit], len(data), dropped=12_800_000))


SWATCHES = (
    ("paper", "paper"),
    ("surface", "surface"),
    ("sunken", "sunken"),
    ("rule", "rule"),
    ("edge", "edge"),
    ("ink-3", "ink3"),
    ("ink-2", "ink2"),
    ("ink", "ink"),
    ("focus", "focus"),
)


def _toolchain() -> dict[str, Any]:
    small = Spec(
        code="1-gpu-24-cpu-8-64",
        name_en="1 × GPU 24 GB",
        accelerator="gpu",
        cards=1,
        card_memory=24,
        vcpus=8,
        memory=64,
        price=Decimal("2.5"),
    )
    large = Spec(code="4-gpu-80-cpu-64-512", name_en="4 × GPU 80 GB", accelerator="gpu", cards=4, card_memory=80, vcpus=64, memory=512)
    return {
        "spec_groups": by_machine([SpecChoice(small, True, ""), SpecChoice(large, False, _("Sold out."))]),
        "order": Order(
            small, 14_400, small.price, "CNY", Decimal(10), Decimal("171.3"), None, Decimal(250), 1, 2, 3, (),
        ),
        "run_figures": Figures(0.842, -0.061, 0.826, 3380, 11_480.0, 3420),
        "messages": [("user", "E204?"), ("assistant", _("The answer appears here."))],
        "served": {"service": {"name": "support-yunhe-7b"}},
    }  # fmt: skip


def context(request: HttpRequest) -> dict[str, Any]:
    """Return what the page of parts shows."""
    form = Form(
        {
            "name": "Yunhe-7B-Chat",
            "bad": "Yunhe 7B",
            "licence": "apache-2.0",
            "counted": _("Help goes below"),
            "tags": "tool-calling, long-context",
            "hardware": ["gpu"],
            "state": "published",
            "agreed": True,
            "switched": True,
            "password": "secret",
        },
        auto_id="demo-%s",
    )
    form.is_valid()
    now = timezone.now()
    return {
        "swatches": SWATCHES,
        "pigments": [
            ("malachite", _("Malachite, accent and success")),
            ("azurite", _("Azurite, information and running")),
            ("cinnabar", _("Cinnabar, danger")),
            ("gamboge", _("Gamboge, warning")),
            ("wisteria", _("Wisteria, audio")),
            ("ochre", _("Ochre, vision")),
        ],
        "sizes": [
            ("3xl 34–56", "ty-3xl", _("Hang good models")),
            ("2xl 28", "ty-2xl", _("Page title")),
            ("xl 22", "ty-xl", _("Panel title")),
            ("lg 18", "ty-lg", _("Section title")),
            ("md 16", "ty-md", _("Body. Yunhe 7B has a 32K context and runs on one 24 GB card.")),
            ("sm 14", "ty-sm", _("Interface, buttons, tables")),
            ("xs 13", "ty-xs", _("Labels and secondary text")),
        ],
        "form": form,
        "statuses": [
            ("ok", _("Finished")),
            ("running", _("Running")),
            ("waiting", _("Waiting")),
            ("failed", _("Failed")),
            ("warn", _("Degraded")),
            ("stopped", _("Stopped")),
        ],
        "plates": [
            ("model", "azurite"),
            ("model", "malachite"),
            ("model", "cinnabar"),
            ("dataset", "ochre"),
            ("dataset", "wisteria"),
            ("dataset", "gamboge"),
            ("service", "azurite"),
            ("service", "stone"),
        ],
        "exhibits": _exhibits(),
        "crumbs": [(_("Models"), "#navigation"), ("yunhe-lab", "#navigation"), ("Yunhe-7B-Chat", "")],
        "tabs": [
            {"text": _("Introduction"), "address": "#navigation", "icon": "file-text", "current": True},
            {"text": _("Files"), "address": "#navigation", "icon": "folder", "count": 12},
            {"text": _("Settings"), "address": "#navigation", "icon": "settings", "push": True},
        ],
        "facts": [
            (_("Task"), _("Text generation")),
            (_("Licence"), mark_safe('<a href="#facts">Apache-2.0</a>')),
            (_("Minimum spec"), "1 × GPU 24 GB"),
        ],
        "chips": [("GPU", "#navigation"), ("Apache-2.0", "#navigation")],
        "menu": [
            {"text": _("Edit"), "address": "#overlays", "icon": "edit"},
            {"text": _("Download"), "address": "#overlays", "icon": "download", "hint": _("12 files, 15.0 GB")},
            {"text": _("Delete"), "address": "#overlays", "icon": "trash", "danger": True, "rule": True, "dialog": "#demo-delete"},
        ],
        "branches": [
            {"name": "main", "address": "#files", "current": True, "changed_at": now - timedelta(days=3)},
            {"name": "int4", "address": "#files"},
        ],
        "tags": [{"name": "v1.2.0", "address": "#files", "changed_at": now - timedelta(days=3)}],
        "commit": {
            "author_name": "He Zhiyuan",
            "message": _("Add Ascend inference script"),
            "sha": "9f3c1ab20c5d",
            "committed_at": now - timedelta(days=3),
        },
        "items": [
            Entry("gallery_train", 41_700, _("Set default LoRA rank to 16"), now - timedelta(days=21), is_folder=True),
            Entry("model-00001-of-00004.safetensors", 4_976_000_000, _("v1.2.0 weights"), now - timedelta(days=3), is_large=True),
            Entry("README.md", 9_800, _("Update the evaluation table"), now - timedelta(hours=5)),
        ],
        "steps": [(_("Queue"), "09:12", "done"), (_("Train"), "57%", "now"), (_("Upload result"), "", "")],
        "shares": [(0.75, "azurite"), (0.18, "malachite"), (0.04, "gamboge"), (0.03, "ochre")],
        "bars": [3, 6, 10, 17, 23, 33, 40, 23, 18, 11, 5, 2],
        "spark": [3, 4, 4, 6, 5, 8, 7, 9, 12, 10],
        "figures": _figures(),
        "plots": _plots(),
        "log": _log(),
        **_toolchain(),
        "code": mark_safe(
            '<span class="tok-w">from</span> gallery <span class="tok-w">import</span> snapshot_download\n'
            'path = <span class="tok-f">snapshot_download</span>(<span class="tok-s">"yunhe-lab/Yunhe-7B-Chat"</span>)  <span class="tok-c"># 15.0 GB</span>'
        ),
    }
