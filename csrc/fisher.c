/* Dense SIFT and Fisher vectors of one face: the loops of eigenface/features/sift.py and fisher.py, which say what is
   computed and why.

   Single precision in an order of its own: results differ from numpy's in the last digits. Everything runs over tiles
   of LANES descriptors side by side, so that compilers vectorise it as it stands. Every buffer is a C-contiguous array
   made by numpy. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wide.h"

#define ORIENTATIONS 8
#define CELLS 4
#define NUMBERS (CELLS * CELLS * ORIENTATIONS)
#define TOGETHER 4 /* columns of a product that are summed at a time: their sums stay in registers */

static const float COSINES[ORIENTATIONS] = {1.0f, 0.70710678f, 0.0f, -0.70710678f, -1.0f, -0.70710678f, 0.0f, 0.70710678f};
static const float SINES[ORIENTATIONS] = {0.0f, 0.70710678f, 1.0f, 0.70710678f, 0.0f, -0.70710678f, -1.0f, -0.70710678f};
static const int MIRRORED[ORIENTATIONS] = {4, 3, 2, 1, 0, 7, 6, 5}; /* where an orientation comes from in the mirror */

static int wrong(const char *what) {
    PyErr_SetString(PyExc_ValueError, what);
    return 0;
}

/* A place beyond the border, reflected about the border's pixel. */
static int reflected(int at, int size) {
    if (at < 0) at = -at;
    return at >= size ? 2 * size - 2 - at : at;
}

/* Of every pixel and orientation: the gradient's strength times the fourth power of its cosine with it. */
WIDE static void orient(const float *restrict smooth, int size, float *restrict maps, float *restrict line) {
    float *dx = line, *dy = line + size, *less = line + 2 * size;
    for (int y = 0; y < size; y++) {
        const float *row = smooth + (size_t)y * size;
        const int inner = y > 0 && y + 1 < size;
        const float *above = inner ? row - size : row, *below = inner ? row + size : row;
        dx[0] = dx[size - 1] = 0;
        for (int x = 1; x < size - 1; x++) dx[x] = row[x + 1] - row[x - 1];
        for (int x = 0; x < size; x++) dy[x] = below[x] - above[x];
        for (int x = 0; x < size; x++) {
            const float strength = sqrtf(dx[x] * dx[x] + dy[x] * dy[x]) + 1e-8f;
            less[x] = 1 / (strength * strength * strength);
        }
        float *to = maps + (size_t)y * size * ORIENTATIONS;
        for (int x = 0; x < size; x++)
            for (int k = 0; k < ORIENTATIONS; k++) {
                float along = COSINES[k] * dx[x] + SINES[k] * dy[x];
                along = along > 0 ? along : 0;
                along *= along;
                to[x * ORIENTATIONS + k] = along * along * less[x];
            }
    }
}

/* What cells centred at the marked rows and columns count: pixels weighed by a triangle each way. */
WIDE static void count_cells(const float *restrict maps, int size, int cell, const char *rows, const char *columns,
                             float *restrict cells, float *restrict line) {
    const int across = size * ORIENTATIONS;
    for (int y = 0; y < size; y++) {
        if (!rows[y]) continue;
        memset(line, 0, (size_t)across * sizeof *line);
        for (int t = 1 - cell; t < cell; t++) {
            const float weight = 1 - (float)abs(t) / (float)cell;
            const float *from = maps + (size_t)reflected(y + t, size) * across;
            for (int i = 0; i < across; i++) line[i] += weight * from[i];
        }
        for (int x = 0; x < size; x++) {
            if (!columns[x]) continue;
            float sum[ORIENTATIONS] = {0};
            for (int t = 1 - cell; t < cell; t++) {
                const float weight = 1 - (float)abs(t) / (float)cell;
                const float *from = line + reflected(x + t, size) * ORIENTATIONS;
                for (int k = 0; k < ORIENTATIONS; k++) sum[k] += weight * from[k];
            }
            memcpy(cells + (size_t)y * across + x * ORIENTATIONS, sum, sizeof sum);
        }
    }
}

INSIDE float length_of(const float *restrict row) {
    float sums[ORIENTATIONS] = {0}, sum = 0;
    for (int c = 0; c < NUMBERS; c += ORIENTATIONS)
        for (int k = 0; k < ORIENTATIONS; k++) sums[k] += row[c + k] * row[c + k];
    for (int k = 0; k < ORIENTATIONS; k++) sum += sums[k];
    return sqrtf(sum);
}

