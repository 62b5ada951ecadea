/* Fisher vectors of descriptors: eigenface/features/fisher.py says what is computed and why.

   Descriptors are worked on a block at a time, which stays in the nearest memory with what is made of it; rows of numbers
   are whole LANES where that lets compilers vectorise. */

#ifndef EIGENFACE_WORDS_H
#define EIGENFACE_WORDS_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fisher/products.h"
#include "wide.h"

/* A mixture of Gaussians is kept packed: this, and behind it the arrays of `Words`. */
typedef struct {
    int32_t dims, parts, words;
    float least;
} Head;

typedef struct {
    size_t dims, parts, words; /* numbers a descriptor, projected numbers, words */
    size_t wide, padded, room; /* parts + 2, that in whole LANES, and the words in whole LANES */
    float least;               /* share of a descriptor that a word may claim; less is nothing */
    const float *centre;       /* (dims) */
    const float *projection;   /* (dims, parts) in strips */
    const float *logits;       /* (2 * wide, words) in strips */
    const float *offset;       /* (room) */
    const float *means;        /* (words, padded) */
    const float *inverse;      /* (words, padded): of deviations */
    const float *roots;        /* (words): of weights, inverse */
} Words;

/* Sizes of the mixture that a head is of, and how many bytes it takes with its arrays; 0 if there is no such mixture. */
static size_t measure(const Head *head, Words *w) {
    if (head->dims < 1 || head->parts < 1 || head->words < 1) return 0;
    if (head->dims > 4096 || head->parts > 4096 || head->words > 4096) return 0;
    w->dims = (size_t)head->dims, w->parts = (size_t)head->parts, w->words = (size_t)head->words;
    w->wide = w->parts + 2, w->padded = in_lanes(w->wide), w->room = in_lanes(w->words), w->least = head->least;
    const size_t matrices = w->dims * in_lanes(w->parts) + 2 * w->wide * w->room, tables = 2 * w->words * w->padded;
    return sizeof *head + (w->dims + matrices + w->room + tables + w->words) * sizeof(float);
}

/* Finds the arrays behind a head; whether there are as many bytes as there should be. */
static int unpack(const void *packed, size_t bytes, Words *w) {
    Head head;
    if (bytes < sizeof head) return 0;
    memcpy(&head, packed, sizeof head);
    if (bytes != measure(&head, w)) return 0;
    w->centre = (const float *)((const char *)packed + sizeof head);
    w->projection = w->centre + w->dims;
    w->logits = w->projection + w->dims * in_lanes(w->parts);
    w->offset = w->logits + 2 * w->wide * w->room;
    w->means = w->offset + w->room;
    w->inverse = w->means + w->words * w->padded;
    w->roots = w->inverse + w->words * w->padded;
    return 1;
}

/* Packs a mixture into as many bytes as `measure` says. */
static void pack(const Head *head, void *packed, const float *centre, const float *projection, const float *logits,
                 const float *offset, const float *weights, const float *means, const float *deviations) {
    Words w;
    const size_t bytes = measure(head, &w);
    memset(packed, 0, bytes);
    memcpy(packed, head, sizeof *head);
    unpack(packed, bytes, &w);
    memcpy((float *)w.centre, centre, w.dims * sizeof *centre);
    lay_strips(projection, w.dims, w.parts, (float *)w.projection);
    lay_strips(logits, 2 * w.wide, w.words, (float *)w.logits);
    for (size_t j = 0; j < w.room; j++) ((float *)w.offset)[j] = j < w.words ? offset[j] : -1e30f; /* nobody's word */
    for (size_t j = 0; j < w.words; j++) {
        ((float *)w.roots)[j] = 1 / sqrtf(weights[j]);
        for (size_t i = 0; i < w.wide; i++) {
            ((float *)w.means)[j * w.padded + i] = means[j * w.wide + i];
            ((float *)w.inverse)[j * w.padded + i] = 1 / deviations[j * w.wide + i];
        }
    }
}

