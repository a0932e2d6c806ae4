"""What every fuzzy mapping does, in memory and on a server: one suite over all of them.

And the answers of those on a server are those in memory, scores included.
"""

import itertools
import logging

import numpy as np
import pandas as pd
import pytest
from conftest import check_that_reads_agree

from fuzzydict import FuzzyDict, NoMatchError
from fuzzydict.learning import fit as fitting
from fuzzydict.model.embedders import EmbedderError

CAR = {"color": "red", "top speed": 250, "battery": "80 kWh", "price": 49_000}
ODD = [
    "it's", 'a "quoted" key', "back\\slash\\", "nul\0inside", "", " ", "x" * 10_000,
    "ключ", "键", "🔑🗝️", "a\ud800b", "%s %(a)s {b}", "'; DROP TABLE items; --", "e\u0301", "\r\n\t",
]  # fmt: skip
QUERIES = [
    "colour", "velocity", "batery", "cost", "parliament", "hue", "PRICE", "topSpeed", "!!!", "",
    "how fast is it", "color of the battery", "x" * 2000, "zzz", "a\ud800b",
]  # fmt: skip
NUMBER = itertools.count()


@pytest.fixture(params=["memory", "server", "partitioned server"])
def make(request):
    """Return a function that makes a mapping of items, with options."""
    if request.param == "memory":
        yield FuzzyDict
        return
    yield from request.getfixturevalue("makers")(request.param)


@pytest.fixture
def makers(server):
    from fuzzydict.postgres import PostgresFuzzyDict

    def of(kind):
        made = []

        def make(items=(), **options):
            partitions = 3 if kind == "partitioned server" else None
            name = f"dictionary {next(NUMBER)}"
            made.append(PostgresFuzzyDict(server.dsn, name, partitions=partitions, **options))
            made[-1].update(items)
            return made[-1]

        yield make
        for each in made:
            each._check()
            each.drop()

    return of


@pytest.fixture
def make_remote(makers):
    yield from makers("server")


def test_a_read_finds_the_very_key_and_what_was_meant(make):
    car = make(CAR)
    assert car["color"] == car["colour"] == "red"
    assert car.get("velocity") == 250
    assert "batery" in car
    assert "parliament" not in car
    assert car.get("parliament") is None
    assert car.get("parliament", "?") == "?"


def test_inexact_reads_are_told_to_the_log(make, caplog):
    car = make(CAR)
    with caplog.at_level(logging.DEBUG, "fuzzydict"):
        assert car["color"] == car["colour"]
        assert "parliament" not in car
    assert caplog.records[0].args[:2] == ("colour", "color")
    assert caplog.messages[1:] == ["'parliament' finds no key"]


def test_an_embedder_that_fails_at_a_correction_is_named_until_it_recovers(make):
    words = set()

    def letters(texts):
        if words & {*texts}:
            raise TimeoutError("no answer in 5 s")
        return [[len(text), text.count("e"), 1.0] for text in texts]

    car = make(CAR, embedder=letters)
    car.learn("swiftness", "top speed")
    assert car["swiftness"] == 250

    def teach_and_read():  # on a server a correction is embedded by the clients that read
        car.learn("rapidity", "top speed")
        return car["celerity"]

    words.add("rapidity")
    with pytest.raises(EmbedderError, match="no answer in 5 s"):
        teach_and_read()
    assert car["top speed"] == 250
    assert car.corrections["swiftness"] == "top speed"
    words.clear()
    assert car["swiftness"] == 250
    car.learn("rapidity", "top speed")
    assert car["rapidity"] == 250


def test_a_miss_names_the_closest_keys(make):
    with pytest.raises(NoMatchError) as caught:
        make(CAR)["parliament"]
    assert caught.value.query == "parliament"
    assert {match.key for match in caught.value.matches} < set(CAR)


def test_an_empty_one_finds_nothing(make):
    empty = make()
    assert (len(empty), list(empty), dict(empty)) == (0, [], {})
    assert empty.get("colour") is None
    assert empty.matches("colour", cutoff=0) == []
    assert empty.match_many(["colour", "hue"]) == [None, None]
    assert empty.attend("colour").no_match == 1.0
    assert not empty.fit([]).fitted
    with pytest.raises(KeyError):
        empty["colour"]
    with pytest.raises(KeyError):
        empty.popitem()


