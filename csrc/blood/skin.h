/* What is known of every pixel of a face beside the face's own skin: eigenface/features/blood.py says what and why. */

#ifndef EIGENFACE_SKIN_H
#define EIGENFACE_SKIN_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "blood/planes.h"
#include "colours.h"
#include "ranks.h"

#define SEEN 43      /* planes of a face */
#define CHANGE 18.0f /* distance in Lab within which a pixel counts as the skin's own colour */
#define REDDER 12.0f /* in a of Lab, beyond which a pixel is redder than skin */

enum { BY_1, BY_1_2, BY_2, BY_3, BY_4, BY_5 }; /* blurs, by their sigmas */

/* Pixels side by side, and room to choose among them. */
typedef struct {
    size_t room, count;
    float *pixels, *some; /* (3, room) each: L, a, b */
    uint8_t *chosen;
    int32_t *keys;
} Pixels;

/* Gathers those of three planes that are marked. */
static size_t gather(const float *from, size_t count, const uint8_t *marks, size_t room, float *to) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < 3; k++) to[k * room + found] = from[k * room + i];
        found += marks[i];
    }
    return found;
}

static void medians(const Pixels *p, const float *pixels, size_t count, float *out) {
    for (size_t k = 0; k < 3; k++) out[k] = median(pixels + k * p->room, count, p->keys);
}

/* Which pixels have a colour like this one. */
WIDE static void choose_alike(const float *restrict light, const float *restrict a, const float *restrict b,
                              size_t count, const float *restrict colour, uint8_t *restrict chosen) {
    for (size_t i = 0; i < count; i++) {
        const float x = light[i] - colour[0], y = a[i] - colour[1], z = b[i] - colour[2];
        chosen[i] = x * x + y * y + z * z < CHANGE * CHANGE;
    }
}

/* Which numbers are above one limit and below or at another. */
WIDE static void choose_between(const float *restrict values, size_t count, float low, float high,
                                uint8_t *restrict chosen) {
    for (size_t i = 0; i < count; i++) chosen[i] = (values[i] > low) & (values[i] <= high);
}

/* Two guesses at the skin's colour: the usual one, and the usual pale one. */
static void refer_to_skin(const Pixels *p, float *usual, float *pale) {
    const size_t room = p->room;
    float *some = p->some, *a = some + room;
    medians(p, p->pixels, p->count, usual);
    for (int turn = 0; turn < 3; turn++) {
        choose_alike(p->pixels, p->pixels + room, p->pixels + 2 * room, p->count, usual, p->chosen);
        const size_t alike = gather(p->pixels, p->count, p->chosen, room, some);
        if (alike < 10) break;
        medians(p, some, alike, usual);
    }
    choose_between(p->pixels, p->count, 25, nextafterf(95, 0), p->chosen);
    size_t count = gather(p->pixels, p->count, p->chosen, room, some);
    if (count <= 20) memcpy(some, p->pixels, 3 * room * sizeof *some), count = p->count;
    choose_between(a, count, 3, INFINITY, p->chosen);
    size_t coloured = 0;
    for (size_t i = 0; i < count; i++) coloured += p->chosen[i];
    if (coloured > 20) count = gather(some, count, p->chosen, room, some);
    choose_between(a, count, -INFINITY, median(a, count, p->keys), p->chosen);
    medians(p, some, gather(some, count, p->chosen, room, some), pale);
}

/* How much a widened plane rises across and down: sizes of Sobel's differences. */
WIDE static void slopes(const float *restrict wide, size_t side, float *restrict across, float *restrict down) {
    const size_t apart = side + 2;
    for (size_t y = 0; y < side; y++, wide += apart, across += side, down += side)
        for (size_t x = 0; x < side; x++) {
            const float *a = wide + x, *b = a + apart, *c = b + apart;
            across[x] = fabsf((a[2] - a[0]) + (c[2] - c[0]) + 2 * (b[2] - b[0]));
            down[x] = fabsf((c[0] + c[2] + 2 * c[1]) - (a[0] + a[2] + 2 * a[1]));
        }
}

/* Roots of means of squares less squares of means; nothing below 0. */
WIDE static void deviate(float *restrict mean_of_squares, const float *restrict square_of_mean, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const float variance = mean_of_squares[i] - square_of_mean[i];
        mean_of_squares[i] = sqrtf(variance > 0 ? variance : 0);
    }
}

