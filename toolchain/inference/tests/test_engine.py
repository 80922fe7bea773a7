"""The built-in engine with real models and the real OpenAI client."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2 as httpx
import openai
import pytest

from toolchain.environments import ready
from toolchain.inference.engines import SOURCE
from toolchain.inference.tests.replicas import Replica, request, serving, until
from toolchain.tests.documented import tiny
from toolchain.tests.environments import Bases, bases

__all__ = ["bases"]
pytestmark = pytest.mark.process

PROMPTS = ("Anna lives in", "User: Where does Boris live?\n\nAssistant:", "x")
QUESTION, CONTEXT = "Where does Anna live?", "Anna lives in Paris. Boris lives in Rome. Clara keeps a red lamp."
QUIET = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


@pytest.fixture(scope="module")
def python(bases: Bases) -> str:
    return ready.python_of(*bases("current"))


@pytest.fixture(scope="module")
def models(python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def known(python: str, models: Path) -> dict[str, Any]:
    """Make the models; return what is known about them."""
    script = Path(__file__).with_name("making.py")
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE.parent), "HF_HOME": str(models / "cache"), **QUIET}
    done = subprocess.run([python, str(script), str(models), tiny.__file__], env=variables, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def pair(python: str, models: Path, known: dict[str, Any]) -> Iterator[tuple[Replica, Replica]]:
    """Start both servers at the same time: most of it is waiting for imports."""
    llama, bert = models / "llama", models / "bert"
    names = ["--name", "tales", "--name", "ada/tales", "--concurrency", "4", "--threads", "1"]
    writing = serving("transformers_engine", "--model", str(llama), *names, model=llama, python=python, wait="", **QUIET)
    options = ["--name", "reader", "--threads", "1"]
    reading = serving("transformers_engine", "--model", str(bert), *options, model=bert, python=python, wait="", **QUIET)
    with writing as one, reading as other:
        one.wait("ready")
        other.wait("ready")
        yield one, other


@pytest.fixture(scope="module")
def writer(pair: tuple[Replica, Replica]) -> Replica:
    return pair[0]


@pytest.fixture(scope="module")
def reader(pair: tuple[Replica, Replica]) -> Replica:
    return pair[1]


@pytest.fixture(scope="module")
def client(writer: Replica) -> Iterator[openai.OpenAI]:
    with httpx.Client(transport=httpx.HTTPTransport(uds=writer.socket)) as transport:
        yield openai.OpenAI(base_url="http://replica/v1", api_key="none", http_client=transport, max_retries=0)


def test_a_shared_batch_writes_what_each_text_is_alone(known: dict[str, Any]) -> None:
    assert known["differences"] == {"llama": 0, "bloom": 0, "falcon": 0, "mpt": 0}
    assert known["long_prompt"] is True


def test_a_text_without_memory_fails_and_the_next_does_not(known: dict[str, Any]) -> None:
    assert known["short_of_memory"] == ["end", "out_of_memory", "end"]


def test_models_that_cannot_be_served_are_refused(known: dict[str, Any]) -> None:
    assert known["refused"] == {
        "headless": "weights_incomplete",
        "cut": "weights_unreadable",
        "empty": "config_unreadable",
        "lonely": "base_missing",
        "unfit": "task_unfit",
        "with_base": "",
    }


def test_the_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["tales", "ada/tales"]
    assert client.models.retrieve("ada/tales").id == "ada/tales"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("other")


def test_completions(client: openai.OpenAI, known: dict[str, Any]) -> None:
    said = client.completions.create(model="tales", prompt=list(PROMPTS), max_tokens=12, temperature=0)
    assert [choice.text for choice in said.choices] == known["texts"]
    assert [choice.index for choice in said.choices] == [0, 1, 2]
    assert said.usage is not None
    assert said.usage.prompt_tokens == sum(known["tokens"])
    assert said.usage.total_tokens == said.usage.prompt_tokens + said.usage.completion_tokens


def test_many_at_once_get_their_own_texts(client: openai.OpenAI, known: dict[str, Any]) -> None:
    def ask(number: int) -> str:
        said = client.completions.create(model="tales", prompt=PROMPTS[number % 3], max_tokens=12, temperature=0)
        return said.choices[0].text

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(ask, range(30))) == [known["texts"][number % 3] for number in range(30)]


def test_a_conversation_whole_and_streamed(client: openai.OpenAI) -> None:
    messages: list[Any] = [{"role": "system", "content": "Be short."}, {"role": "user", "content": [{"type": "text", "text": "Where?"}]}]
    whole = client.chat.completions.create(model="ada/tales", messages=messages, max_tokens=10, temperature=0)
    assert whole.choices[0].message.role == "assistant"
    assert whole.choices[0].finish_reason == "length"
    pieces = list(
        client.chat.completions.create(
            model="ada/tales",
            messages=messages,
            max_completion_tokens=10,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert pieces[0].choices[0].delta.role == "assistant"
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices) == whole.choices[0].message.content
    assert [piece.choices[0].finish_reason for piece in pieces if piece.choices][-1] == "length"
    assert pieces[-1].usage == whole.usage
    assert len({piece.id for piece in pieces}) == 1


def test_a_streamed_text_always_ends_with_its_counts(writer: Replica) -> None:
    reply = writer.post({"prompt": "Anna", "max_tokens": 3, "ignore_eos": True, "stream": True}, "/v1/completions")
    assert reply.headers["x-ag-prompt-tokens"] == "1"
    last = reply.body.decode().strip().split("\n\n")[-2:]
    assert last == [': usage {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4}', "data: [DONE]"]
    whole = writer.post({"prompt": "Anna", "max_tokens": 3, "ignore_eos": True}, "/v1/completions")
    assert (whole.headers["x-ag-prompt-tokens"], whole.headers["x-ag-completion-tokens"]) == ("1", "3")


def test_a_stop_sequence_ends_a_text_and_is_not_in_it(client: openai.OpenAI, known: dict[str, Any]) -> None:
    text = known["texts"][0]
    stop = text[4:7]
    said = client.completions.create(model="tales", prompt=PROMPTS[0], max_tokens=12, temperature=0, stop=[stop, "never"])
    assert (said.choices[0].text, said.choices[0].finish_reason) == (text[: text.index(stop)], "stop")
    pieces = client.completions.create(model="tales", prompt=PROMPTS[0], max_tokens=12, temperature=0, stop=stop, stream=True)
    assert "".join(piece.choices[0].text for piece in pieces) == text[: text.index(stop)]


def test_the_same_seed_gives_the_same_texts(client: openai.OpenAI) -> None:
    def texts(seed: int) -> list[str]:
        said = client.completions.create(model="tales", prompt="x", max_tokens=8, seed=seed, n=3, temperature=1.5, top_p=0.9)
        return [choice.text for choice in said.choices]

    first = texts(7)
    assert texts(7) == first
    assert len(set(first)) == 3
    assert texts(8) != first


def test_a_bias_counts(client: openai.OpenAI) -> None:
    said = client.completions.create(model="tales", prompt="x", max_tokens=5, temperature=0, logit_bias={"70": 100}, logprobs=1)
    assert said.choices[0].logprobs is not None
    assert len(set(said.choices[0].logprobs.tokens or ())) == 1


def test_log_probabilities(client: openai.OpenAI) -> None:
    said = client.chat.completions.create(
        model="tales", messages=[{"role": "user", "content": "Who?"}], max_tokens=4, temperature=0, logprobs=True, top_logprobs=2
    )
    assert said.choices[0].logprobs is not None
    for token in said.choices[0].logprobs.content or ():
        # Without sampling the token is the most probable one.
        assert token.logprob == token.top_logprobs[0].logprob
        assert token.logprob >= token.top_logprobs[1].logprob


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"temperature": 3}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": -1}, "top_p"),
        ({"n": 100}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stop": 3}, "stop"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logit_bias": {"x": 1}}, "logit_bias"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages"),
        ({"stream_options": 1}, "stream_options"),
        ({"seed": 0.5}, "seed"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(writer: Replica, changes: dict[str, Any], param: str) -> None:
    reply = writer.post({"messages": [{"role": "user", "content": "x"}], "max_tokens": 1} | changes, "/v1/chat/completions")
    assert (reply.status, reply.json["error"]["param"], reply.json["error"]["type"]) == (400, param, "invalid_request_error")


def test_what_has_no_effect_is_taken(writer: Replica) -> None:
    body = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 1, "user": "ada", "metadata": {}, "tools": [], "stop": None}
    assert writer.post(body, "/v1/chat/completions").status == 200


def test_a_text_longer_than_the_context_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model="tales", prompt="x", max_tokens=256)
    assert caught.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError):
        client.completions.create(model="tales", prompt=[5] * 256, max_tokens=1)
    said = client.completions.create(model="tales", prompt=[5] * 250, max_tokens=6, extra_body={"ignore_eos": True})
    assert said.usage is not None
    assert said.usage.total_tokens == 256


def test_another_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.completions.create(model="other", prompt="x")
    assert caught.value.code == "model_not_found"


def test_a_client_that_leaves_frees_its_place(writer: Replica) -> None:
    before = writer.get("/metrics")
    body = {"prompt": "x", "max_tokens": 250, "ignore_eos": True, "stream": True}
    gone = [writer.raw(request(body, "/v1/completions")) for _ in range(4)]
    for connection in gone:
        assert connection.recv(200).startswith(b"HTTP/1.1 200")
        connection.close()
    until(lambda: writer.get("/metrics")["running"] == 0)
    after = writer.get("/metrics")
    assert after["left"] == before["left"] + 4
    assert after["completion_tokens"] - before["completion_tokens"] < 1000


def test_a_text_that_takes_too_long_is_cut_off(writer: Replica) -> None:
    body = {"prompt": "x", "max_tokens": 250, "ignore_eos": True}
    reply = writer.post(body, "/v1/completions", X_AG_Timeout="0.01")
    assert (reply.status, reply.code) == (504, "timeout")
    assert writer.get("/health")["restarts"] == 0


def test_the_simple_form(writer: Replica, known: dict[str, Any]) -> None:
    said = writer.post({"inputs": PROMPTS[0], "parameters": {"max_new_tokens": 12, "do_sample": False}}).json
    assert said["generated_text"] == known["texts"][0]
    assert writer.post({"parameters": {}}).code == "inputs_missing"
    chat = writer.post({"inputs": [{"role": "user", "content": "Who?"}], "parameters": {"max_tokens": 3, "temperature": 0}}).json
    assert chat["usage"]["completion_tokens"] <= 3
    answer = writer.post({"question": QUESTION, "context": CONTEXT, "max_tokens": 3}).json
    assert (answer["score"], type(answer["answer"])) == (None, str)


def test_the_model_is_described(writer: Replica) -> None:
    about = writer.get("/metadata")
    assert {name: about[name] for name in ("task", "architecture", "dtype", "device", "context", "chat_template")} == {
        "task": "text-generation",
        "architecture": "LlamaForCausalLM",
        "dtype": "float32",
        "device": "cpu",
        "context": 256,
        "chat_template": "default",
    }


def test_an_adapter_writes_what_it_does_beside_its_base(known: dict[str, Any]) -> None:
    beside, merged, is_adapter = known["adapted"]
    assert (merged, is_adapter) == (beside, True)


def test_penalties_and_biases_change_the_choice(known: dict[str, Any]) -> None:
    assert known["chosen"] == {
        "plain": [0, 0, 0, 0],
        "presence": [0, 1, 0, 0],
        "frequency": [0, 1, 0, 1],
        "repetition": [0, 1, 2, 0],
        "bias": [3, 3, 3, 3],
    }


def test_the_nucleus_bounds_what_is_drawn(known: dict[str, Any]) -> None:
    assert known["drawn"] == {"all": [0, 1, 2, 3], "top_k": [0, 1], "top_p": [0, 1, 2], "narrow": [0], "min_p": [0, 1, 2]}


def test_answers_are_the_best_spans(reader: Replica, known: dict[str, Any]) -> None:
    found = reader.post({"question": QUESTION, "context": CONTEXT, "top_k": 3}).json
    for answer, (score, start, end) in zip(found, known["spans"], strict=True):
        assert (answer["start"], answer["end"], answer["answer"]) == (start, end, CONTEXT[start:end])
        assert answer["score"] == pytest.approx(score, rel=1e-4)
    best = reader.post({"inputs": {"question": QUESTION, "context": CONTEXT}})
    assert best.json == found[0]
    assert best.headers["x-ag-completion-tokens"] == "0"


def test_a_long_text_is_read_in_windows(reader: Replica) -> None:
    context = " ".join(f"{name} lives in {place}." for name in tiny.PEOPLE for place in tiny.PLACES)
    found = reader.post({"question": QUESTION, "context": context, "top_k": 5}).json
    assert [context[answer["start"] : answer["end"]] for answer in found] == [answer["answer"] for answer in found]
    assert len(found) == 5
    scores = [answer["score"] for answer in found]
    assert scores == sorted(scores, reverse=True)


def test_many_questions_at_once_are_answered_as_one_is(reader: Replica) -> None:
    contexts = [" ".join(tiny.sentences()[number : number + 3]) for number in range(12)]
    alone = [reader.post({"question": QUESTION, "context": context}).json for context in contexts]
    with ThreadPoolExecutor(12) as pool:
        together = list(pool.map(lambda context: reader.post({"question": QUESTION, "context": context}).json, contexts))
    for one, other in zip(alone, together, strict=True):
        assert (one["answer"], one["score"]) == (other["answer"], pytest.approx(other["score"], rel=1e-3))


def test_questions_in_a_conversation(reader: Replica) -> None:
    best = reader.post({"question": QUESTION, "context": CONTEXT}).json
    system = [{"role": "system", "content": CONTEXT}, {"role": "user", "content": QUESTION}]
    inside = [{"role": "user", "content": f"{CONTEXT}\n\n{QUESTION}"}]
    for body in ({"messages": system}, {"messages": inside}, {"messages": system[1:], "context": CONTEXT}):
        said = reader.post(body, "/v1/chat/completions").json
        assert (said["choices"][0]["message"]["content"], said["answer"]) == (best["answer"], best)
    streamed = reader.post({"messages": system, "stream": True}, "/v1/chat/completions").body.decode()
    assert json.dumps(best["answer"]) in streamed
    assert streamed.endswith("data: [DONE]\n\n")


def test_a_question_without_a_text_is_refused(reader: Replica) -> None:
    reply = reader.post({"messages": [{"role": "user", "content": QUESTION}]}, "/v1/chat/completions")
    assert (reply.status, reply.code) == (400, "context_missing")
    assert reader.post({"question": QUESTION}).code == "context_missing"
    assert reader.post({"inputs": "text"}).code == "context_missing"
    assert reader.post({"prompt": "x"}, "/v1/completions").code == "context_missing"


def test_nothing_listens_but_the_socket(writer: Replica) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(writer.socket)
    tables = Path(f"/proc/{writer.process.pid}/net/tcp").read_text().splitlines()[1:]
    inodes = {line.split()[9] for line in tables if line.split()[3] == "0A"}
    held = {os.readlink(link).removeprefix("socket:[").rstrip("]") for link in Path(f"/proc/{writer.process.pid}/fd").iterdir()}
    assert not inodes & held
