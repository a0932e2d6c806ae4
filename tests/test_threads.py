"""Many threads at once: no exception, no answer that was never right, no key lost."""

import os
import random
import sys
import threading
import time

import pytest

from fuzzydict import FuzzyDict, key_sync

OPERATIONS = int(os.environ.get("FUZZYDICT_STRESS", "6000"))  # of all threads together
THREADS = 8
STEADY = {f"{color} {thing}": i for i, (color, thing) in enumerate(
    (color, thing)
    for color in ("red", "green", "purple", "yellow")
    for thing in ("house", "bicycle", "mountain", "umbrella", "candle")
)}  # fmt: skip


def misspelled(key):
    return key[:-2] + key[-1] + key[-2]


def together(work, threads=THREADS):
    """Run work(i) in each of the threads; raise what any of them raised."""
    failures = []

    def run(i):
        try:
            work(i)
        except BaseException as error:
            failures.append(error)

    running = [threading.Thread(target=run, args=(i,)) for i in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if failures:
        raise failures[0]


@pytest.fixture
def often(monkeypatch):
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.no_cover
@pytest.mark.usefixtures("often")
def test_readers_and_writers_agree_with_a_log():
    """Each thread owns some keys that it alone writes, and logs what they hold.

    Its own reads, exact and not, must agree with its log; those of keys that none writes with what
    they always were; and those of another's keys with a value that it once had.
    """
    d = FuzzyDict(STEADY)
    assert all(d[misspelled(key)] == value for key, value in STEADY.items())
    names = ["violin", "lantern", "harbour", "tractor", "blanket", "compass", "saddle", "pepper"]
    logs = [{} for _ in range(THREADS)]
    counter = iter(range(10**9))

    def work(me):
        rng, log = random.Random(me), logs[me]
        own = [f"{names[me]} {place}" for place in ("north", "south", "market", "kitchen")]
        for turn in range(OPERATIONS // THREADS):
            key, what = rng.choice(own), rng.random()
            if what < 0.10:
                value = (me, next(counter))
                d[key] = log[key] = value
            elif what < 0.15:
                assert d.pop(key, None) == log.pop(key, None)
            elif what < 0.18:
                if key in log:
                    del log[key]
                    del d[key]
                else:
                    with pytest.raises(KeyError):
                        del d[key]
            elif what < 0.20:
                value = (me, turn)
                assert d.setdefault(key, value) == log.setdefault(key, value)
            elif what < 0.50:
                assert dict.get(d, key) == log.get(key)
                if key in log:
                    assert d[misspelled(key)] == log[key]
            elif what < 0.60:
                found = d.match(misspelled(key))
                assert (found.value if found and found.key == key else None) == log.get(key)
            elif what < 0.90:
                steady = rng.choice(list(STEADY))
                assert d[steady] == STEADY[steady]
                assert d[misspelled(steady)] == STEADY[steady]
            elif what < 0.97:
                other = names[(me + 1) % THREADS]
                value = d.get(f"{other} markte")
                assert value is None or value[0] == (me + 1) % THREADS
            elif what < 0.98:
                steady = list(STEADY)[:3]
                assert d.get_many(map(misspelled, steady)) == [STEADY[key] for key in steady]
            elif what < 0.99:
                d.learn(f"what is {me}", "red house")
                assert d.corrections[f"what is {me}"] == "red house"
            else:
                assert sum(d.attend("house").weights.values()) <= 1.0001

    together(work)
    expected = dict(STEADY)
    for log in logs:
        expected.update(log)
    assert dict(d) == expected
    assert all(d[misspelled(key)] == value for key, value in expected.items())
    assert d._sync.is_current(len(d))
    d._check()


@pytest.mark.usefixtures("often")
def test_a_thread_reads_what_it_wrote():
    d = FuzzyDict(STEADY)
    assert d["rde house"] == 0
    end = time.monotonic() + 2

    def work(me):
        i = 0
        while time.monotonic() < end:
            if me < 4:  # these write and read
                key = f"{('anteater', 'buffalo', 'chinchilla', 'dragonfly')[me]} {i}x"
                d[key] = i
                assert d[f"{key[:2]}{key[3]}{key[2]}{key[4:]}"] == i
                del d[key]
            else:  # and these keep the number of keys the same
                d[f"zebra {me}"] = 1
                d.pop(f"zebra {me}")
            i += 1

    together(work)
    d._check()


def test_the_first_read_of_many_threads_embeds_the_keys_once():
    calls = []

    def embed(texts):
        calls.append(len(texts))
        time.sleep(0.01)
        return [[len(text), 1.0] for text in texts]

    d = FuzzyDict.fromkeys(STEADY)
    d = FuzzyDict(d, embedder=embed)
    together(lambda me: d.get(f"query {me}"))
    assert calls.count(len(STEADY)) == 1


def test_a_slow_embedder_keeps_no_exact_read_waiting():
    asked, release = threading.Event(), threading.Event()

    def embed(texts):
        asked.set()
        assert release.wait(30)
        return [[1.0, 0.0] for _ in texts]

    d = FuzzyDict({"color": 1}, embedder=embed)
    reader = threading.Thread(target=d.get, args=("colour",))
    reader.start()
    assert asked.wait(30)
    assert (d["color"], d.get("color"), "color" in d) == (1, 1, True)
    d["price"] = 2
    assert d["price"] == 2
    release.set()
    reader.join()


@pytest.mark.usefixtures("often")
def test_dictionaries_of_one_embedder_do_not_disturb_each_other():
    texts = [f"unheardof{i} word{i % 7}x" for i in range(300)]
    expected = [FuzzyDict(STEADY).matches(text, cutoff=0.0) for text in texts]

    def work(me):
        d = FuzzyDict(STEADY)
        for text, right in zip(texts, expected, strict=True):
            assert d.matches(text, cutoff=0.0) == right

    together(work, 4)


def test_keys_that_come_while_the_newest_are_listed_are_listed_too(monkeypatch):
    d = FuzzyDict(STEADY)
    assert d["rde house"] == 0
    islice, turns = key_sync.itertools.islice, iter(range(3))

    def interrupted(items, n):
        turn = next(turns, None)
        if turn == 0:
            raise RuntimeError("dictionary changed size during iteration")
        listed = list(islice(items, n))
        if turn == 1:
            d["lantern"] = 2
        return listed

    d["violin"] = 1
    monkeypatch.setattr(key_sync.itertools, "islice", interrupted)
    assert d["voilin"] == 1
    assert next(turns, None) is None
    assert d["lantren"] == 2
    assert d._sync.is_current(len(d))
    d._check()


@pytest.mark.usefixtures("short_fits")
def test_a_fit_during_a_save_is_not_taken_for_what_the_file_has(tmp_path):
    d = FuzzyDict(falcon=1, otter=2, maple=3)
    pairs = [(f"{word} my invoice", "falcon") for word in ("pay", "print", "send", "see", "find")]
    pairs += [(f"{word} the crash", "otter") for word in ("pay", "print", "send", "see", "find")]

    def encode(value):
        if d._learned.projection is None:
            assert d.fit(pairs).fitted
        return value

    d.save(tmp_path / "d", encode=encode)
    assert d._saved_as is None
    assert FuzzyDict.load(tmp_path / "d", decode=int)._learned.projection is None
