#include "src/report.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

struct tally report_total(const struct report *r)
{
    struct tally all = {0};
    for (uint32_t rank = 0; rank < r->ranks; rank++)
        tally_add(&all, &r->tallies[rank]);
    return all;
}

/* ------------------------------------------------------------------ for people */

static const char *bytes_text(uint64_t bytes, char *text, size_t size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1000 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1024;
        unit++;
    }
    snprintf(text, size, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return text;
}

static void summarise_rank(const struct tally *t, uint32_t rank, FILE *out)
{
    char memory[32], received[32];
    fprintf(out, "  rank %u: %llu requests, %s, %.2f s of CPU, %s of memory, longest stall %.1f ms\n", rank,
            (unsigned long long)t->requests, bytes_text(t->received, received, sizeof received),
            (double)(t->user_us + t->system_us) / 1e6, bytes_text(t->peak_memory, memory, sizeof memory),
            seconds(t->longest_stall_ns) * 1e3);
}

static void summarise_requests(const struct report *r, const struct tally *all, double wall, FILE *out)
{
    const struct dealer_stats *d = &r->figures->dealer;
    char received[32];
    fprintf(out,
            "  %llu requests (%.0f/s; %llu retries, %llu redirects) over %llu connections, %s received;"
            " half took under %.0f ms, 99%% under %.0f ms\n",
            (unsigned long long)all->requests, ratio((double)all->requests, wall),
            (unsigned long long)d->retries, (unsigned long long)d->redirects,
            (unsigned long long)all->connections, bytes_text(all->received, received, sizeof received),
            seconds((uint64_t)tally_fetch_quantile(all, 0.5)) * 1e3,
            seconds((uint64_t)tally_fetch_quantile(all, 0.99)) * 1e3);
}

void report_summary(const struct report *r, bool verbose, FILE *out)
{
    const struct head_figures *f = r->figures;
    struct tally all = report_total(r);
    char memory[32];
    double wall = seconds((uint64_t)f->seconds_ns);
    uint64_t undone = f->records - f->succeeded - f->failed;
    fprintf(out, "millrace: %llu records in %.2f s: %llu succeeded, %llu failed",
            (unsigned long long)f->records, wall, (unsigned long long)f->succeeded,
            (unsigned long long)f->failed);
    if (undone) /* read, and not done when the job was interrupted */
        fprintf(out, ", %llu not done", (unsigned long long)undone);
    fputc('\n', out);
    if (all.requests > 0)
        summarise_requests(r, &all, wall, out);
    fprintf(out, "  %s, %u rank%s x %u thread%s: %.2f s of CPU, %.2f s of it in kernels; ", r->strategy,
            r->ranks, r->ranks == 1 ? "" : "s", r->threads, r->threads == 1 ? "" : "s",
            (double)(all.user_us + all.system_us) / 1e6, seconds(all.compute_ns));
    if (all.computing_ns && all.transferring_ns)
        fprintf(out, "overlap of I/O and computing %.0f%%; ", tally_overlap(&all) * 100);
    fprintf(out, "longest stall of a loop %.1f ms; at most %s a rank\n", seconds(all.longest_stall_ns) * 1e3,
            bytes_text(all.peak_memory, memory, sizeof memory));
    if (all.recomputed > 0)
        fprintf(out, "  %llu results failed their check and were computed again\n",
                (unsigned long long)all.recomputed);
    if (all.requests > 1)
        fprintf(out,
                "  one after the other: the times of the requests add up to %.2f s, %.1f times as long\n",
                seconds(all.fetch_ns), ratio(seconds(all.fetch_ns), wall));
    for (uint32_t rank = 0; verbose && rank < r->ranks; rank++)
        summarise_rank(&r->tallies[rank], rank, out);
}

/* ------------------------------------------------------------------ for programs */

static json_t *tally_json(const struct tally *t)
{
    json_t *o = json_object();
    int bad = o == NULL;
#define ADD(name, combine, meaning) bad |= json_object_set_new(o, #name, json_integer((json_int_t)t->name));
    TALLY_MAP(ADD)
#undef ADD
    bad |= json_object_set_new(o, "overlap", json_real(tally_overlap(t)));
    bad |= json_object_set_new(o, "fetch_ns_median", json_integer(tally_fetch_quantile(t, 0.5)));
    bad |= json_object_set_new(o, "fetch_ns_p90", json_integer(tally_fetch_quantile(t, 0.9)));
    bad |= json_object_set_new(o, "fetch_ns_p99", json_integer(tally_fetch_quantile(t, 0.99)));
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

static json_t *ranks_json(const struct report *r)
{
    json_t *list = json_array();
    for (uint32_t rank = 0; rank < r->ranks; rank++)
        if (json_array_append_new(list, tally_json(&r->tallies[rank])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

/* Sets a member, whose value becomes the object's; false: no memory. */
static bool put(json_t *o, const char *name, json_t *value)
{
    return json_object_set_new(o, name, value) == 0;
}

static bool put_integer(json_t *o, const char *name, uint64_t value)
{
    return put(o, name, json_integer((json_int_t)value));
}

static json_t *report_json(const struct report *r)
{
    const struct head_figures *f = r->figures;
    const struct dealer_stats *d = &f->dealer;
    struct tally all = report_total(r);
    double wall = seconds((uint64_t)f->seconds_ns);
    json_t *o = json_object();
    if (o && put(o, "millrace", json_string(MILLRACE_VERSION)) &&
        put(o, "strategy", json_string(r->strategy)) && put(o, "exit_code", json_integer(r->code)) &&
        put(o, "seconds", json_real(wall)) &&
        put(o, "seconds_to_first_request",
            f->first_start_ns < 0 ? json_null() : json_real(seconds((uint64_t)f->first_start_ns))) &&
        put_integer(o, "records", f->records) && put_integer(o, "succeeded", f->succeeded) &&
        put_integer(o, "failed", f->failed) &&
        put(o, "requests_per_second", json_real(ratio((double)all.requests, wall))) &&
        put_integer(o, "retries", d->retries) && put_integer(o, "redirects", d->redirects) &&
        put_integer(o, "throttled", d->throttled) && put_integer(o, "hosts_at_once", d->hosts_peak) &&
        put_integer(o, "dealer_bytes", d->bytes) && put_integer(o, "ranks", r->ranks) &&
        put_integer(o, "threads_per_rank", r->threads) && put(o, "total", tally_json(&all)) &&
        put(o, "by_rank", ranks_json(r)))
        return o;
    json_decref(o);
    return NULL;
}

bool report_write(const struct report *r, FILE *out)
{
    json_t *o = report_json(r);
    char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
    json_decref(o);
    errno = text ? 0 : ENOMEM;
    bool ok = text && fprintf(out, "%s\n", text) > 0 && fflush(out) == 0;
    free(text);
    return ok;
}
