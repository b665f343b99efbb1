#include "export/export.h"

int main(int argc, char **argv)
{
    return ferry_export_main(argc, argv);
}
