"""The preview of a dataset: heads, rows, search, filters, sorting, pages, rows and cells as a whole."""

import re
from html import unescape

from django.test import TestCase

from assets.models import Asset
from assets.tests.factories import make_asset
from assets.tests.tabled import LONG, PAGE, address, csv, dialogues, make_dataset, opener
from core.testing import People, browser, make_people


def numbers(page: str) -> list[int]:
    """The numbers of the rows that a page shows."""
    return [int(found) for found in re.findall(r'<tr><td class="row-n"><a class="mono"[^>]*>(\d+)</a>', page)]


def links(page: str, words: str) -> list[str]:
    """The addresses of links whose text or name is `words`."""
    found = re.findall(r'<a [^>]*?href="([^"]*)"([^>]*)>(.*?)</a>', page, re.S)
    return [unescape(href) for href, rest, body in found if words in re.sub("<[^>]+>", "", body) or f'"{words}"' in unescape(rest)]


class TableTests(TestCase):
    people: People
    asset: Asset

    @classmethod
    def setUpTestData(cls) -> None:
        cls.people = make_people()
        files = {"train.csv": csv(), "test.csv": csv(3)}
        cls.asset = make_dataset(cls.people, files)
        taught = make_asset(cls.people.alice, name="taught")
        Asset.objects.filter(pk=taught.pk).update(datasets=["atelier/signals"])

    def setUp(self) -> None:
        self.open = opener(browser())

    def test_tab_stands_before_the_files(self) -> None:
        page = str(browser().get(PAGE).content.decode())
        tabs = re.findall(r'<a href="([^"]+)"', page[page.index('class="tabs"') :])[:3]
        assert tabs == [PAGE, f"{PAGE}/preview", f"{PAGE}/files"]

    def test_a_model_has_no_such_tab(self) -> None:
        assert "/preview" not in browser().get("/models/alice/taught").content.decode()

    def test_facts_stand_above_the_table(self) -> None:
        page = self.open()
        facts = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]*)</dd>", page))
        assert facts["Rows"] == "253"
        assert facts["Columns"] == "5"
        assert facts["Format"] == "CSV"
        assert facts["Models trained on it"] == "1"

    def test_first_page_has_a_hundred_rows_and_leads_on(self) -> None:
        page = self.open()
        assert numbers(page) == list(range(1, 101))
        assert "Rows 1–100 of 250" in page
        assert links(page, "Next page") == [address(config="default", split="train", offset=100)]
        assert links(page, "Previous page") == []

    def test_paging_goes_through_everything(self) -> None:
        seen, where = [], address()
        while where:
            page = browser().get(where).content.decode()
            seen += numbers(page)
            where = next(iter(links(page, "Next page")), "")
        assert seen == list(range(1, 251))

    def test_go_to_a_row_starts_the_page_there(self) -> None:
        page = self.open(row="207")
        assert numbers(page) == list(range(207, 251))
        assert "Rows 207–250 of 250" in page

    def test_a_row_beyond_the_end_shows_the_last_page(self) -> None:
        assert numbers(self.open(row="100000")) == list(range(201, 251))

    def test_a_row_that_is_no_number_is_said_and_nothing_else_breaks(self) -> None:
        page = self.open(row="many", status=400)
        assert "“row” must be a number" in page

    def test_split_is_chosen(self) -> None:
        page = self.open(split="test")
        assert numbers(page) == [1, 2, 3]
        assert '<option value="test" selected>test (3)</option>' in page

    def test_unknown_subset_is_missing_and_an_unknown_split_gives_way(self) -> None:
        assert "There is no split" in self.open(config="other", status=404)
        assert numbers(self.open(split="other")) == list(range(1, 101))

    def test_search_leaves_the_rows_that_say_it(self) -> None:
        page = self.open(search="ROW 240 ")
        assert numbers(page) == [241]
        assert "Results 1–1 of 1" in page
        assert links(page, "“ROW 240”") == [address(config="default", split="train")]

    def test_filter_box_takes_the_language_and_keeps_every_filter(self) -> None:
        page = self.open(filter=["score >= 4", 'scene = "parts"'])
        assert numbers(page)[:3] == [5, 35, 65]
        assert links(page, "score ≥ 4") == [address(config="default", split="train", filter='scene = "parts"')]

    def test_filter_that_cannot_be_read_says_where(self) -> None:
        page = self.open(filter="score >", status=400)
        assert "The filter ends too early." in page
        assert numbers(page) == []

    def test_a_click_on_a_bar_leaves_its_rows(self) -> None:
        page = self.open()
        bars = [(unescape(href), title) for href, title in re.findall(r'<a href="([^"]+)" tabindex="-1"><title>([^<]+)</title>', page)]
        href, title = next((href, title) for href, title in bars if title.startswith("parts: "))
        assert title == "parts: 83"
        assert href == address(config="default", split="train", filter='scene = "parts"')
        shown = browser().get(href).content.decode()
        assert "Results 1–83 of 83" in shown

    def test_every_bar_leads_to_as_many_rows_as_it_says(self) -> None:
        page = self.open()
        bars = re.findall(r'<a href="([^"]+)" tabindex="-1"><title>[^<]*: ([\d,]+)</title>', page)
        kinds = {re.sub(r"[\d.\-]+", "", unescape(href)): (href, count) for href, count in bars}
        assert len(kinds) >= 5
        for href, count in kinds.values():
            assert f"of {count}</span>" in browser().get(unescape(href)).content.decode(), href

    def test_sort_goes_up_down_and_away(self) -> None:
        up = self.open(sort="text")
        assert numbers(up)[:2] == [1, 2]
        assert up.count('aria-sort="ascending"') == 1
        down = self.open(sort="id", order="desc")
        assert numbers(down)[:3] == [250, 249, 248]
        assert address(config="default", split="train") in [
            unescape(found) for found in re.findall(r'<span class="col-n"><a href="([^"]+)"', down)
        ]

    def test_empty_cells_come_last_whichever_way(self) -> None:
        for order in ("asc", "desc"):
            page = self.open(sort="score", order=order, offset=200)
            assert page.count('<span class="null">null</span>') == 25

    def test_heads_say_type_and_range(self) -> None:
        page = self.open()
        assert "0 – 249" in page
        assert "3 values" in page
        assert "10.0% missing" in page
        assert "2025-01-03 – 2025-12-03" in page

    def test_long_cell_is_cut_and_leads_to_the_whole(self) -> None:
        page = self.open()
        assert LONG not in page
        whole = self.open("/preview/cell", row=8, column="text")
        assert LONG.strip() in whole
        assert "1,999 characters" in whole or "2,000 characters" in whole

    def test_row_stands_on_a_page_of_its_own(self) -> None:
        page = self.open("/preview/row", row=250)
        assert '<dt class="mono">scene</dt>' in page
        assert links(page, "Previous") == [address("/preview/row", config="default", split="train", row=249)]
        assert links(page, "Next") == []
        assert links(page, "Back to the table") == [address(config="default", split="train", row=250)]

    def test_dialog_gets_the_same_as_a_fragment(self) -> None:
        response = browser().get(address("/preview/cell", row=1, column="text"), HTTP_HX_REQUEST="true")
        assert b"<html" not in response.content
        assert b'id="peek-t"' in response.content

    def test_column_page_lists_every_value_with_the_way_to_its_rows(self) -> None:
        page = self.open("/preview/column", column="scene")
        assert links(page, "fault") == [address(config="default", split="train", filter='scene = "fault"')]
        assert links(page, "Sort descending") == [address(config="default", split="train", sort="scene", order="desc")]
        missing = self.open("/preview/column", column="score")
        assert links(missing, "Missing") == [address(config="default", split="train", filter="score is null")]

    def test_unknown_places_are_missing(self) -> None:
        for path, query in (
            ("/preview/row", {"row": 251}),
            ("/preview/row", {"row": 0}),
            ("/preview/cell", {"row": 1, "column": "no"}),
            ("/preview/column", {"column": "no"}),
            ("/preview/media", {"row": 1, "column": "text"}),
        ):
            assert self.open(path, status=404, **query)

    def test_statistics_page_shows_every_column(self) -> None:
        page = self.open("/preview/statistics")
        assert re.findall(r'<a class="table-name"[^>]*>([^<]+)</a>', page) == ["id", "scene", "text", "score", "day"]
        assert "Statistics of train, 250 rows" in page

    def test_pages_are_private_to_caches(self) -> None:
        for path in ("/preview", "/preview/row?row=1", "/preview/cell?row=1&column=text", "/preview/statistics", "/sql"):
            assert browser().get(PAGE + path)["Cache-Control"] == "private, no-cache"

    def test_number_of_queries_does_not_grow_with_rows(self) -> None:
        from core.testing import count_queries

        one, many = (lambda: self.open(split="test")), (lambda: self.open())
        one()
        assert count_queries(many) <= count_queries(one)


