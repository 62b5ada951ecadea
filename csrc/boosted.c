/* Inner loops of boosted channel features: channels of a grey picture, the scan by trees, histograms for learning them.

   Integers, and single precision in one fixed order: numpy gives the same numbers (eigenface/features/channels.py,
   eigenface/detection/by_numpy.py, eigenface/boosting/trees.py). Every buffer is a C-contiguous array made by numpy. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boosted/boxes.h"
#include "boosted/cells.h"
#include "boosted/windows.h"

#define MOST_PICTURES 32 /* halves of halves: more than any picture has */
#define MOST_PAD 1024

static int wrong(const char *what) {
    PyErr_SetString(PyExc_ValueError, what);
    return 0;
}

PyDoc_STRVAR(channels_doc, "channels(grey, parts, rows, cols, room, gain, contrast, out): write uint8 planes (8, rows / 2, "
                           "cols / 2) within the int32 `parts` (row, column, rows, columns in cells)");

static PyObject *channels(PyObject *self, PyObject *args) {
    Py_buffer grey, parts, out;
    int rows, cols;
    Terms terms;
    if (!PyArg_ParseTuple(args, "y*y*iifffw*", &grey, &parts, &rows, &cols, &terms.room, &terms.gain,
                          &terms.contrast, &out)) return NULL;
    const int high = rows / 2, wide = cols / 2;
    const size_t plane = (size_t)(high > 0 ? high : 0) * (size_t)(wide > 0 ? wide : 0);
    const Py_ssize_t count = parts.len / 16;
    const int32_t *numbers = parts.buf;
    const Grey picture = {.pixels = grey.buf, .rows = rows, .cols = cols};
    size_t widest = 0;
    int fine = 1;
    Desk desk = {0};
    if (rows < 2 || cols < 2 || grey.len != (Py_ssize_t)rows * cols || out.len != (Py_ssize_t)(PLANES * plane))
        fine = wrong("channels: the buffers do not fit rows and cols");
    for (Py_ssize_t i = 0; fine && i < count; i++) {
        const int32_t *p = numbers + 4 * i;
        if (p[0] < 0 || p[1] < 0 || p[2] < 1 || p[3] < 1 || p[2] > high - p[0] || p[3] > wide - p[1])
            fine = wrong("channels: a part lies outside the picture");
        else
            widest = (size_t)p[3] > widest ? (size_t)p[3] : widest;
    }
    if (fine && !prepare(&desk, widest)) {
        PyErr_NoMemory();
        fine = 0;
    }
    if (fine) {
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t i = 0; i < count; i++) {
            const Part part = {numbers[4 * i], numbers[4 * i + 1], numbers[4 * i + 2], numbers[4 * i + 3]};
            uint8_t *to = (uint8_t *)out.buf + (size_t)part.top * wide + part.left;
            make_planes(&desk, &picture, &part, terms, wide, plane, to);
        }
        Py_END_ALLOW_THREADS
    }
    free(desk.lines);
    PyBuffer_Release(&grey);
    PyBuffer_Release(&parts);
    PyBuffer_Release(&out);
    if (!fine) return NULL;
    Py_RETURN_NONE;
}

#ifdef QUICK

PyDoc_STRVAR(levels_doc,
             "levels(pictures, parts, pad, high, wide, room, gain, contrast, out): as `channels` of smaller and smaller "
             "pictures, which are drawn meanwhile, with `pad` pixels of repeated border. parts: int32 (n, 7): which of "
             "the uint8 `pictures` a level is drawn from, the rows and columns of that and of the level, and the row and "
             "column in `out` (8, high, wide) where it begins.");

