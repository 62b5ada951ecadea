/* Channels of a grey picture: eigenface/features/channels.py says what is computed and why; the same bytes as there.

   A part is worked through row by row: cells of a dozen rows, and three rows of planes before they are smoothed, stay in
   the nearest memory, and every byte of the picture and of the planes is touched once. */

#ifndef EIGENFACE_CELLS_H
#define EIGENFACE_CELLS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wide.h"

#define PLANES 8
#define REACH 5                /* cells on either side that a cell is compared with: 11 x 11 */
#define KEPT (2 * REACH + 2)   /* rows of cells: those around one, and the next that enters */
#define LINES 4                /* rows of pixels: those of a row of cells, and one on either side */
#define TILE 64                /* cells that are added up at once */
#define SLANTED 55             /* cosine and sine of 30 degrees, times 64 */
#define HALF 32

/* What parts need while they are worked on: rows of `room` numbers. */
typedef struct {
    size_t room;
    int16_t *lines;          /* (LINES, 2): rows of pixels by even and odd columns, which begin one before the part */
    int16_t *cells;          /* (KEPT, PLANES) */
    int16_t *columns;        /* (2): sums of 11 rows of luminance and of strength; REACH more on either side */
    int16_t *pairs;          /* neighbours of these added */
    int32_t *light, *strong; /* sums over 11 x 11 cells */
    float *scale;
    uint16_t *sums;          /* one more on either side */
    uint8_t *raw;            /* (3, PLANES): before they are smoothed */
} Desk;

/* Room for parts up to `widest` cells wide, which `free` of `light` gives back; 0 where there is none. */
static int prepare(Desk *desk, size_t widest) {
    const size_t room = (widest + TILE + 2 * REACH + 1) / TILE * TILE + TILE;
    const size_t shorts = 2 * LINES + KEPT * PLANES + 2 + 1 + 1;
    int32_t *all = calloc(room, 3 * sizeof *all + shorts * sizeof(int16_t) + 3 * PLANES);
    if (!all) return 0;
    desk->room = room;
    desk->light = all, desk->strong = all + room, desk->scale = (float *)(all + 2 * room);
    desk->lines = (int16_t *)(all + 3 * room);
    desk->cells = desk->lines + 2 * LINES * room;
    desk->columns = desk->cells + KEPT * PLANES * room;
    desk->pairs = desk->columns + 2 * room;
    desk->sums = (uint16_t *)(desk->pairs + room);
    desk->raw = (uint8_t *)(desk->sums + room);
    return 1;
}

static int inside(int at, int size) { return at < 0 ? 0 : at >= size ? size - 1 : at; }

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

/* TILE cells from four rows of pixels: sums over 2 x 2 of luminance, strength and shares. Of each row of pixels the even
   columns, and `apart` further the odd ones. */
WIDE static void add_up(const int16_t *restrict above, const int16_t *restrict upper, const int16_t *restrict lower,
                        const int16_t *restrict below, size_t apart, int16_t (*restrict to)[TILE]) {
    for (size_t x = 0; x < TILE; x++) {
        const size_t odd = x + apart;
        const Shares a = weigh((int16_t)(upper[odd] - upper[odd - 1]), (int16_t)(lower[x] - above[x]));
        const Shares b = weigh((int16_t)(upper[x + 1] - upper[x]), (int16_t)(lower[odd] - above[odd]));
        const Shares c = weigh((int16_t)(lower[odd] - lower[odd - 1]), (int16_t)(below[x] - upper[x]));
        const Shares d = weigh((int16_t)(lower[x + 1] - lower[x]), (int16_t)(below[odd] - upper[odd]));
        to[0][x] = (int16_t)(upper[x] + upper[odd] + lower[x] + lower[odd]);
        to[1][x] = (int16_t)(a.strength + b.strength + c.strength + d.strength);
        to[2][x] = (int16_t)(a.level + b.level + c.level + d.level);
        to[3][x] = (int16_t)(a.flat + b.flat + c.flat + d.flat);
        to[4][x] = (int16_t)(a.steep + b.steep + c.steep + d.steep);
        to[5][x] = (int16_t)(a.upright + b.upright + c.upright + d.upright);
        to[6][x] = (int16_t)(a.other_steep + b.other_steep + c.other_steep + d.other_steep);
        to[7][x] = (int16_t)(a.other_flat + b.other_flat + c.other_flat + d.other_flat);
    }
}

