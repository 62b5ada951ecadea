/* Where blood may be on a face: the loops of eigenface/features/blood.py and context.py, which say what is computed
   and why.

   Blurs add up as OpenCV's do, means do not: results may differ from numpy's in the last digits. Every buffer is a
   C-contiguous array made by numpy. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "blood/around.h"
#include "blood/skin.h"

#define MOST_SIDE 256

static PyObject *done(const char *wrong, Py_buffer *buffers, int count) {
    for (int i = 0; i < count; i++) PyBuffer_Release(&buffers[i]);
    if (!wrong) Py_RETURN_NONE;
    if (!*wrong) return PyErr_NoMemory();
    PyErr_SetString(PyExc_ValueError, wrong);
    return NULL;
}

/* Whether there are `wanted` blurs of planes of a side that can be worked on, with room to blur and for `planes` more,
   wider by MARGIN, that begin at `*room`; `free` of `rows` gives it back. Otherwise what is wrong, or nothing where there
   is no memory. */
static const char *lay_out(Blurs *blurs, int side, int reflect, const Py_buffer *kernels, const Py_buffer *lengths,
                           int wanted, size_t planes, float **room) {
    if (side < LANES || side > MOST_SIDE) return "blood: side out of bounds";
    if (lengths->len != 4 * (Py_ssize_t)wanted) return "blood: not as many blurs as it takes";
    const int32_t *length = lengths->buf;
    Py_ssize_t numbers = 0;
    for (int k = 0; k < wanted; numbers += length[k++])
        if (length[k] < 1 || length[k] % 2 == 0 || length[k] >= 2 * side)
            return "blood: a blur that does not fit the side";
    if (kernels->len != 4 * numbers) return "blood: not as many numbers as kernels have";
    const size_t s = (size_t)side, wide = s + 2 * MARGIN;
    *blurs = (Blurs){.side = s, .reflect = reflect, .kernels = kernels->buf, .lengths = length};
    blurs->rows = malloc((3 * TALL * s + 3 * s * s + planes * wide * wide) * sizeof(float));
    if (!blurs->rows) return "";
    blurs->between = blurs->rows + 3 * TALL * s;
    *room = blurs->between + 3 * s * s;
    return NULL;
}

PyDoc_STRVAR(features_doc, "features(side, rgb, lab, oval, logs, kernels, lengths, out): float32 planes "
                           "(43, side * side) of a uint8 picture (side, side, 3), its Lab, what of it is face, and "
                           "logarithms of bytes (256).");

static PyObject *features(PyObject *self, PyObject *args) {
    Py_buffer b[7]; /* rgb, lab, oval, logs, kernels, lengths, out */
    int side;
    if (!PyArg_ParseTuple(args, "iy*y*y*y*y*y*w*", &side, &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &b[6])) return NULL;
    Blurs blurs;
    float *room;
    const char *wrong = lay_out(&blurs, side, 1, &b[4], &b[5], BY_5 + 1, 7, &room);
    if (wrong) return done(wrong, b, 7);
    const Py_ssize_t n = (Py_ssize_t)side * side;
    if (b[0].len != 3 * n || b[1].len != 12 * n || b[2].len != n || b[3].len != 4 * 256 || b[6].len != 4 * SEEN * n) {
        free(blurs.rows);
        return done("features: the buffers do not fit the side", b, 7);
    }
    Py_BEGIN_ALLOW_THREADS
    describe(b[0].buf, b[1].buf, b[2].buf, b[3].buf, &blurs, room, b[6].buf);
    free(blurs.rows);
    Py_END_ALLOW_THREADS
    return done(NULL, b, 7);
}

PyDoc_STRVAR(context_doc, "context(side, odds, found, moves, kernels, lengths, out): float32 planes (48, side * side) "
                          "around log odds and their probabilities (side, side); int32 moves (24, 2) down and right.");

static PyObject *context(PyObject *self, PyObject *args) {
    Py_buffer b[6]; /* odds, found, moves, kernels, lengths, out */
    int side;
    if (!PyArg_ParseTuple(args, "iy*y*y*y*y*w*", &side, &b[0], &b[1], &b[2], &b[3], &b[4], &b[5])) return NULL;
    Blurs blurs;
    float *room;
    const char *wrong = lay_out(&blurs, side, 0, &b[3], &b[4], ROUND_2_5 + 1, 1, &room);
    if (wrong) return done(wrong, b, 6);
    const Py_ssize_t n = (Py_ssize_t)side * side;
    if (b[0].len != 4 * n || b[1].len != 4 * n || b[2].len != 4 * 6 * MOVES || b[5].len != 4 * SAID * n)
        wrong = "context: the buffers do not fit the side";
    for (int k = 0; !wrong && k < 6 * MOVES; k++)
        if (abs(((const int32_t *)b[2].buf)[k]) >= side) wrong = "context: moved too far";
    if (!wrong) {
        Py_BEGIN_ALLOW_THREADS
        look_around(b[0].buf, b[1].buf, b[2].buf, &blurs, room, b[5].buf);
        Py_END_ALLOW_THREADS
    }
    free(blurs.rows);
    return done(wrong, b, 6);
}

PyDoc_STRVAR(summary_doc, "summary(side, found, kernels, lengths, out): 57 float32 numbers of a map (side, side), "
                          "whose side is a multiple of 4.");

static PyObject *summary(PyObject *self, PyObject *args) {
    Py_buffer b[4]; /* found, kernels, lengths, out */
    int side;
    if (!PyArg_ParseTuple(args, "iy*y*y*w*", &side, &b[0], &b[1], &b[2], &b[3])) return NULL;
    Blurs blurs;
    float *room;
    const char *wrong = lay_out(&blurs, side, 1, &b[1], &b[2], 3, 3, &room);
    if (wrong) return done(wrong, b, 4);
    const Py_ssize_t n = (Py_ssize_t)side * side;
    if (b[0].len != 4 * n || b[3].len != 4 * TOLD || side % GRID) wrong = "summary: the buffers do not fit the side";
    if (!wrong) {
        Py_BEGIN_ALLOW_THREADS
        sum_up(b[0].buf, &blurs, room, b[3].buf);
        Py_END_ALLOW_THREADS
    }
    free(blurs.rows);
    return done(wrong, b, 4);
}

static PyMethodDef METHODS[] = {{"features", features, METH_VARARGS, features_doc},
                                {"context", context, METH_VARARGS, context_doc},
                                {"summary", summary, METH_VARARGS, summary_doc},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_blood", "Where blood may be on a face.", -1, METHODS,
                                    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__blood(void) { return PyModule_Create(&MODULE); }
