/* The origin as its clients see it: started in this process, asked over plain sockets. */
#include "io/origin.h"
#include "io/origin_random.h"
#include "tests/unit/check.h"
#include "tests/unit/http_client.h"
#include <time.h>

enum { SEED = 77, WAITING = 400 };

static double now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct origin *start(struct origin_config config)
{
    struct origin *origin = NULL;
    config.seed = SEED;
    CU_ASSERT_EQUAL_FATAL(origin_start(&config, &origin), 0);
    return origin;
}

static struct http_answer get(const struct origin *origin, const char *target)
{
    return http_get(origin_port(origin), target, "User-Agent: test\r\n", HTTP_ANSWER_MAX);
}

static void check_status(const struct origin *origin, const char *target, int want)
{
    struct http_answer answer = get(origin, target);
    if (answer.status != want)
        printf("\n%s: status %d, not %d\n", target, answer.status, want);
    CU_ASSERT_EQUAL(answer.status, want);
    free(answer.text);
}

static void test_routes(void)
{
    static const struct {
        const char *target;
        int status;
    } routes[] = {
        {"/", 200},           {"/article/1", 200},     {"/article/1000", 200}, {"/article/1001", 404},
        {"/article/0", 404},  {"/article/01x", 404},   {"/article/", 404},     {"/random", 302},
        {"/genre", 200},      {"/operands/9", 200},    {"/delay/0.001", 200},  {"/delay/x", 400},
        {"/status/204", 204}, {"/status/304", 304},    {"/status/503", 503},   {"/status/199", 400},
        {"/bytes/0", 200},    {"/bytes/-1", 400},      {"/redirect/3", 302},   {"/redirect/0", 200},
        {"/robots.txt", 200}, {"/redirect/loop", 302}, {"/nothing", 404},      {"/article/1?latency=x", 400},
        {"/%00", 400},        {"/?status=418", 418},   {"/articles", 404},     {"/article/1?status=204", 204},
        {"/random/0", 302},   {"/random/x", 404},      {"/genre/7", 200},      {"/genre/-7", 404},
    };
    struct origin *origin = start((struct origin_config){0});
    for (unsigned i = 0; i < sizeof(routes) / sizeof(*routes); i++)
        check_status(origin, routes[i].target, routes[i].status);
    CU_ASSERT_EQUAL(origin_stop(origin), 0);
}

/* Two origins with one seed say the same, in the sequence of /random too. */
static void test_deterministic(void)
{
    static const char *const targets[] = {"/article/5", "/random",      "/random",
                                          "/genre",     "/genre?plain", "/operands/3"};
    struct origin *one = start((struct origin_config){0}), *two = start((struct origin_config){0});
    for (unsigned i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
        struct http_answer a = get(one, targets[i]), b = get(two, targets[i]);
        char here[64] = "", there[64] = "";
        bool moved = http_header(&a, "Location", here, sizeof(here)) &&
                     http_header(&b, "Location", there, sizeof(there));
        CU_ASSERT_FATAL(a.body && b.body);
        CU_ASSERT_EQUAL_FATAL(a.body_size, b.body_size);
        CU_ASSERT_EQUAL(memcmp(a.body, b.body, a.body_size), 0);
        CU_ASSERT_EQUAL(moved, a.status == 302);
        CU_ASSERT_STRING_EQUAL(here, there);
        CU_ASSERT_TRUE(!moved || strncmp(here, "article/", 8) == 0);
        free(a.text);
        free(b.text);
    }
    char want[256];
    (void)origin_article_title(SEED, 5, want, sizeof(want));
    struct http_answer title = get(one, "/title/5");
    CU_ASSERT_PTR_NOT_NULL_FATAL(title.body);
    CU_ASSERT_STRING_EQUAL(title.body, want);
    free(title.text);
    CU_ASSERT_EQUAL(origin_stop(one), 0);
    CU_ASSERT_EQUAL(origin_stop(two), 0);
}