/* Descriptors of the picture, or of its mirror image, row by row: cut to length 1, capped, cut again, rooted. */
WIDE static void gather(const float *restrict cells, int size, int cell, int stride, int count, int mirror,
                        float *restrict out) {
    for (int v = 0; v < count; v++)
        for (int u = 0; u < count; u++) {
            float row[NUMBERS];
            for (int c = 0; c < CELLS * CELLS; c++) {
                const int y = cell / 2 + v * stride + c / CELLS * cell, x = cell / 2 + u * stride + c % CELLS * cell;
                const float *from = cells + ((size_t)y * size + (mirror ? size - 1 - x : x)) * ORIENTATIONS;
                if (mirror)
                    for (int k = 0; k < ORIENTATIONS; k++) row[c * ORIENTATIONS + k] = from[MIRRORED[k]];
                else
                    memcpy(row + c * ORIENTATIONS, from, ORIENTATIONS * sizeof *row);
            }
            const float first = 1 / (length_of(row) + 1e-3f);
            for (int i = 0; i < NUMBERS; i++) row[i] = row[i] * first < 0.2f ? row[i] * first : 0.2f;
            const float second = 1 / (length_of(row) + 1e-6f);
            for (int i = 0; i < NUMBERS; i++) out[i] = sqrtf(row[i] * second);
            out += NUMBERS;
        }
}

PyDoc_STRVAR(sift_doc, "sift(smooth, size, cell, stride, count, mirror, out): descriptors of one smoothed picture, float32 "
                       "(size, size), at count x count places, and with `mirror` those of its mirror image after them.");

static PyObject *sift(PyObject *self, PyObject *args) {
    Py_buffer smooth, out;
    int size, cell, stride, count, mirror;
    if (!PyArg_ParseTuple(args, "y*iiiiiw*", &smooth, &size, &cell, &stride, &count, &mirror, &out)) return NULL;
    int fine = 1;
    if (size < 3 || size > 4096 || cell < 1 || cell > size || stride < 1 || count < 1 || count > size ||
        cell / 2 + (count - 1) * stride + (CELLS - 1) * cell >= size ||
        smooth.len != (Py_ssize_t)size * size * 4 ||
        out.len != (Py_ssize_t)(mirror ? 2 : 1) * count * count * NUMBERS * 4)
        fine = wrong("sift: the buffers do not fit the sizes");
    const size_t plane = (size_t)size * size * ORIENTATIONS;
    float *maps = fine ? malloc((2 * plane + (size_t)size * ORIENTATIONS) * sizeof *maps + 2 * (size_t)size) : NULL;
    if (maps) {
        Py_BEGIN_ALLOW_THREADS
        float *cells = maps + plane, *line = cells + plane;
        char *rows = (char *)(line + (size_t)size * ORIENTATIONS), *columns = rows + size;
        memset(rows, 0, 2 * (size_t)size);
        for (int u = 0; u < count; u++)
            for (int c = 0; c < CELLS; c++) {
                const int at = cell / 2 + u * stride + c * cell;
                rows[at] = columns[at] = 1;
                if (mirror) columns[size - 1 - at] = 1;
            }
        orient(smooth.buf, size, maps, line);
        count_cells(maps, size, cell, rows, columns, cells, line);
        float *to = out.buf;
        gather(cells, size, cell, stride, count, 0, to);
        if (mirror) gather(cells, size, cell, stride, count, 1, to + (size_t)count * count * NUMBERS);
        Py_END_ALLOW_THREADS
        free(maps);
    } else if (fine) {
        PyErr_NoMemory();
        fine = 0;
    }
    PyBuffer_Release(&smooth);
    PyBuffer_Release(&out);
    if (!fine) return NULL;
    Py_RETURN_NONE;
}

/* A mixture of Gaussians as `code` needs it; matrices are packed in strips of TOGETHER columns. */
typedef struct {
    int dims, parts, words, padded; /* numbers a descriptor, projected numbers, words, parts + 2 in whole LANES */
    const float *centre;
    float *projection, *logits, *offset, *means, *inverse;
} Words;

static int strips(int columns) { return (columns + TOGETHER - 1) / TOGETHER; }

static void pack(const float *matrix, int rows, int columns, float *to) {
    for (int s = 0; s < strips(columns); s++)
        for (int i = 0; i < rows; i++)
            for (int q = 0; q < TOGETHER; q++) {
                const int j = s * TOGETHER + q;
                *to++ = j < columns ? matrix[(size_t)i * columns + j] : 0;
            }
}

