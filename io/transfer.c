#include "io/transfer.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_SHARDS = 16,              /* multi handles; some hundreds of hosts in each is where they stay fast */
    MAX_HEADER_BYTES = 256 << 10, /* of one answer */
    MAX_UNWANTED_BODY =
        256 << 10, /* read of an error's or redirect's body, to keep the connection; then it is cut */
    FIRST_BODY_BYTES = 16 << 10,
    RESERVED_FILES = 128, /* descriptors left to everything that is no transfer */
    DNS_TTL_SECONDS = 600,
};

struct shard {
    struct transfers *owner;
    CURLM *multi;
    CURLSH *tls_sessions;
    int64_t deadline;
    bool touched; /* served since the last drain */
};

struct transfer {
    CURL *easy;
    struct transfers *owner;
    struct shard *shard;
    struct transfer *next; /* in the list of idle ones, or of all */
    struct transfer *next_made;
    void *record;
    const char *refusal; /* why a callback ended the transfer */
    uint8_t *body;
    size_t body_len, body_cap;
    size_t header_bytes;
    bool wanted; /* the body is of a success, not of an error or a redirect */
    int64_t started;
    char error[CURL_ERROR_SIZE];
};

struct transfers {
    struct transfer_options options;
    struct evloop *loop;
    transfer_done_fn *done;
    void *context;
    struct curl_slist *headers, *connect_to;
    struct shard shards[MAX_SHARDS];
    uint32_t n_shards;
    struct transfer *idle, *made;
    uint32_t active;
};

/* ------------------------------------------------------------------ callbacks of one transfer */

static bool grow_body(struct transfer *x, size_t need)
{
    size_t cap = x->body_cap;
    if (cap == 0) {
        curl_off_t announced = 0;
        curl_easy_getinfo(x->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
        /* A server's word is good for a first guess, and no more than that. */
        cap = announced > 0 && announced <= (1 << 20) ? (size_t)announced : FIRST_BODY_BYTES;
    }
    while (cap < need)
        cap *= 2;
    if (cap > x->owner->options.max_body)
        cap = x->owner->options.max_body;
    uint8_t *grown = realloc(x->body, cap);
    if (!grown)
        return false;
    x->body = grown;
    x->body_cap = cap;
    return true;
}

static size_t on_body(char *data, size_t one, size_t n, void *context)
{
    (void)one;
    struct transfer *x = context;
    const struct transfer_options *o = &x->owner->options;
    if (x->body_len == 0) {
        long status = 0;
        curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
        x->wanted = status >= 200 && status < 300;
    }
    size_t limit = x->wanted ? o->max_body : MAX_UNWANTED_BODY;
    if (n > limit - x->body_len) {
        x->refusal = "the body is larger than --max-body allows";
        return CURL_WRITEFUNC_ERROR;
    }
    if (x->wanted && !o->discard_body) {
        if (x->body_len + n > x->body_cap && !grow_body(x, x->body_len + n)) {
            x->refusal = "no memory left for the body";
            return CURL_WRITEFUNC_ERROR;
        }
        memcpy(x->body + x->body_len, data, n);
    }
    x->body_len += n;
    return n;
}

static size_t on_header(char *data, size_t one, size_t n, void *context)
{
    (void)data;
    (void)one;
    struct transfer *x = context;
    x->header_bytes += n;
    if (x->header_bytes > MAX_HEADER_BYTES) {
        x->refusal = "the answer's headers are larger than 256 KiB";
        return 0;
    }
    return n;
}

static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct transfers *t = context;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd >= 0 && !evloop_opened(t->loop, fd)) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    return fd;
}

static int on_close(void *context, curl_socket_t fd)
{
    struct transfers *t = context;
    evloop_closing(t->loop, fd);
    return close(fd);
}

/* ------------------------------------------------------------------ callbacks of a multi handle */

static void on_ready(void *context, int fd, unsigned events)
{
    struct shard *shard = context;
    int mask = (events & EVLOOP_READ ? CURL_CSELECT_IN : 0) | (events & EVLOOP_WRITE ? CURL_CSELECT_OUT : 0);
    int running;
    /* Fails only for a handle that is no multi handle. */
    curl_multi_socket_action(shard->multi, fd, mask, &running);
    shard->touched = true;
}

static int on_interest(CURL *easy, curl_socket_t fd, int what, void *context, void *unused)
{
    (void)easy;
    (void)unused;
    struct shard *shard = context;
    unsigned events = what == CURL_POLL_IN      ? EVLOOP_READ
                      : what == CURL_POLL_OUT   ? EVLOOP_WRITE
                      : what == CURL_POLL_INOUT ? EVLOOP_READ | EVLOOP_WRITE
                                                : 0;
    return evloop_watch(shard->owner->loop, fd, events, on_ready, shard) ? 0 : -1;
}

