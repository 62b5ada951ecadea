/* Planes of numbers, side x side of them, row by row: blurred, spread, moved and compared. */

#ifndef EIGENFACE_PLANES_H
#define EIGENFACE_PLANES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wide.h"

#define TALL 4 /* rows that are blurred side by side: their sums stay in registers */

/* Blurs of planes of a side: kernels one after the other, how many numbers each has, how planes go on beyond their
   border, and room. */
typedef struct {
    size_t side;
    int reflect;            /* what is inside, reflected about the border's pixels; otherwise these again */
    const float *kernels;
    const int32_t *lengths; /* odd, less than twice the side */
    float *rows;            /* (TALL, 3 * side): with what lies beyond the border */
    float *between;         /* (3 * side, side): blurred along rows, with rows beyond the border */
} Blurs;

/* How far inside the border a pixel lies that stands for one so far beyond it. */
INSIDE size_t inside(const Blurs *b, size_t beyond) { return b->reflect ? beyond : 0; }

/* Sums along TALL x LANES places of rows that are `apart`, weighed by a kernel. */
INSIDE void blur_along(const float *restrict row, size_t apart, const float *restrict kernel, size_t length,
                       size_t side, float *restrict out) {
    float s[LANES] = {0}, t[LANES] = {0}, u[LANES] = {0}, v[LANES] = {0};
    for (size_t k = 0; k < length; k++, row++)
        for (size_t i = 0; i < LANES; i++) {
            s[i] += kernel[k] * row[i];
            t[i] += kernel[k] * row[apart + i];
            u[i] += kernel[k] * row[2 * apart + i];
            v[i] += kernel[k] * row[3 * apart + i];
        }
    memcpy(out, s, sizeof s), memcpy(out + side, t, sizeof t);
    memcpy(out + 2 * side, u, sizeof u), memcpy(out + 3 * side, v, sizeof v);
}

/* The same down columns: rows above and below that are as far are added up first. */
INSIDE void blur_down(const float *restrict row, const float *restrict middle, size_t reach, size_t side,
                      float *restrict out) {
    float s[TALL * LANES];
    for (size_t r = 0; r < TALL; r++)
        for (size_t i = 0; i < LANES; i++) s[r * LANES + i] = middle[0] * row[r * side + i];
    for (size_t k = 1; k <= reach; k++) {
        const float *above = row - k * side, *below = row + k * side;
        for (size_t r = 0; r < TALL; r++)
            for (size_t i = 0; i < LANES; i++)
                s[r * LANES + i] += middle[k] * (below[r * side + i] + above[r * side + i]);
    }
    for (size_t r = 0; r < TALL; r++) memcpy(out + r * side, s + r * LANES, LANES * sizeof *s);
}

/* The plane under one kernel, in the order of additions that OpenCV has. The last tiles overlap those before. */
WIDE static void blur_plane(const Blurs *b, const float *restrict plane, const float *restrict kernel, size_t length,
                            float *restrict out) {
    const size_t side = b->side, reach = length / 2, wide = 3 * side;
    float *first = b->between + reach * side, *last = first + (side - 1) * side;
    for (size_t j = 0; j < side; j += TALL) {
        const size_t y = j + TALL < side ? j : side - TALL;
        for (size_t r = 0; r < TALL; r++) {
            const float *from = plane + (y + r) * side;
            float *to = b->rows + r * wide + reach;
            memcpy(to, from, side * sizeof *to);
            for (size_t x = 1; x <= reach; x++) {
                to[-(ptrdiff_t)x] = from[inside(b, x)];
                to[side - 1 + x] = from[side - 1 - inside(b, x)];
            }
        }
        for (size_t i = 0; i < side; i += LANES) {
            const size_t x = i + LANES < side ? i : side - LANES;
            blur_along(b->rows + x, wide, kernel, length, side, first + y * side + x);
        }
    }
    for (size_t y = 1; y <= reach; y++) {
        memcpy(first - y * side, first + inside(b, y) * side, side * sizeof *first);
        memcpy(last + y * side, last - inside(b, y) * side, side * sizeof *first);
    }
    for (size_t j = 0; j < side; j += TALL)
        for (size_t i = 0; i < side; i += LANES) {
            const size_t y = j + TALL < side ? j : side - TALL, x = i + LANES < side ? i : side - LANES;
            blur_down(first + y * side + x, kernel + reach, reach, side, out + y * side + x);
        }
}

