/* Inner loops of boosted channel features: channels of a grey picture, the scan by trees, histograms for learning them.

   Integers, and single precision in one fixed order: numpy gives the same numbers (eigenface/features/channels.py,
   eigenface/detection/by_numpy.py, eigenface/boosting/trees.py). Every buffer is a C-contiguous array made by numpy. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PLANES 8
#define ORIENTATIONS 6
#define REACH 5 /* cells on either side that a cell is compared with: 11 x 11 */

/* Loops over pixels once more for wider registers, chosen when the module is loaded; the same integers from both. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

#define SLANTED 55 /* cosine and sine of 30 degrees, times 64 */
#define HALF 32

static int wrong(const char *what) {
    PyErr_SetString(PyExc_ValueError, what);
    return 0;
}

/* Of a row of pixels the gradient and the shares of six orientations in it.

   A direction 90 degrees or more from the gradient has no share, so that of 30 and 150 degrees, and of 60 and 120, one
   is nothing: which, the signs say. */
WIDE static void weigh(const int16_t *restrict right, const int16_t *restrict down, int count, int16_t *restrict strength,
                       int16_t *restrict level, int16_t *restrict flat, int16_t *restrict steep, int16_t *restrict upright,
                       int16_t *restrict other_steep, int16_t *restrict other_flat) {
    for (int x = 0; x < count; x++) {
        const int16_t falling = (int16_t)((right[x] ^ down[x]) >> 15);
        const int16_t dx = (int16_t)(right[x] < 0 ? -right[x] : right[x]), dy = (int16_t)(down[x] < 0 ? -down[x] : down[x]);
        const int16_t lying = (int16_t)((int16_t)(SLANTED * dx + HALF * dy) >> 6);
        const int16_t standing = (int16_t)((int16_t)(HALF * dx + SLANTED * dy) >> 6);
        const int16_t straight = dx > dy ? dx : dy, slanted = lying > standing ? lying : standing;
        const int16_t most = straight > slanted ? straight : slanted, seven = (int16_t)(7 * most);
        const int16_t a = (int16_t)(8 * dx - seven), b = (int16_t)(8 * lying - seven);
        const int16_t c = (int16_t)(8 * standing - seven), d = (int16_t)(8 * dy - seven);
        const int16_t one = b > 0 ? b : 0, two = c > 0 ? c : 0;
        strength[x] = most;
        level[x] = a > 0 ? a : 0;
        flat[x] = (int16_t)(one & ~falling);
        steep[x] = (int16_t)(two & ~falling);
        upright[x] = d > 0 ? d : 0;
        other_steep[x] = (int16_t)(two & falling);
        other_flat[x] = (int16_t)(one & falling);
    }
}

/* Pairs of a row, added to a row of cells. */
WIDE static void add_pairs(const int16_t *restrict row, int wide, int32_t *restrict cells) {
    for (int x = 0; x < wide; x++) cells[x] += (int32_t)row[2 * x] + (int32_t)row[2 * x + 1];
}

/* Sums of the cells of 2 x 2 pixels of a part: luminance, gradient, gradient by orientation. `line` has room for nine
   rows of pixels. */
WIDE static void sum_cells(const uint8_t *grey, int rows, int cols, int top, int start, int high, int wide,
                           int32_t *restrict cells, int16_t *restrict line) {
    const size_t plane = (size_t)high * wide;
    memset(cells, 0, PLANES * plane * sizeof *cells);
    const int across = 2 * wide, last = across - 1;
    int16_t *right = line + (size_t)(ORIENTATIONS + 1) * across, *down = right + across;
    for (int y = 0; y < 2 * high; y++) {
        const uint8_t *row = grey + (size_t)(2 * top + y) * cols + 2 * start;
        const uint8_t *above = 2 * top + y > 0 ? row - cols : row, *below = 2 * top + y + 1 < rows ? row + cols : row;
        for (int x = 1; x < last; x++) right[x] = (int16_t)(row[x + 1] - row[x - 1]);
        right[0] = (int16_t)(row[1] - row[start > 0 ? -1 : 0]);
        right[last] = (int16_t)(row[2 * start + across < cols ? across : last] - row[last - 1]);
        for (int x = 0; x < across; x++) down[x] = (int16_t)(below[x] - above[x]);
        weigh(right, down, across, line, line + across, line + 2 * across, line + 3 * across, line + 4 * across,
              line + 5 * across, line + 6 * across);
        int32_t *to = cells + (size_t)(y / 2) * wide;
        for (int x = 0; x < wide; x++) to[x] += row[2 * x] + row[2 * x + 1];
        for (size_t k = 0; k <= ORIENTATIONS; k++) add_pairs(line + k * across, wide, to + (1 + k) * plane);
    }
}

