#ifndef TALLY_H
#define TALLY_H

#include <stddef.h>

enum { PATH_LENGTH = 256 };

struct request {
    char path[PATH_LENGTH];
    int status;
    long bytes;
};

struct sum {
    char path[PATH_LENGTH];
    int status;
    long requests;
    long bytes;
};

struct table {
    struct sum *sums;
    size_t used;
    size_t size;
};

/* Returns 1 if the line of an access log was understood. */
int line_parse(const char *line, struct request *request);

void table_init(struct table *table);
int table_add(struct table *table, const struct request *request);
void table_sort(struct table *table);
void table_free(struct table *table);

void report_print(const struct table *table, size_t most);

/* Returns 0 if all sums were written to the database. */
int store_write(const char *path, const struct table *table);

#endif
