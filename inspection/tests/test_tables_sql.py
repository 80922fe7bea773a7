import pyarrow as pa
import pytest

from inspection import isolation
from inspection.files import Unreadable
from inspection.tables.sql import Result, SqlLimits, run_sql, table_names
from inspection.tests.copies import MEDIA, column, copy, integer, number, text


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("splits")
    media = pa.array([{"file": "a.png", "start": None, "size": 3, "bytes": b"abc"}, None, None], MEDIA)
    train = [
        integer("id", [1, 2, 3]),
        text("name", ["a", "电机", None]),
        number("score", [0.5, 1.5, float("nan")]),
        (column("image", "image"), media),
    ]
    return {
        "train": copy(folder / "train", train, part=2),
        "test": copy(folder / "test", [integer("id", [2, 3, 4]), text("name", ["x", "y", "z"])]),
        "many": copy(folder / "many", [integer("id", range(20_000)), text("t", [f"{i:050}" for i in range(20_000)])], part=8000),
    }


def asked(splits, sql, **limits):
    return run_sql(splits, sql, SqlLimits(**limits))


def test_answer_has_columns_with_types_and_rows(splits):
    found = asked(splits, "SELECT id, name, score FROM train WHERE id > 1 ORDER BY id")
    assert found == Result(
        [{"name": "id", "type": "BIGINT"}, {"name": "name", "type": "VARCHAR"}, {"name": "score", "type": "DOUBLE"}],
        [[2, "电机", 1.5], [3, None, "NaN"]], False, found.seconds,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("select count(*) from train", [[3]]),
        ("SELECT t.name, e.name FROM train t JOIN test e USING (id) ORDER BY id", [["电机", "x"], [None, "y"]]),
        ("WITH x AS (SELECT max(id) m FROM many) SELECT m FROM x", [[19_999]]),
        ("FROM test SELECT sum(id);", [[9]]),
        ("VALUES (1, 'a')", [[1, "a"]]),
        ('-- how many\nSELECT count(*) /* all */ FROM "train"', [[3]]),
        ("SELECT range FROM range(3)", [[0], [1], [2]]),
        ("SELECT unnest([1, 2])", [[1], [2]]),
        ("WITH RECURSIVE r AS (SELECT 1 i UNION ALL SELECT i + 1 FROM r WHERE i < 3) SELECT i FROM r ORDER BY i", [[1], [2], [3]]),
        ("SELECT id FROM train UNION SELECT id FROM test ORDER BY ALL", [[1], [2], [3], [4]]),
        ("SELECT image.size, image.file FROM train ORDER BY id LIMIT 1", [[3, "a.png"]]),
        ("SELECT count(DISTINCT t) FILTER (id % 2 = 0) FROM many", [[10_000]]),
        ("SELECT row_number() OVER (ORDER BY id DESC) FROM test", [[1], [2], [3]]),
        ("SELECT 1; ;", [[1]]),
        ("SHOW TABLES", [["many"], ["test"], ["train"]]),
        ("SELECT name FROM TRAIN WHERE name ILIKE '%A%'", [["a"]]),
    ],
)
def test_statements_that_read(splits, sql, rows):
    assert asked(splits, sql).rows == rows


def test_columns_are_described_without_the_hidden_ones_and_the_bytes(splits):
    assert [row[:2] for row in asked(splits, "DESCRIBE train").rows] == [
        ["id", "BIGINT"], ["name", "VARCHAR"], ["score", "DOUBLE"], ["image", 'STRUCT(file VARCHAR, "start" BIGINT, size BIGINT)']
    ]  # fmt: skip
    assert [row[0] for row in asked(splits, "SUMMARIZE test").rows] == ["id", "name"]


def test_plans_are_explained(splits):
    for sql in ("EXPLAIN SELECT id FROM train", "explain analyze SELECT id FROM train", "/* x */ EXPLAIN\nFROM train"):
        (row,) = asked(splits, sql).rows
        plan = row[1]["text"] if isinstance(row[1], dict) else row[1]
        assert "Scan" in plan


