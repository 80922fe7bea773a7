"""Emptying the database after a test that commits: what the first start wrote comes back as it was, and only what a test touched is written.

Django's own `flush` truncates every table and then makes content types, permissions and vocabularies anew: a hundred and sixty statements.
"""

from django.db import connection
from django.test import TransactionTestCase

KEPT = "kept"
"""Schema with a copy of each table that is not empty after the first start."""


def remember() -> None:
    """Keep what the tables hold now, and let every later test that commits end with it."""
    names = [name for name in connection.introspection.table_names() if name != "django_migrations"]
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {KEPT} CASCADE; CREATE SCHEMA {KEPT}")
        kept = _filled(cursor, names)
        for name in kept:
            cursor.execute(f'CREATE TABLE {KEPT}."{name}" AS SELECT * FROM public."{name}"')
        columns = {name: _columns(cursor, name) for name in kept}

    def restore(_case: TransactionTestCase) -> None:
        with connection.cursor() as cursor:
            # As a replica neither foreign keys nor triggers of the audit log are looked at.
            statements = ["SET session_replication_role = replica"]
            statements += [f'DELETE FROM public."{name}"' for name in _filled(cursor, names)]
            statements += [
                f'INSERT INTO public."{name}" ({given}) OVERRIDING SYSTEM VALUE SELECT {given} FROM {KEPT}."{name}"'
                for name, given in columns.items()
            ]
            cursor.execute("; ".join([*statements, "SET session_replication_role = DEFAULT"]))

    TransactionTestCase._fixture_teardown = restore  # type: ignore[method-assign]


def _filled(cursor: object, names: list[str]) -> list[str]:
    asked = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM public.\"{name}\")" for name in names)
    cursor.execute(asked)  # type: ignore[attr-defined]
    return [name for (name,) in cursor.fetchall()]  # type: ignore[attr-defined]


def _columns(cursor: object, name: str) -> str:
    """Return the columns of a table that are written, not computed."""
    cursor.execute(  # type: ignore[attr-defined]
        "SELECT string_agg(format('%%I', attname), ', ' ORDER BY attnum) FROM pg_attribute"
        " WHERE attrelid = format('public.%%I', %s::text)::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        [name],
    )
    (found,) = cursor.fetchone()  # type: ignore[attr-defined]
    return str(found)
