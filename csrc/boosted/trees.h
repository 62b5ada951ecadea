/* Trees asked about windows: one by one, a walk from the root to a leaf each; or about MANY windows whose values lie side
   by side, without a branch: all nodes are asked, and masks choose a leaf. */

#ifndef EIGENFACE_TREES_H
#define EIGENFACE_TREES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wide.h"

#define MANY 32 /* windows side by side */
#define LOOK 4  /* trees after which is looked whether any of them is left */

/* eigenface/detection/forest.py says what that is. */
typedef struct {
    int trees, depth;
    const int32_t *features; /* (trees, 2^depth - 1): which value of a window (planes, side, side) a node looks at */
    const uint8_t *limits;   /* the same shape */
    const int16_t *leaves;   /* (trees, 2^depth) */
    const int32_t *least;    /* (trees): a window with less after that tree is given up */
    int narrow;              /* so many first trees have sums that fit in 16 bits */
} Forest;

/* How many first trees have sums that fit in 16 bits, whatever leaves a window comes to. */
static int count_narrow(const Forest *f) {
    int32_t largest = 0;
    for (int t = 0; t < f->trees; t++) {
        int32_t most = 0;
        for (int k = 0; k < 1 << f->depth; k++) {
            const int32_t leaf = f->leaves[((size_t)t << f->depth) + k];
            most = leaf > most ? leaf : -leaf > most ? -leaf : most;
        }
        largest += most;
        if (largest >= INT16_MAX) return t;
    }
    return f->trees;
}

/* Windows side by side: the sum of each one's leaves, and all bits set where it is not given up. */
typedef struct {
    int32_t sums[MANY], left[MANY];
} Judged;

INSIDE uint8_t larger(uint8_t value, uint8_t limit) { return value > limit ? 255 : 0; }

INSIDE uint8_t choose(uint8_t mask, uint8_t yes, uint8_t no) { return (uint8_t)(no ^ ((yes ^ no) & mask)); }

/* Of a byte a leaf, the one that the answers of a tree's nodes lead to. */
INSIDE uint8_t leaf(const uint8_t *of, int depth, uint8_t root, uint8_t left, uint8_t right, uint8_t a, uint8_t b,
                    uint8_t c, uint8_t d) {
    if (depth == 1) return choose(root, of[1], of[0]);
    if (depth == 2) return choose(root, choose(right, of[3], of[2]), choose(left, of[1], of[0]));
    return choose(root, choose(right, choose(d, of[7], of[6]), choose(c, of[5], of[4])),
                  choose(left, choose(b, of[3], of[2]), choose(a, of[1], of[0])));
}

/* One tree about MANY windows: what its nodes look at lies `offsets` beyond `values`. Called with a constant depth. */
INSIDE void ask(const uint8_t *values, const int32_t *offsets, const uint8_t *limits, const int16_t *leaves,
                int32_t least, const int depth, Judged *judged) {
    enum { NODES = 7 };
    uint8_t lower[MANY], upper[MANY], low[8], high[8], limit[NODES];
    const uint8_t *at[NODES];
    for (int k = 0; k < NODES; k++) { /* a tree of fewer nodes is asked its first again */
        const int node = k < (1 << depth) - 1 ? k : 0;
        at[k] = values + offsets[node], limit[k] = limits[node];
    }
    const uint8_t *bytes = (const uint8_t *)leaves;
    for (int k = 0; k < 1 << depth; k++) low[k] = bytes[2 * k + !LITTLE], high[k] = bytes[2 * k + LITTLE];
    for (size_t i = 0; i < MANY; i++) {
        const uint8_t root = larger(at[0][i], limit[0]), left = larger(at[1][i], limit[1]);
        const uint8_t right = larger(at[2][i], limit[2]);
        const uint8_t a = larger(at[3][i], limit[3]), b = larger(at[4][i], limit[4]);
        const uint8_t c = larger(at[5][i], limit[5]), d = larger(at[6][i], limit[6]);
        lower[i] = leaf(low, depth, root, left, right, a, b, c, d);
        upper[i] = leaf(high, depth, root, left, right, a, b, c, d);
    }
    for (size_t i = 0; i < MANY; i++) {
        judged->sums[i] += (int16_t)(lower[i] | upper[i] << 8);
        judged->left[i] &= -(judged->sums[i] >= least);
    }
}

