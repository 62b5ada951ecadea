/* Channels of a grey picture: eigenface/features/channels.py says what is computed and why; the same bytes as there.

   A part is worked through row by row: cells of a dozen rows, and what smoothing keeps of the last two, stay in near
   memory, and every byte of the picture and of the planes is touched once. */

#ifndef EIGENFACE_CELLS_H
#define EIGENFACE_CELLS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boosted/contrast.h"
#include "boosted/fetch.h"
#include "boosted/levels.h"

#define KEPT (2 * REACH + 2) /* rows of cells: those around one, and the next that enters */
#define LINES 4              /* rows of pixels: those of a row of cells, and one on either side */

/* What parts need while they are worked on: rows of `room` numbers. */
typedef struct {
    size_t room;
    int16_t *lines;    /* (LINES, 2): rows of pixels by even and odd columns, which begin one before the part */
    int16_t *cells;    /* (KEPT, PLANES) */
    uint16_t *columns; /* (2): sums of 11 rows of luminance and of strength; REACH more on either side */
    uint16_t *raw;     /* (PLANES): a row before it is smoothed; one more on either side */
    uint16_t *sums;    /* (PLANES): what the last row became across */
    uint16_t *pairs;   /* (PLANES): that and the row before it */
} Desk;

/* Room for parts up to `widest` cells wide, which `free` of `lines` gives back; 0 where there is none. */
static int prepare(Desk *desk, size_t widest) {
    const size_t room = (widest + TILE + 2 * REACH + 1) / TILE * TILE + TILE;
    desk->lines = calloc(room, (2 * LINES + (KEPT + 3) * PLANES + 2) * sizeof *desk->lines);
    if (!desk->lines) return 0;
    desk->room = room;
    desk->cells = desk->lines + 2 * LINES * room;
    desk->columns = (uint16_t *)(desk->cells + KEPT * PLANES * room);
    desk->raw = desk->columns + 2 * room;
    desk->sums = desk->raw + PLANES * room;
    desk->pairs = desk->sums + PLANES * room;
    return 1;
}

/* A grey picture of rows x cols pixels, or a level that is drawn while it is read. */
typedef struct {
    const uint8_t *pixels;
    int rows, cols;
#ifdef QUICK
    Level *level;
#endif
} Grey;

/* A part of its cells. */
typedef struct {
    int top, left, high, wide;
} Part;

static int16_t *line_of(const Desk *desk, int row) { return desk->lines + (size_t)(row & (LINES - 1)) * 2 * desk->room + 1; }

/* Row `row` of a picture's pixels, as far as a part needs it; beyond the picture its border is repeated. */
static void read_line(const Desk *desk, const Grey *grey, const Part *part, int row) {
    int16_t *even = line_of(desk, row), *odd = even + desk->room;
#ifdef QUICK
    if (grey->level) {
        draw_line(grey->level, row, part->wide, even, odd);
        return;
    }
#endif
    const uint8_t *from = grey->pixels + (size_t)inside(row, grey->rows) * grey->cols + 2 * part->left;
    split(from, part->wide, even, odd);
    odd[-1] = from[part->left > 0 ? -1 : 0];
    even[part->wide] = from[2 * (part->left + part->wide) < grey->cols ? 2 * part->wide : 2 * part->wide - 1];
}

static int16_t *cells_of(const Desk *desk, int row) { return desk->cells + (size_t)(row % KEPT) * PLANES * desk->room; }

/* Row `row` of a part's cells; rows come in order. */
static void make_cells(const Desk *desk, const Grey *grey, const Part *part, int row) {
    const int pixels = 2 * (part->top + row);
    for (int y = row ? pixels + 1 : pixels - 1; y <= pixels + 2; y++) read_line(desk, grey, part, y);
    add_up(line_of(desk, pixels - 1), line_of(desk, pixels), line_of(desk, pixels + 1), line_of(desk, pixels + 2),
           desk->room, part->wide, cells_of(desk, row));
}

/* Beyond the border its number is repeated. */
static void repeat(uint16_t *row, size_t wide, size_t times) {
    for (size_t d = 0; d < times; d++) row[d] = row[times], row[times + wide + d] = row[times + wide - 1];
}

/* Sums of 11 rows of a part's cells by columns, around row `y`; rows come in order. */
static void sum_columns(const Desk *desk, const Part *part, int y) {
    for (int k = 0; k < 2; k++) {
        uint16_t *columns = desk->columns + k * desk->room;
        if (y == 0) {
            memset(columns, 0, desk->room * sizeof *columns);
            for (int d = -REACH; d <= REACH; d++)
                enter(cells_of(desk, inside(d, part->high)) + k * desk->room, part->wide, columns + REACH);
        } else {
            slide(cells_of(desk, inside(y + REACH, part->high)) + k * desk->room,
                  cells_of(desk, inside(y - 1 - REACH, part->high)) + k * desk->room, part->wide, columns + REACH);
        }
        repeat(columns, part->wide, REACH);
    }
}

/* The planes of a part, rows `apart`, planes `plane` bytes from each other.

   What is repeated at borders is written some time before it is read with its neighbours: processors stumble over that. */
static void make_planes(const Desk *desk, const Grey *grey, const Part *part, Terms terms, size_t apart, size_t plane,
                        uint8_t *out) {
    const int high = part->high, wide = part->wide;
    const uint16_t *columns = desk->columns;
    int made = 0;
    for (; made < high && made <= REACH; made++) make_cells(desk, grey, part, made);
    for (int y = 0; y < high; y++) {
        sum_columns(desk, part, y);
        if (made < high) make_cells(desk, grey, part, made++);
        set_off(cells_of(desk, y), columns, columns + desk->room, terms, desk->room, wide, desk->raw + 1);
        for (int k = 0; k < PLANES; k++) repeat(desk->raw + k * desk->room, wide, 1);
        for (int k = 0; k < PLANES; k++) {
            const uint16_t *raw = desk->raw + k * desk->room;
            uint16_t *sums = desk->sums + k * desk->room, *pairs = desk->pairs + k * desk->room;
            uint8_t *to = out + k * plane + (size_t)y * apart;
            for (int x = 0; x < wide; x += 64) FETCH(to + x, 1); /* rows of a part are not in line */
            if (y == 0)
                begin(raw, wide, sums, pairs);
            else
                smooth(raw, wide, sums, pairs, to - apart);
            if (y == high - 1) smooth(raw, wide, sums, pairs, to);
        }
    }
}

#endif
