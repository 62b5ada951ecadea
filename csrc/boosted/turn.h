/* Rows of bytes laid out anew: parted into every second byte, or turned over. */

#ifndef EIGENFACE_TURN_H
#define EIGENFACE_TURN_H

#include <stdint.h>
#include <string.h>

#include "boosted/trees.h"

/* Every second byte, as two rows. */
WIDE static void part_two(const uint8_t *restrict row, size_t count, uint8_t *restrict first, uint8_t *restrict second) {
    for (size_t x = 0; x < count; x++) {
        uint16_t two; /* as one number: compilers have no quick way to every second byte */
        memcpy(&two, row + 2 * x, sizeof two);
        first[x] = (uint8_t)(LITTLE ? two & 255 : two >> 8), second[x] = (uint8_t)(LITTLE ? two >> 8 : two & 255);
    }
}

/* Two rows of bytes as one, byte by byte in turn. */
WIDE static void zip(const uint8_t *restrict one, const uint8_t *restrict other, size_t count, uint8_t *restrict out) {
    for (size_t i = 0; i < count; i++) out[2 * i] = one[i], out[2 * i + 1] = other[i];
}

#ifdef QUICK

/* Two rows of bytes as one, byte by byte in turn, in each half of a register. */
QUICK_INSIDE void zip_halves(const __m256i *from, __m256i *to) {
    for (int i = 0; i < 8; i++) {
        to[2 * i] = _mm256_unpacklo_epi8(from[i], from[i + 8]);
        to[2 * i + 1] = _mm256_unpackhi_epi8(from[i], from[i + 8]);
    }
}

/* MANY rows of `count` bytes, a multiple of 16, turned over: as `turn`, with 16 bytes of all rows in registers. */
QUICK static void turn_quickly(const uint8_t *rows, size_t count, uint8_t *out) {
    for (size_t x = 0; x < count; x += 16) {
        __m256i one[16], other[16];
        for (int i = 0; i < 16; i++) {
            const __m128i upper = _mm_loadu_si128((const __m128i *)(rows + i * count + x));
            const __m128i lower = _mm_loadu_si128((const __m128i *)(rows + (i + 16) * count + x));
            one[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(upper), lower, 1);
        }
        zip_halves(one, other), zip_halves(other, one), zip_halves(one, other), zip_halves(other, one);
        for (int i = 0; i < 16; i++) _mm256_storeu_si256((__m256i *)(out + MANY * (x + i)), one[i]);
    }
}
#endif

/* MANY rows of `count` bytes turned over; both buffers are used, and the one with the result is returned. Each zip of
   the first half with the second moves one bit of a row's number to the end of a byte's. */
static uint8_t *turn(uint8_t *rows, uint8_t *spare, size_t count) {
#ifdef QUICK
    if (count % 16 == 0 && HAS_QUICK) {
        turn_quickly(rows, count, spare);
        return spare;
    }
#endif
    for (int done = 1; done < MANY; done *= 2) {
        zip(rows, rows + MANY / 2 * count, MANY / 2 * count, spare);
        uint8_t *swapped = rows;
        rows = spare, spare = swapped;
    }
    return rows;
}

#endif
