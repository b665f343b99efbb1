#include "format/run/prompt.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "format/core/blob_file.h"

/* Reads up to the end of a line: *yes unless it begins with 'q', or the terminal is gone. */
static int read_answer(int tty, bool *yes, struct ferry_err *err)
{
    char first = '\0', c = '\0';
    size_t got = 1;

    while (got > 0 && c != '\n') {
        FERRY_TRY(ferry_fd_read(tty, &c, 1, &got, err));
        first = first ? first : c;
    }
    *yes = got > 0 && first != 'q' && first != 'Q';
    return 0;
}

static int ask(int tty, const char *what, bool *yes, struct ferry_err *err)
{
    char question[FERRY_ERR_MAX + 80];
    int len = snprintf(question, sizeof(question),
                       "%s: insert its medium and press Enter, or q to give up: ", what);

    FERRY_TRY(ferry_fd_write(tty, question, (size_t)len, err));
    return read_answer(tty, yes, err);
}

int ferry_prompt_for(void *progress, const char *what, struct ferry_err *err)
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY), rc;
    char text[FERRY_ERR_MAX];
    bool yes = false;

    snprintf(text, sizeof(text), "%s", what);
    ferry_text_clean(text);
    if (tty < 0)
        return ferry_fail(err, FERRY_EFORMAT, "%s, and there is no terminal to ask on", text);
    ferry_progress_pause(progress);
    rc = ask(tty, text, &yes, err);
    ferry_progress_resume(progress);
    close(tty);
    if (rc == FERRY_EIO) /* it went away */
        return ferry_fail(err, FERRY_EFORMAT, "%s, and the terminal to ask on is gone", text);
    FERRY_TRY(rc);
    return yes ? 0 : ferry_fail(err, FERRY_EFORMAT, "%s", text);
}
