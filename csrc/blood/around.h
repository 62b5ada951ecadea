/* What a map of probabilities says around each of its pixels, and as a whole: eigenface/features/context.py and
   blood.py say what and why. */

#ifndef EIGENFACE_AROUND_H
#define EIGENFACE_AROUND_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "blood/planes.h"
#include "ranks.h"

#define SAID 48  /* planes around a map */
#define MOVES 8  /* directions in which a map is read at each distance */
#define MARGIN 4 /* how far lines reach */
#define GRID 4   /* cells each way in which a map is summed up */
#define TOLD 57  /* numbers of a summary */

enum { ROUND_1, ROUND_1_8, ROUND_3, ROUND_5, ROUND_9, ROUND_1_5, ROUND_2_5 }; /* blurs, by their sigmas */

/* Means along lines through each pixel of a widened plane: upright, level and both slants; and how far they differ. */
WIDE static void draw_lines(const float *restrict wide, size_t side, float *restrict out) {
    const size_t apart = side + 2 * MARGIN, n = side * side;
    const float ninth = 1.f / 9, seventh = 1.f / 7;
    wide += MARGIN * apart + MARGIN;
    for (size_t y = 0; y < side; y++, wide += apart, out += side)
        for (size_t x = 0; x < side; x++) {
            const float *here = wide + x;
            float upright = 0, level = 0, falling = 0, rising = 0;
            for (ptrdiff_t k = -4; k <= 4; k++) upright += ninth * here[k * (ptrdiff_t)apart], level += ninth * here[k];
            for (ptrdiff_t k = -3; k <= 3; k++) {
                falling += seventh * here[k * ((ptrdiff_t)apart + 1)];
                rising += seventh * here[k * ((ptrdiff_t)apart - 1)];
            }
            out[x] = upright, out[n + x] = level, out[2 * n + x] = falling, out[3 * n + x] = rising;
            const float a = upright > level ? upright : level, b = falling > rising ? falling : rising;
            const float c = upright < level ? upright : level, d = falling < rising ? falling : rising;
            out[4 * n + x] = (a > b ? a : b) - (c < d ? c : d);
        }
}

/* The largest number of some. */
WIDE static float largest(const float *restrict values, size_t count, int32_t *restrict keys) {
    as_keys(values, count, keys);
    int32_t most = INT32_MIN;
    for (size_t i = 0; i < count; i++) most = keys[i] > most ? keys[i] : most;
    return of_key(most);
}

/* How many numbers are larger than a limit, as a share of all. */
WIDE static double share_above(const float *restrict values, size_t count, float limit) {
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) found += values[i] > limit;
    return (double)found / (double)count;
}

static double mean_of(const float *values, size_t count) {
    double sums[8] = {0};
    for (size_t i = 0; i < count; i++) sums[i % 8] += values[i];
    return (sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7]) / (double)count;
}

/* Mean difference between a plane and its mirror image. */
static double lopsided(const float *plane, const float *turned, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += fabs((double)plane[i] - turned[i]);
    return sum / (double)count;
}

/* The largest number of each row and each column, all along it. */
static void stretch(const float *plane, size_t side, float *rows, float *columns) {
    for (size_t x = 0; x < side; x++) columns[x] = plane[x];
    for (size_t y = 0; y < side; y++) {
        const float *row = plane + y * side;
        float most = row[0];
        for (size_t x = 0; x < side; x++) {
            most = row[x] > most ? row[x] : most;
            columns[x] = row[x] > columns[x] ? row[x] : columns[x];
        }
        fill(rows + y * side, side, most);
    }
    for (size_t y = 1; y < side; y++) memcpy(columns + y * side, columns, side * sizeof *columns);
}

