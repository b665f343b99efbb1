#include "format/run/progress.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/check.h"

/* Whatever is written to stderr between begin and end. */
struct capture {
    int before;
    int fd;
};

static void capture_begin(struct capture *c)
{
    c->before = dup(STDERR_FILENO);
    c->fd = memfd_create("stderr", 0);
    assert_true(c->before >= 0 && c->fd >= 0);
    dup2(c->fd, STDERR_FILENO);
}

static void capture_end(struct capture *c, char *text, size_t cap)
{
    ssize_t len;

    dup2(c->before, STDERR_FILENO);
    close(c->before);
    len = pread(c->fd, text, cap - 1, 0);
    close(c->fd);
    assert_true(len >= 0);
    text[len] = '\0';
}

#define TEXT_MAX 65536

/* One phase and one line of each kind. */
static void run_all(enum ferry_progress_style style, bool quiet, char text[TEXT_MAX])
{
    struct ferry_progress *p = NULL;
    struct ferry_err err;
    struct capture c;
    int rc;

    capture_begin(&c);
    rc = ferry_progress_new("tool", style, quiet, &p, &err);
    if (rc == 0) {
        ferry_progress_phase(p, "resolving", -1, 3);
        ferry_progress_add(p, 0, 3);
        ferry_progress_phase(p, "idle", -1, -1);
        ferry_progress_phase(p, "exporting", 4096, -1);
        ferry_progress_say(p, "info %d", 1);
        ferry_progress_add(p, 4096, 0);
        ferry_progress_add(p, -1024, 0);
        ferry_progress_warn(p, "careful");
        ferry_progress_error(p, "broken");
        ferry_progress_free(p);
    }
    capture_end(&c, text, TEXT_MAX);
    assert_int_equal(rc, 0);
}

/* The rate depends on the clock: what follows "in 0:00" is cut off. */
static void cut_rates(char *text)
{
    char *at = text;

    while ((at = strstr(at, "  in 0:0"))) {
        char *end = strchr(at, '\n');

        assert_non_null(end);
        memmove(at, end, strlen(end) + 1);
    }
}

static const struct {
    const char *name;
    enum ferry_progress_style style;
    bool quiet;
    const char *want;
} rows[] = {
    { "plain", FERRY_PROGRESS_PLAIN, false,
      "tool: resolving  3/3 items\n"
      "tool: info 1\n"
      "tool: warning: careful\n"
      "tool: error: broken\n"
      "tool: exporting  75%  3.0 KiB / 4.0 KiB\n" },
    { "auto_is_plain_here", FERRY_PROGRESS_AUTO, false,
      "tool: resolving  3/3 items\n"
      "tool: info 1\n"
      "tool: warning: careful\n"
      "tool: error: broken\n"
      "tool: exporting  75%  3.0 KiB / 4.0 KiB\n" },
    { "none_keeps_messages", FERRY_PROGRESS_NONE, false,
      "tool: info 1\n"
      "tool: warning: careful\n"
      "tool: error: broken\n" },
    { "quiet", FERRY_PROGRESS_PLAIN, true,
      "tool: warning: careful\n"
      "tool: error: broken\n" },
    { "quiet_bar", FERRY_PROGRESS_BAR, true,
      "tool: warning: careful\n"
      "tool: error: broken\n" },
};

static void test_progress_plain_output(void **state)
{
    char text[TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < FERRY_COUNT(rows); i++) {
        run_all(rows[i].style, rows[i].quiet, text);
        cut_rates(text);
        if (strcmp(text, rows[i].want) != 0)
            fail_msg("row \"%s\": %s", rows[i].name, text);
    }
}

static void test_progress_messages_are_clean_and_bounded(void **state)
{
    struct ferry_progress *p = NULL;
    struct ferry_err err;
    struct capture c;
    char text[TEXT_MAX], longer[10000];

    (void)state;
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    CHECK_OK(ferry_progress_new("tool", FERRY_PROGRESS_NONE, false, &p, &err));
    capture_begin(&c);
    ferry_progress_say(p, "a\033[2Jb\ntool: verified");
    ferry_progress_warn(p, "%s", longer);
    capture_end(&c, text, sizeof(text));
    ferry_progress_free(p);
    assert_memory_equal(text, "tool: a?[2Jb?tool: verified\n", 28);
    assert_true(strlen(text + 28) <= 4096);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void test_progress_free_of_nothing(void **state)
{
    (void)state;
    ferry_progress_free(NULL);
}

static void *add_many(void *arg)
{
    struct ferry_progress *p = arg;

    for (int i = 0; i < 2000; i++) {
        ferry_progress_add(p, 1024, 1);
        if (i % 500 == 0)
            ferry_progress_say(p, "message %d", i);
    }
    return NULL;
}

static void test_progress_from_many_threads(void **state)
{
    struct ferry_progress *p = NULL;
    struct ferry_err err;
    struct capture c;
    char text[TEXT_MAX];
    pthread_t threads[4];
    int started = 0, lines = 0;

    (void)state;
    capture_begin(&c);
    if (ferry_progress_new("tool", FERRY_PROGRESS_PLAIN, false, &p, &err) == 0) {
        ferry_progress_phase(p, "working", 8000 * 1024, 8000);
        while (started < 4 && pthread_create(&threads[started], NULL, add_many, p) == 0)
            started++;
        for (int i = 0; i < started; i++)
            pthread_join(threads[i], NULL);
        ferry_progress_free(p);
    }
    capture_end(&c, text, sizeof(text));
    assert_int_equal(started, 4);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        assert_true(strncmp(line, "tool: ", 6) == 0);
        lines++;
    }
    assert_int_equal(lines, 17);
    assert_non_null(strstr(text, "tool: working  100%  7.8 MiB / 7.8 MiB  8000/8000 items  in "));
}