def test_views_are_exact_and_in_the_order_of_the_keys(make):
    car = make(CAR)
    car["price"] = 50_000
    car["wheels"] = 4
    expected = CAR | {"price": 50_000, "wheels": 4}
    assert list(car) == list(car.keys()) == list(expected)
    assert list(car.values()) == list(expected.values())
    assert list(car.items()) == list(expected.items())
    assert car == expected
    assert car != CAR
    assert "color" in car.keys()  # noqa: SIM118
    assert "colour" not in car.keys()  # noqa: SIM118
    assert ("color", "red") in car.items()
    assert ("colour", "red") not in car.items()
    assert ("color", "blue") not in car.items()
    assert "color" not in car.items()
    assert "red" in car.values()
    assert "blue" not in car.values()
    assert list(reversed(list(car))) == list(reversed(expected))


def test_writes_are_exact(make):
    car = make(CAR)
    car["colour"] = "blue"
    assert (car["color"], car["colour"], len(car)) == ("red", "blue", 5)
    assert car.setdefault("colour", "green") == "blue"
    assert car.setdefault("color of the seats", "black") == "black"
    assert car.setdefault("gears") is None
    assert car.pop("colour") == "blue"
    assert car.pop("velocity", None) is None
    with pytest.raises(KeyError, match="velocity"):
        car.pop("velocity")
    with pytest.raises(TypeError):
        car.pop("velocity", 1, 2)
    with pytest.raises(KeyError, match="velocity"):
        del car["velocity"]
    del car["battery"]
    assert car.popitem() == ("gears", None)
    car |= {"price": 1}
    car.update([("doors", 5)], wheels=4)
    assert dict(car) == {
        "color": "red", "top speed": 250, "price": 1, "color of the seats": "black",
        "doors": 5, "wheels": 4,
    }  # fmt: skip
    car.clear()
    assert len(car) == 0
    assert car.get("colour") is None
    car["color"] = "red"
    assert car["colour"] == "red"


def test_a_key_that_was_removed_is_found_no_more_and_comes_back_last(make):
    car = make(CAR)
    assert car["colour"] == "red"
    del car["color"]
    assert car.get("colour") is None
    car["color"] = "green"
    assert car["colour"] == "green"
    assert list(car)[-1] == "color"


def test_a_loop_over_items_may_update_a_mapping_of_any_kind(make):
    class Keyed:
        def keys(self):
            return ["color", "price"]

        def __getitem__(self, key):
            return CAR[key]

    car = make()
    car.update(Keyed())
    assert car == {"color": "red", "price": 49_000}
    with pytest.raises((TypeError, ValueError)):
        car.update([("color",)])


def test_keys_of_any_text_come_back_as_they_were(make):
    odd = {key: i for i, key in enumerate(ODD)}
    mapping = make(odd)
    assert dict(mapping) == odd
    assert [mapping[key] for key in odd] == list(odd.values())
    for key in odd:
        mapping[key] = [key]
    assert list(mapping.items()) == [(key, [key]) for key in odd]
    for key in odd:
        del mapping[key]
    assert len(mapping) == 0


def test_keys_that_are_no_text_are_not_found(make):
    car = make(CAR)
    assert car.get(3) is None
    assert 3 not in car
    assert car.get_many([3, None, "color"], "?") == ["?", "?", "red"]
    with pytest.raises(KeyError):
        car[3]
    with pytest.raises(TypeError):
        car.get([])
    with pytest.raises(TypeError):
        car[[]]
    with pytest.raises(TypeError):
        car.pop([])


def test_many_queries_are_answered_as_one_by_one(make):
    car = make(CAR)
    queries = [*QUERIES, *CAR] * 2
    together, alone = car.match_many(queries), [car.match(query) for query in queries]
    assert [found and found[:2] for found in together] == [found and found[:2] for found in alone]
    scores = [[found.score for found in each if found] for each in (together, alone)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-5)  # BLAS rounds large products otherwise
    assert car.get_many(queries, "?") == [car.get(query, "?") for query in queries]
    assert car.get_many([]) == []
    assert car.match_many(["colour"], cutoff=1.0) == [None]


