/* Products of many rows with lines of codes of a byte, where the processor multiplies whole numbers of 16 bits by pairs
   (AVX-512 VNNI): twice as quick as BLAS on the decoded lines, which need not be decoded.

   Rows are rounded to 15 bits and a sign, each by a step of its own: as if an input had moved by a hundred-thousandth. */

#ifndef EIGENFACE_MANY_H
#define EIGENFACE_MANY_H

#include "codes/lines.h"
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

/* A row of `size` numbers as whole multiples of a step, which is returned; of every four, the even ones first. */
MANY static float round_row(const float *restrict row, size_t size, int16_t *restrict to) {
    __m512 most = _mm512_setzero_ps();
    for (size_t i = 0; i < size; i += LANES) most = _mm512_max_ps(most, _mm512_abs_ps(_mm512_loadu_ps(row + i)));
    const float largest = _mm512_reduce_max_ps(most), step = largest > 0 ? largest / 32767 : 1;
    const __m512 over = _mm512_set1_ps(1 / step);
    for (size_t i = 0; i < size; i += LANES) {
        const __m512i whole = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(row + i), over));
        const __m256i low = _mm256_shufflelo_epi16(_mm512_cvtsepi32_epi16(whole), _MM_SHUFFLE(3, 1, 2, 0));
        _mm256_storeu_si256((__m256i *)(to + i), _mm256_shufflehi_epi16(low, _MM_SHUFFLE(3, 1, 2, 0)));
    }
    return step;
}

/* A stretch of up to PANEL lines, four codes by four: (stretch / 4, PANEL, 4), zeros where there are no more lines. */
static void lay_panel(const Lines *lines, size_t line, size_t some, size_t begin, size_t count,
                      int8_t *restrict panel) {
    int8_t room[STRETCH];
    if (some < PANEL) memset(panel, 0, count * PANEL);
    for (size_t j = 0; j < some; j++) {
        const int8_t *from = bytes_of(lines, line + j, begin, count, room);
        for (size_t i = 0; i < count; i += FOUR) memcpy(panel + i * PANEL + FOUR * j, from + i, FOUR);
    }
}

/* Adds the products of `rows` rows, `apart` from each other, with a panel to `out`, whose rows are `wide` apart. */
MANY_INSIDE void multiply_panel(const int16_t *rows, size_t apart, const int8_t *panel, size_t codes, const int count,
                                __mmask16 first, __mmask16 second, float *out, size_t wide) {
    __m512i sums[2 * ROWS];
    for (int k = 0; k < 2 * count; k++) sums[k] = _mm512_setzero_si512();
    for (size_t i = 0; i < codes; i += FOUR, panel += FOUR * PANEL) {
        const __m512i a = _mm512_loadu_si512(panel), b = _mm512_loadu_si512(panel + 2 * PANEL);
        const __m512i a_even = _mm512_srai_epi16(_mm512_slli_epi16(a, 8), 8), a_odd = _mm512_srai_epi16(a, 8);
        const __m512i b_even = _mm512_srai_epi16(_mm512_slli_epi16(b, 8), 8), b_odd = _mm512_srai_epi16(b, 8);
        for (int k = 0; k < count; k++) {
            int32_t pairs[2];
            memcpy(pairs, rows + k * apart + i, sizeof pairs);
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

MANY static void scale_row(float *restrict row, size_t count, float by) {
    for (size_t j = 0; j < count; j++) row[j] *= by;
}

/* Products of n rows with all lines. `rounded` has room for the rows, `steps` for n numbers. */
MANY static void multiply_many(const float *rows, size_t n, const Lines *lines, float *out, int16_t *rounded,
                               float *steps) {
    const size_t size = lines->size, wide = lines->count;
    int8_t panel[STRETCH * PANEL];
    for (size_t i = 0; i < n; i++) steps[i] = round_row(rows + i * size, size, rounded + i * size);
    memset(out, 0, n * wide * sizeof *out);
    for (size_t begin = 0; begin < size; begin += STRETCH) {
        const size_t count = size - begin < STRETCH ? size - begin : STRETCH;
        for (size_t j = 0; j < wide; j += PANEL) {
            const size_t some = wide - j < PANEL ? wide - j : PANEL;
            const __mmask16 first = (__mmask16)(some >= LANES ? 0xffff : (1u << some) - 1);
            const __mmask16 second = (__mmask16)(some <= LANES ? 0 : (1u << (some - LANES)) - 1);
            lay_panel(lines, j, some, begin, count, panel);
            size_t i = 0;
            for (; i + ROWS <= n; i += ROWS)
                multiply_panel(rounded + i * size + begin, size, panel, count, ROWS, first, second, out + i * wide + j, wide);
            for (; i < n; i++)
                multiply_panel(rounded + i * size + begin, size, panel, count, 1, first, second, out + i * wide + j, wide);
        }
    }
    for (size_t i = 0; i < n; i++) scale_row(out + i * wide, wide, steps[i]);
}
#else
#define HAS_MANY 0
#endif
#endif
