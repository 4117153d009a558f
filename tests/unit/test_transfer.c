/* Transfers against the embedded origin, in this process. */
#include "io/origin.h"
#include "io/transfer.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define GIVE_UP (30 * SECOND)

enum { MANY = 200 };

/* What one transfer came to. */
struct ended {
    int times;
    enum transfer_end end;
    uint32_t status;
    char error[256], redirect[256], type[64], encoding[64];
    int64_t retry_after;
    size_t body_len;
    bool has_body;
    uint32_t connections;
};

static struct evloop *loop;
static struct origin *origin;

static void copy(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
}

static void on_done(void *context, void *record, struct transfer_result *r)
{
    (void)context;
    struct ended *e = record;
    e->times++;
    e->end = r->end;
    e->status = r->status;
    e->retry_after = r->retry_after;
    e->body_len = r->body_len;
    e->has_body = r->body != NULL;
    e->connections = r->connections;
    copy(e->error, sizeof e->error, r->error);
    copy(e->redirect, sizeof e->redirect, r->redirect);
    copy(e->type, sizeof e->type, r->content_type);
    copy(e->encoding, sizeof e->encoding, r->content_encoding);
    free(r->body);
}

static struct transfer_options defaults(void)
{
    return (struct transfer_options){
        .concurrency = 8, .timeout = 10 * SECOND, .max_body = 1 << 20, .user_agent = "test"};
}

