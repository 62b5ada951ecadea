/* Cells seen in the contrast of what lies around them, and smoothed. */

#ifndef EIGENFACE_CONTRAST_H
#define EIGENFACE_CONTRAST_H

#include <stdint.h>
#include <string.h>

#include "boosted/gradient.h"

#define REACH 5 /* cells on either side that a cell is compared with: 11 x 11 */

/* What is added to the gradient around a cell, and by what a cell is multiplied. */
typedef struct {
    float room, gain, contrast;
} Terms;

/* Adds a row of cells to sums of columns. */
WIDE static void enter(const int16_t *restrict row, size_t wide, uint16_t *restrict columns) {
    for (size_t x = 0; x < wide; x++) columns[x] = (uint16_t)(columns[x] + row[x]);
}

/* Adds a row of cells, and takes another off. */
WIDE static void slide(const int16_t *restrict enters, const int16_t *restrict leaves, size_t wide,
                       uint16_t *restrict columns) {
    for (size_t x = 0; x < wide; x++) columns[x] = (uint16_t)(columns[x] + enters[x] - leaves[x]);
}

/* The sum of 11 columns; of up to 4 it fits in 16 bits. */
INSIDE int32_t around(const uint16_t *columns) {
    const uint16_t one = (uint16_t)(columns[0] + columns[1] + columns[2] + columns[3]);
    const uint16_t two = (uint16_t)(columns[4] + columns[5] + columns[6] + columns[7]);
    const uint16_t three = (uint16_t)(columns[8] + columns[9] + columns[10]);
    return (int32_t)one + two + three;
}

/* A row of cells, planes `room` from each other, in contrast: luminance as what a cell has more than its surroundings,
   around 128, all else divided by the gradient around it. The sums of columns begin REACH before the row. */
WIDE static void set_off_plainly(const int16_t *restrict cells, const uint16_t *restrict light,
                                  const uint16_t *restrict strong, Terms terms, size_t room, size_t wide,
                                  uint16_t *restrict out) {
    for (size_t start = 0; start < wide; start += TILE) {
        float scale[TILE];
        for (size_t i = 0; i < TILE; i++) {
            const size_t x = start + i;
            const float divisor = (float)around(strong + x) + terms.room;
            const int value = 128 + (int)((float)(121 * cells[x] - around(light + x)) * (terms.contrast / divisor));
            out[x] = (uint16_t)(value < 0 ? 0 : value > 255 ? 255 : value);
            scale[i] = terms.gain / divisor;
        }
        for (size_t k = 1; k < PLANES; k++)
            for (size_t i = 0; i < TILE; i++) {
                const int value = (int)((float)cells[k * room + start + i] * scale[i]);
                out[k * room + start + i] = (uint16_t)(value > 255 ? 255 : value);
            }
    }
}

/* A row smoothed by (1 2 1) both ways, once the next one enters: `raw` begins one before it. */
WIDE static void smooth_plainly(const uint16_t *restrict raw, size_t wide, uint16_t *restrict sums,
                                uint16_t *restrict pairs, uint8_t *restrict out) {
    for (size_t start = 0; start < wide; start += TILE) {
        uint8_t tile[TILE];
        for (size_t i = 0; i < TILE; i++) {
            const size_t x = start + i;
            const uint16_t sum = (uint16_t)(raw[x] + 2 * raw[x + 1] + raw[x + 2]), pair = (uint16_t)(sums[x] + sum);
            tile[i] = (uint8_t)((uint16_t)(pairs[x] + pair + 8) >> 4);
            sums[x] = sum, pairs[x] = pair;
        }
        if (wide - start >= TILE)
            memcpy(out + start, tile, TILE);
        else
            memcpy(out + start, tile, wide - start);
    }
}

/* The same of the first row, before which it is repeated: nothing comes out yet. */
WIDE static void begin(const uint16_t *restrict raw, size_t wide, uint16_t *restrict sums, uint16_t *restrict pairs) {
    for (size_t x = 0; x < wide; x++)
        sums[x] = (uint16_t)(raw[x] + 2 * raw[x + 1] + raw[x + 2]), pairs[x] = (uint16_t)(2 * sums[x]);
}

#ifdef QUICK

/* Unsigned numbers of 16 bits as two times eight of 32, in the order in which `_mm256_packs_epi32` takes them together. */
QUICK_INSIDE void widen(__m256i numbers, __m256i *wider) {
    wider[0] = _mm256_unpacklo_epi16(numbers, _mm256_setzero_si256());
    wider[1] = _mm256_unpackhi_epi16(numbers, _mm256_setzero_si256());
}

QUICK_INSIDE __m256i take_columns(const uint16_t *from) { return _mm256_loadu_si256((const __m256i *)from); }

