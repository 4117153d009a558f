/* The floor for a client of libcurl: its multi interface in a plain loop, and nothing else. What a program
 * takes above this is its own doing. See libcurl's docs/examples/multi-app.c and curl_multi_poll(3).
 *
 *     bare_multi FILE TRANSFERS     fetches each URL of FILE, one a line, with so many in flight
 *
 * Prints the pages and bytes that came. Exit code 1 when any request failed. */
#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

enum {
    MAX_TRANSFERS = 10000,
    RECEIVE_BUFFER = 64 << 10, /* measured: a page of 20 KiB then takes one read in place of two */
    WAIT_MS = 1000,
};

struct job {
    CURLM *multi;
    FILE *list;
    char *line;
    size_t line_size;
    uint64_t pages, bytes, failed;
    int active;
};

static size_t on_body(char *data, size_t one, size_t n, void *context)
{
    (void)data;
    (void)one;
    *(uint64_t *)context += n;
    return n;
}

/* False at the end of the list. */
static bool begin_next(struct job *job, CURL *easy)
{
    ssize_t len = getline(&job->line, &job->line_size, job->list);
    if (len <= 0)
        return false;
    job->line[strcspn(job->line, "\n")] = '\0';
    if (curl_easy_setopt(easy, CURLOPT_URL, job->line) != CURLE_OK ||
        curl_multi_add_handle(job->multi, easy) != CURLM_OK) {
        job->failed++;
        return false;
    }
    job->active++;
    return true;
}

static void take_done(struct job *job)
{
    const CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(job->multi, &left))) {
        CURL *easy = message->easy_handle;
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        job->pages++;
        job->failed += message->data.result != CURLE_OK || status != 200;
        job->active--;
        curl_multi_remove_handle(job->multi, easy);
        begin_next(job, easy);
    }
}

static bool run(struct job *job)
{
    while (job->active > 0) {
        int running;
        if (curl_multi_perform(job->multi, &running) != CURLM_OK)
            return false;
        take_done(job);
        if (job->active > 0 && curl_multi_poll(job->multi, NULL, 0, WAIT_MS, NULL) != CURLM_OK)
            return false;
    }
    return true;
}

static CURL *new_transfer(struct job *job)
{
    CURL *easy = curl_easy_init();
    if (easy && (curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK ||
                 curl_easy_setopt(easy, CURLOPT_WRITEDATA, &job->bytes) != CURLE_OK ||
                 curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) != CURLE_OK ||
                 curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER) != CURLE_OK)) {
        curl_easy_cleanup(easy);
        return NULL;
    }
    return easy;
}

static bool fetch_all(struct job *job, CURL **easies, int n)
{
    for (int i = 0; i < n; i++) {
        easies[i] = new_transfer(job);
        if (!easies[i])
            return false;
        if (!begin_next(job, easies[i]))
            break;
    }
    bool ran = run(job);
    for (int i = 0; i < n; i++) {
        curl_multi_remove_handle(job->multi, easies[i]);
        curl_easy_cleanup(easies[i]);
    }
    return ran;
}

int main(int argc, char **argv)
{
    int n = argc == 3 ? atoi(argv[2]) : 0;
    if (n < 1 || n > MAX_TRANSFERS) {
        fputs("usage: bare_multi FILE TRANSFERS\n", stderr);
        return 2;
    }
    struct job job = {.list = fopen(argv[1], "re")};
    CURL **easies = calloc((size_t)n, sizeof *easies);
    bool ok = job.list && easies && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    job.multi = ok ? curl_multi_init() : NULL;
    ok = job.multi && curl_multi_setopt(job.multi, CURLMOPT_MAXCONNECTS, (long)n) == CURLM_OK &&
         fetch_all(&job, easies, n);
    printf("%llu pages, %llu bytes, %llu failed\n", (unsigned long long)job.pages,
           (unsigned long long)job.bytes, (unsigned long long)job.failed);
    curl_multi_cleanup(job.multi);
    curl_global_cleanup();
    free(easies);
    free(job.line);
    if (job.list)
        fclose(job.list);
    return ok && job.failed == 0 ? 0 : 1;
}
