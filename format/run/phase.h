/*
 * One phase of the work as a line of text: how much is done, how fast, how long it will take.
 *
 * What it is: the arithmetic behind progress.h, without clock, threads or terminal. Parts of a line
 * come in the order of their worth, and one that does not fit is left out.
 * Owns: nothing. Fails: never. Threads: one at a time.
 */
#ifndef FERRY_RUN_PHASE_H
#define FERRY_RUN_PHASE_H

#include <stddef.h>
#include <stdint.h>

#define FERRY_PHASE_LINE_MAX 4096 /* bytes of a line, with NUL */

struct ferry_phase {
    char what[64];       /* "exporting"; "" before the first */
    int64_t total_bytes; /* as total_items: -1 or 0 when not known */
    int64_t total_items;
    double began; /* seconds of any clock that does not go back; so are all times here */
    double sampled;
    int64_t sampled_bytes;
    double rate; /* bytes a second, smoothed; negative when not known yet */
};

/* What is done at a time. */
struct ferry_phase_count {
    int64_t bytes; /* may become less: what was taken back */
    int64_t items;
    double at;
};

void ferry_phase_begin(struct ferry_phase *phase, const char *what, int64_t total_bytes,
                       int64_t total_items, double at);

/* "exporting  3%  1.2 GiB / 40.3 GiB  112.4 MiB/s  ETA 5:48  12/340 items" in `width` bytes at the
 * most. Keeps the rate up to date. */
void ferry_phase_line(struct ferry_phase *phase, const struct ferry_phase_count *count,
                      size_t width, char line[FERRY_PHASE_LINE_MAX]);

/* The phase as a whole, at its end, in `width` bytes: "exporting  40.3 GiB  340 items  in 5:48
 * 118.6 MiB/s". */
void ferry_phase_sum(const struct ferry_phase *phase, const struct ferry_phase_count *count,
                     size_t width, char line[FERRY_PHASE_LINE_MAX]);

#endif
