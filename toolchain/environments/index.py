"""Where packages come from: package indexes and folders of packages, by default as pip is configured on this machine."""

import ast
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from toolchain.runners.base import Mount
from toolchain.runners.network import Indexes

PUBLIC = "https://pypi.org/simple"
CERTIFICATES = "/gallery/certificates.pem"


@dataclass(frozen=True)
class Index:
    """Package indexes that count alike, as for pip; `url` empty: none but `extra_urls`. Addresses are http(s) or file.

    `find_links` are folders or pages with links to packages, `certificates` is a file of authorities to trust instead of the
    system's, `insecure_hosts` are trusted without. `timeout` is in seconds.
    """

    url: str = PUBLIC
    extra_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    certificates: str = ""
    insecure_hosts: tuple[str, ...] = ()
    timeout: int = 60
    retries: int = 3

    def indexes(self, hosts: Sequence[str] = ()) -> Indexes:
        """Return what a runner lets builds reach; `hosts` are further ones, for files that an index keeps elsewhere.

        Folders that are not there are left out. Where an administrator put an index is his affair, so it may have a private address.
        """
        urls = tuple(url for url in (self.url, *self.extra_urls) if url and _there(url))
        found = Indexes(urls, tuple(link for link in self.find_links if _there(link)), tuple(hosts))
        return replace(found, private=tuple(sorted({host for host, _port in found.reachable})))

    @property
    def remote(self) -> bool:
        """Whether any of it is on another machine."""
        return bool(self.indexes().reachable)

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """The folders of this machine that packages come from, and the certificates."""
        return (*self.indexes().mounts(), *([Mount(self.certificates, CERTIFICATES)] if self.certificates else []))

    @property
    def environment(self) -> dict[str, str]:
        """The variables that tell uv about all this; passwords in addresses stand in them."""
        found = {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_HTTP_TIMEOUT": str(self.timeout), "UV_HTTP_RETRIES": str(self.retries)}
        urls = [url for url in (self.url, *self.extra_urls) if url]
        # uv has no variable for “no index at all”, which would be the public one.
        found |= {"UV_DEFAULT_INDEX": urls[0]} if urls else {"NO_INDEX": "1"}
        for name, values, joint in (
            ("UV_INDEX", urls[1:], " "),
            ("UV_FIND_LINKS", self.find_links, ","),
            ("UV_INSECURE_HOST", self.insecure_hosts, " "),
        ):
            if values:
                found[name] = joint.join(values)
        if self.certificates:
            found["SSL_CERT_FILE"] = CERTIFICATES
        else:
            found["UV_SYSTEM_CERTS"] = "1"
        return found


def _there(place: str) -> bool:
    parts = urlsplit(place)
    return parts.scheme in ("http", "https") or Path(unquote(parts.path) if parts.scheme else place).is_dir()


def from_settings(url: str, extra_urls: Sequence[str], find_links: Sequence[str]) -> Index:
    """Return the index of the gallery's settings; where all three are empty, pip's."""
    index = as_pip()
    if not (url or extra_urls or find_links):
        return index
    return replace(index, url=url or PUBLIC, extra_urls=tuple(extra_urls), find_links=tuple(find_links))


@cache
def as_pip() -> Index:
    """Return what pip on this machine is configured with, by its files and its variables."""
    asked = subprocess.run(
        [sys.executable, "-I", "-m", "pip", "config", "list"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    return read_pip(asked.stdout)


def read_pip(text: str) -> Index:
    """Return the index that the output of `pip config list` describes."""
    found: dict[str, str] = {}
    # A later one wins: files for all commands, those for `install`, variables.
    for section in ("global", "install", ":env:"):
        for line in text.splitlines():
            name, equals, value = line.partition("=")
            if equals and name.startswith(f"{section}."):
                found[name.removeprefix(f"{section}.")] = str(ast.literal_eval(value))

    def words(name: str) -> tuple[str, ...]:
        return tuple(found.get(name, "").split())

    none = found.get("no-index", "").lower() in ("1", "true", "yes", "on")
    index = Index(
        url="" if none else found.get("index-url", PUBLIC),
        extra_urls=() if none else words("extra-index-url"),
        find_links=words("find-links"),
        certificates=found.get("cert", ""),
        insecure_hosts=words("trusted-host"),
    )
    timeout, retries = found.get("timeout") or found.get("default-timeout", ""), found.get("retries", "")
    return replace(
        index, timeout=int(timeout) if timeout.isdigit() else index.timeout, retries=int(retries) if retries.isdigit() else index.retries
    )
