/* A picture made smaller by the mean over the area that becomes a pixel: the same bytes as OpenCV's resize by area
   (eigenface/features/shrinking.py), whose sums are single precision in this order. */

#ifndef EIGENFACE_SHRINK_H
#define EIGENFACE_SHRINK_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wide.h"

#define MOST_NUMBERS 4 /* of a pixel */

/* Of which pixels, up to `most`, each of `wanted` pixels along a line is the mean, and how much each one counts. */
typedef struct {
    int wanted, most;
    int32_t *first, *count;
    float *shares; /* (wanted, most); nothing beyond `count` */
} Line;

static void reckon(Line *line, int size, double scale) {
    for (int at = 0; at < line->wanted; at++) {
        const double begins = at * scale, ends = begins + scale, width = scale < size - begins ? scale : size - begins;
        const int last = floor(ends) < size - 1 ? (int)floor(ends) : size - 1;
        const int whole = ceil(begins) < last ? (int)ceil(begins) : last;
        const int before = whole - begins > 1e-3, after = ends - last > 1e-3; /* less is left out */
        float *share = line->shares + (size_t)at * line->most;
        line->first[at] = whole - before, line->count[at] = before + last - whole + after;
        if (before) *share++ = (float)((whole - begins) / width);
        for (int k = whole; k < last; k++) *share++ = (float)(1.0 / width);
        const double rest = ends - last < 1 ? ends - last : 1;
        if (after) *share = (float)((rest < width ? rest : width) / width);
    }
}

/* Room for what becomes `wanted` pixels of `size`, which `free` of `shares` gives back; 0 where there is none. */
static int measure(Line *line, int size, int wanted) {
    const double scale = 1. / ((double)wanted / size);
    line->wanted = wanted, line->most = (int)scale + 3;
    line->shares = calloc((size_t)wanted, line->most * sizeof(float) + 2 * sizeof(int32_t));
    if (!line->shares) return 0;
    line->first = (int32_t *)(line->shares + (size_t)wanted * line->most), line->count = line->first + wanted;
    reckon(line, size, scale);
    return 1;
}

WIDE static void as_numbers(const uint8_t *restrict row, size_t count, float *restrict numbers) {
    for (size_t x = 0; x < count; x++) numbers[x] = row[x];
}

/* Means along a row of pixels of one number; `row` has those of `most` pixels more than there are. */
INSIDE void means(const Line *line, const float *restrict row, const int most, float *restrict out) {
    for (int at = 0; at < line->wanted; at++) {
        const float *from = row + line->first[at], *share = line->shares + (size_t)at * line->most;
        float sum = from[0] * share[0];
        for (int k = 1; k < most; k++) sum += from[k] * share[k];
        out[at] = sum;
    }
}

/* The same of pixels of several numbers: of four each, which take no longer than three. `row` has one pixel more still. */
INSIDE void means_of(const Line *line, const float *restrict row, const int numbers, float *restrict out) {
    for (int at = 0; at < line->wanted; at++) {
        const float *from = row + (size_t)line->first[at] * numbers, *share = line->shares + (size_t)at * line->most;
        float sums[MOST_NUMBERS] = {0};
        for (int k = 0; k < line->most; k++)
            for (int c = 0; c < MOST_NUMBERS; c++) sums[c] += from[k * numbers + c] * share[k];
        memcpy(out + (size_t)at * numbers, sums, numbers * sizeof *out);
    }
}

static void shorten(const Line *line, const float *row, int numbers, float *out) {
    if (numbers == 3) {
        means_of(line, row, 3, out);
    } else if (numbers > 1) {
        means_of(line, row, numbers, out);
    } else {
        switch (line->most) { /* constants, so that small loops are unrolled */
        case 4: means(line, row, 4, out); break;
        case 5: means(line, row, 5, out); break;
        case 6: means(line, row, 6, out); break;
        default: means(line, row, line->most, out);
        }
    }
}

WIDE static void add_row(const float *restrict row, float share, size_t count, float *restrict sums) {
    for (size_t x = 0; x < count; x++) sums[x] += share * row[x];
}

WIDE static void rounded(const float *restrict sums, size_t count, uint8_t *restrict out) {
    for (size_t x = 0; x < count; x++) {
        const float value = sums[x] + 8388608.f; /* so large that no digit is left after the point */
        int32_t bits;
        memcpy(&bits, &value, sizeof bits);
        bits &= 0xffff;
        out[x] = (uint8_t)(bits < 255 ? bits : 255);
    }
}

/* Pixels of so many `numbers`, rows `apart` bytes, made fewer: `values` has room for those of a row of pixels and `most`
   more, `row` and `sums` for those of a row of the result. */
static void shrink_rows(const uint8_t *pixels, size_t apart, int cols, int numbers, const Line *across, const Line *down,
                        float *values, float *row, float *sums, uint8_t *out) {
    const size_t wide = (size_t)across->wanted * numbers;
    int known = -1;
    for (int y = 0; y < down->wanted; y++) {
        memset(sums, 0, wide * sizeof *sums);
        for (int k = 0; k < down->count[y]; k++) {
            const int from = down->first[y] + k;
            if (from != known) {
                as_numbers(pixels + (size_t)from * apart, (size_t)cols * numbers, values);
                shorten(across, values, numbers, row);
                known = from;
            }
            add_row(row, down->shares[(size_t)y * down->most + k], wide, sums);
        }
        rounded(sums, wide, out + (size_t)y * wide);
    }
}

#endif
