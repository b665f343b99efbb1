/*
 * A registry in this process that plays a script: for testing what a client does.
 *
 * What it is: a listening socket on 127.0.0.1 and a thread for each connection. A request is
 * answered by the first step of the script that fits its method and path and is not used up; none
 * fits: 599. Everything that was asked is recorded.
 * Owns: the stub owns its records, and copies a script with all its texts.
 * Fails: by ending the test program; a test that cannot listen is no test.
 * Threads: any.
 * Limits: 64 connections, 4096 requests, bodies are kept up to 8 MiB.
 */
#ifndef FERRY_TESTS_STUB_REGISTRY_H
#define FERRY_TESTS_STUB_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>

enum stub_action {
    STUB_REPLY,       /* and keep the connection */
    STUB_CLOSE,       /* without a word, after the request was read */
    STUB_CLOSE_AFTER, /* reply, then close without having said so */
    STUB_CUT,         /* send `cut` bytes of the body, then close */
    STUB_STALL,       /* send `cut` bytes of the reply's body, then nothing until the stop */
    STUB_EARLY,       /* reply before the request's body is read, then close */
    STUB_BREAK        /* read `cut` bytes of the request's body, then close without a word */
};

struct stub_step {
    const char *method; /* NULL: any */
    const char *path;   /* what the path begins with; NULL: any */
    const char *expect; /* a line that the request's head must hold, or NULL */
    int status;         /* 0: 200 */
    const char
        *headers;     /* "Name: value\r\n" each, or NULL; a Content-Length replaces the right one */
    const char *body; /* or NULL */
    size_t body_len;  /* 0: strlen(body) */
    enum stub_action action;
    size_t cut;
    int times;   /* 0: once; -1: always */
    bool ranges; /* a Range is answered: 206 and that part of the body */
};

struct stub_request {
    char method[16];
    char path[2048];
    char authorization[1024]; /* "" when there was none */
    char head[4096];          /* all of it, cut */
    const char *body;
    size_t body_len;
    int connection; /* 0, 1, ... in order of arrival */
};

struct stub_registry;

struct stub_registry *stub_start(void);
void stub_stop(struct stub_registry *stub); /* NULL is legal */
int stub_port(const struct stub_registry *stub);

/* Replaces the script, all steps unused, and forgets the records. */
void stub_script(struct stub_registry *stub, const struct stub_step *steps, size_t count);

/* How many requests came; how many to paths that begin so. */
size_t stub_count(struct stub_registry *stub);
size_t stub_count_path(struct stub_registry *stub, const char *path);

/* A copy of the nth request; its body stays the stub's. */
struct stub_request stub_request(struct stub_registry *stub, size_t n);

#endif
