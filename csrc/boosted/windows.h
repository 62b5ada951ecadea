/* Windows of planes judged by a forest.

   Trees are quick about windows whose values lie side by side (trees.h). Neighbours' do, and those of every second window
   once a plane is parted into every second column; windows from all over the planes are copied out and turned over. */

#ifndef EIGENFACE_WINDOWS_H
#define EIGENFACE_WINDOWS_H

#include "boosted/fetch.h"
#include "boosted/trees.h"
#include "boosted/turn.h"

#define ALONE 32  /* trees that single windows are asked before they are copied out */
#define LONGER 20 /* after so many times the trees those that are left are copied together again */
#define FEW 3     /* windows for which copying them out does not pay */
#define AHEAD 6   /* rows that are fetched before they are parted */
#define BAND 32   /* rows of a grid at once: what is copied of them stays in near memory */

/* Planes (count, high, wide) of cells, and windows of side x side in them. */
typedef struct {
    const uint8_t *cells;
    int count, high, wide, side;
} Planes;

/* What judging single windows needs beside. */
typedef struct {
    const Planes *planes;
    const Forest *forest;
    int32_t *offsets, *copied; /* of what nodes look at: in the planes, and in windows that were copied out */
    uint8_t *windows, *rows, *spare;
} Bench;

/* Room for judging, which `free` of `offsets` gives back; 0 where there is none. */
static int set_up(Bench *bench, const Planes *planes, const Forest *forest) {
    const size_t side = planes->side, square = side * side, window = square * planes->count;
    const size_t nodes = (size_t)forest->trees * ((1 << forest->depth) - 1);
    bench->planes = planes, bench->forest = forest;
    bench->offsets = malloc((2 * nodes + window) * sizeof *bench->offsets + MANY * (window + 2 * square));
    if (!bench->offsets) return 0;
    bench->copied = bench->offsets + nodes;
    int32_t *table = bench->copied + nodes;
    bench->windows = (uint8_t *)(table + window);
    bench->rows = bench->windows + MANY * window, bench->spare = bench->rows + MANY * square;
    for (size_t i = 0, k = 0; k < (size_t)planes->count; k++)
        for (size_t y = 0; y < side; y++)
            for (size_t x = 0; x < side; x++)
                table[i++] = (int32_t)((k * planes->high + y) * planes->wide + x);
    for (size_t i = 0; i < nodes; i++)
        bench->offsets[i] = table[forest->features[i]], bench->copied[i] = forest->features[i] * MANY;
    return 1;
}

INSIDE void copy_square(const uint8_t *from, size_t apart, size_t side, uint8_t *to) {
    for (size_t y = 0; y < side; y++) memcpy(to + y * side, from + y * apart, side);
}

/* Windows (x, y), up to MANY, copied out and turned over: a row for each of their values. */
static void copy_out(const Bench *bench, const int32_t *places, const int32_t *which, int count) {
    const Planes *p = bench->planes;
    const size_t side = p->side, square = side * side, plane = (size_t)p->high * p->wide;
    for (int k = 0; k < p->count; k++) {
        for (int i = 0; i < count; i++) {
            const int32_t *place = places + 2 * (size_t)which[i];
            const uint8_t *from = p->cells + k * plane + (size_t)place[1] * p->wide + place[0];
            uint8_t *to = bench->rows + i * square;
            switch (side) { /* sides of the shipped forests, so that their rows are copied without a call */
            case 16: copy_square(from, p->wide, 16, to); break;
            case 20: copy_square(from, p->wide, 20, to); break;
            default: copy_square(from, p->wide, side, to);
            }
        }
        memcpy(bench->windows + k * square * MANY, turn(bench->rows, bench->spare, square), square * MANY);
    }
}

