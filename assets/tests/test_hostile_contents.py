"""Whatever files hold is text of strangers: names of columns, tensors, files, findings, cells. No page and no address takes it for markup."""

import json
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

from assets.models import Asset
from assets.tests.factories import finish_everything, make_asset, read_for
from assets.tests.files import write
from assets.tests.inspected import EVIL, LLAMA, make_read, weights
from core.testing import People, browser
from repos.operations import PutBytes

pytestmark = pytest.mark.django_db

HURT = '"><script>alert(1)</script>'
COLUMN = f"c'{HURT}{{{{7*7}}}}"
MARKUP = ("<script>alert", "<img src=x")


def shown(user: Any, address: str, status: int = 200) -> str:
    """Return a page that holds the hostile text as text only, and runs nothing."""
    response = browser(user).get(address)
    html = response.content.decode()
    assert response.status_code == status, address
    assert not any(markup in html for markup in MARKUP), address
    return unescape(html)


def test_pages_of_a_model_show_what_its_files_say_as_text(people: People) -> None:
    config = LLAMA | {"model_type": HURT, "quantization_config": {"quant_method": HURT}, "torch_dtype": HURT}
    files = {
        "config.json": json.dumps(config).encode(),
        "model.safetensors": weights({f"{HURT}.weight": [4, 4], "model.layers.0.<img src=x onerror=alert(1)>.weight": [2, 2]}),
        "tokenizer_config.json": json.dumps({"chat_template": "{{ ''.__class__.__mro__ }}" + HURT}).encode(),
        "<script>alert(2)<.pkl": EVIL,
        "gallery_train/train_params.json": json.dumps(
            {HURT: 1, "training_methods": [{"name": HURT, "hyperparameters": [{"name": HURT}]}]}
        ).encode(),
    }
    asset = make_read(people, files)
    page = asset.get_absolute_url()
    assert "alert(2)" in shown(None, page)
    assert "alert(1)" in shown(None, f"{page}/tensors")
    for rest in ("/files", "/files/main/tokenizer_config.json", "/files/main/%3Cscript%3Ealert(2)%3C.pkl", "/activity", "/verdict"):
        shown(people.alice, page + rest)


@pytest.fixture
def table(people: People) -> Asset:
    asset = make_asset(people.alice, people.atelier, name="signals", kind=Asset.Kind.DATASET)
    rows = [{COLUMN: HURT, "n": number, "nested": {HURT: [HURT]}} for number in range(5)]
    data = "\n".join(json.dumps(row) for row in rows).encode() + b"\n{" + HURT.encode() + b"\n"
    write(asset, people.alice, [PutBytes("data<img src=x>.jsonl", data)], "Add files")
    finish_everything()
    return read_for(people.alice, asset)


def test_pages_of_a_dataset_show_names_and_cells_as_text(people: People, table: Asset) -> None:
    page = f"{table.get_absolute_url()}/preview"
    assert HURT in shown(None, page)
    column = urlencode({"column": COLUMN, "row": 1})
    for rest in (f"/column?{column}", f"/cell?{column}", "/row?row=1", "/statistics", f"?{urlencode({'search': HURT})}"):
        assert HURT in shown(None, page + rest), rest
    assert HURT in shown(None, f"{page}?{urlencode({'filter': HURT})}", status=400)
    query = urlencode({"sql": f"SELECT '{HURT}' AS \"{HURT.replace(chr(34), chr(34) * 2)}\" FROM train"})
    assert HURT in shown(None, f"{table.get_absolute_url()}/sql?{query}")
    assert HURT in shown(None, f"{table.get_absolute_url()}/sql?{urlencode({'sql': HURT})}", status=400)


def test_errors_do_not_tell_where_the_gallery_lives(people: People, table: Asset) -> None:
    for sql in ("SELECT * FROM read_csv('/etc/passwd')", "FROM 'x.parquet'", "SELECT * FROM nowhere", "SELECT error('x')"):
        html = shown(None, f"{table.get_absolute_url()}/sql?{urlencode({'sql': sql})}", status=400)
        assert "site-packages" not in html and "/inspection/" not in html and "Traceback" not in html