/* Lane by lane: out (columns, LANES) = packed matrix (rows, columns) transposed times x (rows, LANES). */
WIDE static void multiply(const float *restrict x, const float *restrict packed, int rows, int columns,
                          float *restrict out) {
    for (int s = 0; s < strips(columns); s++) {
        float a[LANES] = {0}, b[LANES] = {0}, c[LANES] = {0}, d[LANES] = {0};
        for (int i = 0; i < rows; i++) {
            const float *one = x + (size_t)i * LANES;
            for (int t = 0; t < LANES; t++) {
                a[t] += packed[0] * one[t];
                b[t] += packed[1] * one[t];
                c[t] += packed[2] * one[t];
                d[t] += packed[3] * one[t];
            }
            packed += TOGETHER;
        }
        float *to = out + (size_t)s * TOGETHER * LANES;
        memcpy(to, a, sizeof a), memcpy(to + LANES, b, sizeof b);
        memcpy(to + 2 * LANES, c, sizeof c), memcpy(to + 3 * LANES, d, sizeof d);
    }
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

/* Scores (words, LANES) become exp(score - most of its lane); sums of lanes beside. */
WIDE static void share_out(float *restrict scores, const float *restrict offset, int words, float *restrict sum) {
    float most[LANES];
    for (int t = 0; t < LANES; t++) most[t] = -INFINITY, sum[t] = 0;
    for (int j = 0; j < words; j++)
        for (int t = 0; t < LANES; t++) {
            const float score = scores[j * LANES + t] + offset[j];
            scores[j * LANES + t] = score;
            most[t] = score > most[t] ? score : most[t];
        }
    for (int j = 0; j < words; j++)
        for (int t = 0; t < LANES; t++) scores[j * LANES + t] -= most[t];
    for (int i = 0; i < words * LANES; i++) scores[i] = exponential(scores[i]);
    for (int j = 0; j < words; j++)
        for (int t = 0; t < LANES; t++) sum[t] += scores[j * LANES + t];
}

/* How far one descriptor is from a word, weighed by the word's share in it. */
WIDE static void add_one(const float *restrict row, const float *restrict mean, const float *restrict inverse,
                         float share, int padded, float *restrict first, float *restrict second) {
    for (int i = 0; i < padded / LANES * LANES; i++) { /* whole registers, as compilers see */
        const float away = (row[i] - mean[i]) * inverse[i];
        first[i] += share * away;
        second[i] += share * (away * away - 1);
    }
}

/* Descriptors side by side, less the centre: (dims, LANES); where there are fewer, the first stands in. */
WIDE static void lay_out(const float *restrict rows, int lanes, int dims, const float *restrict centre,
                         float *restrict x) {
    for (int t = 0; t < LANES; t++) {
        const float *from = rows + (size_t)(t < lanes ? t : 0) * dims;
        for (int i = 0; i < dims; i++) x[i * LANES + t] = from[i] - centre[i];
    }
}

/* Adds what descriptors say: firsts, then seconds, (words, padded) each. `room` is scratch. */
static void add_up(const float *rows, const float *places, size_t count, const Words *w, float least, float *firsts,
                   float *room) {
    const int wide = w->parts + 2, padded = w->padded;
    float *seconds = firsts + (size_t)w->words * padded, sum[LANES];
    float *x = room, *here = x + w->dims * LANES, *scores = here + 2 * (wide + TOGETHER) * LANES;
    float *row = scores + (w->words + TOGETHER) * LANES;
    for (size_t start = 0; start < count; start += LANES) {
        const int lanes = count - start < LANES ? (int)(count - start) : LANES;
        lay_out(rows + start * w->dims, lanes, w->dims, w->centre, x);
        multiply(x, w->projection, w->dims, w->parts, here);
        for (int t = 0; t < LANES; t++) {
            const float *at = places + 2 * (start + (t < lanes ? t : 0));
            here[w->parts * LANES + t] = at[0], here[(w->parts + 1) * LANES + t] = at[1];
        }
        for (int i = 0; i < wide * LANES; i++) here[wide * LANES + i] = here[i] * here[i];
        multiply(here, w->logits, 2 * wide, w->words, scores);
        share_out(scores, w->offset, w->words, sum);
        for (int t = 0; t < lanes; t++) {
            for (int i = 0; i < wide; i++) row[i] = here[i * LANES + t];
            const float some = least * sum[t];
            for (int j = 0; j < w->words; j++) {
                if (!(scores[j * LANES + t] >= some)) continue;
                const size_t at = (size_t)j * padded;
                add_one(row, w->means + at, w->inverse + at, scores[j * LANES + t] / sum[t], padded, firsts + at,
                        seconds + at);
            }
        }
    }
}

/* Signed roots of the sums, each word's over the root of its weight, cut to length 1. */
WIDE static void finish(const float *restrict firsts, const Words *w, const float *weights, float *restrict out) {
    const int wide = w->parts + 2;
    double squares = 0;
    for (int half = 0; half < 2; half++)
        for (int j = 0; j < w->words; j++) {
            const float less = 1 / (sqrtf(weights[j]) * (half ? 1.41421356f : 1.0f));
            const float *from = firsts + ((size_t)half * w->words + j) * w->padded;
            float *to = out + ((size_t)half * w->words + j) * wide, size = 0;
            for (int i = 0; i < wide; i++) {
                to[i] = copysignf(sqrtf(fabsf(from[i] * less)), from[i]);
                size += fabsf(from[i] * less);
            }
            squares += size;
        }
    const double length = sqrt(squares);
    const float over = (float)(1 / (length > 1e-6 ? length : 1e-6));
    for (size_t i = 0; i < (size_t)2 * w->words * wide; i++) out[i] *= over;
}

PyDoc_STRVAR(code_doc,
             "code(rows, places, least, centre, projection, logits, offset, weights, means, deviations, out): the Fisher "
             "vector, float32 (2 * words * (parts + 2)), of descriptors (n, dims) at places (n, 2).");

static PyObject *code(PyObject *self, PyObject *args) {
    Py_buffer b[10]; /* rows, places, centre, projection, logits, offset, weights, means, deviations, out */
    float least;
    if (!PyArg_ParseTuple(args, "y*y*fy*y*y*y*y*y*y*w*", &b[0], &b[1], &least, &b[2], &b[3], &b[4], &b[5], &b[6], &b[7],
                          &b[8], &b[9]))
        return NULL;
    const Py_ssize_t count = b[1].len / 8, dims = b[2].len / 4, words = b[6].len / 4;
    const Py_ssize_t parts = dims ? b[3].len / 4 / dims : 0, wide = parts + 2;
    int fine = 1;
    if (count < 1 || dims < 1 || parts < 1 || words < 1 || dims > 4096 || wide > 4096 || words > 4096 ||
        b[0].len != 4 * count * dims || b[1].len != 8 * count || b[3].len != 4 * dims * parts ||
        b[4].len != 8 * wide * words || b[5].len != 4 * words || b[7].len != 4 * words * wide ||
        b[8].len != 4 * words * wide || b[9].len != 8 * words * wide)
        fine = wrong("code: the buffers do not fit the sizes");
    Words w = {(int)dims, (int)parts, (int)words, (int)((wide + LANES - 1) / LANES * LANES), b[2].buf};
    const size_t packed = (size_t)dims * strips(w.parts) * TOGETHER, judged = (size_t)2 * wide * strips(w.words) * TOGETHER;
    const size_t table = (size_t)words * w.padded;
    const size_t room = (size_t)(dims + 2 * (wide + TOGETHER) + words + TOGETHER) * LANES + w.padded;
    float *scratch = fine ? calloc(packed + judged + words + 4 * table + room, sizeof *scratch) : NULL;
    if (scratch) {
        Py_BEGIN_ALLOW_THREADS
        w.projection = scratch, w.logits = w.projection + packed, w.offset = w.logits + judged;
        w.means = w.offset + words, w.inverse = w.means + table;
        float *firsts = w.inverse + table;
        pack(b[3].buf, w.dims, w.parts, w.projection);
        pack(b[4].buf, 2 * (int)wide, w.words, w.logits);
        memcpy(w.offset, b[5].buf, words * sizeof *w.offset);
        const float *means = b[7].buf, *deviations = b[8].buf;
        for (int j = 0; j < w.words; j++)
            for (int i = 0; i < wide; i++) {
                w.means[(size_t)j * w.padded + i] = means[j * wide + i];
                w.inverse[(size_t)j * w.padded + i] = 1 / deviations[j * wide + i];
            }
        add_up(b[0].buf, b[1].buf, count, &w, least, firsts, firsts + 2 * table);
        finish(firsts, &w, b[6].buf, b[9].buf);
        Py_END_ALLOW_THREADS
        free(scratch);
    } else if (fine) {
        PyErr_NoMemory();
        fine = 0;
    }
    for (int i = 0; i < 10; i++) PyBuffer_Release(&b[i]);
    if (!fine) return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef METHODS[] = {
    {"sift", sift, METH_VARARGS, sift_doc}, {"code", code, METH_VARARGS, code_doc}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_fisher", "Dense SIFT and Fisher vectors of one face.", -1,
                                    METHODS, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__fisher(void) { return PyModule_Create(&MODULE); }
