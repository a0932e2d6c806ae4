"""A forked child can read, write and teach, whatever the threads of its parent were doing."""

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from conftest import count_letters, untraced

from fuzzydict import FuzzyDict, forking, progress
from fuzzydict.model import loading
from fuzzydict.progress import Progress

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

MANY = """
import os, random, signal, sys, threading, warnings
import numpy as np
from fuzzydict import FuzzyDict

warnings.simplefilter("ignore")  # of Python 3.12, about threads at a fork
sys.setswitchinterval(1e-5)
items = {f"{color} {thing}": thing for color in ("red", "green", "purple", "yellow")
         for thing in ("house", "bicycle", "mountain", "umbrella")}
d, stop = FuzzyDict(items), threading.Event()
d.stats()

def work(me):
    rng = random.Random(me)
    while not stop.is_set():
        turn = rng.random()
        if turn < 0.4:
            assert d["rde house"] == "house"
            d.get(f"purple montain {rng.random()}")
        elif turn < 0.8:
            d[f"violin {me}"] = me
            d.get(f"voilin {me} {rng.random()}")
            d.popitem() if rng.random() < 0.5 and len(d) > 30 else d.pop(f"violin {me}", None)
        else:
            d.learn(f"what is {me}", "green bicycle")

threads = [threading.Thread(target=work, args=(me,)) for me in range(4)]
for thread in threads:
    thread.start()
failed = []
for _ in range(200):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            signal.alarm(60)
            assert d["red house"] == d["rde house"] == "house"
            d["lantern"] = 5
            assert d["lantren"] == 5
            d.learn("something to sit on", "red house")
            assert d["something to sit on"] == "house"
            del d["lantern"]
            assert d.get("lantren") != 5
            d.stats()
            assert d.match("yelow umbrela").key == "yellow umbrella"
            d._check()
            status = 0
        finally:
            os._exit(status)
    status = os.waitpid(pid, 0)[1]
    if status:
        failed.append(status)
stop.set()
for thread in threads:
    thread.join()
d._check()
print(failed)
"""


def run(program):
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=untraced(),
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_children_of_a_process_whose_threads_read_write_and_teach():
    done = run(MANY)
    assert done.stdout.strip() == "[]", done.stderr


PRODUCTS = """
import os, sys, threading, warnings
import numpy as np
from fuzzydict.forking import matrix_product

warnings.simplefilter("ignore")  # of Python 3.12, about threads at a fork
a, b, stop = np.ones((64, 1024), np.float32), np.ones((1024, 64), np.float32), threading.Event()

def work():
    while not stop.is_set():
        assert matrix_product(a, b)[0, 0] == matrix_product(a, b[:, 0])[0] == 1024

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
failed = []
for _ in range(100):
    pid = os.fork()
    if pid == 0:
        os._exit(int(matrix_product(a, b)[0, 0] != 1024))
    if os.waitpid(pid, 0)[1]:
        failed.append(pid)
stop.set()
for thread in threads:
    thread.join()
print(failed)
"""


def test_products_of_large_matrices_end_though_threads_fork():
    assert run(PRODUCTS).stdout.strip() == "[]"


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_waits_for_products_and_products_wait_for_a_fork():
    class Matrix:
        def __init__(self):
            self.entered, self.release = threading.Event(), threading.Event()

        def __matmul__(self, other):
            self.entered.set()
            assert self.release.wait(60)
            return other

    first, second = Matrix(), Matrix()
    second.release.set()

    def fork():
        if not (pid := os.fork()):  # pragma: no cover
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0

    works = [
        (forking.matrix_product, first, 1),
        (fork,),
        (forking.matrix_product, second, 1),
    ]
    threads = [threading.Thread(target=work, args=arguments) for work, *arguments in works]
    threads[0].start()
    assert first.entered.wait(60)
    threads[1].start()
    while not forking.forks_wait._forks:
        threads[1].join(0.01)
    threads[2].start()
    threads[2].join(0.05)
    assert threads[1].is_alive()
    assert not second.entered.is_set()
    first.release.set()
    for thread in threads:
        thread.join(60)
    assert second.entered.is_set()


def test_a_thread_forks_inside_a_product_of_its_own():
    class Matrix:
        def __matmul__(self, other):
            return os.fork()

    pid = forking.matrix_product(Matrix(), 1)
    if pid == 0:  # pragma: no cover
        os._exit(0 if forking.matrix_product(2 * np.eye(2), np.eye(2))[0, 0] == 2 else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert not forking.forks_wait._inside


def in_child(work):
    """Return whether the work succeeds in a forked child."""
    pid = os.fork()
    if pid == 0:  # pragma: no cover
        status = 1
        try:
            signal.alarm(60)
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1] == 0


