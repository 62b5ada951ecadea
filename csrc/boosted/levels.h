/* A level of a pyramid drawn row by row, straight into what channels are made of: the same pixels as OpenCV's bilinear
   resize of bytes (eigenface/detection/pyramid.py), whose coefficients have 11 bits. */

#ifndef EIGENFACE_LEVELS_H
#define EIGENFACE_LEVELS_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wide.h"

static int inside(int at, int size) { return at < 0 ? 0 : at >= size ? size - 1 : at; }

#ifdef QUICK

#define ONE 2048 /* a coefficient of 1 */
#define GROUP 8  /* pixels whose neighbours in the larger picture lie near each other, where that is not twice as wide */
#define NEAR 16  /* bytes */
#define BLOCK 32 /* pixels that are drawn at once */

/* Where a pixel of the smaller picture lies between two of the larger, and how much of each it is. */
typedef struct {
    int first;
    int16_t share[2];
} Tap;

/* A level of `rows` x `cols` pixels from a picture `above` it, with `pad` pixels of repeated border. */
typedef struct {
    const uint8_t *above;
    int above_rows, above_cols, rows, cols, pad;
    int quick;       /* whether neighbours lie near enough for what follows */
    size_t room;     /* numbers in a row */
    int32_t *starts; /* of each group's neighbours */
    uint8_t *masks;  /* (groups, NEAR): which bytes from there are wanted */
    int16_t *shares; /* (groups, 2 * GROUP): times what they are taken */
    int16_t *drawn;  /* (2): rows of the larger picture at the smaller one's width, even and odd columns in turn by eights */
    int known[2];    /* which rows these are */
} Level;

/* As OpenCV reckons it, in the same precision. */
static Tap tap(int at, int size, int above) {
    const double scale = 1. / ((double)size / above);
    const float place = (float)((at + 0.5) * scale - 0.5);
    const int first = (int)floorf(place);
    const float share = place - (float)first;
    return (Tap){first, {(int16_t)lrintf((1.f - share) * ONE), (int16_t)lrintf(share * ONE)}};
}

/* In which order a group's pixels lie: even columns first. */
static int ordered(int place) { return place < GROUP / 2 ? 2 * place : 2 * place + 1 - GROUP; }

/* Room for levels up to `widest` pixels, which `free` of `starts` gives back; 0 where there is none. */
static int make_room(Level *level, size_t widest) {
    const size_t room = (widest + BLOCK - 1) / BLOCK * BLOCK, groups = room / GROUP;
    level->starts = calloc(1, groups * (sizeof *level->starts + NEAR + 2 * GROUP * sizeof(int16_t)) + 2 * room * sizeof(int16_t));
    if (!level->starts) return 0;
    level->room = room;
    level->shares = (int16_t *)(level->starts + groups);
    level->drawn = level->shares + 2 * GROUP * groups;
    level->masks = (uint8_t *)(level->drawn + 2 * room);
    return 1;
}

/* A column's two neighbours in the larger picture; beyond its border there is only one. */
static Tap neighbours(const Level *level, int at) {
    const Tap one = tap(at < level->cols ? at : level->cols - 1, level->cols, level->above_cols);
    if (one.first < 0) return (Tap){0, {ONE, 0}};
    return one.first < level->above_cols - 1 ? one : (Tap){level->above_cols - 1, {ONE, 0}};
}

static int next_to(const Level *level, Tap one) { return inside(one.first + 1, level->above_cols); }

/* Looks up all neighbours; the last column is repeated to the end of its pair of groups. */
static void look_up(Level *level) {
    level->known[0] = level->known[1] = -1;
    level->quick = level->above_cols >= NEAR;
    for (int group = 0; level->quick && group / 2 * 2 * GROUP < level->cols; group++) { /* pairs of groups */
        int32_t start = neighbours(level, group * GROUP).first;
        start = level->starts[group] = start < level->above_cols - NEAR ? start : level->above_cols - NEAR;
        for (int place = 0; place < GROUP; place++) {
            const Tap one = neighbours(level, group * GROUP + ordered(place));
            const int first = one.first - start, second = next_to(level, one) - start;
            level->masks[NEAR * group + 2 * place] = (uint8_t)first;
            level->masks[NEAR * group + 2 * place + 1] = (uint8_t)second;
            memcpy(level->shares + 2 * (GROUP * group + place), one.share, sizeof one.share);
            if (second >= NEAR) level->quick = 0;
        }
    }
}

