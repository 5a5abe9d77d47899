#include <stdio.h>

#include "tally.h"

void report_print(const struct table *table, size_t most)
{
    long requests = 0, bytes = 0;
    for (size_t at = 0; at < table->used; at++) {
        const struct sum *sum = &table->sums[at];
        requests += sum->requests;
        bytes += sum->bytes;
        if (at < most)
            printf("%8ld  %3d  %s\n", sum->requests, sum->status, sum->path);
    }
    printf("requests in all: %ld\n", requests);
    printf("bytes in all: %ld\n", bytes);
}
