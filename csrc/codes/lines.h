/* Lines of codes, each in whole STRIDEs with zeros at its end: a byte a code, or four bits. Of a stride of these, sixteen
   bytes, the low halves are the first sixteen codes and the high halves the others, all plus 8. */

#ifndef EIGENFACE_LINES_H
#define EIGENFACE_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "wide.h"

#define STRIDE 32

typedef struct {
    const uint8_t *from;
    size_t count, size; /* lines, and codes a line */
    int bits;
} Lines;

INSIDE const uint8_t *line_of(const Lines *lines, size_t line, size_t begin) {
    return lines->from + (line * lines->size + begin) * (size_t)lines->bits / 8;
}

/* Codes of four bits as bytes; `count` is a number of whole strides. */
WIDE static void widen(const uint8_t *restrict packed, size_t count, int8_t *restrict codes) {
    for (size_t i = 0; i < count; i += STRIDE, packed += STRIDE / 2)
        for (size_t k = 0; k < STRIDE / 2; k++) {
            codes[i + k] = (int8_t)((packed[k] & 15) - 8);
            codes[i + STRIDE / 2 + k] = (int8_t)((packed[k] >> 4) - 8);
        }
}

/* Codes of a line as bytes: where they lie, or widened into `room`. */
static const int8_t *bytes_of(const Lines *lines, size_t line, size_t begin, size_t count, int8_t *room) {
    const uint8_t *from = line_of(lines, line, begin);
    if (lines->bits == 8) return (const int8_t *)from;
    widen(from, count, room);
    return room;
}

#endif
