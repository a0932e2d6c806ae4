# cython: language_level=3, boundscheck=False, wraparound=False
# cython: initializedcheck=False, freethreading_compatible=True
"""The native implementation of ranking: keys in, scored keys out, without the interpreter's lock.

The algorithms are in the headers of ``native``; this module checks what comes in.
"""

from typing import NamedTuple

from cpython.unicode cimport PyUnicode_FromObject
from cython.operator cimport dereference
from libc.math cimport INFINITY, exp, isfinite
from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy
from libcpp cimport bool as boolean
from libcpp.memory cimport make_unique, shared_ptr, unique_ptr
from libcpp.string cimport string
from libcpp.pair cimport pair
from libcpp.unordered_map cimport unordered_map
from libcpp.vector cimport vector

import numpy as np

from fuzzydict.text import tokens as texts

cdef extern from *:
    """
    static inline std::string_view view_of(const char* data, size_t size) { return {data, size}; }
    """
    bint PyUnicode_IS_ASCII(object text)
    void* PyUnicode_1BYTE_DATA(object text)

cdef extern from "<string_view>" namespace "std" nogil:
    cppclass string_view:
        string_view()
        string_view(const char*, size_t)
        const char* data()
        size_t size()

cdef extern from "native/ranker.hpp" namespace "fuzzydict" nogil:
    const int CHARACTERS "fuzzydict::MAX_LENGTH"
    const int WORD_FEATURES
    const int PHRASE_FEATURES
    const int SPELLING_DIMENSION
    const int SPELLING_BUCKETS

    cppclass Split:
        size_t size()
        string_view at "operator[]"(size_t)
        bint is_number(size_t)
        void add(string_view, bint) except +
        string spaced

    bint may_have_notation(string_view)

    cppclass Text:
        string raw
        string folded
        Split words
        boolean simple
        void split() except +

    cppclass Meaning:
        float rarity, trust, density

    cppclass Table:
        const int8_t* numbers
        const float* scale
        const float* floats
        const float* weights
        const float* density
        const float* names
        const float* redundancy
        const int8_t* projection
        int dimension

    cppclass Vocabulary:
        Vocabulary(
            const Table&, string_view, const vector[uint32_t]&, uint32_t, string_view, string_view,
            string_view, string_view, string_view, string_view
        ) except +
        size_t size()
        int find(string_view)

    cppclass Network:
        Network()
        Network(int, int, const float*, const float*, const float*, float) except +
        int inputs

    cppclass CKeyTable "fuzzydict::KeyTable":
        CKeyTable(shared_ptr[Vocabulary], int, bint) except +
        size_t size()
        int width
        int dimension
        void reserve(size_t) except +
        void add(const Text&, const float*, const int8_t*, float, bint) except +
        void remove(size_t) except +
        const int8_t* row(size_t)
        const float* scales()
        Split split(size_t) except +
        void set_frequencies(unordered_map[string, uint32_t], uint64_t) except +
        size_t bytes()

    cppclass Options:
        size_t candidates, scored
        boolean vectors, cosines
        uint16_t guards
        float letters, tokens
        float slope, shift, cosine_slope, cosine_shift
        const uint32_t* among
        size_t among_count

    cppclass Scored:
        uint32_t place
        float logit, plain
        uint16_t flags

    cppclass Batch:
        vector[Text] queries
        vector[int64_t] exact
        const float* meanings
        const float* bonus
        float* rows
        vector[vector[Scored]] found

    void rank_batch(
        const CKeyTable&, const Network&, const Network&, const Options&, Batch&, size_t
    ) except +
    float nth_logit(const vector[Scored]&, size_t) except +
    void features_of_words(
        const Vocabulary&, const vector[Text]&, const vector[Text]&, bint, float*
    ) except +
    void features_of_phrases(
        const CKeyTable&, const Network&, const Network&, const Options&, Text&,
        const vector[uint32_t]&, const float*, const float*, float*
    ) except +
    void embed_texts(const Vocabulary&, vector[Text]&, bint, float*, float*) except +

