/* Mean and spread of colour in small cells of a face: eigenface/features/local_colour.py says what is computed and why.

   The same numbers: cells are added up in double precision, as OpenCV does. */

#ifndef EIGENFACE_SWATCHES_H
#define EIGENFACE_SWATCHES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "colours.h"
#include "ranks.h"
#include "wide.h"

#define HUES 4                   /* planes of colour */
#define PAIRS (2 * (size_t)HUES) /* numbers of a pixel: each of them, and its square */
#define CELLS 4                  /* each way, of a place */

/* The planes of a face less what is usual in its middle; `room` has two such planes. */
static void centre_colours(size_t size, float *room, float *planes) {
    const size_t n = size * size, inset = size / 5, across = size - 2 * inset;
    for (size_t k = 0; k < HUES; k++, planes += n) {
        for (size_t y = 0; y < across; y++)
            memcpy(room + y * across, planes + (y + inset) * size + inset, across * sizeof *room);
        const float usual = median(room, across * across, (int32_t *)(room + n));
        for (size_t i = 0; i < n; i++) planes[i] -= usual;
    }
}

/* A place beyond the border, reflected about the border's pixel. */
static size_t mirrored(ptrdiff_t at, size_t size) {
    if (at < 0) at = -at;
    return (size_t)at < size ? (size_t)at : 2 * size - 2 - (size_t)at;
}

WIDE static void add_up(const float *restrict row, size_t count, double *restrict sums) {
    for (size_t i = 0; i < count; i++) sums[i] += row[i];
}

/* Means and deviations around a pixel of a row whose numbers are added up over the rows of its cell. */
INSIDE void tell_cell(const double *sums, size_t x, size_t size, size_t cell, float *out) {
    double all[PAIRS] = {0};
    const double share = 1. / (double)(cell * cell);
    for (size_t t = 0; t < cell; t++) {
        const double *from = sums + mirrored((ptrdiff_t)(x + t) - (ptrdiff_t)(cell / 2), size) * PAIRS;
        for (size_t k = 0; k < PAIRS; k++) all[k] += from[k];
    }
    for (size_t k = 0; k < PAIRS; k += 2) {
        const float mean = (float)(all[k] * share), spread = (float)(all[k + 1] * share) - mean * mean;
        out[k] = mean, out[k + 1] = sqrtf(spread > 0 ? spread : 0);
    }
}

/* Descriptors (count, count, CELLS, CELLS, PAIRS) of places that begin at these rows and columns; 0 without memory. */
static int tell_places(const uint8_t *rgb, const float *logs, size_t size, size_t cell, const int32_t *begins,
                       size_t count, float *out) {
    const size_t n = size * size, wide = size * PAIRS;
    double *sums = calloc(1, wide * sizeof *sums + (2 * n + HUES * n + 2 * n * PAIRS) * sizeof(float) + size);
    if (!sums) return 0;
    float *room = (float *)(sums + wide), *planes = room + 2 * n, *pairs = planes + HUES * n;
    float *cells = pairs + n * PAIRS;
    uint8_t *wanted = (uint8_t *)(cells + n * PAIRS);
    tell_colours(rgb, logs, n, planes, planes + n, planes + 2 * n, planes + 3 * n);
    centre_colours(size, room, planes);
    for (size_t k = 0; k < HUES; k++, planes += n)
        for (size_t i = 0; i < n; i++) {
            pairs[i * PAIRS + 2 * k] = planes[i];
            pairs[i * PAIRS + 2 * k + 1] = planes[i] * planes[i];
        }
    for (size_t k = 0; k < count * CELLS; k++) wanted[(size_t)begins[k / CELLS] + k % CELLS * cell] = 1;
    for (size_t y = 0; y < size; y++) {
        if (!wanted[y]) continue;
        memset(sums, 0, wide * sizeof *sums);
        for (size_t t = 0; t < cell; t++)
            add_up(pairs + mirrored((ptrdiff_t)(y + t) - (ptrdiff_t)(cell / 2), size) * wide, wide, sums);
        for (size_t x = 0; x < size; x++)
            if (wanted[x]) tell_cell(sums, x, size, cell, cells + y * wide + x * PAIRS);
    }
    for (size_t place = 0; place < count * count; place++)
        for (size_t k = 0; k < CELLS * CELLS; k++, out += PAIRS) {
            const size_t y = (size_t)begins[place / count] + k / CELLS * cell;
            const size_t x = (size_t)begins[place % count] + k % CELLS * cell;
            memcpy(out, cells + y * wide + x * PAIRS, PAIRS * sizeof *out);
        }
    free(sums);
    return 1;
}

#endif
