"""Servers that are down, slow, endless, lying or hostile: each record still gets its one row, in bounded time."""

import socket
import struct
import urllib.request

import millrace
from millrace import Case, RawServer, free_port, read_request


def said_by(url):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=20) as answer:
        return answer.read().decode("utf-8")


class Faults(Case):
    def setUp(self):
        super().setUp()
        self.server = self.origin()

    def scrape_targets(self, ranks, targets, *options, code):
        urls = [t if "://" in t else self.server.url(t) for t in targets]
        rows = self.scrape(ranks, self.write("urls", "".join(u + "\n" for u in urls)), *options, code=code, limit=40)
        self.assertEqual([r["url"] for r in rows], urls)
        return rows

    def requests(self, target):
        return [e for e in self.server.log() if e.event == "start" and e.target == target]

    def test_all_at_once(self):
        """target: (statuses allowed, texts of which one must be in the error); no texts: success."""
        down = f"http://127.0.0.1:{free_port()}/"
        wanted = {
            down: (("",), ("connect",)),
            down.replace("http:", "https:"): (("",), ("connect",)),
            self.server.url("/article/1").replace("http:", "https:"): (("",), ("SSL", "TLS", "wrong version")),
            "/delay/30": (("",), ("time", "timed")),
            "/article/1?slow=100": (("", "200"), ("time",)),
            "/article/1?endless": (("", "200"), ("max-body", "larger", "than")),
            "/article/1?endless=close": (("", "200"), ("max-body", "larger", "than")),
            "/article/1?endless&slow=1000": (("", "200"), ("time",)),
            "/article/1?endless-header": (("", "200"), ("header", "time", "Too large")),
            "/article/1?content-length=200000": (("", "200"), ("closed", "remaining", "transfer", "ended")),
            "/article/1?content-length=2000000": (("", "200"), ("max-body", "larger", "than", "remaining")),
            "/article/1?reset=1000": (("", "200"), ("reset", "receiv", "broke")),
            "/article/1?drop": (("",), ("mpty", "no answer", "closed")),
            "/bytes/1000000": (("", "200"), ("max-body", "larger", "than")),
            "/article/1?bomb=64": (("200",), ("max-body", "decompress")),  # 64 KiB on the wire
            "/article/1?content-length=100": (("200",), ()),
            "/article/1": (("200",), ()),
            "/article/2?gzip": (("200",), ()),
            "/article/3?deflate": (("200",), ()),
            "/article/4?br": (("200",), ()),
            "/article/5?zstd": (("200",), ()),
            "/article/6?charset=utf-16": (("200",), ()),
            "/status/200": (("200",), ()),
            "/status/204": (("204",), ()),
            "/status/304": (("304",), ("HTTP 304",)),
            "/status/404": (("404",), ("HTTP 404",)),
            "/status/410": (("410",), ("HTTP 410",)),
            "/status/500": (("500",), ("HTTP 500",)),
            "/status/599": (("599",), ("HTTP 599",)),
            "/redirect/3": (("200",), ()),
            "/redirect/4": (("302",), ("more than 3 redirects",)),
            "/redirect/loop": (("302",), ("more than 3 redirects",)),
        }
        titles = {n: said_by(self.server.url(f"/title/{n}")).strip("\n") for n in range(1, 7)}
        for ranks in (0, 3):
            with self.subTest(ranks=ranks):
                rows = self.scrape_targets(ranks, wanted, "--timeout", "2", "--max-body", "256K", "--retries", "0",
                                           "--max-redirects", "3", code=1)
                for (target, (statuses, texts)), row in zip(wanted.items(), rows):
                    with self.subTest(target):
                        self.assertIn(row["status"], statuses, row)
                        if texts:
                            self.assertTrue(any(text in row["error"] for text in texts), row)
                            self.assertEqual(row["title"], "")
                        else:
                            self.assertEqual(row["error"], "")
        for row in rows:
            number = row["url"].partition("/article/")[2].partition("?")[0]
            if row["error"] == "" and number and "length" not in row["url"]:
                self.assertEqual(row["title"], titles[int(number)], row["url"])

    def test_nothing_fails(self):
        self.scrape_targets(0, ["/article/1", "/redirect/2", "/article/2?fail=1&retry-after=0"], code=0)

    def test_timeout_is_kept(self):
        result = self.run_millrace(0, "scrape", self.server.url("/delay/30"), "--timeout", "0.5", "--retries", "0")
        self.assertEqual(result.code, 1, result.err)
        self.assertLess(result.seconds, 10)

    def check_throttled(self, key, seconds):
        """Two refusals with a Retry-After, then the page: the waits were kept, and the row is good."""
        for ranks in (0, 3):
            with self.subTest(ranks=ranks):
                target = f"/article/1?fail=2&status=429&{key}={seconds}&ranks={ranks}"
                [row] = self.scrape_targets(ranks, [target], code=0)
                self.assertEqual((row["status"], row["error"]), ("200", ""))
                times = [e.time for e in self.requests(target)]
                self.assertEqual(len(times), 3)
                # A date has whole seconds: up to one second is lost in the writing.
                least = seconds - (1 if key.endswith("date") else 0)
                for before, after in zip(times, times[1:]):
                    self.assertGreaterEqual(after - before, least)
                    self.assertLess(after - before, seconds + 3)

    def test_retry_after_seconds(self):
        self.check_throttled("retry-after", 1)

    def test_retry_after_date(self):
        self.check_throttled("retry-after-date", 3)

    def test_retry_after_too_long(self):
        target = "/article/1?status=503&retry-after=1000"
        [row] = self.scrape_targets(0, [target], "--max-wait", "100", code=1)
        self.assertEqual(row["status"], "503")
        self.assertIn("1000", row["error"])
        self.assertEqual(len(self.requests(target)), 1)

    def test_retries_exhausted(self):
        targets = [f"/status/{s}?n={n}" for s in (408, 429, 500, 502, 503, 504) for n in (1, 2)]
        rows = self.scrape_targets(3, targets, "--retries", "1", code=1)
        for target, row in zip(targets, rows):
            self.assertEqual(row["status"], target[8:11])
            self.assertIn("tried 2 times", row["error"])
            self.assertEqual(len(self.requests(target)), 2, target)

    def test_backoff(self):
        """The pauses grow: 0.5 to 1 s, then 1 to 2 s."""
        [row] = self.scrape_targets(0, ["/status/500"], "--retries", "2", code=1)
        first, second, third = (e.time for e in self.requests("/status/500"))
        self.assertGreaterEqual(second - first, 0.5)
        self.assertLess(second - first, 1.5)
        self.assertGreaterEqual(third - second, 1.0)
        self.assertLess(third - second, 2.5)
        self.assertIn("tried 3 times", row["error"])

    def test_not_retried(self):
        for status in ("400", "403", "404", "501"):
            with self.subTest(status):
                self.scrape_targets(0, [f"/status/{status}"], "--retries", "1" if status == "501" else "3", code=1)
                self.assertEqual(len(self.requests(f"/status/{status}")), 2 if status == "501" else 1)

    def test_user_agent(self):
        [row] = self.scrape_targets(0, ["/genre"], code=0)
        self.assertEqual(row["status"], "200")
        [row] = self.scrape_targets(0, ["/genre"], "--user-agent", "", code=1)
        self.assertEqual((row["status"], row["error"]), ("304", "HTTP 304"))
        [row] = self.scrape_targets(0, ["/genre"], "--user-agent", "who (asks)", code=0)
        agents = [e.user_agent for e in self.requests("/genre")]
        self.assertTrue(agents[0].startswith("millrace/"), agents)
        self.assertEqual(agents[1:], ["-", "who (asks)"])