/* All planes around a map of log odds and its probabilities. `room` is for a plane that is MARGIN wider. */
static void look_around(const float *odds, const float *found, const int32_t *moves, const Blurs *blurs, float *room,
                        float *out) {
    static const int ring[] = {ROUND_1, ROUND_2_5, ROUND_2_5};
    const size_t side = blurs->side, n = side * side;
    float *near[7], *wide = room;
    for (int k = 0; k < 5; k++) near[k] = out + (size_t)(2 + k) * n;
    near[ROUND_1_5] = out + 46 * n, near[ROUND_2_5] = out + 47 * n; /* overwritten in the end */
    memcpy(out, odds, n * sizeof *out), memcpy(out + n, found, n * sizeof *out);
    for (int k = 0; k < 7; k++) blur(blurs, k, found, near[k]);
    mirror(found, side, out + 7 * n), mirror(near[ROUND_3], side, out + 8 * n);
    for (size_t k = 0; k < 3 * MOVES; k++)
        move(near[ring[k / MOVES]], side, moves[2 * k], moves[2 * k + 1], out + (9 + k) * n);
    widen(found, side, MARGIN, 0, wide);
    extremes(wide, side, MARGIN, out + 33 * n, out + 34 * n);
    draw_lines(wide, side, out + 35 * n);
    stretch(near[ROUND_1_5], side, out + 40 * n, out + 41 * n);
    int32_t *keys = (int32_t *)room;
    const float facts[] = {(float)mean_of(found, n), (float)share_above(found, n, 0.5f), largest(found, n, keys),
                           largest(near[ROUND_3], n, keys), (float)share_above(found, n, 0.8f),
                           (float)lopsided(found, out + 7 * n, n)};
    for (size_t k = 42; k < SAID; k++) fill(out + k * n, n, facts[k - 42]);
}

/* Pieces of neighbouring pixels above one half: how many, and the size of the largest. `left` and `waiting` have room
   for a number a pixel. */
static size_t pieces(const float *found, size_t side, uint8_t *left, uint16_t *waiting, size_t *most) {
    const size_t n = side * side;
    size_t count = 0;
    *most = 0;
    for (size_t i = 0; i < n; i++) left[i] = found[i] > 0.5f;
    for (size_t first = 0; first < n; first++) {
        if (!left[first]) continue;
        size_t size = 0, waits = 0;
        left[first] = 0, waiting[waits++] = (uint16_t)first, count++;
        while (waits) {
            const size_t at = waiting[--waits], y = at / side, x = at % side;
            size++;
            for (size_t j = y ? y - 1 : 0; j <= y + 1 && j < side; j++)
                for (size_t i = x ? x - 1 : 0; i <= x + 1 && i < side; i++)
                    if (left[j * side + i]) left[j * side + i] = 0, waiting[waits++] = (uint16_t)(j * side + i);
        }
        *most = size > *most ? size : *most;
    }
    return count;
}

/* A map summed up. `room` has as many numbers as 3 planes. */
static void sum_up(const float *found, const Blurs *blurs, float *room, float *out) {
    static const float areas[] = {0.1f, 0.2f, 0.35f, 0.5f, 0.65f, 0.8f, 0.9f, 0.95f}, middles[] = {0.2f, 0.5f, 0.8f};
    static const size_t ranks[] = {3, 10, 30, 80, 200, 500};
    const size_t side = blurs->side, n = side * side, cell = side / GRID, high = side - side / 8 - (side + 7) / 8;
    const size_t broad = side - side / 6 - (side + 5) / 6;
    float *turned = room, *part = room + n;
    int32_t *keys = (int32_t *)(room + 2 * n);
    for (size_t k = 0; k < 8; k++) *out++ = (float)sqrt(share_above(found, n, areas[k]));
    *out++ = largest(found, n, keys);
    for (int k = 0; k < 3; k++) {
        blur(blurs, k, found, part);
        *out++ = largest(part, n, keys);
    }
    for (size_t y = 0; y < high; y++)
        memcpy(part + y * broad, found + (y + side / 8) * side + side / 6, broad * sizeof *part);
    for (size_t k = 0; k < 3; k++) *out++ = (float)sqrt(share_above(part, high * broad, middles[k]));
    as_keys(found, n, keys);
    for (size_t k = 0; k < 6; k++) *out++ = of_key(ranked(keys, n, n - 1 - ranks[k] * n / 2304));
    size_t most;
    const size_t count = pieces(found, side, (uint8_t *)turned, (uint16_t *)part, &most);
    *out++ = (float)sqrt((double)most / (double)n), *out++ = (float)(log1p((double)count) / 3);
    mirror(found, side, turned);
    const double apart = lopsided(found, turned, n), less = mean_of(found, n) - apart / 2; /* the mean of the lesser */
    *out++ = (float)sqrt(less > 0 ? less : 0), *out++ = (float)sqrt(apart);
    for (size_t k = 0; k < GRID * GRID; k++, out++) {
        for (size_t y = 0; y < cell; y++)
            memcpy(part + y * cell, found + (k / GRID * cell + y) * side + k % GRID * cell, cell * sizeof *part);
        out[0] = (float)sqrt(mean_of(part, cell * cell)), out[GRID * GRID] = largest(part, cell * cell, keys);
    }
}

#endif