/* The plane under blur number `which`. */
static void blur(const Blurs *b, int which, const float *plane, float *out) {
    const float *kernel = b->kernels;
    for (int k = 0; k < which; k++) kernel += b->lengths[k];
    blur_plane(b, plane, kernel, (size_t)b->lengths[which], out);
}

/* The plane with `margin` more numbers on every side: the border's again, or what is inside, reflected about them. */
static void widen(const float *plane, size_t side, size_t margin, int reflect, float *out) {
    for (size_t j = 0; j < side + 2 * margin; j++, out += side + 2 * margin) {
        const size_t before = reflect ? margin - j : 0, after = reflect ? 2 * side - 2 + margin - j : side - 1;
        const float *row = plane + (j < margin ? before : j < side + margin ? j - margin : after) * side;
        memcpy(out + margin, row, side * sizeof *row);
        for (size_t x = 0; x < margin; x++) {
            out[x] = row[reflect ? margin - x : 0];
            out[margin + side + x] = row[side - 1 - (reflect ? x + 1 : 0)];
        }
    }
}

/* The plane moved by so many pixels, its edges repeated. */
static void move(const float *plane, size_t side, ptrdiff_t down, ptrdiff_t right, float *out) {
    const ptrdiff_t last = (ptrdiff_t)side - 1, begin = right > 0 ? right : 0, end = right < 0 ? last + right : last;
    for (ptrdiff_t y = 0; y <= last; y++, out += side) {
        const float *row = plane + (size_t)(y < down ? 0 : y - down > last ? last : y - down) * side;
        for (ptrdiff_t x = 0; x < begin; x++) out[x] = row[0];
        memcpy(out + begin, row + begin - right, (size_t)(end + 1 - begin) * sizeof *row);
        for (ptrdiff_t x = end + 1; x <= last; x++) out[x] = row[last];
    }
}

/* The largest and the least of the three by three pixels around each of a plane that is widened by `margin`. */
WIDE static void extremes(const float *restrict wide, size_t side, size_t margin, float *restrict most,
                          float *restrict least) {
    const size_t apart = side + 2 * margin;
    wide += (margin - 1) * apart + margin - 1;
    for (size_t y = 0; y < side; y++, wide += apart, most += side, least += side)
        for (size_t x = 0; x < side; x++) {
            float high = wide[x], low = wide[x];
            for (size_t k = 1; k < 9; k++) {
                const float value = wide[k / 3 * apart + x + k % 3];
                high = high > value ? high : value;
                low = low < value ? low : value;
            }
            most[x] = high, least[x] = low;
        }
}

WIDE static void less(const float *plane, size_t count, float value, float *out) {
    for (size_t i = 0; i < count; i++) out[i] = plane[i] - value;
}

WIDE static void less_plane(const float *restrict plane, size_t count, const float *restrict other,
                            float *restrict out) {
    for (size_t i = 0; i < count; i++) out[i] = plane[i] - other[i];
}

WIDE static void squares(const float *restrict plane, size_t count, float *restrict out) {
    for (size_t i = 0; i < count; i++) out[i] = plane[i] * plane[i];
}

WIDE static void mirror(const float *restrict plane, size_t side, float *restrict out) {
    for (size_t y = 0; y < side; y++, plane += side, out += side)
        for (size_t x = 0; x < side; x++) out[x] = plane[side - 1 - x];
}

static void fill(float *out, size_t count, float value) {
    for (size_t i = 0; i < count; i++) out[i] = value;
}

#endif
