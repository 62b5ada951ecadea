/* Functions built a second time for wider registers (and fused multiply-adds, where the flags allow them); the module
   chooses when it is loaded. */

#ifndef EIGENFACE_WIDE_H
#define EIGENFACE_WIDE_H

#if defined(__GNUC__)
#define INSIDE static inline __attribute__((always_inline))
#else
#define INSIDE static inline
#endif

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define WIDE __attribute__((target_clones("arch=x86-64-v3", "default")))
#elif defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

/* Where compilers do not find the way themselves: functions with instructions of their own, called where the processor has
   them. */
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define QUICK __attribute__((target("avx2,fma")))
#define QUICK_INSIDE static inline __attribute__((always_inline, target("avx2,fma")))
#define HAS_QUICK (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#else
#define HAS_QUICK 0
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LITTLE 0
#else
#define LITTLE 1 /* whether the first of two bytes is the lower one of a number */
#endif

/* Which is the lowest bit that is set, where there is one. */
static inline int lowest(unsigned bits) {
#if defined(__GNUC__)
    return __builtin_ctz(bits);
#else
    int at = 0;
    for (; !(bits & 1); bits >>= 1) at++;
    return at;
#endif
}

#define LANES 16 /* numbers that are worked on side by side */

/* The sum of LANES numbers, halved again and again: no long chain of additions. */
INSIDE float added(float *lanes) {
    for (int t = 0; t < 8; t++) lanes[t] += lanes[t + 8];
    for (int t = 0; t < 4; t++) lanes[t] += lanes[t + 4];
    return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
}

#endif
