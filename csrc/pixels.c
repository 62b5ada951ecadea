/* Loops over pixels of a face: boosted trees that judge each, histograms of colour in cells, and descriptors of local
   colour.

   The numbers of eigenface/features/trees.py and local_colour.py, to the bit, and of colour.py but for the order in
   which a cell is added up. Every buffer is a C-contiguous array made by numpy. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "pixels/swatches.h"
#include "wide.h"

#define BLOCK 128 /* pixels judged side by side: what all trees look at stays in the nearest memory */
#define DEEPEST 8
#define BANDS 4
#define MOST_BINS 256

static PyObject *released(Py_buffer *buffers, int count, const char *what) {
    for (int i = 0; i < count; i++) PyBuffer_Release(&buffers[i]);
    if (!what) Py_RETURN_NONE;
    PyErr_SetString(PyExc_ValueError, what);
    return NULL;
}

/* One tree's leaves added to sums; called with a constant number of levels, so that a leaf's number stays in a register. */
INSIDE void add_tree(const float *restrict planes, const Py_ssize_t *at, const float *thresholds, const int levels,
                     const float *restrict leaves, int count, float *restrict sums) {
    for (int i = 0; i < count; i++) {
        int32_t leaf = 0;
        for (int level = 0; level < levels; level++) leaf = 2 * leaf + (planes[at[level] + i] > thresholds[level]);
        sums[i] += leaves[leaf];
    }
}

#ifdef QUICK
#define LOOKS_UP __attribute__((target("avx512f")))
#define HAS_LOOK_UP __builtin_cpu_supports("avx512f")

/* The same for trees of six levels and sixteens of pixels, which look up 64 leaves in three instructions. */
LOOKS_UP static void add_trees_of_six(const float *restrict planes, size_t pixels, const int32_t *columns,
                                      const float *thresholds, const float *restrict leaves, int trees, size_t count,
                                      float *restrict sums) {
    for (int tree = 0; tree < trees; tree++, columns += 6, thresholds += 6, leaves += 64) {
        const __m512 a = _mm512_loadu_ps(leaves), b = _mm512_loadu_ps(leaves + 16);
        const __m512 c = _mm512_loadu_ps(leaves + 32), d = _mm512_loadu_ps(leaves + 48);
        const float *at[6];
        __m512 limits[6];
        for (int level = 0; level < 6; level++) {
            at[level] = planes + (size_t)columns[level] * pixels;
            limits[level] = _mm512_set1_ps(thresholds[level]);
        }
        for (size_t i = 0; i < count; i += 16) {
            const __mmask16 half = _mm512_cmp_ps_mask(_mm512_loadu_ps(at[0] + i), limits[0], _CMP_GT_OQ);
            __m512i leaf = _mm512_setzero_si512();
            for (int level = 1; level < 6; level++) {
                const __mmask16 right = _mm512_cmp_ps_mask(_mm512_loadu_ps(at[level] + i), limits[level], _CMP_GT_OQ);
                leaf = _mm512_mask_or_epi32(leaf, right, leaf, _mm512_set1_epi32(32 >> level));
            }
            const __m512 low = _mm512_permutex2var_ps(a, leaf, b), high = _mm512_permutex2var_ps(c, leaf, d);
            _mm512_storeu_ps(sums + i, _mm512_add_ps(_mm512_loadu_ps(sums + i), _mm512_mask_blend_ps(half, low, high)));
        }
    }
}
#endif

WIDE static void add_trees(const float *planes, Py_ssize_t pixels, const int32_t *columns, const float *thresholds,
                           const float *leaves, int trees, int levels, int count, float *sums) {
    for (int tree = 0; tree < trees; tree++, columns += levels, thresholds += levels, leaves += 1 << levels) {
        Py_ssize_t at[DEEPEST] = {0};
        for (int level = 0; level < levels; level++) at[level] = columns[level] * pixels;
        switch (levels) {
        case 4: add_tree(planes, at, thresholds, 4, leaves, count, sums); break;
        case 5: add_tree(planes, at, thresholds, 5, leaves, count, sums); break;
        case 6: add_tree(planes, at, thresholds, 6, leaves, count, sums); break;
        default: add_tree(planes, at, thresholds, levels, leaves, count, sums);
        }
    }
}

PyDoc_STRVAR(trees_doc, "trees(planes, columns, thresholds, leaves, trees, levels, sums): adds each tree's leaf to float32 "
                        "sums (n,), for planes (m, n) and int32 columns (trees, levels).");

static PyObject *trees(PyObject *self, PyObject *args) {
    Py_buffer b[5]; /* planes, columns, thresholds, leaves, sums */
    int count, levels;
    if (!PyArg_ParseTuple(args, "y*y*y*y*iiw*", &b[0], &b[1], &b[2], &b[3], &count, &levels, &b[4])) return NULL;
    const Py_ssize_t pixels = b[4].len / 4, planes = pixels ? b[0].len / 4 / pixels : 0;
    if (count < 0 || levels < 1 || levels > DEEPEST || b[0].len != 4 * planes * pixels ||
        b[1].len != 4 * (Py_ssize_t)count * levels || b[2].len != b[1].len ||
        b[3].len != 4 * ((Py_ssize_t)count << levels))
        return released(b, 5, "trees: the buffers do not fit the sizes");
    const int32_t *columns = b[1].buf;
    for (Py_ssize_t i = 0; i < (Py_ssize_t)count * levels; i++)
        if (columns[i] < 0 || columns[i] >= planes) return released(b, 5, "trees: no such column");
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t start = 0; start < pixels; start += BLOCK) {
        const int some = pixels - start < BLOCK ? (int)(pixels - start) : BLOCK;
        const float *from = (const float *)b[0].buf + start;
        float *sums = (float *)b[4].buf + start;
#ifdef LOOKS_UP
        if (HAS_LOOK_UP && levels == 6 && some % 16 == 0) {
            add_trees_of_six(from, (size_t)pixels, columns, b[2].buf, b[3].buf, count, (size_t)some, sums);
            continue;
        }
#endif
        add_trees(from, pixels, columns, b[2].buf, b[3].buf, count, levels, some, sums);
    }
    Py_END_ALLOW_THREADS
    return released(b, 5, NULL);
}

