# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""The inner loops of a lookup, compiled, in the order in which a query meets them.

Each has a twin in Python and NumPy, which says what it does, stands in where this was not built,
and is its oracle in the tests: the two agree but for the rounding of floats.
"""

cimport cython
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.unicode cimport PyUnicode_AsUCS4Copy, PyUnicode_DecodeASCII, PyUnicode_FromObject
from libc.limits cimport INT_MAX
from libc.math cimport INFINITY, exp, fabsf, lrintf, nextafterf, sqrt
from libc.stdint cimport (
    int8_t, int16_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t,
)
from libc.string cimport memcpy, memset

import numpy as np


cdef extern from *:
    """
    #include <math.h>

    /* Sums over lanes, which a compiler turns into vectors; on a processor that has wide ones, into
       these. */
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define FOR_EACH_PROCESSOR __attribute__((target_clones("avx2", "default")))
    #else
    #define FOR_EACH_PROCESSOR
    #endif
    #define LANES 16

    static inline float sum_of(const float* lanes) {
        float sum = 0;
        for (int k = 0; k < LANES; k++) sum += lanes[k];
        return sum;
    }

    FOR_EACH_PROCESSOR static float dot(const float* one, const float* other, int d) {
        float lanes[LANES] = {0};
        int i = 0;
        for (; i + LANES <= d; i += LANES)
            for (int k = 0; k < LANES; k++) lanes[k] += one[i + k] * other[i + k];
        for (int k = 0; i < d; i++, k++) lanes[k] += one[i] * other[i];
        return sum_of(lanes);
    }

    FOR_EACH_PROCESSOR static void add_scaled(
        const signed char* row, int d, float scale, float weight, float* out
    ) {
        for (int i = 0; i < d; i++) out[i] += (float)row[i] * scale * weight;
    }

    FOR_EACH_PROCESSOR static double precise_dot(
        const signed char* row, const float* query, int d
    ) {
        double lanes[LANES] = {0}, sum = 0;
        int i = 0;
        for (; i + LANES <= d; i += LANES)
            for (int k = 0; k < LANES; k++) lanes[k] += (double)row[i + k] * query[i + k];
        for (int k = 0; i < d; i++, k++) lanes[k] += (double)row[i] * query[i];
        for (int k = 0; k < LANES; k++) sum += lanes[k];
        return sum;
    }

    FOR_EACH_PROCESSOR static void add_products(
        const signed char* rows, Py_ssize_t stride, Py_ssize_t n, const short* query, int d,
        const float* scales, Py_ssize_t step, float scale, float* out
    ) {
        for (Py_ssize_t row = 0; row < n; row++, rows += stride) {
            int sum = 0;
            for (int i = 0; i < d; i++) sum += (short)rows[i] * query[i];
            out[row] += (float)sum * scales[row * step] * scale;
        }
    }

    FOR_EACH_PROCESSOR static float largest(
        const float* values, Py_ssize_t n, Py_ssize_t step
    ) {
        float lanes[LANES] = {0}, largest = 0;
        Py_ssize_t i = 0;
        for (; i + LANES <= n; i += LANES)
            for (int k = 0; k < LANES; k++) {
                float value = fabsf(values[(i + k) * step]);
                lanes[k] = value > lanes[k] ? value : lanes[k];
            }
        for (int k = 0; i < n; i++, k++)
            lanes[k] = fabsf(values[i * step]) > lanes[k] ? fabsf(values[i * step]) : lanes[k];
        for (int k = 0; k < LANES; k++) largest = lanes[k] > largest ? lanes[k] : largest;
        return largest;
    }

    /* The place of the next value above a limit, or n. */
    FOR_EACH_PROCESSOR static Py_ssize_t next_above(
        const float* values, Py_ssize_t i, Py_ssize_t n, float limit
    ) {
        for (; i + LANES <= n; i += LANES) {
            int above = 0;
            for (int k = 0; k < LANES; k++) above |= values[i + k] > limit;
            if (above) break;
        }
        while (i < n && !(values[i] > limit)) i++;
        return i;
    }

    /* w2 . tanh(x w1 + b1) + b2, with w1 in rows of so many hidden numbers, whole lanes of them. */
    #define HIDDEN 128
    FOR_EACH_PROCESSOR static float judged(
        const float* x, int inputs, const float* w1, const float* b1, const float* w2, float b2,
        int hidden
    ) {
        float lanes[LANES] = {0};
        for (int start = 0; start < hidden; start += HIDDEN) {
            float sums[HIDDEN];
            int n = hidden - start < HIDDEN ? hidden - start : HIDDEN;
            for (int h = 0; h < n; h += LANES) {
                float block[LANES];
                for (int k = 0; k < LANES; k++) block[k] = b1[start + h + k];
                for (int f = 0; f < inputs; f++)
                    for (int k = 0; k < LANES; k++)
                        block[k] += x[f] * w1[f * hidden + start + h + k];
                for (int k = 0; k < LANES; k++) sums[h + k] = block[k];
            }
            for (int h = 0; h < n; h++) {
                /* Lambert's continued fraction for the tangent of a quarter, doubled twice. */
                float y = sums[h] > 10 ? 10 : sums[h];
                y = (y < -10 ? -10 : y) * 0.25f;
                float z = y * y;
                y *= 135135 + z * (17325 + z * (378 + z));
                y /= 135135 + z * (62370 + z * (3150 + 28 * z));
                y = 2 * y / (1 + y * y);
                sums[h] = 2 * y / (1 + y * y) * w2[start + h];
            }
            for (int h = 0; h < n; h += LANES)
                for (int k = 0; k < LANES; k++) lanes[k] += sums[h + k];
        }
        return b2 + sum_of(lanes);
    }

    /* The estimates of a block's rows from their signs, in ``out``, if any is above a limit. */
    #define ROWS 32
    #define SIGNS 16
    #if defined(__x86_64__) && defined(__GNUC__)
    #include <immintrin.h>
    #define HAS_SHUFFLES __builtin_cpu_supports("avx2")
    #define AHEAD 2048 /* bytes, that are fetched while these are looked up */
    #define SUMS(table, half) _mm256_shuffle_epi8( \
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i*)(tables + 16 * (table)))), \
        _mm256_and_si256(half, _mm256_set1_epi8(15)))
    #define ESTIMATES(sum, factor, half_of) _mm256_mul_ps( \
        _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(half_of(sum, zero)), \
            _mm256_set1_ps(step)), _mm256_set1_ps(least)), \
        _mm256_castsi256_ps(half_of(zero, factor)))

    __attribute__((target("avx2"))) static int estimates_by_shuffles(
        const unsigned char* block, const unsigned char* tables, float step, float least,
        float limit, float* out
    ) {
        const __m256i zero = _mm256_setzero_si256(), low = _mm256_set1_epi16(255);
        const __m256i* bytes = (const __m256i*)block;
        __m256i even = zero, odd = zero, one, other, factors;
        __m256 found[4], most;
        for (int k = 0; k < (SIGNS + 2) * ROWS; k += 64) __builtin_prefetch(block + AHEAD + k);
        for (int k = 0; k < SIGNS; k += 2) {
            one = _mm256_loadu_si256(bytes + k);
            other = _mm256_loadu_si256(bytes + k + 1);
            one = _mm256_add_epi8(
                _mm256_add_epi8(SUMS(2 * k, one), SUMS(2 * k + 1, _mm256_srli_epi16(one, 4))),
                _mm256_add_epi8(
                    SUMS(2 * k + 2, other), SUMS(2 * k + 3, _mm256_srli_epi16(other, 4))));
            even = _mm256_add_epi16(even, one);
            odd = _mm256_add_epi16(odd, _mm256_srli_epi16(one, 8));
        }
        even = _mm256_sub_epi16(even, _mm256_slli_epi16(odd, 8));
        one = _mm256_loadu_si256(bytes + SIGNS);
        other = _mm256_loadu_si256(bytes + SIGNS + 1);
        factors = _mm256_or_si256(_mm256_and_si256(one, low), _mm256_slli_epi16(other, 8));
        found[0] = ESTIMATES(even, factors, _mm256_unpacklo_epi16);
        found[1] = ESTIMATES(even, factors, _mm256_unpackhi_epi16);
        factors = _mm256_or_si256(_mm256_srli_epi16(one, 8), _mm256_andnot_si256(low, other));
        found[2] = ESTIMATES(odd, factors, _mm256_unpacklo_epi16);
        found[3] = ESTIMATES(odd, factors, _mm256_unpackhi_epi16);
        most = _mm256_max_ps(
            _mm256_max_ps(found[0], found[1]), _mm256_max_ps(found[2], found[3]));
        if (!_mm256_movemask_ps(_mm256_cmp_ps(most, _mm256_set1_ps(limit), _CMP_GT_OQ))) return 0;
        for (int k = 0; k < 2; k++, out += 8) {
            __m256 front = _mm256_unpacklo_ps(found[k], found[k + 2]);
            __m256 back = _mm256_unpackhi_ps(found[k], found[k + 2]);
            _mm256_storeu_ps(out, _mm256_permute2f128_ps(front, back, 0x20));
            _mm256_storeu_ps(out + 16, _mm256_permute2f128_ps(front, back, 0x31));
        }
        return 1;
    }
    #else
    #define estimates_by_shuffles estimates_one_by_one
    #define HAS_SHUFFLES 0
    #endif

    static int estimates_one_by_one(
        const unsigned char* block, const unsigned char* tables, float step, float least,
        float limit, float* out
    ) {
        int any = 0;
        for (int row = 0; row < ROWS; row++) {
            const unsigned char* byte = block + row;
            unsigned sum = 0, bits;
            float factor;
            for (int k = 0; k < SIGNS; k++, byte += ROWS)
                sum += tables[32 * k + (*byte & 15)] + tables[32 * k + 16 + (*byte >> 4)];
            bits = ((unsigned)byte[0] << 16) | ((unsigned)byte[ROWS] << 24);
            memcpy(&factor, &bits, sizeof factor);
            out[row] = ((float)sum * step + least) * factor;
            any |= out[row] > limit;
        }
        return any;
    }
    """
    enum:
        LANES
        ROWS
        SIGNS
    bint has_shuffles "HAS_SHUFFLES"
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    bint PyUnicode_IS_ASCII(object text)
    void* PyUnicode_1BYTE_DATA(object text)
    float dot(const float* one, const float* other, int d) noexcept nogil
    void add_scaled(
        const int8_t* row, int d, float scale, float weight, float* out
    ) noexcept nogil
    double precise_dot(const int8_t* row, const float* query, int d) noexcept nogil
    void add_products(
        const int8_t* rows, Py_ssize_t stride, Py_ssize_t n, const int16_t* query, int d,
        const float* scales, Py_ssize_t step, float scale, float* out
    ) noexcept nogil
    float largest(const float* values, Py_ssize_t n, Py_ssize_t step) noexcept nogil
    Py_ssize_t next_above(
        const float* values, Py_ssize_t i, Py_ssize_t n, float limit
    ) noexcept nogil
    float judged(
        const float* x, int inputs, const float* w1, const float* b1, const float* w2, float b2,
        int hidden
    ) noexcept nogil
    int estimates_by_shuffles(
        const uint8_t* block, const uint8_t* tables, float step, float least, float limit,
        float* out
    ) noexcept nogil
    int estimates_one_by_one(
        const uint8_t* block, const uint8_t* tables, float step, float least, float limit,
        float* out
    ) noexcept nogil


# Python code can change what it passes, or return anything from a callback, while a function here
# runs. So each function copies lists before it reads them, reads the contents of a text and not
# what a subclass of str says of them, and checks lengths and indices that come from outside.

cdef object plain(text):
    """Return the contents of a string as an exact str."""
    if type(text) is str:
        return text
    if not isinstance(text, str):
        raise TypeError(f"a text must be a str, not {type(text).__name__}")
    return PyUnicode_FromObject(text)


cdef object texts_of(texts):
    """Return the contents of strings as a tuple of exact strs."""
    if isinstance(texts, str):
        raise TypeError("texts must be a sequence of strs, not one str")
    return tuple([plain(text) for text in texts])


cdef int as_int(Py_ssize_t number, what) except -1:
    if not 0 <= number <= INT_MAX:
        raise ValueError(f"{what} must be from 0 to {INT_MAX}, got {number}")
    return <int>number


# The words of a text: `fuzzydict.text.tokens.words`

cdef enum:
    MOST_LETTERS = 1000


cdef inline bint is_upper(uint8_t letter) noexcept nogil:
    return b"A"[0] <= letter <= b"Z"[0]


cdef inline bint is_lower(uint8_t letter) noexcept nogil:
    return b"a"[0] <= letter <= b"z"[0]


cdef inline bint is_digit(uint8_t letter) noexcept nogil:
    return b"0"[0] <= letter <= b"9"[0]


def split(text, int longest):
    """Return the words of the first characters of a text in ASCII; None where it is another, or
    has apostrophes or commas, that the twin looks at."""
    cdef uint8_t letters[MOST_LETTERS + 3]
    cdef int n, i, k, start
    cdef bint lower = False, upper = False, numeric
    if type(text) is not str or not PyUnicode_IS_ASCII(text):
        return None
    if longest < 0:
        raise ValueError(f"longest must be at least 0, got {longest}")
    n = <int>min(PyUnicode_GET_LENGTH(text), <Py_ssize_t>min(longest, <int>MOST_LETTERS))
    memcpy(letters, PyUnicode_1BYTE_DATA(text), n)
    memset(letters + n, 0, 3)
    for i in range(n):
        if letters[i] == b"'"[0] or letters[i] == b","[0]:
            return None
        lower = lower or is_lower(letters[i])
        upper = upper or is_upper(letters[i])
    words = []
    i = 0
    while i < n:
        start = i
        numeric = is_digit(letters[i])
        if not numeric and not is_lower(letters[i]) and not is_upper(letters[i]):
            i += 1
            continue
        i += 1
        while i < n:
            if numeric:
                if not is_digit(letters[i]):
                    break
            elif not is_lower(letters[i]) and not is_upper(letters[i]):
                break
            elif lower and upper and begins_word(letters, i):
                break
            i += 1
        for k in range(start, i):
            if is_upper(letters[k]):
                letters[k] += 32
        words.append(PyUnicode_DecodeASCII(<char*>letters + start, i - start, NULL))
    return tuple(words)


cdef inline bint begins_word(const uint8_t* letters, int i) noexcept nogil:
    # max|Connections, HTTP|Server, but URLs. What is before was made lower already, or is not yet.
    if not is_upper(letters[i]):
        return False
    if is_lower(letters[i - 1]):
        return True
    return is_lower(letters[i + 1]) and not (
        letters[i + 1] == b"s"[0] and not is_lower(letters[i + 2])
    )


# What is known of words: `fuzzydict.model.embedders.WordEmbedder.look_up`

cdef Py_ssize_t row_of(found, Py_ssize_t rows) except -1:
    cdef Py_ssize_t row = found
    if not 0 <= row < rows:
        raise ValueError(f"row {row} of a table of {rows} rows")
    return row


def look_up(
    words, dict rows not None, const int8_t[:, :] table not None, const float[:] scale not None,
    const float[:] weights not None, const float[:] density not None, elsewhere, bint guess,
):
    """Return vectors, rarity, trust and density of words: float32 [n, d] and three of [n]."""
    words = texts_of(words)
    cdef Py_ssize_t i, k, row, n = len(words), d = table.shape[1]
    if not table.shape[0] == scale.shape[0] == weights.shape[0] == density.shape[0]:
        raise ValueError(
            f"a table of {table.shape[0]} rows has {scale.shape[0]} scales, {weights.shape[0]} "
            f"weights and {density.shape[0]} densities"
        )
    result = np.empty((n, d), np.float32), *np.ones((3, n), np.float32)
    cdef float[:, ::1] vectors = result[0]
    cdef float[::1] rarity = result[1], dense = result[3]
    for i, word in enumerate(words):
        found = rows.get(word)
        if found is None:
            result[0][i], result[1][i], result[2][i], result[3][i] = elsewhere(word, guess)
            continue
        row = row_of(found, table.shape[0])
        rarity[i], dense[i] = weights[row], density[row]
        for k in range(d):
            vectors[i, k] = table[row, k] * scale[row]
    return result


# Words that share n-grams: `fuzzydict.model.embedders._NgramIndex.search`

def sharing(
    const uint32_t[::1] grams not None, const int32_t[::1] owners not None,
    const Py_ssize_t[::1] starts not None, const float[::1] sizes not None, Py_ssize_t n,
):
    """Return the ``n`` words that have the largest shares of n-grams in common, among those of at
    least half as many as any. Those of n-gram g are ``owners[starts[g] : starts[g + 1]]``."""
    cdef Py_ssize_t g, i, found = 0, words = sizes.shape[0]
    cdef int32_t owner
    cdef uint32_t most = 0, least
    if n < 1:
        return []
    for g in range(grams.shape[0]):
        if <Py_ssize_t>grams[g] + 1 >= starts.shape[0]:
            raise ValueError(f"n-gram {grams[g]} of {starts.shape[0] - 1}")
        if not 0 <= starts[grams[g]] <= starts[grams[g] + 1] <= owners.shape[0]:
            raise ValueError(
                f"the words of n-gram {grams[g]} lie from {starts[grams[g]]} to "
                f"{starts[grams[g] + 1]} of {owners.shape[0]}"
            )
    n = min(n, words)
    cdef uint32_t[::1] common = np.zeros(words, np.uint32)
    for g in range(grams.shape[0]):
        for i in range(starts[grams[g]], starts[grams[g] + 1]):
            owner = owners[i]
            if not 0 <= owner < words:
                raise ValueError(f"word {owner} of {words}")
            common[owner] += 1
            most = max(most, common[owner])
    least = max(<uint32_t>1, most // 2)
    cdef double[::1] shares = np.empty(n)
    result = np.empty(n, np.intp)
    cdef Py_ssize_t[::1] places = result
    for g in range(grams.shape[0]):
        for i in range(starts[grams[g]], starts[grams[g] + 1]):
            owner = owners[i]
            if common[owner] >= least:
                found = keep_best(
                    shares, places, found,
                    common[owner] / (grams.shape[0] + <double>sizes[owner]), owner,
                )
                common[owner] = 0
    return result[:found].tolist()


# The meaning of texts: `fuzzydict.model.embedders.WordEmbedder.encode_words`

def embed(
    texts, dict rows not None, set opening not None, const int8_t[:, :] table not None,
    const float[:] scale not None, const float[:] weights not None, elsewhere, bint guess,
    int most_words, int most_of_phrase, float[:, ::1] out not None,
):
    """Set ``out``, of zeros, to the vectors of texts, of unit length or zero.

    The vector of the word in row r is ``table[r] * scale[r]`` and its weight ``weights[r]``;
    ``elsewhere`` tells vector, rarity and trust of others. Phrases begin with words of ``opening``.
    """
    texts = tuple(texts)
    cdef Py_ssize_t owner, row
    cdef int start, end, count, i, d = as_int(out.shape[1], "the width of vectors")
    cdef float weight
    cdef double length
    cdef const float[::1] vector
    cdef tuple words
    if most_of_phrase < 1:
        raise ValueError(f"most_of_phrase must be at least 1, got {most_of_phrase}")
    if out.shape[0] != len(texts):
        raise ValueError(f"{out.shape[0]} vectors for {len(texts)} texts")
    if table.shape[1] != d or not table.shape[0] == scale.shape[0] == weights.shape[0]:
        raise ValueError(
            f"a table of {table.shape[0]} rows of {table.shape[1]} numbers, for vectors of {d}, "
            f"has {scale.shape[0]} scales and {weights.shape[0]} weights"
        )
    if d > 1 and table.strides[1] != 1:
        raise ValueError("the numbers of a row are not side by side")
    for owner, text in enumerate(texts):
        words = texts_of(text)
        count = <int>min(<Py_ssize_t>len(words), <Py_ssize_t>most_words)
        start = 0
        while start < count:
            word, end = words[start], start + 1
            if count > end and word in opening:
                end = start + min(most_of_phrase, count - start)
                while end > start + 1:
                    phrase = " ".join(words[start:end])
                    if phrase in rows:
                        word = phrase
                        break
                    end -= 1
            start = end
            found = rows.get(word)
            if found is not None:
                row = row_of(found, table.shape[0])
                if d:
                    add_scaled(&table[row, 0], d, scale[row], weights[row], &out[owner, 0])
                continue
            vector, rarity, trust, _ = elsewhere(word, guess)
            if vector is None or vector.shape[0] != d:
                raise ValueError(f"the vector of {word!r} must have {d} numbers")
            weight = rarity * trust
            for i in range(d):
                out[owner, i] += vector[i] * weight
        length = sqrt(dot(&out[owner, 0], &out[owner, 0], d)) if d else 0
        if length > 0:
            for i in range(d):
                out[owner, i] = <float>(out[owner, i] / length)


# The spelling of texts as vectors: `fuzzydict.text.spelling.encode`

cdef enum:
    BUCKETS = 1024
    DIMENSION = 64


def encode(texts, const int8_t[:, ::1] projection not None, float[:, ::1] out not None):
    """Set ``out``, [len(texts), 64], to the spelling vectors of texts; ``projection`` is [1024, 64]
    of 1 and -1."""
    cdef uint8_t[BUCKETS] seen
    cdef int16_t[DIMENSION] sums
    cdef Py_UCS4* codes
    cdef Py_ssize_t owner, n, i
    cdef uint32_t salt, value
    cdef int k, bucket
    cdef float length
    texts = texts_of(texts)
    if projection.shape[0] != BUCKETS or projection.shape[1] != DIMENSION:
        raise ValueError("a projection of another shape")
    if out.shape[0] != len(texts) or out.shape[1] != DIMENSION:
        raise ValueError(f"{out.shape[0]} vectors of {out.shape[1]} for {len(texts)} texts")
    for owner, text in enumerate(texts):
        framed = f"\2{text}\3"
        n = PyUnicode_GET_LENGTH(framed)
        codes = PyUnicode_AsUCS4Copy(framed)
        if codes == NULL:
            raise MemoryError
        memset(seen, 0, BUCKETS)
        memset(sums, 0, sizeof(sums))
        for salt in range(4):
            for i in range(n - (salt > 0) - (salt > 1)):
                # A character alone, with the next, with the one after it, and with both.
                if salt == 0 and codes[i] <= 3:
                    continue
                value = <uint32_t>codes[i] + (salt << 24)
                if salt == 1 or salt == 3:
                    value = value * 69069 + <uint32_t>codes[i + 1]
                if salt >= 2:
                    value = value * 69069 + <uint32_t>codes[i + 2]
                bucket = <uint32_t>(value * <uint32_t>2654435761) >> 22
                if not seen[bucket]:
                    seen[bucket] = 1
                    for k in range(DIMENSION):
                        sums[k] += projection[bucket, k]
        PyMem_Free(codes)
        length = 0
        for k in range(DIMENSION):
            length += <float>sums[k] * <float>sums[k]
        length = max(<float>sqrt(length), <float>1e-9)
        for k in range(DIMENSION):
            out[owner, k] = sums[k] / length


# The rows of the largest products: `fuzzydict.index.quantized.Rows.nearest`

cdef enum:
    MOST = 32767  # of a number of 16 bits
    BLOCK = 256  # rows that stay in the cache for their second part


WIDEST = 512  # numbers of a row whose products by such fit into 32 bits: 2 ** 31 / 127 / MOST


cdef class Search:
    """The rows of the largest products with a query: a look at all, then at those in doubt.

    The query is rounded to 16 bits, in which its products with bytes are exact and take a third of
    the time of floats; how much that hides of a product is bounded. All rows were looked at when
    `look` was called for each of them.
    """

    cdef const int8_t[:, :] numbers
    cdef const float[:, :] scales
    cdef const float[::1] query
    cdef int16_t[::1] rounded
    cdef float[2] steps  # of the rounded query, in each part
    cdef int[3] ends  # of the parts
    cdef int parts
    cdef float[::1] about

    def __cinit__(self, numbers not None, scales not None, int tail, query not None):
        cdef int part, i
        cdef float most
        self.numbers, self.scales, self.query = numbers, scales, query
        cdef Py_ssize_t n = self.numbers.shape[0], d = self.numbers.shape[1]
        self.parts = 1 + (tail > 0)
        if d != self.query.shape[0] or d > WIDEST or not 0 <= tail <= d:
            raise ValueError(f"rows of {d} numbers, a query of {self.query.shape[0]}")
        if self.scales.shape[0] != n or self.scales.shape[1] < self.parts:
            raise ValueError(f"{n} rows, scales of shape {np.shape(scales)}")
        if self.scales.strides[0] % <Py_ssize_t>sizeof(float):
            raise ValueError("the scales of rows are not whole floats apart")
        if d > 1 and self.numbers.strides[1] != 1:
            raise ValueError("the numbers of a row are not side by side")
        self.ends[0], self.ends[1], self.ends[2] = 0, <int>d - tail, <int>d
        self.rounded = np.empty(d, np.int16)
        self.about = np.zeros(n, np.float32)
        for part in range(self.parts):
            most = <float>1e-30
            for i in range(self.ends[part], self.ends[part + 1]):
                most = max(most, fabsf(self.query[i]))
            self.steps[part] = most / MOST
            for i in range(self.ends[part], self.ends[part + 1]):
                self.rounded[i] = <int16_t>lrintf(self.query[i] / most * MOST)

    def look(self, Py_ssize_t start, Py_ssize_t end):
        """Look at the rows from ``start`` to ``end``, without the interpreter's lock."""
        cdef Py_ssize_t row, rows
        cdef int part, first, width
        if not 0 <= start <= end <= self.numbers.shape[0]:
            raise ValueError(f"no rows {start} to {end}")
        with nogil:
            row = start
            while row < end:
                rows = min(end - row, <Py_ssize_t>BLOCK)
                for part in range(self.parts):
                    first, width = self.ends[part], self.ends[part + 1] - self.ends[part]
                    if width:
                        add_products(
                            &self.numbers[row, first], self.numbers.strides[0], rows,
                            &self.rounded[first], width, &self.scales[row, part],
                            self.scales.strides[0] // <Py_ssize_t>sizeof(float),
                            self.steps[part], &self.about[row],
                        )
                row += rows

    def best(self, Py_ssize_t n):
        """Return the places of the ``n`` largest products, of equal ones the earlier first."""
        cdef Py_ssize_t row, found = 0, count = self.numbers.shape[0]
        cdef float least
        n = min(n, count)
        if n < 1:
            return np.empty(0, np.intp)
        cdef Heap heap = Heap(n, -INFINITY)
        cdef double[::1] products = np.empty(n)
        result = np.empty(n, np.intp)
        cdef Py_ssize_t[::1] places = result
        with nogil:
            row = next_above(&self.about[0], 0, count, heap.limit)
            while row < count:
                heap.keep(self.about[row], row)
                row = next_above(&self.about[0], row + 1, count, heap.limit)
            # n products are no less than this less an error, and no other is more than it and one.
            least = nextafterf(heap.limit - 2 * self.error(), -INFINITY)
            row = next_above(&self.about[0], 0, count, least)
            while row < count:
                found = keep_best(products, places, found, self.product(row), row)
                row = next_above(&self.about[0], row + 1, count, least)
        if found < n:
            raise ValueError("rows, or a query, are not finite")
        return result

    cdef float error(self) noexcept nogil:
        """Return by how much what was looked at may be off."""
        cdef Py_ssize_t count = self.numbers.shape[0]
        cdef Py_ssize_t step = self.scales.strides[0] // <Py_ssize_t>sizeof(float)
        cdef int part
        # The rounding of three products of floats:
        cdef float error = <float>4e-7 * largest(&self.about[0], count, 1)
        for part in range(self.parts):
            # Each number of the query is off by half a step, and is multiplied by a byte.
            error += (
                largest(&self.scales[0, part], count, step) * self.steps[part] * <float>64
                * (self.ends[part + 1] - self.ends[part])
            )
        return error

    cdef double product(self, Py_ssize_t row) noexcept nogil:
        cdef double product = 0
        cdef int part, first
        for part in range(self.parts):
            first = self.ends[part]
            if first < self.ends[part + 1]:
                product += self.scales[row, part] * precise_dot(
                    &self.numbers[row, first], &self.query[first], self.ends[part + 1] - first
                )
        return product


