#include "format/run/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "format/core/clock.h"
#include "format/core/thread.h"
#include "format/run/phase.h"

/* One write(2) of at most PIPE_BUF bytes is never torn by what other processes write. */
#define LINE_MAX_BYTES FERRY_PHASE_LINE_MAX
#define PLAIN_WIDTH (LINE_MAX_BYTES / 2) /* what is put before it fits as well */

#define WIPE "\r\033[K"

#define BAR_INTERVAL 0.2
#define PLAIN_INTERVAL 10.0

struct ferry_progress {
    enum ferry_progress_style style; /* BAR, PLAIN or NONE */
    bool quiet;
    bool colour;
    char *program;

    _Atomic int64_t bytes; /* of the phase; without the lock, so that adding is cheap */
    _Atomic int64_t items;

    pthread_mutex_t lock; /* over what follows, and over the order of lines */
    pthread_cond_t wake;
    pthread_t ticker;
    bool ticking;
    bool stop;
    bool line_shown;
    struct ferry_phase phase;
};

static double now(void)
{
    return (double)ferry_now_us() / 1e6;
}

/* Not ferry_fd_write: what there is to say must be said after an interruption as well. */
static void put(const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, text, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        text += n;
        len -= (size_t)n;
    }
}

static size_t terminal_width(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

static struct ferry_phase_count count_now(struct ferry_progress *p)
{
    return (struct ferry_phase_count){ .bytes = atomic_load(&p->bytes),
                                       .items = atomic_load(&p->items),
                                       .at = now() };
}

/* All below, up to the ticker, with the lock held. */

static void wipe(struct ferry_progress *p)
{
    if (p->line_shown)
        put(WIPE, strlen(WIPE));
    p->line_shown = false;
}

static void draw_bar(struct ferry_progress *p)
{
    const struct ferry_phase_count count = count_now(p);
    char line[LINE_MAX_BYTES], out[LINE_MAX_BYTES + sizeof(WIPE)];
    size_t width = terminal_width();
    int len;

    /* One column stays free: a full line makes some terminals wrap. */
    ferry_phase_line(&p->phase, &count, width > 1 ? width - 1 : 1, line);
    len = snprintf(out, sizeof(out), "\r%s\033[K", line);
    put(out, (size_t)len);
    p->line_shown = true;
}

static void put_plain(struct ferry_progress *p, const char *line)
{
    char out[LINE_MAX_BYTES * 2];
    int len = snprintf(out, sizeof(out), "%s: %s\n", p->program, line);

    put(out, (size_t)len);
}

static void draw_plain(struct ferry_progress *p)
{
    const struct ferry_phase_count count = count_now(p);
    char line[LINE_MAX_BYTES];

    ferry_phase_line(&p->phase, &count, PLAIN_WIDTH, line);
    put_plain(p, line);
}

static void draw(struct ferry_progress *p)
{
    if (p->phase.what[0] == '\0')
        return;
    if (p->style == FERRY_PROGRESS_BAR)
        draw_bar(p);
    else
        draw_plain(p);
}

static void end_phase(struct ferry_progress *p)
{
    const struct ferry_phase_count count = count_now(p);
    char line[LINE_MAX_BYTES];

    wipe(p);
    if (p->style != FERRY_PROGRESS_PLAIN || p->phase.what[0] == '\0')
        return;
    if (count.bytes == 0 && count.items == 0)
        return; /* nothing was done, so there is nothing to sum up */
    ferry_phase_sum(&p->phase, &count, PLAIN_WIDTH, line);
    put_plain(p, line);
}

static struct timespec to_timespec(double seconds)
{
    time_t whole = (time_t)seconds;

    return (struct timespec){ whole, (long)((seconds - (double)whole) * 1e9) };
}

static void *tick(void *arg)
{
    struct ferry_progress *p = arg;
    double interval = p->style == FERRY_PROGRESS_BAR ? BAR_INTERVAL : PLAIN_INTERVAL;
    double next = now() + interval;

    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        struct timespec until = to_timespec(next);

        if (pthread_cond_timedwait(&p->wake, &p->lock, &until) != ETIMEDOUT)
            continue;
        if (!p->stop)
            draw(p);
        next = now() + interval;
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static enum ferry_progress_style resolve_style(enum ferry_progress_style style, bool escapes)
{
    if (style == FERRY_PROGRESS_AUTO)
        return escapes ? FERRY_PROGRESS_BAR : FERRY_PROGRESS_PLAIN;
    return style;
}

int ferry_progress_new(const char *program, enum ferry_progress_style style, bool quiet,
                       struct ferry_progress **out, struct ferry_err *err)
{
    const char *term = getenv("TERM");
    const char *no_colour = getenv("NO_COLOR");
    bool escapes = isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
    struct ferry_progress *p = calloc(1, sizeof(*p));

    if (!p)
        return ferry_fail_memory(err);
    p->program = strdup(program);
    if (!p->program) {
        free(p);
        return ferry_fail_memory(err);
    }
    p->style = quiet ? FERRY_PROGRESS_NONE : resolve_style(style, escapes);
    p->quiet = quiet;
    p->colour = escapes && !(no_colour && *no_colour);
    pthread_mutex_init(&p->lock, NULL);
    ferry_cond_init(&p->wake);
    if (p->style != FERRY_PROGRESS_NONE) /* without a thread to spare there are messages alone */
        p->ticking = ferry_thread_start(&p->ticker, tick, p);
    *out = p;
    return 0;
}

void ferry_progress_free(struct ferry_progress *progress)
{
    if (!progress)
        return;
    pthread_mutex_lock(&progress->lock);
    progress->stop = true;
    end_phase(progress);
    pthread_cond_signal(&progress->wake);
    pthread_mutex_unlock(&progress->lock);
    if (progress->ticking)
        pthread_join(progress->ticker, NULL);
    pthread_cond_destroy(&progress->wake);
    pthread_mutex_destroy(&progress->lock);
    free(progress->program);
    free(progress);
}

void ferry_progress_end(struct ferry_progress *progress)
{
    pthread_mutex_lock(&progress->lock);
    end_phase(progress);
    progress->phase.what[0] = '\0';
    pthread_mutex_unlock(&progress->lock);
}

void ferry_progress_phase(struct ferry_progress *progress, const char *what, int64_t total_bytes,
                          int64_t total_items)
{
    pthread_mutex_lock(&progress->lock);
    end_phase(progress);
    ferry_phase_begin(&progress->phase, what, total_bytes, total_items, now());
    atomic_store(&progress->bytes, 0);
    atomic_store(&progress->items, 0);
    pthread_mutex_unlock(&progress->lock);
}

void ferry_progress_add(struct ferry_progress *progress, int64_t bytes, int64_t items)
{
    if (bytes != 0)
        atomic_fetch_add_explicit(&progress->bytes, bytes, memory_order_relaxed);
    if (items != 0)
        atomic_fetch_add_explicit(&progress->items, items, memory_order_relaxed);
}

/* `kind` is "", "warning" or "error"; `colour` its SGR number. */
static void message(struct ferry_progress *p, const char *kind, int colour, const char *fmt,
                    va_list args)
{
    char text[LINE_MAX_BYTES -
              512]; /* with all that is put before it a line stays below the limit */
    char mark[64] = "";
    char line[LINE_MAX_BYTES];
    int len;

    vsnprintf(text, sizeof(text), fmt, args);
    ferry_text_clean(text);
    if (*kind && p->colour)
        snprintf(mark, sizeof(mark), "\033[%dm%s:\033[0m ", colour, kind);
    else if (*kind)
        snprintf(mark, sizeof(mark), "%s: ", kind);
    pthread_mutex_lock(&p->lock);
    len = snprintf(line, sizeof(line), "%s%.200s: %s%s\n", p->line_shown ? WIPE : "", p->program,
                   mark, text);
    put(line, (size_t)len);
    p->line_shown = false; /* the next tick draws it again */
    pthread_mutex_unlock(&p->lock);
}

void ferry_progress_say(struct ferry_progress *progress, const char *fmt, ...)
{
    va_list args;

    if (progress->quiet)
        return;
    va_start(args, fmt);
    message(progress, "", 0, fmt, args);
    va_end(args);
}

void ferry_progress_warn(struct ferry_progress *progress, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    message(progress, "warning", 33, fmt, args);
    va_end(args);
}

void ferry_progress_error(struct ferry_progress *progress, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    message(progress, "error", 31, fmt, args);
    va_end(args);
}

void ferry_progress_pause(struct ferry_progress *progress)
{
    pthread_mutex_lock(&progress->lock);
    wipe(progress);
}

void ferry_progress_resume(struct ferry_progress *progress)
{
    pthread_mutex_unlock(&progress->lock);
}
