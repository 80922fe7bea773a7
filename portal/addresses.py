"""Turns addresses out of the environment into Django's settings. Each function raises ValueError with a sentence."""

import os
import stat
from hashlib import sha256
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

SOCKET_PATH_LIMIT = 107 - len("/.s.PGSQL.5432.lock")
MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


def public_url(value: str) -> str:
    """Return the address people use, without a slash at its end."""
    parts = urlsplit(value.rstrip("/"))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or parts.fragment:
        raise ValueError(f"must look like https://gallery.example.com, without a path, not {value!r}.")
    _ = parts.port
    return value.rstrip("/")


def networks(value: str) -> list[str]:
    """Return IP networks separated by commas or blanks, each in its usual form; a single address is one too."""
    try:
        return [str(ip_network(word)) for word in value.replace(",", " ").split()]
    except ValueError as error:
        raise ValueError(f"must be networks such as 10.20.0.0/16: {error}.") from error


def database(url: str) -> dict[str, Any]:
    """Return Django's database settings for a `postgresql://` address; query parameters become libpq options."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError("must start with postgresql://; PostgreSQL is the only database.")
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    return {
        "NAME": unquote(parts.path.lstrip("/")) or "gallery",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", "") or unquote(parts.hostname or ""),
        "PORT": str(options.pop("port", "") or parts.port or ""),
        "OPTIONS": options,
    }


def redis(url: str) -> str:
    """Return a checked address of a Redis: `redis://`, `rediss://` or `unix:///path?db=0`."""
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise ValueError("must start with redis://, rediss:// or unix://.")
    _ = parts.port
    return url


def broker(redis_url: str) -> str:
    """Return Celery's spelling of a Redis address: it differs for a socket and for TLS."""
    parts = urlsplit(redis_url)
    if parts.scheme == "unix":
        return f"redis+socket://{parts.path}?virtual_host={parse_qs(parts.query).get('db', ['0'])[0]}"
    if parts.scheme == "rediss" and "ssl_cert_reqs" not in parts.query:
        return f"{redis_url}{'&' if parts.query else '?'}ssl_cert_reqs=required"
    return redis_url


def clamav(value: str) -> str:
    """Return a checked address of a ClamAV daemon: `tcp://host:3310` or `unix:/path`."""
    parts = urlsplit(value)
    if not (parts.scheme == "tcp" and parts.hostname and not parts.path) and not (parts.scheme == "unix" and parts.path.startswith("/")):
        raise ValueError("must look like tcp://host:3310 or unix:/run/clamav/clamd.ctl.")
    _ = parts.port
    return value


def blob_store(value: str) -> str:
    """Return a checked address of a store for large files: `file:/folder` or `s3://bucket?endpoint=…`."""
    scheme, _colon, rest = value.partition(":")
    if scheme == "file" and rest.startswith("/"):
        return value
    parts = urlsplit(value)
    if scheme == "s3" and parts.netloc and not parts.path.strip("/"):
        for name, address in parse_qs(parts.query).items():
            if name not in ("endpoint", "public_endpoint", "region"):
                raise ValueError(f"has an unknown parameter {name!r}; there are endpoint, public_endpoint and region.")
            if name != "region" and urlsplit(address[-1]).scheme not in ("http", "https"):
                raise ValueError(f"needs http:// or https:// in {name}.")
        return value
    raise ValueError("must be file:/absolute/folder or s3://bucket?endpoint=https://host&region=name.")


def s3_origin(value: str) -> str:
    """Return the origin to which browsers send parts and from which they fetch bytes, or "" where that is the portal."""
    if not value.startswith("s3:"):
        return ""
    parts = urlsplit(value)
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    if address := options.get("public_endpoint") or options.get("endpoint"):
        found = urlsplit(address)
        return f"{found.scheme}://{found.netloc}"
    return f"https://{parts.netloc}.s3.amazonaws.com"


def media_storage(value: str, folder: Path, access_key: str, secret_key: str) -> dict[str, Any]:
    """Return Django's storage for small media such as avatars: beside the large files on S3, else in `folder`."""
    if not value.startswith("s3:"):
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": folder, "base_url": None}}
    parts = urlsplit(value)
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    endpoint = options.get("endpoint")
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": parts.netloc,
            "endpoint_url": endpoint,
            "region_name": options.get("region", "us-east-1"),
            "addressing_style": "path" if endpoint else "auto",
            "signature_version": "s3v4",
            "access_key": access_key or None,
            "secret_key": secret_key or None,
            "location": "media",
            "file_overwrite": True,
        },
    }


def email(url: str, folder: Path) -> dict[str, Any]:
    """Return mail settings for `smtp://user:password@host:25`; without an address, mail is written to files in `folder`."""
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend", "EMAIL_FILE_PATH": str(folder)}
    parts = urlsplit(url)
    if parts.scheme not in MAIL_PORTS:
        raise ValueError("must start with smtp://, smtp+tls:// or smtps://.")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname or "localhost",
        "EMAIL_PORT": parts.port or MAIL_PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_TIMEOUT": 10,
    }


def run_folder(data: Path) -> Path:
    """Return the folder for sockets: `run` in the data folder, or one in /tmp where that path is too long for a socket.

    The name in /tmp follows from the data folder and the user, so that every process of a gallery finds the same one.
    """
    inside = data / "run"
    if len(os.fsencode(inside)) <= SOCKET_PATH_LIMIT:
        return inside
    return Path("/tmp") / f"gallery-{os.geteuid()}-{sha256(os.fsencode(data)).hexdigest()[:16]}"


def secret(path: Path, fresh: str) -> str:
    """Return the secret kept at `path`, which only its owner may read; the first caller stores `fresh` there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}-{os.getpid()}-{fresh[:6]}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(fresh)
                file.flush()
                os.fsync(file.fileno())
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # another process was first: its secret counts
        finally:
            draft.unlink()
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(0o600)
    kept = path.read_text().strip()
    if len(kept) < 32:
        raise ValueError(f"is too short in {path}; remove the file to have a new one made.")
    return kept
