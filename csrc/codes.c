/* Products with matrices that are kept as codes of a byte or of half of one: what eigenface/linear.py asks for.

   One face is then answered from an eighth of the memory that single precision would take, and memory is what it waits
   for. Single precision in an order of its own: results differ from numpy's in the last digits. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>

#include "codes/few.h"
#include "codes/halves.h"
#include "codes/many.h"

/* What both doors take: rows, lines, the products, and room to work in. */
typedef struct {
    Py_buffer rows, codes, out;
    size_t n;
    Lines lines;
    void *room;
} Task;

static PyObject *done(Task *task, int fine) {
    free(task->room);
    PyBuffer_Release(&task->rows);
    PyBuffer_Release(&task->codes);
    PyBuffer_Release(&task->out);
    if (!fine) return NULL;
    Py_RETURN_NONE;
}

/* Whether arguments fit; room for a float and whole numbers of 16 bits, to the next two STRIDEs, of so many rows, or of all. */
static int begin(Task *task, PyObject *args, size_t rows) {
    Py_ssize_t size;
    int bits;
    if (!PyArg_ParseTuple(args, "y*y*niw*", &task->rows, &task->codes, &size, &bits, &task->out)) return -1;
    task->room = NULL;
    if (size < 1 || size % STRIDE || (bits != 4 && bits != 8)) {
        PyErr_SetString(PyExc_ValueError, "codes: expected lines of whole strides, and 4 or 8 bits a code");
        return 0;
    }
    const Py_ssize_t n = task->rows.len / 4 / size, m = task->codes.len * 8 / bits / size;
    if (task->rows.len != 4 * n * size || task->codes.len * 8 != m * size * bits || task->out.len != 4 * n * m) {
        PyErr_SetString(PyExc_ValueError, "codes: the buffers do not fit the sizes");
        return 0;
    }
    task->n = (size_t)n;
    task->lines = (Lines){task->codes.buf, (size_t)m, (size_t)size, bits};
    task->room = malloc((rows ? rows : task->n + 1) * (((size_t)size + 2 * STRIDE) * sizeof(int16_t) + sizeof(float)));
    if (!task->room) PyErr_NoMemory();
    return task->room != NULL;
}

PyDoc_STRVAR(few_doc, "few(rows, codes, size, bits, out): float32 out (n, m), the products of float32 rows (n, size) and codes "
                      "of 4 or 8 bits (m, size).");

static PyObject *few(PyObject *self, PyObject *args) {
    Task task;
    const int fine = begin(&task, args, 5);
    if (fine < 0) return NULL;
    if (fine) {
        Py_BEGIN_ALLOW_THREADS
#ifdef QUICK
        if (HAS_QUICK && task.lines.bits == 8)
            multiply_bytes(task.rows.buf, task.n, &task.lines, task.out.buf);
        else if (HAS_QUICK)
            multiply_halves(task.rows.buf, task.n, &task.lines, task.out.buf, task.room);
        else
#endif
            multiply_plainly(task.rows.buf, task.n, &task.lines, task.out.buf, task.room);
        Py_END_ALLOW_THREADS
    }
    return done(&task, fine);
}

PyDoc_STRVAR(many_doc, "many(rows, codes, size, bits, out): as `few`, for many rows, which are rounded to 16 bits; only where "
                       "`counts()`.");

static PyObject *many(PyObject *self, PyObject *args) {
    Task task;
    if (!HAS_MANY) {
        PyErr_SetString(PyExc_NotImplementedError, "many: not on this processor");
        return NULL;
    }
    const int fine = begin(&task, args, 0);
    if (fine < 0) return NULL;
#ifdef MANY
    if (fine) {
        Py_BEGIN_ALLOW_THREADS
        float *steps = task.room;
        multiply_many(task.rows.buf, task.n, &task.lines, task.out.buf, (int16_t *)(steps + task.n), steps);
        Py_END_ALLOW_THREADS
    }
#endif
    return done(&task, fine);
}

PyDoc_STRVAR(counts_doc, "counts(): whether this processor has the instructions that `many` is made of.");

static PyObject *counts(PyObject *self, PyObject *none) { return PyBool_FromLong(HAS_MANY); }

static PyMethodDef METHODS[] = {{"few", few, METH_VARARGS, few_doc},
                                {"many", many, METH_VARARGS, many_doc},
                                {"counts", counts, METH_NOARGS, counts_doc},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_codes", "Products with matrices of codes.", -1, METHODS,
                                    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__codes(void) { return PyModule_Create(&MODULE); }
