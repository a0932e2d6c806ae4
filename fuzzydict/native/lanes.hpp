// Loops over lanes, which a compiler turns into vectors; on a processor that has wide ones, into
// these, where the system can choose a function when it is loaded.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#if __GNUC__ >= 12
#define FUZZYDICT_WIDE __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define FUZZYDICT_WIDE __attribute__((target_clones("avx2", "default")))
#endif
#else
#define FUZZYDICT_WIDE
#endif

#if defined(__GNUC__)
#define FUZZYDICT_PREFETCH(address) __builtin_prefetch(address)
#else
#define FUZZYDICT_PREFETCH(address) static_cast<void>(address)
#endif

namespace fuzzydict {

constexpr int LANES = 16;
constexpr int ROUND = 16;  // rows of numbers are read up to a multiple of so many

#if defined(__x86_64__) && defined(__GNUC__)
inline bool has_wide_lanes() {
    static const bool has = __builtin_cpu_supports("avx2");
    return has;
}

__attribute__((target("avx2"))) static inline __m256 product_of_eight(const int8_t* row, const float* other) {
    __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(row));
    return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)), _mm256_loadu_ps(other));
}

// The dot product, eight numbers at a time: compilers widen bytes in more steps.
__attribute__((target("avx2"))) static float dot_by_eights(const int8_t* row, const float* other, int d) {
    __m256 even = _mm256_setzero_ps(), odd = even;
    int i = 0;
    for (; i + 16 <= d; i += 16) {
        even = _mm256_add_ps(even, product_of_eight(row + i, other + i));
        odd = _mm256_add_ps(odd, product_of_eight(row + i + 8, other + i + 8));
    }
    if (i + 8 <= d) {
        even = _mm256_add_ps(even, product_of_eight(row + i, other + i));
        i += 8;
    }
    even = _mm256_add_ps(even, odd);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(even), _mm256_extractf128_ps(even, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    float sum = _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
    for (; i < d; i++) sum += static_cast<float>(row[i]) * other[i];
    return sum;
}
#endif

// The dot product of a row of bytes and floats.
inline float dot(const int8_t* row, const float* other, int d) {
#if defined(__x86_64__) && defined(__GNUC__)
    if (has_wide_lanes()) return dot_by_eights(row, other, d);
#endif
    float lanes[LANES] = {0}, sum = 0;
    int i = 0;
    for (; i + LANES <= d; i += LANES)
        for (int k = 0; k < LANES; k++) lanes[k] += static_cast<float>(row[i + k]) * other[i + k];
    for (int k = 0; i < d; i++, k++) lanes[k] += static_cast<float>(row[i]) * other[i];
    for (int k = 0; k < LANES; k++) sum += lanes[k];
    return sum;
}

FUZZYDICT_WIDE static float dot(const float* row, const float* other, int d) {
    float lanes[LANES] = {0}, sum = 0;
    int i = 0;
    for (; i + LANES <= d; i += LANES)
        for (int k = 0; k < LANES; k++) lanes[k] += row[i + k] * other[i + k];
    for (int k = 0; i < d; i++, k++) lanes[k] += row[i] * other[i];
    for (int k = 0; k < LANES; k++) sum += lanes[k];
    return sum;
}

FUZZYDICT_WIDE static void add_scaled(const int8_t* row, int d, float scale, float* out) {
    for (int i = 0; i < d; i++) out[i] += static_cast<float>(row[i]) * scale;
}

FUZZYDICT_WIDE static void add_scaled(const float* row, int d, float scale, float* out) {
    for (int i = 0; i < d; i++) out[i] += row[i] * scale;
}

FUZZYDICT_WIDE static void add_bytes(const int8_t* row, int d, int16_t* out) {
    for (int i = 0; i < d; i++) out[i] = static_cast<int16_t>(out[i] + row[i]);
}

static void add_products(const int8_t* rows, size_t stride, size_t n, const int16_t* query, int width,
                         const float* scales, float step, float* out) {
    for (size_t row = 0; row < n; row++, rows += stride) {
        int32_t sum = 0;
        for (int i = 0; i < width; i++) sum += static_cast<int16_t>(rows[i]) * query[i];
        out[row] = static_cast<float>(sum) * scales[row] * step;
    }
}

#if defined(__x86_64__) && defined(__GNUC__)
// The same, four rows at a time; ``width`` is a multiple of 16.
__attribute__((target("avx2"))) static void add_products_of_four(const int8_t* rows, size_t stride, size_t n,
                                                                 const int16_t* query, int width,
                                                                 const float* scales, float step, float* out) {
    size_t row = 0;
    for (; row + 4 <= n; row += 4, rows += 4 * stride) {
        __m256i sums[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                           _mm256_setzero_si256()};
        for (int i = 0; i < width; i += 16) {
            __m256i part = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(query + i));
            for (size_t k = 0; k < 4; k++) {
                const __m128i* bytes = reinterpret_cast<const __m128i*>(rows + k * stride + i);
                __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128(bytes));
                sums[k] = _mm256_add_epi32(sums[k], _mm256_madd_epi16(wide, part));
            }
        }
        __m256i pairs = _mm256_hadd_epi32(_mm256_hadd_epi32(sums[0], sums[1]), _mm256_hadd_epi32(sums[2], sums[3]));
        __m128i four = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
        __m128 scaled = _mm_mul_ps(_mm_cvtepi32_ps(four), _mm_loadu_ps(scales + row));
        _mm_storeu_ps(out + row, _mm_mul_ps(scaled, _mm_set1_ps(step)));
    }
    add_products(rows, stride, n - row, query, width, scales + row, step, out + row);
}
#endif

