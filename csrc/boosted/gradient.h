/* Gradients of pixels, added up in cells: strength, and shares of six orientations. */

#ifndef EIGENFACE_GRADIENT_H
#define EIGENFACE_GRADIENT_H

#include <stdint.h>
#include <string.h>

#include "wide.h"

#define PLANES 8
#define TILE 32    /* cells that are worked on at once: rows are long enough for whole tiles */
#define SLANTED 55 /* cosine and sine of 30 degrees, times 64 */
#define HALF 32

/* A row of pixels as even and odd columns. */
WIDE static void split(const uint8_t *restrict row, size_t count, int16_t *restrict even, int16_t *restrict odd) {
    for (size_t x = 0; x < count; x++) {
        uint16_t two; /* as one number: compilers have no quick way to every second byte */
        memcpy(&two, row + 2 * x, sizeof two);
        even[x] = (int16_t)(LITTLE ? two & 255 : two >> 8), odd[x] = (int16_t)(LITTLE ? two >> 8 : two & 255);
    }
}

typedef struct {
    int16_t strength, level, flat, steep, upright, other_steep, other_flat;
} Shares;

/* The gradient's strength and the shares of six orientations in it.

   A direction 90 degrees or more from the gradient has no share, so that of 30 and 150 degrees, and of 60 and 120, one
   is nothing: which, the signs say. */
INSIDE Shares weigh(int16_t right, int16_t down) {
    const int16_t falling = (int16_t)((int16_t)(right ^ down) >> 15);
    const int16_t dx = (int16_t)(right < 0 ? -right : right), dy = (int16_t)(down < 0 ? -down : down);
    const int16_t lying = (int16_t)((int16_t)(SLANTED * dx + HALF * dy) >> 6);
    const int16_t standing = (int16_t)((int16_t)(HALF * dx + SLANTED * dy) >> 6);
    const int16_t straight = dx > dy ? dx : dy, slanted = lying > standing ? lying : standing;
    const int16_t most = straight > slanted ? straight : slanted, seven = (int16_t)(7 * most);
    const int16_t a = (int16_t)(8 * dx - seven), b = (int16_t)(8 * lying - seven);
    const int16_t c = (int16_t)(8 * standing - seven), d = (int16_t)(8 * dy - seven);
    const int16_t one = b > 0 ? b : 0, two = c > 0 ? c : 0;
    return (Shares){most,
                    (int16_t)(a > 0 ? a : 0),
                    (int16_t)(one & ~falling),
                    (int16_t)(two & ~falling),
                    (int16_t)(d > 0 ? d : 0),
                    (int16_t)(two & falling),
                    (int16_t)(one & falling)};
}

/* A row of cells from four rows of pixels: sums over 2 x 2 of luminance, strength and shares, planes `room` from each
   other. Of each row of pixels the even columns, and `room` further the odd ones. */
WIDE static void add_up_plainly(const int16_t *restrict above, const int16_t *restrict upper,
                                const int16_t *restrict lower, const int16_t *restrict below, size_t room, size_t wide,
                                int16_t *restrict to) {
    for (size_t start = 0; start < wide; start += TILE) {
        int16_t tile[PLANES][TILE];
        for (size_t i = 0; i < TILE; i++) {
            const size_t x = start + i, odd = x + room;
            const Shares a = weigh((int16_t)(upper[odd] - upper[odd - 1]), (int16_t)(lower[x] - above[x]));
            const Shares b = weigh((int16_t)(upper[x + 1] - upper[x]), (int16_t)(lower[odd] - above[odd]));
            const Shares c = weigh((int16_t)(lower[odd] - lower[odd - 1]), (int16_t)(below[x] - upper[x]));
            const Shares d = weigh((int16_t)(lower[x + 1] - lower[x]), (int16_t)(below[odd] - upper[odd]));
            tile[0][i] = (int16_t)(upper[x] + upper[odd] + lower[x] + lower[odd]);
            tile[1][i] = (int16_t)(a.strength + b.strength + c.strength + d.strength);
            tile[2][i] = (int16_t)(a.level + b.level + c.level + d.level);
            tile[3][i] = (int16_t)(a.flat + b.flat + c.flat + d.flat);
            tile[4][i] = (int16_t)(a.steep + b.steep + c.steep + d.steep);
            tile[5][i] = (int16_t)(a.upright + b.upright + c.upright + d.upright);
            tile[6][i] = (int16_t)(a.other_steep + b.other_steep + c.other_steep + d.other_steep);
            tile[7][i] = (int16_t)(a.other_flat + b.other_flat + c.other_flat + d.other_flat);
        }
        for (size_t k = 0; k < PLANES; k++) memcpy(to + k * room + start, tile[k], sizeof tile[k]);
    }
}

