#include "import/import.h"

int main(int argc, char **argv)
{
    return ferry_import_main(argc, argv);
}
