/* Colours of pixels as ratios. */

#ifndef EIGENFACE_COLOURS_H
#define EIGENFACE_COLOURS_H

#include <stddef.h>
#include <stdint.h>

#include "wide.h"

/* Logarithms of red and blue over green, and of green, by a table of bytes; and saturation. */
WIDE static void tell_colours(const uint8_t *restrict rgb, const float *restrict logs, size_t count,
                              float *restrict red, float *restrict blue, float *restrict green,
                              float *restrict saturation) {
    for (size_t i = 0; i < count; i++, rgb += 3) {
        const int r = rgb[0], g = rgb[1], b = rgb[2];
        const float high = (float)(r > g ? r > b ? r : b : g > b ? g : b) / 255;
        const float low = (float)(r < g ? r < b ? r : b : g < b ? g : b) / 255;
        red[i] = logs[r] - logs[g], blue[i] = logs[b] - logs[g], green[i] = logs[g];
        saturation[i] = (high - low) / (high > 0.02f ? high : 0.02f);
    }
}

#endif
