"""A dictionary on a PostgreSQL server: what goes wrong there, and what several clients do at once.

What it does as any fuzzy mapping is in `test_fuzzy_mappings`.
"""

import importlib
import itertools
import multiprocessing
import os
import random
import re
import runpy
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import CountingEmbedder, count_letters
from test_fuzzy_mappings import agree

from fuzzydict import FuzzyDict

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")

from fuzzydict.learning import fit as fitting  # noqa: E402
from fuzzydict.model.embedders import EmbedderError  # noqa: E402
from fuzzydict.postgres import (  # noqa: E402
    LostConnectionError,
    PostgresFuzzyDict,
    frequencies,
)
from fuzzydict.postgres import pool as connections  # noqa: E402
from fuzzydict.postgres.pool import _require  # noqa: E402

CAR = {"color": "red", "top speed": 250, "battery": "80 kWh", "price": 49_000}
NUMBER = itertools.count()


@pytest.fixture
def name(server):
    """Return the name of a dictionary, to be removed."""
    name = f"cars {next(NUMBER)}"
    yield name
    for (table,) in server.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        if table.startswith(name):
            statement = psycopg.sql.SQL("DROP TABLE IF EXISTS {} CASCADE")
            server.run(statement.format(psycopg.sql.Identifier(table)).as_string())
    server.run(psycopg.sql.SQL("DROP SEQUENCE IF EXISTS {}").format(
        psycopg.sql.Identifier(f"{name}_place")).as_string())  # fmt: skip


@pytest.fixture
def connect(server, name):
    """Return a function that makes another client of the dictionary."""
    clients = []

    def connect(dsn=server.dsn, name=name, **options):
        clients.append(PostgresFuzzyDict(dsn, name, **options))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


def test_it_says_where_it_is(connect, name, server):
    assert repr(connect()) == f"<PostgresFuzzyDict {name!r} on 127.0.0.1:{server.port}>"


def test_a_forked_process_opens_connections_of_its_own(connect):
    car = connect(embedder=count_letters)
    car["color"] = "red"
    pool, inherited = car._connections._pool, list(car._connections._open)
    assert inherited
    car._connections.renew()
    assert car["colour"] == "red"
    assert not set(inherited) & set(car._connections._open)
    pool.close()
    for connection in inherited:
        connection.close()


def test_it_is_closed_by_a_with_statement(server, name):
    with PostgresFuzzyDict(server.dsn, name) as car:
        car["color"] = "red"
    with pytest.raises(psycopg.OperationalError, match="closed"):
        car["color"]


@pytest.mark.parametrize("odd", ['a"b', "x'; DROP TABLE pg_class; --", "{} {a}", "Größe", "a.b"])
def test_a_name_may_be_any_text(connect, odd):
    car = connect(name=odd)
    car.update(CAR)
    assert car["colour"] == "red"
    assert connect(name=odd) == CAR
    car.drop()


@pytest.mark.parametrize("bad", ["", "x" * 41, "ü" * 21, "a\0b", "50%", "a\ud800"])
def test_a_name_that_no_table_may_have_is_refused(connect, bad):
    with pytest.raises(ValueError, match=r"name|surrogates"):
        connect(name=bad)


def test_keys_and_values_that_cannot_be_held_are_refused_by_name(connect):
    car = connect()
    with pytest.raises(TypeError, match="must be a string, got 3"):
        car[3] = 1
    with pytest.raises(TypeError, match=r"'color' cannot be stored.*set"):
        car["color"] = {1, 2}
    with pytest.raises(TypeError, match="'price'"):
        car.update({"color": 1, "price": object()})
    with pytest.raises(TypeError, match="must be a string"):
        car.setdefault(None, 1)
    assert len(car) == 0


def test_what_one_client_does_all_see_at_once(connect):
    one, other = connect(), connect()
    one.update(CAR)
    assert other["colour"] == "red"
    del other["color"]
    assert one.get("colour") is None
    other["color"] = "green"
    assert one["colour"] == "green"
    one.learn("how dear", "price")
    assert other["how dear"] == 49_000
    other.unlearn("how dear")
    assert "how dear" not in one
    assert one.corrections == {}
    other.learn("a", "price")
    one.learn("b", "price")
    assert list(other.corrections) == ["a", "b"]


PAIRS = [
    *((query, "falcon") for query in [
        "refund my money", "charged twice", "the invoice is wrong", "cancel my payment",
        "tax on my bill", "wrong price on the receipt"]),
    *((query, "otter") for query in [
        "the app crashes", "error when I log in", "page does not load", "bug in the search",
        "it freezes at the start", "white screen after update"]),
    *((query, None) for query in ["what a nice day", "tell me a joke", "who won the game"]),
]  # fmt: skip