/* How many of these windows (x, y) are not given up: their numbers, in order, in `left`, and the sums of all. */
static size_t judge_windows(const Bench *bench, const int32_t *places, size_t count, int32_t *sums, int32_t *left) {
    const Forest *f = bench->forest;
    const Planes *p = bench->planes;
    int from = ALONE < f->trees ? ALONE : f->trees, passed;
    size_t after = 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *values = p->cells + (size_t)places[2 * i + 1] * p->wide + places[2 * i];
        sums[i] = ask_one(f, bench->offsets, 0, from, values, 0, &passed);
        if (passed) left[after++] = (int32_t)i;
    }
    while (from < f->trees && after) {
        const int to = f->trees / LONGER > from ? from * LONGER : f->trees;
        const size_t before = after;
        after = 0;
        for (size_t start = 0; start < before; start += MANY) {
            const int some = before - start < MANY ? (int)(before - start) : MANY;
            Judged judged = {{0}, {0}};
            int32_t asked[MANY];
            memcpy(asked, left + start, some * sizeof *asked);
            for (int i = 0; i < some; i++) judged.sums[i] = sums[asked[i]], judged.left[i] = -1;
            if (some >= FEW) {
                copy_out(bench, places, asked, some);
                if (!ask_many(f, bench->copied, from, to, 0, bench->windows, &judged)) continue;
            }
            for (int i = 0; i < some; i++) {
                if (some < FEW) {
                    const int32_t *place = places + 2 * (size_t)asked[i];
                    const uint8_t *values = p->cells + (size_t)place[1] * p->wide + place[0];
                    judged.sums[i] = ask_one(f, bench->offsets, from, to, values, judged.sums[i], &judged.left[i]);
                }
                sums[asked[i]] = judged.sums[i];
                if (judged.left[i]) left[after++] = asked[i];
            }
        }
        from = to;
    }
    return after;
}

/* Whether a window lies within one of the pictures that share the planes: its first and last cell have one owner. */
INSIDE int owned(const int16_t *owner, size_t last) { return (*owner >= 0) & (*owner == owner[last]); }

/* Which of `some` windows, `step` from each other, are owned, as all bits set: whether any is. */
INSIDE int find_owned(const int16_t *owner, size_t last, int step, int some, int32_t *left) {
    int any = 0;
    for (int i = 0; i < some; i++) any |= left[i] = -owned(owner + i * step, last);
    for (int i = some; i < MANY; i++) left[i] = 0;
    return any;
}

/* The same, in less time for MANY windows of one picture, which are rectangles, and for every second window. */
static int find_owned_many(const int16_t *owner, size_t last, int step, int some, int32_t *left) {
    const int16_t *end = owner + (some - 1) * step;
    if (some == MANY && *owner >= 0 && *owner == *end && *owner == owner[last] && *owner == end[last]) {
        for (int i = 0; i < MANY; i++) left[i] = -1;
        return 1;
    }
    if (some == MANY && step == 2) return find_owned(owner, last, 2, MANY, left);
    return find_owned(owner, last, step, some, left);
}

/* Marks every `step`th window that the `first` trees, which ask for `slack` less, do not give up, and those around it in
   `near` (high, wide). 0 where there is no room.

   Of BAND rows of windows at a time the cells are parted into every `step`th column, so that windows of the grid lie
   side by side. */