static int on_timer(CURLM *multi, long ms, void *context)
{
    (void)multi;
    struct shard *shard = context;
    /* 0 is now, by whatever reading of the clock. */
    shard->deadline = ms < 0 ? INT64_MAX : ms == 0 ? 0 : evloop_now() + (int64_t)ms * 1000000;
    return 0;
}

/* ------------------------------------------------------------------ setting up and tearing down */

/* Descriptors are the limit of transfers in flight: takes all that the system allows. */
static uint32_t files_allowed(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 256;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 256;
    rlim_t usable = limit.rlim_cur > 2 * RESERVED_FILES ? limit.rlim_cur - RESERVED_FILES : RESERVED_FILES;
    return usable > 1000000 ? 1000000 : (uint32_t)usable;
}

static bool open_shard(struct transfers *t, struct shard *shard)
{
    shard->owner = t;
    shard->deadline = INT64_MAX;
    shard->multi = curl_multi_init();
    shard->tls_sessions = curl_share_init();
    return shard->multi && shard->tls_sessions &&
           curl_share_setopt(shard->tls_sessions, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) ==
               CURLSHE_OK &&
           curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, on_interest) == CURLM_OK &&
           curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, shard) == CURLM_OK &&
           curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
           curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, shard) == CURLM_OK &&
           /* Pinned: the default shrinks whenever concurrency dips, and drops warm connections. */
           curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS, (long)t->options.concurrency) == CURLM_OK;
}

static bool append_all(struct curl_slist **list, char *const *lines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct curl_slist *longer = curl_slist_append(*list, lines[i]);
        if (!longer)
            return false;
        *list = longer;
    }
    return true;
}

static bool has_header(const struct transfer_options *o, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < o->n_headers; i++)
        if (strncasecmp(o->headers[i], name, len) == 0 && strchr(":; ", o->headers[i][len]))
            return true;
    return false;
}

/* The codings that the compute threads can undo. Not CURLOPT_ACCEPT_ENCODING: libcurl would then decode on
 * the loop. */
static bool make_headers(struct transfers *t)
{
    static char codings[] = "Accept-Encoding: gzip, deflate, br, zstd";
    char *const lines[] = {codings};
    bool ours = !t->options.discard_body && !has_header(&t->options, "Accept-Encoding");
    return append_all(&t->headers, lines, ours) &&
           append_all(&t->headers, t->options.headers, t->options.n_headers) &&
           append_all(&t->connect_to, t->options.connect_to, t->options.n_connect_to);
}

struct transfers *transfers_new(const struct transfer_options *options, struct evloop *loop,
                                transfer_done_fn *done, void *context, const char **error)
{
    *error = "no memory left";
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return NULL;
    struct transfers *t = calloc(1, sizeof *t);
    if (!t) {
        curl_global_cleanup();
        return NULL;
    }
    t->options = *options;
    t->loop = loop;
    t->done = done;
    t->context = context;
    uint32_t files = files_allowed();
    if (t->options.concurrency > files)
        t->options.concurrency = files;
    uint32_t shards = files / 2 / t->options.concurrency; /* each may keep `concurrency` connections open */
    t->n_shards = shards < 1 ? 1 : shards > MAX_SHARDS ? MAX_SHARDS : shards;
    bool ok = make_headers(t);
    for (uint32_t i = 0; ok && i < t->n_shards; i++)
        ok = open_shard(t, &t->shards[i]);
    if (!ok) {
        transfers_free(t);
        return NULL;
    }
    return t;
}

void transfers_free(struct transfers *t)
{
    if (!t)
        return;
    while (t->made) {
        struct transfer *x = t->made;
        t->made = x->next_made;
        if (x->shard)
            curl_multi_remove_handle(x->shard->multi, x->easy);
        curl_easy_cleanup(x->easy);
        free(x->body);
        free(x);
    }
    for (uint32_t i = 0; i < t->n_shards; i++) {
        curl_multi_cleanup(t->shards[i].multi);
        curl_share_cleanup(t->shards[i].tls_sessions);
    }
    curl_slist_free_all(t->headers);
    curl_slist_free_all(t->connect_to);
    free(t);
    curl_global_cleanup();
}

uint32_t transfers_concurrency(const struct transfers *t)
{
    return t->options.concurrency;
}

uint32_t transfers_active(const struct transfers *t)
{
    return t->active;
}

/* ------------------------------------------------------------------ one transfer's life */

static long milliseconds(int64_t ns)
{
    return (long)((ns + 999999) / 1000000);
}

/* Bytes of libcurl's receive buffer: large ones save system calls, and there is one for each transfer in
 * flight. */
static long receive_buffer(uint32_t concurrency)
{
    return concurrency <= 256 ? 64 << 10 : concurrency <= 2048 ? 16 << 10 : 4 << 10;
}

