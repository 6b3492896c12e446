"""A server that does nothing but give an answer, so that what aiohttp itself costs is known: `python -m bench.bare FILE PORT`."""

import sys
from pathlib import Path

from aiohttp import web


def main() -> None:
    """Serve the file's content until stopped."""
    body = Path(sys.argv[1]).read_bytes()

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.add_routes([web.get("/", answer)])
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[2]), print=None, access_log=None)


if __name__ == "__main__":
    main()