INSIDE int any(const int32_t *left) {
    int32_t all = 0;
    for (size_t i = 0; i < MANY; i++) all |= left[i];
    return all != 0;
}

INSIDE int ask_all(const Forest *f, const int32_t *offsets, int from, int to, int32_t slack, const uint8_t *values,
                   const int depth, Judged *judged) {
    const size_t inner = ((size_t)1 << depth) - 1;
    for (size_t t = from; t < (size_t)to; t++) {
        ask(values, offsets + t * inner, f->limits + t * inner, f->leaves + t * (inner + 1), f->least[t] - slack, depth,
            judged);
        if (t % LOOK == LOOK - 1 && !any(judged->left)) return 0;
    }
    return any(judged->left);
}

#ifdef QUICK

/* Bytes all set where one is no larger than the limit. */
QUICK_INSIDE __m256i smaller(const uint8_t *values, uint8_t limit) {
    const __m256i most = _mm256_set1_epi8((char)limit);
    return _mm256_cmpeq_epi8(_mm256_max_epu8(_mm256_loadu_si256((const __m256i *)values), most), most);
}

QUICK_INSIDE __m256i bit(__m256i mask, char value) { return _mm256_andnot_si256(mask, _mm256_set1_epi8(value)); }

/* One tree of three levels about MANY windows: its leaves, two times 16. The leaf's number is put together, and a shuffle
   looks its bytes up. */
QUICK_INSIDE void find_leaves(const uint8_t *values, const int32_t *at, const uint8_t *limits, const int16_t *leaves,
                              __m256i *found) {
    const __m256i apart = _mm256_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12,
                                           14, 1, 3, 5, 7, 9, 11, 13, 15);
    const __m256i root = smaller(values + at[0], limits[0]);
    const __m256i one = smaller(values + at[1], limits[1]), two = smaller(values + at[2], limits[2]);
    const __m256i three = _mm256_blendv_epi8(smaller(values + at[4], limits[4]), smaller(values + at[3], limits[3]), one);
    const __m256i four = _mm256_blendv_epi8(smaller(values + at[6], limits[6]), smaller(values + at[5], limits[5]), two);
    __m256i leaf = _mm256_or_si256(bit(root, 4), bit(_mm256_blendv_epi8(two, one, root), 2));
    leaf = _mm256_or_si256(leaf, bit(_mm256_blendv_epi8(four, three, root), 1));
    leaf = _mm256_permute4x64_epi64(leaf, 0xd8); /* so that halves put together are in order */
    const __m128i said = _mm_loadu_si128((const __m128i *)leaves);
    const __m256i bytes = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(said), apart);
    const __m256i lower = _mm256_shuffle_epi8(bytes, leaf);
    const __m256i upper = _mm256_shuffle_epi8(bytes, _mm256_or_si256(leaf, _mm256_set1_epi8(8)));
    found[0] = _mm256_unpacklo_epi8(lower, upper), found[1] = _mm256_unpackhi_epi8(lower, upper);
}

/* As `ask_all`, for trees of three levels. */
QUICK static int ask_quickly(const Forest *f, const int32_t *offsets, int from, int to, int32_t slack,
                             const uint8_t *values, Judged *judged) {
    __m256i sums[MANY / 8], left[MANY / 8];
    memcpy(sums, judged->sums, sizeof sums), memcpy(left, judged->left, sizeof left);
    int some = 1;
    for (size_t t = from; t < (size_t)to && some; t++) {
        __m256i halves[2];
        find_leaves(values, offsets + 7 * t, f->limits + 7 * t, f->leaves + 8 * t, halves);
        const __m256i least = _mm256_set1_epi32(f->least[t] - slack);
        for (int k = 0; k < MANY / 8; k++) {
            const __m128i part = k % 2 ? _mm256_extracti128_si256(halves[k / 2], 1) : _mm256_castsi256_si128(halves[k / 2]);
            sums[k] = _mm256_add_epi32(sums[k], _mm256_cvtepi16_epi32(part));
            left[k] = _mm256_andnot_si256(_mm256_cmpgt_epi32(least, sums[k]), left[k]);
        }
        const __m256i all = _mm256_or_si256(_mm256_or_si256(left[0], left[1]), _mm256_or_si256(left[2], left[3]));
        some = !_mm256_testz_si256(all, all);
    }
    memcpy(judged->sums, sums, sizeof sums), memcpy(judged->left, left, sizeof left);
    return some;
}