def test_all_reads_of_a_query_agree_on_key_and_score(make):
    d = make(CAR | MANY)
    d.learn("how quick", "top speed")
    for query in ["rde tabel", "batery", "parliament", "how quikc", "color", "wooden speeds"]:
        check_that_reads_agree(d, query)


def test_any_iterable_is_many_queries(make):
    car = make(CAR)
    queries = ["colour", "parliament"]
    for many in (
        queries, tuple(queries), dict.fromkeys(queries), dict.fromkeys(queries).keys(),
        np.array(queries), pd.Series(queries, index=[7, 5]), pd.Index(queries),
    ):  # fmt: skip
        found = car.get_many(many)
        assert isinstance(found, pd.Series) == isinstance(many, pd.Series)
        assert [found is not None and found == "red" for found in found] == [True, False]
        assert [match and match.key for match in car.match_many(many)] == ["color", None]
        assert car.attend(many)[0].best == "color"
    assert car.get_many(iter(queries)) == ["red", None]
    assert car.match_many(query for query in queries)[1] is None
    assert car.attend(query for query in queries)[0].best == "color"
    assert sorted(car.get_many({*queries}, "?")) == ["?", "red"]
    assert len(car.attend({*queries})) == 2


def test_columns_of_arrow_and_polars_are_many_queries(make):
    car = make(CAR)
    pa, pl = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    queries = ["colour", None, "parliament"]
    for many in (
        pa.array(queries),
        pa.chunked_array([queries[:1], queries[1:]]),
        pl.Series(queries),
    ):
        found = car.get_many(many, "?")
        assert type(found) is (pl.Series if isinstance(many, pl.Series) else pa.StringArray)
        assert list(map(str, found)) == ["red", "?", "?"]
        assert [match and match.key for match in car.match_many(many)] == ["color", None, None]
        assert car.attend(many)[0].best == "color"


def test_a_column_that_is_looked_up_keeps_its_index_and_name(make):
    found = make(CAR).get_many(pd.Series(["colour", "red table"], index=[7, 5], name="x"), "?")
    assert (found.index.tolist(), found.name, found.iloc[0]) == ([7, 5], "x", "red")


def test_text_and_what_is_not_iterable_is_one_query(make):
    car = make(CAR)
    assert car.attend("colour").best == "color"
    for query in (3, None, b"colour"):
        assert car.attend(query).no_match == 1.0
    for query in ("colour", b"colour", 3, None):
        for read in (car.get_many, car.match_many):
            with pytest.raises(TypeError, match=r"pass \[query\], or use get or match"):
                read(query)


def test_properties_read_no_keys(make, counting):
    car = make(embedder=counting)
    car.update(CAR)
    counting.texts.clear()
    embedder = car.embedder
    assert car.cutoff == FuzzyDict().cutoff
    assert car.corrections == {}
    assert counting.texts == []
    assert car.match("colr").score > 0
    assert car.embedder is embedder
    assert "colr" in counting.texts


def test_a_miss_embeds_its_query_once(make, counting):
    car = make(CAR, embedder=counting, cutoff=0.9999)
    with pytest.raises(NoMatchError) as caught:
        car["batry"]
    assert caught.value.matches
    assert str(caught.value)
    assert counting.texts.count("batry") == 1


def test_cutoff_is_kept_and_checked(make):
    strict = make(CAR, cutoff=1.0)
    assert "colour" not in strict
    assert strict["color"] == "red"
    strict.cutoff = None
    assert "colour" in strict
    with pytest.raises(ValueError, match="number from 0 to 1"):
        strict.cutoff = 2
    assert strict.match("velocity", cutoff=0.9999) is None


def test_the_prior_shifts_scores(make):
    car, rare = make(CAR), make(CAR, prior=0.1)
    usual = car.match("cost", cutoff=0.0).score
    lower = rare.match("cost", cutoff=0.0).score
    assert lower < usual
    assert car.match("cost", cutoff=0.0, prior=0.1).score == pytest.approx(lower, abs=1e-5)
    assert car.matches("cost", cutoff=0.0, prior=0.1)[0].score == pytest.approx(lower, abs=1e-5)
    (many,) = car.match_many(["cost"], cutoff=0.0, prior=0.1)
    assert many.score == pytest.approx(lower, abs=1e-5)
    with pytest.raises(ValueError, match="prior must be a number between 0 and 1"):
        make(prior=1)


