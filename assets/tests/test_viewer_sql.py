"""The page for SQL: examples that work, results, sentences, limits."""

import re
from html import unescape

from django.test import TestCase

from assets.tests.tabled import address, csv, make_dataset, opener
from core.testing import browser, make_people


class SqlPageTests(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_dataset(make_people(), {"train.csv": csv(30), "test.csv": csv(3)})

    def setUp(self) -> None:
        self.open = opener(browser())

    def test_page_names_tables_columns_and_limits(self) -> None:
        page = self.open("/sql")
        assert re.findall(r"<li><code>(\w+)</code><b", page) == ["train", "test"]
        assert re.findall(r"<li><code>(\w+)</code><span", page) == ["id", "scene", "text", "score", "day"]
        assert "at most 10 seconds and 256 MiB of memory" in page

    def test_every_example_runs(self) -> None:
        examples = re.findall(r'<li><a href="([^"]+/sql\?[^"]+)">([^<]+)</a></li>', self.open("/sql"))
        assert [text for _url, text in examples] == ["First rows", "Rows by scene", "Greatest id", "Longest text", "What the columns hold"]
        for url, text in examples:
            page = browser().get(unescape(url)).content.decode()
            assert 'id="result-t"' in page, text

    def test_query_is_sent_as_a_form_and_stays_in_the_box(self) -> None:
        response = browser().post(address("/sql"), {"sql": "SELECT scene, count(*) AS n FROM train GROUP BY 1 ORDER BY 1"})
        page = response.content.decode()
        assert re.findall(r"<td>(\w+)</td><td class=\"end mono\">(\d+)</td>", page) == [("fault", "10"), ("parts", "10"), ("wiring", "10")]
        assert "SELECT scene, count(*) AS n FROM train" in page
        assert "3 rows, in " in page

    def test_fragment_is_the_result_alone(self) -> None:
        response = browser().post(address("/sql"), {"sql": "SELECT NULL AS nothing"}, HTTP_HX_REQUEST="true")
        assert b"<html" not in response.content
        assert b'<span class="null">null</span>' in response.content

    def test_mistake_is_a_sentence(self) -> None:
        page = self.open("/sql", status=400, sql="SELECT * FROM nowhere")
        assert "The query was not run" in page
        assert "nowhere" in page

    def test_query_reaches_nothing_else(self) -> None:
        for statement in ("SELECT * FROM '/etc/passwd'", "COPY train TO '/tmp/x'", "INSTALL httpfs", "SELECT getenv('SECRET_KEY')"):
            page = self.open("/sql", status=400, sql=statement)
            assert "The query was not run" in page, statement