/* One picture's soft histograms: (grid, grid, BANDS * bins) sums, then roots of shares. */
static void count_colours(const float *rgb, const float *lab, int side, int grid, int bins, const float *low,
                          const float *scale, double *sums, float *out) {
    const int cell = side / grid, width = BANDS * bins, numbers = grid * grid * width;
    const float most = (float)(bins - 1 - 1e-4);
    for (int i = 0; i < numbers; i++) sums[i] = 0;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++, rgb += 3, lab += 3) {
            const float high = fmaxf(fmaxf(rgb[0], rgb[1]), rgb[2]), least = fminf(fminf(rgb[0], rgb[1]), rgb[2]);
            const float values[BANDS] = {lab[0], lab[1], lab[2], (high - least) / fmaxf(high, 1e-3f)};
            double *to = sums + (size_t)(y / cell * grid + x / cell) * width;
            for (int k = 0; k < BANDS; k++, to += bins) {
                float place = (values[k] - low[k]) * scale[k];
                place = place > 0 ? place < most ? place : most : 0;
                const int bin = (int)place;
                const double rest = place - (float)bin;
                to[bin] += 1 - rest;
                to[bin + 1] += rest;
            }
        }
    for (int i = 0; i < numbers; i++) out[i] = sqrtf((float)(sums[i] / (cell * cell)));
}

PyDoc_STRVAR(bands_doc, "bands(rgb, lab, side, grid, bins, low, scale, out): roots of soft histograms of L, a, b and "
                        "saturation, float32 (n, grid, grid, 4 * bins), of pictures (n, side, side, 3).");

static PyObject *bands(PyObject *self, PyObject *args) {
    Py_buffer b[5]; /* rgb, lab, low, scale, out */
    int side, grid, bins;
    if (!PyArg_ParseTuple(args, "y*y*iiiy*y*w*", &b[0], &b[1], &side, &grid, &bins, &b[2], &b[3], &b[4])) return NULL;
    if (side < 1 || side > 4096 || grid < 1 || side % grid || bins < 2 || bins > MOST_BINS)
        return released(b, 5, "bands: sizes out of bounds");
    const Py_ssize_t plane = (Py_ssize_t)side * side * 3, numbers = (Py_ssize_t)grid * grid * BANDS * bins;
    const Py_ssize_t count = b[0].len / 4 / plane;
    if (b[0].len != 4 * count * plane || b[1].len != b[0].len || b[2].len != 4 * BANDS || b[3].len != 4 * BANDS ||
        b[4].len != 4 * count * numbers)
        return released(b, 5, "bands: the buffers do not fit the sizes");
    double *sums = malloc((size_t)numbers * sizeof *sums);
    if (!sums) {
        released(b, 5, "");
        return PyErr_NoMemory();
    }
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t i = 0; i < count; i++)
        count_colours((const float *)b[0].buf + i * plane, (const float *)b[1].buf + i * plane, side, grid, bins,
                      b[2].buf, b[3].buf, sums, (float *)b[4].buf + i * numbers);
    Py_END_ALLOW_THREADS
    free(sums);
    return released(b, 5, NULL);
}

PyDoc_STRVAR(swatches_doc, "swatches(rgb, logs, size, cell, begins, out): float32 descriptors (n, n, 4, 4, 8) of a "
                           "uint8 picture (size, size, 3) at places that begin at int32 rows and columns (n); "
                           "logarithms of bytes (256).");

static PyObject *swatches(PyObject *self, PyObject *args) {
    Py_buffer b[4]; /* rgb, logs, begins, out */
    int size, cell, fine = 1;
    if (!PyArg_ParseTuple(args, "y*y*iiy*w*", &b[0], &b[1], &size, &cell, &b[2], &b[3])) return NULL;
    const Py_ssize_t count = b[2].len / 4;
    if (size < 2 || size > 1024 || cell < 1 || cell > size || b[0].len != 3 * (Py_ssize_t)size * size ||
        b[1].len != 4 * 256 || count > size || b[2].len != 4 * count ||
        b[3].len != 4 * count * count * CELLS * CELLS * (Py_ssize_t)PAIRS)
        return released(b, 4, "swatches: the buffers do not fit the sizes");
    for (Py_ssize_t i = 0; i < count; i++)
        if (((int32_t *)b[2].buf)[i] < 0 || ((int32_t *)b[2].buf)[i] >= size - (CELLS - 1) * (Py_ssize_t)cell)
            return released(b, 4, "swatches: a place beyond the border");
    Py_BEGIN_ALLOW_THREADS
    fine = tell_places(b[0].buf, b[1].buf, (size_t)size, (size_t)cell, b[2].buf, (size_t)count, b[3].buf);
    Py_END_ALLOW_THREADS
    if (fine) return released(b, 4, NULL);
    released(b, 4, "");
    return PyErr_NoMemory();
}

static PyMethodDef METHODS[] = {{"trees", trees, METH_VARARGS, trees_doc},
                                {"bands", bands, METH_VARARGS, bands_doc},
                                {"swatches", swatches, METH_VARARGS, swatches_doc},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_pixels", "Loops over pixels of a face.", -1, METHODS,
                                    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__pixels(void) { return PyModule_Create(&MODULE); }