def test_keys_with_equal_values_share_their_probability(make):
    keys = ["shipping address", "billing address", "total"]
    apart = make(dict(zip(keys, "abc", strict=True)), cutoff=0.0)
    together = make(dict(zip(keys, "aac", strict=True)), cutoff=0.0)
    shares = [match.score for match in apart.matches("address", 2)]
    best = together.match("address")
    assert best.value == "a"
    assert best.score == pytest.approx(sum(shares), abs=1e-4)
    assert together.matches("address", 1)[0] == best


def test_guards_forbid(make):
    sales = make({"Q1 revenue": 10, "turn on": "ok"})
    assert sales.get("q1_revenue") == 10
    assert sales.get("Q2 revenue") is None
    assert sales.get("turn off") is None
    free = make({"Q1 revenue": 10}, guards=())
    assert free.match("Q2 revenue", cutoff=0.0) is not None


def test_attention_is_over_keys_and_blends_values(make):
    car = make({"color": 0.1, "battery": 0.7, "top speed": 0.9, "horse power": 0.8, "price": 0.4})
    one, two = car.attend(["hue", "velocity"])
    assert (one.best, two.best) == ("color", "top speed")
    assert 0 < two.value < 1
    assert car.attend("color").weights["color"] > 0.9
    assert car.attend("velocity", mask=["color", "price"]).weights.keys() <= {"color", "price"}
    assert car.attend("velocity", mask=lambda key: key == "color").weights.keys() <= {"color"}
    assert car.attend("velocity", mask=[]).no_match == 1.0
    assert len(car.attend("velocity", n=1).weights) == 1
    assert len(car.attend("velocity", n=5000).weights) > 3
    with pytest.raises(ValueError, match="no key"):
        car.attend("velocity", mask=["colour"])


def test_a_correction_holds_until_it_is_dropped(make):
    account = make({"check-balance": 1, "transfer": 2, "close account": 3})
    account.learn("how rich am I", "check-balance")
    account.learn("tell me a joke", None)
    assert account["how rich am I"] == account["How rich am I?"] == 1
    assert "tell me a joke" not in account
    assert account.corrections == {"how rich am I": "check-balance", "tell me a joke": None}
    account.learn("how rich am I", "transfer")
    assert account["how rich am I"] == 2
    assert next(iter(account.corrections.items())) == ("how rich am I", "transfer")
    value = account.pop("transfer")
    assert account.get("how rich am I") != 2  # it sleeps
    account["transfer"] = value
    assert account["how rich am I"] == 2
    account.unlearn("how rich am I")
    assert account.corrections == {"tell me a joke": None}
    with pytest.raises(KeyError):
        account.unlearn("how rich am I")
    for query, key in (("transfer", "check-balance"), ("x", "no key"), (3, "transfer")):
        with pytest.raises(ValueError, match="key"):
            account.learn(query, key)


def labelled():
    """Return what three people are asked; no vectors could know it."""
    asked = {
        "falcon": ["refund my money", "charged twice", "the invoice is wrong", "cancel my payment",
                   "tax on my bill", "wrong price on the receipt"],
        "otter": ["the app crashes", "error when I log in", "page does not load",
                  "bug in the search", "it freezes at the start", "white screen after update"],
        "maple": ["where is my parcel", "the package is late", "change the delivery address",
                  "the box arrived broken", "track my shipment", "courier did not come"],
        None: ["what a nice day", "tell me a joke", "who won the game", "how old is the moon"],
    }  # fmt: skip
    return [(query, key) for key, queries in asked.items() for query in queries]


@pytest.mark.usefixtures("short_fits")
def test_a_fit_is_kept_for_old_and_new_keys_until_it_is_undone(make):
    team = make({"falcon": "ana", "otter": "bob", "maple": "eve"})
    before = team.matches("an error in the app", 3, cutoff=0)
    report = team.fit(labelled())
    assert report.fitted
    assert (team["an error in the app"], team["my parcel did not come"]) == ("bob", "eve")
    assert "hello there" not in team
    with pytest.raises(ValueError, match="unfit"):
        team.calibrate([("x", "otter")])
    team["cat"] = "tom"
    team.update(dog="rex")
    assert (team["cats"], team["dogs"], team["otters"]) == ("tom", "rex", "bob")
    del team["cat"], team["dog"]
    team.unfit()
    assert team.matches("an error in the app", 3, cutoff=0) == before


