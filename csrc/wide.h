/* Functions built a second time for wider registers and fused multiply-adds; the module chooses when it is loaded. */

#ifndef EIGENFACE_WIDE_H
#define EIGENFACE_WIDE_H

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define WIDE __attribute__((target_clones("arch=x86-64-v3", "default")))
#define INSIDE static inline __attribute__((always_inline))
#else
#define WIDE
#define INSIDE static inline
#endif

#define LANES 16 /* numbers that are worked on side by side */

#endif
