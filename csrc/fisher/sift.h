/* Dense SIFT of one smoothed picture: eigenface/features/sift.py says what is computed and why.

   A picture is worked through row by row: gradients of the few rows that a cell reaches over stay in the nearest memory,
   and only cells that some descriptor has are counted. Of a cell its roots are kept, which is what descriptors are made
   of in the end: a cell is part of many of them. */

#ifndef EIGENFACE_SIFT_H
#define EIGENFACE_SIFT_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fisher/products.h"
#include "wide.h"

#define ORIENTATIONS 8
#define CELLS 4
#define NUMBERS (CELLS * CELLS * ORIENTATIONS)
#define CAP 0.44721360f /* root of the share of a descriptor's length that one number may have */

/* Where descriptors lie, and the cells that they share. */
typedef struct {
    int size, cell, stride, count, mirror;
    int across;            /* how many columns of cells */
    int *column, *row;     /* (size): which one lies at a pixel, or -1 */
    size_t *from;          /* (2 * cell - 1): where rows begin that are added */
    float *roots;          /* (rows, across, ORIENTATIONS): of what cells count */
    float *slopes;         /* (3, size in LANES): of a row of pixels, differences across and down, and their weight */
    float *ring;           /* (2 * cell - 1, numbers in LANES): orientations of the last rows of pixels */
    float *line, *sums;    /* a row of cells before and after it is summed across; `line` has more on either side */
} Grid;

/* Whether descriptors of such a picture exist; they are counted then without overflow. */
static int is_grid(int size, int cell, int stride, int count) {
    return size >= 3 && size <= 4096 && cell >= 1 && cell <= size && stride >= 1 && count >= 1 && count <= size &&
           cell / 2 + (long long)(count - 1) * stride + (CELLS - 1) * cell < size;
}

static size_t descriptors(const Grid *g) { return (size_t)(g->mirror ? 2 : 1) * g->count * g->count; }

/* Numbers what is marked; how many there are. */
static int numbered(int *marks, int size) {
    int count = 0;
    for (int i = 0; i < size; i++) marks[i] = marks[i] ? count++ : -1;
    return count;
}

/* Room for the cells of a grid, which `free` of `from` gives back; 0 where there is none. */
static int lay_grid(Grid *g, int size, int cell, int stride, int count, int mirror) {
    const size_t taps = 2 * (size_t)cell - 1, places = (size_t)size, room = in_lanes(places * ORIENTATIONS);
    const size_t margin = (size_t)(cell - 1) * ORIENTATIONS, line = room + 2 * margin, slopes = 3 * in_lanes(places);
    const size_t ends = (size_t)CELLS * count, down = ends < places ? ends : places;
    const size_t across = ends * (mirror ? 2 : 1) < places ? ends * (mirror ? 2 : 1) : places;
    const size_t floats = slopes + taps * room + line + room + down * across * ORIENTATIONS;
    size_t *all = calloc(1, taps * sizeof *all + 2 * places * sizeof(int) + floats * sizeof(float));
    if (!all) return 0;
    *g = (Grid){.size = size, .cell = cell, .stride = stride, .count = count, .mirror = mirror, .from = all};
    g->column = (int *)(all + taps), g->row = g->column + places;
    g->slopes = (float *)(g->row + places);
    g->ring = g->slopes + slopes;
    g->line = g->ring + taps * room;
    g->sums = g->line + line;
    g->roots = g->sums + room;
    for (int u = 0; u < count; u++)
        for (int c = 0; c < CELLS; c++) {
            const int at = cell / 2 + u * stride + c * cell;
            g->row[at] = g->column[at] = 1;
            if (mirror) g->column[size - 1 - at] = 1;
        }
    g->across = numbered(g->column, size);
    numbered(g->row, size);
    return 1;
}

/* A place beyond the border, reflected about the border's pixel. */
static int reflected(int at, int size) {
    if (at < 0) at = -at;
    return at >= size ? 2 * size - 2 - at : at;
}

/* Of a row of pixels and every orientation: the gradient's strength times the fourth power of its cosine with it. */
WIDE static void orient(const float *restrict smooth, size_t size, size_t y, float *restrict slopes, float *restrict to) {
    static const float cosines[ORIENTATIONS] = {1, 0.70710678f, 0, -0.70710678f, -1, -0.70710678f, 0, 0.70710678f};
    static const float sines[ORIENTATIONS] = {0, 0.70710678f, 1, 0.70710678f, 0, -0.70710678f, -1, -0.70710678f};
    float *dx = slopes, *dy = slopes + in_lanes(size), *less = dy + in_lanes(size);
    const float *row = smooth + y * size;
    const int inner = y > 0 && y + 1 < size;
    const float *above = inner ? row - size : row, *below = inner ? row + size : row;
    dx[0] = dx[size - 1] = 0;
    for (size_t x = 1; x < size - 1; x++) dx[x] = row[x + 1] - row[x - 1];
    for (size_t x = 0; x < size; x++) dy[x] = below[x] - above[x];
    for (size_t x = 0; x < size; x++) {
        const float strength = sqrtf(dx[x] * dx[x] + dy[x] * dy[x]) + 1e-8f;
        less[x] = 1 / (strength * strength * strength);
    }
    for (size_t x = 0; x < size; x++)
        for (size_t k = 0; k < ORIENTATIONS; k++) {
            float along = cosines[k] * dx[x] + sines[k] * dy[x];
            along = along > 0 ? along : 0;
            along *= along;
            to[x * ORIENTATIONS + k] = along * along * less[x];
        }
}

