// Binary codes of vectors (RaBitQ; Gao and Long, 2024): estimates of products, and the largest of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace fuzzydict {

constexpr int BLOCK_ROWS = 32;  // vectors of a block, whose bytes of one kind are side by side
constexpr int CODE_BYTES = 16;  // of a vector, before the two bytes of its factor

// Each of these writes the estimates of a block to ``out`` and returns whether any exceeds a limit.
#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_SHUFFLES __builtin_cpu_supports("avx2")
#define AHEAD 2048 /* bytes, that are fetched while these are looked up */
#define SUMS(table, half) _mm256_shuffle_epi8( \
    _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i*)(tables + 16 * (table)))), \
    _mm256_and_si256(half, _mm256_set1_epi8(15)))
#define ESTIMATES(sum, factor, half_of) _mm256_mul_ps( \
    _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(half_of(sum, zero)), \
        _mm256_set1_ps(step)), _mm256_set1_ps(least)), \
    _mm256_castsi256_ps(half_of(zero, factor)))

__attribute__((target("avx2"))) inline int estimates_by_shuffles(
    const unsigned char* block, const unsigned char* tables, float step, float least,
    float limit, float* out
) {
    const __m256i zero = _mm256_setzero_si256(), low = _mm256_set1_epi16(255);
    const __m256i* bytes = (const __m256i*)block;
    __m256i even = zero, odd = zero, one, other, factors;
    __m256 found[4], most;
    for (int k = 0; k < (CODE_BYTES + 2) * BLOCK_ROWS; k += 64) __builtin_prefetch(block + AHEAD + k);
    for (int k = 0; k < CODE_BYTES; k += 2) {
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
    one = _mm256_loadu_si256(bytes + CODE_BYTES);
    other = _mm256_loadu_si256(bytes + CODE_BYTES + 1);
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

inline int estimates_one_by_one(
    const unsigned char* block, const unsigned char* tables, float step, float least,
    float limit, float* out
) {
    int any = 0;
    for (int row = 0; row < BLOCK_ROWS; row++) {
        const unsigned char* byte = block + row;
        unsigned sum = 0;
        uint32_t bits;
        float factor;
        for (int k = 0; k < CODE_BYTES; k++, byte += BLOCK_ROWS)
            sum += tables[32 * k + (*byte & 15)] + tables[32 * k + 16 + (*byte >> 4)];
        bits = (static_cast<uint32_t>(byte[0]) << 16) | (static_cast<uint32_t>(byte[BLOCK_ROWS]) << 24);
        memcpy(&factor, &bits, sizeof factor);
        out[row] = ((float)sum * step + least) * factor;
        any |= out[row] > limit;
    }
    return any;
}

using Estimate = std::pair<float, int64_t>;  // of a product, and the place of the vector

// The ``n`` largest estimates above a limit, in any order; of equal ones the earlier places.
inline std::vector<Estimate> top_k(const uint8_t* blocks, int64_t block_count, int64_t block_stride,
                                   const uint8_t* tables, float step, float least, int64_t count,
                                   size_t n, float limit, bool shuffles) {
    auto before = [](const Estimate& one, const Estimate& other) {  // the worst is the first of the heap
        return one.first > other.first || (one.first == other.first && one.second < other.second);
    };
    auto estimates = shuffles && HAS_SHUFFLES ? estimates_by_shuffles : estimates_one_by_one;
    std::vector<Estimate> heap;
    float found[BLOCK_ROWS];
    for (int64_t block = 0; block < block_count; block++, blocks += block_stride) {
        if (!estimates(blocks, tables, step, least, limit, found)) continue;
        int64_t place = block * BLOCK_ROWS, rows = std::min<int64_t>(BLOCK_ROWS, count - place);
        for (int64_t row = 0; row < rows; row++) {
            if (!(found[row] > limit)) continue;
            if (heap.size() == n) {
                std::pop_heap(heap.begin(), heap.end(), before);
                heap.pop_back();
            }
            heap.emplace_back(found[row], place + row);
            std::push_heap(heap.begin(), heap.end(), before);
            if (heap.size() == n) limit = heap.front().first;
        }
    }
    return heap;
}

}  // namespace fuzzydict
