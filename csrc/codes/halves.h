/* Products of a few rows with codes of four bits as whole numbers, which takes a third of the time that decoding takes.

   Rows are rounded to 16 bits, each by a step of its own, and taken apart into high and low bytes: a byte and a code, from
   0 to 15, multiply in one instruction for 32 of them, and what the 8 too many gives is taken off at the end. */

#ifndef EIGENFACE_HALVES_H
#define EIGENFACE_HALVES_H

#include <math.h>

#include "codes/lines.h"
#include "wide.h"

#ifdef QUICK

#define CHUNK 64       /* codes at a time, two STRIDEs */
#define LARGEST 32639  /* 127 * 256 + 127: its bytes are no more than 127 */
#define SUMMED 4       /* chunks whose products 16 bits hold: 4 * 4 * 15 * 128 */

/* Bytes of a row that is taken apart: of every chunk the high bytes of what meets low halves, and high halves, then the
   low bytes. */
static size_t apart(size_t size) { return (size + CHUNK - 1) / CHUNK * CHUNK * 2; }

typedef struct {
    float step;
    int64_t sum; /* of the whole numbers */
} Scale;

WIDE static Scale take_apart(const float *restrict row, size_t size, int16_t *restrict whole, int8_t *restrict bytes) {
    float most = 0;
    for (size_t i = 0; i < size; i++) most = fabsf(row[i]) > most ? fabsf(row[i]) : most;
    const float step = most > 0 ? most / LARGEST : 1, over = 1 / step;
    int64_t sum = 0;
    for (size_t i = 0; i < size; i++) whole[i] = (int16_t)nearbyintf(row[i] * over);
    for (size_t i = 0; i < size; i++) sum += whole[i];
    for (size_t i = size; i % CHUNK; i++) whole[i] = 0;
    for (size_t i = 0; i < size; i += CHUNK, bytes += 2 * CHUNK)
        for (size_t k = 0; k < CHUNK; k++) {
            const size_t to = k / 16 % 2 * 32 + k / 32 * 16 + k % 16;
            const int8_t low = (int8_t)whole[i + k];
            bytes[to] = (int8_t)((whole[i + k] - low) >> 8), bytes[CHUNK + to] = low;
        }
    return (Scale){step, sum};
}

QUICK_INSIDE int64_t total(__m256i sums) {
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, _MM_SHUFFLE(1, 0, 3, 2)));
    return (int64_t)_mm_cvtsi128_si32(four) + _mm_extract_epi32(four, 1);
}

/* Products of a line with `count` rows, a constant number. */
QUICK_INSIDE void multiply_line(const uint8_t *line, size_t size, const int8_t *rows, const Scale *scales,
                                const int count, float *out, size_t wide) {
    const __m256i half = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
    const size_t between = apart(size);
    __m256i high[4], low[4];
    for (int q = 0; q < count; q++) high[q] = low[q] = _mm256_setzero_si256();
    for (size_t i = 0; i < size;) {
        __m256i above[4], below[4];
        for (int q = 0; q < count; q++) above[q] = below[q] = _mm256_setzero_si256();
        for (int k = 0; k < SUMMED && i < size; k++, i += CHUNK) {
            const void *from = line + i / 2;
            const __m256i both = i + CHUNK <= size ? _mm256_loadu_si256(from) : _mm256_zextsi128_si256(_mm_loadu_si128(from));
            const __m256i a = _mm256_and_si256(both, half), b = _mm256_and_si256(_mm256_srli_epi16(both, 4), half);
            for (int q = 0; q < count; q++) {
                const __m256i *row = (const __m256i *)(rows + q * between + 2 * i);
                above[q] = _mm256_add_epi16(above[q], _mm256_add_epi16(_mm256_maddubs_epi16(a, _mm256_loadu_si256(row)),
                                                                       _mm256_maddubs_epi16(b, _mm256_loadu_si256(row + 1))));
                below[q] = _mm256_add_epi16(below[q],
                                            _mm256_add_epi16(_mm256_maddubs_epi16(a, _mm256_loadu_si256(row + 2)),
                                                             _mm256_maddubs_epi16(b, _mm256_loadu_si256(row + 3))));
            }
        }
        for (int q = 0; q < count; q++) {
            high[q] = _mm256_add_epi32(high[q], _mm256_madd_epi16(above[q], ones));
            low[q] = _mm256_add_epi32(low[q], _mm256_madd_epi16(below[q], ones));
        }
    }
    for (int q = 0; q < count; q++)
        out[q * wide] = (float)(256 * total(high[q]) + total(low[q]) - 8 * scales[q].sum) * scales[q].step;
}

/* `room` takes four rows that are taken apart and one of 16 bits in whole chunks. */
QUICK static void multiply_halves(const float *rows, size_t n, const Lines *lines, float *out, int8_t *room) {
    const size_t size = lines->size, wide = lines->count, between = apart(size);
    Scale scales[4];
    for (size_t count; n; n -= count, rows += count * size, out += count * wide) {
        count = n >= 4 ? 4 : n >= 2 ? 2 : 1;
        for (size_t q = 0; q < count; q++)
            scales[q] = take_apart(rows + q * size, size, (int16_t *)(room + 4 * between), room + q * between);
        for (size_t j = 0; j < wide; j++) {
            const uint8_t *line = line_of(lines, j, 0);
            if (count == 4) multiply_line(line, size, room, scales, 4, out + j, wide);
            if (count == 2) multiply_line(line, size, room, scales, 2, out + j, wide);
            if (count == 1) multiply_line(line, size, room, scales, 1, out + j, wide);
        }
    }
}
#endif

#endif
