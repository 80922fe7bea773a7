"""The shape of a dataset's tables in REST."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.http import urlencode
from rest_framework import serializers

from assets.tables.asking import Question
from assets.tables.grid import MEDIA
from assets.tables.opening import Tables
from assets.tables.states import State, config_errors
from inspection.models import Sheet
from inspection.tables.rows import Cell, Rows
from inspection.tables.sql import Result
from inspection.tables.wording import explain

STATES = ["ready", "waiting", "reading", "failed", "none", "unread"]


def tables_data(tables: Tables, state: State, sheets: Sequence[Sheet]) -> dict[str, Any]:
    """Return every subset with its splits; `sheets` are the splits with their columns."""
    errors = dict(config_errors(tables))
    configs = dict.fromkeys([*tables.configs, *errors])
    return {
        "revision": tables.revision.commit.sha,
        "tables_revision": tables.shown.commit if tables.shown and tables.sheets else None,
        "state": state.code,
        "progress": {"done": state.done, "of": state.of} if state.of else None,
        "detail": state.reason or None,
        "default_config": tables.default_config or None,
        "configs": [
            {
                "name": name,
                "detail": errors.get(name),
                "splits": [_split(sheet) for sheet in sheets if sheet.config == name],
            }
            for name in configs
        ],
    }


def _split(sheet: Sheet) -> dict[str, Any]:
    return {
        "name": sheet.split,
        "format": sheet.facts.get("format"),
        "rows": sheet.rows,
        "source_rows": sheet.source_rows,
        "sampled": sheet.sampled,
        "size": sheet.size,
        "columns": [_column(column) for column in sheet.columns],
        "bad_rows": sheet.bad_rows,
        "bad": [
            {
                "file": entry["file"],
                "line": entry.get("line") or None,
                "code": entry["code"],
                "detail": explain(entry["code"], entry.get("facts")),
                "text": entry.get("text", ""),
            }
            for entry in sheet.bad
        ],
        "error": {"code": sheet.error, "detail": explain(sheet.error, sheet.facts)} if sheet.error else None,
    }


def _column(column: Mapping[str, Any]) -> dict[str, Any]:
    known = {key: column[key] for key in ("source", "names") if column.get(key) is not None}
    return {"name": column["name"], "type": column.get("type", ""), "kind": column.get("kind", "text"), **known}


def rows_data(tables: Tables, sheet: Sheet, question: Question, found: Rows, media: str) -> dict[str, Any]:
    """Return a page of rows; `media` is the address of pictures and sounds, to which row and column are added."""
    following = question.offset + len(found.numbers)
    names = [column["name"] for column in found.columns]
    kinds = [column.get("kind") for column in found.columns]
    return {
        **_place(tables, sheet),
        "total": found.total,
        "offset": question.offset,
        "next": following if found.numbers and following < found.total else None,
        "columns": [_column(column) for column in found.columns],
        "rows": [
            {
                "row": number + 1,
                "cells": {
                    name: _linked(cell, media, number + 1, name) if kind in MEDIA else cell
                    for name, kind, cell in zip(names, kinds, cells, strict=True)
                },
            }
            for number, cells in zip(found.numbers, found.cells, strict=True)
        ],
    }


def _linked(cell: Any, media: str, row: int, column: str) -> Any:
    return cell if cell is None else {**cell, "url": f"{media}&{urlencode([('row', str(row)), ('column', column)])}"}


def statistics_data(tables: Tables, sheet: Sheet) -> dict[str, Any]:
    """Return the statistics of every column."""
    columns = [{**_column(column), "statistics": sheet.statistics.get(column["name"], {})} for column in sheet.columns]
    return {**_place(tables, sheet), "rows": sheet.rows, "columns": columns}


def cell_data(tables: Tables, sheet: Sheet, row: int, column: str, cell: Cell) -> dict[str, Any]:
    """Return one cell as a whole."""
    return {
        **_place(tables, sheet),
        "row": row,
        "column": column,
        "kind": cell.kind,
        "value": cell.value,
        "length": cell.length,
        "truncated": cell.truncated,
    }


def result_data(result: Result) -> dict[str, Any]:
    """Return what a query said."""
    columns = [{"name": column["name"], "type": column["type"]} for column in result.columns]
    return {"columns": columns, "rows": result.rows, "truncated": result.truncated, "seconds": result.seconds}


def _place(tables: Tables, sheet: Sheet) -> dict[str, Any]:
    return {"revision": tables.shown.commit if tables.shown else "", "config": sheet.config, "split": sheet.split}


class ColumnShape(serializers.Serializer[Any]):
    """A column. `kind` is what it holds, `type` what the files state."""

    name = serializers.CharField()
    type = serializers.CharField()
    kind = serializers.CharField(
        help_text="integer, number, boolean, text, time, category, list, struct, json, bytes, image, audio or video."
    )
    source = serializers.CharField(required=False, help_text="The name in the files, where it differs.")  # type: ignore[assignment]
    names = serializers.ListField(child=serializers.CharField(), required=False, help_text="Of a category, by number.")


class BadRowShape(serializers.Serializer[Any]):
    file = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    code = serializers.CharField()
    detail = serializers.CharField()
    text = serializers.CharField(help_text="The beginning of the row.")


class SplitErrorShape(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class SplitShape(serializers.Serializer[Sheet]):
    """A split as it was read."""

    name = serializers.CharField()
    format = serializers.CharField(allow_null=True)
    rows = serializers.IntegerField()
    source_rows = serializers.IntegerField(
        allow_null=True, help_text="Rows of the files where that is known; more than `rows` in a sample."
    )
    sampled = serializers.BooleanField()
    size = serializers.IntegerField(help_text="Bytes of the Parquet copy.")
    columns = ColumnShape(many=True)
    bad_rows = serializers.IntegerField(help_text="Rows that were left out or mended.")
    bad = BadRowShape(many=True, help_text="The first hundred of them, and files that could not be read.")
    error = SplitErrorShape(allow_null=True)


class ConfigShape(serializers.Serializer[Any]):
    """A subset with its splits; `detail` says why it has none."""

    name = serializers.CharField()
    detail = serializers.CharField(allow_null=True)
    splits = SplitShape(many=True)


class TablesProgressShape(serializers.Serializer[Any]):
    done = serializers.IntegerField()
    of = serializers.IntegerField()


class TablesShape(serializers.Serializer[Any]):
    """The tables of a dataset. `tables_revision` is the commit they were read from: an earlier one while `revision` is being read."""

    revision = serializers.CharField()
    tables_revision = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(choices=STATES)
    progress = TablesProgressShape(allow_null=True)
    detail = serializers.CharField(allow_null=True, help_text="Why there are none.")
    default_config = serializers.CharField(allow_null=True)
    configs = ConfigShape(many=True)


class PlaceShape(serializers.Serializer[Any]):
    revision = serializers.CharField(help_text="The commit that the table was read from.")
    config = serializers.CharField()
    split = serializers.CharField()


class RowShape(serializers.Serializer[Any]):
    """A row. Cells are JSON values; texts beyond 1,000 characters are `{"text", "length"}`, bytes `{"bytes", "length"}` with the first in
    hexadecimal, categories `{"category", "value"}`, pictures and sounds `{"media", "file", "size", "url"}`."""

    row = serializers.IntegerField(help_text="From 1, over the whole split.")
    cells = serializers.DictField(child=serializers.JSONField(allow_null=True))


class RowsShape(PlaceShape):
    """A page of rows. `total` is how many rows answer; `next` is the offset of the next page."""

    total = serializers.IntegerField()
    offset = serializers.IntegerField()
    next = serializers.IntegerField(allow_null=True)
    columns = ColumnShape(many=True)
    rows = RowShape(many=True)


class ColumnStatisticsShape(ColumnShape):
    statistics = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        help_text="`count`, `nulls`, `distinct`, `min`, `max`, `mean`, `median`, `std`, `histogram` {edges, counts}, `categories` [{value, count}], "
        "`others`, `lengths` and `sizes` {min, max, mean, histogram}, as far as they apply; `approximate` names the estimates.",
    )


class StatisticsOfTableShape(PlaceShape):
    """What the columns of a split hold."""

    rows = serializers.IntegerField()
    columns = ColumnStatisticsShape(many=True)


class CellShape(PlaceShape):
    """One cell as a whole. `truncated` where even this is only the beginning: beyond a million characters."""

    row = serializers.IntegerField()
    column = serializers.CharField()
    kind = serializers.CharField()
    value = serializers.JSONField(allow_null=True)
    length = serializers.IntegerField(allow_null=True, help_text="Characters of a text, bytes of a binary value.")
    truncated = serializers.BooleanField()


class QueryShape(serializers.Serializer[Any]):
    """A statement that reads: SELECT, WITH, DESCRIBE, SUMMARIZE, EXPLAIN."""

    sql = serializers.CharField(max_length=20_000)
    revision = serializers.CharField(required=False)


class ResultColumnShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.CharField()


class ResultShape(serializers.Serializer[Result]):
    """What a query said: at most 1,000 rows and a megabyte, `truncated` where there was more."""

    columns = ResultColumnShape(many=True)
    rows = serializers.ListField(child=serializers.ListField(child=serializers.JSONField(allow_null=True)))
    truncated = serializers.BooleanField()
    seconds = serializers.FloatField()


class QueryTableShape(serializers.Serializer[Any]):
    """A split by the name it has in SQL."""

    name = serializers.CharField()
    config = serializers.CharField()
    split = serializers.CharField()
    rows = serializers.IntegerField()


class QueryTablesShape(serializers.Serializer[Any]):
    """The tables that a query may name."""

    tables = QueryTableShape(many=True)