class StrangeServers(Case):
    """Answers that no server should give."""

    def answering(self, *answers):
        """A server that gives these answers to one connection after the other, the last one for ever."""
        left = list(answers)

        def handle(connection):
            read_request(connection)
            answer = left.pop(0) if len(left) > 1 else left[0]
            if answer is None:  # a reset instead of an answer
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                connection.sendall(answer)

        return self.enter(RawServer(handle))

    PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\nConnection: close\r\n\r\n<h1>found</h1>\n"

    def test_back_after_a_while(self):
        """Connection failures are tried again."""
        server = self.answering(None, b"", self.PAGE)
        [row] = self.scrape(0, server.url(), code=0)
        self.assertEqual((row["status"], row["error"]), ("200", ""))

    def test_malformed(self):
        answers = [b"garbage\r\n\r\n", b"\0" * 1000, b"HTTP/1.1 xyz\r\n\r\n", b"HTTP/1.1 999999 X\r\n\r\n",
                   b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
                   b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\nhello\r\n",
                   b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200000,
                   b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
                   b"HTTP/1.1 200 OK\r\nContent-Encoding: nonsense\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"]
        urls = [self.answering(a).url(f"/{i}") for i, a in enumerate(answers)]
        rows = self.scrape(3, self.write("urls", "\n".join(urls)), "--retries", "0", "--timeout", "5", code=1)
        self.assertEqual(len(rows), len(answers))
        for row, answer in zip(rows, answers):
            with self.subTest(answer[:60]):
                self.assertNotEqual(row["error"], "")

    def test_redirects_to_elsewhere(self):
        """A server can't lead to files, to other schemes, or to what is no URL."""
        for place in (b"file:///etc/passwd", b"ftp://127.0.0.1/", b"javascript:alert(1)", b"http://127.0.0.1:0/",
                      b"http://127.0.0.1:99999/", b"gopher://x/", b"http://", b""):
            server = self.answering(b"HTTP/1.1 302 Found\r\nLocation: " + place +
                                    b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            with self.subTest(place):
                [row] = self.scrape(0, server.url(), "--retries", "0", code=1)
                self.assertEqual(row["status"], "302", row)
                self.assertNotEqual(row["error"], "")

    def test_redirect_to_another_host(self):
        target = self.origin()
        server = self.answering(b"HTTP/1.1 301 Moved\r\nLocation: " + target.url("/article/1").encode() +
                                b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        [row] = self.scrape(3, server.url(), code=0)
        self.assertEqual((row["url"], row["status"]), (server.url(), "200"))
        self.assertEqual(len(target.starts("/article/1")), 1)

    def test_redirect_without_a_place(self):
        server = self.answering(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        [row] = self.scrape(0, server.url(), code=1)
        self.assertEqual((row["status"], row["error"]), ("302", "HTTP 302"))


if __name__ == "__main__":
    millrace.main()
