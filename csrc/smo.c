/* Support vector machines on a kernel matrix: sequential minimal optimisation with second-order working sets.

   Fan, Chen and Lin, Working set selection using second order information for training SVM, JMLR 6, 2005. Weights are
   signed (label times alpha), so that labels appear in their bounds alone: 0..C for one class, -C..0 for the other.
   Every buffer is a C-contiguous array made by numpy (eigenface/search/eigen/solver.py). */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define LANES 16   /* what a compiler turns into vectors without being allowed to reorder sums */
#define BLOCK 64  /* rows that share one maximum */
#define LEAST 1e-12f
#define NEAR 0.1  /* of the margin: rows farther off are not looked at */
#define SHARE 0.03 /* of the violation that a round leaves */

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__)
#define FAST __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FAST
#endif

typedef struct {
    Py_ssize_t n;
    const float *kernel;
    double *weights; /* signed */
    double *errors;  /* label minus what the weights give, without bias */
    double *upper, *lower;
    double *stuck_up, *stuck_down; /* 0, or what keeps a row at its bound out of a maximum or minimum */
    float *diagonal;
    double *best; /* the maximum of each block */
} Problem;

/* errors -= step * (first - second), and each block's largest error among rows that may rise. */
FAST static void move(double *errors, const double *stuck, const float *first, const float *second, double step,
                      Py_ssize_t n, double *best) {
    for (Py_ssize_t at = 0; at < n; at += BLOCK) {
        const Py_ssize_t end = at + BLOCK < n ? at + BLOCK : n;
        double top[LANES];
        for (int l = 0; l < LANES; l++) top[l] = -HUGE_VAL;
        Py_ssize_t t = at;
        for (; t + LANES <= end; t += LANES)
            for (int l = 0; l < LANES; l++) {
                const double e = errors[t + l] - step * ((double)first[t + l] - (double)second[t + l]);
                const double v = e + stuck[t + l];
                errors[t + l] = e;
                top[l] = v > top[l] ? v : top[l];
            }
        for (; t < end; t++) {
            errors[t] -= step * ((double)first[t] - (double)second[t]);
            const double v = errors[t] + stuck[t];
            top[0] = v > top[0] ? v : top[0];
        }
        for (int l = 1; l < LANES; l++) top[0] = top[l] > top[0] ? top[l] : top[0];
        best[at / BLOCK] = top[0];
    }
}

/* What a step gains over the violation `far`, along a curvature `bend`. */
static inline float gain_of(float far, float bend) {
    const float a = bend > LEAST ? bend : LEAST, b = far > 0 ? far : 0;
    return b * b / a;
}

/* Each block's largest gain of a step that pairs a row with row i, and the smallest error among rows that may fall. */
FAST static double gain(const double *errors, const double *stuck, const float *diagonal, const float *row, double error,
                        float own, Py_ssize_t n, double *best) {
    double least[LANES];
    for (int l = 0; l < LANES; l++) least[l] = HUGE_VAL;
    for (Py_ssize_t at = 0; at < n; at += BLOCK) {
        const Py_ssize_t end = at + BLOCK < n ? at + BLOCK : n;
        float top[LANES];
        for (int l = 0; l < LANES; l++) top[l] = 0;
        Py_ssize_t t = at;
        for (; t + LANES <= end; t += LANES)
            for (int l = 0; l < LANES; l++) {
                const double e = errors[t + l] + stuck[t + l];
                const float v = gain_of((float)(error - e), own + diagonal[t + l] - 2 * row[t + l]);
                top[l] = v > top[l] ? v : top[l];
                least[l] = e < least[l] ? e : least[l];
            }
        for (; t < end; t++) {
            const double e = errors[t] + stuck[t];
            const float v = gain_of((float)(error - e), own + diagonal[t] - 2 * row[t]);
            top[0] = v > top[0] ? v : top[0];
            least[0] = e < least[0] ? e : least[0];
        }
        for (int l = 1; l < LANES; l++) top[0] = top[l] > top[0] ? top[l] : top[0];
        best[at / BLOCK] = top[0];
    }
    for (int l = 1; l < LANES; l++) least[0] = least[l] < least[0] ? least[l] : least[0];
    return least[0];
}

FAST static void subtract(double *errors, const float *row, double step, Py_ssize_t n) {
    for (Py_ssize_t t = 0; t < n; t++) errors[t] -= step * (double)row[t];
}

static Py_ssize_t best_block(const double *best, Py_ssize_t blocks) {
    Py_ssize_t found = 0;
    for (Py_ssize_t b = 1; b < blocks; b++)
        if (best[b] > best[found]) found = b;
    return found;
}

static void free_or_stuck(Problem *p, Py_ssize_t t) {
    p->stuck_up[t] = p->weights[t] < p->upper[t] ? 0 : -HUGE_VAL;
    p->stuck_down[t] = p->weights[t] > p->lower[t] ? 0 : HUGE_VAL;
}