/* Adds a row of cells to sums of columns, or takes one off. */
WIDE static void enter(const int16_t *restrict row, size_t wide, int16_t *restrict columns) {
    for (size_t x = 0; x < wide; x++) columns[x] = (int16_t)(columns[x] + row[x]);
}

WIDE static void leave(const int16_t *restrict row, size_t wide, int16_t *restrict columns) {
    for (size_t x = 0; x < wide; x++) columns[x] = (int16_t)(columns[x] - row[x]);
}

/* Sums over 11 x 11 cells from those of columns, which begin REACH before the part; beyond the border its cell is
   repeated. */
WIDE static void sum_around(int16_t *restrict columns, size_t wide, int16_t *restrict pairs, int32_t *restrict sums) {
    for (size_t d = 0; d < REACH; d++) columns[d] = columns[REACH], columns[REACH + wide + d] = columns[REACH + wide - 1];
    for (size_t x = 0; x < wide + 2 * REACH - 1; x++) pairs[x] = (int16_t)(columns[x] + columns[x + 1]);
    for (size_t x = 0; x < wide; x++)
        sums[x] = (int32_t)pairs[x] + pairs[x + 2] + pairs[x + 4] + pairs[x + 6] + pairs[x + 8] + columns[x + 10];
}

WIDE static void divide(float by, const int32_t *restrict strong, float room, size_t wide, float *restrict scale) {
    for (size_t x = 0; x < wide; x++) scale[x] = by / ((float)strong[x] + room);
}

