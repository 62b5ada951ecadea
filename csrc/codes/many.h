/* Products of many rows with lines of codes of a byte, where the processor multiplies whole numbers of 16 bits by pairs
   (AVX-512 VNNI): twice as quick as BLAS on the decoded lines, which need not be decoded.

   Rows are rounded to 15 bits and a sign, each by a step of its own: as if an input had moved by a hundred-thousandth. */

#ifndef EIGENFACE_MANY_H
#define EIGENFACE_MANY_H

#include "wide.h"

#if defined(QUICK) && defined(__linux__) && (defined(__clang__) || __GNUC__ >= 9)
#define MANY __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define MANY_INSIDE static inline __attribute__((always_inline, target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define HAS_MANY                                                                                                       \
    (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&  \
     __builtin_cpu_supports("avx512vnni"))

#include <stdint.h>
#include <string.h>

#define PANEL 32   /* lines that are multiplied side by side, a lane each */
#define STRETCH 512 /* of their codes: 127 x 32767 x 512 is just below what a lane of 32 bits holds */
#define ROWS 10    /* that are multiplied at once: two sums each stay in registers */
#define FOUR 4     /* codes that lie together: with shifts, the even and the odd ones become two pairs */

/* A row of `size` numbers as whole multiples of a step, which is returned; of every four, the even ones first. Filled up
   with zeros to whole LANES. */
MANY static float round_row(const float *restrict row, Py_ssize_t size, int16_t *restrict to) {
    __m512 most = _mm512_setzero_ps();
    for (Py_ssize_t i = 0; i < size; i += LANES) {
        const __mmask16 there = (__mmask16)(size - i >= LANES ? 0xffff : (1u << (size - i)) - 1);
        most = _mm512_max_ps(most, _mm512_abs_ps(_mm512_maskz_loadu_ps(there, row + i)));
    }
    const float largest = _mm512_reduce_max_ps(most), step = largest > 0 ? largest / 32767 : 1;
    const __m512 over = _mm512_set1_ps(1 / step);
    for (Py_ssize_t i = 0; i < size; i += LANES) {
        const __mmask16 there = (__mmask16)(size - i >= LANES ? 0xffff : (1u << (size - i)) - 1);
        const __m512i whole = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_maskz_loadu_ps(there, row + i), over));
        const __m256i low = _mm256_shufflelo_epi16(_mm512_cvtsepi32_epi16(whole), _MM_SHUFFLE(3, 1, 2, 0));
        _mm256_storeu_si256((__m256i *)(to + i), _mm256_shufflehi_epi16(low, _MM_SHUFFLE(3, 1, 2, 0)));
    }
    return step;
}

/* A stretch of up to PANEL lines of codes, `size` apart, four by four: (stretch / 4, PANEL, 4), zeros beyond. */
static void lay_panel(const int8_t *restrict codes, Py_ssize_t size, Py_ssize_t lines, Py_ssize_t count,
                      int8_t *restrict panel) {
    if (lines < PANEL || count % FOUR) memset(panel, 0, (size_t)(count + FOUR - 1) / FOUR * FOUR * PANEL);
    for (Py_ssize_t j = 0; j < lines; j++) {
        const int8_t *from = codes + j * size;
        int8_t *to = panel + FOUR * j;
        Py_ssize_t i = 0;
        for (; i + FOUR <= count; i += FOUR, to += FOUR * PANEL) memcpy(to, from + i, FOUR);
        if (i < count) memcpy(to, from + i, count - i);
    }
}

