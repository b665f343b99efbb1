#include "format/run/program.h"

#include <locale.h>
#include <malloc.h>

#include "format/run/signals.h"

#define BUFFER_LARGE (512 * 1024)

void ferry_program_start(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    mallopt(M_MMAP_THRESHOLD, BUFFER_LARGE);
    ferry_signals_install();
}
