/* Products with matrices that are kept as codes of a byte: what eigenface/linear.py asks for when rows are few.

   One face is then answered from a quarter of the memory that single precision would take, and memory is what it
   waits for. Single precision in an order of its own: results differ from numpy's in the last digits. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#include <stdlib.h>

#include "codes/many.h"
#include "wide.h"

#define TOGETHER 4 /* products that are summed side by side: their sums stay in registers */

/* Products of one line of codes with TOGETHER rows that lie `padded` numbers, whole LANES, apart. */
WIDE static void with_rows(const int8_t *restrict codes, const float *restrict rows, Py_ssize_t padded,
                           float *restrict out) {
    float a[LANES] = {0}, b[LANES] = {0}, c[LANES] = {0}, d[LANES] = {0};
    for (Py_ssize_t i = 0; i < padded; i += LANES)
        for (int t = 0; t < LANES; t++) {
            const float code = (float)codes[i + t];
            a[t] += code * rows[i + t];
            b[t] += code * rows[i + padded + t];
            c[t] += code * rows[i + 2 * padded + t];
            d[t] += code * rows[i + 3 * padded + t];
        }
    out[0] = added(a), out[1] = added(b), out[2] = added(c), out[3] = added(d);
}

/* Products of one row with TOGETHER lines of codes that lie `size` apart. */
WIDE static void with_lines(const int8_t *restrict codes, const float *restrict row, Py_ssize_t size, Py_ssize_t padded,
                            float *restrict out) {
    float a[LANES] = {0}, b[LANES] = {0}, c[LANES] = {0}, d[LANES] = {0};
    for (Py_ssize_t i = 0; i < padded; i += LANES)
        for (int t = 0; t < LANES; t++) {
            a[t] += (float)codes[i + t] * row[i + t];
            b[t] += (float)codes[i + size + t] * row[i + t];
            c[t] += (float)codes[i + 2 * size + t] * row[i + t];
            d[t] += (float)codes[i + 3 * size + t] * row[i + t];
        }
    out[0] = added(a), out[1] = added(b), out[2] = added(c), out[3] = added(d);
}

/* The last lines, behind which no code may be looked at. */
static float alone(const int8_t *codes, const float *row, Py_ssize_t size) {
    float sum = 0;
    for (Py_ssize_t i = 0; i < size; i++) sum += (float)codes[i] * row[i];
    return sum;
}

#ifdef QUICK

QUICK_INSIDE float added_up(__m256 sum) {
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}

/* Products of `lines` lines of codes, `size` apart, with `count` rows, `padded` apart; products of a row lie side by side,
   rows of them `wide` apart. Called with constant numbers: eight sums stay in registers, and none waits for another. */
QUICK_INSIDE void multiply(const int8_t *codes, const float *rows, Py_ssize_t size, Py_ssize_t padded, Py_ssize_t wide,
                           const int lines, const int count, float *out) {
    __m256 sums[8];
    const int halves = 8 / (lines * count);
    for (int k = 0; k < 8; k++) sums[k] = _mm256_setzero_ps();
    for (Py_ssize_t i = 0; i < padded; i += 8 * halves)
        for (int half = 0; half < halves; half++)
            for (int k = 0; k < lines; k++) {
                const __m128i some = _mm_loadl_epi64((const __m128i *)(codes + k * size + i + 8 * half));
                const __m256 decoded = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(some));
                for (int q = 0; q < count; q++) {
                    const int at = (half * lines + k) * count + q;
                    sums[at] = _mm256_fmadd_ps(decoded, _mm256_loadu_ps(rows + q * padded + i + 8 * half), sums[at]);
                }
            }
    for (int k = 0; k < lines; k++)
        for (int q = 0; q < count; q++) {
            const int at = k * count + q;
            out[q * wide + k] = added_up(halves == 2 ? _mm256_add_ps(sums[at], sums[lines * count + at]) : sums[at]);
        }
}

/* Products of up to four rows with lines behind which LANES codes may be looked at: how many lines were multiplied. */
QUICK static Py_ssize_t multiply_all(const int8_t *codes, const float *rows, Py_ssize_t size, Py_ssize_t padded,
                                     Py_ssize_t wide, Py_ssize_t lines, Py_ssize_t count, float *out) {
    Py_ssize_t j = 0;
    for (; count == 1 && j + 4 <= lines; j += 4) multiply(codes + j * size, rows, size, padded, wide, 4, 1, out + j);
    for (; count == 2 && j + 4 <= lines; j += 4) multiply(codes + j * size, rows, size, padded, wide, 4, 2, out + j);
    for (; count == 4 && j + 2 <= lines; j += 2) multiply(codes + j * size, rows, size, padded, wide, 2, 4, out + j);
    return j;
}
#endif

PyDoc_STRVAR(products_doc, "products(rows, codes, size, out): float32 out (n, m), the products of float32 rows and int8 codes "
                           "(m, size); rows are filled up with zeros to (n, whole lanes of 16).");