/* As `around`, of 16 cells. */
QUICK_INSIDE void around_quickly(const uint16_t *columns, __m256i *sums) {
    __m256i four[3], wider[2];
    for (int k = 0; k < 3; k++) {
        four[k] = _mm256_add_epi16(take_columns(columns + 4 * k), take_columns(columns + 4 * k + 1));
        four[k] = _mm256_add_epi16(four[k], take_columns(columns + 4 * k + 2));
        if (k < 2) four[k] = _mm256_add_epi16(four[k], take_columns(columns + 4 * k + 3));
    }
    widen(four[0], sums);
    for (int k = 1; k < 3; k++) {
        widen(four[k], wider);
        for (int half = 0; half < 2; half++) sums[half] = _mm256_add_epi32(sums[half], wider[half]);
    }
}

/* Cells times `scale`, without what is left after the point. */
QUICK_INSIDE __m256i times(const __m256i *cells, const __m256 *scale) {
    __m256i product[2];
    for (int half = 0; half < 2; half++)
        product[half] = _mm256_cvttps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(cells[half]), scale[half]));
    return _mm256_packs_epi32(product[0], product[1]);
}

/* As `set_off_plainly`. */
QUICK static void set_off_quickly(const int16_t *cells, const uint16_t *light, const uint16_t *strong, Terms terms,
                                   size_t room, size_t wide, uint16_t *out) {
    const __m256i most = _mm256_set1_epi16(255), all = _mm256_set1_epi16(121);
    for (size_t x = 0; x < wide; x += 16) {
        __m256i row[2], sums[2];
        __m256 scale[2], contrast[2];
        around_quickly(strong + x, sums);
        for (int half = 0; half < 2; half++) {
            const __m256 divisor = _mm256_add_ps(_mm256_cvtepi32_ps(sums[half]), _mm256_set1_ps(terms.room));
            contrast[half] = _mm256_div_ps(_mm256_set1_ps(terms.contrast), divisor);
            scale[half] = _mm256_div_ps(_mm256_set1_ps(terms.gain), divisor);
        }
        around_quickly(light + x, sums);
        widen(take(cells + x), row);
        for (int half = 0; half < 2; half++) row[half] = _mm256_sub_epi32(_mm256_madd_epi16(row[half], all), sums[half]);
        __m256i value = _mm256_add_epi16(times(row, contrast), _mm256_set1_epi16(128));
        value = _mm256_max_epi16(_mm256_min_epi16(value, most), _mm256_setzero_si256());
        _mm256_storeu_si256((__m256i *)(out + x), value);
        for (size_t k = 1; k < PLANES; k++) {
            widen(take(cells + k * room + x), row);
            _mm256_storeu_si256((__m256i *)(out + k * room + x), _mm256_min_epi16(times(row, scale), most));
        }
    }
}

/* As `smooth_plainly`. */
QUICK static void smooth_quickly(const uint16_t *raw, size_t wide, uint16_t *sums, uint16_t *pairs, uint8_t *out) {
    for (size_t start = 0; start < wide; start += TILE) {
        __m256i half[2];
        for (int k = 0; k < 2; k++) {
            const size_t x = start + 16 * k;
            const __m256i middle = take_columns(raw + x + 1), sides = _mm256_add_epi16(take_columns(raw + x), take_columns(raw + x + 2));
            const __m256i sum = _mm256_add_epi16(sides, _mm256_add_epi16(middle, middle));
            const __m256i pair = _mm256_add_epi16(take_columns(sums + x), sum);
            const __m256i all = _mm256_add_epi16(take_columns(pairs + x), pair);
            half[k] = _mm256_mulhrs_epi16(all, _mm256_set1_epi16(1 << 11)); /* a sixteenth, rounded */
            _mm256_storeu_si256((__m256i *)(sums + x), sum);
            _mm256_storeu_si256((__m256i *)(pairs + x), pair);
        }
        const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(half[0], half[1]), 0xd8);
        if (wide - start >= TILE) {
            _mm256_storeu_si256((__m256i *)(out + start), bytes);
        } else {
            uint8_t tile[TILE];
            memcpy(tile, &bytes, sizeof tile);
            memcpy(out + start, tile, wide - start);
        }
    }
}
#endif

static void set_off(const int16_t *cells, const uint16_t *light, const uint16_t *strong, Terms terms, size_t room,
                    size_t wide, uint16_t *out) {
#ifdef QUICK
    if (HAS_QUICK) {
        set_off_quickly(cells, light, strong, terms, room, wide, out);
        return;
    }
#endif
    set_off_plainly(cells, light, strong, terms, room, wide, out);
}

static void smooth(const uint16_t *raw, size_t wide, uint16_t *sums, uint16_t *pairs, uint8_t *out) {
#ifdef QUICK
    if (HAS_QUICK) {
        smooth_quickly(raw, wide, sums, pairs, out);
        return;
    }
#endif
    smooth_plainly(raw, wide, sums, pairs, out);
}

#endif