static PyObject *levels(PyObject *self, PyObject *args) {
    Py_buffer parts, out, above[MOST_PICTURES];
    PyObject *pictures;
    int pad, high, wide;
    Terms terms;
    if (!PyArg_ParseTuple(args, "O!y*iiifffw*", &PyTuple_Type, &pictures, &parts, &pad, &high, &wide, &terms.room,
                          &terms.gain, &terms.contrast, &out))
        return NULL;
    const Py_ssize_t given = PyTuple_GET_SIZE(pictures), count = parts.len / 28;
    const size_t plane = (size_t)(high > 0 ? high : 0) * (size_t)(wide > 0 ? wide : 0);
    const int32_t *numbers = parts.buf;
    Py_ssize_t held = 0;
    int fine = 1, widest = 0;
    Desk desk = {0};
    Level level = {.pad = pad};
    if (given > MOST_PICTURES || pad < 2 || pad % 2 || pad > MOST_PAD || out.len != (Py_ssize_t)(PLANES * plane))
        fine = wrong("levels: the buffers do not fit the sizes");
    for (; fine && held < given; held += fine)
        fine = PyObject_GetBuffer(PyTuple_GET_ITEM(pictures, held), above + held, PyBUF_SIMPLE) == 0;
    for (Py_ssize_t i = 0; fine && i < count; i++) {
        const int32_t *p = numbers + 7 * i;
        if (p[0] < 0 || p[0] >= given || p[1] < 1 || p[2] < 1 || above[p[0]].len != (Py_ssize_t)p[1] * p[2] || p[3] < 2 ||
            p[4] < 2 || p[5] < 0 || p[6] < 0 || p[3] / 2 + pad > high - p[5] || p[4] / 2 + pad > wide - p[6])
            fine = wrong("levels: a level lies outside the planes, or a picture has another size than said");
        else
            widest = p[4] > widest ? p[4] : widest;
    }
    if (fine && !(prepare(&desk, (size_t)widest / 2 + pad) && make_room(&level, (size_t)widest))) {
        PyErr_NoMemory();
        fine = 0;
    }
    if (fine) {
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t i = 0; i < count; i++) {
            const int32_t *p = numbers + 7 * i;
            const Part part = {0, 0, p[3] / 2 + pad, p[4] / 2 + pad};
            const Grey picture = {.level = &level};
            level.above = above[p[0]].buf;
            level.above_rows = p[1], level.above_cols = p[2], level.rows = p[3], level.cols = p[4];
            look_up(&level);
            make_planes(&desk, &picture, &part, terms, wide, plane,
                        (uint8_t *)out.buf + (size_t)p[5] * wide + p[6]);
        }
        Py_END_ALLOW_THREADS
    }
    free(desk.lines);
    free(level.starts);
    while (held) PyBuffer_Release(above + --held);
    PyBuffer_Release(&parts);
    PyBuffer_Release(&out);
    if (!fine) return NULL;
    Py_RETURN_NONE;
}

#endif

static int fits(Forest *f, const Planes *planes, const Py_buffer *cells, const Py_buffer *features,
                const Py_buffer *limits, const Py_buffer *leaves, const Py_buffer *least) {
    if (planes->high < 1 || planes->wide < 1 || planes->side < 1 || planes->side > 255 || f->trees < 0 || f->depth < 1 ||
        f->depth > 3 || cells->len != (Py_ssize_t)PLANES * planes->high * planes->wide)
        return wrong("the planes or the forest have other sizes than said");
    const Py_ssize_t inner = ((Py_ssize_t)1 << f->depth) - 1, window = (Py_ssize_t)PLANES * planes->side * planes->side;
    if (features->len != 4 * f->trees * inner || limits->len != f->trees * inner ||
        leaves->len != 2 * f->trees * (inner + 1) || least->len != 4 * (Py_ssize_t)f->trees)
        return wrong("the forest's arrays do not fit each other");
    for (Py_ssize_t i = 0; i < f->trees * inner; i++)
        if (f->features[i] < 0 || f->features[i] >= window) return wrong("a feature lies outside the window");
    f->narrow = count_narrow(f);
    return 1;
}

PyDoc_STRVAR(scan_doc,
             "scan(planes, high, wide, side, step, first, slack, trees, depth, features, limits, leaves, least, owners, found) -> "
             "n: windows of side x side cells that pass all trees, written to int32 rows (x, y, score) of `found`.\n"
             "Every `step`th window is tried with the `first` trees; around those that pass all are tried with all.\n"
             "owners: int16 of each cell; windows count whose first and last cell have the same, and not below 0.");