static PyObject *products(PyObject *self, PyObject *args) {
    Py_buffer rows, codes, out;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "y*y*nw*", &rows, &codes, &size, &out)) return NULL;
    const Py_ssize_t padded = size > 0 ? (size + LANES - 1) / LANES * LANES : 1;
    const Py_ssize_t n = rows.len / 4 / padded, m = size > 0 ? codes.len / size : 0;
    const int fine = size > 0 && rows.len == 4 * n * padded && codes.len == m * size && out.len == 4 * n * m;
    if (fine) {
        Py_BEGIN_ALLOW_THREADS
        const int8_t *code = codes.buf;
        const float *row = rows.buf;
        float *to = out.buf, four[TOGETHER];
        const Py_ssize_t open = m - (padded - size + size - 1) / size; /* lines that end LANES before the last code */
        Py_ssize_t i = 0, j = 0;
#ifdef QUICK
        for (Py_ssize_t count; HAS_QUICK && i < n; i += count) {
            count = n - i >= 4 ? 4 : n - i >= 2 ? 2 : 1;
            j = multiply_all(code, row + i * padded, size, padded, m, open, count, to + i * m);
            for (; j < open; j++)
                for (Py_ssize_t q = i; q < i + count; q++) to[q * m + j] = alone(code + j * size, row + q * padded, size);
        }
#endif
        for (j = 0; j < open && n - i >= TOGETHER; j++) {
            Py_ssize_t k = i;
            for (; k + TOGETHER <= n; k += TOGETHER) {
                with_rows(code + j * size, row + k * padded, padded, four);
                for (int q = 0; q < TOGETHER; q++) to[(k + q) * m + j] = four[q];
            }
        }
        i += (n - i) / TOGETHER * TOGETHER;
        for (; i < n; i++) {
            for (j = 0; j + TOGETHER <= open; j += TOGETHER)
                with_lines(code + j * size, row + i * padded, size, padded, to + i * m + j);
            for (; j < open; j++) to[i * m + j] = alone(code + j * size, row + i * padded, size);
        }
        for (i = 0; i < n; i++)
            for (j = open > 0 ? open : 0; j < m; j++)
                to[i * m + j] = alone(code + j * size, row + i * padded, size);
        Py_END_ALLOW_THREADS
    } else
        PyErr_SetString(PyExc_ValueError, "products: the buffers do not fit the sizes");
    PyBuffer_Release(&rows);
    PyBuffer_Release(&codes);
    PyBuffer_Release(&out);
    if (!fine) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(many_doc, "many(rows, codes, size, out): as `products`, for many rows, (n, size) as they are and rounded to 16 bits; "
                       "only where `has_many()`.");

static PyObject *many(PyObject *self, PyObject *args) {
    Py_buffer rows, codes, out;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "y*y*nw*", &rows, &codes, &size, &out)) return NULL;
    const Py_ssize_t n = size > 0 ? rows.len / 4 / size : 0, m = size > 0 ? codes.len / size : 0;
    int fine = size > 0 && rows.len == 4 * n * size && codes.len == m * size && out.len == 4 * n * m;
    if (!fine) PyErr_SetString(PyExc_ValueError, "many: the buffers do not fit the sizes");
#ifdef MANY
    fine = fine && HAS_MANY;
    const size_t padded = (size_t)(size + LANES - 1) / LANES * LANES;
    float *steps = fine ? malloc(((size_t)n + 1) * (sizeof *steps + padded * sizeof(int16_t))) : NULL;
    if (steps) {
        Py_BEGIN_ALLOW_THREADS
        multiply_many(rows.buf, n, codes.buf, m, size, out.buf, (int16_t *)(steps + n), steps);
        Py_END_ALLOW_THREADS
        free(steps);
    } else if (fine) {
        PyErr_NoMemory();
        fine = 0;
    }
#else
    fine = 0;
#endif
    PyBuffer_Release(&rows);
    PyBuffer_Release(&codes);
    PyBuffer_Release(&out);
    if (fine) Py_RETURN_NONE;
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_NotImplementedError, "many: not on this processor");
    return NULL;
}

PyDoc_STRVAR(has_many_doc, "has_many(): whether this processor has the instructions that `many` is made of.");

static PyObject *has_many(PyObject *self, PyObject *none) {
#ifdef MANY
    return PyBool_FromLong(HAS_MANY);
#else
    Py_RETURN_FALSE;
#endif
}

static PyMethodDef METHODS[] = {{"products", products, METH_VARARGS, products_doc},
                                {"many", many, METH_VARARGS, many_doc},
                                {"has_many", has_many, METH_NOARGS, has_many_doc},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_codes", "Products with matrices of codes.", -1, METHODS,
                                    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__codes(void) { return PyModule_Create(&MODULE); }
