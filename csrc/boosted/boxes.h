/* Boxes compared with boxes, as eigenface/detection/merge.py does it: the same numbers, in the same order. */

#ifndef EIGENFACE_BOXES_H
#define EIGENFACE_BOXES_H

#include <stdint.h>
#include <string.h>

#include "wide.h"

/* How many of `shares`, which rise, the overlap of a box with each of `count` others exceeds: intersection over union.
   Boxes as four rows: where they begin, across and down, and where they end. */
WIDE static void compare(const double *restrict boxes, const double *restrict areas, size_t count, size_t one,
                         const double *restrict shares, size_t n_shares, double *restrict overlap, uint8_t *restrict out) {
    const double *left = boxes, *top = left + count, *right = top + count, *bottom = right + count;
    for (size_t i = 0; i < count; i++) {
        double across = (right[i] < right[one] ? right[i] : right[one]) - (left[i] > left[one] ? left[i] : left[one]);
        double down = (bottom[i] < bottom[one] ? bottom[i] : bottom[one]) - (top[i] > top[one] ? top[i] : top[one]);
        const double both = (across > 0 ? across : 0) * (down > 0 ? down : 0);
        overlap[i] = both / (areas[one] + areas[i] - both);
    }
    memset(out, 0, count);
    for (size_t k = 0; k < n_shares; k++)
        for (size_t i = 0; i < count; i++) out[i] = (uint8_t)(out[i] + (overlap[i] > shares[k]));
}

#endif