/* With a number in the path a drawn answer is the same each time. */
static void test_drawn_by_number(void)
{
    struct origin *origin = start((struct origin_config){0});
    static const char *const targets[] = {"/random/17", "/random/17", "/random/18"};
    char places[3][64];
    for (unsigned i = 0; i < 3; i++) {
        struct http_answer a = get(origin, targets[i]);
        CU_ASSERT_TRUE(http_header(&a, "Location", places[i], sizeof(places[i])));
        free(a.text);
    }
    CU_ASSERT_STRING_EQUAL(places[0], places[1]);
    CU_ASSERT_STRING_NOT_EQUAL(places[0], places[2]);
    CU_ASSERT_TRUE(strncmp(places[0], "../article/", 11) == 0);
    char want[128], slow[64] = "";
    struct http_answer a = get(origin, "/random/17?latency=0.002");
    CU_ASSERT_TRUE(http_header(&a, "Location", slow, sizeof(slow)));
    free(a.text);
    (void)snprintf(want, sizeof(want), "%s?latency=0.002000000", places[0]);
    CU_ASSERT_STRING_EQUAL(slow, want);
    CU_ASSERT_EQUAL(origin_stop(origin), 0);
}

static void test_genre_needs_agent(void)
{
    struct origin *origin = start((struct origin_config){0});
    struct http_answer answer = http_get(origin_port(origin), "/genre", "", HTTP_ANSWER_MAX);
    CU_ASSERT_EQUAL(answer.status, 304);
    free(answer.text);
    CU_ASSERT_EQUAL(origin_stop(origin), 0);
}

static void test_bytes(void)
{
    enum { SIZE = 300001 };
    struct origin *origin = start((struct origin_config){0});
    struct http_answer answer = get(origin, "/bytes/300001");
    CU_ASSERT_EQUAL_FATAL(answer.body_size, SIZE);
    bool good = true;
    for (size_t i = 0; i < SIZE; i++)
        good = good && (unsigned char)answer.body[i] ==
                           (unsigned char)(origin_random_mix(SEED + i / 8) >> (i % 8 * 8));
    CU_ASSERT_TRUE(good);
    free(answer.text);
    CU_ASSERT_EQUAL(origin_stop(origin), 0);
}

/* Never early; that it is not very late, in the best of three tries, is all a loaded machine lets one demand. */
static void test_latency(void)
{
    struct origin *origin = start((struct origin_config){.latency = 0.5});
    static const struct {
        const char *target;
        double least, most;
    } waits[] = {
        {"/article/1", 0.5, 5},   {"/article/1?latency=0", 0, 0.45},     {"/delay/0.15", 0.15, 5},
        {"/operands/1", 0, 0.45}, {"/operands/1?latency=0.12", 0.12, 5}, {"/random", 0.5, 5},
    };
    for (unsigned i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
        double best = 10;
        for (unsigned try = 0; try < 3 && best > waits[i].most; try++) {
            double before = now();
            struct http_answer answer = get(origin, waits[i].target);
            double took = now() - before;
            CU_ASSERT_TRUE(answer.status == 200 || answer.status == 302);
            CU_ASSERT_TRUE(took >= waits[i].least);
            best = took < best ? took : best;
            free(answer.text);
        }
        CU_ASSERT_TRUE(best <= waits[i].most);
    }
    CU_ASSERT_EQUAL(origin_stop(origin), 0);
}