def test_values_of_every_type_are_told(splits):
    sql = """SELECT 170141183460469231731687303715884105727::HUGEINT, 9007199254740993, 'inf'::DOUBLE, 1.50::DECIMAL(10, 2), [1, NULL], {'a': 'b'},
        MAP {'k': 1}, '\\xAA\\xBB'::BLOB, DATE '2025-11-03', TIME '08:30', TIMESTAMP '290000-01-01', TIMESTAMPTZ '2025-11-03 08:30+02', NULL, true,
        repeat('x', 1001), '550e8400-e29b-41d4-a716-446655440000'::UUID"""
    (row,) = asked(splits, sql).rows
    assert row[1:6] == ["9007199254740993", "inf", "1.50", "[1, null]", '{"a": "b"}']
    assert row[7:10] == [{"bytes": "aabb", "length": 2}, "2025-11-03", "08:30:00"]
    assert row[11:15] == ["2025-11-03T06:30:00Z", None, True, {"text": "x" * 1000, "length": 1001}]


def test_answer_ends_at_a_thousand_rows(splits):
    found = asked(splits, "SELECT id FROM many ORDER BY id")
    assert (found.truncated, len(found.rows), found.rows[-1]) == (True, 1000, [999])
    whole = asked(splits, "SELECT id FROM many WHERE id < 1000")
    assert (whole.truncated, len(whole.rows)) == (False, 1000)
    assert asked(splits, "SELECT id FROM many", rows=5).truncated


def test_answer_ends_at_its_size(splits):
    found = asked(splits, "SELECT repeat('x', 900) FROM many", size=10_000)
    assert (found.truncated, len(found.rows)) == (True, 11)


def test_table_names_need_no_quotes():
    assert table_names([("default", "train"), ("default", "test")]) == ["train", "test"]
    assert table_names([("en", "train"), ("zh", "train")]) == ["en_train", "zh_train"]
    assert table_names([("d", "a-b"), ("d", "a.b"), ("d", "A_B"), ("d", "1")]) == ["a_b", "a_b_2", "A_B_3", "_1"]


