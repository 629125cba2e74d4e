"""A bare ASGI handler: verifies the token with a secret in memory, sends fixed bytes, answers.

    python -m bench.baselines.webhook_server PORT BOOTSTRAP TOPIC RECORD SECRET

``RECORD`` is JSON with the key, the value and the headers of the record that ours sends for the
same webhook; the producer's options are those of ours.
"""

import asyncio
import hashlib
import hmac
import json
import sys
from typing import Any

import jwt
import uvicorn
from aiokafka import AIOKafkaProducer

Message = dict[str, Any]


class Bare:
    """The handler."""

    def __init__(self, topic: str, record: dict[str, Any], secret: str) -> None:
        self._topic = topic
        self._key = record["key"].encode()
        self._value = record["value"].encode()
        self._headers = [(name, value.encode()) for name, value in record["headers"]]
        self._secret = secret
        self.producer: AIOKafkaProducer

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        """Serve one POST."""
        status = 200 if self._verified(scope) else 401
        while (await receive()).get("more_body"):
            pass
        if status == 200:
            future = await self.producer.send(
                self._topic, self._value, key=self._key, headers=self._headers
            )
            await future
        head = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": b""})

    def _verified(self, scope: Message) -> bool:
        token = dict(scope["headers"])[b"authorization"].decode().removeprefix("JWT ")
        claims = jwt.decode(
            token, self._secret, algorithms=["HS256"], options={"require": ["exp", "iat", "qsh"]}
        )
        canonical = f"{scope['method']}&{scope['path']}&"
        expected = hashlib.sha256(canonical.encode()).hexdigest()
        return hmac.compare_digest(claims["qsh"], expected)


async def main(port: int, bootstrap: str, app: Bare) -> None:
    """Serve until killed."""
    app.producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        acks="all",
        linger_ms=2,
        max_batch_size=256 * 1024,
    )
    await app.producer.start()
    try:
        config = uvicorn.Config(app, port=port, access_log=False, log_level="error", lifespan="off")
        await uvicorn.Server(config).serve()
    finally:
        await app.producer.stop()


if __name__ == "__main__":
    _, port, bootstrap, topic, record, secret = sys.argv
    from uvloop import new_event_loop

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main(int(port), bootstrap, Bare(topic, json.loads(record), secret)))
