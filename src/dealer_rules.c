#include "src/dealer_rules.h"

uint64_t dealer_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

int64_t dealer_later(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

int64_t dealer_backoff(const struct dealer_config *config, uint32_t k, uint64_t *random)
{
    bool over = k >= 63 || config->backoff_base > config->backoff_max >> k;
    int64_t wait = over ? config->backoff_max : config->backoff_base << k;
    double factor = 0.5 + 0.5 * ((double)(dealer_random(random) >> 32) / 4294967296.0);
    int64_t jittered = (int64_t)((double)wait * factor);
    /* Past 2^53 ns a double may round up to the whole. */
    return jittered < wait || wait == 0 ? jittered : wait - 1;
}

bool dealer_is_throttle(const struct dealer_fetch *fetch)
{
    return fetch->kind == DEALER_GOT_STATUS && (fetch->status == 429 || fetch->status == 503);
}

static bool is_retriable(uint32_t status)
{
    return status == 408 || status == 429 || (status >= 500 && status <= 599);
}

int64_t dealer_asked_wait(const struct dealer_fetch *fetch)
{
    return fetch->kind == DEALER_GOT_STATUS && fetch->retry_after >= 0 ? fetch->retry_after : -1;
}

static enum dealer_verdict judge_redirect(const struct dealer_config *config, bool stopped,
                                          const struct dealer_slot *slot, const struct dealer_fetch *fetch)
{
    if (!fetch->redirect)
        return DEALER_FAILED;
    if (slot->record.hops >= config->max_redirects)
        return DEALER_TOO_MANY_REDIRECTS;
    return stopped ? DEALER_DROPPED : DEALER_AGAIN;
}

enum dealer_verdict dealer_judge(const struct dealer_config *config, bool stopped,
                                 const struct dealer_slot *slot, const struct dealer_fetch *fetch)
{
    switch (fetch->kind) {
    case DEALER_GOT_BODY:
        return DEALER_AWAIT;
    case DEALER_GOT_REDIRECT:
        return judge_redirect(config, stopped, slot, fetch);
    case DEALER_GOT_STATUS:
        if (!is_retriable(fetch->status))
            return DEALER_FAILED;
        break;
    case DEALER_GOT_NOTHING:
        if (slot->host->nothings + 1 >= DEALER_DEAD_HOST)
            return DEALER_FAILED;
        break;
    case DEALER_GOT_REFUSAL:
        return DEALER_FAILED;
    default:
        return DEALER_BAD_EVENT;
    }
    if (slot->record.tries > config->retries)
        return DEALER_FAILED;
    if (dealer_asked_wait(fetch) > config->max_wait)
        return DEALER_WAIT_TOO_LONG;
    return stopped ? DEALER_DROPPED : DEALER_AGAIN;
}

/* Had the fetch begun when the last overload was noticed? Then its end says nothing new about the width: one
 * overload is answered once, as in RFC 6582 3.2. */
static bool is_of_old_episode(const struct dealer_host *host, const struct dealer_slot *slot)
{
    return slot->episode != host->episode;
}

static void throttle(const struct dealer_config *config, uint64_t *random, int64_t now,
                     struct dealer_host *host, const struct dealer_slot *slot, int64_t asked)
{
    if (!is_of_old_episode(host, slot)) {
        /* Of what was used, not of what was allowed: RFC 5681 3.1 (4), FlightSize. */
        uint32_t used = host->in_flight < host->width ? host->in_flight : host->width;
        host->width = used > 1 ? used / 2 : 1;
        host->grown = 0;
        host->episode++;
        if (host->throttles < UINT8_MAX)
            host->throttles++;
    }
    uint32_t k = host->throttles > 0 ? host->throttles - 1 : 0;
    bool obey = asked >= 0 && asked <= config->max_wait;
    int64_t until = dealer_later(now, obey ? asked : dealer_backoff(config, k, random));
    if (until > host->not_before)
        host->not_before = until;
}

static void succeed(struct dealer_host *host, const struct dealer_slot *slot)
{
    if (is_of_old_episode(host, slot))
        return;
    host->throttles = 0;
    uint32_t most = host->max_in_flight ? host->max_in_flight : UINT32_MAX;
    if (host->width < most && ++host->grown >= host->width) {
        host->width++;
        host->grown = 0;
    }
}

void dealer_learn(const struct dealer_config *config, uint64_t *random, int64_t now,
                  const struct dealer_slot *slot, const struct dealer_fetch *fetch)
{
    struct dealer_host *host = slot->host;
    if (dealer_is_throttle(fetch))
        throttle(config, random, now, host, slot, dealer_asked_wait(fetch));
    else if (fetch->kind == DEALER_GOT_BODY || fetch->kind == DEALER_GOT_REDIRECT ||
             (fetch->kind == DEALER_GOT_STATUS && !is_retriable(fetch->status)))
        succeed(host, slot);
    if (fetch->kind != DEALER_GOT_NOTHING)
        host->nothings = 0;
    else if (host->nothings < DEALER_DEAD_HOST)
        host->nothings++;
    /* After a failure or a refusal the connection is not worth coming back to. */
    if (fetch->kind != DEALER_GOT_NOTHING && fetch->kind != DEALER_GOT_REFUSAL)
        host->warm_rank = slot->rank;
    host->in_flight--;
}

void dealer_start(const struct dealer_config *config, int64_t now, struct dealer_slot *slot)
{
    struct dealer_host *host = slot->host;
    int64_t gap_ends = dealer_later(now, config->delay);
    if (config->delay > 0 && gap_ends > host->not_before)
        host->not_before = gap_ends;
    host->in_flight++;
    slot->episode = host->episode;
    if (!slot->hop)
        slot->record.tries++;
    slot->hop = false;
}

bool dealer_has_width(const struct dealer_host *host)
{
    return host->in_flight < host->width;
}