REFUSED = ("sql_refused",)
NOT_READING = ("sql_not_reading",)
ATTACKS = [
    # What is not one statement that reads.
    ("", ("sql_empty",)),
    (" ; ", ("sql_empty",)),
    ("-- nothing", ("sql_empty",)),
    ("SELECT 1; SELECT 2", ("sql_several",)),
    ("SELECT 1; DROP TABLE train", ("sql_several",)),
    ("EXPLAIN SELECT 1; DROP TABLE train", ("sql_several",)),
    ("DROP TABLE train", NOT_READING),
    ("DROP VIEW train", NOT_READING),
    ("DELETE FROM train", NOT_READING),
    ("UPDATE train SET id = 1", NOT_READING),
    ("INSERT INTO train VALUES (1)", NOT_READING),
    ("CREATE TABLE x AS FROM range(10)", NOT_READING),
    ("CREATE MACRO f() AS 1", NOT_READING),
    ("CREATE SECRET s (TYPE s3)", NOT_READING),
    ("WITH t AS (INSERT INTO train VALUES (1) RETURNING *) SELECT * FROM t", NOT_READING),
    ("WITH t AS MATERIALIZED (DELETE FROM train RETURNING *) SELECT * FROM t", NOT_READING),
    ("EXPLAIN ANALYZE DELETE FROM train", NOT_READING),
    ("EXPLAIN ANALYZE COPY train TO '/tmp/x'", NOT_READING),
    ("COPY train TO '/tmp/out.csv'", NOT_READING),
    ("COPY (SELECT 1) TO '/dev/stdout'", NOT_READING),
    ("EXPORT DATABASE '/tmp/x'", NOT_READING),
    ("IMPORT DATABASE '/tmp/x'", NOT_READING),
    ("ATTACH '/etc/passwd' AS x", NOT_READING),
    ("ATTACH ':memory:' AS x", NOT_READING),
    ("INSTALL httpfs", NOT_READING),
    ("LOAD '/tmp/x.duckdb_extension'", NOT_READING),
    ("PRAGMA version", NOT_READING),
    ("PRAGMA enable_profiling", NOT_READING),
    ("SET lock_configuration = false", NOT_READING),
    ("SET enable_external_access = true", NOT_READING),
    ("RESET memory_limit", NOT_READING),
    ("SET VARIABLE x = 1", NOT_READING),
    ("CALL pragma_version()", NOT_READING),
    ("CALL enable_logging()", NOT_READING),
    ("PREPARE p AS SELECT 1", NOT_READING),
    ("EXECUTE p", NOT_READING),
    ("USE memory", NOT_READING),
    ("BEGIN TRANSACTION", NOT_READING),
    ("CHECKPOINT", NOT_READING),
    ("VACUUM", NOT_READING),
    ("COMMENT ON VIEW train IS 'x'", NOT_READING),
    # Files, network, extensions, the process.
    ("SELECT * FROM read_text('/etc/passwd')", REFUSED),
    ("SELECT * FROM read_blob('/proc/self/environ')", REFUSED),
    ("SELECT * FROM read_csv('/etc/passwd')", REFUSED),
    ("SELECT * FROM read_parquet('/proc/self/fd/3')", REFUSED),
    ("SELECT * FROM parquet_metadata('/dev/fd/4')", REFUSED),
    ("SELECT * FROM sniff_csv('/etc/passwd')", REFUSED),
    ("SELECT * FROM glob('/*')", REFUSED),
    ("SELECT (SELECT content FROM read_text('/etc/passwd'))", REFUSED),
    ("DESCRIBE SELECT * FROM read_csv('/etc/passwd')", REFUSED),
    ("SUMMARIZE SELECT * FROM read_csv('/etc/passwd')", REFUSED),
    ("EXPLAIN SELECT * FROM read_csv('/etc/passwd')", REFUSED),
    ("SELECT * FROM query('SELECT 1')", REFUSED),
    ("SELECT * FROM query_table('train')", REFUSED),
    ("SELECT * FROM json_execute_serialized_sql('{}')", REFUSED),
    ("SELECT * FROM arrow_scan(1::UBIGINT, 2::UBIGINT, 3::UBIGINT)", REFUSED),
    ("SELECT * FROM pandas_scan(140000000000)", REFUSED),
    ("SELECT * FROM python_map_function((SELECT 1))", REFUSED),
    ("SELECT * FROM duckdb_settings()", REFUSED),
    ("SELECT * FROM duckdb_secrets()", REFUSED),
    ("SELECT * FROM enable_logging('x')", REFUSED),
    ("SELECT * FROM READ_TEXT('/etc/passwd')", REFUSED),
    ("SELECT * FROM \"read_text\"('/etc/passwd')", REFUSED),
    ("SELECT * FROM system.main.read_text('/etc/passwd')", REFUSED),
    ("SELECT getenv('HOME')", REFUSED),
    ("SELECT current_setting('home_directory')", REFUSED),
    ("SELECT write_log('x')", REFUSED),
    ("SELECT pg_sleep(100)", REFUSED),
    ("SELECT * FROM '/etc/passwd'", ("sql_refused", "sql_failed")),
    ("SELECT * FROM 'data.parquet'", REFUSED),
    ('SELECT * FROM "/proc/self/fd/4.parquet"', REFUSED),
    ("SELECT * FROM 'https://example.com/x.parquet'", REFUSED),
    ("SELECT * FROM 's3://bucket/x.csv'", REFUSED),
    # Names of the Python around it.
    ("SELECT * FROM inputs", ("sql_failed",)),
    ("SELECT * FROM tables", ("sql_failed",)),
    ("SELECT * FROM CONNECTION", ("sql_failed",)),
    ("SELECT __row FROM train", ("sql_failed",)),
    # What is no SQL.
    ("SELEC 1", ("sql_syntax",)),
    ("SELECT 'open", ("sql_syntax",)),
    ("SELECT \x00 1", ("sql_syntax", "sql_failed")),
    ("SELECT nothing FROM train", ("sql_failed",)),
    ("SELECT 'x'::INTEGER", ("sql_failed",)),
]