static struct transfers *open_transfers(const struct transfer_options *options)
{
    const char *error;
    struct transfers *t = transfers_new(options, loop, on_done, NULL, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    return t;
}

static void run_until_idle(struct transfers *t)
{
    int64_t end = evloop_now() + GIVE_UP;
    while (transfers_active(t) > 0 && evloop_now() < end) {
        int64_t now = evloop_now(), due = transfers_deadline(t);
        int64_t wait = due < now ? 0 : due - now;
        evloop_wait(loop, wait < SECOND ? wait : SECOND);
        transfers_run(t, evloop_now());
    }
    CU_ASSERT_EQUAL(transfers_active(t), 0);
}

static void url_of(const char *path, char *url, size_t size)
{
    snprintf(url, size, "http://127.0.0.1:%u%s", origin_port(origin), path);
}

static struct ended fetch(const struct transfer_options *options, const char *path)
{
    struct ended e = {0};
    char url[512];
    struct transfers *t = open_transfers(options);
    url_of(path, url, sizeof url);
    CU_ASSERT_TRUE(transfers_start(t, url, &e));
    CU_ASSERT_EQUAL(e.times, 0); /* never from transfers_start */
    run_until_idle(t);
    CU_ASSERT_EQUAL(e.times, 1);
    transfers_free(t);
    return e;
}

static void answers(void)
{
    struct transfer_options o = defaults();
    struct ended e = fetch(&o, "/bytes/1000");
    CU_ASSERT_EQUAL(e.end, TRANSFER_ANSWERED);
    CU_ASSERT_EQUAL(e.status, 200);
    CU_ASSERT_EQUAL(e.body_len, 1000);
    CU_ASSERT_EQUAL(e.connections, 1);
    e = fetch(&o, "/article/1?gzip");
    CU_ASSERT_STRING_EQUAL(e.encoding, "gzip");
    CU_ASSERT_PTR_NOT_NULL(strstr(e.type, "text/html"));
    e = fetch(&o, "/status/404");
    CU_ASSERT_EQUAL(e.end, TRANSFER_ANSWERED);
    CU_ASSERT_EQUAL(e.status, 404);
    CU_ASSERT_FALSE(e.has_body);
    e = fetch(&o, "/redirect/2");
    CU_ASSERT_EQUAL(e.end, TRANSFER_ANSWERED);
    CU_ASSERT_EQUAL(strncmp(e.redirect, "http://127.0.0.1:", 17), 0); /* absolute, and not followed */
    CU_ASSERT_FALSE(e.has_body);
}

static void retry_after_in_both_forms(void)
{
    struct transfer_options o = defaults();
    CU_ASSERT_EQUAL(fetch(&o, "/status/429").retry_after, -1);
    CU_ASSERT_EQUAL(fetch(&o, "/article/1?status=429&retry-after=7").retry_after, 7 * SECOND);
    int64_t dated = fetch(&o, "/article/1?status=503&retry-after-date=30").retry_after;
    CU_ASSERT_TRUE(dated >= 28 * SECOND && dated <= 31 * SECOND); /* dates have whole seconds */
}

static void faults(void)
{
    struct transfer_options o = defaults();
    static const struct {
        const char *path;
        enum transfer_end end;
        const char *says;
    } table[] = {
        {"/article/1?reset=2000", TRANSFER_BROKEN, ""},
        {"/article/1?drop", TRANSFER_BROKEN, "Empty reply"},
        {"/article/1?content-length=99999999", TRANSFER_BROKEN, ""},
        {"/bytes/1048577", TRANSFER_REFUSED, "--max-body"},
        {"/article/1?endless&slow=100000000", TRANSFER_REFUSED, "--max-body"},
        {"/article/1?endless-header&slow=100000000", TRANSFER_REFUSED, ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct ended e = fetch(&o, table[i].path);
        if (e.end != table[i].end || !strstr(e.error, table[i].says))
            printf("\n    %s: %d '%s'\n", table[i].path, e.end, e.error);
        CU_ASSERT_EQUAL(e.end, table[i].end);
        CU_ASSERT_PTR_NOT_NULL(strstr(e.error, table[i].says));
        CU_ASSERT_FALSE(e.has_body);
    }
    /* An error's or a redirect's body is nobody's loss, however long it is. */
    struct ended e = fetch(&o, "/bytes/100000000?status=404");
    CU_ASSERT_EQUAL(e.end, TRANSFER_ANSWERED);
    CU_ASSERT_EQUAL(e.status, 404);
}

static void time_runs_out(void)
{
    struct transfer_options o = defaults();
    o.timeout = SECOND / 10;
    struct ended e = fetch(&o, "/delay/20");
    CU_ASSERT_EQUAL(e.end, TRANSFER_BROKEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.error, "timed out"));
    e = fetch(&o, "/article/1?endless&slow=1000");
    CU_ASSERT_EQUAL(e.end, TRANSFER_BROKEN);
}

static void nobody_listens(void)
{
    struct transfer_options o = defaults();
    struct ended e = {0};
    struct transfers *t = open_transfers(&o);
    CU_ASSERT_TRUE(transfers_start(t, "http://127.0.0.1:1/", &e));
    run_until_idle(t);
    CU_ASSERT_EQUAL(e.end, TRANSFER_BROKEN);
    CU_ASSERT_EQUAL(e.status, 0);
    transfers_free(t);
}

static void discarded_bodies_are_counted(void)
{
    struct transfer_options o = defaults();
    o.discard_body = true;
    struct ended e = fetch(&o, "/bytes/500000");
    CU_ASSERT_EQUAL(e.end, TRANSFER_ANSWERED);
    CU_ASSERT_FALSE(e.has_body);
    CU_ASSERT_EQUAL(fetch(&o, "/bytes/1048577").end, TRANSFER_REFUSED);
}

static void many_share_few_connections(void)
{
    static struct ended e[MANY];
    struct transfer_options o = defaults();
    struct transfers *t = open_transfers(&o);
    char url[512];
    uint32_t started = 0, connections = 0;
    int64_t end = evloop_now() + GIVE_UP;
    url_of("/article/3", url, sizeof url);
    while ((started < MANY || transfers_active(t) > 0) && evloop_now() < end) {
        while (started < MANY && transfers_start(t, url, &e[started]))
            started++;
        CU_ASSERT_TRUE(transfers_active(t) <= o.concurrency);
        evloop_wait(loop, transfers_deadline(t) <= evloop_now() ? 0 : SECOND / 10);
        transfers_run(t, evloop_now());
    }
    for (int i = 0; i < MANY; i++) {
        CU_ASSERT_EQUAL(e[i].times, 1);
        CU_ASSERT_EQUAL(e[i].status, 200);
        connections += e[i].connections;
    }
    CU_ASSERT_TRUE(connections <= o.concurrency);
    transfers_free(t);
}

static void leaving_in_the_middle(void)
{
    struct ended e[3] = {0};
    struct transfer_options o = defaults();
    struct transfers *t = open_transfers(&o);
    static const char *const paths[] = {"/delay/30", "/bytes/1000000000?slow=1000", "/article/1"};
    char url[512];
    for (int i = 0; i < 3; i++) {
        url_of(paths[i], url, sizeof url);
        CU_ASSERT_TRUE(transfers_start(t, url, &e[i]));
    }
    int64_t end = evloop_now() + GIVE_UP;
    while (e[2].times == 0 && evloop_now() < end) {
        evloop_wait(loop, SECOND / 100);
        transfers_run(t, evloop_now());
    }
    transfers_free(t);
    CU_ASSERT_EQUAL(e[0].times + e[1].times, 0);
    CU_ASSERT_EQUAL(e[2].times, 1);
}

int main(void)
{
    static const struct check checks[] = {
        {"answers", answers},
        {"Retry-After in both forms", retry_after_in_both_forms},
        {"faults", faults},
        {"time runs out", time_runs_out},
        {"nobody listens", nobody_listens},
        {"discarded bodies are counted", discarded_bodies_are_counted},
        {"many share few connections", many_share_few_connections},
        {"leaving in the middle", leaving_in_the_middle},
        {0},
    };
    const struct origin_config config = {0};
    loop = evloop_new();
    if (!loop || origin_start(&config, &origin) != 0) {
        fputs("no loop or no origin\n", stderr);
        return EXIT_FAILURE;
    }
    int code = check_run("transfer", checks);
    if (origin_stop(origin) != 0)
        code = EXIT_FAILURE;
    evloop_free(loop);
    return code;
}