/* What a cell has more than its surroundings, around 128. */
WIDE static void lighten(const int16_t *restrict from, const int32_t *restrict light, const float *restrict scale,
                         size_t wide, uint8_t *restrict out) {
    for (size_t x = 0; x < wide; x++) {
        const int value = 128 + (int)((float)(121 * from[x] - light[x]) * scale[x]);
        out[x] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

/* A cell's gradient over that around it. */
WIDE static void strengthen(const int16_t *restrict from, const float *restrict scale, size_t wide, uint8_t *restrict out) {
    for (size_t x = 0; x < wide; x++) {
        const int value = (int)((float)from[x] * scale[x]);
        out[x] = (uint8_t)(value > 255 ? 255 : value);
    }
}

/* A row smoothed by (1 2 1) both ways; `sums` begins one before it. */
WIDE static void smooth(const uint8_t *restrict above, const uint8_t *restrict row, const uint8_t *restrict below,
                        size_t wide, uint16_t *restrict sums, uint8_t *restrict out) {
    for (size_t x = 0; x < wide; x++) sums[x + 1] = (uint16_t)(above[x] + 2 * row[x] + below[x]);
    sums[0] = sums[1], sums[wide + 1] = sums[wide];
    for (size_t x = 0; x < wide; x++) {
        const uint16_t sum = (uint16_t)(sums[x] + 2 * sums[x + 1] + sums[x + 2] + 8);
        out[x] = (uint8_t)(sum >> 4);
    }
}

/* A grey picture of rows x cols pixels. */
typedef struct {
    const uint8_t *pixels;
    int rows, cols;
} Grey;

/* A part of its cells. */
typedef struct {
    int top, left, high, wide;
} Part;

static int16_t *line_of(const Desk *desk, int row) { return desk->lines + (size_t)(row & (LINES - 1)) * 2 * desk->room + 1; }

/* Row `row` of a picture's pixels, as far as a part needs it; beyond the picture its border is repeated. */
static void read_line(const Desk *desk, const Grey *grey, const Part *part, int row) {
    const uint8_t *from = grey->pixels + (size_t)inside(row, grey->rows) * grey->cols + 2 * part->left;
    int16_t *even = line_of(desk, row), *odd = even + desk->room;
    split(from, part->wide, even, odd);
    odd[-1] = from[part->left > 0 ? -1 : 0];
    even[part->wide] = from[2 * (part->left + part->wide) < grey->cols ? 2 * part->wide : 2 * part->wide - 1];
}

static int16_t *cells_of(const Desk *desk, int row) { return desk->cells + (size_t)(row % KEPT) * PLANES * desk->room; }

/* Row `row` of a part's cells; rows come in order. */
static void make_cells(const Desk *desk, const Grey *grey, const Part *part, int row) {
    const int pixels = 2 * (part->top + row);
    for (int y = row ? pixels + 1 : pixels - 1; y <= pixels + 2; y++) read_line(desk, grey, part, y);
    int16_t tile[PLANES][TILE], *to = cells_of(desk, row);
    for (int x = 0; x < part->wide; x += TILE) {
        add_up(line_of(desk, pixels - 1) + x, line_of(desk, pixels) + x, line_of(desk, pixels + 1) + x,
               line_of(desk, pixels + 2) + x, desk->room, tile);
        for (int k = 0; k < PLANES; k++) memcpy(to + k * desk->room + x, tile[k], sizeof tile[k]);
    }
}

/* The planes of a part, rows `apart`, planes `plane` bytes from each other. */
static void make_planes(const Desk *desk, const Grey *grey, const Part *part, float room, float gain, float contrast,
                        size_t apart, size_t plane, uint8_t *out) {
    const int high = part->high, wide = part->wide;
    int16_t *columns[2] = {desk->columns, desk->columns + desk->room};
    int made = 0;
    for (; made < high && made <= REACH; made++) make_cells(desk, grey, part, made);
    for (int k = 0; k < 2; k++) {
        memset(columns[k], 0, desk->room * sizeof *columns[k]);
        for (int d = -REACH; d <= REACH; d++) enter(cells_of(desk, inside(d, high)) + k * desk->room, wide, columns[k] + REACH);
    }
    for (int y = 0; y <= high; y++) {
        if (y < high) {
            const int16_t *from = cells_of(desk, y);
            uint8_t *raw = desk->raw + (size_t)(y % 3) * PLANES * desk->room;
            sum_around(columns[0], wide, desk->pairs, desk->light);
            sum_around(columns[1], wide, desk->pairs, desk->strong);
            divide(contrast, desk->strong, room, wide, desk->scale);
            lighten(from, desk->light, desk->scale, wide, raw);
            divide(gain, desk->strong, room, wide, desk->scale);
            for (int k = 1; k < PLANES; k++) strengthen(from + k * desk->room, desk->scale, wide, raw + k * desk->room);
            if (made < high) make_cells(desk, grey, part, made++);
            for (int k = 0; k < 2; k++) {
                enter(cells_of(desk, inside(y + 1 + REACH, high)) + k * desk->room, wide, columns[k] + REACH);
                leave(cells_of(desk, inside(y - REACH, high)) + k * desk->room, wide, columns[k] + REACH);
            }
        }
        if (y == 0) continue;
        const uint8_t *rows[3];
        for (int d = 0; d < 3; d++) rows[d] = desk->raw + (size_t)(inside(y - 2 + d, high) % 3) * PLANES * desk->room;
        for (int k = 0; k < PLANES; k++)
            smooth(rows[0] + k * desk->room, rows[1] + k * desk->room, rows[2] + k * desk->room, wide, desk->sums,
                   out + k * plane + (size_t)(y - 1) * apart);
    }
}

#endif