@pytest.mark.usefixtures("short_fits")
def test_a_client_that_does_not_know_of_a_fit_reads_and_writes_as_after_it(connect):
    one, other, third, fourth = (connect() for _ in range(4))
    one.update(falcon=1, otter=2)
    for client in (other, third, fourth):
        assert client["falcons"] == 1
    assert one.fit(PAIRS).fitted
    other["maple"] = 3
    assert fourth.pop("maple") == 3
    other.update(maple=3)
    assert list(third) == ["falcon", "otter", "maple"]
    for client in (one, other, third, fourth):
        assert client["an error in the app"] == 2
        assert client["maples"] == 3
    assert list(map(client.get, ["maples", "falcon"])) == [3, 1]
    other.unfit()
    assert "an error in the app" not in one
    assert one["otters"] == 2
    other.unfit()  # when there is nothing to undo
    third.clear()
    assert "otter" not in one
    one._check()


def test_a_dictionary_that_was_dropped_is_an_error(connect):
    one, other = connect(), connect()
    one.update(CAR)
    assert other["colour"] == "red"
    one.drop()
    with pytest.raises(psycopg.errors.UndefinedTable):
        other["colour"]


def test_a_table_that_is_missing_is_an_error(connect, server, name):
    car = connect()
    car.update(CAR)
    server.run(f'DROP TABLE "{name}_near_1"')
    for client in (car, connect()):
        with pytest.raises(psycopg.errors.UndefinedTable):
            client["colour"]


def test_another_embedder_is_refused(connect, counting):
    connect()["color"] = "red"
    with pytest.raises(ValueError, match="embedder 'default'"):
        connect(embedder=count_letters)["colour"]
    with pytest.raises(FileNotFoundError, match="no such model"):
        connect(embedder="no such model")


def test_a_failing_embedder_changes_nothing_and_may_come_back(connect):
    failing = []

    def moody(texts):
        if failing:
            raise OSError("the model is away")
        return count_letters(texts)

    one, other = connect(embedder=moody), connect(embedder=count_letters)
    one.update(CAR)
    assert one["Color"] == "red"
    other.learn("how dear", "price")
    failing.append(True)
    for call in (lambda: one["how dear"], lambda: one.update(new=1), lambda: one["colour"]):
        with pytest.raises(EmbedderError, match="the model is away"):
            call()
    assert one["color"] == "red"
    failing.clear()
    assert one["how dear"] == 49_000
    assert one == CAR


def test_another_number_of_partitions_is_refused(connect):
    connect(partitions=2)["color"] = "red"
    assert connect()["colour"] == connect(partitions=2)["colour"] == "red"
    for other in (1, 3):
        with pytest.raises(ValueError, match=f"has 2 partitions, not {other}"):
            connect(partitions=other)
    with pytest.raises(ValueError, match="partitions must be at least 1"):
        connect(partitions=0)


def test_tables_of_another_format_are_refused(connect, server, name):
    connect()
    server.run(f'UPDATE "{name}_meta" SET format = 9')
    with pytest.raises(RuntimeError, match=r"format 9; .* upgrade FuzzyDict"):
        connect()


@pytest.mark.filterwarnings("ignore:what fit learned was written by an older version")
@pytest.mark.parametrize("version", ["8c6bed1", "8fa112c"])
def test_tables_of_every_version_so_far_are_read(connect, server, name, version):
    dump = (Path(__file__).parent / "formats" / version / "postgres.sql").read_text("utf-8")
    connect()  # creates pgvector's types
    name = f"old_{name.replace(' ', '_')}"
    server.run(re.sub(r"\bformats(?=_|\b)", name, dump))
    d = connect(name=name, embedder=count_letters)
    assert dict(d.items()) == {"color": "red", "top speed": 250, "falcon": "ana", "otter": "bob"}
    assert (d["colour"], d["the boss"]) == ("red", "ana")
    d["falcon"] = "eve"
    assert d["the boss"] == "eve"
    d.learn("the chief", "otter")  # computes the vectors again, without what was fitted
    assert d["the chief"] == "bob"
    d._check()
    d.drop()


def test_vectors_that_are_too_wide_are_refused(connect):
    with pytest.raises(ValueError, match="4000 numbers"):
        connect(embedder=lambda texts: [[1.0] * 4000 for _ in texts])


def test_a_server_without_pgvector_is_an_error(server):
    server.run("CREATE ROLE guest LOGIN")
    server.run("CREATE DATABASE empty")
    dsn = server.dsn.replace("user=postgres", "user=guest").replace(
        "dbname=postgres", "dbname=empty"
    )
    with pytest.raises(RuntimeError, match=r"needs pgvector 0\.8\.4"):
        PostgresFuzzyDict(dsn, "cars")