cdef extern from "native/binary_codes.hpp" namespace "fuzzydict" nogil:
    const int BLOCK_ROWS
    const int CODE_BYTES
    vector[pair[float, int64_t]] best_codes "fuzzydict::top_k"(
        const uint8_t*, int64_t, int64_t, const uint8_t*, float, float, int64_t, size_t, float, bint
    ) except +


NUMBERS, OPPOSITES, NEGATIONS, ORDER, UNITS, LETTERS, NAMES = GUARD_FLAGS = (1, 2, 16, 32, 64, 128, 256)
SAME_WORDS, ALIAS = 4, 8
"""Flags of a ranked entry: the guards that veto it; another key with the same words is preferred; it
is an alias."""

ALL_GUARDS = sum(GUARD_FLAGS)

cdef double CERTAIN = 8  # the least logit of an exact key


class Ranking(NamedTuple):
    """What Q queries may mean: K keys at most each, in the first ``counts`` columns of a row."""

    counts: np.ndarray  # int32 (Q,)
    places: np.ndarray  # int32 (Q, K) of the keys in the table
    logits: np.ndarray  # float32 (Q, K) -inf where a guard forbids the key
    plain: np.ndarray  # float32 (Q, K) the logits before guards and keys of the same words
    flags: np.ndarray  # uint16 (Q, K)
    rows: np.ndarray | None  # float32 (Q, width) the vectors of the queries, if wanted


cdef int read(object text, Text* out) except -1:
    """Copy what is read of a text. ``Text.split`` splits simple texts, Python those that are not
    ASCII or that may have dates, amounts and the like."""
    if not isinstance(text, str):
        raise TypeError(f"a text must be a str, got {type(text).__name__}")
    text = PyUnicode_FromObject(text)[:CHARACTERS]
    cdef bytes encoded
    if PyUnicode_IS_ASCII(text):
        out.raw.assign(<char*>PyUnicode_1BYTE_DATA(text), <size_t>len(text))
        if not may_have_notation(string_view(out.raw.data(), out.raw.size())):
            return 0
    out.simple = False
    out.raw = text.encode("utf-8", "surrogatepass")
    out.folded = text.casefold().encode("utf-8", "surrogatepass")
    for word in texts.words(text):
        add_word(&out.words, word)
    return 0


cdef int add_word(Split* words, str word) except -1:
    cdef bytes encoded = word.encode("utf-8", "surrogatepass")
    words.add(string_view(<const char*>encoded, <size_t>len(encoded)), word[-1:].isdigit())
    return 0


cdef int read_all(object many, vector[Text]* out) except -1:
    """Read texts, each split already where it is not a single string but its words."""
    cdef Py_ssize_t i
    cdef list all_texts = list(many)
    out.resize(len(all_texts))
    for i, text in enumerate(all_texts):
        if isinstance(text, tuple):
            dereference(out)[i].simple = False
            for word in text:
                if not isinstance(word, str):
                    raise TypeError(f"a word must be a str, got {type(word).__name__}")
                add_word(&dereference(out)[i].words, PyUnicode_FromObject(word))
            dereference(out)[i].raw = dereference(out)[i].words.spaced
        else:
            read(text, &dereference(out)[i])
    return 0


def _floats(array, shape, name):
    """Return a contiguous float32 array of this shape, or raise a ``ValueError``."""
    found = np.ascontiguousarray(array, np.float32)
    if found.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, got {found.shape}")
    return found


def _finite(array, shape, name):
    """Return what `_floats` does, or raise a ``ValueError`` where it is not finite."""
    found = _floats(array, shape, name)
    if not np.isfinite(found).all():
        raise ValueError(f"{name} must be finite")
    return found


cdef Network network_of(object parts, int inputs) except *:
    w1, b1, w2, b2 = parts
    cdef Py_ssize_t units = np.size(b1)
    if units < 1 or units > 4096:
        raise ValueError(f"a network must have 1 to 4096 hidden units, got {units}")
    cdef const float[:, ::1] first = _finite(w1, (inputs, units), "w1")
    cdef const float[::1] bias = _finite(b1, (units,), "b1")
    cdef const float[::1] second = _finite(w2, (units,), "w2")
    return Network(inputs, <int>units, &first[0, 0], &bias[0], &second[0], <float>float(np.squeeze(b2)))


