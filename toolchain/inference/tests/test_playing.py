"""The playground without script, in front of a real service; and its forms."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core.testing import People, browser
from toolchain.inference.models import Minute, Service
from toolchain.inference.playing import images_in, multipart
from toolchain.inference.tests.factories import make_service
from toolchain.inference.tests.test_services import deploy, is_in
from toolchain.tests.flows import asset_with, workplace, workshop

__all__ = ["workplace", "workshop"]
SCRIPT = """
class Model:
    def __init__(self):
        pass
    def __call__(self, inputs, top_k=1):
        if inputs == "fail":
            raise ValueError("no such thing")
        if isinstance(inputs, bytes):
            return {"bytes": len(inputs), "top_k": top_k}
        return {"said": inputs, "top_k": top_k}
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("workshop")
def test_request_file_and_failure_come_back_in_the_page(people: People) -> None:
    source = asset_with(
        people.alice, "model", "echo",
        {"README.md": "---\npipeline_tag: image-classification\n---\n# Echo\n", "gallery_inference/inference.py": SCRIPT},
    )  # fmt: skip
    service = is_in(deploy(people.alice, source=source), "running")
    client, address = browser(people.alice), f"/services/alice/{service.name}"

    def turn(**given: Any) -> Any:
        answer = client.post(address, given)
        assert answer.status_code == 200, answer.content
        return answer

    answer = turn(body='{"inputs": "<b>hi", "parameters": {"top_k": 2}}')
    assert answer.context["turn"].reply.json == {"said": "<b>hi", "top_k": 2}
    assert "&lt;b&gt;hi" in answer.content.decode()
    answer = turn(file=SimpleUploadedFile('a"b.png', b"12345", content_type="image/png"), parameters='{"top_k": 3}')
    assert answer.context["turn"].reply.json == {"bytes": 5, "top_k": 3}
    answer = turn(body='"fail"')
    assert answer.context["turn"].reply.status >= 400
    assert "no such thing" in answer.content.decode()
    assert sum(row.requests for row in Minute.objects.filter(service=service)) == 3
    assert browser(people.charlie).post(address, {"body": "1"}).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_refusals_of_the_gateway_are_shown(alice: Any) -> None:
    service = make_service(alice, state="stopped", task="text-generation", engine="transformers")
    client, address = browser(alice), f"/services/alice/{service.name}"
    earlier = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]
    answer = client.post(address, {"message": "hello", "history": json.dumps(earlier), "temperature": "0.5"})
    text = answer.content.decode()
    assert "The service answered with status 503." in text
    assert "The service is stopped." in text
    assert answer.context["turn"].messages == earlier
    assert ">hello</textarea>" in text
    answer = client.post(f"{address}?mode=completion", {"prompt": "Once"})
    assert "The service answered with status 503." in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("task", "given"),
    [
        ("custom", {"body": "{oops"}), ("custom", {"body": "[" * 100_000}), ("custom", {"body": "1", "parameters": "[]"}), ("text-generation", {"message": ""}),
        ("text-generation", {"message": "x", "temperature": "9"}), ("text-generation", {"message": "x", "history": "{}"}),
        ("text-generation", {"message": "x", "history": '[{"role": "system", "content": "x"}]'}), ("question-answering", {"context": "", "question": "x"}),
    ],
)  # fmt: skip
def test_bad_input_is_not_sent(alice: Any, task: str, given: dict[str, str]) -> None:
    service = make_service(alice, state="running", task=task, engine="custom" if task == "custom" else "transformers")
    answer = browser(alice).post(f"/services/alice/{service.name}", given)
    assert answer.status_code == 422
    assert answer.context.get("turn") is None


@pytest.mark.django_db
def test_clearing_forgets_the_conversation(alice: Any) -> None:
    service = make_service(alice, state="running", task="text-generation", engine="transformers")
    answer = browser(alice).post(f"/services/alice/{service.name}", {"do": "clear", "history": '[{"role": "user", "content": "one"}]'})
    assert answer.context["earlier"] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("task", "snippet"),
    [("text-generation", "from openai import OpenAI"), ("question-answering", '"question"'), ("custom", 'file=@picture.png')],
)  # fmt: skip
def test_calls_are_shown_with_the_real_address_and_without_a_key(alice: Any, task: str, snippet: str) -> None:
    service = make_service(alice, state="running", task=task, engine="transformers")
    answer = browser(alice).get(f"/services/alice/{service.name}/-/api")
    texts = [text for _id, _name, text in answer.context["snippets"]]
    assert any(snippet in text for text in texts)
    assert all(f"/services/alice/{service.name}/" in text and "YOUR_KEY" in text for text in texts)


def test_only_pixels_are_shown_as_images() -> None:
    png = {"content_type": "image/png", "data": "aGk="}
    found = images_in(
        {
            "a": png,
            "b": [{"content_type": "image/svg+xml", "data": "aGk="}, "data:image/jpeg;base64,aGk="],
            "c": "data:text/html;base64,aGk=",
            "d": 'data:image/png;base64,"><',
        }
    )
    assert found == ["data:image/png;base64,aGk=", "data:image/jpeg;base64,aGk="]
    assert len(images_in([png] * 100)) == 16


def test_file_names_cannot_break_out_of_the_form() -> None:
    body, kind = multipart(SimpleUploadedFile("x.png", b"1", content_type="image/png\r\nX: y"), {"a": 1})
    boundary = kind.partition("boundary=")[2].encode()
    assert body.count(b"--" + boundary) == 3
    assert b"Content-Type: application/octet-stream\r\n" in body


@pytest.mark.django_db
def test_kinds_have_their_own_playground(alice: Any) -> None:
    for task, mark in [("text-generation", "data-chat"), ("question-answering", "data-answers"), ("custom", "data-request")]:
        service: Service = make_service(alice, state="running", task=task, engine="transformers")
        text = browser(alice).get(f"/services/alice/{service.name}").content.decode()
        assert mark in text
        assert "The service does not run" not in text
    stopped = make_service(alice, state="stopped")
    assert "The service does not run, so calls are refused." in browser(alice).get(f"/services/alice/{stopped.name}").content.decode()
