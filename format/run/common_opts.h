/*
 * Rows of option tables that more than one program has. `opts` is the program's options struct,
 * with the members that the rows name.
 */
#ifndef FERRY_RUN_COMMON_OPTS_H
#define FERRY_RUN_COMMON_OPTS_H

#include <stddef.h>

#include "format/run/opt.h"
#include "format/run/progress.h"

/* Members: bool quiet, json; int progress (enum ferry_progress_style). */
#define FERRY_OUTPUT_OPTIONS(opts)                                                                 \
    { .letter = 'q',                                                                               \
      .name = "quiet",                                                                             \
      .type = FERRY_OPT_FLAG,                                                                      \
      .offset = offsetof(opts, quiet),                                                             \
      .help = "say nothing but warnings and errors" },                                             \
        { .name = "json",                                                                          \
          .type = FERRY_OPT_FLAG,                                                                  \
          .offset = offsetof(opts, json),                                                          \
          .help = "print the result as JSON on stdout" },                                          \
    {                                                                                              \
        .name = "progress", .type = FERRY_OPT_CHOICE, .offset = offsetof(opts, progress),          \
        .choices = "auto|bar|plain|none", .help = "how progress is shown on stderr"                \
    }

/* Members: struct ferry_list trust; bool require_signature. */
#define FERRY_TRUST_OPTIONS(opts)                                                                  \
    { .name = "trust",                                                                             \
      .type = FERRY_OPT_LIST,                                                                      \
      .offset = offsetof(opts, trust),                                                             \
      .argument = "PEM",                                                                           \
      .help = "trust the certificates in PEM to sign the archive, those of signers or of "         \
              "authorities; a signature by nobody else will do; repeatable" },                     \
    {                                                                                              \
        .name = "require-signature", .type = FERRY_OPT_FLAG,                                       \
        .offset = offsetof(opts, require_signature),                                               \
        .help = "refuse an archive that is not signed"                                             \
    }

/* Member: bool volume_prompt. */
#define FERRY_VOLUME_OPTIONS(opts)                                                                 \
    {                                                                                              \
        .name = "volume-prompt", .type = FERRY_OPT_FLAG, .offset = offsetof(opts, volume_prompt),  \
        .help = "ask on the terminal for each volume that is not there, and read them one by one"  \
    }

/* Members: int jobs; bool dry_run; struct ferry_session_options wire; struct ferry_list plain_http,
 * insecure. */
#define FERRY_WIRE_OPTIONS(opts)                                                                   \
    { .letter = 'j',                                                                               \
      .name = "jobs",                                                                              \
      .type = FERRY_OPT_INT,                                                                       \
      .offset = offsetof(opts, jobs),                                                              \
      .argument = "N",                                                                             \
      .help = "use N connections at once (1 to 64; default 6)",                                    \
      .low = 1,                                                                                    \
      .high = 64 },                                                                                \
        { .name = "dry-run",                                                                       \
          .type = FERRY_OPT_FLAG,                                                                  \
          .offset = offsetof(opts, dry_run),                                                       \
          .help = "say what would be done, and stop" },                                            \
        { .name = "authfile",                                                                      \
          .type = FERRY_OPT_TEXT,                                                                  \
          .offset = offsetof(opts, wire.authfile),                                                 \
          .argument = "FILE",                                                                      \
          .help = "credentials from FILE (containers auth.json or docker config.json)" },          \
        { .name = "creds",                                                                         \
          .type = FERRY_OPT_TEXT,                                                                  \
          .offset = offsetof(opts, wire.creds),                                                    \
          .argument = "USER[:PASSWORD]",                                                           \
          .help = "credentials for every registry that asks" },                                    \
        { .name = "cacert",                                                                        \
          .type = FERRY_OPT_TEXT,                                                                  \
          .offset = offsetof(opts, wire.cacert),                                                   \
          .argument = "FILE",                                                                      \
          .help = "trust the certificate authorities in FILE (PEM) as well" },                     \
        { .name = "cert",                                                                          \
          .type = FERRY_OPT_TEXT,                                                                  \
          .offset = offsetof(opts, wire.cert),                                                     \
          .argument = "FILE",                                                                      \
          .help = "show the client certificate in FILE (PEM) to registries" },                     \
        { .name = "key",                                                                           \
          .type = FERRY_OPT_TEXT,                                                                  \
          .offset = offsetof(opts, wire.key),                                                      \
          .argument = "FILE",                                                                      \
          .help = "its key (PEM), where it is not in the same file" },                             \
        { .name = "cert-dir",                                                                      \
          .type = FERRY_OPT_TEXT,                                                                  \
          .offset = offsetof(opts, wire.cert_dir),                                                 \
          .argument = "DIR",                                                                       \
          .help = "certificates from DIR (*.crt, *.cert and *.key) in place of certs.d folders" }, \
        { .name = "plain-http",                                                                    \
          .type = FERRY_OPT_HOSTS,                                                                 \
          .offset = offsetof(opts, plain_http),                                                    \
          .argument = "HOST",                                                                      \
          .help = "speak plain HTTP, to HOST or to every registry" },                              \
        { .name = "insecure",                                                                      \
          .type = FERRY_OPT_HOSTS,                                                                 \
          .offset = offsetof(opts, insecure),                                                      \
          .argument = "HOST",                                                                      \
          .help = "do not check certificates, of HOST or of any registry" },                       \
        { .name = "retries",                                                                       \
          .type = FERRY_OPT_INT,                                                                   \
          .offset = offsetof(opts, wire.retries),                                                  \
          .argument = "N",                                                                         \
          .help = "try again N times without progress (0 to 100; default 5)",                      \
          .high = 100 },                                                                           \
        { .name = "limit-rate",                                                                    \
          .type = FERRY_OPT_SIZE,                                                                  \
          .offset = offsetof(opts, wire.limit_rate),                                               \
          .argument = "RATE",                                                                      \
          .help = "move at most RATE bytes a second, over all connections together (10M)" },       \
        { .letter = 'v',                                                                           \
          .name = "verbose",                                                                       \
          .type = FERRY_OPT_FLAG,                                                                  \
          .offset = offsetof(opts, wire.verbose),                                                  \
          .help = "say each request and its reply, without secrets" },                             \
    {                                                                                              \
        .name = "timeout", .type = FERRY_OPT_INT, .offset = offsetof(opts, wire.stall_seconds),    \
        .argument = "SECONDS",                                                                     \
        .help = "give up on a server that is silent for SECONDS (default 60; behind a proxy, "     \
                "which may scan first, 600)",                                                      \
        .low = 1, .high = 86400                                                                    \
    }

#define FERRY_JOBS_DEFAULT 6
#define FERRY_RETRIES_DEFAULT 5

#endif