cdef class Model:
    """A vocabulary with its vectors, and the two networks of the score.

    ``words`` are the bytes of all words, separated by newlines, or a list of them; ``vectors`` is
    int8 [n, d] with a ``scale`` [n], or float32 [n, d]; ``weights``, ``density``,
    ``names`` and ``redundancy`` are [n].
    ``irregular``, ``opposites``, ``units``, ``connectors``, ``aliases`` and ``same_names`` are the contents of files,
    ``projection`` the random rows of `fuzzydict.text.spelling`, int8 [1024, 64]. A network is (w1, b1, w2, b2). O(n).
    """

    cdef shared_ptr[Vocabulary] vocabulary
    cdef Network of_words, of_phrases
    cdef tuple arrays  # to which the vocabulary points
    cdef readonly int dimension

    def __init__(
        self, words, vectors, weights, density, word_network, phrase_network, *,
        names, redundancy, scale=None, bytes irregular=b"", bytes opposites=b"", bytes units=b"",
        bytes connectors=b"", bytes aliases=b"", bytes same_names=b"", projection,
    ):
        cdef vector[uint32_t] ends
        cdef Table table
        cdef uint32_t gap = 0
        self.of_words = network_of(word_network, WORD_FEATURES)
        self.of_phrases = network_of(phrase_network, PHRASE_FEATURES)
        if isinstance(words, (list, tuple)):
            encoded = [word.encode("utf-8", "surrogatepass") for word in words]
            blob = np.frombuffer(b"".join(encoded), np.uint8)
            every = np.cumsum([len(word) for word in encoded], dtype=np.int64)
        else:
            blob = np.frombuffer(words, np.uint8)
            every = np.append(np.flatnonzero(blob == 10), len(blob)) if len(blob) else np.empty(0, np.int64)
            gap = 1
        if len(blob) >= 2**31:
            raise ValueError("the words must be less than 2 GiB")
        cdef const uint32_t[::1] places = every.astype(np.uint32)
        cdef Py_ssize_t n = len(every)
        if n:
            ends.assign(&places[0], &places[0] + n)
        vectors = np.ascontiguousarray(vectors)
        if vectors.ndim != 2 or len(vectors) != n or not 0 < vectors.shape[1] < 1 << 16:
            raise ValueError(f"vectors must have the shape ({n}, d), got {vectors.shape}")
        if (vectors.dtype == np.int8) != (scale is not None):
            raise ValueError("vectors must be int8 with a scale, or floats without one")
        if scale is None:
            vectors = _finite(vectors, vectors.shape, "vectors")
        else:
            scale = _finite(scale, (n,), "scale")
        projection = np.ascontiguousarray(projection, np.int8)
        if projection.shape != (SPELLING_BUCKETS, SPELLING_DIMENSION):
            raise ValueError(f"projection must have the shape (1024, 64), got {projection.shape}")
        weights, density = _finite(weights, (n,), "weights"), _finite(density, (n,), "density")
        names, redundancy = _finite(names, (n,), "names"), _finite(redundancy, (n,), "redundancy")
        self.arrays = blob, vectors, scale, weights, density, names, redundancy, projection
        self.dimension = table.dimension = vectors.shape[1]
        table.weights = <const float*><size_t>weights.ctypes.data
        table.density = <const float*><size_t>density.ctypes.data
        table.names = <const float*><size_t>names.ctypes.data
        table.redundancy = <const float*><size_t>redundancy.ctypes.data
        table.projection = <const int8_t*><size_t>projection.ctypes.data
        if scale is None:
            table.floats = <const float*><size_t>vectors.ctypes.data
        else:
            table.numbers = <const int8_t*><size_t>vectors.ctypes.data
            table.scale = <const float*><size_t>scale.ctypes.data
        cdef string_view view = string_view(<const char*><size_t>blob.ctypes.data, <size_t>len(blob))
        cdef string_view forms = string_view(<const char*>irregular, <size_t>len(irregular))
        cdef string_view antonyms = string_view(<const char*>opposites, <size_t>len(opposites))
        cdef string_view measures = string_view(<const char*>units, <size_t>len(units))
        cdef string_view relations = string_view(<const char*>connectors, <size_t>len(connectors))
        cdef string_view others = string_view(<const char*>aliases, <size_t>len(aliases))
        cdef string_view things = string_view(<const char*>same_names, <size_t>len(same_names))
        self.vocabulary.reset(new Vocabulary(table, view, ends, gap, forms, antonyms, measures, relations, others, things))

    def __len__(self):
        return dereference(self.vocabulary).size()

    def with_networks(self, word_network, phrase_network):
        """Return a model of the same vocabulary, which is shared, with other networks."""
        cdef Model other = Model.__new__(Model)
        other.of_words = network_of(word_network, WORD_FEATURES)
        other.of_phrases = network_of(phrase_network, PHRASE_FEATURES)
        other.vocabulary, other.arrays, other.dimension = self.vocabulary, self.arrays, self.dimension
        return other

    def word_features(self, queries, keys, *, bint vectors=True):
        """Return what is known of words or phrases of queries and of keys, pair by pair.

        float32 [len(queries), `PAIR_FEATURES`]. Without ``vectors`` they have no meaning.
        """
        cdef vector[Text] ours, theirs
        read_all([(query,) for query in queries], &ours)
        read_all([(key,) for key in keys], &theirs)
        if ours.size() != theirs.size():
            raise ValueError(f"there must be as many keys as queries, got {theirs.size()} and {ours.size()}")
        result = np.empty((ours.size(), WORD_FEATURES), np.float32)
        cdef float[:, ::1] out = result
        cdef float* to = &out[0, 0] if ours.size() else NULL
        with nogil:
            features_of_words(dereference(self.vocabulary), ours, theirs, vectors, to)
        return result

    def embed(self, many, *, bint guess=True):
        """Return the vectors of texts, or of tuples of words, and how far each is to be trusted.

        float32 [n, d + 64], the meaning and then the spelling, and float32 [n]. A query may be
        mistyped, so that the meaning of unknown words is guessed.
        """
        cdef vector[Text] found
        read_all(many, &found)
        result = np.empty((found.size(), self.dimension + SPELLING_DIMENSION), np.float32)
        trust = np.empty(found.size(), np.float32)
        cdef float[:, ::1] out = result
        cdef float[::1] trusted = trust
        cdef float* to = &out[0, 0] if found.size() else NULL
        cdef float* beside = &trusted[0] if found.size() else NULL
        with nogil:
            embed_texts(dereference(self.vocabulary), found, guess, to, beside)
        return result, trust


