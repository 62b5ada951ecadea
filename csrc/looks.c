/* A second look at places in a picture: cut out and made smaller, and asked by a cascade of Haar features.

   The same bytes and windows as from OpenCV on processors of this kind; others ask OpenCV itself
   (eigenface/features/shrinking.py, eigenface/detection/cascade.py). */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "looks/cascade.h"
#include "looks/shrink.h"

static int wrong(const char *what) {
    PyErr_SetString(PyExc_ValueError, what);
    return 0;
}

PyDoc_STRVAR(shrink_doc, "shrink(pixels, high, wide, out): a uint8 picture (rows, cols) or (rows, cols, n) at high x wide "
                         "pixels, no more than it has, written to uint8 `out`");

static PyObject *shrink(PyObject *self, PyObject *args) {
    PyObject *given;
    Py_buffer pixels, out;
    int high, wide;
    if (!PyArg_ParseTuple(args, "Oiiw*", &given, &high, &wide, &out)) return NULL;
    if (PyObject_GetBuffer(given, &pixels, PyBUF_STRIDES)) {
        PyBuffer_Release(&out);
        return NULL;
    }
    Line across = {0}, down = {0};
    float *values = NULL;
    const int numbers = pixels.ndim == 3 && pixels.shape[2] >= 1 && pixels.shape[2] <= MOST_NUMBERS ? (int)pixels.shape[2] : 1;
    int fine = 1;
    if ((pixels.ndim != 2 && pixels.ndim != 3) || pixels.itemsize != 1 || pixels.strides[pixels.ndim - 1] != 1 ||
        pixels.strides[1] != numbers || (pixels.ndim == 3 && pixels.shape[2] != numbers) || high < 1 || wide < 1 ||
        high > pixels.shape[0] || wide > pixels.shape[1] || pixels.shape[0] > INT32_MAX || pixels.shape[1] > INT32_MAX ||
        out.len != (Py_ssize_t)high * wide * numbers)
        fine = wrong("shrink: the buffers do not fit the sizes");
    if (fine) {
        const int rows = (int)pixels.shape[0], cols = (int)pixels.shape[1];
        fine = measure(&across, cols, wide) && measure(&down, rows, high);
        const size_t wanted = (size_t)wide * numbers, most = ((size_t)cols + across.most + 1) * numbers;
        if (fine) values = calloc(most + 2 * wanted, sizeof *values);
        if (values) {
            Py_BEGIN_ALLOW_THREADS
            shrink_rows(pixels.buf, (size_t)pixels.strides[0], cols, numbers, &across, &down, values, values + most,
                        values + most + wanted, out.buf);
            Py_END_ALLOW_THREADS
        } else {
            PyErr_NoMemory();
            fine = 0;
        }
    }
    free(values);
    free(across.shares);
    free(down.shares);
    PyBuffer_Release(&pixels);
    PyBuffer_Release(&out);
    if (!fine) return NULL;
    Py_RETURN_NONE;
}

#ifdef QUICK

#define MOST_PICTURES 64 /* sizes of one */

PyDoc_STRVAR(passing_doc,
             "passing(pictures, steps, side, apart, trees, ends, least, found) -> n: windows that pass a cascade, rows "
             "(picture, x, y) of int32 `found`. steps: of each of the uint8 `pictures` (rows, cols) two int32: every so "
             "manieth is tried, above that row. "
             "trees: as `Tree` lies in memory, for sums in rows `apart`; ends, least: of each stage.");

static PyObject *passing(PyObject *self, PyObject *args) {
    Py_buffer steps, trees, ends, least, found;
    PyObject *pictures;
    Cascade cascade;
    int apart;
    if (!PyArg_ParseTuple(args, "O!y*iiy*y*y*w*", &PyTuple_Type, &pictures, &steps, &cascade.side, &apart, &trees, &ends,
                          &least, &found))
        return NULL;
    const Py_ssize_t given = PyTuple_GET_SIZE(pictures), n_trees = trees.len / (Py_ssize_t)sizeof(Tree);
    Py_buffer shown[MOST_PICTURES];
    Py_ssize_t held = 0, highest = 0;
    size_t count = 0;
    int32_t *room = NULL;
    cascade.trees = trees.buf, cascade.ends = ends.buf, cascade.least = least.buf, cascade.stages = (int)(ends.len / 4);
    int fine = given <= MOST_PICTURES && steps.len == 8 * given && cascade.side > 2 && cascade.stages > 0 &&
               least.len == ends.len && trees.len == n_trees * (Py_ssize_t)sizeof(Tree);
    for (int i = 0; fine && i < cascade.stages; i++)
        fine = cascade.ends[i] >= (i ? cascade.ends[i - 1] : 0) && cascade.ends[i] <= n_trees;
    for (Py_ssize_t i = 0; fine && i < n_trees; i++)
        for (int k = 0; fine && k < 2 * RECTS * CORNERS; k++) {
            const int corner = ((const int16_t *)cascade.trees[i].corners)[k];
            fine = corner >= 0 && corner <= cascade.side * apart + cascade.side;
        }
    if (!fine) wrong("passing: the buffers do not fit each other");
    for (; fine && held < given; held += fine)
        fine = PyObject_GetBuffer(PyTuple_GET_ITEM(pictures, held), shown + held, PyBUF_ND) == 0;
    for (Py_ssize_t i = 0; fine && i < given; i++) {
        const Py_buffer *one = shown + i;
        const int32_t *step = (const int32_t *)steps.buf + 2 * i;
        if (one->ndim != 2 || one->itemsize != 1 || one->shape[0] < cascade.side || one->shape[1] < cascade.side ||
            one->shape[0] > INT16_MAX || one->shape[1] + EIGHT > apart || step[0] < 1 ||
            step[1] > one->shape[0] + 1 - cascade.side)
            fine = wrong("passing: a picture has another size than said");
        else
            highest = one->shape[0] > highest ? one->shape[0] : highest;
    }
    if (fine && !(room = calloc(2 * (size_t)(highest + 1) + 4, (size_t)(apart + EIGHT) * sizeof *room))) {
        PyErr_NoMemory();
        fine = 0;
    }
    if (fine) {
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t i = 0; i < given; i++) {
            const int32_t *step = (const int32_t *)steps.buf + 2 * i;
            count += find_windows(&cascade, shown[i].buf, (int)shown[i].shape[0], (int)shown[i].shape[1], step[0], step[1],
                                  (int32_t)i, (size_t)apart, room, (size_t)found.len / 12 - count,
                                  (int32_t *)found.buf + 3 * count);
        }
        Py_END_ALLOW_THREADS
    }
    free(room);
    while (held) PyBuffer_Release(shown + --held);
    PyBuffer_Release(&steps);
    PyBuffer_Release(&trees);
    PyBuffer_Release(&ends);
    PyBuffer_Release(&least);
    PyBuffer_Release(&found);
    return fine ? PyLong_FromSize_t(count) : NULL;
}

#endif

static PyMethodDef METHODS[] = {{"shrink", shrink, METH_VARARGS, shrink_doc},
#ifdef QUICK
                                {"passing", passing, METH_VARARGS, passing_doc},
#endif
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_looks", "A second look at places in a picture.", -1,
                                    METHODS, NULL, NULL, NULL, NULL};

/* SAME says whether this processor runs `passing`, and OpenCV reckons on it as `shrink` does. */
PyMODINIT_FUNC PyInit__looks(void) {
    PyObject *module = PyModule_Create(&MODULE);
    if (module && PyModule_AddIntConstant(module, "SAME", HAS_QUICK)) Py_CLEAR(module);
    return module;
}
