"""Fills the catalogue with many models and times its pages, as a visitor and as a member of ten organisations.

    python benchmarks/catalogue.py [--assets 10000] [--runs 15]

Times are whole requests over loopback, hence a little more than server time; "work" is the processor time of all processes of the
gallery, the database included, for one request, which stays the same on a busy machine. Goal: a catalogue page in at most 150 ms.
"""

import argparse
import statistics
import time
from contextlib import suppress

import psutil
from gallery import Gallery, running, table

FILL = """
from datetime import timedelta
from django.utils import timezone
from accounts.models import Membership, Organisation, User
from assets.models import Asset, Term
from repos.models import Repository

count = {count}
user = User.objects.get(handle="bench")
owners = [Organisation.objects.create(handle=f"org-{{n}}", kind="organisation") for n in range(50)]
Membership.objects.bulk_create([Membership(organisation=o, user=user, role=30) for o in owners[:10]])
words = {{v: list(Term.objects.filter(vocabulary=v).values_list("code", flat=True)) for v in ("task", "licence", "language", "framework", "hardware", "industry")}}
repositories = Repository.objects.bulk_create([Repository(namespace_id=owners[n % 50].pk, size=n * 1000, files=n % 40) for n in range(count)], batch_size=2000)
now = timezone.now()
pick = lambda vocabulary, n: words[vocabulary][n % len(words[vocabulary])]
Asset.objects.bulk_create([
    Asset(
        kind="model", namespace_id=owners[n % 50].pk, name=f"model-{{n:06}}", repository=repositories[n],
        state="unpublished" if n % 10 == 0 else "published", created_at=now - timedelta(minutes=n * 7 % count), updated_at=now - timedelta(minutes=n * 13 % count),
        title_zh=f"模型 {{n}}", description=f"A model that does the work number {{n}} for somebody who needs it", task=pick("task", n), licence=pick("licence", n // 3),
        languages=[pick("language", n), pick("language", n + 1)], frameworks=[pick("framework", n)], hardware=[pick("hardware", n), pick("hardware", n + 1)],
        industry=pick("industry", n // 7), tags=[f"tag-{{n % 300}}", f"tag-{{n % 17}}"], downloads=n * 31 % 900 if n % 3 else 0, parameters=n * 1_000_003,
        base_models=[f"org-1/model-{{n % 50:06}}"],
    )
    for n in range(count)
], batch_size=2000)
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("ANALYZE")
"""

PAGES = (
    ("first page", "/models"),
    ("as a table, most downloads", "/models?view=table&sort=downloads"),
    ("by name", "/models?sort=name"),
    ("one facet", "/models?hardware=gpu"),
    ("four facets", "/models?hardware=gpu&hardware=npu&language=zh&licence=mit&task=text-generation"),
    ("a word", "/models?q=number+777"),
    ("nothing found", "/models?q=nothing-of-the-kind&hardware=gpu"),
    ("home", "/"),
    ("REST, 100 rows", "/api/v1/models?limit=100"),
    ("REST, one", "/api/v1/models/org-1/model-000001"),
)


def timed(gallery: Gallery, path: str, headers: dict[str, str], runs: int) -> list[float]:
    """Return the milliseconds of each run after two that fill caches."""
    connection, found = gallery.connection(), []
    for run in range(runs + 2):
        start = time.monotonic()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path} answered {answer.status}")
        if run >= 2:
            found.append((time.monotonic() - start) * 1000)
    connection.close()
    return found


def spent(gallery: Gallery) -> float:
    """Return the milliseconds of processor time that the gallery's processes have used so far."""
    total = 0.0
    for process in gallery.part(""):
        with suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:2])
    return total * 1000


def deep(gallery: Gallery, pages: int) -> str:
    """Return the address of a page far down, reached by its links."""
    address = "/api/v1/models?limit=100&sort=downloads"
    for _page in range(pages):
        following = gallery.call("GET", address)["next"]
        if not following:
            break
        address = following.removeprefix(gallery.url)
    return address


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    with running() as gallery:
        gallery.manage("shell", "-c", FILL.format(count=options.assets))
        viewers = {"visitor": {}, "member": {"Cookie": f"sessionid={session(gallery)}"}}
        pages = [*PAGES, ("REST, 60 pages down", deep(gallery, 60))]
        rows = []
        for name, path in pages:
            for viewer, headers in viewers.items():
                before = spent(gallery)
                times = timed(gallery, path, headers, options.runs)
                work = (spent(gallery) - before) / (options.runs + 2)
                rows.append((name, viewer, f"{statistics.median(times):.0f}", f"{max(times):.0f}", f"{work:.0f}"))
        table(f"{options.assets} models, milliseconds", rows, ("page", "viewer", "median", "most", "work"))


def session(gallery: Gallery) -> str:
    """Return the key of a signed-in session of the user `bench`."""
    code = (
        "from django.contrib.auth import BACKEND_SESSION_KEY as B, HASH_SESSION_KEY as H, SESSION_KEY as S\n"
        "from django.contrib.sessions.backends.db import SessionStore\n"
        "from accounts.models import User\n"
        "user, store = User.objects.get(handle='bench'), SessionStore()\n"
        "store.update({S: str(user.pk), B: 'accounts.authentication.AccountBackend', H: user.get_session_auth_hash()})\n"
        "store.save()\n"
        "print(store.session_key)"
    )
    return gallery.manage("shell", "-v", "0", "-c", code).strip().splitlines()[-1]


if __name__ == "__main__":
    main()