#ifdef QUICK

/* Adds a gradient's strength to `sums[1]`, and its shares to those after it; those of the directions that lie the one way
   or the other, to both. */
QUICK_INSIDE void add_quickly(__m256i right, __m256i down, __m256i *sums) {
    const __m256i falling = _mm256_srai_epi16(_mm256_xor_si256(right, down), 15);
    const __m256i dx = _mm256_abs_epi16(right), dy = _mm256_abs_epi16(down);
    const __m256i both = _mm256_or_si256(dx, _mm256_slli_epi16(dy, 8)); /* as two bytes, weighed by one instruction */
    const __m256i more = _mm256_set1_epi16(HALF << 8 | SLANTED), less = _mm256_set1_epi16(SLANTED << 8 | HALF);
    const __m256i lying = _mm256_srli_epi16(_mm256_maddubs_epi16(both, more), 6);
    const __m256i standing = _mm256_srli_epi16(_mm256_maddubs_epi16(both, less), 6);
    const __m256i most = _mm256_max_epi16(_mm256_max_epi16(dx, dy), _mm256_max_epi16(lying, standing));
    const __m256i seven = _mm256_sub_epi16(_mm256_slli_epi16(most, 3), most);
    const __m256i flat = _mm256_subs_epu16(_mm256_slli_epi16(lying, 3), seven);
    const __m256i steep = _mm256_subs_epu16(_mm256_slli_epi16(standing, 3), seven);
    sums[1] = _mm256_add_epi16(sums[1], most);
    sums[2] = _mm256_add_epi16(sums[2], _mm256_subs_epu16(_mm256_slli_epi16(dx, 3), seven));
    sums[3] = _mm256_add_epi16(sums[3], flat);
    sums[4] = _mm256_add_epi16(sums[4], steep);
    sums[5] = _mm256_add_epi16(sums[5], _mm256_subs_epu16(_mm256_slli_epi16(dy, 3), seven));
    sums[6] = _mm256_add_epi16(sums[6], _mm256_and_si256(steep, falling));
    sums[7] = _mm256_add_epi16(sums[7], _mm256_and_si256(flat, falling));
}

QUICK_INSIDE __m256i take(const int16_t *from) { return _mm256_loadu_si256((const __m256i *)from); }

QUICK static void add_up_quickly(const int16_t *above, const int16_t *upper, const int16_t *lower, const int16_t *below,
                                 size_t room, size_t wide, int16_t *to) {
    for (size_t x = 0; x < wide; x += 16) {
        const size_t odd = x + room;
        const __m256i a = take(upper + x), b = take(upper + odd), c = take(lower + x), d = take(lower + odd);
        __m256i sums[PLANES];
        sums[0] = _mm256_add_epi16(_mm256_add_epi16(a, b), _mm256_add_epi16(c, d));
        for (int k = 1; k < PLANES; k++) sums[k] = _mm256_setzero_si256();
        add_quickly(_mm256_sub_epi16(b, take(upper + odd - 1)), _mm256_sub_epi16(c, take(above + x)), sums);
        add_quickly(_mm256_sub_epi16(take(upper + x + 1), a), _mm256_sub_epi16(d, take(above + odd)), sums);
        add_quickly(_mm256_sub_epi16(d, take(lower + odd - 1)), _mm256_sub_epi16(take(below + x), a), sums);
        add_quickly(_mm256_sub_epi16(take(lower + x + 1), c), _mm256_sub_epi16(take(below + odd), b), sums);
        sums[3] = _mm256_sub_epi16(sums[3], sums[7]), sums[4] = _mm256_sub_epi16(sums[4], sums[6]);
        for (int k = 0; k < PLANES; k++) _mm256_storeu_si256((__m256i *)(to + k * room + x), sums[k]);
    }
}
#endif

static void add_up(const int16_t *above, const int16_t *upper, const int16_t *lower, const int16_t *below, size_t room,
                   size_t wide, int16_t *to) {
#ifdef QUICK
    if (HAS_QUICK) {
        add_up_quickly(above, upper, lower, below, room, wide, to);
        return;
    }
#endif
    add_up_plainly(above, upper, lower, below, room, wide, to);
}

#endif
