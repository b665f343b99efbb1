#include "format/run/phase.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/core/err.h"
#include "format/core/size.h"

#define RATE_MEMORY 5.0    /* seconds after which an older rate weighs little */
#define SAMPLE_SECONDS 0.1 /* a rate over less is noise */

void ferry_phase_begin(struct ferry_phase *phase, const char *what, int64_t total_bytes,
                       int64_t total_items, double at)
{
    *phase = (struct ferry_phase){ .total_bytes = total_bytes,
                                   .total_items = total_items,
                                   .began = at,
                                   .sampled = at,
                                   .rate = -1 };
    snprintf(phase->what, sizeof(phase->what), "%s", what);
    ferry_text_clean(phase->what);
}

/* "5:48", "1:05:48". */
static const char *format_time(double seconds, char out[FERRY_SIZE_TEXT_MAX])
{
    int64_t s = (int64_t)(seconds + 0.5);

    if (s < 3600)
        snprintf(out, FERRY_SIZE_TEXT_MAX, "%" PRId64 ":%02" PRId64, s / 60, s % 60);
    else
        snprintf(out, FERRY_SIZE_TEXT_MAX, "%" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600,
                 s / 60 % 60, s % 60);
    return out;
}

static void sample_rate(struct ferry_phase *p, double at, int64_t bytes)
{
    double span = at - p->sampled;
    double weight = p->rate < 0 ? 1 : span / (RATE_MEMORY + span);
    double fresh;

    if (span < SAMPLE_SECONDS)
        return;
    fresh = (double)(bytes - p->sampled_bytes) / span;
    if (fresh < 0) /* bytes were taken back */
        fresh = 0;
    if (p->rate >= 0 || bytes > 0) /* the wait for the first byte is no rate */
        p->rate = (p->rate < 0 ? 0 : p->rate) * (1 - weight) + fresh * weight;
    p->sampled = at;
    p->sampled_bytes = bytes;
}

/* Appends a part of the line if it fits; parts come in the order of their worth. */
static void add_part(char *line, size_t width, const char *part)
{
    size_t len = strlen(line);

    if (len + 2 + strlen(part) <= width)
        snprintf(line + len, FERRY_PHASE_LINE_MAX - len, "  %s", part);
}

static void add_bytes(const struct ferry_phase *p, int64_t bytes, char *line, size_t width)
{
    char part[128], a[FERRY_SIZE_TEXT_MAX], b[FERRY_SIZE_TEXT_MAX];

    if (bytes <= 0 && p->total_bytes <= 0)
        return;
    if (p->total_bytes > 0) {
        int percent = bytes < 0 ? 0
                      : bytes > p->total_bytes
                          ? 100
                          : (int)((double)bytes / (double)p->total_bytes * 100);

        snprintf(part, sizeof(part), "%d%%", percent);
        add_part(line, width, part);
        snprintf(part, sizeof(part), "%s / %s", ferry_size_format(bytes, a),
                 ferry_size_format(p->total_bytes, b));
    } else {
        snprintf(part, sizeof(part), "%s", ferry_size_format(bytes, a));
    }
    add_part(line, width, part);
}

static void add_items(const struct ferry_phase *p, int64_t items, char *line, size_t width)
{
    char part[128];

    if (p->total_items > 0)
        snprintf(part, sizeof(part), "%" PRId64 "/%" PRId64 " items", items, p->total_items);
    else
        snprintf(part, sizeof(part), "%" PRId64 " items", items);
    if (p->total_items > 0 || items > 0)
        add_part(line, width, part);
}

static void add_rate(double rate, char *line, size_t width)
{
    char part[128], text[FERRY_SIZE_TEXT_MAX];

    snprintf(part, sizeof(part), "%s/s", ferry_size_format((int64_t)rate, text));
    if (rate > 0)
        add_part(line, width, part);
}

void ferry_phase_line(struct ferry_phase *p, const struct ferry_phase_count *count, size_t width,
                      char line[FERRY_PHASE_LINE_MAX])
{
    double left = (double)(p->total_bytes - count->bytes);
    char part[128], text[FERRY_SIZE_TEXT_MAX];

    sample_rate(p, count->at, count->bytes);
    snprintf(line, FERRY_PHASE_LINE_MAX, "%.*s", (int)width, p->what);
    add_bytes(p, count->bytes, line, width);
    add_rate(p->rate, line, width);
    snprintf(part, sizeof(part), "ETA %s", format_time(p->rate > 1 ? left / p->rate : 0, text));
    if (p->rate > 1 && left > 0 && left / p->rate < 100.0 * 3600)
        add_part(line, width, part);
    add_items(p, count->items, line, width);
}

void ferry_phase_sum(const struct ferry_phase *p, const struct ferry_phase_count *count,
                     size_t width, char line[FERRY_PHASE_LINE_MAX])
{
    double took = count->at - p->began;
    char part[128], text[FERRY_SIZE_TEXT_MAX];

    snprintf(line, FERRY_PHASE_LINE_MAX, "%.*s", (int)width, p->what);
    add_bytes(p, count->bytes, line, width);
    add_items(p, count->items, line, width);
    snprintf(part, sizeof(part), "in %s", format_time(took, text));
    add_part(line, width, part);
    add_rate(took > 0 ? (double)count->bytes / took : 0, line, width);
}