/* Facts of a face: how much of it is redder than skin, how a of Lab spreads on it, and how it differs beside it. */
static void tell_facts(const float *a, const uint8_t *oval, size_t count, const float *usual, const float *pale,
                       float *facts) {
    double inside = 0, sum = 0, square = 0, beside = 0, redder = 0;
    for (size_t i = 0; i < count; i++) {
        const float more = a[i] - usual[1];
        if (oval[i])
            inside++, redder += more > REDDER, sum += more, square += (double)more * more;
        else
            beside += more;
    }
    const double mean = sum / inside, variance = square / inside - mean * mean;
    memcpy(facts, usual, 3 * sizeof *facts);
    facts[3] = pale[0] - usual[0], facts[4] = pale[1] - usual[1];
    facts[5] = (float)(redder / inside), facts[6] = (float)sqrt(variance > 0 ? variance : 0);
    facts[7] = (float)(beside / ((double)count - inside));
}

/* All planes of a face, numbered as `_features_by_numpy` lists them. `room` has as many numbers as 7 planes. */
static void describe(const uint8_t *rgb, const float *lab, const uint8_t *oval, const float *logs, const Blurs *blurs,
                     float *room, float *out) {
    const size_t side = blurs->side, n = side * side;
    float *at[SEEN], usual[3], pale[3], facts[SEEN - 35];
    for (size_t k = 0; k < SEEN; k++) at[k] = out + k * n;
    const float *light = at[0], *a = at[1], *b = at[2], *red = at[4];
    float *green = room, *spare = room + n;
    Pixels p = {n, 0, spare, spare + 3 * n, (uint8_t *)at[41], (int32_t *)at[42]};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < n; i++) at[k][i] = lab[3 * i + k];
    tell_colours(rgb, logs, n, at[4], at[5], green, at[3]);
    p.count = gather(out, n, oval, n, p.pixels);
    refer_to_skin(&p, usual, pale);
    for (size_t k = 0; k < 3; k++) less(at[k], n, usual[k], at[6 + k]), less(at[k], n, pale[k], at[9 + k]);
    for (size_t i = 0, k = 0; i < n; i++)
        if (oval[i]) p.pixels[k] = red[i], p.pixels[n + k] = green[i], k++;
    less(red, n, median(p.pixels, p.count, p.keys), at[12]);
    less(green, n, median(p.pixels + n, p.count, p.keys), at[13]);

    const struct { const float *of; int by, to; } beside[] = {
        {a, BY_2, 14}, {a, BY_5, 15}, {light, BY_2, 16}, {light, BY_5, 17}, {b, BY_3, 18}, {red, BY_3, 19}};
    float *mean = spare, *wide = spare;
    for (size_t k = 0; k < 6; k++) {
        blur(blurs, beside[k].by, beside[k].of, mean);
        less_plane(beside[k].of, n, mean, at[beside[k].to]);
        if (beside[k].by == BY_2) { /* the spread around the same mean */
            float *to = at[beside[k].of == a ? 28 : 27];
            squares(mean, n, spare + n);
            squares(beside[k].of, n, spare + 2 * n);
            blur(blurs, BY_2, spare + 2 * n, to);
            deviate(to, spare + n, n);
        }
    }
    const struct { const float *of; int by, skin, to, across; } near[] = {
        {light, BY_1_2, 0, 20, 30}, {a, BY_1_2, 1, 21, 29}, {a, BY_4, 1, 22, 0}, {light, BY_4, 0, 23, 0}};
    for (size_t k = 0; k < 4; k++) {
        blur(blurs, near[k].by, near[k].of, mean);
        less(mean, n, usual[near[k].skin], at[near[k].to]);
        if (near[k].across) {
            mirror(mean, side, spare + n);
            less_plane(mean, n, spare + n, at[near[k].across]);
        }
    }
    widen(a, side, 1, 1, wide);
    extremes(wide, side, 1, at[25], at[24]);
    less(at[24], n, usual[1], at[24]), less(at[25], n, usual[1], at[25]);
    widen(light, side, 1, 1, wide);
    extremes(wide, side, 1, at[31], at[26]);
    less(at[26], n, usual[0], at[26]);
    widen(red, side, 1, 1, wide);
    slopes(wide, side, at[33], at[34]);
    blur(blurs, BY_1, at[33], at[31]), blur(blurs, BY_1, at[34], at[32]);
    for (size_t x = 0; x < side; x++) at[33][x] = fabsf((float)x / (float)(side - 1) - 0.5f);
    for (size_t y = 0; y < side; y++) {
        if (y) memcpy(at[33] + y * side, at[33], side * sizeof **at);
        fill(at[34] + y * side, side, (float)y / (float)(side - 1));
    }
    tell_facts(a, oval, n, usual, pale, facts);
    for (size_t k = 35; k < SEEN; k++) fill(at[k], n, facts[k - 35]);
}

#endif
