/* Windows that pass a boosted cascade of Haar features, as OpenCV's CascadeClassifier finds them: the same ones
   (eigenface/detection/cascade.py). Eight windows side by side are asked at once, without a branch a node. */

#ifndef EIGENFACE_CASCADE_H
#define EIGENFACE_CASCADE_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wide.h"

#ifdef QUICK

#define EIGHT 8   /* windows side by side */
#define CORNERS 4 /* of a rectangle, whose sum they give */
#define RECTS 3   /* of a feature */

/* Trees of two nodes: where the first node does not lead to the second, it ends. */
typedef struct {
    int16_t corners[2][RECTS][CORNERS]; /* how far from a window's first sum */
    float weights[2][RECTS], limits[2];
    float leaves[3]; /* of the first node, and of the second for less than its limit and for more */
    int32_t turned;  /* all bits set where the first node ends with less than its limit, otherwise none */
} Tree;

typedef struct {
    int side, stages;
    const int32_t *ends; /* of each stage's trees */
    const float *least;
    const Tree *trees;
} Cascade;

/* Sums over all pixels above and to the left, of rows `apart`: `sums` of values, `squares` of their squares. */
static void integrate(const uint8_t *pixels, int rows, int cols, size_t apart, int32_t *sums, uint32_t *squares) {
    for (int x = 0; x <= cols; x++) sums[x] = 0, squares[x] = 0;
    for (int y = 0; y < rows; y++) {
        const uint8_t *row = pixels + (size_t)y * cols;
        int32_t sum = 0, *to = sums + (y + 1) * apart;
        uint32_t square = 0, *squares_to = squares + (y + 1) * apart;
        to[0] = 0, squares_to[0] = 0;
        for (int x = 0; x < cols; x++) {
            sum += row[x], square += (uint32_t)row[x] * row[x];
            to[x + 1] = to[x + 1 - (ptrdiff_t)apart] + sum;
            squares_to[x + 1] = squares_to[x + 1 - (ptrdiff_t)apart] + square;
        }
    }
}

/* One over the deviation of a window's pixels times their number; 0 where next to nothing is to be seen. */
static float normed(const int32_t *sums, const uint32_t *squares, size_t apart, int side) {
    const size_t first = apart + 1, below = (size_t)(side - 1) * apart + 1, across = (size_t)side - 2;
    const int32_t sum = sums[first] - sums[first + across] - sums[below] + sums[below + across];
    const uint32_t square = squares[first] - squares[first + across] - squares[below] + squares[below + across];
    const double area = (double)across * across, spread = area * square - (double)sum * sum;
    if (!(spread > 0)) return 0;
    const float norm = (float)(1. / sqrt(spread));
    return area * norm < 1e-1 ? norm : 0;
}

QUICK_INSIDE __m256 sum_of(const int32_t *at, const int16_t *corners) {
    __m256i sum = _mm256_loadu_si256((const __m256i *)(at + corners[0]));
    sum = _mm256_sub_epi32(sum, _mm256_loadu_si256((const __m256i *)(at + corners[1])));
    sum = _mm256_sub_epi32(sum, _mm256_loadu_si256((const __m256i *)(at + corners[2])));
    return _mm256_cvtepi32_ps(_mm256_add_epi32(sum, _mm256_loadu_si256((const __m256i *)(at + corners[3]))));
}

/* Whether a node's feature is less than its limit. */
QUICK_INSIDE __m256 less(const Tree *tree, int node, const int32_t *at, __m256 norm) {
    const float *weights = tree->weights[node];
    __m256 value = _mm256_add_ps(_mm256_mul_ps(_mm256_set1_ps(weights[0]), sum_of(at, tree->corners[node][0])),
                                 _mm256_mul_ps(_mm256_set1_ps(weights[1]), sum_of(at, tree->corners[node][1])));
    if (weights[2] != 0)
        value = _mm256_add_ps(value, _mm256_mul_ps(_mm256_set1_ps(weights[2]), sum_of(at, tree->corners[node][2])));
    return _mm256_cmp_ps(_mm256_mul_ps(value, norm), _mm256_set1_ps(tree->limits[node]), _CMP_LT_OQ);
}

