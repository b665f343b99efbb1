#include "export/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "format/core/blob_file.h"

/* Byte by byte: nothing of it stays in a buffer, nor is anything behind it taken. */
static int read_line(int fd, char *out, size_t cap, size_t *len, struct ferry_err *err)
{
    size_t got;
    char c;

    for (*len = 0;; out[(*len)++] = c) {
        FERRY_TRY(ferry_fd_read(fd, &c, 1, &got, err));
        if (got == 0 || c == '\n')
            break;
        if (*len == cap)
            return ferry_fail(err, FERRY_EUSAGE, "a passphrase of more than %zu bytes", cap);
    }
    if (*len > 0 && out[*len - 1] == '\r')
        --*len;
    return *len > 0 ? 0 : ferry_fail(err, FERRY_EUSAGE, "an empty passphrase");
}

int ferry_passphrase_read(const char *path, char *out, size_t cap, size_t *len,
                          struct ferry_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

    if (fd < 0)
        return ferry_fail(err, FERRY_EUSAGE, "--sign-pass-file %s: %s", path, strerror(errno));
    rc = read_line(fd, out, cap, len, err);
    close(fd);
    return rc < 0 ? ferry_wrap(err, "--sign-pass-file %s", path) : 0;
}

static int ask(int terminal, const char *key, char *out, size_t cap, size_t *len,
               struct ferry_err *err)
{
    struct termios before, silent;
    char prompt[300];
    int rc;

    if (tcgetattr(terminal, &before) < 0)
        return ferry_fail(err, FERRY_EUSAGE, "/dev/tty: %s", strerror(errno));
    silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    if (tcsetattr(terminal, TCSAFLUSH, &silent) < 0)
        return ferry_fail(err, FERRY_EUSAGE, "/dev/tty: %s", strerror(errno));
    snprintf(prompt, sizeof(prompt), "passphrase of %s: ", key);
    ferry_text_clean(prompt);
    rc = ferry_fd_write(terminal, prompt, strlen(prompt), err);
    if (rc == 0)
        rc = read_line(terminal, out, cap, len, err);
    (void)!write(terminal, "\n", 1); /* the one that was typed was not shown */
    tcsetattr(terminal, TCSAFLUSH, &before);
    return rc;
}

int ferry_passphrase_ask(const char *key, char *out, size_t cap, size_t *len, struct ferry_err *err)
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY), rc;

    if (terminal < 0)
        return ferry_fail(err, FERRY_EUSAGE,
                          "it wants a passphrase, and there is no terminal to ask at: name a file "
                          "with --sign-pass-file");
    rc = ask(terminal, key, out, cap, len, err);
    close(terminal);
    return rc;
}
