"""How loading bears damage and malice: mutated files of a saved dictionary.

    python tests/benchmarks/fuzz.py [--files N] [--seed SEED]

Half of the files keep the checksum of the whole one, as damage does; the others get one that is
right, as an attacker would give them. Each must be refused with `FileFormatError`, or load and
answer; what is damaged must never load as something else. Prints how many did what, and the longest
time and the most memory that one took.
"""

import argparse
import json
import random
import resource
import sys
import tempfile
import time
import tracemalloc
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fuzzydict import FuzzyDict
from fuzzydict.storage.arrays import FileFormatError

ITEMS = {"color": "red", "top speed": 250, "price": [1, 2.5, None], "battery life": {"h": 9}}
QUERIES = ("colour", "velocity", "parliament")
MEMORY = 1 << 32  # bytes of addresses that the process may have
SLOW = 1.0  # seconds


@dataclass
class Outcome:
    """What became of the files."""

    counts: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0
    most: int = 0
    failures: list[str] = field(default_factory=list)


def whole(path: Path) -> bytes:
    """Save a dictionary that was taught something, and return the bytes of the file."""
    d = FuzzyDict(ITEMS)
    d.learn("what does it cost", "price")
    d.save(path)
    return path.read_bytes()


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return the file with one to three changes of the kinds that parsers trip over."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        kind, at = rng.randrange(9), rng.randrange(len(changed))
        header = min(len(changed), 1200)
        if kind == 0:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            changed[rng.randrange(header)] = rng.randrange(256)
        elif kind == 2:
            del changed[at:]
        elif kind == 3:
            del changed[at : at + rng.randrange(1, 64)]
        elif kind == 4:
            changed[at:at] = rng.randbytes(rng.randrange(1, 64))
        elif kind == 5:  # a number, such as a length or an offset, becomes another
            places = [i for i in range(header) if 48 <= changed[i] < 58]
            if places:
                i = rng.choice(places)
                changed[i : i + 1] = rng.choice(
                    (b"0", b"9", b"99999999999", b"-1", b"1e9", b"null")
                )
        elif kind == 6:
            changed[:8] = rng.choice(
                (b"\xff" * 8, bytes(8), (1 << 40).to_bytes(8, "little"), rng.randbytes(8))
            )
        elif kind == 7:  # a part of the file stands in another place
            start = rng.randrange(len(changed))
            changed[at : at + 32] = changed[start : start + 32]
        else:
            changed[at : at + 1] = rng.choice((b"[", b"{", b'"', b"}", b"]", b"\\", b"\n")) * (
                rng.choice((1, 1, 5000))
            )
        if not changed:
            changed = bytearray(1)
    return bytes(changed)


def resealed(data: bytes) -> bytes:
    """Return the file with the checksum that is right for it, if its header still has one."""
    start = data.find(b'"crc32":"') + 9
    if start < 9 or len(data) < start + 8:
        return data
    blank = data[:start] + b"?" * 8 + data[start + 8 :]
    return data[:start] + f"{zlib.crc32(blank):08x}".encode() + data[start + 8 :]


def fuzz(files: int, seed: int = 0) -> Outcome:
    """Load so many mutated files and return what became of them."""
    rng, outcome = random.Random(seed), Outcome()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "d.fuzzydict"
        data = whole(path)
        expected = [FuzzyDict.load(path).get(query) for query in QUERIES]
        for number in range(files):
            sealed = number % 2 == 1
            change = mutated(data, rng)
            change = resealed(change) if sealed else change
            path.write_bytes(change)
            tracemalloc.reset_peak()
            before, start = tracemalloc.get_traced_memory()[0], time.perf_counter()
            try:
                d = FuzzyDict.load(path)
                answers = [d.get(query) for query in QUERIES]
                kind = "loaded" if sealed else "was no change" if change == data else "wrong"
                if kind == "was no change" and answers != expected:
                    kind = "wrong"
            except FileFormatError:
                kind = "refused"
            except Exception as error:
                kind = "failed"
                outcome.failures.append(f"{type(error).__name__}: {error}"[:200])
            taken = time.perf_counter() - start
            outcome.longest = max(outcome.longest, taken)
            outcome.most = max(outcome.most, tracemalloc.get_traced_memory()[1] - before)
            outcome.counts[f"{'resealed' if sealed else 'damaged'}, {kind}"] += 1
            if taken > SLOW:
                outcome.failures.append(f"took {taken:.1f} s")
    return outcome


def main() -> int:
    """Run the command; return 1 where a file did what it must not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    tracemalloc.start()
    outcome = fuzz(options.files, options.seed)
    print(json.dumps(dict(sorted(outcome.counts.items())), indent=2))
    print(f"the longest took {outcome.longest * 1e3:.1f} ms, the largest {outcome.most:,} bytes")
    for failure in sorted(set(outcome.failures))[:20]:
        print(failure, file=sys.stderr)
    bad = outcome.failures or outcome.counts["damaged, wrong"]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
