"""How uvicorn serves the app: no access log (paths hold tokens), no guessing of client addresses, an orderly end."""

import uvicorn
from fastapi import FastAPI

DRAIN_SECONDS = 10


def server(app: FastAPI, *, host: str, port: int) -> uvicorn.Server:
    """A server for `app`; `run()` blocks until SIGTERM, then refuses, drains and ends within ten seconds."""
    return uvicorn.Server(config(app, host=host, port=port))


def config(app: FastAPI, *, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Config:
    """The settings every server of ours shares, tests and benchmarks included."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        proxy_headers=False,  # web.limits reads X-Forwarded-For itself, and only from DIGEST_PROXIES
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
