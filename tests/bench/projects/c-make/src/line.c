#include <stdlib.h>
#include <string.h>

#include "tally.h"

/* 127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326 */
int line_parse(const char *line, struct request *request)
{
    const char *quote = strchr(line, '"');
    const char *path = quote ? strchr(quote + 1, ' ') : NULL;
    if (!path)
        return 0;
    path++;
    const char *end = strpbrk(path, " ?\"");
    const char *close = strchr(path, '"');
    if (!end || !close)
        return 0;
    size_t length = (size_t)(end - path);
    if (length >= PATH_LENGTH)
        length = PATH_LENGTH - 1;
    memcpy(request->path, path, length);
    request->path[length] = '\0';
    char *rest;
    request->status = (int)strtol(close + 1, &rest, 10);
    request->bytes = strtol(rest, NULL, 10);
    return request->status >= 100 && request->status < 600;
}
