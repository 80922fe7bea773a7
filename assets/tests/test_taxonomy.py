"""The shipped vocabularies."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from assets import taxonomy
from assets.models import Term

pytestmark = pytest.mark.django_db


def of(vocabulary: str) -> dict[str, Term]:
    return {term.code: term for term in Term.objects.of(vocabulary)}


def test_every_vocabulary_is_loaded_in_both_languages() -> None:
    counts = {vocabulary: Term.objects.of(vocabulary).count() for vocabulary in taxonomy.VOCABULARIES}
    assert counts == {
        "modality": 7, "task": 58, "licence": 51, "language": 72, "framework": 33, "hardware": 3, "industry": 24, "platform": 1, "spec": 14,
    }  # fmt: skip
    assert not Term.objects.filter(name_zh="").exists() and not Term.objects.filter(name_en="").exists()


def test_modalities_have_their_pigments() -> None:
    assert {code: term.pigment for code, term in of("modality").items()} == {
        "text": "azurite", "retrieval": "malachite", "audio": "wisteria", "vision": "ochre", "multimodal": "cinnabar", "tables": "gamboge", "other": "stone",
    }  # fmt: skip


def test_every_task_has_a_modality_and_only_two_are_built_in() -> None:
    tasks = of("task").values()
    assert all(task.parent_id for task in tasks)
    support = {task.code: (task.fine_tuning, task.inference, task.app) for task in tasks}
    built_in = {code for code, offered in support.items() if offered == ("built_in", "built_in", "built_in")}
    assert built_in == {"question-answering", "text-generation"}
    assert {offered for code, offered in support.items() if code not in built_in} == {("custom", "custom", "")}


def test_spellings_lead_to_one_code_only() -> None:
    for vocabulary in taxonomy.VOCABULARIES:
        owners: dict[str, str] = {}
        for word in taxonomy.words(vocabulary):
            for spelling in {taxonomy.fold(text) for text in (word.code, word.name_en, word.name_zh, *word.aliases)}:
                assert owners.setdefault(spelling, word.code) == word.code, f"{vocabulary}: {spelling}"


@pytest.mark.parametrize(
    ("vocabulary", "spelling", "code"),
    [
        ("licence", "Apache 2.0", "apache-2.0"),
        ("licence", "木兰宽松许可证", "mulanpsl-2.0"),
        ("language", "汉语", "zh"),
        ("language", "no", "no"),
        ("task", "Text_Generation", "text-generation"),
        ("task", "命名实体识别", "token-classification"),
        ("framework", "llama.cpp", "gguf"),
        ("hardware", "昇腾", "npu"),
        ("spec", "1-snt9b-16-cpu-24-96", "1-snt9b-16-cpu-24-96"),
        ("platform", "Pangu Studio", "pangu-studio"),
        ("task", "nothing of ours", None),
    ],
)
def test_spelling_means_a_word(vocabulary: str, spelling: str, code: str | None) -> None:
    assert taxonomy.spelled(vocabulary, spelling) == code


def test_loading_again_changes_nothing_that_an_administrator_changed() -> None:
    Term.objects.filter(vocabulary="licence", code="mit").update(name_en="MIT (ours)", active=False)
    before = Term.objects.count()
    taxonomy.load(Term)
    assert Term.objects.count() == before
    assert Term.objects.get(vocabulary="licence", code="mit").name_en == "MIT (ours)"


def test_unloading_keeps_own_words_and_loading_brings_the_rest_back() -> None:
    text = Term.objects.get(vocabulary="modality", code="text")
    Term.objects.create(vocabulary="task", code="poetry", name_en="Poetry", name_zh="作诗", parent=text)
    before = set(Term.objects.values_list("vocabulary", "code"))
    taxonomy.unload(Term)
    assert set(Term.objects.values_list("vocabulary", "code")) == {("task", "poetry"), ("modality", "text")}
    taxonomy.load(Term)
    assert set(Term.objects.values_list("vocabulary", "code")) == before


def test_migration_can_be_taken_back() -> None:
    migration = MigrationExecutor(connection).loader.get_migration("assets", "0002_taxonomy")
    assert all(operation.reversible for operation in migration.operations)