/* What one face needs. */
typedef struct {
    size_t apart;           /* from row to row of `here` */
    float *rows;            /* (BLOCK, dims): descriptors less the centre */
    float *here;            /* (BLOCK, apart): projected, places, and the squares of both; LANES more */
    float *scores;          /* (BLOCK, room) */
    float sums[BLOCK];      /* of the exponentials of a descriptor's scores */
    float *firsts, *seconds; /* (words, padded): sums of distances from means, and of their squares less 1 */
    uint32_t *claims;       /* (room): which descriptors a word has a share in */
} Desk;

/* Room that `free` of `rows` gives back; 0 where there is none. */
static int prepare(Desk *desk, const Words *w) {
    const size_t table = w->words * w->padded;
    desk->apart = 2 * w->wide + LANES;
    float *all = calloc(BLOCK * (w->dims + desk->apart + w->room) + 2 * table + w->room, sizeof *all);
    if (!all) return 0;
    desk->rows = all, desk->here = desk->rows + BLOCK * w->dims, desk->scores = desk->here + BLOCK * desk->apart;
    desk->firsts = desk->scores + BLOCK * w->room, desk->seconds = desk->firsts + table;
    desk->claims = (uint32_t *)(desk->seconds + table);
    return 1;
}

/* Descriptors less the centre. */
WIDE static void take(const float *restrict rows, size_t count, size_t dims, const float *restrict centre,
                      float *restrict to) {
    for (size_t i = 0; i < count; i++, rows += dims, to += dims)
        for (size_t k = 0; k < dims; k++) to[k] = rows[k] - centre[k];
}

/* exp of numbers up to 0, to seven digits: a power of two and a polynomial. */
INSIDE float exponential(float x) {
    union {
        float number;
        uint32_t bits;
    } shifted, power;
    x = x > -80 ? x : -80;
    shifted.number = x * 1.44269504f + 12582912.0f; /* rounds to a whole number, which stands in the lowest bits */
    const float whole = shifted.number - 12582912.0f, r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    power.bits = (shifted.bits << 23) + (127u << 23);
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    return (p * r * r + r + 1) * power.number;
}

/* Adds offsets to scores (count, room); the largest of each row. Numbers are compared as whole ones that are ordered
   alike: compilers take those many at a time. */
WIDE static void add_offsets(float *restrict scores, const float *restrict offset, size_t count, size_t room,
                             float *restrict largest) {
    for (size_t i = 0; i < count; i++, scores += room) {
        int32_t most = INT32_MIN;
        for (size_t j = 0; j < room / LANES * LANES; j++) {
            int32_t bits;
            scores[j] += offset[j];
            memcpy(&bits, scores + j, sizeof bits);
            bits ^= bits >> 31 & INT32_MAX;
            most = bits > most ? bits : most;
        }
        most ^= most >> 31 & INT32_MAX;
        memcpy(largest + i, &most, sizeof most);
    }
}

/* Scores (count, room) become exp(score - the largest of its row), sums the sums of rows in place of the largest. */
WIDE static void share_out(float *restrict scores, size_t count, size_t room, float *restrict sums) {
    for (size_t i = 0; i < count; i++, scores += room) {
        float lanes[LANES] = {0};
        for (size_t j = 0; j < room; j += LANES)
            for (size_t t = 0; t < LANES; t++) {
                const float share = exponential(scores[j + t] - sums[i]);
                scores[j + t] = share;
                lanes[t] += share;
            }
        sums[i] = added(lanes);
    }
}

/* Of each word a bit for each descriptor in which it has a share. */
WIDE static void claim(const float *restrict scores, const float *restrict sums, float least, size_t count, size_t room,
                       uint32_t *restrict claims) {
    memset(claims, 0, room * sizeof *claims);
    for (size_t i = 0; i < count; i++, scores += room) {
        const float some = least * sums[i];
        for (size_t j = 0; j < room / LANES * LANES; j++) claims[j] |= scores[j] >= some ? (uint32_t)1 << i : 0;
    }
}

