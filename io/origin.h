/* The embedded origin: a small deterministic web site with delays and faults, for tests, benchmarks and
 * `millrace serve`.
 *
 * One thread serves everything, ten thousand waiting requests included: libmicrohttpd's external epoll mode,
 * driven by a loop of our own that also owns a heap of deadlines. A waiting request costs a suspended
 * connection, no thread.
 *
 * The site. Numbers are decimal digits. Anything else is answered with 404 and an HTML page.
 *
 *   /                an index with links
 *   /article/N       an encyclopedia-like HTML page of 5 to 60 KiB, a function of (seed, N); N from 1
 *   /title/N         text/plain: the text of that article's h1, as origin_article_title() gives it
 *   /random          302 with a relative Location to an article, a function of (seed, how many before it);
 *                    the article is asked for with the same latency=
 *   /random/N        the same, a function of (seed, N); N from 0
 *   /genre           {"genre": "..."}, a function of (seed, how many before it); with ?plain the bare JSON
 *                    string; 304 without a User-Agent
 *   /genre/N         the same, a function of (seed, N)
 *   /operands/N      {"base": B, "exponent": E}, 2 <= B <= 1000, 1 <= E <= 5000, a function of (seed, N)
 *   /delay/SECONDS   answers after that time; fractions allowed, at most 3600
 *   /status/CODE     that status, 200 to 599, with a small body where it may have one; 3xx has a Location
 *   /bytes/N         N bytes (at most 2^40), streamed: byte i is byte i % 8, the least significant first, of
 *                    splitmix64's output for the state seed + i / 8 (io/origin_random.h)
 *   /redirect/N      N redirects in a row (N <= 1000) by relative Locations, then a page
 *   /redirect/loop   redirects to itself
 *   /robots.txt      the configured text
 *
 * Modifiers, in the query of any path. One not listed is ignored, so `&key=...` makes a request distinct; a
 * value that does not parse is answered with 400.
 *
 *   latency=S             answer after S seconds (0 to 3600) instead of the configured latency
 *   fail=K                the first K requests for exactly this path and query get the status below (503 if
 *                         there is none), later ones the page. Without status, but with drop or one of the
 *                         faults of the second list, the first K get that instead
 *   status=CODE           the failures' status; without fail this page always has it
 *   retry-after=S         a Retry-After in seconds on every answer that is not 2xx
 *   retry-after-date=S    the same as an HTTP-date, S seconds from now
 *   gzip deflate br zstd  that Content-Encoding, whatever the request accepts; bodies up to 16 MiB
 *   bomb=MIB              a gzip body of MIB mebibytes (1 to 16384) of spaces, a thousandth of it on the wire
 *   charset=NAME          the HTML in that charset (io/origin_charset.h); what it lacks becomes &#N;
 *   declare=WHERE         where that charset is told: header (the default), meta, both, none
 *   type=MIME             this Content-Type instead
 *   close                 Connection: close
 *   drop                  the connection is closed without an answer
 *
 * and these, written to the socket byte by byte past libmicrohttpd, after which the connection ends. With TLS
 * they are answered with 501.
 *
 *   slow=N                the body trickles at N bytes/s (1 to 2^30)
 *   reset=N               TCP RST after N bytes of the body have been sent and acknowledged
 *   content-length=N      a Content-Length that lies; the body is as long as it is
 *   endless               after the page a body that never ends, chunked, at 1 MiB/s unless slow= differs
 *   endless=close         the same, delimited by the close that never comes
 *   endless-header        a header that never ends, at the same rate
 *
 * The log: one line for each event of each request, twelve columns separated by tabs, control characters
 * replaced by spaces, no header line. Lines are written at the latest when the loop next waits; the log is
 * complete once origin_stop() has returned.
 *
 *   event            "start": the request's head has been read; "end": the answer is with the kernel, or
 *                    given up
 *   time             CLOCK_MONOTONIC in seconds with six decimals, comparable between processes of a machine
 *   request          number of the request, from 1; the same on both lines
 *   in_flight        requests started and not ended, this one included
 *   in_flight_host   the same among those with this Host
 *   method           as the request line has it
 *   target           path and query as the request line has them, at most 512 bytes
 *   status           of the answer; "-" at start and where no status line was sent
 *   host             the Host header in lower case, or "-"; virtual hosts need no configuration
 *   client           address:port, so connections can be told apart
 *   result           "-" at start; "ok"; "fault": ended as a modifier asked; "aborted": error or client gone
 *   user_agent       at most 127 bytes, or "-"
 *
 * "end" is written when the last byte has gone to the kernel: before or after the client sees it. A request
 * whose client has gone away while it waits is in flight until its time comes.
 */
#ifndef MILLRACE_IO_ORIGIN_H
#define MILLRACE_IO_ORIGIN_H

#include <stddef.h>
#include <stdint.h>

struct origin;

/* All zero is a good configuration: loopback, a free port, 1,000 articles, no latency, no log, no TLS. */
struct origin_config {
    const char *address;  /* numeric IPv4 or IPv6 address to bind; NULL: 127.0.0.1 */
    uint16_t port;        /* 0: the kernel chooses a free one, see origin_port() */
    uint64_t seed;        /* of every generated page and sequence */
    double latency;       /* seconds, 0 to 3600, added to every /article, /random and /genre answer */
    uint64_t articles;    /* how many articles there are; beyond it 404. 0: 1,000 */
    const char *log_path; /* file to create or truncate; NULL: see log_fd */
    int log_fd;           /* without log_path, a descriptor above 0 to write to, not closed; 0: no log */
    unsigned connections; /* most at one time; 0: as many as RLIMIT_NOFILE allows, less a reserve */
    const char *robots;   /* text of /robots.txt; NULL: "User-agent: *\nDisallow: /private/\n" */
    const char *tls_cert; /* PEM file with the certificate chain; with tls_key it speaks https */
    const char *tls_key;  /* PEM file with the private key */
};

/* Starts serving on a thread of its own, with all signals blocked in it. The configuration is copied. Raises
 * the process's soft RLIMIT_NOFILE to the hard limit: thousands of connections need it. Returns 0 and sets
 * *out, or an errno value: EINVAL (address, latency, half of a TLS pair), those of bind(2), open(2) and
 * pthread_create(3), ENOMEM, EPROTO (libmicrohttpd refused, as with a bad certificate). Any thread. */
int origin_start(const struct origin_config *config, struct origin **out);

/* The port it listens on. Any thread. */
uint16_t origin_port(const struct origin *origin);

/* Whether it speaks https. Any thread. */
int origin_is_tls(const struct origin *origin);

/* Stops at once: open connections are closed, waiting requests dropped, the thread joined, everything freed.
 * Returns 0 or the errno value of the first failed write to the log. NULL is allowed. Any thread but not
 * twice. */
int origin_stop(struct origin *origin);

/* The text of article n's h1, what a correct extractor must find on /article/n: entities decoded, comments
 * left out, runs of ASCII white space as one space, none at the ends; UTF-8. Writes at most size bytes, the
 * NUL included, never half a character; returns the whole length in bytes, NUL excluded, or 0 if memory ran
 * out. Any thread. */
size_t origin_article_title(uint64_t seed, uint64_t n, char *out, size_t size);

#endif
