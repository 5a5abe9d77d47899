#include <sqlite3.h>
#include <stdio.h>

#include "tally.h"

static const char CREATE[] =
    "CREATE TABLE IF NOT EXISTS sums (path TEXT, status INTEGER, requests INTEGER, bytes INTEGER,"
    " PRIMARY KEY (path, status))";
static const char ADD[] =
    "INSERT INTO sums VALUES (?1, ?2, ?3, ?4)"
    " ON CONFLICT DO UPDATE SET requests = requests + ?3, bytes = bytes + ?4";

static int add_all(sqlite3 *database, const struct table *table)
{
    sqlite3_stmt *add;
    if (sqlite3_exec(database, CREATE, NULL, NULL, NULL) != SQLITE_OK)
        return 1;
    if (sqlite3_prepare_v2(database, ADD, -1, &add, NULL) != SQLITE_OK)
        return 1;
    int failed = 0;
    for (size_t at = 0; at < table->used && !failed; at++) {
        const struct sum *sum = &table->sums[at];
        sqlite3_bind_text(add, 1, sum->path, -1, SQLITE_STATIC);
        sqlite3_bind_int(add, 2, sum->status);
        sqlite3_bind_int64(add, 3, sum->requests);
        sqlite3_bind_int64(add, 4, sum->bytes);
        failed = sqlite3_step(add) != SQLITE_DONE;
        sqlite3_reset(add);
    }
    sqlite3_finalize(add);
    return failed;
}

int store_write(const char *path, const struct table *table)
{
    sqlite3 *database;
    int failed = sqlite3_open(path, &database) != SQLITE_OK || add_all(database, table);
    if (failed)
        fprintf(stderr, "tally: %s\n", sqlite3_errmsg(database));
    sqlite3_close(database);
    return failed;
}