static PyObject *scan(PyObject *self, PyObject *args) {
    Py_buffer b[7]; /* planes, features, limits, leaves, least, owners, found */
    Planes p = {.count = PLANES};
    Forest f;
    int step, first, slack;
    if (!PyArg_ParseTuple(args, "y*iiiiiiiiy*y*y*y*y*w*", &b[0], &p.high, &p.wide, &p.side, &step, &first, &slack, &f.trees,
                          &f.depth, &b[1], &b[2], &b[3], &b[4], &b[5], &b[6]))
        return NULL;
    p.cells = b[0].buf, f.features = b[1].buf, f.limits = b[2].buf, f.leaves = b[3].buf, f.least = b[4].buf;
    const Py_ssize_t most = b[6].len / 12;
    Py_ssize_t count = 0;
    const size_t plane = (size_t)p.high * p.wide;
    int fine = fits(&f, &p, &b[0], &b[1], &b[2], &b[3], &b[4]);
    if (fine && (step < 1 || first < 0 || first > f.trees || b[5].len != (Py_ssize_t)(2 * plane)))
        fine = wrong("scan: the buffers do not fit the sizes");
    if (fine && p.high >= p.side && p.wide >= p.side) {
        Py_BEGIN_ALLOW_THREADS
        Bench bench = {0};
        uint8_t *near = calloc(plane, 1);
        fine = near && set_up(&bench, &p, &f) && try_grid(&bench, step, first, slack, b[5].buf, near);
        if (fine) count = (Py_ssize_t)judge_near(&bench, b[5].buf, near, (size_t)most, b[6].buf);
        free(bench.offsets);
        free(near);
        Py_END_ALLOW_THREADS
        if (!fine) PyErr_NoMemory();
    }
    for (int i = 0; i < 7; i++) PyBuffer_Release(&b[i]);
    return fine ? PyLong_FromSsize_t(count) : NULL;
}

PyDoc_STRVAR(judge_doc,
             "judge(planes, high, wide, side, trees, depth, features, limits, leaves, least, places, scores): the sum of "
             "the leaves of each window of int32 `places` (x, y), written to int32 `scores`; the least of all int32 for "
             "one that is given up.");

