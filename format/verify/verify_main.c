#include "format/verify/verify_opts.h"

int main(int argc, char **argv)
{
    return ferry_verify_main(argc, argv);
}
