#include "src/bench_rows.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 128 };

enum role { KEPT, LEFT_OUT, FILE_NAME, ERROR_TEXT };

struct reader {
    enum role roles[MAX_COLUMNS];
    size_t n_columns;
    char *line; /* of getline(3) */
    size_t room;
};

static enum role role_of(const char *column)
{
    if (strcmp(column, "seconds") == 0 || strcmp(column, "rank") == 0)
        return LEFT_OUT;
    if (strcmp(column, "file") == 0)
        return FILE_NAME;
    return strcmp(column, "error") == 0 ? ERROR_TEXT : KEPT;
}

/* FNV-1a (Fowler, Noll and Vo) over the file; 0 if it can't be read. */
static uint64_t digest_of(const char *path)
{
    uint64_t digest = 0xcbf29ce484222325;
    FILE *in = fopen(path, "re");
    if (!in)
        return 0;
    for (int c; (c = getc(in)) != EOF;)
        digest = (digest ^ (uint64_t)c) * 0x100000001b3;
    bool good = !ferror(in);
    fclose(in);
    return good ? digest : 0;
}

static bool read_line(struct reader *r, FILE *in)
{
    ssize_t len = getline(&r->line, &r->room, in);
    if (len < 0)
        return false;
    r->line[strcspn(r->line, "\n")] = '\0';
    return true;
}

static void read_header(struct reader *r)
{
    char *rest = r->line;
    for (char *name; r->n_columns < MAX_COLUMNS && (name = strsep(&rest, "\t"));)
        r->roles[r->n_columns++] = role_of(name);
}

/* The line without what is left out, malloc'd; NULL: no memory. An error is noted. */
static char *reduced(struct reader *r, struct bench_rows *rows)
{
    char *text = NULL, *rest = r->line;
    size_t len = 0, column = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return NULL;
    for (char *cell; (cell = strsep(&rest, "\t")); column++) {
        enum role role = column < r->n_columns ? r->roles[column] : KEPT;
        if (role == FILE_NAME && *cell)
            fprintf(out, "[%016llx]\t", (unsigned long long)digest_of(cell));
        else if (role != LEFT_OUT)
            fprintf(out, "%s\t", cell);
        if (role == ERROR_TEXT && *cell && rows->failed++ == 0)
            rows->failure = strdup(cell);
    }
    bool good = !ferror(out);
    if (fclose(out) == 0 && good)
        return text;
    free(text);
    return NULL;
}

static bool keep(struct bench_rows *rows, char *row)
{
    if ((rows->n & (rows->n - 1)) == 0) { /* full: there is room for a power of two */
        char **more = realloc(rows->rows, (rows->n ? 2 * rows->n : 1) * sizeof *more);
        if (!more)
            return false;
        rows->rows = more;
    }
    rows->rows[rows->n++] = row;
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool read_rows(struct reader *r, FILE *in, struct bench_rows *rows)
{
    if (read_line(r, in))
        read_header(r);
    while (read_line(r, in)) {
        char *row = reduced(r, rows);
        if (!row || !keep(rows, row)) {
            free(row);
            errno = ENOMEM;
            return false;
        }
    }
    return !ferror(in);
}

bool bench_rows_read(struct bench_rows *rows, const char *path, char *error, size_t error_size)
{
    struct reader reader = {0};
    *rows = (struct bench_rows){0};
    FILE *in = fopen(path, "re");
    bool good = in && read_rows(&reader, in, rows);
    if (!good)
        snprintf(error, error_size, "cannot read the rows %s: %s", path, strerror(errno));
    if (in)
        fclose(in);
    free(reader.line);
    if (!good)
        bench_rows_free(rows);
    else if (rows->n > 0)
        qsort(rows->rows, rows->n, sizeof *rows->rows, by_text);
    return good;
}

void bench_rows_free(struct bench_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        free(rows->rows[i]);
    free(rows->rows);
    free(rows->failure);
    *rows = (struct bench_rows){0};
}

bool bench_rows_same(const struct bench_rows *a, const struct bench_rows *b, char *difference, size_t size)
{
    size_t i = 0;
    while (i < a->n && i < b->n && strcmp(a->rows[i], b->rows[i]) == 0)
        i++;
    if (i == a->n && i == b->n)
        return true;
    const char *row = i < a->n ? a->rows[i] : b->rows[i];
    if (i < b->n && i < a->n && strcmp(b->rows[i], row) < 0)
        row = b->rows[i];
    snprintf(difference, size, "%s", row);
    return false;
}
