"""Finding forbidden words: both languages, every spelling, and lists that change."""

from threading import Thread
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone, translation

from accounts.models import WordList
from accounts.words import check_words, find_words, fold
from core.problems import Problem

pytestmark = pytest.mark.django_db


def word_list(words: str, category: str = "prohibited", **fields: Any) -> WordList:
    return WordList.objects.create(name=fields.pop("name", f"list {WordList.objects.count()}"), words=words, category=category, **fields)


def words_in(text: str) -> list[str]:
    return [hit.word for hit in find_words({"text": text})]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("buy heroin here", ["heroin"]),
        ("HeRoIn", ["heroin"]),
        ("ｈｅｒｏｉｎ", ["heroin"]),
        ("ＨＥＲＯＩＮ", ["heroin"]),
        ("买heroin吗", ["heroin"]),
        ("my_heroin-model.v2", ["heroin"]),
        ("hero\u200bin", ["heroin"]),
        ("heroine", []),
        ("superheroin", []),
        ("heroiné", []),
        ("heroin2", []),
        ("we never said it", []),
        ("", []),
    ],
)
def test_words_of_spaced_scripts_stand_alone_in_any_case_and_width(text: str, found: list[str]) -> None:
    word_list("heroin")
    assert words_in(text) == found


@pytest.mark.parametrize("text", ["这里有毒品出售", "毒品", "毒\u200b品", "no毒品no", "１毒品２"])
def test_chinese_words_are_found_anywhere(text: str) -> None:
    word_list("毒品")
    assert words_in(text) == ["毒品"]


def test_compatibility_forms_fold_to_one_spelling() -> None:
    assert fold("ﬁｌｅ Ⅳ ①") == "file iv 1"


def test_words_that_overlap_are_all_named() -> None:
    word_list("冰毒\n毒品\n毒品交易")
    assert words_in("冰毒品交易") == ["冰毒", "毒品", "毒品交易"]


def test_a_word_counts_once_per_field_however_often_it_stands() -> None:
    word_list("heroin")
    hits = find_words({"name": "heroin heroin", "text": "heroin"})
    assert [(hit.field, hit.word) for hit in hits] == [("name", "heroin"), ("text", "heroin")]


def test_a_word_after_a_longer_word_with_the_same_letters_is_found() -> None:
    word_list("ass")
    assert words_in("a class for an ass") == ["ass"]


def test_phrases_match_whatever_the_space_between_their_words() -> None:
    word_list("cold   fusion")
    assert words_in("COLD\n\u3000fusion") == ["cold   fusion"]


def test_lists_with_blank_lines_and_repetitions_are_one_set() -> None:
    word_list("\n heroin \n\nHEROIN\r\n")
    word_list("heroin", category="other")
    assert [(hit.word, hit.category) for hit in find_words({"text": "heroin"})] == [("heroin", "prohibited")]


def test_no_list_finds_nothing() -> None:
    assert words_in("anything") == []


def test_lists_that_are_not_active_are_not_looked_for() -> None:
    row = word_list("heroin")
    assert words_in("heroin") == ["heroin"]
    WordList.objects.filter(pk=row.pk).update(active=False)
    assert words_in("heroin") == []


def test_a_changed_a_new_and_a_removed_list_count_at_once() -> None:
    row = word_list("heroin")
    assert words_in("heroin cocaine") == ["heroin"]
    WordList.objects.filter(pk=row.pk).update(words="cocaine", updated_at=timezone.now())
    assert words_in("heroin cocaine") == ["cocaine"]
    second = word_list("heroin")
    assert words_in("heroin cocaine") == ["heroin", "cocaine"]
    second.delete()
    assert words_in("heroin cocaine") == ["cocaine"]


@pytest.mark.django_db(transaction=True)
def test_a_list_that_another_process_changed_counts_with_the_next_check() -> None:
    row = word_list("heroin")
    assert words_in("heroin cocaine") == ["heroin"]

    def elsewhere() -> None:
        WordList.objects.filter(pk=row.pk).update(words="cocaine", updated_at=timezone.now())
        connection.close()

    thread = Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert words_in("heroin cocaine") == ["cocaine"]


def test_the_refusal_names_word_and_category_at_the_field() -> None:
    word_list("heroin", category="prohibited")
    word_list("算命", category="superstitious")
    with pytest.raises(Problem) as refused:
        check_words({"name": "fine", "description": "Heroin 算命", "text": "算命"})
    assert refused.value.code == "forbidden_words"
    assert refused.value.status == 400
    assert refused.value.errors == {
        "description": [
            "“heroin” must not stand here (Prohibited). Say it without this word.",
            "“算命” must not stand here (Superstitious). Say it without this word.",
        ],
        "text": ["“算命” must not stand here (Superstitious). Say it without this word."],
    }


def test_the_refusal_names_at_most_five_words_of_a_field() -> None:
    word_list("\n".join(f"word{number}" for number in range(9)))
    with pytest.raises(Problem) as refused:
        check_words({"text": " ".join(f"word{number}" for number in range(9))})
    assert [message.split("”")[0] for message in refused.value.errors["text"]] == [f"“word{number}" for number in range(5)]


def test_the_category_is_named_in_the_readers_language() -> None:
    word_list("算命", category="superstitious")
    with translation.override("en"):
        assert find_words({"text": "算命"})[0].category_name == "Superstitious"


def test_nothing_is_refused_where_the_gallery_does_not_review(settings: Any) -> None:
    settings.REVIEW = "off"
    word_list("heroin")
    check_words({"text": "heroin"})
    assert words_in("heroin") == ["heroin"]


def test_a_long_text_against_ten_thousand_words_is_one_pass() -> None:
    word_list("\n".join(f"forbidden{number}" for number in range(10_000)))
    text = "a sentence of harmless words, " * 60_000 + "forbidden7777"
    assert words_in(text) == ["forbidden7777"]


def test_a_check_costs_one_query_once_the_lists_are_known(django_assert_num_queries: Any) -> None:
    word_list("heroin")
    words_in("heroin")
    with django_assert_num_queries(1):
        words_in("heroin")