def test_calibration_moves_scores(make):
    car = make(CAR)
    before = car.match("hue", cutoff=0).score
    car.calibrate([("hue", None), ("shade", None), ("tint", None), ("paint", None)] * 3)
    assert car.match("hue", cutoff=0).score < before


def same(remote, memory):
    """Assert that two mappings give the same answers to all queries.

    Products of other numbers of rows may be rounded otherwise.
    """
    for query in QUERIES:
        agree(remote.matches(query, 8, cutoff=0), memory.matches(query, 8, cutoff=0))
        for options in ({}, {"temperature": 0.3}, {"n": 3}, {"mask": list(memory)[:2]}):
            one, other = remote.attend(query, **options), memory.attend(query, **options)
            assert dict(one.weights) == pytest.approx(dict(other.weights), abs=1e-5), query
            assert one.no_match == pytest.approx(other.no_match, abs=1e-5)
        assert str(remote.explain(query)) == str(memory.explain(query)), query
    queries = [*QUERIES, *(f"{query} {i}" for query in QUERIES for i in range(5))]
    agree(remote.match_many(queries), memory.match_many(queries))


def agree(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert (one and one[:2]) == (other and other[:2])
        assert one is None or one.score == pytest.approx(other.score, abs=1e-5)


def wide(texts):
    """Embed texts by letters, as an embedder that knows no words does."""
    vectors = np.zeros((len(texts), 30))
    for row, text in zip(vectors, texts, strict=True):
        for letter in text:
            row[ord(letter) % 30] += 1
    return vectors + 0.1


MANY = {f"{a} {b}": i for i, (a, b) in enumerate(itertools.product(
    ["red", "green", "fast", "cheap", "heavy", "small", "broken", "new", "electric", "wooden"],
    ["car", "table", "battery", "price", "speed", "color", "house", "engine"],
))}  # fmt: skip


@pytest.mark.parametrize("embedder", ["default", wide], ids=["of words", "of texts"])
@pytest.mark.parametrize("items", [CAR, CAR | MANY], ids=["few", "many"])
def test_answers_on_a_server_are_those_in_memory(make_remote, embedder, items):
    remote, memory = make_remote(items, embedder=embedder), FuzzyDict(items, embedder=embedder)
    same(remote, memory)
    for mapping in (remote, memory):
        mapping.learn("how quick", "top speed")
        mapping.learn("nonsense", None)
        mapping["engine"] = 1
        del mapping["battery"]
    same(remote, memory)
    for mapping in (remote, memory):
        mapping.calibrate([("hue", "color"), ("tint", "color"), ("weather", None)])
    same(remote, memory)


@pytest.mark.usefixtures("short_fits")
@pytest.mark.parametrize("items", [{}, MANY], ids=["few", "many"])
def test_fits_on_a_server_are_those_in_memory(make_remote, items):
    items = {"falcon": "ana", "otter": "bob", "maple": "eve"} | items
    remote, memory = make_remote(items), FuzzyDict(items)
    for mapping in (remote, memory):
        mapping.learn("it hangs", "otter")
    assert remote.fit(labelled()) == memory.fit(labelled())
    same(remote, memory)
    for mapping in (remote, memory):
        mapping["a key that came after"] = 1
        mapping.fit([(query, {"otter": "maple", "maple": "otter"}.get(key, key))
                     for query, key in labelled()], seed=1)  # fmt: skip
    same(remote, memory)
    for mapping in (remote, memory):
        mapping.unfit()
    same(remote, memory)


def test_a_dictionary_comes_back_from_a_server_as_it_went(make_remote):
    memory = FuzzyDict(CAR | {key: [key, 1.5, None, {"a": True}] for key in ODD})
    assert FuzzyDict(make_remote(memory).items()) == memory
    arrays = {"a": np.arange(6).reshape(2, 3), "b": np.float32(0.1)}
    back = FuzzyDict(make_remote(arrays).items())
    assert back["a"].dtype == arrays["a"].dtype
    assert (back["a"] == arrays["a"]).all()
    assert back["b"] == arrays["b"]


def test_a_fit_starts_over_when_the_calibration_changes_meanwhile(make, monkeypatch):
    items = {"falcon": 1, "otter": 2, "maple": 3}
    few = [(f"{word} my bill", "falcon") for word in ("pay", "print", "send", "find")]
    pairs = [("falcn", "falcon"), ("otte", "otter"), ("zzz", None)]
    monkeypatch.setattr(fitting, "_STEPS", 5)
    monkeypatch.setattr(fitting, "_MIN_GAIN", -1e6)
    monkeypatch.setattr(fitting, "_LEAST_GAIN", -1e6)
    expected = make(items)
    expected.calibrate(pairs)
    assert expected.fit(few).fitted
    d, fit, runs = make(items), fitting.fit, []

    def meanwhile(*args, **options):
        if not runs:
            d.calibrate(pairs)
        runs.append(args)
        return fit(*args, **options)

    monkeypatch.setattr("fuzzydict.learning.fit.fit", meanwhile)
    assert d.fit(few).fitted
    assert len(runs) == 2
    for query in ("see my bill", "falcns", "oter"):
        assert d.matches(query, cutoff=0.0) == expected.matches(query, cutoff=0.0)
    with pytest.raises(ValueError, match="unfit"):
        d.calibrate(pairs)


# Strict mappings.


def test_a_strict_mapping_reads_exactly_and_suggests_keys(make):
    car = make(CAR, strict=True)
    assert car.strict
    assert car.cutoff == 1.0
    assert car["color"] == car.get("color") == "red"
    for query in ("colour", "Color", "velocity", "parliament", ""):
        assert query not in car
        assert car.get(query, "?") == "?"
        assert car.match(query) is None
        assert car.matches(query) == []
        assert car.get_many([query, "color"], "?") == ["?", "red"]
        assert car.match_many([query]) == [None]
        assert car.attend(query).weights == {}
        assert car.explain(query).verdict == "off"
        with pytest.raises(NoMatchError) as caught:
            car[query]
        fuzzy = make(CAR)
        expected = fuzzy.matches(query, 3, cutoff=0.0)
        found = caught.value.matches
        assert [match[:2] for match in found] == [match[:2] for match in expected[: len(found)]]
        assert caught.value.strict
    assert car.match("colour", cutoff=0.5).key == "color"
    with pytest.raises(NoMatchError, match=r"^'colour': did you mean 'color'\?$"):
        car["colour"]
    with pytest.raises(NoMatchError, match=r"^'parliament' \(closest: "):
        car["parliament"]
    with pytest.raises(NoMatchError) as caught:
        car[5]
    assert str(caught.value) == "5"


def test_a_strict_mapping_suggests_keys_below_the_cutoff(make):
    addresses = make({"billing address": 1, "shipping address": 2}, strict=True)
    with pytest.raises(NoMatchError, match="did you mean 'billing address' or 'shipping address'"):
        addresses["address"]


def test_a_mapping_becomes_strict_and_fuzzy_again(make):
    car = make(CAR)
    cutoff = car.cutoff
    car.strict = True
    assert "colour" not in car
    with pytest.raises(ValueError, match="a strict dictionary reads exactly"):
        car.cutoff = 0.5
    car.strict = False
    car.strict = False
    assert (car.cutoff, car["colour"]) == (cutoff, "red")
    car.cutoff = 0.99
    car.strict = False
    assert car.cutoff == 0.99
    for value in (1, None, "yes"):
        with pytest.raises(TypeError, match="strict must be True or False"):
            car.strict = value


def test_invalid_options_of_strict_mappings_are_named(make):
    with pytest.raises(ValueError, match="pass no cutoff"):
        make(CAR, strict=True, cutoff=0.9)
    with pytest.raises(TypeError, match="strict must be True or False, got 'no'"):
        make(CAR, strict="no")


def test_a_miss_of_a_strict_mapping_needs_no_embedder(make, letters):
    working = [True]

    def service(texts):
        if not working[0]:
            raise OSError("the service is down")
        return letters(texts)

    d = make({"color": 1}, embedder=service, strict=True)
    working[0] = False
    with pytest.raises(NoMatchError, match=r"^'colour'$"):
        d["colour"]
