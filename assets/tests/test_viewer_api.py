"""REST of the tables: splits, rows, statistics, cells, SQL, and their refusals."""

import json
from typing import Any

from django.test import TestCase

from assets.tests.factories import read_for
from assets.tests.files import head
from assets.tests.tabled import LONG, REST, csv, dialogues, make_dataset, picture
from core.testing import People, api, make_people

CARD = b"""---
configs:
- config_name: main
  data_files:
  - split: train
    path: train.csv
  - split: test
    path: test.csv
- config_name: small
  data_files: small.csv
- config_name: lost
  data_files: nowhere.csv
---
"""


def get(path: str, status: int = 200, **query: Any) -> Any:
    response = api().get(f"{REST}/tables{path}", query)
    assert response.status_code == status, response.content[:1000]
    return response.json()


class RestTests(TestCase):
    people: People

    @classmethod
    def setUpTestData(cls) -> None:
        cls.people = make_people()
        files = {"README.md": CARD, "train.csv": csv() + b"1,2,3,4,5,6,7\n", "test.csv": csv(3), "small.csv": csv(2)}
        cls.asset = make_dataset(cls.people, files)

    get = staticmethod(get)

    def ask(self, statement: Any, status: int = 200) -> Any:
        response = api(self.people.charlie).post(f"{REST}/tables/sql", {"sql": statement}, format="json")
        assert response.status_code == status, response.content[:1000]
        return response.json()

    def test_tables_are_listed_with_their_columns_and_faults(self) -> None:
        found = self.get("")
        sha = head(read_for(self.people.alice, self.asset))
        assert (found["revision"], found["tables_revision"], found["state"], found["detail"]) == (sha, sha, "ready", None)
        assert [(config["name"], [split["name"] for split in config["splits"]]) for config in found["configs"]] == [
            ("main", ["train", "test"]),
            ("small", ["train"]),
            ("lost", []),
        ]
        lost = found["configs"][-1]
        assert lost["detail"] == "“nowhere.csv” names no file here."
        train = found["configs"][0]["splits"][0]
        assert (train["rows"], train["format"], train["sampled"], train["error"], train["bad_rows"]) == (250, "csv", False, None, 1)
        assert train["bad"] == [
            {"file": "train.csv", "line": 252, "code": "too_many_fields", "detail": "The line has more fields than there are columns.",
             "text": "1,2,3,4,5,6,7"}
        ]  # fmt: skip
        assert train["columns"][:2] == [
            {"name": "id", "type": "int64", "kind": "integer"},
            {"name": "scene", "type": "string", "kind": "text"},
        ]

    def test_rows_come_with_numbers_and_the_way_on(self) -> None:
        found = self.get("/rows", limit=2, offset=10)
        assert (found["config"], found["split"], found["total"], found["next"]) == ("main", "train", 250, 12)
        assert found["rows"][0] == {
            "row": 11,
            "cells": {"id": 10, "scene": "parts", "text": "Row 10 says little", "score": 0.5, "day": "2025-11-03"},
        }
        assert self.get("/rows", offset=249)["next"] is None
        assert self.get("/rows", offset=250)["rows"] == []

    def test_search_filters_and_order_work_together(self) -> None:
        found = self.get("/rows", search="says", filter=["score >= 4", 'scene = "parts"'], sort="id", order="desc", limit=1)
        assert (found["total"], found["rows"][0]["row"]) == (9, 245)

    def test_long_text_is_cut_in_rows_and_whole_in_its_cell(self) -> None:
        cut = self.get("/rows", offset=7, limit=1)["rows"][0]["cells"]["text"]
        assert cut == {"text": LONG[:1000], "length": len(LONG)} or cut["length"] in (len(LONG), len(LONG) - 1)
        whole = self.get("/cell", row=8, column="text")
        assert (whole["row"], whole["column"], whole["kind"], whole["truncated"]) == (8, "text", "text", False)
        assert whole["value"].strip() == LONG.strip()

    def test_statistics_are_by_column(self) -> None:
        found = self.get("/statistics")
        score = next(column for column in found["columns"] if column["name"] == "score")["statistics"]
        assert (found["rows"], score["count"], score["nulls"], score["min"], score["max"]) == (250, 225, 25, 0.5, 4.5)
        scene = next(column for column in found["columns"] if column["name"] == "scene")["statistics"]
        assert [(one["value"], one["count"]) for one in scene["categories"]] == [("fault", 84), ("parts", 83), ("wiring", 83)]

    def test_refusals_have_codes(self) -> None:
        for path, query, status, code in (
            ("/rows", {"limit": "many"}, 400, "bad_limit"),
            ("/rows", {"limit": "1001"}, 400, "bad_limit"),
            ("/rows", {"offset": "-1"}, 400, "bad_offset"),
            ("/rows", {"order": "up"}, 400, "bad_sort"),
            ("/rows", {"sort": "no"}, 400, "filter_column"),
            ("/rows", {"filter": "score >"}, 400, "filter_syntax"),
            ("/rows", {"filter": ["id > 1"] * 30}, 200, None),
            ("/rows", {"filter": [f"id > {number}" for number in range(30)]}, 400, "too_many_filters"),
            ("/rows", {"search": "x" * 2000}, 400, "bad_question"),
            ("/rows", {"search": "x" * 500}, 400, "search_too_long"),
            ("/rows", {"search": "\0"}, 400, "bad_question"),
            ("/rows", {"config": "other"}, 404, "split_not_found"),
            ("/rows", {"split": "other"}, 404, "split_not_found"),
            ("/rows", {"revision": "none"}, 404, "revision_not_found"),
            ("/cell", {"row": 0, "column": "id"}, 404, "unknown_row"),
            ("/cell", {"row": 1, "column": "no"}, 404, "unknown_column"),
            ("/cell", {"row": "x", "column": "id"}, 400, "bad_offset"),
            ("/media", {"row": 1, "column": "id"}, 404, "no_media"),
            ("/media", {"row": 1, "column": "id", "thumbnail": "7"}, 400, "bad_thumbnail"),
        ):
            assert self.get(path, status, **query).get("code") == code, (path, query)

    def test_sql_answers_over_all_splits(self) -> None:
        names = api().get(f"{REST}/tables/sql").json()["tables"]
        assert [(one["name"], one["rows"]) for one in names] == [("main_train", 250), ("main_test", 3), ("small_train", 2)]
        found = self.ask("SELECT (SELECT count(*) FROM main_train) AS a, (SELECT max(id) FROM main_test) AS b")
        assert [column["name"] for column in found["columns"]] == ["a", "b"]
        assert (found["rows"], found["truncated"]) == ([[250, 2]], False)

    def test_sql_refuses_with_sentences(self) -> None:
        for statement, status, code in (
            ("", 400, "invalid"),
            ("SELECT * FROM other", 400, "sql_failed"),
            ("DROP TABLE main_train", 400, "sql_not_reading"),
            ("SELECT * FROM read_csv('/etc/passwd')", 400, "sql_refused"),
            ("SELEC 1", 400, "sql_syntax"),
            (7, 400, "invalid"),
        ):
            assert self.ask(statement, status)["code"] == code, statement

    def test_too_many_queries_are_put_off(self) -> None:
        from django.core.cache import cache

        from assets.tables.queries import QueryThrottle

        cache.clear()
        client = api(self.people.bob)
        rate, QueryThrottle.rate = QueryThrottle.rate, "1/min"
        try:
            assert client.post(f"{REST}/tables/sql", {"sql": "SELECT 1"}, format="json").status_code == 200
            later = client.post(f"{REST}/tables/sql", {"sql": "SELECT 1"}, format="json")
            assert (later.status_code, later.json()["code"]) == (429, "throttled")
            page = client.get("/datasets/atelier/signals/sql", {"sql": "SELECT 1"})
            assert page.status_code in (200, 429)
        finally:
            QueryThrottle.rate = rate
            cache.clear()


class KindsTests(TestCase):
    def test_nested_cells_are_json_text(self) -> None:
        make_dataset(make_people(), {"talks.jsonl": dialogues()})
        cell = get("/cell", row=1, column="meta")
        assert json.loads(cell["value"]) == {"n": 0}

    def test_pictures_come_as_addresses(self) -> None:
        make_dataset(make_people(), {"a.png": picture()})
        cell = get("/rows")["rows"][0]["cells"]["image"]
        assert (cell["media"], cell["file"], cell["size"]) == ("image", "a.png", len(picture()))
        fetched = api().get(cell["url"])
        assert (fetched.status_code, fetched["Content-Type"]) == (200, "image/png")
        assert api().get(cell["url"] + "&thumbnail=1")["Content-Type"] == "image/webp"