def test_a_pgvector_that_is_not_on_the_search_path_is_an_error(server):
    server.run("CREATE DATABASE hidden")
    dsn = server.dsn.replace("dbname=postgres", "dbname=hidden")
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE SCHEMA others")
        connection.execute("CREATE EXTENSION vector SCHEMA others")
    with pytest.raises(RuntimeError, match="search_path"):
        PostgresFuzzyDict(dsn, "cars")
    found = PostgresFuzzyDict(f"{dsn} options='-c search_path=public,others'", "cars")
    with found as car:
        car.update(CAR)
        assert car["colour"] == "red"


def test_an_old_pgvector_is_an_error_that_names_both_versions():
    for good in ("0.8.4", "0.8.10", "0.10.0", "1.0", "1.0.0"):
        _require(good)
    for bad in ("0.7.4", "0.8.3", "0.8"):
        with pytest.raises(RuntimeError, match=rf"pgvector {bad}, and 0\.8\.4"):
            _require(bad)


def test_clients_that_begin_at_once_make_one_dictionary(connect):
    together = threading.Barrier(6)

    def begin():
        together.wait()
        connect()["color"] = "red"

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert connect() == {"color": "red"}


PAGE = Path(__file__).parents[1] / "docs/scaling.md"


def test_the_examples_of_the_documentation_run(server):
    dsn = "host=db.example.org dbname=shop user=ana"
    examples = [
        code
        for code in re.findall("```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
        if dsn in code
    ]
    assert len(examples) == 2
    for code in examples:
        exec(code.replace(dsn, server.dsn), {})
    PostgresFuzzyDict(server.dsn, "cars").drop()


# Many items.


def numbered(count):
    return {f"key number {i} {i % 97:b}": i for i in range(count)}


def test_an_interrupted_load_goes_on_and_embeds_no_key_twice(connect):
    items, counting = numbered(5000), CountingEmbedder()
    car = connect(embedder=counting)
    counting.texts.clear()

    def broken():
        yield from itertools.islice(items.items(), 4500)
        raise OSError("the source is gone")

    with pytest.raises(OSError, match="the source"):
        car.update(broken())
    assert len(car) == 4000  # whole parts, or nothing of them
    assert car["key number 17-10001"] == 17  # without a graph too
    car.update(items)
    written = [text for text in counting.texts if text in items]
    assert sorted(written) == sorted(items)
    assert list(car.items()) == list(items.items())
    assert car[f"KEY-number-4321-{4321 % 97:b}"] == 4321
    car.update({key: -value for key, value in items.items()})
    assert list(car.values()) == [-value for value in items.values()]
    assert len([text for text in counting.texts if text in items]) == len(items)
    car._check()


def test_more_keys_than_the_graph_proposes_are_found(connect):
    car = connect(embedder=count_letters)
    car.update(numbered(3000))
    memory = FuzzyDict(numbered(3000), embedder=count_letters, index="exact")
    found, expected = car.attend("key number 3", n=2000), memory.attend("key number 3", n=2000)
    assert found.weights.keys() == expected.weights.keys()


def test_queries_of_a_batch_have_the_candidates_that_they_have_alone(connect):
    car = connect(embedder=count_letters)
    car.update(numbered(1500))
    car.learn("the first one", "key number 1 1")
    queries = ["key nmber 3", "the first", "keys number 99", "something else", "kye numer 7 111"]
    rankers = list(car._rankers.rankers_for(queries))
    for query, ranker in zip(queries, rankers, strict=True):
        (alone,) = car._rankers.rankers_for([query])
        assert set(ranker.entries.keys()) == set(alone.entries.keys())
    assert len(set().union(*(ranker.entries.keys() for ranker in rankers))) > 2 * len(rankers[0])
    together = car.match_many(queries, cutoff=0)
    agree(together, [car.match(query, cutoff=0) for query in queries])
    for query, weights in zip(queries, car.attend(queries), strict=True):
        assert weights.weights == car.attend(query).weights


def test_an_embedder_may_read_the_dictionary(connect):
    clients, reading = [], []

    def encode(texts):
        if clients and not reading:
            reading.append(True)
            assert clients[0]["Color"] == "red"
            reading.clear()
        return count_letters(texts)

    # With one connection none may be in use, and no lock be held, while texts are embedded.
    car = connect(embedder=encode, pool_size=1, timeout=5)
    car.update(CAR)
    clients.append(car)
    car["doors"] = 5
    car.update(wheels=4)
    car.learn("how dear", "price")
    assert car["how dear"] == 49_000
    assert car.match_many(["colour", "batery"])[0].key == "color"
    car.calibrate([("hue", "color")])
    car._check()


def test_a_key_that_goes_while_others_are_loaded_is_written_all_the_same(connect):
    other = connect(embedder=count_letters)

    def removing(texts):
        if "new" in texts:
            other.pop("old", None)
        return count_letters(texts)

    car = connect(embedder=removing)
    car["old"] = 1
    car.update(new=2, old=3)
    assert dict(car) == {"new": 2, "old": 3}
    car._check()


def test_a_key_that_goes_meanwhile_is_no_answer(connect):
    other = connect(embedder=count_letters)
    gone = []

    def removing(texts):
        if list(texts) == ["colour"] and not gone:
            gone.append(other.pop("color"))
        return count_letters(texts)

    car = connect(embedder=removing)
    car.update(CAR)
    assert car.get("colour", "?") in ("?", *CAR.values())
    assert gone == ["red"]


def test_numbers_of_words_are_added_up(connect, server, name, monkeypatch):
    monkeypatch.setattr(frequencies, "SUM_PROBABILITY", 1.0)
    car = connect()
    for i in range(20):
        car[f"big car {i}"] = i
    for i in range(10):
        del car[f"big car {i}"]
    ((rows, words),) = server.run(f'SELECT count(*), count(DISTINCT word) FROM "{name}_words"')
    assert rows == words == 13  # "big", "car", ten numbers, and one for all
    car._check()


def test_numbers_of_words_that_another_adds_up_are_left_to_it(connect, server, name, monkeypatch):
    monkeypatch.setattr(frequencies, "SUM_PROBABILITY", 1.0)
    car = connect()
    with psycopg.connect(server.dsn) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [car._database.lock_number("words")])
        car["car 1"] = car["car 2"] = 1
    ((rows, words),) = server.run(f'SELECT count(*), count(DISTINCT word) FROM "{name}_words"')
    assert (rows, words) == (6, 4)
    car._check()