static int try_grid(const Bench *bench, int step, int first, int32_t slack, const int16_t *owners, uint8_t *near) {
    const Planes *p = bench->planes;
    const Forest *f = bench->forest;
    const int side = p->side, down = p->high - side, right = p->wide - side, inner = (1 << f->depth) - 1;
    const size_t last = (size_t)(side - 1) * p->wide + side - 1, plane = (size_t)p->high * p->wide;
    const size_t across = ((size_t)p->wide + step - 1) / step, rows = (size_t)(BAND - 1) * step + side;
    const size_t phase = p->count * rows * across, nodes = (size_t)first * inner;
    int32_t *offsets = malloc(nodes * sizeof *offsets + step * phase + MANY + side);
    if (!offsets) return 0;
    uint8_t *band = (uint8_t *)(offsets + nodes);
    for (size_t i = 0; i < nodes; i++) {
        const int32_t square = side * side, which = f->features[i] / square, rest = f->features[i] % square;
        const int32_t y = rest / side, x = rest % side;
        offsets[i] = (int32_t)((x % step) * phase + (which * rows + y) * across + x / step);
    }
    for (int top = 0; top <= down; top += BAND * step) {
        const size_t high = (size_t)(p->high - top) < rows ? (size_t)(p->high - top) : rows;
        for (size_t k = 0; k < (size_t)p->count; k++)
            for (size_t y = 0; y < high; y++) {
                const uint8_t *row = p->cells + k * plane + (top + y) * p->wide;
                for (int x = 0; x < p->wide; x += 64) FETCH(row + AHEAD * p->wide + x, 0);
                uint8_t *to = band + (k * rows + y) * across;
                if (step == 2)
                    part_two(row, p->wide / 2, to, to + phase);
                for (size_t x = step == 2 ? p->wide / 2 * 2 : 0; x < (size_t)p->wide; x++)
                    to[(x % step) * phase + x / step] = row[x];
            }
        for (int y = top; y <= down && y < top + BAND * step; y += step)
            for (int start = 0; start <= right; start += MANY * step) {
                const int16_t *owner = owners + (size_t)y * p->wide + start;
                const int some = (right - start) / step + 1 < MANY ? (right - start) / step + 1 : MANY;
                Judged judged;
                for (int i = 0; i < MANY; i++) judged.sums[i] = 0;
                const int any = find_owned_many(owner, last, step, some, judged.left);
                const uint8_t *values = band + (size_t)(y - top) * across + start / step;
                if (!any || !ask_many(f, offsets, 0, first, slack, values, &judged)) continue;
                for (int i = 0; i < some; i++) {
                    if (!judged.left[i]) continue;
                    const int x = start + i * step, reach = step - 1;
                    for (int v = y - reach; v <= y + reach; v++)
                        for (int u = x - reach; u <= x + reach; u++)
                            if (v >= 0 && v <= down && u >= 0 && u <= right) near[(size_t)v * p->wide + u] = 1;
                }
            }
    }
    free(offsets);
    return 1;
}

/* The marked windows that all trees take for one of theirs: rows (x, y, sum), at most `most`. */
static size_t judge_near(const Bench *bench, const int16_t *owners, const uint8_t *near, size_t most, int32_t *found) {
    const Planes *p = bench->planes;
    const Forest *f = bench->forest;
    const int down = p->high - p->side, right = p->wide - p->side, shift = right + 1 < MANY ? 0 : right + 1 - MANY;
    const size_t last = (size_t)(p->side - 1) * p->wide + p->side - 1;
    size_t count = 0;
    for (int y = 0; y <= down; y++) {
        const uint8_t *row = near + (size_t)y * p->wide;
        for (int x = 0; x <= right && count < most; x++) {
            const uint8_t *next = memchr(row + x, 1, (size_t)(right + 1 - x));
            if (!next) break;
            x = (int)(next - row);
            const int start = x < shift ? x : shift, some = right + 1 - start < MANY ? right + 1 - start : MANY;
            const size_t at = (size_t)y * p->wide + start;
            Judged judged = {{0}, {0}};
            for (int i = x - start; i < some; i++) judged.left[i] = -(row[start + i] && owned(owners + at + i, last));
            const int any = some < MANY || ask_many(f, bench->offsets, 0, f->trees, 0, p->cells + at, &judged);
            for (int i = x - start; some < MANY && i < some; i++)
                if (judged.left[i])
                    judged.sums[i] = ask_one(f, bench->offsets, 0, f->trees, p->cells + at + i, 0, &judged.left[i]);
            for (int i = x - start; any && i < some && count < most; i++) {
                if (!judged.left[i]) continue;
                found[3 * count] = start + i, found[3 * count + 1] = y, found[3 * count + 2] = judged.sums[i];
                count++;
            }
            x = start + some - 1;
        }
    }
    return count;
}

#endif
