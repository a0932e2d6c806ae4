"""Forks while threads read, write and teach a dictionary on a server: `python FILE DSN NAME FORKS`.

Each child uses the dictionary too, and some then end as any program does.
"""

import os
import random
import signal
import sys
import threading
import time

import psycopg
import pytest

from fuzzydict.learning import fit as fitting
from fuzzydict.postgres import PostgresFuzzyDict

SECONDS = 60  # after which a child that hangs is ended
PAIRS = [
    *((f"{word} my bill", "falcon") for word in ("pay", "print", "send", "see")),
    *((f"{word} the crash", "otter") for word in ("report", "fix", "stop", "explain")),
]


def main(dsn, name, forks):
    forks = int(forks)
    fitting._STEPS, fitting._MIN_GAIN, fitting._LEAST_GAIN = 10, -1e6, -1e6
    car = PostgresFuzzyDict(dsn, name)
    car.update(falcon=1, otter=2)
    closed = PostgresFuzzyDict(dsn, name)
    closed.close()

    def read(_):
        assert car["falcons"] == 1

    def write(i):
        car[f"parent {i}"] = i
        assert car[f"Parent-{i}"] == i

    def learn(i):
        car.learn(f"lesson {i}", "otter")

    def teach(i):
        if i % 2:
            car.unfit()
        else:
            assert car.fit(PAIRS).fitted

    works = (read, write, learn, teach)
    together, random_ = threading.Barrier(1 + len(works)), random.Random(0)

    def repeat(work):
        try:
            for i in range(forks):
                together.wait()
                work(i)
        except BaseException:
            together.abort()
            raise

    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for number in range(forks):
        together.wait()
        time.sleep(random_.uniform(0, 0.02))  # so that the threads are anywhere in their work
        child = os.fork()
        if not child:
            signal.alarm(SECONDS)
            use(car, closed, number)
            if number % 4:
                os._exit(0)  # as a child of multiprocessing does; it is faster too
            return
        _, status = os.waitpid(child, 0)
        if status:
            together.abort()
            raise AssertionError(f"child {number} ended with the status {status}")
    for thread in threads:
        thread.join()
    lessons = {f"lesson {i}": "otter" for i in range(forks)}
    lessons |= {f"who is number {i}": f"child {i}" for i in range(forks)}
    assert car.corrections == lessons
    for number in range(forks):
        assert car[f"child {number}"] == car[f"parent {number}"] == number
    car._check()
    car.close()


def use(car, closed, number):
    assert car["falcon"] == car["falcons"] == 1
    car[f"child {number}"] = number
    car.learn(f"who is number {number}", f"child {number}")
    assert car[f"who is number {number}"] == number
    with pytest.raises(psycopg.OperationalError, match="closed"):
        closed["falcon"]
    if number % 2:
        car.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
