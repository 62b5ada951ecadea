/* Products of a few rows with a matrix whose columns are packed in strips: what fits into registers is summed there. */

#ifndef EIGENFACE_PRODUCTS_H
#define EIGENFACE_PRODUCTS_H

#include <stddef.h>
#include <string.h>

#include "wide.h"

#define FEW 4    /* rows whose products are summed side by side */
#define BLOCK 24 /* rows that are worked on at a time, which stay in the nearest memory: whole numbers of FEW, 6 and 12 */

_Static_assert(BLOCK % FEW == 0 && BLOCK % 12 == 0 && BLOCK <= 32, "blocks have a bit a row, and whole tiles of rows");

/* The next whole number of LANES. */
static size_t in_lanes(size_t numbers) { return (numbers + LANES - 1) / LANES * LANES; }

/* Packs a matrix: strip by strip (rows, LANES), the last filled up with zeros. */
static void lay_strips(const float *matrix, size_t rows, size_t columns, float *to) {
    for (size_t begin = 0; begin < columns; begin += LANES)
        for (size_t i = 0; i < rows; i++)
            for (size_t j = begin; j < begin + LANES; j++) *to++ = j < columns ? matrix[i * columns + j] : 0;
}

/* Products of FEW rows with a strip. */
WIDE static void multiply_few(const float *restrict x, size_t dims, size_t apart, const float *restrict strip,
                              float *restrict out, size_t wide) {
    float a[LANES] = {0}, b[LANES] = {0}, c[LANES] = {0}, d[LANES] = {0};
    for (size_t i = 0; i < dims; i++, strip += LANES)
        for (size_t t = 0; t < LANES; t++) {
            a[t] += x[i] * strip[t];
            b[t] += x[i + apart] * strip[t];
            c[t] += x[i + 2 * apart] * strip[t];
            d[t] += x[i + 3 * apart] * strip[t];
        }
    memcpy(out, a, sizeof a), memcpy(out + wide, b, sizeof b);
    memcpy(out + 2 * wide, c, sizeof c), memcpy(out + 3 * wide, d, sizeof d);
}

#ifdef QUICK
/* Products of `rows` rows with the first `eights` times eight columns of a strip. Called with constant numbers, and with
   one number a row at least, as compilers see: twelve sums stay in registers. */
QUICK_INSIDE void multiply_quick(const float *x, size_t dims, size_t apart, const float *strip, float *out, size_t wide,
                                 const int rows, const int eights) {
    __m256 sums[12];
    for (int k = 0; k < 12; k++) sums[k] = _mm256_setzero_ps();
    do {
        for (int r = 0; r < rows; r++)
            for (int e = 0; e < eights; e++)
                sums[r * eights + e] = _mm256_fmadd_ps(_mm256_broadcast_ss(x + r * apart), _mm256_loadu_ps(strip + 8 * e),
                                                       sums[r * eights + e]);
        x++, strip += LANES;
    } while (--dims);
    for (int r = 0; r < rows; r++)
        for (int e = 0; e < eights; e++) _mm256_storeu_ps(out + r * wide + 8 * e, sums[r * eights + e]);
}

QUICK static void multiply_six(const float *x, size_t dims, size_t apart, const float *strip, float *out, size_t wide) {
    multiply_quick(x, dims, apart, strip, out, wide, 6, 2);
}

QUICK static void multiply_dozen(const float *x, size_t dims, size_t apart, const float *strip, float *out, size_t wide) {
    multiply_quick(x, dims, apart, strip, out, wide, 12, 1);
}
#endif

/* Products of rows (up to BLOCK, `apart` from each other) with packed columns: out, `wide` from row to row, in whole
   LANES. More rows are looked at than there are, and more written. */
static void multiply(const float *x, size_t count, size_t dims, size_t apart, const float *packed, size_t columns,
                     float *out, size_t wide) {
    for (size_t j = 0; j < columns; j += LANES, packed += dims * LANES) {
        size_t r = 0;
#ifdef QUICK
        const int half = columns - j <= LANES / 2;
        for (; HAS_QUICK && half && r < count; r += 12)
            multiply_dozen(x + r * apart, dims, apart, packed, out + r * wide + j, wide);
        for (; HAS_QUICK && r < count; r += 6) multiply_six(x + r * apart, dims, apart, packed, out + r * wide + j, wide);
#endif
        for (; r < count; r += FEW) multiply_few(x + r * apart, dims, apart, packed, out + r * wide + j, wide);
    }
}

#endif
