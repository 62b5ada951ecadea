/* Dense SIFT and Fisher vectors of one face: the loops of eigenface/features/sift.py and fisher.py, which say what is
   computed and why.

   Single precision in an order of its own: results differ from numpy's in the last digits. Every buffer is a C-contiguous
   array made by numpy, or a vocabulary that `pack` packed. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "fisher/sift.h"
#include "fisher/words.h"

static const float NOWHERE[NUMBERS] = {0};

static int wrong(const char *what) {
    PyErr_SetString(PyExc_ValueError, what);
    return 0;
}

static PyObject *done(int fine, Py_buffer *buffers, int count) {
    for (int i = 0; i < count; i++) PyBuffer_Release(&buffers[i]);
    if (!fine) return NULL;
    Py_RETURN_NONE;
}

/* Whether a picture has such a grid of descriptors, and there is room for it. */
static int fits(const Py_buffer *smooth, Grid *g, int size, int cell, int stride, int count, int mirror) {
    if (!is_grid(size, cell, stride, count) || smooth->len != (Py_ssize_t)size * size * 4)
        return wrong("fisher: the picture and the grid do not fit together");
    if (lay_grid(g, size, cell, stride, count, mirror)) return 1;
    PyErr_NoMemory();
    return 0;
}

/* Whether a vocabulary is whole. */
static int is_whole(const Py_buffer *packed, Words *w) {
    if (unpack(packed->buf, (size_t)packed->len, w)) return 1;
    return wrong("fisher: not a packed vocabulary");
}

PyDoc_STRVAR(sift_doc, "sift(smooth, size, cell, stride, count, mirror, out): descriptors of one smoothed picture, "
                       "float32 (size, size), at count x count places, and with `mirror` those of its mirror image after "
                       "them.");

static PyObject *sift(PyObject *self, PyObject *args) {
    Py_buffer b[2]; /* smooth, out */
    int size, cell, stride, count, mirror;
    if (!PyArg_ParseTuple(args, "y*iiiiiw*", &b[0], &size, &cell, &stride, &count, &mirror, &b[1])) return NULL;
    Grid g;
    int fine = fits(&b[0], &g, size, cell, stride, count, mirror);
    if (fine && b[1].len != (Py_ssize_t)descriptors(&g) * NUMBERS * 4) {
        fine = wrong("sift: the buffers do not fit the sizes");
        free(g.from);
    }
    if (fine) {
        Py_BEGIN_ALLOW_THREADS
        count_cells(b[0].buf, &g);
        float *out = b[1].buf;
        const size_t all = descriptors(&g);
        for (size_t begin = 0; begin < all; begin += BLOCK)
            describe(&g, begin, all - begin < BLOCK ? all - begin : BLOCK, NOWHERE, out + begin * NUMBERS);
        free(g.from);
        Py_END_ALLOW_THREADS
    }
    return done(fine, b, 2);
}

PyDoc_STRVAR(pack_doc, "pack(least, centre, projection, logits, offset, weights, means, deviations): a vocabulary as "
                       "`code` and `face` take it, bytes; `least` is the share of a descriptor below which a word claims "
                       "nothing.");

static PyObject *pack_words(PyObject *self, PyObject *args) {
    Py_buffer b[7]; /* centre, projection, logits, offset, weights, means, deviations */
    float least;
    if (!PyArg_ParseTuple(args, "fy*y*y*y*y*y*y*", &least, &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &b[6])) return NULL;
    const Py_ssize_t dims = b[0].len / 4, words = b[3].len / 4, parts = dims ? b[1].len / 4 / dims : 0, wide = parts + 2;
    PyObject *packed = NULL;
    Words w;
    if (dims < 1 || parts < 1 || words < 1 || dims > 4096 || parts > 4096 || words > 4096 || b[0].len != 4 * dims ||
        b[1].len != 4 * dims * parts || b[2].len != 8 * wide * words || b[3].len != 4 * words || b[4].len != 4 * words ||
        b[5].len != 4 * words * wide || b[6].len != 4 * words * wide) {
        wrong("pack: the arrays do not fit together");
    } else {
        const Head head = {(int32_t)dims, (int32_t)parts, (int32_t)words, least};
        packed = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)measure(&head, &w));
        if (packed)
            pack(&head, PyBytes_AS_STRING(packed), b[0].buf, b[1].buf, b[2].buf, b[3].buf, b[4].buf, b[5].buf, b[6].buf);
    }
    for (int i = 0; i < 7; i++) PyBuffer_Release(&b[i]);
    return packed;
}

