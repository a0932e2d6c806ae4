"""How reads went: counted where that is asked for, and told to the log."""

import contextlib
import copy
import logging
import pickle
import subprocess
import sys
import threading

import pytest

from fuzzydict import FuzzyDict


class Plain(FuzzyDict):
    pass


class Slotted(FuzzyDict):
    __slots__ = ("more",)


def counts(stats):
    return stats.exact, stats.inexact, stats.silent


@pytest.mark.parametrize("kind", [FuzzyDict, Plain, Slotted])
def test_each_read_is_counted_once(kind):
    d = kind({"color": "red", "top speed": 250, 7: "seven"})
    stats = d.stats()
    reads = [
        (lambda: d["color"], (1, 0, 0)),
        (lambda: d["colour"], (0, 1, 0)),
        (lambda: d["parliament"], (0, 0, 1)),
        (lambda: d[8], (0, 0, 1)),
        (lambda: d.get("color"), (1, 0, 0)),
        (lambda: d.get("colour"), (0, 1, 0)),
        (lambda: d.get("parliament"), (0, 0, 1)),
        (lambda: d.get(7), (1, 0, 0)),
        (lambda: "color" in d, (1, 0, 0)),
        (lambda: "colour" in d, (0, 1, 0)),
        (lambda: "parliament" in d, (0, 0, 1)),
        (lambda: d.match("color"), (1, 0, 0)),
        (lambda: d.match("hue"), (0, 1, 0)),
        (lambda: d.match("hue", cutoff=0.9999), (0, 0, 1)),
        (lambda: d.get_many(["color", "color", "hue", "parliament", 8]), (2, 1, 2)),
        (lambda: d.match_many(["color", "hue", "parliament"]), (1, 1, 1)),
        (lambda: d.matches("hue"), (0, 0, 0)),
        (lambda: d.attend("hue"), (0, 0, 0)),
        (lambda: d.explain("hue"), (0, 0, 0)),
        (lambda: dict(d), (0, 0, 0)),
        (lambda: d.setdefault("color"), (0, 0, 0)),
    ]
    for read, expected in reads:
        before = counts(stats)
        with contextlib.suppress(KeyError):
            read()
        assert tuple(now - was for now, was in zip(counts(stats), before, strict=True)) == expected
    with pytest.raises(TypeError):
        d[[]]


def test_reads_answer_the_same_while_they_are_counted(car):
    queries = ["color", "colour", "velocity", "parliament", 7, ""]

    def answers():
        return [(d.get(query), query in d, d.match(query)) for query in queries]

    d = car
    before = answers()
    with d.stats():
        assert answers() == before
        assert (type(d).__name__, repr(d)) == ("FuzzyDict", repr(dict(d)))
        assert isinstance(d, FuzzyDict)
        d["price"] = 1
        assert d.pop("price") == 1
        d._check()


def test_counting_goes_on_until_it_is_stopped(car):
    stats = car.stats()
    car["color"]
    assert car.stats() is stats
    assert repr(stats) == "Stats(exact=1, inexact=0, silent=0)"
    stats.stop()
    stats.stop()
    car["color"]
    assert counts(stats) == (1, 0, 0)
    assert type(car) is FuzzyDict
    with car.stats() as anew:
        car["color"]
        stats.stop()  # which ended long ago
        car["color"]
    car["color"]
    assert counts(anew) == (2, 0, 0)


def test_an_exact_hit_runs_no_code_of_ours_unless_it_is_counted(car):
    frames = []

    def trace(frame, event, argument):
        if event == "call":
            frames.append(frame.f_code.co_name)

    def read():
        sys.setprofile(trace)
        car["color"]
        sys.setprofile(None)
        return len(frames)

    assert read() == 0
    with car.stats():
        assert read() > 0
    frames.clear()
    assert read() == 0


@pytest.mark.parametrize("kind", [FuzzyDict, Plain, Slotted])
def test_copies_are_of_the_plain_class_and_not_counted(kind):
    d = kind({"color": "red"})
    stats = d.stats()
    copies = [d.copy(), copy.copy(d), copy.deepcopy(d), d | {}, {} | d, type(d)({"color": 1})]
    copies.append(pickle.loads(pickle.dumps(d)))
    for each in copies:
        assert each["colour"]
        assert each["color"]
        assert each.get_many(["color"])
    assert counts(stats) == (0, 0, 0)
    for each in (*copies[:5], copies[6]):
        assert type(each) is kind


def test_threads_lose_no_count(car):
    stats = car.stats()
    car["colour"]

    def read():
        for _ in range(2000):
            car["color"]
            car["colour"]

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts(stats) == (8000, 8001, 0)


# The log.


def test_inexact_reads_are_told_to_the_log(car, caplog):
    with caplog.at_level(logging.DEBUG, "fuzzydict"):
        for _ in range(2):  # the second time from memory
            car["colour"], car.get("parliament")
        score = f"{car.matches('colour')[0].score:.3f}"
        found, silent = f"'colour' finds 'color', score {score}", "'parliament' finds no key"
        assert caplog.messages == [found, silent] * 2
        assert caplog.records[0].args[:2] == ("colour", "color")
        caplog.clear()
        assert "colour" in car
        assert car.match("colour")
        assert not car.match("parliament")
        car.get_many(["colour", "color", "parliament"])
        car.match_many(["colour"])
        with pytest.raises(KeyError):
            car["parliament"]
        assert caplog.messages == [found, found, silent, found, silent, found, silent]
        caplog.clear()
        car["color"], car.get("color"), car.match("color"), car.get(7), car.explain("colour")
        assert caplog.messages == []


def test_nothing_is_written_for_the_log_while_it_is_off(car, monkeypatch):
    monkeypatch.setattr("fuzzydict.log.LOG.tell", None)
    assert car["colour"] == car.match("colour").value == car.get_many(["colour"])[0]


def test_silence_of_the_log_is_the_default(car, capfd):
    car["colour"], car.get("parliament")
    assert capfd.readouterr() == ("", "")


def test_importing_loads_no_logging():
    program = "import sys, fuzzydict; print('logging' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_the_first_read_is_told_too():
    program = (
        "import logging; logging.basicConfig(level=logging.DEBUG, format='%(name)s: %(message)s')\n"
        "from fuzzydict import FuzzyDict\n"
        "FuzzyDict(color=1).get('parliament')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.strip() == "fuzzydict: 'parliament' finds no key"
