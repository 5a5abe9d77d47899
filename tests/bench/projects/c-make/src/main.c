#include <stdio.h>

#include "tally.h"

int main(int count, char **arguments)
{
    if (count < 2 || count > 3) {
        fprintf(stderr, "usage: %s LOG [DATABASE]\n", arguments[0]);
        return 2;
    }
    FILE *log = fopen(arguments[1], "r");
    if (!log) {
        perror(arguments[1]);
        return 1;
    }
    struct table table;
    struct request request;
    char line[4096];
    table_init(&table);
    while (fgets(line, sizeof line, log))
        if (line_parse(line, &request) && !table_add(&table, &request))
            return 1;
    fclose(log);
    table_sort(&table);
    report_print(&table, 20);
    int failed = count == 3 && store_write(arguments[2], &table);
    table_free(&table);
    return failed;
}
