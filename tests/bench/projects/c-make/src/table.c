#include <stdlib.h>
#include <string.h>

#include "tally.h"

void table_init(struct table *table)
{
    memset(table, 0, sizeof *table);
}

static struct sum *find(struct table *table, const struct request *request)
{
    for (size_t at = 0; at < table->used; at++) {
        struct sum *sum = &table->sums[at];
        if (sum->status == request->status && strcmp(sum->path, request->path) == 0)
            return sum;
    }
    return NULL;
}

int table_add(struct table *table, const struct request *request)
{
    struct sum *sum = find(table, request);
    if (!sum) {
        if (table->used == table->size) {
            size_t size = table->size ? 2 * table->size : 64;
            struct sum *sums = realloc(table->sums, size * sizeof *sums);
            if (!sums)
                return 0;
            table->sums = sums;
            table->size = size;
        }
        sum = &table->sums[table->used++];
        memset(sum, 0, sizeof *sum);
        strcpy(sum->path, request->path);
        sum->status = request->status;
    }
    sum->requests++;
    sum->bytes += request->bytes;
    return 1;
}

static int by_requests(const void *left, const void *right)
{
    const struct sum *a = left, *b = right;
    if (a->requests != b->requests)
        return a->requests < b->requests ? 1 : -1;
    return strcmp(a->path, b->path);
}

void table_sort(struct table *table)
{
    qsort(table->sums, table->used, sizeof *table->sums, by_requests);
}

void table_free(struct table *table)
{
    free(table->sums);
    table_init(table);
}