cdef class Settings:
    """How queries are ranked. Cheap to make, and never changed.

    Of the ``n_candidates`` keys of the largest dot products the ``n_scored`` are scored, or all for
    0, whose product is the largest together with ``letters`` times the share of letters in common
    and ``tokens`` times that of words, which count by how rare they are among the keys. ``guards``
    are flags. A logit z counts as slope * z + shift by ``calibration``, and so does a cosine of
    another embedder by ``scale``. Without ``vectors`` words have no meaning, without ``cosines``
    whole texts have none.
    """

    cdef Options options

    def __init__(
        self, *, Py_ssize_t n_candidates=64, Py_ssize_t n_scored=16, float letters=1,
        float tokens=0, int guards=ALL_GUARDS, bint vectors=True, bint cosines=True, calibration=(1.0, 0.0),
        scale=(1.0, 0.0),
    ):
        if n_candidates < 1 or n_scored < 0:
            raise ValueError(
                f"n_candidates must be at least 1 and n_scored at least 0, got {n_candidates} and {n_scored}"
            )
        if guards & ~ALL_GUARDS:
            raise ValueError(f"guards must be some of the flags {ALL_GUARDS}, got {guards}")
        self.options.candidates, self.options.scored = n_candidates, n_scored
        self.options.letters, self.options.tokens = letters, tokens
        self.options.guards = guards
        self.options.vectors, self.options.cosines = vectors, cosines
        self.options.slope, self.options.shift = calibration
        self.options.cosine_slope, self.options.cosine_shift = scale
        for each in (letters, tokens, *calibration, *scale):
            if not isfinite(each):
                raise ValueError("letters, tokens, calibration and scale must be finite")