/* A terminal of our own in place of stderr. */
struct terminal {
    int before;
    int master;
    char *text; /* what it has shown; room for TEXT_MAX */
    size_t len;
};

static bool terminal_begin(struct terminal *t, unsigned short columns)
{
    struct winsize size = { .ws_row = 25, .ws_col = columns };
    char name[128];
    int slave;

    t->before = dup(STDERR_FILENO);
    t->master = posix_openpt(O_RDWR | O_NOCTTY);
    if (t->master < 0 || grantpt(t->master) != 0 || unlockpt(t->master) != 0 ||
        ptsname_r(t->master, name, sizeof(name)) != 0)
        return false;
    slave = open(name, O_RDWR | O_NOCTTY);
    if (slave < 0 || ioctl(slave, TIOCSWINSZ, &size) != 0)
        return false;
    dup2(slave, STDERR_FILENO);
    close(slave);
    return true;
}

/* Until it has shown `mark`, or has had nothing to show for `ms`. */
static void terminal_read(struct terminal *t, const char *mark, int ms)
{
    struct pollfd more = { .fd = t->master, .events = POLLIN };
    ssize_t got = 1;

    while (got > 0 && t->len < TEXT_MAX - 1 && !(mark && strstr(t->text, mark)) &&
           poll(&more, 1, ms) > 0) {
        got = read(t->master, t->text + t->len, TEXT_MAX - 1 - t->len);
        t->len += got > 0 ? (size_t)got : 0;
        t->text[t->len] = '\0';
    }
}

static void terminal_end(struct terminal *t)
{
    /* While stderr still holds the slave's side what was written can be read; the kernel hands it
     * over in its own time. */
    terminal_read(t, NULL, 200);
    dup2(t->before, STDERR_FILENO);
    close(t->before);
    close(t->master);
}

static void run_on_terminal(unsigned short columns, char text[TEXT_MAX])
{
    const bool live = strcmp(getenv("TERM"), "dumb") != 0;
    struct terminal t = { .text = text };
    struct ferry_progress *p = NULL;
    struct ferry_err err;
    bool made;

    text[0] = '\0';
    made = terminal_begin(&t, columns);
    if (made && ferry_progress_new("tool", FERRY_PROGRESS_AUTO, false, &p, &err) == 0) {
        ferry_progress_phase(p, "exporting", 4096, 7);
        ferry_progress_add(p, 1024, 2);
        if (live)
            terminal_read(&t, "\033[K", 10000);
        ferry_progress_warn(p, "careful");
        if (live)
            terminal_read(&t, "careful\r\n\r", 10000); /* drawn again */
        ferry_progress_free(p);
    }
    terminal_end(&t);
    assert_true(made);
}

static void test_progress_live_line(void **state)
{
    char text[TEXT_MAX];
    const char *warning;

    (void)state;
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    run_on_terminal(100, text);
    assert_true(strncmp(text, "\rexporting  25%  1.0 KiB / 4.0 KiB  ", 36) == 0);
    assert_non_null(strstr(text, "KiB/s  ETA 0:0"));
    assert_non_null(strstr(text, "  2/7 items\033[K"));
    warning = strstr(text, "\r\033[Ktool: \033[33mwarning:\033[0m careful\r\n");
    assert_non_null(warning);                                 /* the line is wiped before it, */
    assert_non_null(strstr(warning, "\n\rexporting"));        /* drawn again after it, */
    assert_string_equal(text + strlen(text) - 4, "\r\033[K"); /* and wiped at the end */
}

static void test_progress_no_color(void **state)
{
    char text[TEXT_MAX];

    (void)state;
    setenv("TERM", "xterm", 1);
    setenv("NO_COLOR", "1", 1);
    run_on_terminal(100, text);
    unsetenv("NO_COLOR");
    assert_non_null(strstr(text, "\r\033[Ktool: warning: careful\r\n"));
}

static void test_progress_dumb_terminal_is_plain(void **state)
{
    char text[TEXT_MAX];

    (void)state;
    setenv("TERM", "dumb", 1);
    run_on_terminal(100, text);
    assert_null(strchr(text, '\033'));
    assert_non_null(strstr(text, "tool: exporting  25%"));
}

static void test_progress_fits_the_terminal(void **state)
{
    static const unsigned short widths[] = { 1, 5, 16, 20, 40, 60 };
    char text[TEXT_MAX];

    (void)state;
    setenv("TERM", "xterm", 1);
    for (size_t i = 0; i < FERRY_COUNT(widths); i++) {
        const char *end;

        run_on_terminal(widths[i], text);
        end = strstr(text, "\033[K");
        assert_non_null(end);
        assert_true(end - text - 1 <= (widths[i] > 1 ? widths[i] - 1 : 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_progress_plain_output),
        cmocka_unit_test(test_progress_messages_are_clean_and_bounded),
        cmocka_unit_test(test_progress_free_of_nothing),
        cmocka_unit_test(test_progress_from_many_threads),
        cmocka_unit_test(test_progress_live_line),
        cmocka_unit_test(test_progress_no_color),
        cmocka_unit_test(test_progress_dumb_terminal_is_plain),
        cmocka_unit_test(test_progress_fits_the_terminal),
    };

    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