PyDoc_STRVAR(code_doc, "code(rows, places, packed, out): the Fisher vector, float32 (2 * words * (parts + 2)), of "
                       "descriptors (n, dims) at places (n, 2).");

static PyObject *code(PyObject *self, PyObject *args) {
    Py_buffer b[4]; /* rows, places, packed, out */
    if (!PyArg_ParseTuple(args, "y*y*y*w*", &b[0], &b[1], &b[2], &b[3])) return NULL;
    Words w;
    Desk desk;
    int fine = is_whole(&b[2], &w);
    const Py_ssize_t count = b[1].len / 8;
    if (fine && (count < 1 || b[1].len != 8 * count || b[0].len != 4 * count * (Py_ssize_t)w.dims ||
                 b[3].len != (Py_ssize_t)(8 * w.words * w.wide)))
        fine = wrong("code: the buffers do not fit the sizes");
    if (fine && !(fine = prepare(&desk, &w))) PyErr_NoMemory();
    if (fine) {
        Py_BEGIN_ALLOW_THREADS
        const float *rows = b[0].buf, *places = b[1].buf;
        for (Py_ssize_t begin = 0; begin < count; begin += BLOCK) {
            const Py_ssize_t some = count - begin < BLOCK ? count - begin : BLOCK;
            take(rows + begin * (Py_ssize_t)w.dims, (size_t)some, w.dims, w.centre, desk.rows);
            add_block(&w, &desk, places + 2 * begin, (size_t)some);
        }
        finish(&w, &desk, b[3].buf);
        free(desk.rows);
        Py_END_ALLOW_THREADS
    }
    return done(fine, b, 4);
}

PyDoc_STRVAR(face_doc, "face(smooth, size, cell, stride, count, mirror, places, packed, out): what `code` makes of what "
                       "`sift` finds, which is never written down.");

static PyObject *face(PyObject *self, PyObject *args) {
    Py_buffer b[4]; /* smooth, places, packed, out */
    int size, cell, stride, count, mirror;
    if (!PyArg_ParseTuple(args, "y*iiiiiy*y*w*", &b[0], &size, &cell, &stride, &count, &mirror, &b[1], &b[2], &b[3]))
        return NULL;
    Grid g;
    Words w;
    Desk desk;
    int fine = is_whole(&b[2], &w) && fits(&b[0], &g, size, cell, stride, count, mirror);
    if (fine) {
        if (w.dims != NUMBERS || b[1].len != (Py_ssize_t)descriptors(&g) * 8 ||
            b[3].len != (Py_ssize_t)(8 * w.words * w.wide))
            fine = wrong("face: the buffers do not fit the sizes");
        else if (!(fine = prepare(&desk, &w)))
            PyErr_NoMemory();
        if (!fine) free(g.from);
    }
    if (fine) {
        Py_BEGIN_ALLOW_THREADS
        const float *places = b[1].buf;
        const size_t all = descriptors(&g);
        count_cells(b[0].buf, &g);
        for (size_t begin = 0; begin < all; begin += BLOCK) {
            const size_t some = all - begin < BLOCK ? all - begin : BLOCK;
            describe(&g, begin, some, w.centre, desk.rows);
            add_block(&w, &desk, places + 2 * begin, some);
        }
        finish(&w, &desk, b[3].buf);
        free(g.from);
        free(desk.rows);
        Py_END_ALLOW_THREADS
    }
    return done(fine, b, 4);
}

static PyMethodDef METHODS[] = {{"sift", sift, METH_VARARGS, sift_doc},
                                {"pack", pack_words, METH_VARARGS, pack_doc},
                                {"code", code, METH_VARARGS, code_doc},
                                {"face", face, METH_VARARGS, face_doc},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_fisher", "Dense SIFT and Fisher vectors of one face.", -1,
                                    METHODS, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__fisher(void) { return PyModule_Create(&MODULE); }
