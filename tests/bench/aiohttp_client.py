#!/usr/bin/python3
"""The same work as a Python crawler does it: aiohttp, N requests in flight on one core.

    aiohttp_client.py FILE TRANSFERS
"""

import asyncio
import sys

import aiohttp


async def fetch(session, urls, tally):
    for url in urls:
        async with session.get(url) as response:
            tally["bytes"] += len(await response.read())
            tally["failed"] += response.status != 200
            tally["pages"] += 1


async def main(path, transfers):
    tally = {"pages": 0, "bytes": 0, "failed": 0}
    with open(path, encoding="utf-8") as lines:
        urls = iter(lines.read().split())
        connector = aiohttp.TCPConnector(limit=transfers)
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(fetch(session, urls, tally) for _ in range(transfers)))
    print("{pages} pages, {bytes} bytes, {failed} failed".format(**tally))
    return tally["failed"] > 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], int(sys.argv[2]))))
