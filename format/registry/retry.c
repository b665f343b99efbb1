#include "format/registry/retry.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "format/core/cancel.h"

#define DELAY_FIRST_MS 200
#define DELAY_MAX_MS 10000
#define SLICE_MS 100

int64_t ferry_retry_delay(int attempt)
{
    int64_t delay = DELAY_FIRST_MS;
    uint16_t dice = 0x8000;

    while (attempt-- > 1 && delay < DELAY_MAX_MS)
        delay *= 2;
    if (delay > DELAY_MAX_MS)
        delay = DELAY_MAX_MS;
    if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) != sizeof(dice))
        dice = 0x8000;
    return delay * 3 / 4 + delay / 2 * dice / 0xffff;
}

int64_t ferry_retry_after(const char *value)
{
    int64_t ms = 0;

    if (!value || *value == '\0')
        return -1;
    if (strspn(value, "0123456789") == strlen(value)) {
        for (; *value && ms < FERRY_RETRY_AFTER_MAX_MS; value++)
            ms = ms * 10 + (int64_t)(*value - '0') * 1000;
    } else {
        time_t then = curl_getdate(value, NULL);
        time_t now = time(NULL);

        if (then < 0)
            return -1;
        ms = then > now ? (int64_t)(then - now) * 1000 : 0;
    }
    return ms < FERRY_RETRY_AFTER_MAX_MS ? ms : FERRY_RETRY_AFTER_MAX_MS;
}

bool ferry_retry_status(int status)
{
    return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
}

int ferry_retry_wait(int64_t ms, struct ferry_err *err)
{
    while (ms > 0) {
        const int64_t slice = ms < SLICE_MS ? ms : SLICE_MS;
        const struct timespec nap = { .tv_nsec = slice * 1000000 };

        FERRY_TRY(ferry_cancel_check(err));
        nanosleep(&nap, NULL);
        ms -= slice;
    }
    return ferry_cancel_check(err);
}