_DEFAULT = Settings()


cdef class KeyTable:
    """The keys of a dictionary that are text, at places from 0 on.

    With a ``dimension`` their meanings come from another embedder. A thread that changes the table
    must be alone with it.
    """

    cdef object __weakref__
    cdef readonly Model model
    cdef CKeyTable* table
    cdef list texts  # the keys and aliases, by their places
    cdef dict known  # the places of the keys
    cdef dict aliased  # the places of the aliases
    cdef readonly bint own

    def __cinit__(self, Model model not None, dimension=None):
        if not model.vocabulary:
            raise ValueError("the model was not initialised")
        if dimension is not None and not 0 < dimension < 1 << 16:
            raise ValueError(f"dimension must be 1 to 65535, got {dimension}")
        self.model, self.texts, self.known, self.aliased = model, [], {}, {}
        self.own = dimension is None
        self.table = new CKeyTable(
            model.vocabulary, model.dimension if dimension is None else <int>dimension, self.own
        )

    def __dealloc__(self):
        del self.table

    def __len__(self):
        return len(self.texts)

    def __contains__(self, key):
        return key in self.known

    @staticmethod
    def settings(**options):
        """Return `Settings` of these options."""
        return Settings(**options)

    @property
    def width(self):
        """How many numbers a row has: those of the meaning, and 64 of the spelling."""
        return self.table.width

    @property
    def nbytes(self):
        """The bytes of memory of the table, without the keys themselves and their places."""
        return self.table.bytes()

    @property
    def key_count(self):
        """The number of keys, without aliases."""
        return len(self.known)

    def keys(self):
        """Return the keys, in any order."""
        return list(self.known)

    def aliases(self):
        """Return the aliases, in any order."""
        return list(self.aliased)

    def find(self, key):
        """Return the place of a key, or None."""
        return self.known.get(key)

    def find_alias(self, text):
        """Return the place of an alias, or None."""
        return self.aliased.get(text)

    cdef int _check(self, Py_ssize_t place) except -1:
        if not 0 <= place < len(self.texts):
            raise IndexError(f"place must be 0 to {len(self.texts) - 1}, got {place}")
        return 0

    def text(self, Py_ssize_t place):
        """Return the key or alias at a place."""
        self._check(place)
        return self.texts[place]

    def words(self, Py_ssize_t place):
        """Return the words of the key or alias at a place."""
        self._check(place)
        return words_of(self.table.split(place))

    def add(self, keys, *, meanings=None, numbers=None, scales=None, bint aliases=False):
        """Add keys that are not there yet, at the next places. Amortised O(d) a key.

        ``meanings`` are those of another embedder, float32 [n, d]. With ``numbers``, int8
        [n, width], and ``scales`` [n], as `rows` gives them, nothing is embedded. Aliases are texts
        that stand for a key: they may be there already, and do not count as keys elsewhere.
        """
        cdef list added = list(keys)
        cdef vector[Text] found
        cdef Py_ssize_t i, n = len(added)
        cdef const float[:, ::1] meaning
        cdef const int8_t[:, ::1] number
        cdef const float[::1] scale
        read_all(added, &found)
        for key in added:
            if not isinstance(key, str):
                raise TypeError(f"a key must be a str, got {type(key).__name__}")
        cdef dict places = self.aliased if aliases else self.known
        if len(set(added)) < n or not places.keys().isdisjoint(added):
            raise ValueError("keys must be new and different from each other")
        if (numbers is None) != (scales is None):
            raise ValueError("pass both numbers and scales, or neither")
        if numbers is not None:
            numbers = np.ascontiguousarray(numbers)
            if numbers.dtype != np.int8 or numbers.shape != (n, self.width):
                raise ValueError(
                    f"numbers must be int8 of the shape ({n}, {self.width}), got {numbers.dtype} of {numbers.shape}"
                )
            number, scale = numbers, _finite(scales, (n,), "scales")
        elif not self.own:
            if meanings is None:
                raise ValueError("the embedder is another one: pass the meanings of the keys")
            meaning = _finite(meanings, (n, self.table.dimension), "meanings")
        elif meanings is not None:
            raise ValueError("the model embeds the keys itself: pass no meanings")
        cdef const float* of_text
        cdef const int8_t* row
        cdef bint known = numbers is not None, other = not self.own
        with nogil:
            self.table.reserve(self.table.size() + n)
            for i in range(n):
                found[i].split()
                of_text = &meaning[i, 0] if other and not known else NULL
                row = &number[i, 0] if known else NULL
                self.table.add(found[i], of_text, row, scale[i] if known else 0, aliases)
        places.update(zip(added, range(len(self.texts), len(self.texts) + n)))
        self.texts.extend(added)

    def remove(self, key):
        """Remove a key; the last one takes its place. ``KeyError`` where there is no such key."""
        self.remove_at(self.known[key])

    def remove_at(self, Py_ssize_t place):
        """Remove the key or alias at a place; the last one takes its place."""
        self._check(place)
        cdef Py_ssize_t end = len(self.texts) - 1
        text, last = self.texts[place], self.texts[end]
        self.table.remove(place)
        del self._places_of(text, place)[text]
        if place < end:
            self._places_of(last, end)[last] = place
        self.texts[place] = last
        self.texts.pop()

    cdef dict _places_of(self, text, Py_ssize_t place):
        """Return the places of the keys, or of the aliases, whichever the entry is one of."""
        return self.known if self.known.get(text, -1) == place else self.aliased

    def rows(self, places=None):
        """Return the rows at some places, or all: int8 [n, width], and their scales [n]."""
        cdef const int64_t[::1] chosen = self._places(range(len(self)) if places is None else places)
        cdef Py_ssize_t i, n = len(chosen), width = self.table.width
        numbers, scales = np.empty((n, width), np.int8), np.empty(n, np.float32)
        cdef int8_t[:, ::1] out = numbers
        cdef float[::1] beside = scales
        for i in range(n):
            memcpy(&out[i, 0], self.table.row(chosen[i]), width)
            beside[i] = self.table.scales()[chosen[i]]
        return numbers, scales

    def vectors(self, places=None):
        """Return the vectors of the rows: float32 [n, width]."""
        numbers, scales = self.rows(places)
        return numbers * scales[:, None]

    def query_vectors(self, queries, meanings=None):
        """Return the vectors of queries, [Q, width], whose dot products choose candidates."""
        rows, trust = self.model.embed(queries)
        if self.own:
            rows[:, : self.model.dimension] *= trust[:, None]
            return rows
        meanings = _finite(meanings, (len(rows), self.table.dimension), "meanings")
        return np.hstack([meanings, rows[:, self.model.dimension :]])

    def set_frequencies(self, counts, Py_ssize_t keys):
        """Go by how many of so many keys have each word, where others than these are keys too."""
        cdef unordered_map[string, uint32_t] found
        for word, count in counts.items():
            found[word.encode("utf-8", "surrogatepass")] = count
        self.table.set_frequencies(found, keys)

    def _places(self, places):
        found = np.ascontiguousarray(places if isinstance(places, np.ndarray) else list(places), np.int64)
        if found.ndim != 1 or (found.size and not 0 <= found.min() <= found.max() < len(self)):
            raise ValueError(f"places must be 0 to {len(self) - 1}")
        return found

    cdef int run(
        self, list queries, Settings settings, Py_ssize_t threads, meanings, exact, among, bonus,
        object rows, Batch* batch,
    ) except -1:
        """Rank queries, with their vectors in ``rows`` if that is an array."""
        cdef Options options = settings.options
        cdef Py_ssize_t i, n = len(queries)
        cdef const float[:, ::1] meaning
        cdef float[:, ::1] row
        cdef const float[:, ::1] added
        cdef const int64_t[::1] sure
        cdef const uint32_t[::1] allowed
        cdef uint32_t nothing = 0
        if threads < 1:
            raise ValueError(f"threads must be at least 1, got {threads}")
        if self.own != (meanings is None):
            raise ValueError("pass meanings exactly if the embedder is another one")
        read_all(queries, &batch.queries)
        batch.exact.assign(n, -1)
        if exact is None:
            for i in range(n):
                place = self.known.get(queries[i])
                if place is not None:
                    batch.exact[i] = place
        else:
            sure = np.ascontiguousarray(exact, np.int64)
            if len(sure) != n or (n and not -1 <= np.min(exact) <= np.max(exact) < len(self)):
                raise ValueError(f"exact must be {n} places from -1 to {len(self) - 1}")
            for i in range(n):
                batch.exact[i] = sure[i]
        if meanings is not None:
            meaning = _finite(meanings, (n, self.table.dimension), "meanings")
            if n:
                batch.meanings = &meaning[0, 0]
        if bonus is not None:
            added = _finite(bonus, (n, len(self)), "bonus")
            if n and len(self):
                batch.bonus = &added[0, 0]
        if among is not None:
            allowed = np.unique(self._places(among)).astype(np.uint32)
            options.among = &allowed[0] if len(allowed) else &nothing
            options.among_count = len(allowed)
        options.vectors = options.vectors and self.own
        if rows is not None and n:
            row = rows
            batch.rows = &row[0, 0]
        with nogil:
            rank_batch(
                dereference(self.table), self.model.of_words, self.model.of_phrases, options,
                dereference(batch), threads,
            )
        return 0

    def rank(
        self, queries, Settings settings not None=_DEFAULT, *, Py_ssize_t threads=1, meanings=None,
        exact=None, among=None, bonus=None, bint rows=False,
    ):
        """Return the `Ranking` of each query over the keys, of those ``among`` some places if given.

        A query is a text, or the tuple of its words. The key that equals it is always scored, or
        that which ``exact`` says is certain: its place or -1 for each query. With another embedder
        ``meanings`` are those of the queries, float32 [Q, d]. ``bonus``, float32 [Q, entries], is added
        to the dot products that choose candidates. The batch is shared by ``threads``.
        """
        cdef Batch batch
        cdef list many = [queries] if isinstance(queries, str) else list(queries)
        cdef Py_ssize_t i, k, n = len(many), most = 0
        of_queries = np.empty((n, self.table.width), np.float32) if rows else None
        self.run(many, settings, threads, meanings, exact, among, bonus, of_queries, &batch)
        for i in range(n):
            most = max(most, <Py_ssize_t>batch.found[i].size())
        result = Ranking(
            np.empty(n, np.int32), np.zeros((n, most), np.int32), np.full((n, most), -np.inf, np.float32),
            np.full((n, most), -np.inf, np.float32), np.zeros((n, most), np.uint16), of_queries,
        )
        cdef int32_t[::1] counts = result.counts
        cdef int32_t[:, ::1] places = result.places
        cdef float[:, ::1] logits = result.logits, plain = result.plain
        cdef uint16_t[:, ::1] flags = result.flags
        for i in range(n):
            counts[i] = <int32_t>batch.found[i].size()
            for k in range(counts[i]):
                places[i, k] = batch.found[i][k].place
                logits[i, k], plain[i, k] = batch.found[i][k].logit, batch.found[i][k].plain
                flags[i, k] = batch.found[i][k].flags
        return result

    def best(
        self, queries, Py_ssize_t n=1, Settings settings not None=_DEFAULT, *, Py_ssize_t threads=1,
        meanings=None,
    ):
        """Return for each query the ``n`` most probable keys with their probabilities, best first.

        The probabilities of all keys and of none of them, whose logit is 0, sum to one; keys that a
        guard forbids are left out. A key that equals the query is certain.
        """
        cdef Batch batch
        cdef list many = [queries] if isinstance(queries, str) else list(queries)
        cdef list found, result = []
        cdef Py_ssize_t i, k, count
        cdef double top, total, most, least
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}")
        self.run(many, settings, threads, meanings, None, None, None, None, &batch)
        for i in range(len(many)):
            count = batch.found[i].size()
            most = -INFINITY
            for k in range(count):
                most = max(most, batch.found[i][k].logit)
            for k in range(count):
                if batch.found[i][k].place == batch.exact[i]:
                    batch.found[i][k].logit = <float>max(most + 1, CERTAIN)
                    most = batch.found[i][k].logit
            top = max(most, 0)
            total = exp(-top)
            found, least = [], nth_logit(batch.found[i], n)
            for k in range(count):
                total += exp(batch.found[i][k].logit - top)
                if batch.found[i][k].logit > -INFINITY and batch.found[i][k].logit >= least:
                    found.append((-batch.found[i][k].logit, self.texts[batch.found[i][k].place]))
            found.sort()
            result.append([(key, exp(-negative - top) / total) for negative, key in found[:n]])
        return result

    def phrase_features(self, query, places, *, cosines=None, bint vectors=True):
        """Return what is known of a query, a text or the tuple of its words, and some keys.

        float32 [len(places), `TEXT_FEATURES`]. ``cosines`` take the place of those of the model.
        """
        cdef vector[Text] text
        cdef vector[uint32_t] chosen
        cdef Options options
        cdef const float[::1] given
        if not self.own and cosines is None:
            raise ValueError("the embedder is another one: pass cosines")
        read_all([query], &text)
        for place in self._places(places).tolist():
            chosen.push_back(place)
        if cosines is not None:
            given = _floats(cosines, (chosen.size(),), "cosines")
        options.vectors = vectors and self.own
        result = np.empty((chosen.size(), PHRASE_FEATURES), np.float32)
        cdef float[:, ::1] out = result
        cdef float* to = &out[0, 0] if chosen.size() else NULL
        cdef const float* beside = &given[0] if cosines is not None and chosen.size() else NULL
        with nogil:
            text[0].split()
            features_of_phrases(
                dereference(self.table), self.model.of_words, self.model.of_phrases, options, text[0],
                chosen, NULL, beside, to,
            )
        return result


