"""Finding assets: the same filters, sorts and pages for people and programs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assets.models import Asset, Term
from assets.tests.factories import hang_asset, term
from core.testing import People, api, assert_flat_queries, browser

pytestmark = pytest.mark.django_db

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def words(db: None) -> None:
    text = term("modality", "text", name_en="Text", pigment="azurite")
    vision = term("modality", "vision", name_en="Vision", pigment="ochre")
    term("task", "text-generation", name_en="Text generation", name_zh="文本生成", parent=text)
    term("task", "translation", name_en="Translation", parent=text)
    term("task", "object-detection", name_en="Object detection", parent=vision)
    term("licence", "mit", name_en="MIT")
    term("licence", "apache-2.0", name_en="Apache 2.0", aliases=["apache"])
    for code in ("zh", "en"):
        term("language", code)
    for code in ("gpu", "npu", "cpu"):
        term("hardware", code)
    for code in ("pytorch", "mindspore"):
        term("framework", code)
    term("industry", "energy")
    term("platform", "pangu")


@pytest.fixture
def wall(people: People, words: None) -> None:
    """Four public models, one private one, and a public dataset."""
    hang_asset(
        people.alice, name="Yunhe-7B", title_zh="云鹤", description="Chat for support desks", task="text-generation", licence="mit",
        languages=["zh", "en"], hardware=["gpu", "npu"], frameworks=["pytorch"], tags=["chat", "long-context"], industry="energy",
        downloads=50, updated_at=MOMENT + timedelta(days=4), created_at=MOMENT,
    )  # fmt: skip
    hang_asset(
        people.alice, name="Handing", task="translation", licence="apache-2.0", languages=["en"], hardware=["gpu"], base_models=["alice/Yunhe-7B"],
        tags=["chat"], datasets=["bob/Corpus"], downloads=7, updated_at=MOMENT + timedelta(days=3), created_at=MOMENT + timedelta(days=1),
    )  # fmt: skip
    hang_asset(
        people.bob, name="Tianshu", task="object-detection", licence="mit", hardware=["npu"], frameworks=["mindspore"],
        downloads=7, updated_at=MOMENT + timedelta(days=2), created_at=MOMENT + timedelta(days=2),
    )  # fmt: skip
    hang_asset(people.atelier, name="plain", updated_at=MOMENT + timedelta(days=1), created_at=MOMENT + timedelta(days=3))
    hang_asset(people.atelier, name="secret", visibility="private", task="translation", tags=["chat"], updated_at=MOMENT, created_at=MOMENT)
    hang_asset(people.bob, kind="dataset", name="Corpus", platform="pangu", languages=["zh"], updated_at=MOMENT, created_at=MOMENT)


def found(query: str, user: Any = None, kind: str = "models") -> list[str]:
    """Return the names that REST lists, after checking that the page lists the same."""
    answer = api(user).get(f"/api/v1/{kind}?{query}")
    assert answer.status_code == 200, answer.json()
    names = [row["name"] for row in answer.json()["results"]]
    page = browser(user).get(f"/{kind}?{query}").content.decode()
    for name in Asset.objects.filter(kind=kind[:-1]).values_list("name", flat=True):
        assert (f"/{name}</div>" in page) is (name in names), name
    return names


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Yunhe-7B", "Handing", "Tianshu", "plain"]),
        ("q=yunhe", ["Yunhe-7B"]),
        ("q=云鹤", ["Yunhe-7B"]),
        ("q=SUPPORT+desk", ["Yunhe-7B"]),
        ("q=support+translation", []),
        ("q=bob", ["Tianshu"]),
        ("q=long-con", ["Yunhe-7B"]),
        ("q=100%25", []),
        ("q=_", []),
        ("q=++", ["Yunhe-7B", "Handing", "Tianshu", "plain"]),
        ("task=text-generation", ["Yunhe-7B"]),
        ("task=text-generation&task=translation", ["Yunhe-7B", "Handing"]),
        ("task=文本生成", ["Yunhe-7B"]),
        ("task=Text+Generation", ["Yunhe-7B"]),
        ("modality=text", ["Yunhe-7B", "Handing"]),
        ("modality=text&modality=vision", ["Yunhe-7B", "Handing", "Tianshu"]),
        ("modality=vision&task=translation", []),
        ("licence=apache", ["Handing"]),
        ("licence=mit&hardware=npu", ["Yunhe-7B", "Tianshu"]),
        ("language=zh", ["Yunhe-7B"]),
        ("language=zh&language=en", ["Yunhe-7B", "Handing"]),
        ("framework=mindspore", ["Tianshu"]),
        ("hardware=gpu&language=en&task=translation", ["Handing"]),
        ("industry=energy", ["Yunhe-7B"]),
        ("tag=chat", ["Yunhe-7B", "Handing"]),
        ("tag=chat&tag=nothing", ["Yunhe-7B", "Handing"]),
        ("base_model=alice/Yunhe-7B", ["Handing"]),
        ("dataset=bob/Corpus", ["Handing"]),
        ("owner=ALICE", ["Yunhe-7B", "Handing"]),
        ("owner=alice&owner=bob", ["Yunhe-7B", "Handing", "Tianshu"]),
        ("owner=nobody", []),
        ("state=unpublished", []),
        ("sort=updated", ["Yunhe-7B", "Handing", "Tianshu", "plain"]),
        ("sort=-updated", ["plain", "Tianshu", "Handing", "Yunhe-7B"]),
        ("sort=created", ["plain", "Tianshu", "Handing", "Yunhe-7B"]),
        ("sort=downloads", ["Yunhe-7B", "Tianshu", "Handing", "plain"]),
        ("sort=-downloads", ["plain", "Handing", "Tianshu", "Yunhe-7B"]),
        ("sort=name", ["Handing", "plain", "Tianshu", "Yunhe-7B"]),
        ("sort=-name", ["Yunhe-7B", "Tianshu", "plain", "Handing"]),
    ],
)
def test_what_a_visitor_finds(wall: None, query: str, expected: list[str]) -> None:
    assert found(query) == expected


def test_datasets_have_their_own_list(wall: None) -> None:
    assert found("platform=pangu", kind="datasets") == ["Corpus"]


def test_a_member_finds_the_private_ones_too(people: People, wall: None) -> None:
    assert found("tag=chat", people.rita) == ["Yunhe-7B", "Handing", "secret"]
    assert found("state=unpublished", people.rita) == ["secret"]


def test_descendants_are_found_by_a_former_name(people: People, wall: None) -> None:
    from assets import services
    from assets.tests.factories import read_for

    asset = Asset.objects.get(name="Yunhe-7B")
    services.rename_asset(asset=read_for(people.alice, asset), actor=people.alice, name="Yunhe-8B")
    assert found("base_model=alice/Yunhe-8B") == ["Handing"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("task=nonsense", "task"),
        ("modality=nonsense", "modality"),
        ("licence=nonsense", "licence"),
        ("language=nonsense", "language"),
        ("framework=nonsense", "framework"),
        ("hardware=nonsense", "hardware"),
        ("industry=nonsense", "industry"),
        ("platform=nonsense", "platform"),
        ("state=secret", "state"),
        ("sort=password", "sort"),
        ("sort=namespace__user__password", "sort"),
        ("q=%00", "q"),
        ("tag=%00", "tag"),
        ("owner=%00", "owner"),
        ("base_model=%00", "base_model"),
        (f"q={'x' * 201}", "q"),
        (f"tag={'x' * 201}", "tag"),
        ("&".join(f"tag={number}" for number in range(31)), "tag"),
    ],
)
def test_a_bad_value_is_400_by_rest_and_left_out_with_a_notice_on_the_page(wall: None, query: str, field: str) -> None:
    answer = api().get(f"/api/v1/models?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid"
    assert list(answer.json()["errors"]) == [field]
    page = browser().get(f"/models?{query}")
    assert page.status_code == 200
    assert f"“{field}” was left out" in page.content.decode()
    assert page.content.decode().count('class="card card-link"') == 4


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("cursor=nonsense", "bad_cursor"),
        ("limit=0", "bad_limit"),
        ("limit=101", "bad_limit"),
        ("limit=x", "bad_limit"),
        ("limit=²", "bad_limit"),
    ],
)
def test_a_bad_page_is_400_by_rest(wall: None, query: str, code: str) -> None:
    answer = api().get(f"/api/v1/models?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert browser().get(f"/models?{query}").status_code == 200


def test_a_bad_value_beside_a_good_one_leaves_the_good_one_on_the_page(wall: None) -> None:
    page = browser().get("/models?task=nonsense&task=translation").content.decode()
    assert page.count('class="card card-link"') == 1
    assert "alice/Handing" in page


@pytest.mark.parametrize("sort", ["updated", "-updated", "created", "downloads", "-downloads", "name", "-name"])
def test_pages_hold_every_row_once_in_both_directions(people: People, sort: str) -> None:
    for number in range(23):
        hang_asset(
            people.alice, name=f"m{number:02}", downloads=number // 9, updated_at=MOMENT + timedelta(days=number // 5), created_at=MOMENT
        )
    client, seen, address, addresses = api(), [], f"/api/v1/models?limit=5&sort={sort}", []
    while address:
        addresses.append(address)
        answer = client.get(address).json()
        seen.append([row["name"] for row in answer["results"]])
        last, address = answer, answer["next"]
    assert [len(names) for names in seen] == [5, 5, 5, 5, 3]
    assert len({name for names in seen for name in names}) == 23
    back, address = [seen[-1]], last["previous"]
    while address:
        answer = client.get(address).json()
        back.insert(0, [row["name"] for row in answer["results"]])
        address = answer["previous"]
    assert back == seen


def test_a_cursor_of_another_sort_is_refused(people: People) -> None:
    for _number in range(3):
        hang_asset(people.alice)
    following = api().get("/api/v1/models?limit=2&sort=name").json()["next"]
    answer = api().get(following.replace("sort=name", "sort=updated"))
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


def test_a_page_of_results_says_where_it_stands(people: People) -> None:
    for _number in range(30):
        hang_asset(people.alice)
    client = browser()
    first = client.get("/models")
    assert "1–24 of 30" in first.content.decode()
    following = first.context["catalogue"].next_url
    second = client.get(following)
    assert "25–30 of 30" in second.content.decode()
    assert second.context["catalogue"].previous_url
    assert "1–24 of 30" in client.get(second.context["catalogue"].previous_url).content.decode()


def test_facets_count_what_each_value_would_show(people: People, wall: None) -> None:
    catalogue = browser().get("/models?hardware=gpu").context["catalogue"]
    facets = {facet.name: facet for facet in catalogue.facets}
    assert [(option.value, option.number, option.checked) for option in facets["hardware"].options] == [("gpu", 2, True), ("npu", 2, False)]
    assert {option.value: option.number for _title, options in facets["task"].sections for option in options} == {
        "text-generation": 1,
        "translation": 1,
    }
    assert {option.value: option.number for option in facets["licence"].options} == {"mit": 1, "apache-2.0": 1}
    assert {option.value: option.number for option in facets["tag"].options} == {"chat": 2, "long-context": 1}


def test_facet_counts_leave_out_what_the_viewer_may_not_see(people: People, wall: None) -> None:
    def tags(user: Any) -> dict[str, int]:
        facets = {facet.name: facet for facet in browser(user).get("/models").context["catalogue"].facets}
        return {option.value: option.number for option in facets["tag"].options}

    assert tags(people.charlie)["chat"] == 2
    assert tags(people.rita)["chat"] == 3


def test_chips_drop_one_filter_each(wall: None) -> None:
    catalogue = browser().get("/models?task=translation&task=text-generation&hardware=gpu&sort=name&view=table").context["catalogue"]
    assert [(chip.name, chip.url) for chip in catalogue.chips] == [
        ("Translation", "/models?task=text-generation&hardware=gpu&sort=name&view=table"),
        ("Text generation", "/models?task=translation&hardware=gpu&sort=name&view=table"),
        ("Gpu", "/models?task=translation&task=text-generation&sort=name&view=table"),
    ]


def test_an_empty_list_proposes_what_to_drop(wall: None) -> None:
    page = browser().get("/models?task=object-detection&language=zh").content.decode()
    assert "1 model without “Object detection”" in page
    assert "1 model without “Zh”" in page


def test_htmx_gets_the_list_and_the_address_without_empty_parameters(wall: None) -> None:
    response = browser().get("/models?q=&sort=updated&task=translation", headers={"HX-Request": "true"})
    assert "<html" not in response.content.decode()
    assert response["HX-Push-Url"] == "/models?task=translation"
    assert "HX-Request" in response["Vary"]


def test_the_table_turns_its_sort_round(wall: None) -> None:
    heads = browser().get("/models?view=table&sort=name").context["catalogue"].sort_heads
    assert heads["name"] == {"url": "/models?sort=-name&view=table", "direction": "ascending", "icon": "chevron-up"}
    assert heads["downloads"] == {"url": "/models?sort=downloads&view=table", "direction": "", "icon": ""}


@pytest.mark.parametrize("path", ["/", "/models", "/models?view=table", "/models?q=asset&sort=name", "/api/v1/models", "/alice"])
def test_queries_stay_flat(people: People, words: None, path: str) -> None:
    def add() -> None:
        hang_asset(people.alice, task="translation", languages=["zh"], hardware=["gpu"], tags=["a"], base_models=["x/y"])

    assert_flat_queries(path, add, client=api() if path.startswith("/api") else browser())


def test_queries_of_a_page_stay_flat_as_its_relations_grow(people: People, words: None) -> None:
    asset = hang_asset(people.alice, name="centre")

    def add() -> None:
        other = hang_asset(people.alice, base_models=["alice/centre"])
        row = Asset.objects.get(pk=asset.pk)
        Asset.objects.filter(pk=asset.pk).update(base_models=[*row.base_models, other.repo_id], datasets=[*row.datasets, "no/where"])

    assert_flat_queries(f"/api/v1{asset.get_absolute_url()}", add, client=api())
    assert_flat_queries("/models?base_model=alice/centre", add)


def test_terms_are_served_by_vocabulary_in_the_language_of_the_caller(words: None) -> None:
    answer = api().get("/api/v1/taxonomy/task", headers={"Accept-Language": "zh-Hans"}).json()
    row = next(row for row in answer if row["code"] == "text-generation")
    assert (row["name"], row["name_en"], row["parent"]) == ("文本生成", "Text generation", "text")
    assert set(api().get("/api/v1/taxonomy").json()) == set(Term.Vocabulary.values)
    assert api().get("/api/v1/taxonomy/nonsense").json()["code"] == "vocabulary_not_found"
