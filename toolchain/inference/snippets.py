"""Calls of a service as programs write them."""

from django.conf import settings
from django.utils.translation import gettext as _

from toolchain.inference.engines import ANSWERS, GENERATION
from toolchain.inference.models import Service

KEY = "YOUR_KEY"
"""Stands where the key belongs."""


def snippets_of(service: Service) -> list[tuple[str, str, str]]:
    """Return calls of a service: an id, what it is called, the text. The address is the real one, the key is not."""
    address = f"{settings.PUBLIC_URL}{service.get_absolute_url()}"
    if service.task == GENERATION:
        return _chat(address, service.name)
    body = '{"question": "Who lives in Rome?", "context": "Anna lives in Rome."}' if service.task == ANSWERS else '{"inputs": "Hello"}'
    found = [
        ("curl", "curl", _curl(f"{address}/predict", body)),
        ("python", "Python", _python(f"{address}/predict", body)),
    ]
    if service.task != ANSWERS:
        found.append(
            (
                "file",
                _("curl, with a file"),
                f'curl {address}/predict \\\n  -H "Authorization: Bearer {KEY}" \\\n  -F "file=@picture.png" \\\n  -F \'parameters={{"top_k": 3}}\'',
            )
        )
    return found


def _chat(address: str, name: str) -> list[tuple[str, str, str]]:
    body = f'{{"model": "{name}", "messages": [{{"role": "user", "content": "Hello"}}], "max_tokens": 128}}'
    client = (
        "from openai import OpenAI\n\n"
        f'client = OpenAI(base_url="{address}/v1", api_key="{KEY}")\n'
        "stream = client.chat.completions.create(\n"
        f'    model="{name}",\n    messages=[{{"role": "user", "content": "Hello"}}],\n    stream=True,\n)\n'
        'for chunk in stream:\n    if chunk.choices:\n        print(chunk.choices[0].delta.content or "", end="")'
    )
    return [
        ("curl", "curl", _curl(f"{address}/v1/chat/completions", body)),
        ("python", "Python", _python(f"{address}/v1/chat/completions", body)),
        ("openai", "Python, openai", client),
    ]


def _curl(address: str, body: str) -> str:
    return f'curl {address} \\\n  -H "Authorization: Bearer {KEY}" \\\n  -H "Content-Type: application/json" \\\n  -d \'{body}\''


def _python(address: str, body: str) -> str:
    return (
        "import requests\n\n"
        f'answer = requests.post(\n    "{address}",\n    headers={{"Authorization": "Bearer {KEY}"}},\n    json={body},\n    timeout=60,\n)\n'
        "answer.raise_for_status()\nprint(answer.json())"
    )
