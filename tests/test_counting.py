"""Counters of inexact reads and misses, and the log of them."""

import contextlib
import copy
import inspect
import logging
import pickle
import subprocess
import sys
import threading
import types

import pytest

from fuzzydict import FuzzyDict
from fuzzydict.log import _Log


class Plain(FuzzyDict):
    pass


class Slotted(FuzzyDict):
    __slots__ = ("more",)


class Registered(FuzzyDict):
    classes = ()

    def __init_subclass__(cls, *, tag):
        Registered.classes += ((cls, tag),)


class Tagged(Registered, tag="red"):
    pass


KINDS = [FuzzyDict, Plain, Slotted, Tagged]


def counts(stats):
    return stats.inexact, stats.missed


@pytest.mark.parametrize("kind", KINDS)
def test_each_inexact_read_is_counted_once(kind):
    d = kind({"color": "red", "top speed": 250, 7: "seven"})
    stats = d.stats()
    reads = [
        (lambda: d["color"], (0, 0)),
        (lambda: d["colour"], (1, 0)),
        (lambda: d["colour"], (1, 0)),
        (lambda: d["parliament"], (0, 1)),
        (lambda: d[8], (0, 1)),
        (lambda: d.get("color"), (0, 0)),
        (lambda: d.get("colour"), (1, 0)),
        (lambda: d.get("parliament"), (0, 1)),
        (lambda: d.get(7), (0, 0)),
        (lambda: "color" in d, (0, 0)),
        (lambda: "colour" in d, (1, 0)),
        (lambda: "parliament" in d, (0, 1)),
        (lambda: d.match("color"), (0, 0)),
        (lambda: d.match(7.0), (0, 0)),
        (lambda: d.match("hue"), (1, 0)),
        (lambda: d.match("hue", cutoff=0.9999), (0, 1)),
        (lambda: d.match(8), (0, 1)),
        (lambda: d.get_many(["color", "color", "hue", "hue", "parliament", 8]), (2, 2)),
        (lambda: d.match_many(["color", "hue", "parliament", 7.0]), (1, 1)),
        (lambda: d.matches("hue"), (0, 0)),
        (lambda: d.attend("hue"), (0, 0)),
        (lambda: d.explain("hue"), (0, 0)),
        (lambda: dict(d), (0, 0)),
        (lambda: d.setdefault("color"), (0, 0)),
    ]
    for read, expected in reads:
        before = counts(stats)
        with contextlib.suppress(KeyError):
            read()
        assert tuple(now - was for now, was in zip(counts(stats), before, strict=True)) == expected
    with pytest.raises(TypeError):
        d[[]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_dictionary_is_of_the_same_class_while_it_is_counted(kind):
    subclasses = kind.__subclasses__()
    d = kind({"color": "red"})
    with d.stats():
        assert type(d) is kind
        assert kind.__subclasses__() == subclasses
        assert inspect.getmro(type(d)) == kind.__mro__
        assert type(d["colour"]) is str
    assert Registered.classes == ((Tagged, "red"),)


def test_counting_goes_on_until_it_is_stopped(car):
    stats = car.stats()
    car["colour"]
    assert car.stats() is stats
    assert repr(stats) == "Stats(inexact=1, missed=0)"
    stats.stop()
    stats.stop()
    car["colour"]
    assert counts(stats) == (1, 0)
    with car.stats() as anew:
        car["colour"]
        stats.stop()  # which ended long ago
        car["colour"]
    car["colour"], car.get("parliament")
    assert counts(anew) == (2, 0)


@pytest.mark.parametrize("counted", [False, True])
def test_an_exact_hit_runs_no_python_code(car, counted):
    frames = []

    def trace(frame, event, argument):
        if event == "call":
            frames.append(frame.f_code.co_name)

    if counted:
        car.stats()
    sys.setprofile(trace)
    car["color"]
    sys.setprofile(None)
    assert frames == []


@pytest.mark.parametrize("kind", KINDS)
def test_copies_are_not_counted(kind):
    d = kind({"color": "red"})
    stats = d.stats()
    copies = [d.copy(), copy.copy(d), copy.deepcopy(d), d | {}, {} | d]
    copies.append(pickle.loads(pickle.dumps(d)))
    for each in copies:
        assert type(each) is kind
        assert each["colour"]
        assert each.get_many(["colours"])
    assert counts(stats) == (0, 0)


def test_threads_lose_no_count(car):
    stats = car.stats()
    car["colour"]

    def read():
        for _ in range(2000):
            car["colour"]

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts(stats) == (8001, 0)


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
    monkeypatch.setattr("fuzzydict.log.LOG.write", None)
    assert car["colour"] == car.match("colour").value == car.get_many(["colour"])[0]


def test_silence_of_the_log_is_the_default(car, capfd):
    car["colour"], car.get("parliament")
    assert capfd.readouterr() == ("", "")


def test_importing_and_reading_load_no_logging():
    program = (
        "import sys, fuzzydict; fuzzydict.FuzzyDict(color=1).get('colour')\n"
        "print('logging' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_the_log_is_off_while_logging_is_being_imported(monkeypatch):
    for unfinished in (None, types.ModuleType("logging")):
        monkeypatch.setitem(sys.modules, "logging", unfinished)
        assert not _Log().is_on()
    monkeypatch.undo()
    assert not _Log().is_on()


def test_reads_before_and_after_logging_is_imported_are_right():
    program = (
        "from fuzzydict import FuzzyDict; d = FuzzyDict(color=1); d.get('parliament')\n"
        "import logging; logging.basicConfig(level=logging.DEBUG, format='%(message)s')\n"
        "d.get('parliament')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.strip() == "'parliament' finds no key"


def test_the_first_read_is_told_too():
    program = (
        "import logging; logging.basicConfig(level=logging.DEBUG, format='%(name)s: %(message)s')\n"
        "from fuzzydict import FuzzyDict\n"
        "FuzzyDict(color=1).get('parliament')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.strip() == "fuzzydict: 'parliament' finds no key"