/* Which of eight windows, as bits, pass a stage. */
QUICK static int pass(const Cascade *cascade, int stage, const int32_t *at, const float *norms) {
    const __m256 norm = _mm256_loadu_ps(norms);
    __m256d low = _mm256_setzero_pd(), high = _mm256_setzero_pd();
    for (int t = stage ? cascade->ends[stage - 1] : 0; t < cascade->ends[stage]; t++) {
        const Tree *tree = cascade->trees + t;
        const __m256 first = _mm256_xor_ps(less(tree, 0, at, norm), _mm256_castsi256_ps(_mm256_set1_epi32(tree->turned)));
        const __m256 second = _mm256_blendv_ps(_mm256_set1_ps(tree->leaves[2]), _mm256_set1_ps(tree->leaves[1]),
                                               less(tree, 1, at, norm));
        const __m256 leaf = _mm256_blendv_ps(_mm256_set1_ps(tree->leaves[0]), second, first);
        low = _mm256_add_pd(low, _mm256_cvtps_pd(_mm256_castps256_ps128(leaf)));
        high = _mm256_add_pd(high, _mm256_cvtps_pd(_mm256_extractf128_ps(leaf, 1)));
    }
    const __m256d least = _mm256_set1_pd(cascade->least[stage]);
    return _mm256_movemask_pd(_mm256_cmp_pd(low, least, _CMP_GE_OQ)) |
           _mm256_movemask_pd(_mm256_cmp_pd(high, least, _CMP_GE_OQ)) << 4;
}

/* Windows of a row that pass all stages, as their columns: how many. Every `step`th is tried, but not the one that
   follows upon one that the first stage gives up. `norms` and `tried` have room for EIGHT more than there are windows. */
static int find_in_row(const Cascade *cascade, const int32_t *sums, const uint32_t *squares, size_t apart, int windows,
                       int step, float *norms, uint8_t *tried, int32_t *columns) {
    int count = 0;
    for (int x = 0; x < windows + EIGHT; x++) norms[x] = 0, tried[x] = 0;
    for (int x = 0; x < windows; x += step) norms[x] = normed(sums + x, squares + x, apart, cascade->side);
    for (int x = 0; x < windows; x += EIGHT) {
        const int passed = pass(cascade, 0, sums + x, norms + x);
        for (int i = 0; i < EIGHT; i++) tried[x + i] = (uint8_t)(passed >> i & 1);
    }
    for (int x = 0; x < windows; x += step)
        if (norms[x] != 0 && !tried[x] && x + step < windows) tried[x += step] = 0;
    for (int x = 0; x < windows; x += EIGHT) {
        int left = 0;
        for (int i = 0; i < EIGHT; i++) left |= (tried[x + i] && norms[x + i] != 0) << i;
        for (int stage = 1; stage < cascade->stages && left; stage++) left &= pass(cascade, stage, sums + x, norms + x);
        for (int i = 0; i < EIGHT; i++)
            if (left >> i & 1) columns[count++] = x + i;
    }
    return count;
}

/* All windows above row `below` that pass in a picture: rows (picture, x, y) of `found`, at most `most`: how many. `room` has room for the
   sums and squares of its pixels, rows `apart`, and for a row of windows. */
static size_t find_windows(const Cascade *cascade, const uint8_t *pixels, int rows, int cols, int step, int below,
                           int32_t number, size_t apart, int32_t *room, size_t most, int32_t *found) {
    const size_t all = (size_t)(rows + 1) * apart + EIGHT;
    int32_t *sums = room, *columns = room + 2 * all;
    uint32_t *squares = (uint32_t *)(room + all);
    float *norms = (float *)(columns + apart);
    uint8_t *tried = (uint8_t *)(norms + apart + EIGHT);
    size_t count = 0;
    integrate(pixels, rows, cols, apart, sums, squares);
    for (int y = 0; y < below; y += step) {
        const size_t at = (size_t)y * apart;
        const int windows = cols + 1 - cascade->side;
        const int some = find_in_row(cascade, sums + at, squares + at, apart, windows, step, norms, tried, columns);
        for (int i = 0; i < some && count < most; i++, count++)
            found[3 * count] = number, found[3 * count + 1] = columns[i], found[3 * count + 2] = y;
    }
    return count;
}

#endif
#endif