/* Row `row` of the larger picture at the smaller one's width. */
QUICK static void stretch_quickly(const Level *level, const uint8_t *row, int16_t *to) {
    for (int group = 0; group * GROUP < level->cols; group += 2) {
        __m256i half[2];
        for (int k = 0; k < 2; k++) {
            const __m128i near = _mm_loadu_si128((const __m128i *)(row + level->starts[group + k]));
            const __m128i mask = _mm_loadu_si128((const __m128i *)(level->masks + NEAR * (group + k)));
            const __m256i shares = _mm256_loadu_si256((const __m256i *)(level->shares + 2 * GROUP * (group + k)));
            const __m256i pairs = _mm256_cvtepu8_epi16(_mm_shuffle_epi8(near, mask));
            half[k] = _mm256_srli_epi32(_mm256_madd_epi16(pairs, shares), 4);
        }
        _mm256_storeu_si256((__m256i *)(to + GROUP * group), _mm256_packs_epi32(half[0], half[1]));
    }
}

static void stretch(const Level *level, const uint8_t *row, int16_t *to) {
    for (int x = 0; x < level->cols; x++) {
        const Tap one = neighbours(level, x);
        const int value = row[one.first] * one.share[0] + row[next_to(level, one)] * one.share[1];
        to[x / 16 * 16 + x % 2 * 8 + x % 16 / 2] = (int16_t)(value >> 4);
    }
}

/* What `stretch` makes of a row of the larger picture; rows come in order. */
static const int16_t *stretched(Level *level, int row) {
    int16_t *to = level->drawn + (size_t)(row & 1) * level->room;
    if (level->known[row & 1] != row) {
        const uint8_t *from = level->above + (size_t)row * level->above_cols;
        if (level->quick)
            stretch_quickly(level, from, to);
        else
            stretch(level, from, to);
        level->known[row & 1] = row;
    }
    return to;
}

QUICK static void blend(const int16_t *one, const int16_t *other, Tap tap, int cols, int16_t *even, int16_t *odd) {
    const __m256i share = _mm256_set1_epi16(tap.share[0]), rest = _mm256_set1_epi16(tap.share[1]);
    for (int x = 0; x < cols; x += BLOCK) {
        __m256i half[2];
        for (int k = 0; k < 2; k++) {
            const __m256i above = _mm256_loadu_si256((const __m256i *)(one + x) + k);
            const __m256i below = _mm256_loadu_si256((const __m256i *)(other + x) + k);
            const __m256i sum = _mm256_add_epi16(_mm256_mulhi_epi16(above, share), _mm256_mulhi_epi16(below, rest));
            half[k] = _mm256_mulhrs_epi16(sum, _mm256_set1_epi16(1 << 13)); /* a quarter, rounded */
        }
        _mm256_storeu_si256((__m256i *)(even + x / 2), _mm256_permute2x128_si256(half[0], half[1], 0x20));
        _mm256_storeu_si256((__m256i *)(odd + x / 2), _mm256_permute2x128_si256(half[0], half[1], 0x31));
    }
}

/* Row `row` of the level's pixels as even and odd columns, from `pad` before the first on and one more at either end. */
static void draw_line(Level *level, int row, int wide, int16_t *even, int16_t *odd) {
    const int margin = level->pad / 2, filled = level->cols / 2;
    const Tap down = tap(inside(row - level->pad, level->rows), level->rows, level->above_rows);
    const int16_t *above = stretched(level, inside(down.first, level->above_rows));
    const int16_t *below = stretched(level, inside(down.first + 1, level->above_rows));
    blend(above, below, down, level->cols, even + margin, odd + margin);
    const int16_t first = even[margin], last = level->cols % 2 ? even[margin + filled] : odd[margin + filled - 1];
    for (int x = -1; x < margin; x++) odd[x] = first;
    for (int x = 0; x < margin; x++) even[x] = first;
    for (int x = margin + filled; x < wide; x++) odd[x] = last;
    for (int x = margin + filled; x <= wide; x++) even[x] = last;
}

#endif
#endif
