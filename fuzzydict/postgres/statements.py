"""The SQL of a dictionary on a PostgreSQL server.

- ``NAME``: the values, and the order of the keys. A key is found by its digest, because a key of
  10,000 characters is too long for an index.
- ``NAME_near_G``: the keys, as bytes, because text in PostgreSQL has no NUL, and their vectors. The
  last numbers of a vector are those of the projection that `fit` learned. A fit therefore creates
  the table of the next generation G and drops this one: a client that does not know of it gets an
  error, reads the learned state again, and never mixes vectors of two kinds.
- ``NAME_words``: how many keys have a word, by its hash. Writers append and never wait for each
  other; now and then the counts of a word are summed.
- ``NAME_corrections`` and ``NAME_meta``: the learned state, with a version.
"""

# Schema.

# pg_class, because to_regclass may return what was true before a lock was acquired.
EXISTS = "SELECT EXISTS (SELECT FROM pg_class WHERE relname = %s AND pg_table_is_visible(oid))"
CREATE = """
CREATE SEQUENCE {place};
CREATE TABLE {items} (
    digest bytea PRIMARY KEY, place bigint NOT NULL, value text NOT NULL
) {partitioning};
CREATE INDEX ON {items} (place);
CREATE TABLE {words} (word bigint NOT NULL, keys bigint NOT NULL);
CREATE INDEX ON {words} (word) INCLUDE (keys);
CREATE TABLE {corrections} (
    digest bytea PRIMARY KEY, place bigint NOT NULL, query bytea NOT NULL, key bytea
);
CREATE TABLE {meta} (
    format int NOT NULL, partitions int NOT NULL, width int NOT NULL, embedder text NOT NULL,
    version bigint NOT NULL, generation int NOT NULL, tail int NOT NULL,
    learned text NOT NULL, projection text
)"""
INSERT_META = "INSERT INTO {meta} VALUES (%s, %s, %s, %s, 1, 1, 0, %s, NULL)"
META = "SELECT format, partitions, width, embedder FROM {meta}"
CREATE_VECTORS = """
CREATE TABLE {vectors} (
    digest bytea PRIMARY KEY, key bytea NOT NULL,
    near halfvec({width}) NOT NULL, scale real NOT NULL, tail real
) {partitioning}"""
CREATE_PARTITION = (
    "CREATE TABLE {part} PARTITION OF {whole} FOR VALUES WITH (MODULUS {n}, REMAINDER {i})"
)
PARTITIONING = "PARTITION BY HASH (digest)"
CREATE_GRAPH = "CREATE INDEX IF NOT EXISTS {graph} ON {vectors} USING hnsw (near halfvec_ip_ops)"
DROP_GRAPH = "DROP INDEX IF EXISTS {graph}"
DROP_VECTORS = "DROP TABLE {vectors}"
DROP = "DROP TABLE {items}, {vectors}, {words}, {corrections}, {meta}; DROP SEQUENCE {place}"

# Exact reads.

VALUE = "SELECT value FROM {items} WHERE digest = %b"
VALUES = "SELECT digest, value FROM {items} WHERE digest = ANY(%b::bytea[])"
CONTAINED = "SELECT digest FROM {items} WHERE digest = ANY(%b::bytea[])"
ITEMS = """
SELECT place, key, value FROM (
    SELECT * FROM {items} WHERE place > %s ORDER BY place LIMIT %s
) i JOIN {vectors} USING (digest) ORDER BY place"""
KEYS = """
SELECT place, key FROM (
    SELECT * FROM {items} WHERE place > %s ORDER BY place LIMIT %s
) i JOIN {vectors} USING (digest) ORDER BY place"""
LAST = """
SELECT key FROM (SELECT digest FROM {items} ORDER BY place DESC LIMIT 1) i
JOIN {vectors} USING (digest)"""
HAS_ITEMS = "SELECT EXISTS (SELECT FROM {items})"

# Candidates: the version of the learned state, the neighbours of each query, and required keys.

SEARCH = """
SELECT 0::bigint AS query, version, NULL::bytea, NULL::halfvec, NULL::real, NULL::real FROM {meta}
UNION ALL
SELECT q.i, 1, c.key, c.near, c.scale, c.tail
FROM unnest(%(vectors)b::halfvec[]) WITH ORDINALITY AS q (vector, i)
CROSS JOIN LATERAL ({search}) c
UNION ALL
SELECT r.i, 0, n.key, n.near, n.scale, n.tail
FROM unnest(%(required)b::bytea[], %(queries)b::bigint[]) AS r (digest, i)
JOIN {vectors} n USING (digest)"""
BY_GRAPH = "SELECT * FROM {vectors} ORDER BY near <#> q.vector LIMIT {n}"
# Adding 0 prevents the use of the graph.
BY_SCAN = "SELECT * FROM {vectors} ORDER BY (near <#> q.vector) + 0 LIMIT {n}"
AMONG = """SELECT * FROM {vectors} WHERE digest = ANY(%(among)b::bytea[])
ORDER BY (near <#> q.vector) + 0 LIMIT {n}"""
SMALLEST = "SELECT digest FROM {items} ORDER BY digest LIMIT %s"
VECTORS = "SELECT key, near, scale, tail FROM {vectors} WHERE digest = ANY(%b::bytea[])"
VECTOR_PAGE = """
SELECT digest, key, near, scale, tail FROM {vectors} WHERE digest > %b ORDER BY digest LIMIT %s"""

