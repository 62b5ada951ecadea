/* Products of a few rows with lines of codes, which are decoded on the way: what is waited for is memory. */

#ifndef EIGENFACE_FEW_H
#define EIGENFACE_FEW_H

#include "codes/lines.h"
#include "wide.h"

#define TOGETHER 4 /* lines that are worked on side by side: their sums stay in registers */

/* Products of one row with TOGETHER lines of bytes. */
WIDE static void with_lines(const int8_t *const *restrict codes, const float *restrict row, size_t size,
                            float *restrict out) {
    float a[LANES] = {0}, b[LANES] = {0}, c[LANES] = {0}, d[LANES] = {0};
    for (size_t i = 0; i < size; i += LANES)
        for (size_t t = 0; t < LANES; t++) {
            a[t] += (float)codes[0][i + t] * row[i + t];
            b[t] += (float)codes[1][i + t] * row[i + t];
            c[t] += (float)codes[2][i + t] * row[i + t];
            d[t] += (float)codes[3][i + t] * row[i + t];
        }
    out[0] = added(a), out[1] = added(b), out[2] = added(c), out[3] = added(d);
}

/* `room` takes TOGETHER lines of bytes. */
static void multiply_plainly(const float *rows, size_t n, const Lines *lines, float *out, int8_t *room) {
    for (size_t j = 0; j < lines->count; j += TOGETHER) {
        const size_t some = lines->count - j < TOGETHER ? lines->count - j : TOGETHER;
        const int8_t *codes[TOGETHER];
        float four[TOGETHER];
        for (size_t k = 0; k < TOGETHER; k++) /* where there are fewer, the last stands in */
            codes[k] = bytes_of(lines, j + (k < some ? k : some - 1), 0, lines->size, room + k * lines->size);
        for (size_t i = 0; i < n; i++) {
            with_lines(codes, rows + i * lines->size, lines->size, four);
            for (size_t k = 0; k < some; k++) out[i * lines->count + j + k] = four[k];
        }
    }
}

#ifdef QUICK

QUICK_INSIDE float added_up(__m256 sum) {
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}

/* Products of `some` lines of bytes with `count` rows. Called with constant numbers: eight sums at most stay in registers, and none
   waits for another. */
QUICK_INSIDE void multiply_some(const Lines *lines, size_t line, const float *rows, const int some, const int count,
                                float *out) {
    const int halves = some * count > 4 ? 1 : some * count > 2 ? 2 : 4;
    const size_t size = lines->size;
    __m256 sums[8];
    for (int k = 0; k < some * count * halves; k++) sums[k] = _mm256_setzero_ps();
    for (size_t i = 0; i < size; i += STRIDE)
        for (int k = 0; k < some; k++) {
            const uint8_t *codes = line_of(lines, line + k, i);
            for (int t = 0; t < 4; t++) {
                const __m128i eight = _mm_loadl_epi64((const __m128i *)(codes + 8 * t));
                const __m256 numbers = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight));
                for (int q = 0; q < count; q++) {
                    const int at = (t % halves * some + k) * count + q;
                    sums[at] = _mm256_fmadd_ps(numbers, _mm256_loadu_ps(rows + q * size + i + 8 * t), sums[at]);
                }
            }
        }
    for (int k = 0; k < some; k++)
        for (int q = 0; q < count; q++) {
            __m256 sum = sums[k * count + q];
            for (int t = 1; t < halves; t++) sum = _mm256_add_ps(sum, sums[(t * some + k) * count + q]);
            out[q * lines->count + line + k] = added_up(sum);
        }
}

QUICK_INSIDE void multiply_few(const Lines *lines, const float *rows, const int some, const int count, float *out) {
    size_t line = 0;
    for (; line + some <= lines->count; line += some) multiply_some(lines, line, rows, some, count, out);
    for (; line < lines->count; line++) multiply_some(lines, line, rows, 1, count, out);
}

QUICK static void multiply_bytes(const float *rows, size_t n, const Lines *lines, float *out) {
    for (size_t count; n; n -= count, rows += count * lines->size, out += count * lines->count) {
        count = n >= 4 ? 4 : n >= 2 ? 2 : 1;
        if (count == 4) multiply_few(lines, rows, 2, 4, out);
        if (count == 2) multiply_few(lines, rows, 4, 2, out);
        if (count == 1) multiply_few(lines, rows, 4, 1, out);
    }
}
#endif

#endif
