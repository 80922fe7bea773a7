"""What the benchmarks of the toolchain share: a gallery whose base environments are ready, a trained script, a deployed one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from gallery import Gallery, running

from toolchain.environments import following, ready
from toolchain.environments.identity import identify
from toolchain.environments.index import as_pip
from toolchain.runners.local import LocalRunner

CACHE = Path.home() / ".cache" / "gallery-tests"


def environment(code: str) -> tuple[Path, str]:
    """Return the folder of environments and the id of a base, built at the first time."""
    root, id = CACHE / "environments", identify(code)
    root.mkdir(parents=True, exist_ok=True)
    if not ready.is_ready(root, id):
        index = as_pip()
        result = following.build(LocalRunner(CACHE / "runs", index=index.indexes()), root, code, (), index)
        if not result.ok:
            raise SystemExit(f"The environment cannot be built: {result}")
    return root, id


@contextmanager
def with_environments(*codes: str, **settings: str) -> Iterator[Gallery]:
    """Start a gallery with base environments that are ready."""
    made = [environment(code) for code in codes]
    with running(**settings) as gallery:
        runs = gallery.data / "runs" / "environments"
        runs.mkdir(parents=True, exist_ok=True)
        for folder in (runs.parent, runs):
            folder.chmod(0o711)
        for root, id in made:
            (runs / id).symlink_to(root / id)
            (runs / f"{id}.json").write_bytes((root / f"{id}.json").read_bytes())
        try:
            yield gallery
        finally:
            # Runs outlive their gallery.
            for process in psutil.process_iter(["cmdline"]):
                if str(runs.parent) in " ".join(process.info["cmdline"] or ()):
                    process.kill()


def published(gallery: Gallery, kind: str, name: str, files: dict[str, str]) -> str:
    """Return the id of a new repository with these files."""
    gallery.call("POST", f"/api/v1/{kind}s", {"owner": "bench", "name": name})
    operations = [{"op": "put", "path": path, "content": text, "encoding": "utf-8"} for path, text in files.items()]
    gallery.call("POST", f"/api/v1/{kind}s/bench/{name}/commits", {"message": "Files", "operations": operations})
    return f"bench/{name}"


def until(holds: Any, what: str, seconds: float = 300) -> Any:
    """Return what `holds` returns once that is true."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > end:
            raise SystemExit(f"waited for {what}")
        time.sleep(0.2)
    return found


def smallest(gallery: Gallery) -> str:
    """Return the code of the smallest spec, once the machine was found."""
    specs = until(lambda: gallery.call("GET", "/api/v1/compute-specs"), "the machine")
    return str(min(specs, key=lambda spec: spec["vcpus"])["code"])


def deployed(gallery: Gallery, name: str, script: str, **options: Any) -> str:
    """Deploy a script as a service of one replica, and return the path below which it answers."""
    model = published(
        gallery,
        "model",
        name,
        {"README.md": "---\npipeline_tag: image-classification\n---\n", "config.json": "{}", "gallery_inference/inference.py": script},
    )
    until(lambda: gallery.call("GET", f"/api/v1/models/{model}/service-options")["tasks"], "the model to be read")
    gallery.call("POST", "/api/v1/services", {"name": name, "model": model, "spec": smallest(gallery), **options})
    until(lambda: gallery.call("GET", f"/api/v1/services/bench/{name}")["state"] == "running", "the service")
    return f"/services/bench/{name}"
