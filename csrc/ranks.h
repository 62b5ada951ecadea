/* Which number is larger than so many others: found by halving, since counting what lies below a limit takes many
   numbers at a time, and sorting does not. */

#ifndef EIGENFACE_RANKS_H
#define EIGENFACE_RANKS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wide.h"

/* Whole numbers that are ordered as floats are, and back. */
WIDE static void as_keys(const float *restrict values, size_t count, int32_t *restrict keys) {
    for (size_t i = 0; i < count; i++) {
        int32_t bits;
        memcpy(&bits, values + i, sizeof bits);
        keys[i] = bits ^ (bits >> 31 & INT32_MAX);
    }
}

INSIDE float of_key(int32_t key) {
    float value;
    key ^= key >> 31 & INT32_MAX;
    memcpy(&value, &key, sizeof value);
    return value;
}

WIDE static size_t up_to(const int32_t *restrict keys, size_t count, int32_t limit) {
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) found += keys[i] <= limit;
    return found;
}

WIDE static int32_t first_above(const int32_t *restrict keys, size_t count, int32_t limit) {
    int32_t least = INT32_MAX;
    for (size_t i = 0; i < count; i++) {
        const int32_t key = keys[i] > limit ? keys[i] : INT32_MAX;
        least = key < least ? key : least;
    }
    return least;
}

/* The key that stands at place `rank` of `count` ordered ones. */
static int32_t ranked(const int32_t *keys, size_t count, size_t rank) {
    int64_t low = INT32_MIN, high = INT32_MAX;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (up_to(keys, count, (int32_t)middle) > rank)
            high = middle;
        else
            low = middle + 1;
    }
    return (int32_t)low;
}

/* The median of numbers, 0 of none; `keys` is room for as many. */
static float median(const float *values, size_t count, int32_t *keys) {
    if (!count) return 0;
    as_keys(values, count, keys);
    const int32_t lower = ranked(keys, count, (count - 1) / 2);
    const int one = count % 2 || up_to(keys, count, lower) > count / 2;
    return one ? of_key(lower) : (of_key(lower) + of_key(first_above(keys, count, lower))) / 2;
}

#endif
