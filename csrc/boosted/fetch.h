/* Memory that is soon read, or written to: asked for before a processor guesses it. */

#ifndef EIGENFACE_FETCH_H
#define EIGENFACE_FETCH_H

#if defined(__GNUC__)
#define FETCH(place, writes) __builtin_prefetch(place, writes)
#else
#define FETCH(place, writes) ((void)0)
#endif

#endif