/* Adds two rows, weighed. */
WIDE static void add_pair(const float *restrict one, const float *restrict other, float weight, size_t room,
                          float *restrict to) {
    for (size_t i = 0; i < room / LANES * LANES; i++) to[i] += weight * (one[i] + other[i]);
}

/* The sum of rows that lie `from` somewhere on, weighed by a triangle; whole lanes of numbers. */
static void add_rows(const float *rows, const size_t *from, int cell, size_t room, float *to) {
    memcpy(to, rows + from[cell - 1], room * sizeof *to);
    for (int t = 1; t < cell; t++)
        add_pair(rows + from[cell - 1 - t], rows + from[cell - 1 + t], 1 - (float)t / (float)cell, room, to);
}

/* Roots of what the marked cells of a row count. */
WIDE static void keep(const float *restrict line, const int *restrict column, size_t size, float *restrict roots) {
    for (size_t x = 0; x < size; x++) {
        if (column[x] < 0) continue;
        for (size_t k = 0; k < ORIENTATIONS; k++) roots[k] = sqrtf(line[x * ORIENTATIONS + k]);
        roots += ORIENTATIONS;
    }
}

/* The cells of a smoothed picture: pixels weighed by a triangle each way. */
static void count_cells(const float *smooth, const Grid *g) {
    const int taps = 2 * g->cell - 1;
    const size_t room = in_lanes((size_t)g->size * ORIENTATIONS), one = ORIENTATIONS * sizeof(float);
    float *line = g->line + (size_t)(g->cell - 1) * ORIENTATIONS;
    for (int y = 0, made = 0; y < g->size; y++) {
        if (g->row[y] < 0) continue;
        if (made < y + 1 - g->cell) made = y + 1 - g->cell;
        for (; made < g->size && made < y + g->cell; made++)
            orient(smooth, (size_t)g->size, (size_t)made, g->slopes, g->ring + (size_t)(made % taps) * room);
        for (int t = 0; t < taps; t++) g->from[t] = (size_t)(reflected(y + t + 1 - g->cell, g->size) % taps) * room;
        add_rows(g->ring, g->from, g->cell, room, line);
        for (int t = 1; t < g->cell; t++) {
            memcpy(line - t * ORIENTATIONS, line + t * ORIENTATIONS, one);
            memcpy(line + (size_t)(g->size - 1 + t) * ORIENTATIONS, line + (size_t)(g->size - 1 - t) * ORIENTATIONS, one);
        }
        for (int t = 0; t < taps; t++) g->from[t] = (size_t)t * ORIENTATIONS;
        add_rows(g->line, g->from, g->cell, room, g->sums);
        keep(g->sums, g->column, (size_t)g->size, g->roots + (size_t)g->row[y] * g->across * ORIENTATIONS);
    }
}

/* Roots of the cells of one descriptor, side by side. */
INSIDE void collect(const Grid *g, size_t number, float *restrict row) {
    const size_t half = (size_t)g->count * g->count;
    const int mirrored = number >= half, at = (int)(mirrored ? number - half : number);
    const int y = g->cell / 2 + at / g->count * g->stride, x = g->cell / 2 + at % g->count * g->stride;
    const float *from[CELLS * CELLS];
    for (int c = 0; c < CELLS; c++) {
        const int across = x + c * g->cell;
        const float *column = g->roots + (size_t)g->column[mirrored ? g->size - 1 - across : across] * ORIENTATIONS;
        for (int r = 0; r < CELLS; r++)
            from[r * CELLS + c] = column + (size_t)g->row[y + r * g->cell] * g->across * ORIENTATIONS;
    }
    if (mirrored)
        for (int c = 0; c < CELLS * CELLS; c++, row += ORIENTATIONS) {
            row[0] = from[c][4], row[1] = from[c][3], row[2] = from[c][2], row[3] = from[c][1];
            row[4] = from[c][0], row[5] = from[c][7], row[6] = from[c][6], row[7] = from[c][5];
        }
    else
        for (int c = 0; c < CELLS * CELLS; c++, row += ORIENTATIONS) memcpy(row, from[c], ORIENTATIONS * sizeof *row);
}

/* The length of what a row has the roots of. */
INSIDE float length_of(const float *restrict row) {
    float squares[LANES] = {0};
    for (size_t c = 0; c < NUMBERS; c += LANES)
        for (size_t k = 0; k < LANES; k++) squares[k] += row[c + k] * row[c + k] * (row[c + k] * row[c + k]);
    return sqrtf(added(squares));
}

/* Up to BLOCK descriptors of the picture, row by row, and then of its mirror image, from number `first` on, less a
   centre: what their cells count, cut to length 1, capped, cut again, rooted. */
WIDE static void describe(const Grid *restrict g, size_t first, size_t count, const float *restrict centre,
                          float *restrict out) {
    float less[BLOCK];
    for (size_t i = 0; i < count; i++) collect(g, first + i, out + i * NUMBERS);
    for (size_t i = 0; i < count; i++) less[i] = length_of(out + i * NUMBERS);
    for (size_t i = 0; i < count; i++) less[i] = sqrtf(1 / (less[i] + 1e-3f));
    for (size_t i = 0; i < count; i++) {
        float *restrict row = out + i * NUMBERS;
        for (size_t k = 0; k < NUMBERS; k++) row[k] = row[k] * less[i] < CAP ? row[k] * less[i] : CAP;
        less[i] = length_of(row);
    }
    for (size_t i = 0; i < count; i++) less[i] = sqrtf(1 / (less[i] + 1e-6f));
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < NUMBERS; k++) out[i * NUMBERS + k] = out[i * NUMBERS + k] * less[i] - centre[k];
}

#endif