# Writes. All writers take keys in the order of their digests, so that no two wait for each other.
# The places of new keys follow the order of the items.

PUT = """
WITH new AS MATERIALIZED (
    SELECT *, nextval({sequence}) AS place FROM (SELECT * FROM {source} ORDER BY i) ordered
), put AS (
    INSERT INTO {items} (digest, place, value)
    SELECT digest, place, value FROM new ORDER BY digest
    ON CONFLICT (digest) {conflict}
    RETURNING digest
), made AS (
    INSERT INTO {vectors} (digest, key, near, scale, tail)
    SELECT digest, key, near, scale, tail FROM put JOIN new USING (digest) WHERE near IS NOT NULL
    ON CONFLICT (digest) DO NOTHING
    RETURNING digest
)
INSERT INTO {words} (word, keys)
SELECT word, count(*) FROM made JOIN new USING (digest), unnest(new.words) AS word GROUP BY word"""
REPLACE = "DO UPDATE SET value = excluded.value WHERE {items}.value <> excluded.value"
KEEP = "DO NOTHING"
ONE_ITEM = """(
    VALUES (0, %b::bytea, %b::bytea, %s::text, %b::halfvec, %s::real, %s::real, %b::bigint[])
) AS one (i, digest, key, value, near, scale, tail, words)"""
SET_VALUE = "UPDATE {items} SET value = %s WHERE digest = %b"
CREATE_STAGED = """
CREATE TEMPORARY TABLE IF NOT EXISTS {staged} (
    i int, digest bytea, key bytea, value text, near halfvec, scale real, tail real, words bigint[]
) ON COMMIT DELETE ROWS"""
COPY_STAGED = "COPY {staged} FROM STDIN (FORMAT BINARY)"
STAGED_TYPES = ["int4", "bytea", "bytea", "text", "halfvec", "float4", "float4", "int8[]"]
REMOVED_MEANWHILE = """
SELECT 1 FROM {staged} s WHERE near IS NULL
AND NOT EXISTS (SELECT FROM {vectors} n WHERE n.digest = s.digest) LIMIT 1"""
COPY_VECTORS = "COPY {vectors} (digest, key, near, scale, tail) FROM STDIN (FORMAT BINARY)"
VECTOR_TYPES = ["bytea", "bytea", "halfvec", "float4", "float4"]
REMOVE = """
WITH removed AS (
    DELETE FROM {items} WHERE digest = %b RETURNING digest, value
), cleaned AS (
    DELETE FROM {vectors} n USING removed r WHERE n.digest = r.digest RETURNING n.digest
), counted AS (
    INSERT INTO {words} (word, keys) SELECT word, -1 FROM cleaned, unnest(%b::bigint[]) AS word
)
SELECT value FROM removed"""
CLEAR = "TRUNCATE {items}, {vectors}, {words}"

# Document frequencies.

COUNTS = "SELECT word, sum(keys)::bigint FROM {words} WHERE word = ANY(%b::bigint[]) GROUP BY word"
SUM_COUNTS = """
WITH removed AS (DELETE FROM {words} WHERE {which} RETURNING word, keys)
INSERT INTO {words} SELECT word, sum(keys) FROM removed GROUP BY word HAVING sum(keys) <> 0"""

# The learned state.

LEARNED = "SELECT version, generation, tail, learned FROM {meta}"
LEARNED_LOCKED = f"{LEARNED} FOR UPDATE"
PROJECTION = "SELECT projection FROM {meta}"
PARTITIONS = "SELECT partitions FROM {meta}"
CORRECTIONS = "SELECT query, key FROM {corrections} ORDER BY place"
INCREMENT_VERSION = "UPDATE {meta} SET version = version + 1"
LEARN = """
INSERT INTO {corrections} (digest, place, query, key) VALUES (%s, nextval({sequence}), %s, %s)
ON CONFLICT (digest) DO UPDATE SET key = excluded.key"""
UNLEARN = "DELETE FROM {corrections} WHERE digest = %b"
SET_LEARNED = """
UPDATE {meta}
SET version = version + 1, generation = %s, tail = %s, learned = %s, projection = %s"""
LOCK_ITEMS = "LOCK TABLE {items} IN SHARE ROW EXCLUSIVE MODE"

# Checks, for tests.

CHECK = """
SELECT (
        SELECT count(*) FROM {items} FULL JOIN {vectors} USING (digest)
        WHERE place IS NULL OR near IS NULL
    ), (SELECT count(*) FROM {items}), (SELECT count(*) FROM (
        SELECT word FROM {words} GROUP BY word HAVING sum(keys) < 0
    ) negative)"""
VECTOR_TABLES = """
SELECT relname, format_type(atttypid, atttypmod) FROM pg_class JOIN pg_attribute ON attrelid = oid
WHERE starts_with(relname, %s) AND relkind IN ('r', 'p') AND NOT relispartition
AND pg_table_is_visible(oid) AND attname = 'near'"""