/* The variables that libcurl looks at (CURLOPT_PROXY(3)). */
static bool proxy_in_environment(void)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]))
            return true;
    return false;
}

static bool set_options(struct transfer *x)
{
    struct transfers *t = x->owner;
    const struct transfer_options *o = &t->options;
    static const long versions[] = {[TRANSFER_HTTP_BEST] = CURL_HTTP_VERSION_2TLS,
                                    [TRANSFER_HTTP_1_1] = CURL_HTTP_VERSION_1_1,
                                    [TRANSFER_HTTP_2] = CURL_HTTP_VERSION_2_0};
    CURLcode bad = 0;
#define SET(option, value) bad |= curl_easy_setopt(x->easy, CURLOPT_##option, value)
    SET(PRIVATE, x);
    SET(ERRORBUFFER, x->error);
    SET(WRITEFUNCTION, on_body);
    SET(WRITEDATA, x);
    SET(HEADERFUNCTION, on_header);
    SET(HEADERDATA, x);
    SET(OPENSOCKETFUNCTION, on_open);
    SET(OPENSOCKETDATA, t);
    SET(CLOSESOCKETFUNCTION, on_close);
    SET(CLOSESOCKETDATA, t);
    SET(NOSIGNAL, 1L);
    SET(PROTOCOLS_STR, "http,https");
    SET(HTTP_VERSION, versions[o->http]);
    SET(HTTP_CONTENT_DECODING, 0L);
    SET(BUFFERSIZE, receive_buffer(o->concurrency));
    SET(DNS_CACHE_TIMEOUT, (long)DNS_TTL_SECONDS);
    SET(TIMEOUT_MS, milliseconds(o->timeout));
    SET(CONNECTTIMEOUT_MS, milliseconds(o->connect_timeout));
    SET(HTTPHEADER, t->headers);
    SET(CONNECT_TO, t->connect_to);
    SET(USERAGENT, o->user_agent);
    if (o->proxy || !proxy_in_environment())
        SET(PROXY,
            o->proxy ? o->proxy : ""); /* "": none, and the environment is not searched for each request */
    if (o->cacert)
        SET(CAINFO, o->cacert);
#undef SET
    return bad == CURLE_OK;
}

static struct transfer *make_transfer(struct transfers *t)
{
    struct transfer *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->owner = t;
    x->easy = curl_easy_init();
    if (!x->easy || !set_options(x)) {
        curl_easy_cleanup(x->easy);
        free(x);
        return NULL;
    }
    x->next_made = t->made;
    t->made = x;
    return x;
}

/* The same for all URLs of one authority (FNV-1a over what stands between "://" and the path). */
static uint32_t authority_hash(const char *url)
{
    uint32_t hash = 2166136261u;
    const char *start = strstr(url, "://");
    for (const char *p = start ? start + 3 : url; *p && !strchr("/?#", *p); p++)
        hash = (hash ^ (uint8_t)*p) * 16777619u;
    return hash;
}

static void retire(struct transfer *x)
{
    curl_multi_remove_handle(x->shard->multi, x->easy);
    x->shard = NULL;
    free(x->body);
    x->body = NULL;
    x->next = x->owner->idle;
    x->owner->idle = x;
    x->owner->active--;
}

bool transfers_start(struct transfers *t, const char *url, void *record)
{
    if (t->active >= t->options.concurrency)
        return false;
    struct transfer *x = t->idle;
    if (x)
        t->idle = x->next;
    else if (!(x = make_transfer(t)))
        return false;
    x->record = record;
    x->refusal = NULL;
    x->body_len = x->body_cap = x->header_bytes = 0;
    x->error[0] = '\0';
    x->started = evloop_now();
    x->shard = &t->shards[authority_hash(url) % t->n_shards];
    t->active++;
    /* Waiting for a connection's ALPN answer pays only where streams can share it. */
    long may_share = t->options.http != TRANSFER_HTTP_1_1 && strncasecmp(url, "https:", 6) == 0;
    if (curl_easy_setopt(x->easy, CURLOPT_URL, url) != CURLE_OK ||
        curl_easy_setopt(x->easy, CURLOPT_PIPEWAIT, may_share) != CURLE_OK ||
        curl_easy_setopt(x->easy, CURLOPT_SHARE, x->shard->tls_sessions) != CURLE_OK ||
        curl_multi_add_handle(x->shard->multi, x->easy) != CURLM_OK) {
        retire(x);
        return false;
    }
    return true;
}

static const char *header_value(CURL *easy, const char *name)
{
    struct curl_header *h;
    return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value : NULL;
}

/* Delay-seconds, or a date: taken relative to the server's own Date, so that its clock need not agree with
 * ours. */