class NestedTests(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_dataset(make_people(), {"data.jsonl": dialogues()})

    def setUp(self) -> None:
        self.open = opener(browser())

    def test_dialogue_begins_in_the_table_and_is_told_in_its_cell(self) -> None:
        assert ">user: Why 1?</a>" in self.open()
        page = self.open("/preview/cell", row=2, column="messages")
        assert re.findall(r'<b>(\w+)</b><span class="whole">([^<]+)</span>', page) == [("user", "Why 1?"), ("assistant", "Because.")]

    def test_nested_value_is_indented_json(self) -> None:
        assert "{\n  &quot;n&quot;: 2\n}" in self.open("/preview/cell", row=3, column="meta")

    def test_bad_rows_are_counted_and_listed(self) -> None:
        page = self.open()
        assert "1 row could not be read as it is" in page
        assert '<td class="end num">4</td>' in page
        assert "This is not valid JSON." in page


class WideTests(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        head = ",".join(f"c{number}" for number in range(120))
        make_dataset(make_people(), {"wide.csv": f"{head}\n{','.join(map(str, range(120)))}\n".encode()})

    def test_columns_stand_fifty_at_a_time(self) -> None:
        opened = opener(browser())
        page = opened()
        assert "Columns 1–50 of 120" in page and '<b class="mono">c49</b>' in page and '<b class="mono">c50</b>' not in page
        last = opened(first_column=100)
        assert "Columns 101–120 of 120" in last and '<b class="mono">c119</b>' in last
        assert '<td class="end mono">119</td>' in last