/* Adds the products of `rows` rows, `apart` from each other, with a panel to `out`, whose rows are `wide` apart. */
MANY_INSIDE void multiply_panel(const int16_t *rows, Py_ssize_t apart, const int8_t *panel, Py_ssize_t fours,
                                const int count, __mmask16 first, __mmask16 second, float *out, Py_ssize_t wide) {
    __m512i sums[2 * ROWS];
    for (int k = 0; k < 2 * count; k++) sums[k] = _mm512_setzero_si512();
    for (Py_ssize_t i = 0; i < fours; i++, panel += FOUR * PANEL) {
        const __m512i a = _mm512_loadu_si512(panel), b = _mm512_loadu_si512(panel + 2 * PANEL);
        const __m512i a_even = _mm512_srai_epi16(_mm512_slli_epi16(a, 8), 8), a_odd = _mm512_srai_epi16(a, 8);
        const __m512i b_even = _mm512_srai_epi16(_mm512_slli_epi16(b, 8), 8), b_odd = _mm512_srai_epi16(b, 8);
        for (int k = 0; k < count; k++) {
            int32_t pairs[2];
            memcpy(pairs, rows + k * apart + FOUR * i, sizeof pairs);
            const __m512i even = _mm512_set1_epi32(pairs[0]), odd = _mm512_set1_epi32(pairs[1]);
            sums[2 * k] = _mm512_dpwssd_epi32(_mm512_dpwssd_epi32(sums[2 * k], a_even, even), a_odd, odd);
            sums[2 * k + 1] = _mm512_dpwssd_epi32(_mm512_dpwssd_epi32(sums[2 * k + 1], b_even, even), b_odd, odd);
        }
    }
    for (int k = 0; k < count; k++) {
        float *to = out + k * wide;
        const __m512 one = _mm512_add_ps(_mm512_maskz_loadu_ps(first, to), _mm512_cvtepi32_ps(sums[2 * k]));
        const __m512 two = _mm512_add_ps(_mm512_maskz_loadu_ps(second, to + LANES), _mm512_cvtepi32_ps(sums[2 * k + 1]));
        _mm512_mask_storeu_ps(to, first, one), _mm512_mask_storeu_ps(to + LANES, second, two);
    }
}

MANY static void scale_row(float *restrict row, Py_ssize_t count, float by) {
    for (Py_ssize_t j = 0; j < count; j++) row[j] *= by;
}

/* out (n, m) = rows (n, size) times codes (m, size) transposed. `rounded` has room for n rows in whole LANES, `steps` for
   n numbers. */
MANY static void multiply_many(const float *rows, Py_ssize_t n, const int8_t *codes, Py_ssize_t m, Py_ssize_t size,
                               float *out, int16_t *rounded, float *steps) {
    const Py_ssize_t apart = (size + LANES - 1) / LANES * LANES;
    int8_t panel[STRETCH * PANEL];
    for (Py_ssize_t i = 0; i < n; i++) steps[i] = round_row(rows + i * size, size, rounded + i * apart);
    memset(out, 0, (size_t)(n * m) * sizeof *out);
    for (Py_ssize_t from = 0; from < size; from += STRETCH) {
        const Py_ssize_t count = size - from < STRETCH ? size - from : STRETCH, fours = (count + FOUR - 1) / FOUR;
        for (Py_ssize_t j = 0; j < m; j += PANEL) {
            const Py_ssize_t lines = m - j < PANEL ? m - j : PANEL;
            const __mmask16 first = (__mmask16)(lines >= LANES ? 0xffff : (1u << lines) - 1);
            const __mmask16 second = (__mmask16)(lines <= LANES ? 0 : (1u << (lines - LANES)) - 1);
            lay_panel(codes + j * size + from, size, lines, count, panel);
            Py_ssize_t i = 0;
            for (; i + ROWS <= n; i += ROWS)
                multiply_panel(rounded + i * apart + from, apart, panel, fours, ROWS, first, second, out + i * m + j, m);
            for (; i < n; i++)
                multiply_panel(rounded + i * apart + from, apart, panel, fours, 1, first, second, out + i * m + j, m);
        }
    }
    for (Py_ssize_t i = 0; i < n; i++) scale_row(out + i * m, m, steps[i]);
}
#endif
#endif