static int64_t retry_after(CURL *easy)
{
    const char *value = header_value(easy, "Retry-After");
    if (!value || !*value)
        return -1;
    if (strspn(value, "0123456789") == strlen(value)) {
        errno = 0;
        long long seconds = strtoll(value, NULL, 10);
        return errno || seconds > INT64_MAX / 2000000000 ? INT64_MAX / 2 : (int64_t)seconds * 1000000000;
    }
    time_t until = curl_getdate(value, NULL);
    if (until == -1)
        return -1;
    const char *date = header_value(easy, "Date");
    time_t from = date ? curl_getdate(date, NULL) : -1;
    if (from == -1)
        from = time(NULL);
    return until > from ? (int64_t)(until - from) * 1000000000 : 0;
}

static enum transfer_end classify(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return TRANSFER_BROKEN;
    default:
        return TRANSFER_REFUSED;
    }
}

/* libcurl counts from when it took the transfer up, which is later than the start: but both end now. What a kept connection
 * spares is not reached. */
static void describe_phases(CURL *easy, struct transfer_result *r)
{
    static const CURLINFO infos[TRANSFER_PHASES] = {CURLINFO_NAMELOOKUP_TIME_T, CURLINFO_CONNECT_TIME_T,
                                                    CURLINFO_APPCONNECT_TIME_T,
                                                    CURLINFO_STARTTRANSFER_TIME_T};
    curl_off_t total = 0, us;
    curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &total);
    int64_t queued = r->duration - (int64_t)total * 1000;
    for (int i = 0; i < TRANSFER_PHASES; i++) {
        bool spared = r->connections == 0 && i < TRANSFER_FIRST_BYTE;
        if (!spared && curl_easy_getinfo(easy, infos[i], &us) == CURLE_OK && us > 0)
            r->phases[i] = (queued > 0 ? queued : 0) + (int64_t)us * 1000;
    }
}

static void describe(struct transfer *x, CURLcode code, struct transfer_result *r)
{
    long status = 0, connects = 0, header_bytes = 0;
    char *url = NULL, *type = NULL;
    curl_off_t received = 0;
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &connects);
    curl_easy_getinfo(x->easy, CURLINFO_HEADER_SIZE, &header_bytes);
    curl_easy_getinfo(x->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
    curl_easy_getinfo(x->easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(x->easy, CURLINFO_REDIRECT_URL, &url);
    const char *encoding = header_value(x->easy, "Content-Encoding");
    r->status = (uint32_t)status;
    r->connections = (uint32_t)connects;
    r->received = (uint64_t)received + (uint64_t)header_bytes;
    r->content_type = type ? type : "";
    r->content_encoding = encoding ? encoding : "";
    r->redirect = status >= 300 && status < 400 ? url : NULL;
    r->retry_after = status >= 300 ? retry_after(x->easy) : -1;
    r->duration = evloop_now() - x->started;
    if (x->owner->options.phases)
        describe_phases(x->easy, r);
    /* Of an error or a redirect the status is the news; whether its body came whole is not. */
    r->end = code == CURLE_OK || status >= 300 ? TRANSFER_ANSWERED : classify(code);
    if (r->end != TRANSFER_ANSWERED)
        r->error = x->refusal ? x->refusal : x->error[0] ? x->error : curl_easy_strerror(code);
    if (r->end == TRANSFER_ANSWERED && status >= 200 && status < 300) {
        r->body = x->body;
        r->body_len = x->body_len;
        x->body = NULL;
    }
}

static void drain(struct transfers *t, struct shard *shard)
{
    int left;
    const CURLMsg *message;
    while ((message = curl_multi_info_read(shard->multi, &left))) {
        char *private = NULL;
        if (message->msg != CURLMSG_DONE ||
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private) != CURLE_OK)
            continue;
        struct transfer *x = (struct transfer *)(void *)private;
        struct transfer_result result = {0};
        describe(x, message->data.result, &result);
        t->done(t->context, x->record, &result);
        retire(x);
    }
}

int64_t transfers_deadline(const struct transfers *t)
{
    int64_t first = INT64_MAX;
    for (uint32_t i = 0; i < t->n_shards; i++)
        if (t->shards[i].deadline < first)
            first = t->shards[i].deadline;
    return first;
}

void transfers_run(struct transfers *t, int64_t now)
{
    for (uint32_t i = 0; i < t->n_shards; i++) {
        struct shard *shard = &t->shards[i];
        if (shard->deadline <= now) {
            int running;
            shard->deadline = INT64_MAX;
            curl_multi_socket_action(shard->multi, CURL_SOCKET_TIMEOUT, 0, &running);
            shard->touched = true;
        }
        if (shard->touched) {
            shard->touched = false;
            drain(t, shard);
        }
    }
}

void transfer_library(char *out, size_t size)
{
    snprintf(out, size, "libcurl %s", curl_version_info(CURLVERSION_NOW)->version);
}