static PyObject *judge(PyObject *self, PyObject *args) {
    Py_buffer b[7]; /* planes, features, limits, leaves, least, places, scores */
    Planes p = {.count = PLANES};
    Forest f;
    if (!PyArg_ParseTuple(args, "y*iiiiiy*y*y*y*y*w*", &b[0], &p.high, &p.wide, &p.side, &f.trees, &f.depth, &b[1], &b[2],
                          &b[3], &b[4], &b[5], &b[6]))
        return NULL;
    p.cells = b[0].buf, f.features = b[1].buf, f.limits = b[2].buf, f.leaves = b[3].buf, f.least = b[4].buf;
    const Py_ssize_t count = b[6].len / 4;
    const int32_t *place = b[5].buf;
    int fine = fits(&f, &p, &b[0], &b[1], &b[2], &b[3], &b[4]);
    if (fine && (b[5].len != 8 * count || count > INT32_MAX / 2)) fine = wrong("judge: the buffers do not fit each other");
    for (Py_ssize_t i = 0; fine && i < count; i++)
        if (place[2 * i] < 0 || place[2 * i] > p.wide - p.side || place[2 * i + 1] < 0 || place[2 * i + 1] > p.high - p.side)
            fine = wrong("judge: a window lies outside the planes");
    if (fine) {
        Py_BEGIN_ALLOW_THREADS
        Bench bench = {0};
        int32_t *to = b[6].buf, *room = malloc((2 * (size_t)count + 1) * sizeof *room);
        fine = room && set_up(&bench, &p, &f);
        if (fine) {
            const size_t left = judge_windows(&bench, place, (size_t)count, room, room + count);
            for (Py_ssize_t i = 0; i < count; i++) to[i] = INT32_MIN;
            for (size_t i = 0; i < left; i++) to[room[count + i]] = room[room[count + i]];
        }
        free(room);
        free(bench.offsets);
        Py_END_ALLOW_THREADS
        if (!fine) PyErr_NoMemory();
    }
    for (int i = 0; i < 7; i++) PyBuffer_Release(&b[i]);
    if (!fine) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(overlapping_doc, "overlapping(boxes, shares, out): how many of the float64 `shares` the overlap of two boxes, "
                              "float64 (n, 4): x, y, width, height, exceeds, written to uint8 `out` (n, n)");

static PyObject *overlapping(PyObject *self, PyObject *args) {
    Py_buffer boxes, shares, out;
    if (!PyArg_ParseTuple(args, "y*y*w*", &boxes, &shares, &out)) return NULL;
    const size_t count = (size_t)boxes.len / 32, n_shares = (size_t)shares.len / 8;
    int fine = 1;
    if (boxes.len % 32 || n_shares > 255 || (size_t)out.len != count * count)
        fine = wrong("overlapping: the buffers do not fit each other");
    double *room = fine ? malloc((6 * count + 1) * sizeof *room) : NULL;
    if (fine && !room) {
        PyErr_NoMemory();
        fine = 0;
    }
    if (fine) {
        Py_BEGIN_ALLOW_THREADS
        const double *box = boxes.buf;
        for (size_t i = 0; i < count; i++, box += 4) {
            room[i] = box[0], room[count + i] = box[1];
            room[2 * count + i] = box[0] + box[2], room[3 * count + i] = box[1] + box[3];
            room[4 * count + i] = box[2] * box[3];
        }
        for (size_t i = 0; i < count; i++)
            compare(room, room + 4 * count, count, i, shares.buf, n_shares, room + 5 * count, (uint8_t *)out.buf + i * count);
        Py_END_ALLOW_THREADS
    }
    free(room);
    PyBuffer_Release(&boxes);
    PyBuffer_Release(&shares);
    PyBuffer_Release(&out);
    if (!fine) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(histograms_doc,
             "histograms(codes, samples, features, rows, nodes, n_nodes, gradients, hessians, out): float32 sums "
             "(n_nodes, len(features), 256, 2) of gradient and hessian by the value of each feature.\n"
             "codes: uint8 (all features, samples); features, rows: int32; nodes: uint8 of each row in `rows`.");

static PyObject *histograms(PyObject *self, PyObject *args) {
    Py_buffer codes, features, rows, nodes, gradients, hessians, out;
    Py_ssize_t samples;
    int n_nodes;
    if (!PyArg_ParseTuple(args, "y*ny*y*y*iy*y*w*", &codes, &samples, &features, &rows, &nodes, &n_nodes, &gradients,
                          &hessians, &out))
        return NULL;
    const Py_ssize_t n_features = features.len / 4, n_rows = rows.len / 4;
    const int32_t *chosen = features.buf, *row = rows.buf;
    const uint8_t *node = nodes.buf;
    int fine = 1;
    if (samples < 1 || n_nodes < 1 || nodes.len != n_rows || gradients.len != 4 * samples ||
        hessians.len != 4 * samples || out.len != (Py_ssize_t)n_nodes * n_features * 512 * 4)
        fine = wrong("histograms: the buffers do not fit the sizes");
    const Py_ssize_t all = fine ? codes.len / samples : 0;
    for (Py_ssize_t i = 0; fine && i < n_features; i++)
        if (chosen[i] < 0 || chosen[i] >= all) fine = wrong("histograms: no such feature");
    for (Py_ssize_t i = 0; fine && i < n_rows; i++)
        if (row[i] < 0 || row[i] >= samples || node[i] >= n_nodes) fine = wrong("histograms: no such row or node");
    if (fine) {
        Py_BEGIN_ALLOW_THREADS
        const float *g = gradients.buf, *h = hessians.buf;
        float *sums = out.buf;
        memset(sums, 0, out.len);
        for (Py_ssize_t j = 0; j < n_features; j++) {
            const uint8_t *code = (const uint8_t *)codes.buf + (size_t)chosen[j] * samples;
            for (Py_ssize_t i = 0; i < n_rows; i++) {
                float *bin = sums + ((size_t)node[i] * n_features + j) * 512 + 2 * code[row[i]];
                bin[0] += g[row[i]];
                bin[1] += h[row[i]];
            }
        }
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&codes);
    PyBuffer_Release(&features);
    PyBuffer_Release(&rows);
    PyBuffer_Release(&nodes);
    PyBuffer_Release(&gradients);
    PyBuffer_Release(&hessians);
    PyBuffer_Release(&out);
    if (!fine) return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef METHODS[] = {{"channels", channels, METH_VARARGS, channels_doc},
#ifdef QUICK
                                {"levels", levels, METH_VARARGS, levels_doc},
#endif
                                {"scan", scan, METH_VARARGS, scan_doc},
                                {"judge", judge, METH_VARARGS, judge_doc},
                                {"overlapping", overlapping, METH_VARARGS, overlapping_doc},
                                {"histograms", histograms, METH_VARARGS, histograms_doc},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_boosted", "Inner loops of boosted channel features.", -1,
                                    METHODS, NULL, NULL, NULL, NULL};

/* DRAWS says whether this processor runs `levels`. */
PyMODINIT_FUNC PyInit__boosted(void) {
    PyObject *module = PyModule_Create(&MODULE);
    if (module && PyModule_AddIntConstant(module, "DRAWS", HAS_QUICK)) Py_CLEAR(module);
    return module;
}
