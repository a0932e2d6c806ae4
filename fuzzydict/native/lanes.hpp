// Loops over lanes, which a compiler turns into vectors; on a processor that has wide ones, into
// these, where the system can choose a function when it is loaded.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define FUZZYDICT_WIDE __attribute__((target_clones("arch=haswell", "default")))
#else
#define FUZZYDICT_WIDE
#endif

namespace fuzzydict {

constexpr int LANES = 16;
constexpr int ROUND = 16;  // rows of numbers are read up to a multiple of so many

// The dot product of a row of bytes and floats.
FUZZYDICT_WIDE static float dot(const int8_t* row, const float* other, int d) {
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

FUZZYDICT_WIDE static double exact_dot(const int8_t* row, const float* other, int d) {
    double lanes[LANES] = {0}, sum = 0;
    int i = 0;
    for (; i + LANES <= d; i += LANES)
        for (int k = 0; k < LANES; k++) lanes[k] += static_cast<double>(row[i + k]) * other[i + k];
    for (int k = 0; i < d; i++, k++) lanes[k] += static_cast<double>(row[i]) * other[i];
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

// The products of n rows with a query of integers, each times its scale. Rows and query are read up
// to a multiple of ROUND numbers, which are zeros in the query.
FUZZYDICT_WIDE static void products(const int8_t* rows, size_t stride, size_t n, const int16_t* query,
                                    int d, const float* scales, float step, float* out) {
    for (size_t row = 0; row < n; row++, rows += stride) {
        int32_t sum = 0;
        for (int i = 0; i < (d + ROUND - 1) / ROUND * ROUND; i++)
            sum += static_cast<int16_t>(rows[i]) * query[i];
        out[row] = static_cast<float>(sum) * scales[row] * step;
    }
}

// The place of the next value above a limit, or n.
FUZZYDICT_WIDE static size_t next_above(const float* values, size_t i, size_t n, float limit) {
    for (; i + LANES <= n; i += LANES) {
        int above = 0;
        for (int k = 0; k < LANES; k++) above |= values[i + k] > limit;
        if (above) break;
    }
    while (i < n && !(values[i] > limit)) i++;
    return i;
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

// Add x w to sums: ``w`` is [inputs, hidden], and hidden a multiple of LANES.
FUZZYDICT_WIDE static void add_layer(const float* x, int inputs, const float* w, int hidden,
                                     float* sums) {
    for (int start = 0; start < hidden; start += LANES) {
        float block[LANES];
        for (int k = 0; k < LANES; k++) block[k] = sums[start + k];
        for (int f = 0; f < inputs; f++)
            for (int k = 0; k < LANES; k++) block[k] += x[f] * w[f * hidden + start + k];
        for (int k = 0; k < LANES; k++) sums[start + k] = block[k];
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