def test_the_sample_of_keys_follows_writes(connect):
    items = {f"{word} {i}": i for i in range(100) for word in ("car", "road")}
    car = connect(embedder=count_letters)
    car.update(items)
    memory = FuzzyDict(items, embedder=count_letters)
    for _ in range(2):
        agree(car.matches("roads 7", cutoff=0), memory.matches("roads 7", cutoff=0))
        for mapping in (car, memory):
            for i in range(0, 100, 2):
                mapping.pop(f"road {i}", None)


def test_keys_that_were_removed_hide_no_others(connect):
    items = numbered(3000)
    car, left = connect(), dict(list(items.items())[2900:])
    car.update(items)
    for key in itertools.islice(items, 2900):
        del car[key]
    memory = FuzzyDict(left)
    for query in ["key nmber 2999", "kye number 2950", "something else"]:
        agree(car.matches(query, 20, cutoff=0), memory.matches(query, 20, cutoff=0))


# Many writers.


def write(dsn, name, keys, mark):
    with PostgresFuzzyDict(dsn, name) as car:
        for key in keys:
            car[key] = mark
            if mark == 1 and key.endswith("7"):
                del car[key]
        car.update({f"{key} again": mark for key in keys})


def test_two_processes_that_write_lose_nothing(connect, server, name):
    car = connect()
    keys = [f"shared key {i}" for i in range(100)]
    orders = keys, keys[::-1]
    run = multiprocessing.get_context("spawn").Process
    both = [
        run(target=write, args=(server.dsn, name, [*order, f"own {mark}"], mark))
        for mark, order in enumerate(orders)
    ]
    for process in both:
        process.start()
    for process in both:
        process.join()
        assert process.exitcode == 0
    found = dict(car)
    assert {key for key in keys if key not in found} <= {key for key in keys if key.endswith("7")}
    assert {"own 0", "own 1", *(f"{key} again" for key in keys)} <= found.keys()
    assert car["shared key 42 agian"] in (0, 1)
    car._check()


def test_threads_read_and_write_at_once(connect):
    car = connect(pool_size=4)
    car.update(CAR)
    failed = []

    def work(number):
        try:
            for i in range(15):
                car[f"wheel {number} {i}"] = i
                assert car[f"Wheel-{number}-{i}"] == i
                assert car["colour"] == "red"
                assert car.pop(f"wheel {number} {i}") == i
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert car == CAR
    car._check()


