/*
 * The error object, the codes, and the exit statuses.
 *
 * What it is: a function that can fail returns 0 or a negative `enum ferry_code` and fills the
 * `struct ferry_err` that its caller lent it (always the last parameter, never NULL). ferry_fail()
 * is called once, where the fault is found; ferry_wrap() prepends context on the way up, so that a
 * message reads from the outside in: "export docker.io/library/x:1: blob sha256:ab..: ...".
 * Owns: nothing; the object is plain memory that can be copied, moved between threads and dropped.
 * Fails: never. A message that does not fit is cut. Control characters and broken UTF-8 in a
 * message, which may have come from a registry or an archive, are replaced by '?', so that it can
 * be printed anywhere and put into JSON.
 */
#ifndef FERRY_CORE_ERR_H
#define FERRY_CORE_ERR_H

/* Each code answers: what does the caller do differently? */
enum ferry_code {
    FERRY_OK = 0,
    FERRY_ENOMEM = -1,    /* no memory */
    FERRY_EUSAGE = -2,    /* the command line or a file of the user's is wrong */
    FERRY_EIO = -3,       /* the local system refused: open, write, no space, ... */
    FERRY_ENET = -4,      /* the network or a server failed after all retries */
    FERRY_EAUTH = -5,     /* credentials are missing, wrong, or not enough */
    FERRY_ENOTFOUND = -6, /* the repository, tag, blob or image does not exist */
    FERRY_EDIGEST = -7,   /* the bytes are not what their digest and size say */
    FERRY_EFORMAT = -8,   /* the bytes are not what the format demands */
    FERRY_ELIMIT = -9,    /* a named limit was exceeded */
    FERRY_ECANCEL = -10,  /* the user asked to stop */
    FERRY_EREFUSED = -11, /* a server answered, and did not do what was asked; asking again would
                             not help */
    FERRY_ESTALL = -12,   /* a server was silent too long: asking again would wait as long again */
    FERRY_EUNTRUSTED = -13, /* nobody who is trusted vouches for it */
    FERRY_EPROTOCOL = -14,  /* a server's answer makes no sense: asking again would not help */
    FERRY_EUNFIT = -15      /* an archive has an entry that none may have: it is not to be used */
};

/* Exit statuses of the three programs (README.md, man pages; a test compares them). */
enum ferry_exit {
    FERRY_EXIT_DONE = 0,
    FERRY_EXIT_FAILED = 1,
    FERRY_EXIT_USAGE = 2,
    FERRY_EXIT_VERIFY = 3,
    FERRY_EXIT_AUTH = 4,
    FERRY_EXIT_NETWORK = 5,
    FERRY_EXIT_PARTIAL = 6
};

#define FERRY_ERR_MAX 1000

struct ferry_err {
    enum ferry_code code;
    char msg[FERRY_ERR_MAX];
};

#define FERRY_MUST_USE __attribute__((warn_unused_result))
#define FERRY_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Returns the code from the enclosing function if `expr` failed. */
#define FERRY_TRY(expr)                                                                            \
    do {                                                                                           \
        int ferry_rc_ = (expr);                                                                    \
        if (ferry_rc_ < 0)                                                                         \
            return ferry_rc_;                                                                      \
    } while (0)

/* Fills *err and returns `code`. */
int ferry_fail(struct ferry_err *err, enum ferry_code code, const char *fmt, ...)
    FERRY_PRINTF(3, 4);

/* ferry_fail(FERRY_ENOMEM) with its one message. */
int ferry_fail_memory(struct ferry_err *err);

/* Prepends "context: " to the message and returns err->code. */
int ferry_wrap(struct ferry_err *err, const char *fmt, ...) FERRY_PRINTF(2, 3);

/* The document was a server's, not an archive's: FERRY_EFORMAT and FERRY_ELIMIT become
 * FERRY_EPROTOCOL. Returns err->code. */
int ferry_blame_server(struct ferry_err *err);

#ifdef __clang_analyzer__
/* It looks at one file at a time, and would follow failures that return 0. */
#define ferry_fail(err, code, ...) (ferry_fail(err, code, __VA_ARGS__), (int)(code))
#define ferry_fail_memory(err) (ferry_fail_memory(err), (int)FERRY_ENOMEM)
#define ferry_wrap(err, ...) (ferry_wrap(err, __VA_ARGS__), -1)
#endif

/* The exit status of a program whose work ended with `code`. */
int ferry_exit_status(enum ferry_code code);

/* What an exit status means, for the help; NULL past the last one. */
const char *ferry_exit_text(int status);

/* Makes foreign text fit for a terminal, in place: control characters (C0, DEL, C1, so newlines as
 * well), those that turn the direction of text, and bytes that are not UTF-8 become '?'. */
void ferry_text_clean(char *text);

#endif