static int inside(int at, int size) { return at < 0 ? 0 : at >= size ? size - 1 : at; }

/* Sums over 11 x 11 cells; beyond the border its cell is repeated. */
WIDE static void sum_around(const int32_t *cells, int high, int wide, int32_t *sums, int32_t *columns) {
    for (int x = 0; x < wide; x++) {
        int32_t sum = 0;
        for (int d = -REACH; d <= REACH; d++) sum += cells[(size_t)inside(d, high) * wide + x];
        columns[x] = sum;
    }
    for (int y = 0; y < high; y++) {
        int32_t sum = 0;
        for (int d = -REACH; d <= REACH; d++) sum += columns[inside(d, wide)];
        int32_t *to = sums + (size_t)y * wide;
        for (int x = 0; x < wide; x++) {
            to[x] = sum;
            sum += columns[inside(x + 1 + REACH, wide)] - columns[inside(x - REACH, wide)];
        }
        const int32_t *enter = cells + (size_t)inside(y + 1 + REACH, high) * wide;
        const int32_t *leave = cells + (size_t)inside(y - REACH, high) * wide;
        for (int x = 0; x < wide; x++) columns[x] += enter[x] - leave[x];
    }
}

/* The plane smoothed by (1 2 1) both ways, into a part of one whose rows are `apart`. */
WIDE static void smooth(const uint8_t *plane, int high, int wide, uint8_t *out, size_t apart, uint16_t *line) {
    for (int y = 0; y < high; y++) {
        const uint8_t *row = plane + (size_t)y * wide;
        const uint8_t *above = y > 0 ? row - wide : row, *below = y + 1 < high ? row + wide : row;
        for (int x = 0; x < wide; x++) line[x] = (uint16_t)(above[x] + 2 * row[x] + below[x]);
        uint8_t *to = out + (size_t)y * apart;
        for (int x = 1; x < wide - 1; x++) to[x] = (uint8_t)((line[x - 1] + 2 * line[x] + line[x + 1] + 8) >> 4);
        to[0] = (uint8_t)((3 * line[0] + line[wide > 1 ? 1 : 0] + 8) >> 4);
        if (wide > 1) to[wide - 1] = (uint8_t)((line[wide - 2] + 3 * line[wide - 1] + 8) >> 4);
    }
}