/* Steps until no pair of rows violates optimality by more than `tolerance`; their number, or -1 after `most` of them. */
static long long solve(Problem *p, double tolerance, long long most) {
    const Py_ssize_t n = p->n, blocks = (n + BLOCK - 1) / BLOCK;
    move(p->errors, p->stuck_up, p->kernel, p->kernel, 0, n, p->best);
    for (long long steps = 0; steps < most; steps++) {
        Py_ssize_t i = BLOCK * best_block(p->best, blocks);
        const double top = p->best[i / BLOCK];
        if (top == -HUGE_VAL) return steps;
        Py_ssize_t end = i + BLOCK < n ? i + BLOCK : n;
        while (i < end - 1 && p->errors[i] + p->stuck_up[i] != top) i++;
        const float *row = p->kernel + (size_t)i * n;
        const double least = gain(p->errors, p->stuck_down, p->diagonal, row, top, p->diagonal[i], n, p->best);
        if (top - least < tolerance) return steps;
        Py_ssize_t from = BLOCK * best_block(p->best, blocks), j = from;
        float most_gain = -1;
        end = from + BLOCK < n ? from + BLOCK : n;
        for (Py_ssize_t t = from; t < end; t++) {
            const double far = top - (p->errors[t] + p->stuck_down[t]);
            if (!(far > 0)) continue;
            const float v = gain_of((float)far, p->diagonal[i] + p->diagonal[t] - 2 * row[t]);
            if (v > most_gain) most_gain = v, j = t;
        }
        if (most_gain < 0) return steps; /* nothing left that gains */
        const float *other = p->kernel + (size_t)j * n;
        const float bend = p->diagonal[i] + p->diagonal[j] - 2 * row[j];
        double step = (p->errors[i] - p->errors[j]) / (bend > LEAST ? bend : LEAST);
        const double rise = p->upper[i] - p->weights[i], fall = p->weights[j] - p->lower[j];
        const int full_rise = rise <= step && rise <= fall, full_fall = fall <= step && fall <= rise;
        step = full_rise ? rise : full_fall ? fall : step;
        p->weights[i] = full_rise ? p->upper[i] : p->weights[i] + step;
        p->weights[j] = full_fall ? p->lower[j] : p->weights[j] - step;
        free_or_stuck(p, i);
        free_or_stuck(p, j);
        move(p->errors, p->stuck_up, row, other, step, n, p->best);
    }
    return -1;
}

/* The mean error of rows between their bounds, or the middle of what the others allow: libsvm's -rho. `gap` is what the
   worst pair of rows violates optimality by. */
static double bias_of(const Problem *p, double *gap) {
    double sum = 0, high = HUGE_VAL, low = -HUGE_VAL, top = -HUGE_VAL, least = HUGE_VAL;
    Py_ssize_t count = 0;
    for (Py_ssize_t t = 0; t < p->n; t++) {
        const double e = p->errors[t];
        const int rises = p->stuck_up[t] == 0, falls = p->stuck_down[t] == 0;
        if (rises && e > top) top = e;
        if (falls && e < least) least = e;
        if (rises && falls) {
            sum += e;
            count++;
        } else if (rises) {
            low = e > low ? e : low;
        } else {
            high = e < high ? e : high;
        }
    }
    *gap = top - least;
    return count ? sum / (double)count : (high + low) / 2;
}

/* Rows that may still change: between their bounds, or near enough to the margin to leave their bound. */
static Py_ssize_t choose(const Problem *p, double bias, Py_ssize_t *chosen) {
    Py_ssize_t m = 0;
    for (Py_ssize_t t = 0; t < p->n; t++) {
        const int rises = p->stuck_up[t] == 0, falls = p->stuck_down[t] == 0;
        const double e = p->errors[t] - bias;
        if ((rises && e > -NEAR) || (falls && e < NEAR)) chosen[m++] = t;
    }
    return m;
}

/* The part of the problem that the chosen rows are; `room` holds 7 numbers a row, `kernel` m x m. */
static Problem part_of(const Problem *p, const Py_ssize_t *chosen, Py_ssize_t m, float *kernel, double *room) {
    Problem part = {m,        kernel,       room,         room + m,     room + 2 * m, room + 3 * m,
                    room + 4 * m, room + 5 * m, (float *)(room + 6 * m), p->best};
    for (Py_ssize_t a = 0; a < m; a++) {
        const float *row = p->kernel + (size_t)chosen[a] * p->n;
        float *to = kernel + (size_t)a * m;
        for (Py_ssize_t b = 0; b < m; b++) to[b] = row[chosen[b]];
        part.weights[a] = p->weights[chosen[a]];
        part.errors[a] = p->errors[chosen[a]];
        part.upper[a] = p->upper[chosen[a]];
        part.lower[a] = p->lower[chosen[a]];
        part.diagonal[a] = p->diagonal[chosen[a]];
        free_or_stuck(&part, a);
    }
    return part;
}