// The products of n rows with a query of integers, each times its scale. Rows and query are read up
// to a multiple of ROUND numbers, which are zeros in the query.
inline void products(const int8_t* rows, size_t stride, size_t n, const int16_t* query, int d,
                     const float* scales, float step, float* out) {
    int width = (d + ROUND - 1) / ROUND * ROUND;
#if defined(__x86_64__) && defined(__GNUC__)
    if (has_wide_lanes()) return add_products_of_four(rows, stride, n, query, width, scales, step, out);
#endif
    add_products(rows, stride, n, query, width, scales, step, out);
}

// How many values are at least so large.
FUZZYDICT_WIDE static size_t count_at_least(const float* values, size_t n, float least) {
    int lanes[LANES] = {0}, count = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) lanes[k] += values[i + k] >= least;
    for (; i < n; i++) count += values[i] >= least;
    for (int k = 0; k < LANES; k++) count += lanes[k];
    return static_cast<size_t>(count);
}

// Raise values to those of others.
FUZZYDICT_WIDE static void raise(float* values, const float* others, size_t n) {
    for (size_t i = 0; i < n; i++) values[i] = others[i] > values[i] ? others[i] : values[i];
}

FUZZYDICT_WIDE static float largest(const float* values, size_t n) {
    float lanes[LANES] = {0}, most = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) {
            float value = std::fabs(values[i + k]);
            lanes[k] = value > lanes[k] ? value : lanes[k];
        }
    for (int k = 0; i < n; i++, k++) {
        float value = std::fabs(values[i]);
        lanes[k] = value > lanes[k] ? value : lanes[k];
    }
    for (int k = 0; k < LANES; k++) most = lanes[k] > most ? lanes[k] : most;
    return most;
}

// Eight floats, of which the compiler makes a vector.
#if defined(__GNUC__)
typedef float Eight __attribute__((vector_size(32), aligned(4), may_alias));
#else
struct Eight {
    float each[8];
    Eight& operator+=(const Eight& other) {
        for (int k = 0; k < 8; k++) each[k] += other.each[k];
        return *this;
    }
    friend Eight operator*(float x, Eight other) {
        for (int k = 0; k < 8; k++) other.each[k] *= x;
        return other;
    }
};
#endif

constexpr int BLOCK = 48;  // hidden units whose sums are in registers, and do not wait for each other

// Add x w to sums: ``w`` is [inputs, hidden], and hidden a multiple of BLOCK.
FUZZYDICT_WIDE static void add_layer(const float* x, int inputs, const float* w, int hidden, float* sums) {
    for (int start = 0; start < hidden; start += BLOCK) {
        Eight parts[BLOCK / 8];
        Eight* to = reinterpret_cast<Eight*>(sums + start);
        for (int k = 0; k < BLOCK / 8; k++) parts[k] = to[k];
        for (int f = 0; f < inputs; f++) {
            const Eight* from = reinterpret_cast<const Eight*>(w + f * hidden + start);
            for (int k = 0; k < BLOCK / 8; k++) parts[k] += x[f] * from[k];
        }
        for (int k = 0; k < BLOCK / 8; k++) to[k] = parts[k];
    }
}

// w . tanh(sums). The tangent is Lambert's continued fraction for a quarter, doubled twice.
FUZZYDICT_WIDE static float activated(const float* sums, const float* w, int hidden) {
    float lanes[LANES] = {0}, sum = 0;
    for (int start = 0; start < hidden; start += LANES)
        for (int k = 0; k < LANES; k++) {
            float y = sums[start + k];
            y = y > 10 ? 10 : y;
            y = (y < -10 ? -10 : y) * 0.25f;
            float z = y * y;
            float p = y * (1 + z * (17325.0f / 135135 + z * (378.0f / 135135 + z * (1.0f / 135135))));
            float q = 1 + z * (62370.0f / 135135 + z * (3150.0f / 135135 + z * (28.0f / 135135)));
            float p2 = 2 * p * q, q2 = p * p + q * q;
            lanes[k] += 2 * p2 * q2 / (p2 * p2 + q2 * q2) * w[start + k];
        }
    for (int k = 0; k < LANES; k++) sum += lanes[k];
    return sum;
}

}  // namespace fuzzydict