/* What a cell has more than its surroundings, around 128. */
WIDE static void lighten(const int32_t *from, const int32_t *light, const int32_t *strong, size_t plane, float room,
                         float contrast, uint8_t *out) {
    for (size_t i = 0; i < plane; i++) {
        const float scale = contrast / ((float)strong[i] + room);
        const int value = 128 + (int)((float)(121 * from[i] - light[i]) * scale);
        out[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

/* A cell's gradient over that around it. */
WIDE static void strengthen(const int32_t *from, const int32_t *strong, size_t plane, float room, float gain,
                            uint8_t *out) {
    for (size_t i = 0; i < plane; i++) {
        const float scale = gain / ((float)strong[i] + room);
        const int value = (int)((float)from[i] * scale);
        out[i] = (uint8_t)(value > 255 ? 255 : value);
    }
}

PyDoc_STRVAR(channels_doc, "channels(grey, parts, rows, cols, room, gain, contrast, out): write uint8 planes (8, rows / 2, "
                           "cols / 2) within the int32 `parts` (row, column, rows, columns in cells)");

static PyObject *channels(PyObject *self, PyObject *args) {
    Py_buffer grey, parts, out;
    int rows, cols;
    float room, gain, contrast;
    if (!PyArg_ParseTuple(args, "y*y*iifffw*", &grey, &parts, &rows, &cols, &room, &gain, &contrast, &out)) return NULL;
    const int every_high = rows / 2, every_wide = cols / 2;
    const size_t every = (size_t)(every_high > 0 ? every_high : 0) * (size_t)(every_wide > 0 ? every_wide : 0);
    const Py_ssize_t count = parts.len / 16;
    const int32_t *part = parts.buf;
    size_t largest = 0, widest = 0;
    int fine = 1;
    int32_t *cells = NULL;
    if (rows < 2 || cols < 2 || grey.len != (Py_ssize_t)rows * cols || out.len != (Py_ssize_t)(PLANES * every))
        fine = wrong("channels: the buffers do not fit rows and cols");
    for (Py_ssize_t i = 0; fine && i < count; i++) {
        const int32_t *p = part + 4 * i;
        if (p[0] < 0 || p[1] < 0 || p[2] < 1 || p[3] < 1 || p[2] > every_high - p[0] || p[3] > every_wide - p[1])
            fine = wrong("channels: a part lies outside the picture");
        else {
            const size_t area = (size_t)p[2] * p[3];
            largest = area > largest ? area : largest;
            widest = (size_t)p[3] > widest ? (size_t)p[3] : widest;
        }
    }
    if (fine) {
        const size_t line = (ORIENTATIONS + 3) * 2 * widest;
        cells = malloc((PLANES + 2) * largest * sizeof *cells + widest * sizeof *cells + line * sizeof(int16_t) + largest + 1);
        if (!cells) {
            PyErr_NoMemory();
            fine = 0;
        }
    }
    if (fine) {
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t i = 0; i < count; i++) {
            const int32_t *p = part + 4 * i;
            const int high = p[2], wide = p[3];
            const size_t plane = (size_t)high * wide;
            int32_t *light = cells + PLANES * plane, *strong = light + plane, *columns = strong + plane;
            int16_t *line = (int16_t *)(columns + wide);
            uint8_t *raw = (uint8_t *)(line + (size_t)(ORIENTATIONS + 3) * 2 * wide);
            sum_cells(grey.buf, rows, cols, p[0], p[1], high, wide, cells, line);
            sum_around(cells, high, wide, light, columns);
            sum_around(cells + plane, high, wide, strong, columns);
            for (int k = 0; k < PLANES; k++) {
                const int32_t *from = cells + k * plane;
                if (k == 0)
                    lighten(from, light, strong, plane, room, contrast, raw);
                else
                    strengthen(from, strong, plane, room, gain, raw);
                uint8_t *to = (uint8_t *)out.buf + k * every + (size_t)p[0] * every_wide + p[1];
                smooth(raw, high, wide, to, every_wide, (uint16_t *)line);
            }
        }
        Py_END_ALLOW_THREADS
    }
    free(cells);
    PyBuffer_Release(&grey);
    PyBuffer_Release(&parts);
    PyBuffer_Release(&out);
    if (!fine) return NULL;
    Py_RETURN_NONE;
}

typedef struct {
    int trees, depth;
    const int32_t *features; /* (trees, 2^depth - 1): offsets from a window's first cell */
    const uint8_t *limits;   /* the same shape */
    const int16_t *leaves;   /* (trees, 2^depth) */
    const int32_t *least;    /* (trees): a window with less after that tree is no face */
} Forest;

/* The sum of a window's leaves; `slack` is taken off the least, `passed` says whether all `trees` were seen.
   Called with a constant depth, so that the walk down a tree is unrolled. */
static inline int32_t walk(const Forest *f, const uint8_t *at, int trees, int32_t slack, int *passed, const int depth) {
    const int inner = (1 << depth) - 1;
    const int32_t *features = f->features, *least = f->least;
    const uint8_t *limits = f->limits;
    const int16_t *leaves = f->leaves;
    int32_t sum = 0;
    *passed = 0;
    for (int t = 0; t < trees; t++) {
        int node = 0;
        for (int d = 0; d < depth; d++) node = 2 * node + 1 + (at[features[node]] > limits[node]);
        sum += leaves[node - inner];
        if (sum < least[t] - slack) return sum;
        features += inner, limits += inner, leaves += inner + 1;
    }
    *passed = 1;
    return sum;
}

static int32_t sum_leaves(const Forest *f, const uint8_t *at, int trees, int32_t slack, int *passed) {
    switch (f->depth) {
    case 1: return walk(f, at, trees, slack, passed, 1);
    case 2: return walk(f, at, trees, slack, passed, 2);
    default: return walk(f, at, trees, slack, passed, 3);
    }
}

static int fits(const Forest *f, const Py_buffer *features, const Py_buffer *limits, const Py_buffer *leaves,
                const Py_buffer *least) {
    if (f->trees < 0 || f->depth < 1 || f->depth > 3) return 0;
    const Py_ssize_t inner = ((Py_ssize_t)1 << f->depth) - 1;
    return features->len == 4 * f->trees * inner && limits->len == f->trees * inner &&
           leaves->len == 2 * f->trees * (inner + 1) && least->len == 4 * (Py_ssize_t)f->trees;
}

/* Whether no node looks beyond a window's last cell. */
static int within(const Forest *f, const Py_buffer *features, int high, int wide, int side) {
    const int32_t reach = (int32_t)((PLANES - 1) * (size_t)high * wide + (size_t)(side - 1) * wide + side - 1);
    for (Py_ssize_t i = 0; i < features->len / 4; i++)
        if (f->features[i] < 0 || f->features[i] > reach) return wrong("a feature lies outside the window");
    return 1;
}

PyDoc_STRVAR(scan_doc,
             "scan(planes, high, wide, side, step, first, slack, trees, depth, features, limits, leaves, least, owners, found) -> "
             "n: windows of side x side cells that pass all trees, written to int32 rows (x, y, score) of `found`.\n"
             "Every `step`th window is tried with the `first` trees; around those that pass all are tried with all.\n"
             "owners: int16 of each cell; windows count whose first and last cell have the same, and not below 0.");

static PyObject *scan(PyObject *self, PyObject *args) {
    Py_buffer planes, features, limits, leaves, least, owners, found;
    int high, wide, side, step, first, slack;
    Forest f;
    if (!PyArg_ParseTuple(args, "y*iiiiiiiiy*y*y*y*y*w*", &planes, &high, &wide, &side, &step, &first, &slack,
                          &f.trees, &f.depth, &features, &limits, &leaves, &least, &owners, &found))
        return NULL;
    f.features = features.buf, f.limits = limits.buf, f.leaves = leaves.buf, f.least = least.buf;
    Py_ssize_t count = 0;
    const Py_ssize_t most = found.len / 12;
    uint8_t *near = NULL;
    const size_t plane = (size_t)high * wide;
    int fine = 1;
    if (high < 1 || wide < 1 || side < 1 || step < 1 || first < 0 || first > f.trees ||
        planes.len != (Py_ssize_t)(PLANES * plane) || owners.len != (Py_ssize_t)(2 * plane) ||
        !fits(&f, &features, &limits, &leaves, &least))
        fine = wrong("scan: the buffers do not fit the sizes");
    if (fine && high >= side && wide >= side) {
        fine = within(&f, &features, high, wide, side);
        near = fine ? calloc(plane, 1) : NULL;
        if (fine && !near) {
            PyErr_NoMemory();
            fine = 0;
        }
    }
    if (near) {
        Py_BEGIN_ALLOW_THREADS
        const uint8_t *base = planes.buf;
        const int16_t *owner = owners.buf;
        int32_t *to = found.buf;
        int passed;
        const int down = high - side, right = wide - side;
        const size_t last = (size_t)(side - 1) * wide + side - 1;
        for (int y = 0; y <= down; y += step)
            for (int x = 0; x <= right; x += step) {
                const size_t at = (size_t)y * wide + x;
                if (owner[at] < 0 || owner[at] != owner[at + last]) continue;
                sum_leaves(&f, base + at, first, slack, &passed);
                if (!passed) continue;
                const int reach = step - 1;
                for (int v = y - reach; v <= y + reach; v++)
                    for (int u = x - reach; u <= x + reach; u++)
                        if (v >= 0 && v <= down && u >= 0 && u <= right) near[(size_t)v * wide + u] = 1;
            }
        for (int y = 0; y <= down; y++)
            for (int x = 0; x <= right; x++) {
                const size_t at = (size_t)y * wide + x;
                if (!near[at] || owner[at] < 0 || owner[at] != owner[at + last]) continue;
                const int32_t sum = sum_leaves(&f, base + at, f.trees, 0, &passed);
                if (!passed || count >= most) continue;
                to[3 * count] = x, to[3 * count + 1] = y, to[3 * count + 2] = sum;
                count++;
            }
        Py_END_ALLOW_THREADS
        free(near);
    }
    PyBuffer_Release(&planes);
    PyBuffer_Release(&features);
    PyBuffer_Release(&limits);
    PyBuffer_Release(&leaves);
    PyBuffer_Release(&least);
    PyBuffer_Release(&owners);
    PyBuffer_Release(&found);
    return fine ? PyLong_FromSsize_t(count) : NULL;
}

PyDoc_STRVAR(judge_doc,
             "judge(planes, high, wide, side, trees, depth, features, limits, leaves, least, places, scores): the sum of "
             "the leaves of each window of int32 `places` (x, y), written to int32 `scores`; the least of all int32 for "
             "one that is given up.");

static PyObject *judge(PyObject *self, PyObject *args) {
    Py_buffer planes, features, limits, leaves, least, places, scores;
    int high, wide, side;
    Forest f;
    if (!PyArg_ParseTuple(args, "y*iiiiiy*y*y*y*y*w*", &planes, &high, &wide, &side, &f.trees, &f.depth, &features,
                          &limits, &leaves, &least, &places, &scores))
        return NULL;
    f.features = features.buf, f.limits = limits.buf, f.leaves = leaves.buf, f.least = least.buf;
    const Py_ssize_t count = scores.len / 4;
    const int32_t *place = places.buf;
    int fine = 1;
    if (high < side || wide < side || side < 1 || planes.len != (Py_ssize_t)PLANES * high * wide ||
        places.len != 8 * count || !fits(&f, &features, &limits, &leaves, &least))
        fine = wrong("judge: the buffers do not fit the sizes");
    else
        fine = within(&f, &features, high, wide, side);
    for (Py_ssize_t i = 0; fine && i < count; i++)
        if (place[2 * i] < 0 || place[2 * i] > wide - side || place[2 * i + 1] < 0 || place[2 * i + 1] > high - side)
            fine = wrong("judge: a window lies outside the planes");
    if (fine) {
        Py_BEGIN_ALLOW_THREADS
        int32_t *to = scores.buf;
        int passed;
        for (Py_ssize_t i = 0; i < count; i++) {
            const uint8_t *at = (const uint8_t *)planes.buf + (size_t)place[2 * i + 1] * wide + place[2 * i];
            const int32_t sum = sum_leaves(&f, at, f.trees, 0, &passed);
            to[i] = passed ? sum : INT32_MIN;
        }
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&planes);
    PyBuffer_Release(&features);
    PyBuffer_Release(&limits);
    PyBuffer_Release(&leaves);
    PyBuffer_Release(&least);
    PyBuffer_Release(&places);
    PyBuffer_Release(&scores);
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
                                {"scan", scan, METH_VARARGS, scan_doc},
                                {"judge", judge, METH_VARARGS, judge_doc},
                                {"histograms", histograms, METH_VARARGS, histograms_doc},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_boosted", "Inner loops of boosted channel features.", -1,
                                    METHODS, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__boosted(void) { return PyModule_Create(&MODULE); }
