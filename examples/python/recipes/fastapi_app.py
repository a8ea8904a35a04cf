"""FastAPI: one provider for the process, an asyncio client, a health check that tells Entra's trouble from Redis's.

    uvicorn fastapi_app:app
"""

import contextlib
import os
from typing import Any, AsyncIterator

import redis.asyncio
from fastapi import FastAPI, Request, Response

import entrakey
import entrakey.redis


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with entrakey.Provider(name="cache") as provider:
        app.state.provider = provider
        app.state.redis = redis.asyncio.Redis(
            host=os.environ["REDIS_HOST"],
            port=int(os.environ["REDIS_PORT"]),
            ssl=True,
            ssl_ca_certs=os.environ.get("REDIS_CA_FILE"),
            credential_provider=entrakey.redis.CredentialProvider(provider),
        )
        yield
        await app.state.redis.aclose()


app = FastAPI(lifespan=lifespan)


@app.get("/visits")
async def visits(request: Request) -> dict[str, int]:
    return {"visits": await request.app.state.redis.incr("visits")}


@app.get("/health")
async def health(request: Request, response: Response) -> dict[str, Any]:
    status = request.app.state.provider.status()
    if not status["ready"] and status["last_error"]:
        response.status_code = 503
    return {"state": status["state"], "last_error": status["last_error"]}


@app.get("/metrics")
async def metrics(request: Request) -> Response:
    return Response(request.app.state.provider.metrics(), media_type=entrakey.METRICS_CONTENT_TYPE)