/* The same of the first trees, whose sums fit in 16 bits. */
QUICK static int ask_narrowly(const Forest *f, const int32_t *offsets, int to, int32_t slack, const uint8_t *values,
                              Judged *judged) {
    __m256i sums[2], left[2];
    for (int k = 0; k < 2; k++) {
        const __m256i *four = (const __m256i *)judged->left + 2 * k;
        const __m256i both = _mm256_packs_epi32(_mm256_loadu_si256(four), _mm256_loadu_si256(four + 1));
        sums[k] = _mm256_setzero_si256(), left[k] = _mm256_permute4x64_epi64(both, 0xd8);
    }
    int some = 1;
    for (size_t t = 0; t < (size_t)to && some; t++) {
        __m256i halves[2];
        find_leaves(values, offsets + 7 * t, f->limits + 7 * t, f->leaves + 8 * t, halves);
        const __m256i wanted = _mm256_sub_epi32(_mm256_set1_epi32(f->least[t]), _mm256_set1_epi32(slack));
        const __m256i least = _mm256_packs_epi32(wanted, wanted); /* no sum is beyond what 16 bits hold */
        for (int k = 0; k < 2; k++) {
            sums[k] = _mm256_add_epi16(sums[k], halves[k]);
            left[k] = _mm256_andnot_si256(_mm256_cmpgt_epi16(least, sums[k]), left[k]);
        }
        const __m256i all = _mm256_or_si256(left[0], left[1]);
        some = !_mm256_testz_si256(all, all);
    }
    if (!some) return 0;
    int16_t ends[MANY], kept[MANY];
    memcpy(ends, sums, sizeof ends), memcpy(kept, left, sizeof kept);
    for (int i = 0; i < MANY; i++) judged->sums[i] = ends[i], judged->left[i] = kept[i];
    return 1;
}
#endif

WIDE static int ask_plainly(const Forest *f, const int32_t *offsets, int from, int to, int32_t slack,
                            const uint8_t *values, Judged *judged) {
    switch (f->depth) {
    case 1: return ask_all(f, offsets, from, to, slack, values, 1, judged);
    case 2: return ask_all(f, offsets, from, to, slack, values, 2, judged);
    default: return ask_all(f, offsets, from, to, slack, values, 3, judged);
    }
}

/* Trees `from` to `to` about MANY windows, whose sums are 0 before the first: whether any is left; `judged` is of no use
   where none is. What a node looks at lies `offsets` beyond `values`. */
static int ask_many(const Forest *f, const int32_t *offsets, int from, int to, int32_t slack, const uint8_t *values,
                    Judged *judged) {
#ifdef QUICK
    if (f->depth == 3 && HAS_QUICK)
        return from == 0 && to <= f->narrow ? ask_narrowly(f, offsets, to, slack, values, judged)
                                            : ask_quickly(f, offsets, from, to, slack, values, judged);
#endif
    return ask_plainly(f, offsets, from, to, slack, values, judged);
}

/* Trees `from` to `to` about one window, whose sum so far is `sum`: the sum after them; `passed` says whether it is not
   given up. Called with a constant depth, so that the walk down a tree is unrolled. */
INSIDE int32_t walk(const Forest *f, const int32_t *offsets, int from, int to, const uint8_t *values,
                    int32_t sum, int *passed, const int depth) {
    const int inner = (1 << depth) - 1;
    *passed = 1;
    for (int t = from; t < to && *passed; t++) {
        const int32_t *there = offsets + t * inner;
        const uint8_t *limits = f->limits + t * inner;
        int node = 0;
        for (int d = 0; d < depth; d++) node = 2 * node + 1 + (values[there[node]] > limits[node]);
        sum += f->leaves[t * (inner + 1) + node - inner];
        *passed = sum >= f->least[t];
    }
    return sum;
}

static int32_t ask_one(const Forest *f, const int32_t *offsets, int from, int to, const uint8_t *values, int32_t sum,
                       int *passed) {
    switch (f->depth) {
    case 1: return walk(f, offsets, from, to, values, sum, passed, 1);
    case 2: return walk(f, offsets, from, to, values, sum, passed, 2);
    default: return walk(f, offsets, from, to, values, sum, passed, 3);
    }
}

#endif