@pytest.fixture
def stuck():
    """Return an embedder that waits when it gets the text "wait", and what releases it."""
    entered, release = threading.Event(), threading.Event()

    def embed(texts):
        if any("wait" in text for text in texts) and not release.is_set():
            entered.set()
            assert release.wait(60)
        return count_letters(texts)

    embed.entered, embed.release = entered, release
    yield embed
    release.set()


def reader(d, query):
    thread = threading.Thread(target=d.get, args=(query,))
    thread.start()
    return thread


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("key", ["color", "wait for me"])
def test_a_thread_that_embeds_a_query_or_a_key_does_not_stop_a_child(stuck, key):
    d = FuzzyDict({"color": 1, "price": 2}, embedder=stuck, cutoff=0.5)
    assert d["prices"] == 2
    d[key] = 1
    thread = reader(d, "wait")
    assert stuck.entered.wait(60)

    def work():
        stuck.release.set()
        assert (d["price"], d["prices"]) == (2, 2)
        d["weight"] = 3
        assert d["weights"] == 3
        d._check()

    assert in_child(work)
    stuck.release.set()
    thread.join()
    d._check()


def test_a_dictionary_that_was_being_changed_starts_again_after_a_fork(stuck):
    d = FuzzyDict({"color": 1}, embedder=stuck, cutoff=0.5)
    assert d["colors"] == 1
    d["wait"] = 2
    thread = reader(d, "colours")
    assert stuck.entered.wait(60)
    # What the child sees: a lock whose owner is not there, and a ranker that is half changed.
    before = d._sync.ranker
    d._after_fork()
    stuck.release.set()
    assert d["colors"] == 1
    assert d._sync.ranker is not before
    d._check()
    thread.join()


def test_a_dictionary_that_was_only_read_keeps_its_vectors_after_a_fork(stuck):
    d = FuzzyDict({"color": 1}, embedder=stuck, cutoff=0.5)
    assert d["colors"] == 1
    thread = reader(d, "wait")
    assert stuck.entered.wait(60)
    before = d._sync.ranker
    d._after_fork()
    stuck.release.set()
    thread.join()
    assert d["colours"] == 1
    assert d._sync.ranker is before
    d._check()


def test_a_thread_that_forks_while_it_reads_goes_on():
    children = []

    def embed(texts):
        if "fork" in texts:
            children.append(os.fork())
        return count_letters(texts)

    d = FuzzyDict({"color": 1}, embedder=embed, cutoff=0.5)
    d.get("fork")
    if children[0] == 0:  # pragma: no cover
        os._exit(0 if d["colors"] == 1 else 1)
    assert os.waitpid(children[0], 0)[1] == 0
    assert d["colors"] == 1


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_thread_that_loads_a_model_does_not_stop_a_child():
    held, release = threading.Event(), threading.Event()

    def hold():
        with loading._MODELS.lock:
            held.set()
            assert release.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(60)
    loaded = dict(loading._MODELS.loaded)

    def work():
        loading._MODELS.loaded.clear()
        assert FuzzyDict({"color": 1})["colour"] == 1

    assert in_child(work)
    assert loaded.keys() == loading._MODELS.loaded.keys()
    release.set()
    thread.join()


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_thread_that_draws_its_progress_does_not_stop_a_child():
    drawing, release = threading.Event(), threading.Event()
    with Progress("keys", 1000):
        lock = progress._BARS.kind().get_lock()

    def hold():
        with lock:
            drawing.set()
            assert release.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert drawing.wait(60)

    def work():
        with Progress("keys", 1000) as step:
            step(1000)

    assert in_child(work)
    release.set()
    thread.join()


def test_owners_of_locks_are_registered_as_long_as_they_live():
    before = len(forking._living)
    d = FuzzyDict()
    stats = d.stats()
    assert len(forking._living) == before + 2
    forking._in_child()
    d.get("color")
    assert stats.missed == 1
    del d, stats
    assert len(forking._living) == before


def test_a_fork_imports_nothing():
    program = (
        "import fuzzydict, os, sys; before = set(sys.modules); pid = os.fork()\n"
        "print(*sorted(set(sys.modules) - before)); pid or os._exit(0); os.waitpid(pid, 0)"
    )
    assert run(program).stdout.strip() == ""


def test_a_fork_waits_for_the_outermost_of_nested_contexts():
    with forking.forks_wait:
        with forking.forks_wait:
            assert forking.forks_wait._inside
        assert forking.forks_wait._inside
    assert not forking.forks_wait._inside
