"""The bare baseline: a Starlette route that parses a JSON body and sends it back, and one that sends a page. Started as a process with a port number."""

import sys

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def echo(request: Request) -> Response:
    """Parse and send back."""
    return Response(orjson.dumps(orjson.loads(await request.body())), media_type="application/json")


async def page(_: Request) -> Response:
    """Two kilobytes of JSON."""
    return Response(orjson.dumps({"text": "x" * 2_000}), media_type="application/json")


if __name__ == "__main__":
    app = Starlette(routes=[Route("/echo", echo, methods=["POST"]), Route("/page", page)])
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="error",
    )
