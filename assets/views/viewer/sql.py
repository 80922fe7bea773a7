"""SQL over the tables of a dataset."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods

from assets.tables.grid import Answer
from assets.tables.opening import Tables, open_tables
from assets.tables.queries import Named, check_rate, examples, limits, named, run
from assets.views.viewer.table import frame
from core.htmx import render_page
from core.problems import Problem

MOST_LISTED = 30


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(private=True, no_cache=True)
def sql(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Show the box for a query and, where one was sent, its result; whoever may preview the dataset may ask."""
    given = request.POST if request.method == "POST" else request.GET
    tables = open_tables(request.user, namespace, name, given.get("revision", ""))
    known = named(tables)
    statement = given.get("sql", "").replace("\r\n", "\n")
    answer: Answer | None = None
    refused: Problem | None = None
    if statement.strip() and known:
        try:
            check_rate(request)
            answer = Answer(run(tables, statement))
        except Problem as problem:
            refused = problem
    context = frame(tables) | {
        "listed": known[:MOST_LISTED],
        "more": len(known) - MOST_LISTED if len(known) > MOST_LISTED else 0,
        "columns": known[0].sheet.columns if known else [],
        "statement": statement or (f"SELECT *\nFROM {known[0].name}\nLIMIT 20" if known else ""),
        "examples": _examples(tables, known),
        "limits": limits(),
        "answer": answer,
        "refused": refused,
        "back_url": tables.address(),
    }
    status = refused.status if refused else 200
    return render_page(request, "assets/viewer/sql.html", "assets/viewer/_result.html", context, status=status)


def _examples(tables: Tables, known: list[Named]) -> list[tuple[str, str]]:
    return [(text, tables.address("sql", sql=query)) for text, query in examples(known[0].name, known[0].sheet)] if known else []