/* Adds how far descriptors, one at least, are from a word, and the squares of that less 1, weighed by its shares in
   them: LANES numbers of each, in sums that stay in registers. */
WIDE static void add_some(const float *restrict here, const size_t *restrict at, const float *restrict shares,
                          size_t count, const float *restrict mean, const float *restrict inverse,
                          float *restrict first, float *restrict second) {
    float sums[2 * LANES] = {0};
    size_t k = 0;
    do {
        const float *row = here + at[k];
        float away[2 * LANES];
        for (size_t t = 0; t < LANES; t++) {
            away[t] = (row[t] - mean[t]) * inverse[t];
            away[LANES + t] = away[t] * away[t] - 1;
        }
        for (size_t t = 0; t < 2 * LANES; t++) sums[t] += shares[k] * away[t];
    } while (++k < count);
    for (size_t t = 0; t < LANES; t++) first[t] += sums[t];
    for (size_t t = 0; t < LANES; t++) second[t] += sums[LANES + t];
}

/* Adds what the descriptors of a block say to each word. */
static void add_up(const Words *w, const Desk *desk) {
    float shares[BLOCK];
    size_t at[BLOCK];
    for (size_t j = 0; j < w->words; j++) {
        if (!desk->claims[j]) continue;
        size_t found = 0;
        for (uint32_t left = desk->claims[j]; left; left &= left - 1, found++) {
            const size_t i = (size_t)lowest(left);
            shares[found] = desk->scores[i * w->room + j] / desk->sums[i];
            at[found] = i * desk->apart;
        }
        for (size_t c = j * w->padded; c < (j + 1) * w->padded; c += LANES)
            add_some(desk->here + (c - j * w->padded), at, shares, found, w->means + c, w->inverse + c, desk->firsts + c,
                     desk->seconds + c);
    }
}

/* Sets places beside what is projected, and the squares of both. */
WIDE static void square(float *restrict here, size_t apart, size_t wide, const float *restrict places, size_t count) {
    for (size_t i = 0; i < count; i++, here += apart) {
        here[wide - 2] = places[2 * i], here[wide - 1] = places[2 * i + 1];
        for (size_t c = 0; c < wide; c++) here[wide + c] = here[c] * here[c];
    }
}

/* Adds what the block of descriptors on the desk says, which lie at `places`. */
static void add_block(const Words *w, Desk *desk, const float *places, size_t count) {
    multiply(desk->rows, count, w->dims, w->dims, w->projection, w->parts, desk->here, desk->apart);
    square(desk->here, desk->apart, w->wide, places, count);
    multiply(desk->here, count, 2 * w->wide, desk->apart, w->logits, w->words, desk->scores, w->room);
    add_offsets(desk->scores, w->offset, count, w->room, desk->sums);
    share_out(desk->scores, count, w->room, desk->sums);
    claim(desk->scores, desk->sums, w->least, count, w->room, desk->claims);
    add_up(w, desk);
}

/* Signed roots of the sums, each word's over the root of its weight, cut to length 1. */
WIDE static void finish(const Words *w, const Desk *desk, float *restrict out) {
    const size_t wide = w->wide, words = w->words;
    double squares = 0;
    for (int half = 0; half < 2; half++)
        for (size_t j = 0; j < words; j++, out += wide) {
            const float *restrict from = (half ? desk->seconds : desk->firsts) + j * w->padded;
            const float less = w->roots[j] * (half ? 0.70710678f : 1.0f);
            float size = 0;
            for (size_t i = 0; i < wide; i++) {
                out[i] = copysignf(sqrtf(fabsf(from[i] * less)), from[i]);
                size += fabsf(from[i] * less);
            }
            squares += size;
        }
    const double length = sqrt(squares);
    const float over = (float)(1 / (length > 1e-6 ? length : 1e-6));
    out -= 2 * words * wide;
    for (size_t i = 0; i < 2 * words * wide; i++) out[i] *= over;
}

#endif