def split(text):
    """Return the words of a text, as `fuzzydict.text.tokens.words` does."""
    cdef Text found
    read(text, &found)
    found.split()
    return words_of(found.words)


cdef tuple words_of(Split split):
    cdef size_t i
    words = []
    for i in range(split.size()):
        word = split.at(i)
        words.append(word.data()[: word.size()].decode("utf-8", "surrogatepass"))
    return tuple(words)


SHUFFLES = True  # where the processor has them; tests go without


def top_k(
    const uint8_t[:, :, :] blocks not None, const uint8_t[:, ::1] tables not None,
    float step, float least, Py_ssize_t count, Py_ssize_t n, float limit,
):
    """Return the ``n`` largest estimates above a limit of the first ``count`` vectors and their
    places, of equal ones the earlier; in any order. See `fuzzydict.index.binary_codes`."""
    cdef vector[pair[float, int64_t]] found
    cdef Py_ssize_t i
    if blocks.shape[1] != CODE_BYTES + 2 or blocks.shape[2] != BLOCK_ROWS:
        raise ValueError(f"blocks must have {CODE_BYTES + 2} by {BLOCK_ROWS} bytes, got {blocks.shape[1]} by {blocks.shape[2]}")
    if blocks.strides[1] != BLOCK_ROWS or blocks.strides[2] != 1:
        raise ValueError("the bytes of a block must be contiguous")
    if tables.shape[0] != 2 * CODE_BYTES or tables.shape[1] != 16:
        raise ValueError(f"there must be {2 * CODE_BYTES} tables of 16 sums, got {tables.shape[0]} of {tables.shape[1]}")
    if np.max(tables) > 63:
        raise ValueError("a sum of a table must be at most 63: four must fit into a byte")
    if not 0 <= count <= BLOCK_ROWS * blocks.shape[0]:
        raise ValueError(f"count must be 0 to {BLOCK_ROWS * blocks.shape[0]}, got {count}")
    cdef size_t most = max(min(n, count), 0)
    if not most:
        return np.empty(0, np.float32), np.empty(0, np.intp)
    cdef bint shuffles = SHUFFLES
    with nogil:
        found = best_codes(
            &blocks[0, 0, 0], blocks.shape[0], blocks.strides[0], &tables[0, 0], step, least, count,
            most, limit, shuffles,
        )
    values, places = np.empty(found.size(), np.float32), np.empty(found.size(), np.intp)
    cdef float[::1] value = values
    cdef Py_ssize_t[::1] place = places
    for i in range(<Py_ssize_t>found.size()):
        value[i], place[i] = found[i].first, found[i].second
    return values, places