static void test_fail_then_good(void)
{
    struct origin *origin = start((struct origin_config){0});
    char after[64] = "";
    for (unsigned i = 0; i < 4; i++) {
        struct http_answer answer = get(origin, "/article/2?fail=2&status=429&retry-after=7&key=a");
        bool told = http_header(&answer, "Retry-After", after, sizeof(after));
        CU_ASSERT_EQUAL(answer.status, i < 2 ? 429 : 200);
        CU_ASSERT_EQUAL(told, i < 2);
        CU_ASSERT_STRING_EQUAL(after, "7");
        free(answer.text);
    }
    check_status(origin, "/article/2?fail=2&status=429&retry-after=7&key=b", 429);
    check_status(origin, "/article/2?fail=1", 503);
    check_status(origin, "/article/2?fail=1&drop", 0);
    check_status(origin, "/article/2?fail=1&drop", 200);
    struct http_answer answer = get(origin, "/status/503?retry-after-date=60");
    CU_ASSERT_TRUE(http_header(&answer, "Retry-After", after, sizeof(after)));
    struct tm tm = {0};
    const char *end = strptime(after, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    CU_ASSERT_PTR_NOT_NULL_FATAL(end);
    CU_ASSERT_TRUE(*end == '\0' && llabs((long long)(timegm(&tm) - time(NULL)) - 60) <= 2);
    free(answer.text);
    CU_ASSERT_EQUAL(origin_stop(origin), 0);
}

static void test_reset(void)
{
    struct origin *origin = start((struct origin_config){0});
    struct http_answer answer = get(origin, "/article/2?reset=1000");
    CU_ASSERT_EQUAL(answer.status, 200);
    CU_ASSERT_EQUAL(answer.body_size, 1000);
    CU_ASSERT_EQUAL(answer.error, ECONNRESET);
    free(answer.text);
    answer = get(origin, "/article/2?drop");
    CU_ASSERT_EQUAL(answer.size, 0);
    CU_ASSERT_EQUAL(answer.error, 0);
    free(answer.text);
    CU_ASSERT_EQUAL(origin_stop(origin), 0);
}

static void test_endless(void)
{
    static const char *const targets[] = {"/article/2?endless", "/article/2?endless=close",
                                          "/article/2?endless-header"};
    struct origin *origin = start((struct origin_config){0});
    for (unsigned i = 0; i < 3; i++) {
        char coding[32] = "", length[32];
        struct http_answer answer = http_get(origin_port(origin), targets[i], "", 300000);
        CU_ASSERT_EQUAL(answer.size, 300000);
        CU_ASSERT_EQUAL(answer.status, 200);
        CU_ASSERT_EQUAL(answer.body == NULL, i == 2);
        CU_ASSERT_EQUAL(http_header(&answer, "Transfer-Encoding", coding, sizeof(coding)), i == 0);
        CU_ASSERT_FALSE(i < 2 && http_header(&answer, "Content-Length", length, sizeof(length)));
        free(answer.text);
    }
    CU_ASSERT_EQUAL(origin_stop(origin), 0);
}

static void test_lies(void)
{
    struct origin *origin = start((struct origin_config){0});
    static const char *const lengths[] = {"200", "2000"};
    for (unsigned i = 0; i < 2; i++) {
        char target[64], told[32] = "";
        (void)snprintf(target, sizeof(target), "/bytes/1000?content-length=%s", lengths[i]);
        struct http_answer answer = get(origin, target);
        CU_ASSERT_TRUE(http_header(&answer, "Content-Length", told, sizeof(told)));
        CU_ASSERT_STRING_EQUAL(told, lengths[i]);
        CU_ASSERT_EQUAL(answer.body_size, 1000);
        CU_ASSERT_EQUAL(answer.error, 0);
        free(answer.text);
    }
    double before = now();
    struct http_answer answer = get(origin, "/bytes/600?slow=2000");
    CU_ASSERT_TRUE(now() - before >= 0.3);
    CU_ASSERT_EQUAL(answer.body_size, 600);
    free(answer.text);
    CU_ASSERT_EQUAL(origin_stop(origin), 0);
}

/* Requests that no parser likes, then one to see that it still serves. */
static void test_hostile(void)
{
    static const char *const requests[] = {
        "\r\n\r\n\r\nx\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET http:// HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET ?? HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "POST /article/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /article/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n",
        "GET /article/1 HTTP/1.1\r\nConnection: close\r\n\r\n",
        "HEAD /article/1?endless&reset=5 HTTP/1.0\r\n\r\n",
        "GET /status/204?endless&content-length=9 HTTP/1.0\r\n\r\n",
    };
    struct origin *origin = start((struct origin_config){0});
    for (unsigned i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
        int fd = http_connect(origin_port(origin));
        CU_ASSERT_FATAL(fd >= 0);
        CU_ASSERT_TRUE(http_send(fd, requests[i]));
        CU_ASSERT_EQUAL(shutdown(fd, SHUT_WR), 0);
        free(http_read(fd, 100000).text);
    }
    static char long_target[64000];
    memset(long_target, 'a', sizeof(long_target) - 1);
    memcpy(long_target, "GET /", 5);
    int fd = http_connect(origin_port(origin));
    CU_ASSERT_FATAL(fd >= 0);
    (void)http_send(fd, long_target);
    struct http_answer answer = http_read(fd, 100000);
    CU_ASSERT_TRUE(answer.status == 414 || answer.status == 0);
    free(answer.text);
    check_status(origin, "/article/1", 200);
    CU_ASSERT_EQUAL(origin_stop(origin), 0);
}

struct log_totals {
    unsigned starts, ends, most, most_host, broken, last;
};

static struct log_totals read_log(FILE *log)
{
    struct log_totals totals = {0};
    char line[4096], event[8], host[256];
    rewind(log);
    while (fgets(line, sizeof(line), log)) {
        unsigned long number;
        unsigned all, same;
        double time;
        unsigned tabs = 0;
        for (const char *at = line; *at; at++)
            tabs += *at == '\t';
        if (tabs != 11 || sscanf(line, "%7s %lf %lu %u %u %*s %*s %*s %255s", event, &time, &number, &all,
                                 &same, host) != 6) {
            totals.broken++;
            continue;
        }
        totals.starts += strcmp(event, "start") == 0;
        totals.ends += strcmp(event, "end") == 0;
        totals.most = all > totals.most ? all : totals.most;
        totals.last = all;
        if (strcmp(host, "a.example:80") == 0 && same > totals.most_host)
            totals.most_host = same;
    }
    return totals;
}

/* Hundreds wait on the one thread at a time; the log says so, for all and for one virtual host. */
static void test_many_waiting(void)
{
    static int fds[WAITING];
    FILE *log = tmpfile();
    CU_ASSERT_PTR_NOT_NULL_FATAL(log);
    struct origin *origin = start((struct origin_config){.log_fd = fileno(log)});
    double before = now();
    for (unsigned i = 0; i < WAITING; i++) {
        fds[i] = http_connect(origin_port(origin));
        CU_ASSERT_FATAL(fds[i] >= 0);
        CU_ASSERT_TRUE(http_send(
            fds[i], i % 4 ? "GET /delay/1 HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n"
                          : "GET /delay/1 HTTP/1.1\r\nHost: A.example:80\r\nConnection: close\r\n\r\n"));
    }
    bool early = now() - before < 1;
    unsigned good = 0;
    for (unsigned i = 0; i < WAITING; i++) {
        struct http_answer answer = http_read(fds[i], 10000);
        good += answer.status == 200;
        free(answer.text);
    }
    CU_ASSERT_EQUAL(good, WAITING);
    CU_ASSERT_TRUE(now() - before < 5);
    CU_ASSERT_EQUAL(origin_stop(origin), 0);
    struct log_totals totals = read_log(log);
    CU_ASSERT_EQUAL(totals.broken, 0);
    CU_ASSERT_EQUAL(totals.last, 1);
    CU_ASSERT_EQUAL(totals.starts, WAITING);
    CU_ASSERT_EQUAL(totals.ends, WAITING);
    if (early) {
        CU_ASSERT_EQUAL(totals.most, WAITING);
        CU_ASSERT_EQUAL(totals.most_host, WAITING / 4);
    }
    CU_ASSERT_EQUAL(fclose(log), 0);
}

/* Whatever the connections are at: idle, half a request, waiting, trickling, endless, not read from. */
static void test_stop_while_busy(void)
{
    static const char *const requests[] = {
        "",
        "GET /arti",
        "GET /delay/100 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /bytes/500?slow=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /?endless HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /bytes/1000000000 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /?endless-header HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab",
    };
    enum { KINDS = sizeof(requests) / sizeof(*requests), EACH = 5 };
    int fds[KINDS * EACH];
    FILE *log = tmpfile();
    CU_ASSERT_PTR_NOT_NULL_FATAL(log);
    struct origin *origin = start((struct origin_config){.log_fd = fileno(log)});
    for (unsigned i = 0; i < KINDS * EACH; i++) {
        fds[i] = http_connect(origin_port(origin));
        CU_ASSERT_FATAL(fds[i] >= 0);
        CU_ASSERT_TRUE(http_send(fds[i], requests[i % KINDS]));
    }
    /* Its answer says that what was sent before has been seen. */
    check_status(origin, "/", 200);
    double before = now();
    CU_ASSERT_EQUAL(origin_stop(origin), 0);
    CU_ASSERT_TRUE(now() - before < 5);
    struct log_totals totals = read_log(log);
    CU_ASSERT_EQUAL(totals.broken, 0);
    CU_ASSERT_EQUAL(totals.starts, totals.ends);
    CU_ASSERT_TRUE(totals.starts > 1);
    for (unsigned i = 0; i < KINDS * EACH; i++)
        free(http_read(fds[i], HTTP_ANSWER_MAX).text);
    CU_ASSERT_EQUAL(fclose(log), 0);
}

static void test_start_refuses(void)
{
    struct origin *origin = start((struct origin_config){0}), *other = NULL;
    CU_ASSERT_EQUAL(origin_start(&(struct origin_config){.port = origin_port(origin)}, &other), EADDRINUSE);
    CU_ASSERT_EQUAL(origin_start(&(struct origin_config){.address = "localhost"}, &other), EINVAL);
    CU_ASSERT_EQUAL(origin_start(&(struct origin_config){.latency = -1}, &other), EINVAL);
    CU_ASSERT_EQUAL(origin_start(&(struct origin_config){.latency = 1e300}, &other), EINVAL);
    CU_ASSERT_EQUAL(origin_start(&(struct origin_config){.tls_cert = "/dev/null"}, &other), EINVAL);
    CU_ASSERT_EQUAL(
        origin_start(&(struct origin_config){.tls_cert = "/dev/null", .tls_key = "/dev/null"}, &other),
        EPROTO);
    CU_ASSERT_EQUAL(origin_start(&(struct origin_config){.log_path = "/nonexistent/log"}, &other), ENOENT);
    CU_ASSERT_PTR_NULL(other);
    CU_ASSERT_EQUAL(origin_stop(origin), 0);
    CU_ASSERT_EQUAL(origin_stop(NULL), 0);
}

int main(void)
{
    static const struct check checks[] = {
        {"every route has its status", test_routes},
        {"one seed, one site", test_deterministic},
        {"/genre wants a User-Agent", test_genre_needs_agent},
        {"/random/N and /genre/N draw by number", test_drawn_by_number},
        {"/bytes are the promised ones", test_bytes},
        {"latency is kept", test_latency},
        {"the first requests fail", test_fail_then_good},
        {"a reset comes after its bytes", test_reset},
        {"the endless does not end", test_endless},
        {"lengths lie and bodies trickle", test_lies},
        {"hostile requests are survived", test_hostile},
        {"many wait and the log counts them", test_many_waiting},
        {"it stops whatever goes on", test_stop_while_busy},
        {"a bad configuration is refused", test_start_refuses},
        {0},
    };
    printf("seed %d\n", SEED);
    return check_run("origin", checks);
}
