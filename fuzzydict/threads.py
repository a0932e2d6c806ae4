"""Threads of searches: how many, and how work is shared among them."""

import _thread
import os
from collections.abc import Callable
from itertools import pairwise

__all__ = ["run_in_parallel", "thread_limit"]

_A_THREAD = 1 << 15  # rows that are worth a thread
_MOST_THREADS = 4


def thread_limit() -> int:
    """Return how many threads one search may use.

    The environment variable ``FUZZYDICT_THREADS``, or else the CPUs that this process may run on,
    at most 4. ``ValueError`` if the variable is not a positive integer.
    """
    setting = os.environ.get("FUZZYDICT_THREADS", "")
    if not setting:
        return min(_MOST_THREADS, _available_cpus())
    if not setting.isdecimal() or int(setting) < 1:
        raise ValueError(f"FUZZYDICT_THREADS must be a positive integer, got {setting!r}")
    return int(setting)


def _available_cpus() -> int:
    """Return the number of CPUs that this process may run on, where the system can restrict it."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_in_parallel(work: Callable[[int, int], None], n: int, rows: int) -> None:
    """Do the work from 0 to n, each on so many rows, where it is much in parts on several threads.

    Threads of a pool would not be there after a fork.
    """
    count = min(n, n * rows // _A_THREAD)
    if count > 1:
        count = min(count, thread_limit())
    if count < 2:
        work(0, n)
        return
    parts = list(pairwise(n * part // count for part in range(count + 1)))
    errors: list[BaseException] = []
    done = [_on_a_thread(work, *part, errors) for part in parts[1:]]
    try:
        work(*parts[0])
    finally:
        for lock in done:
            lock.acquire()
    if errors:
        raise errors[0]


def _on_a_thread(
    work: Callable[[int, int], None], start: int, end: int, errors: list[BaseException]
) -> _thread.LockType:
    """Do the work on a thread; return a lock that is free when it is done.

    A `threading.Thread` would be waited for until it runs, which takes thrice the time.
    """
    done = _thread.allocate_lock()
    done.acquire()

    def run() -> None:
        try:
            work(start, end)
        except BaseException as error:
            errors.append(error)
        finally:
            done.release()

    try:
        _thread.start_new_thread(run, ())
    except RuntimeError:  # there are too many, or the interpreter is about to end
        run()
    return done