cdef inline bint comes_before(
    double value, Py_ssize_t place, double other, Py_ssize_t other_place
) noexcept nogil:
    return value > other or (value == other and place < other_place)


cdef Py_ssize_t keep_best(
    double[::1] values, Py_ssize_t[::1] places, Py_ssize_t found, double value, Py_ssize_t place
) noexcept nogil:
    # Keep a value among the largest so far, of equal ones the earlier place first; return how many.
    cdef Py_ssize_t i = min(found, values.shape[0] - 1)
    if found == values.shape[0] and not comes_before(value, place, values[i], places[i]):
        return found
    found = max(found, i + 1)
    while i > 0 and comes_before(value, place, values[i - 1], places[i - 1]):
        values[i], places[i] = values[i - 1], places[i - 1]
        i -= 1
    values[i], places[i] = value, place
    return found


cdef class Heap:
    """The largest values above a limit and their places, of equal ones the earlier; where there
    are as many as are sought, the least of them is the first."""

    cdef float[::1] values
    cdef Py_ssize_t[::1] places
    cdef Py_ssize_t count
    cdef float limit

    def __cinit__(self, Py_ssize_t n, float limit):
        self.values, self.places = np.empty(n, np.float32), np.empty(n, np.intp)
        self.count, self.limit = 0, limit

    cdef void keep(self, float value, Py_ssize_t place) noexcept nogil:
        """Keep a value that is above the limit."""
        cdef Py_ssize_t i, n = self.values.shape[0]
        if self.count == n:
            self.sink(0, value, place)
        else:
            self.values[self.count], self.places[self.count] = value, place
            self.count += 1
            if self.count < n:
                return
            for i in range(n // 2 - 1, -1, -1):
                self.sink(i, self.values[i], self.places[i])
        self.limit = self.values[0]

    cdef void sink(self, Py_ssize_t at, float value, Py_ssize_t place) noexcept nogil:
        cdef Py_ssize_t child = 2 * at + 1, n = self.count
        while child < n:
            if child + 1 < n and comes_before(
                self.values[child], self.places[child],
                self.values[child + 1], self.places[child + 1],
            ):
                child += 1
            if comes_before(self.values[child], self.places[child], value, place):
                break
            self.values[at], self.places[at] = self.values[child], self.places[child]
            at, child = child, 2 * child + 1
        self.values[at], self.places[at] = value, place

    cdef tuple kept(self):
        """Return the values and their places, in any order."""
        return np.asarray(self.values[: self.count]), np.asarray(self.places[: self.count])


# The rows that their signs say are likely: `fuzzydict.index.binary_codes.Signs.nearest`

SHUFFLES = True  # where the processor has them: tests go without


def top_k(
    const uint8_t[:, :, :] blocks not None, const uint8_t[:, ::1] tables not None,
    float step, float least, Py_ssize_t count, Py_ssize_t n, float limit,
):
    """Return the ``n`` largest estimates above a limit of the first ``count`` rows and their
    places, of equal ones the earlier; in any order."""
    cdef Py_ssize_t block, place, row
    cdef float found[ROWS]
    cdef int (*estimates)(
        const uint8_t*, const uint8_t*, float, float, float, float*
    ) noexcept nogil
    if blocks.shape[1] != SIGNS + 2 or blocks.shape[2] != ROWS:
        raise ValueError(f"blocks of {blocks.shape[1]} by {blocks.shape[2]} bytes")
    if blocks.strides[1] != ROWS or blocks.strides[2] != 1:
        raise ValueError("the bytes of a block are not side by side")
    if tables.shape[0] != 2 * SIGNS or tables.shape[1] != 16:
        raise ValueError(f"{tables.shape[0]} tables of {tables.shape[1]} sums")
    if np.max(tables) > 63:
        raise ValueError("a sum of a table is at most 63: four fit into a byte")
    if not 0 <= count <= ROWS * blocks.shape[0]:
        raise ValueError(f"no {count} rows in {blocks.shape[0]} blocks")
    n = min(n, count)
    if n < 1:
        return np.empty(0, np.float32), np.empty(0, np.intp)
    cdef Heap heap = Heap(n, limit)
    estimates = estimates_by_shuffles if SHUFFLES and has_shuffles else estimates_one_by_one
    with nogil:
        for block in range(blocks.shape[0]):
            if not estimates(
                &blocks[block, 0, 0], &tables[0, 0], step, least, heap.limit, found
            ):
                continue
            place = block * ROWS
            for row in range(min(<Py_ssize_t>ROWS, count - place)):
                if found[row] > heap.limit:
                    heap.keep(found[row], place + row)
    return heap.kept()


# How alike texts are written: `fuzzydict.text.spelling.similarities`

cdef enum:
    LONGEST = 64  # letters whose places fit into the bits of a number
    ASCII = 128


cdef struct Pattern:
    # The places of each letter of a text: bit i is set where it is the letter i.
    const Py_UCS4* letters
    int length
    uint64_t ascii[ASCII]
    int others
    Py_UCS4 other[LONGEST]
    uint64_t places[LONGEST]


cdef void prepare(Pattern* pattern, const Py_UCS4* letters, int length) noexcept nogil:
    cdef int i, k
    memset(pattern, 0, sizeof(Pattern))
    pattern.letters, pattern.length = letters, length
    for i in range(min(length, <int>LONGEST)):
        if letters[i] < ASCII:
            pattern.ascii[letters[i]] |= <uint64_t>1 << i
            continue
        k = 0
        while k < pattern.others and pattern.other[k] != letters[i]:
            k += 1
        if k == pattern.others:
            pattern.other[k] = letters[i]
            pattern.others += 1
        pattern.places[k] |= <uint64_t>1 << i


cdef inline uint64_t places_of(const Pattern* pattern, Py_UCS4 letter) noexcept nogil:
    cdef int k
    if letter < ASCII:
        return pattern.ascii[letter]
    for k in range(pattern.others):
        if pattern.other[k] == letter:
            return pattern.places[k]
    return 0


cdef inline int bits(uint64_t number) noexcept nogil:
    number = number - ((number >> 1) & <uint64_t>0x5555555555555555)
    number = (number & <uint64_t>0x3333333333333333) + ((number >> 2) & <uint64_t>0x3333333333333333)
    number = (number + (number >> 4)) & <uint64_t>0x0F0F0F0F0F0F0F0F
    return <int>((number * <uint64_t>0x0101010101010101) >> 56)


cdef inline uint64_t first_bits(int n) noexcept nogil:
    return ~<uint64_t>0 if n >= 64 else (<uint64_t>1 << n) - 1


cdef float subsequence(const Pattern* one, const Py_UCS4* other, int length) noexcept nogil:
    # The longest common subsequence by bits (Hyyrö, 2004), one letter of the other at a time.
    cdef uint64_t rows = ~<uint64_t>0, met
    cdef int j, both = one.length + length
    for j in range(length):
        met = rows & places_of(one, other[j])
        rows = (rows + met) | (rows - met)
    return <float>(1.0 - <double>(both - 2 * bits(~rows & first_bits(one.length))) / max(both, 1))


cdef float edits(const Pattern* one, const Py_UCS4* other, int length) noexcept nogil:
    # Edits with transpositions by bits (Hyyrö, 2003): the columns of the table of distances as
    # differences, up and down, of its rows.
    cdef uint64_t up = ~<uint64_t>0, down = 0, same = 0, met, met_before = 0, swapped, more, less
    cdef uint64_t last = <uint64_t>1 << max(one.length - 1, 0)
    cdef int j, distance = one.length, longer = max(one.length, length)
    if one.length == 0:
        return 1.0 if length == 0 else 0.0
    for j in range(length):
        met = places_of(one, other[j])
        swapped = ((~same & met) << 1) & met_before
        same = (((met & up) + up) ^ up) | met | down | swapped
        more = down | ~(same | up)
        less = same & up
        distance += (more & last) != 0
        distance -= (less & last) != 0
        more = (more << 1) | 1
        up = (less << 1) | ~(same | more)
        down = more & same
        met_before = met
    return <float>(1.0 - <double>distance / longer)


cdef float beginnings(const Pattern* one, const Py_UCS4* other, int length) noexcept nogil:
    # Jaro and Winkler's similarity: letters that are met within a window of places.
    cdef int i, j, window, met = 0, moved = 0, alike = 0
    cdef uint64_t open_, taken = 0, given = 0
    cdef double jaro
    if one.length == 0 or length == 0:
        return 1.0 if one.length == length else 0.0
    window = max(max(one.length, length) // 2 - 1, 0)
    for j in range(length):
        open_ = places_of(one, other[j]) & ~taken & first_bits(j + window + 1)
        if j > window:
            open_ &= ~first_bits(j - window)
        if open_:
            taken |= open_ & (~open_ + 1)
            given |= <uint64_t>1 << j
            met += 1
    if met == 0:
        return 0.0
    i = 0
    for j in range(length):
        if given >> j & 1:
            while not (taken >> i & 1):
                i += 1
            moved += one.letters[i] != other[j]
            i += 1
    jaro = (<double>met / one.length + <double>met / length + <double>(met - moved // 2) / met) / 3
    if jaro > 0.7:
        while alike < min(min(one.length, length), 4) and one.letters[alike] == other[alike]:
            alike += 1
        jaro += alike * 0.1 * (1.0 - jaro)
    return <float>jaro


cdef class Letters:
    """A text as an array of its letters."""

    cdef object text
    cdef Py_UCS4* codes
    cdef int length

    def __cinit__(self, text):
        self.text = plain(text)
        self.length = as_int(PyUnicode_GET_LENGTH(self.text), "the length of a text")
        self.codes = PyUnicode_AsUCS4Copy(self.text)
        if self.codes == NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.codes)


cdef int compare(const Pattern* one, Letters text, Letters other, float* out) except -1:
    # The three similarities; texts that are too long for them by RapidFuzz.
    if one.length > LONGEST or other.length > LONGEST:
        from fuzzydict.text.spelling import similarities_of_pairs

        out[0], out[1], out[2] = similarities_of_pairs([text.text], [other.text])[:, 0].tolist()
        return 0
    out[0] = subsequence(one, other.codes, other.length)
    out[1] = edits(one, other.codes, other.length)
    out[2] = beginnings(one, other.codes, other.length)
    return 0


def similarities(query, keys):
    """Return `fuzzydict.text.spelling.similarities` of a text and others: float32 [3, len(keys)]."""
    cdef Letters text = Letters(query), other
    cdef Pattern pattern
    cdef Py_ssize_t i
    cdef float found[3]
    keys = texts_of(keys)
    result = np.empty((3, len(keys)), np.float32)
    cdef float[:, ::1] out = result
    prepare(&pattern, text.codes, text.length)
    for i, key in enumerate(keys):
        other = Letters(key)
        compare(&pattern, text, other, found)
        out[0, i], out[1, i], out[2, i] = found[0], found[1], found[2]
    return result


def ratios(query, keys):
    """Return the first of the `similarities` alone: float32 [len(keys)]."""
    cdef Letters text = Letters(query), other
    cdef Pattern pattern
    cdef Py_ssize_t i
    cdef float found[3]
    keys = texts_of(keys)
    result = np.empty(len(keys), np.float32)
    cdef float[::1] out = result
    prepare(&pattern, text.codes, text.length)
    for i, key in enumerate(keys):
        other = Letters(key)
        if text.length > LONGEST or other.length > LONGEST:
            compare(&pattern, text, other, found)
            out[i] = found[0]
        else:
            out[i] = subsequence(&pattern, other.codes, other.length)
    return result


def abbreviation(brief, full):
    """Return `fuzzydict.text.spelling.abbreviation` of two words."""
    return round(shortens(Letters(brief), Letters(full)), 1)


cdef float shortens(Letters brief, Letters full) noexcept:
    cdef const Py_UCS4* one = brief.codes
    cdef const Py_UCS4* other = full.codes
    cdef int n = brief.length, m = full.length, i, k, bones = 1
    if not 2 <= n < m or one[0] != other[0] or 5 * <int64_t>n > 4 * <int64_t>m:
        return 0
    cdef bint bones_begin = True, consonants = True, begins = True
    # The consonants of the long word, without those of its vowels that are not its first letter,
    # begin with the short one, or with the consonants of that.
    for i in range(1, m):
        if not is_vowel(other[i]):
            bones_begin = bones_begin and (bones >= n or one[bones] == other[i])
            bones += 1
    if bones == n and bones_begin:
        return 1
    if n > 5:
        return 0
    for i in range(n):
        begins = begins and one[i] == other[i]
    if begins:
        return 1
    i = 1
    for k in range(1, n):
        if is_vowel(one[k]):
            continue
        while i < m and is_vowel(other[i]):
            i += 1
        consonants = consonants and i < m and one[k] == other[i]
        i += 1
    while i < m and is_vowel(other[i]):
        i += 1
    if (bones_begin and bones >= n) or (consonants and i >= m):
        return <float>0.9
    if not in_order(one, n, other, m, False):
        return 0
    if one[n - 1] != other[m - 1]:
        return <float>0.4
    return <float>0.8 if in_order(one, n, other, m, True) else <float>0.6


cdef inline bint is_vowel(Py_UCS4 letter) noexcept nogil:
    return letter in (b"a"[0], b"e"[0], b"i"[0], b"o"[0], b"u"[0])


cdef bint in_order(
    const Py_UCS4* brief, int n, const Py_UCS4* full, int m, bint of_bones
) noexcept nogil:
    """Are the letters of the one in the other, in this order; of its consonants alone?"""
    cdef int i, k = 0
    for i in range(m):
        if k < n and brief[k] == full[i] and not (of_bones and i and is_vowel(full[i])):
            k += 1
    return k == n


# The words and the texts that are scored

cdef class Word:
    """A word or phrase of the vocabulary, or what is guessed of another."""

    cdef Letters letters
    cdef float* vector
    cdef float rarity, trust, density
    cdef bint is_number
    cdef int dimension

    def __cinit__(self, Letters letters not None, const float[::1] vector not None, info not None):
        cdef Py_ssize_t i
        self.dimension = as_int(vector.shape[0], "the width of a vector")
        self.letters = letters
        self.rarity, self.trust, self.density = info
        self.is_number = letters.text.isdigit()
        self.vector = <float*>PyMem_Malloc(max(vector.shape[0], 1) * sizeof(float))
        if self.vector == NULL:
            raise MemoryError
        for i in range(vector.shape[0]):
            self.vector[i] = vector[i]

    def __dealloc__(self):
        PyMem_Free(self.vector)


cdef class Text:
    """The words of a text, and the phrases of the vocabulary that are in it."""

    cdef int count  # of the words
    cdef list terms  # the words, and then the phrases
    cdef list spans  # of the phrases: from word to word
    cdef Letters letters
    cdef object written  # what the words say on their own
    cdef frozenset bag
    cdef list ordered
    cdef dict joined

    def __cinit__(self, written not None, list terms not None, list spans not None):
        cdef Word word
        cdef Py_ssize_t start, end, count = len(written.words)
        if count > MAX_WORDS or len(terms) != count + len(spans):
            raise ValueError(f"{len(terms)} terms of {count} words and {len(spans)} phrases")
        for start, end in spans:
            if not 0 <= start < end <= count:
                raise ValueError(f"a phrase from {start} to {end} of {count} words")
        for word in terms:
            if word is None:
                raise ValueError("a word that was not looked up")
        self.count, self.terms, self.spans = <int>count, terms, spans
        self.written, self.letters = written, Letters(written.letters)
        self.bag, self.ordered, self.joined = written.bag, written.ordered, written.joined
        if self.bag is None or self.ordered is None or self.joined is None:
            raise TypeError("a text has a bag, an order and joined words")


# The networks: `fuzzydict.ranking.scorer.Network`

cdef class Judge:
    """A `fuzzydict.ranking.scorer.Network` of so many inputs, or a ``ValueError``."""

    cdef float[:, ::1] w1
    cdef float[::1] b1, w2
    cdef float b2

    def __cinit__(self, network, int inputs):
        parts = [np.asarray(each, np.float32) for each in (network.w1, network.b1, network.w2)]
        shapes = [np.shape(each) for each in parts]
        hidden = parts[1].size
        if not hidden or shapes != [(inputs, hidden), (hidden,), (hidden,)]:
            raise ValueError(f"a network of shapes {shapes}, not [{inputs}, H], [H], [H]")
        # Hidden ones of zeros fill the last lanes.
        self.w1, self.b1, self.w2 = (
            np.ascontiguousarray(np.pad(each, [(0, 0)] * (each.ndim - 1) + [(0, -hidden % LANES)]))
            for each in parts
        )
        self.b2 = network.b2

    cdef float logit(self, const float* x) noexcept nogil:
        return judged(
            x, <int>self.w1.shape[0], &self.w1[0, 0], &self.b1[0], &self.w2[0], self.b2,
            <int>self.w1.shape[1],
        )


# The score: `fuzzydict.ranking.scorer.Score.logits`

cdef enum:
    MAX_WORDS = 24  # of a text
    MAX_TERMS = 128  # of a text: each word may begin phrases of two, three and four words
    WORD_FEATURES = 19
    PHRASE_FEATURES = 28
    REMEMBERED = 1 << 14


cdef class Vocabulary:
    """What is known of the texts of keys and of their words; so many of them are kept.

    ``language`` is what `fuzzydict.ranking.scorer` knows of words by their letters. It holds no
    `fuzzydict.ranking.scorer.WordMeaning`, but is always asked with the same one.
    """

    # Threads share these dicts. They are never replaced, and each use of them is one critical
    # section: without the interpreter's lock, one thread must not clear what another reads.
    cdef object language
    cdef dict words, texts, judges

    def __cinit__(self, language not None):
        self.language = language
        self.words, self.texts, self.judges = {}, {}, {}

    cdef tuple judges_of(self, words, phrases):
        """Return the judges of these networks of words and of phrases; the last ones are cached.

        They come as one tuple, because another thread may pass other networks at any time."""
        cdef tuple found
        with cython.critical_section(self):
            found = self.judges.get("last")
        if found is None or found[0] is not words or found[1] is not phrases:
            found = (
                words, phrases, Judge(words, WORD_FEATURES), Judge(phrases, PHRASE_FEATURES)
            )
            with cython.critical_section(self):
                self.judges["last"] = found
        return found

    cdef list held(self, list keys, meaning):
        """Return the texts of keys; those that are not known yet by one look-up."""
        cdef list texts, made
        cdef dict new
        with cython.critical_section(self):
            texts = [self.texts.get(key) for key in keys]
        new = {key: None for key, text in zip(keys, texts) if text is None}
        if new:
            made = self.make(list(new), True, meaning, False)
            new = dict(zip(new, made))
            with cython.critical_section(self):
                if len(self.texts) >= REMEMBERED:
                    self.texts.clear()
                self.texts.update(new)
            texts = [new[key] if text is None else text for key, text in zip(keys, texts)]
        return texts

    cdef list make(self, list texts, bint of_keys, meaning, bint guess):
        """Return new texts. The words of keys are cached; those of queries are not."""
        cdef list spans = [
            meaning.phrases(text) if len(text) > 1 else [] for text in texts
        ]
        cdef list names = [
            [*text, *[" ".join(text[start:end]) for start, end in phrases]]
            for text, phrases in zip(texts, spans)
        ]
        cdef dict words = dict.fromkeys([name for each in names for name in each])
        if of_keys:
            with cython.critical_section(self):
                words = {name: self.words.get(name) for name in words}
        new = [name for name, word in words.items() if word is None]
        if new:
            info = meaning.look_up(new, guess=guess)
            vectors = np.ascontiguousarray(info.vectors, np.float32)
            if not len(vectors) == len(info.rarity) == len(info.trust) == len(info.density) == len(new):
                raise ValueError(f"{len(vectors)} vectors of {len(new)} words")
            weights = zip(info.rarity.tolist(), info.trust.tolist(), info.density.tolist())
            made = {
                name: Word(Letters(name), vector, each)
                for name, vector, each in zip(new, vectors, weights)
            }
            words.update(made)
            if of_keys:
                with cython.critical_section(self):
                    if len(self.words) >= REMEMBERED:
                        self.words.clear()
                    self.words.update(made)
        return [
            Text(self.language.written(text), [words[name] for name in each], phrases)
            for text, each, phrases in zip(texts, names, spans)
        ]

    def logits(
        self, questions, words, phrases, meaning, usage
    ):
        """Return the logits of the keys of all questions, one after the other: float32 [keys]."""
        cdef tuple judges = self.judges_of(words, phrases)
        cdef Judge of_words = judges[2], of_phrases = judges[3]
        queries, keys, sizes, cosines_of = [], [], [], []
        for question in questions:
            queries.append(tuple(question.query)[:MAX_WORDS])
            held_keys = [tuple(key)[:MAX_WORDS] for key in question.keys]
            keys += held_keys
            sizes.append(len(held_keys))
            cosines_of.append(question.cosines)
        cdef list asked = self.make(queries, False, meaning, True)
        cdef list held = self.held(keys, meaning)
        cdef Text text
        cdef Word word
        cdef dict numbers = {}  # of the terms of keys
        cdef list places = []  # and those of one key after the other
        for text in held:
            for word in text.terms:
                places.append(numbers.setdefault(word, len(numbers)))
        cdef list mine = list(dict.fromkeys([word for text in asked for word in text.terms]))
        apart = usage([word.letters.text for word in [*mine, *numbers]])
        if len(apart) != len(mine) + len(numbers):
            raise ValueError(f"the usage of {len(apart)} words, not {len(mine) + len(numbers)}")
        cdef Meeting meeting = Meeting(
            dict(zip(mine, apart.tolist())), apart[len(mine) :], of_words, self.language
        )
        cdef const int[::1] place = np.array(places, np.intc)
        result = np.empty(len(held), np.float32)
        cdef float[::1] out = result
        cdef const float[::1] cosines
        cdef float features[PHRASE_FEATURES]
        cdef Py_ssize_t k, c = 0, first = 0
        for text, size, given in zip(asked, sizes, cosines_of):
            meeting.ask(text)
            cosines = np.asarray(given, np.float32, order="C")
            if cosines.shape[0] != size:
                raise ValueError(f"{cosines.shape[0]} cosines of {size} keys")
            for k in range(cosines.shape[0]):
                text = held[c]
                meeting.meet(text, &place[first], cosines[k], features)
                out[c] = of_phrases.logit(features)
                first += len(text.terms)
                c += 1
        return result


cdef class Meeting:
    """One query at a time, and its keys one by one."""

    cdef dict mine  # how much the words of queries tell keys apart
    cdef const float[::1] apart  # and those of keys, by their numbers
    cdef Judge of_words
    cdef object language
    # What the words of the query stand for in those of all keys:
    cdef float[:, ::1] table  # [MAX_TERMS, words of keys]
    cdef int[::1] seen  # for each word of a key the number of the query that met it
    cdef int number
    # Of the query:
    cdef Text asked
    cdef int terms
    cdef list patterns, initials
    cdef float all_of[3]
    cdef float weights[3][MAX_WORDS]
    cdef float trusted
    cdef bint is_known
    cdef Spelled letters

    def __cinit__(self, dict mine, apart, Judge of_words, language):
        self.mine, self.apart = mine, apart
        self.of_words, self.language = of_words, language
        self.table = np.empty((MAX_TERMS, len(apart)), np.float32)
        self.seen = np.zeros(len(apart), np.intc)
        self.number = 0

    cdef int ask(self, Text asked) except -1:
        """Begin with a query."""
        cdef Word word
        cdef int w, k
        self.asked, self.number = asked, self.number + 1
        self.terms = min(<int>len(asked.terms), <int>MAX_TERMS)
        self.patterns = [Spelled(word.letters) for word in asked.terms]
        self.initials = [Letters(self.language.initials(word.letters.text)) for word in asked.terms]
        self.letters = Spelled(asked.letters)
        self.trusted, self.is_known = 0, True
        for k in range(3):
            self.all_of[k] = 0
        for w in range(asked.count):
            word = asked.terms[w]
            weigh(word, self.mine[word], self.weights, w)
            for k in range(3):
                self.all_of[k] += self.weights[k][w]
            self.trusted += word.rarity * word.trust
            self.is_known = self.is_known and word.rarity < 1
        return 0

    cdef int meet(self, Text key, const int* places, float cosine, float* out) except -1:
        """Give what is known of the query and a key: `fuzzydict.ranking.scorer.phrase_features`.

        ``places`` are the numbers of the key's terms."""
        cdef Text asked = self.asked
        cdef float of_asked[MAX_TERMS]
        cdef float of_key[MAX_TERMS]
        cdef float weights[3][MAX_WORDS]
        cdef float all_held[3]
        cdef float all_found[3]
        cdef float share
        cdef int a, k, t, place, terms = min(<int>len(key.terms), <int>MAX_TERMS)
        cdef Word word
        for a in range(self.terms):
            of_asked[a] = 0
        for t in range(terms):
            word = <Word>key.terms[t]
            place = places[t]
            if self.seen[place] != self.number:
                self.seen[place] = self.number
                for a in range(self.terms):
                    self.table[a, place] = self.pair(a, word)
            of_key[t] = 0
            for a in range(self.terms):
                share = self.table[a, place]
                of_key[t] = max(of_key[t], share)
                of_asked[a] = max(of_asked[a], share)
            if t < key.count:
                weigh(word, self.apart[place], weights, t)
        fold(asked, of_asked, self.terms)
        fold(key, of_key, terms)
        if any_in(asked.joined, key.bag):
            stand_for(asked, key, of_asked, of_key)
        if any_in(key.joined, asked.bag):
            stand_for(key, asked, of_key, of_asked)

        # How far query and key cover each other, word by word.
        memset(out, 0, PHRASE_FEATURES * sizeof(float))
        cdef float least = 0
        for k in range(3):
            all_held[k] = all_found[k] = 0
        for a in range(asked.count):
            out[3] = max(out[3], of_asked[a])
            for k in range(3):
                all_found[k] += self.weights[k][a] * of_asked[a]
            out[8] = max(out[8], self.weights[1][a] * of_asked[a])
            least = max(least, self.weights[2][a] - self.weights[2][a] * of_asked[a])
        out[4] = 1 - least
        out[0] = all_found[0] / max(self.all_of[0], <float>1e-6)
        out[6] = all_found[1] / max(self.all_of[1], <float>1e-6)
        out[9] = (self.all_of[2] - all_found[2]) / 2
        least = 0
        for k in range(3):
            all_found[k] = 0
        for t in range(key.count):
            for k in range(3):
                all_held[k] += weights[k][t]
                all_found[k] += weights[k][t] * of_key[t]
            least = max(least, weights[2][t] - weights[2][t] * of_key[t])
        out[5] = 1 - least
        out[1] = all_found[0] / max(all_held[0], <float>1e-6)
        out[7] = all_found[1] / max(all_held[1], <float>1e-6)
        out[10] = (all_held[2] - all_found[2]) / 2
        out[2] = min(out[0], out[1])
        out[11] = self.trusted / max(self.all_of[0], <float>1e-6)

        # The meaning and the letters of the whole.
        out[12] = cosine
        out[13] = max(cosine - <float>0.4, <float>0)
        out[14] = max(cosine - <float>0.7, <float>0)
        compare(&self.letters.pattern, asked.letters, key.letters, &out[15])
        cdef Letters ours = asked.letters, theirs = key.letters
        if ours.length and theirs.length and ours.codes[0] == theirs.codes[0]:
            self.shortened(asked, key, &out[19])
        if asked.bag == key.bag:
            out[21], out[27] = 1, asked.ordered == key.ordered
        out[18] = ours.text == theirs.text
        out[22], out[23] = asked.count == 1, key.count == 1
        out[24] = <float>max(asked.count - key.count, 0) / 3
        out[25] = <float>max(key.count - asked.count, 0) / 3
        out[26] = <float>min(min(ours.length, theirs.length), 16) / 8
        return 0

    cdef int shortened(self, Text asked, Text key, float* out) except -1:
        """Give how well one contracts the words of the other, and abbreviates its letters."""
        cdef bint is_longer = asked.letters.length < key.letters.length
        cdef Text brief = asked if is_longer else key
        cdef Text full = key if is_longer else asked
        if not is_longer and not self.is_known:
            return 0
        if full.count > 1:
            out[0] = self.language.contracted(brief.letters.text, full.written.words)
        out[1] = shortens(brief.letters, full.letters)
        if not is_longer and out[1] < <float>0.8:
            out[1] = 0
        return 0

    cdef float pair(self, int a, Word key) except -1:
        """Return how probably a term of the query and one of a key stand for the same thing:
        `fuzzydict.ranking.scorer.word_features`, judged."""
        cdef Word query = <Word>self.asked.terms[a]
        cdef Spelled spelled = <Spelled>self.patterns[a]
        cdef Letters initials = <Letters>self.initials[a]
        cdef float x[WORD_FEATURES]
        cdef float trusted = query.trust * key.trust, cosine
        cdef int i, d = query.dimension
        if key.dimension != d:
            raise ValueError(f"vectors of {d} and of {key.dimension} numbers")
        memset(x, 0, sizeof(x))
        cosine = dot(query.vector, key.vector, d) * trusted
        compare(&spelled.pattern, query.letters, key.letters, x)
        x[6] = cosine
        x[7] = max(cosine - <float>0.4, <float>0)
        x[8], x[12], x[16] = query.trust, query.rarity, query.density
        x[9], x[13], x[17] = key.trust, key.rarity, key.density
        cdef int shorter = min(query.letters.length, key.letters.length)
        cdef int longer = max(query.letters.length, key.letters.length)
        x[10] = <float>min(shorter, 12) / 8
        x[11] = <float>(longer - shorter) / max(longer, 1)
        x[14] = query.is_number
        x[15] = cosine - trusted * (query.density + key.density) / 2
        for i in range(initials.length):
            if initials.codes[i] == key.letters.codes[0]:
                self.alike(query, key, x)
                break
        return <float>(1 / (1 + exp(-self.of_words.logit(x))))

    cdef int alike(self, Word query, Word key, float* x) except -1:
        """Give what is known of words that begin alike, or whose bases do."""
        one, other = query.letters.text, key.letters.text
        if one == other:
            x[3] = x[4] = x[5] = x[18] = 1
            return 0
        forms, spelled = self.language.forms(one)
        key_forms, key_spelled = self.language.forms(other)
        x[4] = not forms.isdisjoint(key_forms)
        x[18] = spelled == key_spelled
        if query.letters.length < key.letters.length:
            x[5] = shortens(query.letters, key.letters)
        elif key.letters.length < query.letters.length and query.rarity < 1:
            x[5] = shortens(key.letters, query.letters)
            if x[5] < <float>0.8:
                x[5] = 0
        return 0


cdef class Spelled:
    """The places of the letters of a text."""

    cdef Pattern pattern
    cdef Letters letters  # which own the memory

    def __cinit__(self, Letters letters not None):
        self.letters = letters
        prepare(&self.pattern, letters.codes, letters.length)


cdef inline void weigh(Word word, float apart, float[3][MAX_WORDS] weights, int place) noexcept:
    # How much it counts, how much it tells keys apart, and whether it has any content.
    weights[0][place] = word.rarity
    weights[1][place] = word.rarity * apart
    weights[2][place] = min(2 * word.rarity, <float>1)


cdef int fold(Text text, float* covered, int terms) except -1:
    """Let a phrase cover its words."""
    cdef int i, place, start, end
    for i in range(terms - text.count):
        start, end = text.spans[i]
        for place in range(start, end):
            covered[place] = max(covered[place], covered[text.count + i])
    return 0


cdef bint any_in(dict joined, frozenset bag) except -1:
    for word in joined:
        if word in bag:
            return True
    return False


cdef int stand_for(Text apart, Text one, float* of_apart, float* of_one) except -1:
    """Let two words that the other side writes as one stand for it."""
    cdef int place, start
    for place, word in enumerate(one.written.words):
        found = apart.joined.get(word)
        if found is not None and place < one.count:
            start = found
            if not 0 <= start < apart.count - 1:
                raise ValueError(f"words {start} and {start + 1} of {apart.count}")
            of_apart[start] = of_apart[start + 1] = 1
            of_one[place] = 1
    return 0