@pytest.mark.usefixtures("short_fits")
def test_writers_lose_nothing_while_others_fit(connect):
    one, other = connect(), connect()
    one.update(falcon=1, otter=2)
    writer = Writer(other)
    writer.start()
    for _ in range(2):
        writer.wait_for(10)
        assert one.fit(PAIRS).fitted
        writer.wait_for(10)
        one.unfit()
    writer.end()
    assert dict(one) == {"falcon": 1, "otter": 2} | writer.acknowledged
    assert one["key  7"] == 7
    one._check()


def test_threads_that_pop_get_each_item_once(connect):
    items, found = {f"key {i}": i for i in range(120)}, []
    car = connect()
    car.update(items)

    def work():
        while True:
            try:
                found.append(car.popitem())
            except KeyError:
                return

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(items)
    assert dict(found) == items
    car._check()


def test_of_two_that_set_a_default_one_wins(connect):
    clients, found = [connect() for _ in range(4)], []
    together = threading.Barrier(4)

    def work(number):
        together.wait()
        found.append(clients[number].setdefault("color", number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [clients[0]["color"]] * 4


# Many teachers.

FEW = [
    *((f"{word} my bill", "falcon") for word in ("pay", "print")),
    *((f"{word} the crash", "otter") for word in ("report", "fix")),
]


@pytest.fixture
def tiny_fits(monkeypatch):
    """Let a fit take a few milliseconds, and always change the dictionary."""
    monkeypatch.setattr(fitting, "_STEPS", 1)
    monkeypatch.setattr(fitting, "_FOLDS", 2)
    monkeypatch.setattr(fitting, "_RANK", 4)
    monkeypatch.setattr(fitting, "_MIN_GAIN", -1e6)
    monkeypatch.setattr(fitting, "_LEAST_GAIN", -1e6)


@pytest.fixture
def pair(connect):
    """Return two clients of a small dictionary."""
    one, other = connect(embedder=count_letters), connect(embedder=count_letters)
    one.update(falcon=1, otter=2, maple=3)
    assert other["falcon"] == 1
    return one, other


def before_writing(client, call):
    """Make ``call()`` once, just before the next teaching of the client is written."""
    lessons = client._lessons

    def first(write):
        def written(*args, **options):
            forget(client)
            call()
            return write(*args, **options)

        return written

    lessons.update, lessons._change = first(lessons.update), first(lessons._change)


def forget(client):
    """Undo `before_writing`, if that is still to come."""
    for name in ("update", "_change"):
        vars(client._lessons).pop(name, None)


def learned(client):
    return client._lessons.refresh().learned


def is_sound(client, number=itertools.count()):  # noqa: B008
    client._check()
    key = f"new {next(number)}"
    client[key] = 1
    assert client.pop(key) == 1


MORE = [("falcn", "falcon"), ("otte", "otter"), ("zzz", None)]


@pytest.mark.usefixtures("tiny_fits")
def test_a_calibration_that_meets_a_fit_is_refused(pair):
    one, other = pair
    before_writing(one, lambda: other.fit(FEW))
    with pytest.raises(ValueError, match="unfit"):
        one.calibrate(MORE)
    assert learned(one).projection is not None
    is_sound(one)
    other.unfit()
    one.calibrate(MORE)
    is_sound(other)


@pytest.mark.usefixtures("tiny_fits")
def test_an_unfit_by_a_client_that_does_not_know_of_the_fit_undoes_it(pair):
    one, other = pair
    before_writing(one, lambda: other.fit(FEW))
    one.unfit()
    assert learned(one).projection is None
    is_sound(other)
    one.fit(FEW)
    before_writing(one, other.unfit)
    assert one.fit(FEW).fitted
    assert learned(other).projection is not None
    is_sound(other)


@pytest.mark.usefixtures("tiny_fits")
def test_lessons_and_fits_do_not_undo_each_other(pair):
    one, other = pair
    before_writing(one, lambda: other.fit(FEW))
    one.learn("the bird", "falcon")
    assert learned(other).projection is not None
    before_writing(one, lambda: other.learn("the tree", "maple"))
    one.fit(FEW)
    before_writing(one, lambda: other.unlearn("the bird"))
    one.unfit()
    assert one.corrections == other.corrections == {"the tree": "maple"}
    is_sound(other)


@pytest.mark.usefixtures("tiny_fits")
def test_of_two_fits_the_later_one_stays(pair):
    one, other = pair
    before_writing(one, lambda: other.fit(MORE))
    one.fit(FEW)
    fitted = learned(other)
    is_sound(other)
    one.fit(FEW)
    assert list(learned(one).projection.residuals) == list(fitted.projection.residuals)


@pytest.mark.usefixtures("tiny_fits")
def test_vectors_that_do_not_belong_to_the_projection_are_repaired(pair, server, name):
    one, other = pair
    repairs = [
        one.unfit,
        lambda: one.fit(FEW),
        lambda: one.calibrate(MORE),
        lambda: other.__setitem__("new", 1),
        lambda: other.update(new=2),
        lambda: other.learn("the bird", "falcon"),
    ]
    for repair in repairs:
        one.unfit()
        one.fit(FEW)
        server.run(f'UPDATE "{name}_meta" SET version = version + 1, projection = NULL')
        for client in pair:  # as clients that begin now
            client._lessons._state = None
        assert other["falcons"] == 1
        repair()
        is_sound(other)
        is_sound(one)


@pytest.mark.usefixtures("tiny_fits")
def test_vectors_without_a_projection_that_was_learned_are_repaired(pair, server, name):
    one, other = pair
    one.fit(FEW)
    server.run(f'CREATE TABLE "{name}_saved" AS SELECT * FROM "{name}_meta"')
    one.unfit()
    server.run(
        f'UPDATE "{name}_meta" m SET version = m.version + 1, projection = s.projection '
        f'FROM "{name}_saved" s'
    )
    for client in pair:
        client._lessons._state = None
    assert other["falcons"] == one["falcons"] == 1
    other.learn("the bird", "falcon")
    assert learned(one).projection is not None
    is_sound(one)
    assert other["the bird"] == 1


@pytest.mark.usefixtures("tiny_fits")
def test_interleaved_teaching_loses_nothing(pair):
    """Each of 100 operations meets up to three others between its reading and its writing."""
    chosen = random.Random(0)
    lessons, fitted, acknowledged = {}, False, learned(pair[0]).calibration

    def teach(depth):
        nonlocal fitted, acknowledged
        client = chosen.choice(pair)
        what = chosen.choice(["fit", "unfit", "unfit", "calibrate", "learn", "learn", "unlearn"])
        if depth < 3 and "update" not in vars(client._lessons) and chosen.random() < 0.6:
            before_writing(client, lambda: teach(depth + 1))
        try:
            if what == "fit":
                client.fit(FEW, seed=chosen.randrange(100))
                fitted = True
            elif what == "unfit":
                client.unfit()
                fitted = False
            elif what == "calibrate":
                try:
                    client.calibrate(chosen.sample(MORE, 2))
                    assert not fitted
                    acknowledged = learned(client).calibration
                except ValueError:
                    assert fitted
            elif what == "learn":
                query, key = f"lesson {chosen.randrange(5)}", chosen.choice([*"ab", None])
                key = {"a": "falcon", "b": "otter"}.get(key)
                client.learn(query, key)
                lessons[query] = key
            elif lessons:
                query = chosen.choice(list(lessons))
                try:
                    client.unlearn(query)
                    del lessons[query]
                except KeyError:
                    assert query not in lessons
        finally:
            forget(client)
        now = learned(client)
        assert (now.projection is not None) == fitted
        assert now.calibration == acknowledged
        assert now.corrections == lessons

    for _ in range(100):
        teach(1)
        is_sound(chosen.choice(pair))


@pytest.mark.usefixtures("tiny_fits")
def test_clients_that_teach_and_write_at_once_lose_nothing(pair):
    failed = []

    def work(client, number):
        try:
            for i in range(6):
                client.fit(FEW)
                client.learn(f"lesson {number} {i}", "otter")
                client[f"key {number} {i}"] = i
                client.unfit()
                client.learn(f"slip {number} {i}", "otter")
                client.unlearn(f"slip {number} {i}")
                with suppress(ValueError):  # if another has fitted it meanwhile
                    client.calibrate(MORE)
        except Exception as error:
            failed.append(error)

    threads = [
        threading.Thread(target=work, args=(client, number))
        for number, client in enumerate((*pair, pair[0]))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    numbers = list(itertools.product(range(3), range(6)))
    assert pair[1].corrections == {f"lesson {a} {b}": "otter" for a, b in numbers}
    assert {f"key {a} {b}" for a, b in numbers} <= set(pair[0])
    is_sound(pair[1])


@pytest.mark.usefixtures("short_fits")
def test_a_read_that_meets_another_projection_searches_anew(connect):
    one, other = connect(), connect()
    one.update(falcon=1, otter=2)
    one.learn("the bird", "falcon")
    for _ in range(2):
        assert one.fit(PAIRS).fitted
        assert other["falcons"] == 1
        one.unfit()
        assert other["falcons"] == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("forks", [12, pytest.param(60, marks=pytest.mark.slow)])
def test_forks_while_threads_read_write_and_teach_harm_nobody(server, name, forks):
    script = Path(__file__).with_name("postgres_forks.py")
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", script, server.dsn, name, str(forks)],
        stderr=subprocess.PIPE,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


# Lost connections.


def blocked(server, count=1):
    """Return the backends that wait for a lock, when there are so many."""
    waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    while len(found := server.run(waiting)) < count:
        time.sleep(0.02)
    return [pid for (pid,) in found]


@pytest.fixture
def lost(server, name, connect):
    """Return a function that runs a call which loses its connection on the way."""

    def lost(call, table=name):
        result = []
        thread = threading.Thread(target=lambda: result.append(attempt(call)))
        with psycopg.connect(server.dsn) as holder:
            holder.execute(f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE')
            thread.start()
            for pid in blocked(server):
                server.run(f"SELECT pg_terminate_backend({pid})")
            time.sleep(0.1)
        thread.join()
        return result[0]

    def attempt(call):
        try:
            return call()
        except Exception as error:
            return error

    return lost


def test_reads_and_settings_that_lose_their_connection_are_done_again(connect, lost):
    car = connect()
    car.update(CAR)
    assert lost(lambda: car["color"]) == "red"
    assert lost(lambda: car.get("colour")) == "red"
    assert lost(lambda: list(car.items())) == list(CAR.items())
    assert lost(lambda: car.update(color="blue", doors=5)) is None
    assert lost(lambda: car.__setitem__("wheels", 4)) is None
    assert dict(car) == CAR | {"color": "blue", "doors": 5, "wheels": 4}
    car._check()


def test_a_removal_that_loses_its_connection_is_an_error_and_not_done_again(connect, lost):
    car = connect()
    car.update(CAR)
    for removal in (lambda: car.pop("color"), lambda: car.__delitem__("color")):
        error = lost(removal)
        assert isinstance(error, LostConnectionError)
        assert "may have happened or not" in str(error)
    assert car == CAR  # here it had not
    assert car.pop("color") == "red"


def test_an_unlearning_that_loses_its_connection_is_an_error_and_not_done_again(
    connect, lost, name
):
    car = connect()
    car.update(CAR)
    car.learn("how dear", "price")
    error = lost(lambda: car.unlearn("how dear"), f"{name}_corrections")
    assert isinstance(error, LostConnectionError)
    assert car.corrections == {"how dear": "price"}
    assert lost(lambda: car.learn("paint", "color"), f"{name}_corrections") is None
    assert car.corrections == {"how dear": "price", "paint": "color"}


def test_threads_of_a_dictionary_that_is_closed_end_with_an_error(connect):
    car, errors = connect(), []
    car.update(CAR)
    reading = threading.Semaphore(0)

    def read():
        try:
            while True:
                assert car["colour"] == "red"
                reading.release()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        reading.acquire()
    car.close()
    for thread in threads:
        thread.join()
    assert [str(error) for error in errors] == [
        "the dictionary is closed: make a new PostgresFuzzyDict"
    ] * 4


def test_a_statement_that_is_wrong_is_not_done_again(connect, server, name):
    car = connect()
    server.run(f'ALTER TABLE "{name}" RENAME COLUMN value TO worth')
    with pytest.raises(psycopg.errors.UndefinedColumn):
        car["color"]
    with pytest.raises(psycopg.errors.QueryCanceled):
        connect(dsn=server.dsn + " options='-c statement_timeout=500'")._database.fetch(
            "SELECT pg_sleep(60)"
        )


def test_where_all_connections_are_in_use_the_error_says_so(connect, server, name):
    car = connect(pool_size=1, timeout=1)
    car.update(CAR)
    with psycopg.connect(server.dsn) as holder:
        holder.execute(f'LOCK TABLE "{name}" IN ACCESS EXCLUSIVE MODE')
        thread = threading.Thread(target=lambda: car["color"])
        thread.start()
        blocked(server)
        with pytest.raises(LostConnectionError, match="in use"):
            car["price"]
    thread.join()


def test_without_psycopg_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ImportError, match=r"pip install 'fuzzydict-attention\[postgres\]'"):
        runpy.run_path(connections.__file__)


def test_where_no_server_is_the_error_says_so(server):
    dsn = server.dsn.replace(f"port={server.port}", "port=1")
    with pytest.raises(LostConnectionError, match="no connection to the server"):
        PostgresFuzzyDict(dsn, "cars")


# Servers that die.


@pytest.fixture
def make_server(binaries):
    from postgres_server import Server, make_folder

    folder = make_folder()
    servers = []

    def make(**settings):
        servers.append(Server.create(binaries, folder / "primary", **settings))
        return servers[-1]

    def follow(primary):
        servers.append(primary.standby(folder / "standby"))
        return servers[-1]

    make.follow = follow
    yield make
    for server in servers:
        server.stop()
    shutil.rmtree(folder)


class Writer(threading.Thread):
    """Sets one key after the other, and keeps those that were acknowledged."""

    def __init__(self, car):
        super().__init__(daemon=True)
        self.car, self.acknowledged, self.error, self.ends = car, {}, None, False

    def run(self):
        try:
            for i in itertools.count():
                if self.ends:
                    return
                self.car[f"key {i}"] = i
                self.acknowledged[f"key {i}"] = i
                if i % 5 == 0:
                    self.car.update({f"key {i} {j}": j for j in range(5)})
                    self.acknowledged |= {f"key {i} {j}": j for j in range(5)}
        except Exception as error:
            self.error = error

    def wait_for(self, more):
        """Wait until so many more writes were acknowledged."""
        goal, deadline = len(self.acknowledged) + more, time.monotonic() + 60
        while len(self.acknowledged) < goal:
            assert self.error is None, self.error
            assert time.monotonic() < deadline, "nothing is acknowledged"
            time.sleep(0.01)

    def end(self):
        self.ends = True
        self.join()
        assert self.error is None, self.error


def test_after_a_kill_all_that_was_acknowledged_is_there_and_writers_go_on(make_server):
    server = make_server()
    with PostgresFuzzyDict(server.dsn, "cars", timeout=60) as car:
        writer = Writer(car)
        writer.start()
        writer.wait_for(60)
        server.kill()
        server.start()
        writer.wait_for(60)
        writer.end()
        found = dict(car)
        assert writer.acknowledged.items() <= found.items()
        assert car["key 3 "] == 3
        car._check()


def test_while_the_server_is_away_calls_wait_and_then_raise_one_error(make_server):
    server = make_server(fsync="off")
    with PostgresFuzzyDict(server.dsn, "cars", timeout=0.3) as car:
        car.update(CAR)
        assert car["colour"] == "red"
        server.kill()
        calls = [
            lambda: car["color"], lambda: car["colour"], lambda: len(car), lambda: list(car),
            lambda: car.update(a=1), lambda: car.pop("color"), lambda: car.learn("x", "color"),
        ]  # fmt: skip
        for call in calls:
            begun = time.monotonic()
            with pytest.raises(LostConnectionError, match=r"no connection to the server in 0\.3 s"):
                call()
            assert time.monotonic() - begun < 4
        server.start()
        deadline = time.monotonic() + 30
        while True:
            try:
                assert car["colour"] == "red"
                break
            except LostConnectionError:
                assert time.monotonic() < deadline


def test_a_standby_answers_reads_and_takes_over_without_a_loss(make_server):
    primary = make_server()
    standby = make_server.follow(primary)
    both = (
        f"host=127.0.0.1,127.0.0.1 port={primary.port},{standby.port} user=postgres "
        "dbname=postgres connect_timeout=5 target_session_attrs=read-write"
    )
    with PostgresFuzzyDict(both, "cars", timeout=60) as car:
        car.update(CAR)
        car.learn("how dear", "price")
        deadline = time.monotonic() + 30
        while True:  # what it has received it may still have to apply
            try:
                reader = PostgresFuzzyDict(standby.dsn, "cars")
                if len(reader) == len(CAR) and reader.corrections:
                    break
                reader.close()
            except LookupError:
                pass
            assert time.monotonic() < deadline
        with reader:
            assert reader["colour"] == "red"
            assert reader["how dear"] == 49_000
            assert dict(reader) == CAR
            with pytest.raises(LookupError, match="the standby has no dictionary 'others'"):
                PostgresFuzzyDict(standby.dsn, "others")
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                reader["color"] = "blue"
        writer = Writer(car)
        writer.start()
        writer.wait_for(60)
        primary.kill()
        standby.promote()
        writer.wait_for(60)
        writer.end()
        assert writer.acknowledged.items() <= dict(car).items()
        assert car["colour"] == "red"
        car._check()


def test_the_cache_of_the_documentation_expires_for_all_clients(connect, monkeypatch):
    sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
    page = importlib.import_module("cache").cache_of_page()
    guards = (*page["DEFAULT"], page["topics_differ"])
    one, other = (page["SemanticCache"](connect(guards=guards), seconds=60) for _ in range(2))
    calls = []
    one.get("how do I reset my password", lambda question: calls.append(question))
    other.get("How do I reset my passwrod?", lambda question: calls.append(question))
    assert len(calls) == 1
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    other.get("How do I reset my passwrod?", lambda question: calls.append(question))
    assert len(calls) == 2
    assert list(one.answers) == ["How do I reset my passwrod?"]
