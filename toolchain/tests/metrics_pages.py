"""Pages of their own for the browser: curves that grow and a log that grows, without a run behind them."""

import math
import time

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.template import engines
from django.urls import include, path

from core import logs
from core.htmx import render_page
from toolchain.metrics import panel
from toolchain.metrics.sources import Source

PAGE = engines["django"].from_string(
    """{% extends "base.html" %}{% block title %}Run{% endblock %}
{% block content %}<div class="shell stack stack-lg"><h1>Run</h1>
<section aria-labelledby="cv"><h2 id="cv">Curves</h2>{% include "components/run_figures.html" with figures=curves.figures unit="tokens/s" left=3725 total=curves.total only %}
{% include "components/curves.html" with curves=curves address="/t/run" live=live download="/t/run" only %}</section>
{% include "components/log.html" with window=window id="log" name="Log" heading=2 address="/t/log" download="/t/log" only %}
</div>{% endblock %}
{% block scripts %}<script src="{% static 'js/charts.js' %}" type="module"></script><script src="{% static 'js/log.js' %}" type="module"></script>{% endblock %}"""
)


class Stage:
    """What the pages show; tests write here."""

    metrics = b""
    log = b""
    running = True
    total = None
    offered = {}
    dropped = 0

    @classmethod
    def reset(cls):
        cls.metrics = cls.log = b""
        cls.running, cls.total, cls.offered, cls.dropped = True, None, {}, 0


def lines(count, low=0.8, start=0):
    """Metrics of a loss that falls to `low`."""
    return b"".join(
        b"%d|%.4f|%.1f\n" % (10 * i, low + 1.2 * math.exp(-i / 40) + 0.05 * math.sin(7 * i), 11_000 + 300 * math.sin(i / 9))
        for i in range(start, start + count)
    )


def source(key="this"):
    name, data = ("this", Stage.metrics) if key == "this" else Stage.offered[key]

    def pieces(offset):
        return [(1_700_007_200.0, data[offset:])]

    return Source(f"{key}-{time.time_ns()}", name, len(data), pieces, Stage.total, 1_700_000_000.0, not Stage.running)


def log():
    return logs.Log(lambda offset, limit: Stage.log[offset : offset + limit], len(Stage.log), Stage.running, Stage.dropped)


@login_not_required
def run(request):
    curves = panel.show(
        source(),
        panel.choice_of(request.GET),
        offered={key: name for key, (name, data) in Stage.offered.items()},
        source_of=source,
        unit="tokens/s",
    )
    context = {"curves": curves, "live": Stage.running, "address": "/t/run", "window": logs.tail(log())}
    if request.htmx:
        return render_page(request, "components/curves_drawn.html", "components/curves_drawn.html", context)
    return HttpResponse(PAGE.render(context, request))


@login_not_required
def log_page(request):
    context = {"title": "Log of a run", "id": "log", "name": "Log", "address": "/t/log", "download": "/t/log"}
    return logs.answer(request, log(), "toolchain/log.html", context)


urlpatterns = [path("t/run", run), path("t/log", log_page), path("", include("portal.urls"))]
