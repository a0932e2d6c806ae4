"""Realistic keys and queries for benchmarks: the same ones for the same seed."""

import json
import random
import string
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path


class Texts:
    """Keys, and queries that no key answers exactly.

    The keys are WordNet's lemmas, or words of the default model; where these are too few,
    misspelled ones and pairs of words follow. No query comes twice, so no cache answers it.
    """

    def __init__(
        self, natural: Sequence[str], synonyms: dict[str, list[str]], seed: int = 0
    ) -> None:
        self._rng = random.Random(seed)
        self._made = random.Random(seed)
        self._natural = list(natural)
        self._rng.shuffle(self._natural)
        self._synonyms = synonyms
        self._keys = dict.fromkeys(self._natural)
        self._used: set[str] = set()

    @classmethod
    def load(cls, seed: int = 0, notes: list[str] | None = None) -> "Texts":
        """Read WordNet, or the default model where it is missing, which adds a line to notes."""
        synonyms = _wordnet()
        natural = sorted(synonyms)
        if not natural:
            natural = model_words()
            if notes is not None:
                notes.append("keys: words of the default model, because WordNet is missing")
        return cls(natural, synonyms, seed)

    def write(self, path: Path) -> None:
        """Write the texts to a file for `read`."""
        path.write_text(json.dumps([self._natural, self._synonyms]), "utf-8")

    @classmethod
    def read(cls, path: Path, seed: int = 0) -> "Texts":
        """Return the texts of a file that `write` wrote."""
        natural, synonyms = json.loads(path.read_text("utf-8"))
        return cls(natural, synonyms, seed)

    def keys(self, n: int) -> list[str]:
        """Return the first ``n`` keys, the natural ones before the others."""
        rng = self._made
        while len(self._keys) < n:
            one, other = rng.choice(self._natural), rng.choice(self._natural)
            pair = f"{one.split(' ')[0]} {other.split(' ')[-1]}"
            self._keys[misspelled(one, rng) if rng.random() < 0.7 else pair] = None
        return list(islice(self._keys, n))

    def unused(self, n: int) -> Iterator[str]:
        """Yield natural keys that are not among the first ``n``, then misspelled ones."""
        yield from self._natural[n:]
        yield from self.misspelled(self._natural, set(self._natural[:n]))

    def queries(self, keys: Sequence[str]) -> Iterator[str]:
        """Yield queries, each only once.

        Of ten, six are misspelled keys, one is a synonym, one has its words in another order and
        two are unrelated words.
        """
        key_set, wrong = set(keys), self.misspelled(keys, set(keys))
        while True:
            kind, key = self._rng.random(), self._rng.choice(keys)
            if kind < 0.6:
                yield next(wrong)
                continue
            if kind < 0.7:
                text = self._rng.choice(self._synonyms.get(key) or [""])
            elif kind < 0.8:
                words = key.split(" ")
                text = " ".join([*words[1:], self._rng.choice(keys).split(" ")[0], words[0]])
            else:
                text = self._rng.choice(self._natural)
            if text and text not in key_set and text not in self._used:
                self._used.add(text)
                yield text

    def misspelled(self, keys: Sequence[str], key_set: set[str]) -> Iterator[str]:
        """Yield misspelled keys that are not in ``key_set``; each only once."""
        while True:
            text = misspelled(self._rng.choice(keys), self._rng)
            if text.strip() and text not in key_set and text not in self._used:
                self._used.add(text)
                yield text


def misspelled(text: str, rng: random.Random) -> str:
    """Return the text with one typing error, or with two if it is long."""
    for _ in range(1 + (len(text) > 12)):
        at, letter = rng.randrange(len(text)), rng.choice(string.ascii_lowercase)
        before, here, after = text[:at], text[at], text[at + 1 :]
        doubled, inserted = before + here + here + after, before + letter + here + after
        changed, left_out = before + letter + after, before + after
        swapped = before + after[:1] + here + after[1:]
        text = rng.choice([doubled, inserted, changed, left_out, swapped])
    return text


def _wordnet() -> dict[str, list[str]]:
    """Return the synonyms of each lemma; nothing where WordNet is missing."""
    try:
        import nltk.data
    except ImportError:
        return {}
    synonyms: dict[str, list[str]] = {}
    for part in ("noun", "verb", "adj", "adv"):  # NLTK's own reader would take seconds
        try:
            with nltk.data.find(f"corpora/wordnet/index.{part}").open() as file:
                lines = file.read().decode("utf-8").splitlines()
        except LookupError:
            return {}
        synsets: dict[str, list[str]] = {}
        for line in lines:
            if line[0] != " ":  # not the licence
                lemma, _, senses, *fields = line.split()
                synset = synsets.setdefault(fields[-int(senses)], [])
                synset.append(text := lemma.replace("_", " "))
                synonyms.setdefault(text, synset)
    return {lemma: [text for text in synset if text != lemma] for lemma, synset in synonyms.items()}


def model_words() -> list[str]:
    """Return the vocabulary of the default model."""
    from safetensors.numpy import load_file

    import fuzzydict

    package = Path(fuzzydict.__file__ or "").parent
    for folder in (package / "data", package.parent / "data"):  # installed, or a checkout
        if (path := folder / "default.safetensors").exists():
            return sorted({*load_file(path)["words"].tobytes().decode().split("\n")})
    raise FileNotFoundError(f"no default.safetensors in {package / 'data'}")
