"""Package indexes a run may reach."""

import ipaddress
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from toolchain.runners.base import Mount, RunnerError

_FILE_HOSTS = {
    "pypi.org": ("files.pythonhosted.org",),
    "test.pypi.org": ("test-files.pythonhosted.org",),
    "download.pytorch.org": ("download-r2.pytorch.org",),
}
"""Where indexes that everybody uses keep the files they name."""

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Indexes:
    """`urls` of indexes and pages or folders of `find_links`, as pip takes them: http, https or file, folders also as plain paths.

    `hosts` may be reached besides, as “name” (port 443) or “name:port”; `private` names hosts that may have an address of a private
    network. A host that is given as such an address, or as localhost, is meant to.
    """

    urls: tuple[str, ...] = ("https://pypi.org/simple",)
    find_links: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    private: tuple[str, ...] = ()

    def mounts(self) -> tuple[Mount, ...]:
        """Return the folders of this machine among them, as a run has to see them."""
        folders = []
        for text in (*self.urls, *self.find_links):
            parts = urlsplit(text)
            if parts.scheme in _PORTS:
                continue
            if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
                raise RunnerError("bad_index", f"“{text}” is neither an http, https or file address nor a folder.")
            path = PurePosixPath(unquote(parts.path) if parts.scheme else text)
            # The pages of an index in files name its packages as ../../files/….
            folders.append(str(path.parent if path.name == "simple" and text in self.urls else path))
        return tuple(Mount(folder, folder) for folder in dict.fromkeys(folders))

    @cached_property
    def reachable(self) -> frozenset[tuple[str, int]]:
        """Host names in lower case with the ports that may be reached."""
        found = set()
        for text in (*self.urls, *self.find_links):
            parts = urlsplit(text)
            if parts.scheme in _PORTS and parts.hostname:
                found.add((parts.hostname, parts.port or _PORTS[parts.scheme]))
                found |= {(host, 443) for host in _FILE_HOSTS.get(parts.hostname, ())}
        for text in self.hosts:
            parts = urlsplit(f"//{text}")
            if parts.hostname:
                found.add((parts.hostname, parts.port or 443))
        return frozenset(found)

    def accepts(self, host: str, address: str) -> bool:
        """Say whether the host, found at this address, may be called there: a public name must not lead into a private network."""
        if host == "localhost" or host in self.private:
            return True
        try:
            return ipaddress.ip_address(host) == ipaddress.ip_address(address)
        except ValueError:
            return not is_private(address)


# Not `is_private` of the standard library, which also counts networks that lead nowhere from inside.
_PRIVATE = [
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3",
        "::/127", "fc00::/7", "fe80::/10", "ff00::/8",
    )
]  # fmt: skip


def is_private(address: str) -> bool:
    """Say whether an address belongs to this machine, its networks or nobody, also where it is wrapped into one of IPv6."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        wrapped = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if wrapped is None and found in ipaddress.ip_network("64:ff9b::/96"):
            wrapped = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        found = wrapped or found
    return any(found in network for network in _PRIVATE if network.version == found.version)
