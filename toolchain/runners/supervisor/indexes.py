"""The package indexes that a run may reach, served to it on a socket for as long as its supervisor lives."""

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolchain.runners.network import Indexes
from toolchain.runners.network.proxy import serve
from toolchain.runners.sandbox.plan import INDEX_SOCKET

_READY_SECONDS = 10


def serve_indexes(folder: Path, fields: Mapping[str, Any]) -> Indexes:
    """Serve on `INDEX_SOCKET` below the run's folder, from a thread of its own, and return what is served. Raises OSError where that cannot be."""
    indexes = Indexes(**{name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()})
    path = folder / INDEX_SOCKET
    path.parent.mkdir(exist_ok=True)
    path.parent.chmod(0o711)
    ready = threading.Event()
    failure: list[BaseException] = []

    async def forever() -> None:
        server = await serve(path, indexes)
        ready.set()
        await server.serve_forever()

    def run() -> None:
        try:
            asyncio.run(forever())
        except BaseException as error:
            failure.append(error)
            ready.set()

    threading.Thread(target=run, daemon=True).start()
    if not ready.wait(_READY_SECONDS) or failure:
        raise OSError(f"The package indexes cannot be served: {failure[0] if failure else 'no answer'}.")
    return indexes
