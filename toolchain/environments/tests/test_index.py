"""Where packages come from, and how uv and the sandbox hear of it."""

from pathlib import Path

import pytest

from toolchain.environments.index import Index, from_settings, read_pip
from toolchain.runners.base import Mount


def test_pip_without_configuration_is_the_public_index() -> None:
    index = read_pip("")
    assert index == Index(url="https://pypi.org/simple")
    assert index.indexes().reachable == {("pypi.org", 443), ("files.pythonhosted.org", 443)}
    assert index.mounts == ()


def test_pip_is_read_with_variables_before_files() -> None:
    index = read_pip(
        "\n".join(
            [
                ":env:.find-links='/srv/wheels https://example.com/links'",
                ":env:.default-timeout='180'",
                "global.cert='/etc/ssl/own.pem'",
                "global.extra-index-url='https://one.example/simple\\nfile:///srv/two'",
                "global.find-links='/elsewhere'",
                "global.index-url='https://all.example/simple'",
                "global.retries='1'",
                "global.trusted-host='one.example'",
                "install.index-url='https://install.example:8443/simple'",
            ]
        )
    )
    assert index == Index(
        url="https://install.example:8443/simple",
        extra_urls=("https://one.example/simple", "file:///srv/two"),
        find_links=("/srv/wheels", "https://example.com/links"),
        certificates="/etc/ssl/own.pem",
        insecure_hosts=("one.example",),
        timeout=180,
        retries=1,
    )
    indexes = index.indexes(["files.example:444"])
    assert indexes.reachable == {("install.example", 8443), ("one.example", 443), ("example.com", 443), ("files.example", 444)}
    assert indexes.private == ("example.com", "files.example", "install.example", "one.example")


def test_no_index_leaves_folders_only() -> None:
    index = read_pip("global.no-index='true'\nglobal.index-url='https://all.example/simple'\nglobal.find-links='/srv/wheels'\n")
    assert (index.url, index.find_links, index.remote) == ("", ("/srv/wheels",), False)
    assert index.environment["NO_INDEX"] == "1"
    assert "UV_DEFAULT_INDEX" not in index.environment


def test_uv_hears_of_it() -> None:
    index = Index(
        "https://a.example/simple", ("https://b.example/simple", "file:///srv/c"), ("/srv/d", "/srv/e"), insecure_hosts=("b.example",)
    )
    assert index.environment == {
        "UV_DEFAULT_INDEX": "https://a.example/simple",
        "UV_INDEX": "https://b.example/simple file:///srv/c",
        "UV_FIND_LINKS": "/srv/d,/srv/e",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_INSECURE_HOST": "b.example",
        "UV_HTTP_TIMEOUT": "60",
        "UV_HTTP_RETRIES": "3",
        "UV_SYSTEM_CERTS": "1",
    }


def test_own_certificates_are_shown_to_the_build() -> None:
    index = Index(certificates="/etc/own.pem")
    assert index.mounts == (Mount("/etc/own.pem", "/gallery/certificates.pem"),)
    assert index.environment["SSL_CERT_FILE"] == "/gallery/certificates.pem"
    assert "UV_SYSTEM_CERTS" not in index.environment


def test_folders_of_this_machine_are_mounted(tmp_path: Path) -> None:
    (tmp_path / "mirror" / "simple").mkdir(parents=True)
    (tmp_path / "my wheels").mkdir()
    places = (f"file://{tmp_path}/mirror/simple", f"file://{tmp_path}/my%20wheels", f"file://{tmp_path}/missing")
    # The pages of an index point to files beside it.
    mirror, wheels = str(tmp_path / "mirror"), str(tmp_path / "my wheels")
    assert Index(extra_urls=places).mounts == (Mount(mirror, mirror), Mount(wheels, wheels))
    assert Index(find_links=(wheels, f"{tmp_path}/missing")).mounts == (Mount(wheels, wheels),)


def test_settings_come_before_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    index = from_settings("https://ours.example/simple", [], [])
    assert (index.url, index.extra_urls, index.find_links) == ("https://ours.example/simple", (), ())
    extra = from_settings("", ["https://more.example/simple"], ["/srv/wheels"])
    assert (extra.url, extra.extra_urls, extra.find_links) == (
        "https://pypi.org/simple",
        ("https://more.example/simple",),
        ("/srv/wheels",),
    )


def test_pip_of_this_machine_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    from toolchain.environments import index

    monkeypatch.setenv("PIP_INDEX_URL", "https://asked.example/simple")
    index.as_pip.cache_clear()
    try:
        assert from_settings("", [], []).url == "https://asked.example/simple"
    finally:
        index.as_pip.cache_clear()