/* Take over a part's weights, and what they change for all rows. */
static void take_over(Problem *p, const Problem *part, const Py_ssize_t *chosen) {
    for (Py_ssize_t a = 0; a < part->n; a++) {
        const Py_ssize_t t = chosen[a];
        const double step = part->weights[a] - p->weights[t];
        if (step == 0) continue;
        subtract(p->errors, p->kernel + (size_t)t * p->n, step, p->n);
        p->weights[t] = part->weights[a];
        free_or_stuck(p, t);
    }
}

/* Solve in rounds, each on a copy of the rows that may still change: most lie far from the margin and need no looking
   at. A round ends when its rows are optimal; the problem, when all are. `copy` has room for `widest` rows. */
static long long solve_in_parts(Problem *p, double tolerance, long long most, Py_ssize_t *chosen, double *room,
                                float *copy, Py_ssize_t widest) {
    long long steps = 0;
    while (steps < most) {
        double gap;
        const double bias = bias_of(p, &gap);
        if (gap < tolerance) return steps;
        const Py_ssize_t m = choose(p, bias, chosen);
        long long taken;
        if (m > widest) {
            const long long some = p->n / 2 + 1;
            taken = solve(p, tolerance, some);
            if (taken >= 0) return steps + taken;
            steps += some;
            continue;
        }
        Problem part = part_of(p, chosen, m, copy, room);
        const double enough = gap * SHARE > tolerance ? gap * SHARE : tolerance;
        taken = solve(&part, enough, most - steps);
        take_over(p, &part, chosen);
        if (taken < 0) return -1;
        steps += taken > 0 ? taken : 1;
    }
    return -1;
}

PyDoc_STRVAR(solve_doc,
             "solve(kernel, labels, above, below, tolerance, most, weights, errors, copy) -> (steps, bias)\n"
             "kernel: float32 (n, n); labels: int8 (n), 1 or -1; above, below: the bound C of either label; weights: float64\n"
             "(n), signed, where to start and what is found; errors: float64 (n), labels - kernel @ weights, kept true;\n"
             "copy: float32 (m, m), room to work in, best of half as many rows.\n"
             "steps is -1 where `most` did not suffice.");

static PyObject *smo_solve(PyObject *self, PyObject *args) {
    Py_buffer kernel, labels, weights, errors, copy;
    double above, below, tolerance, bias = 0;
    long long most, steps = 0;
    if (!PyArg_ParseTuple(args, "y*y*dddLw*w*w*", &kernel, &labels, &above, &below, &tolerance, &most, &weights, &errors,
                          &copy))
        return NULL;
    const Py_ssize_t n = labels.len;
    const int8_t *label = labels.buf;
    double *room = NULL, gap;
    Py_ssize_t *chosen = NULL;
    const char *wrong = NULL;
    if (n < 2 || n > 1 << 24 || kernel.len != 4 * n * n || weights.len != 8 * n || errors.len != 8 * n)
        wrong = "solve: the buffers do not fit each other";
    else if (!(above > 0) || !(below > 0) || !(tolerance > 0))
        wrong = "solve: bounds and tolerance must be positive";
    for (Py_ssize_t t = 0; !wrong && t < n; t++)
        if (label[t] != 1 && label[t] != -1) wrong = "solve: a label is neither 1 nor -1";
    if (wrong) {
        PyErr_SetString(PyExc_ValueError, wrong);
    } else {
        const Py_ssize_t blocks = (n + BLOCK - 1) / BLOCK;
        room = malloc((size_t)(12 * n + blocks) * sizeof *room);
        chosen = malloc((size_t)n * sizeof *chosen);
        if (!room || !chosen) PyErr_NoMemory();
    }
    if (room && chosen) {
        Py_ssize_t widest = 0;
        while (widest < n && (widest + 1) * (widest + 1) * 4 <= copy.len) widest++;
        Py_BEGIN_ALLOW_THREADS
        Problem p = {n,        kernel.buf,   weights.buf,  errors.buf,   room,
                     room + n, room + 2 * n, room + 3 * n, (float *)(room + 4 * n), room + 12 * n};
        for (Py_ssize_t t = 0; t < n; t++) {
            p.upper[t] = label[t] > 0 ? above : 0;
            p.lower[t] = label[t] > 0 ? 0 : -below;
            p.diagonal[t] = p.kernel[(size_t)t * n + t];
            free_or_stuck(&p, t);
        }
        steps = solve_in_parts(&p, tolerance, most, chosen, room + 5 * n, copy.buf, widest);
        bias = bias_of(&p, &gap);
        Py_END_ALLOW_THREADS
    }
    const int fine = room && chosen;
    free(room);
    free(chosen);
    PyBuffer_Release(&kernel);
    PyBuffer_Release(&labels);
    PyBuffer_Release(&weights);
    PyBuffer_Release(&errors);
    PyBuffer_Release(&copy);
    return fine ? Py_BuildValue("Ld", steps, bias) : NULL;
}

static PyMethodDef METHODS[] = {{"solve", smo_solve, METH_VARARGS, solve_doc}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_smo", "Support vector machines on a kernel matrix.", -1,
                                    METHODS, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__smo(void) { return PyModule_Create(&MODULE); }