HEAVY = [
    # What would never end, or never fit.
    ("SELECT count(*) FROM range(100000000000)", ("sql_out_of_time",)),
    ("SELECT count(*) FROM many a, many b, many c WHERE a.id + b.id + c.id = 7", ("sql_out_of_time",)),
    (
        "SELECT max(i) FROM (WITH RECURSIVE r AS (SELECT 1 i UNION ALL SELECT i + 1 FROM r) SELECT i FROM r)",
        ("sql_out_of_time", "sql_out_of_memory"),
    ),
    ("SELECT sum(hash(repeat(t, 1000))) FROM many a, range(100000)", ("sql_out_of_time",)),
    ("SELECT length(repeat('x', 1000000000))", ("sql_out_of_memory",)),
    ("SELECT repeat(repeat('x', 1000000), 1000000)", ("sql_out_of_memory", "sql_failed")),
    ("SELECT list(range) FROM range(1000000000)", ("sql_out_of_memory",)),
    ("SELECT range(1000000000)", ("sql_out_of_memory", "sql_failed")),
    ("SELECT string_agg(t, '') FROM many, range(10000)", ("sql_out_of_memory", "sql_out_of_time")),
    ("SELECT * FROM range(100000000) ORDER BY hash(range)", ("sql_out_of_memory", "sql_out_of_time")),
    ("SELECT DISTINCT a.id * 20000 + b.id FROM many a, many b", ("sql_out_of_memory", "sql_out_of_time")),
    ("SELECT lpad('', 2000000000, 'x')", ("sql_out_of_memory", "sql_out_of_time", "sql_failed")),
    ("SELECT regexp_matches('x', '((((((((((x{1000}){1000}){1000})))))))')", ("sql_failed", "sql_out_of_memory")),
    ("SELECT " + "(" * 9000 + "1" + ")" * 9000, ("sql_syntax", "sql_failed", "sql_crashed")),
    ("SELECT " + "-" * 1 + "+".join(["1"] * 9000), ("sql_syntax", "sql_failed", "sql_crashed", "sql_refused")),
    ("SELECT " + "[" * 900 + "]" * 900, ("sql_syntax", "sql_failed", "sql_crashed", "sql_out_of_memory")),
    ("SELECT " + "NOT " * 4900 + "true", ("sql_syntax", "sql_failed", "sql_crashed")),
    ("SELECT * FROM " + "(SELECT * FROM " * 1200 + "train" + ")" * 1200, ("sql_syntax", "sql_failed", "sql_crashed", "sql_out_of_memory")),
]


@pytest.fixture(scope="module")
def codes(splits):
    """What becomes of each attack, all in one confined process."""
    with splits["train"].parts[0].open() as file:
        arguments = {"statements": [sql for sql, _codes in ATTACKS], "columns": list(splits["train"].columns)}
        return isolation.run("inspection.tests.statements:outcomes", arguments, inputs=[file])


@pytest.mark.parametrize("number", range(len(ATTACKS)))
def test_statement_is_refused(codes, number):
    sql, expected = ATTACKS[number]
    assert codes[number] in expected, sql


@pytest.mark.parametrize(("sql", "codes"), HEAVY, ids=[sql[:40] for sql, _codes in HEAVY])
def test_statement_is_bounded(splits, sql, codes):
    with pytest.raises(Unreadable) as caught:
        asked(splits, sql, seconds=1)
    assert caught.value.code in codes, caught.value.facts


def test_refusals_are_the_same_from_outside(splits):
    for sql, code in (
        ("", "sql_empty"),
        ("x" * 20_001, "sql_too_long"),
        ("DROP TABLE train", "sql_not_reading"),
        ("SELECT * FROM glob('/*')", "sql_refused"),
    ):
        with pytest.raises(Unreadable) as caught:
            asked(splits, sql)
        assert caught.value.code == code


def test_engine_says_what_it_does_not_understand(splits):
    with pytest.raises(Unreadable) as caught:
        asked(splits, "SELECT nmae FROM train")
    assert caught.value.facts["message"].startswith('Referenced column "nmae" not found')


def test_regular_expressions_take_linear_time(splits):
    assert asked(splits, "SELECT regexp_matches(repeat('a', 100000), '(a*)*b')", seconds=2).rows == [[False]]


def test_half_a_character_is_no_failure(splits):
    assert asked(splits, "SELECT '\ud800'").rows == [["?"]]


def test_limits_are_named(splits):
    with pytest.raises(Unreadable) as caught:
        asked(splits, "SELECT count(*) FROM range(100000000000)", seconds=1)
    assert (caught.value.code, caught.value.facts) == ("sql_out_of_time", {"limit": 1})


def test_confined_process_does_without_pandas():
    assert isolation.run("inspection.tests.statements:libraries", {}) == {"pyarrow": True, "duckdb": True, "pandas": False}
