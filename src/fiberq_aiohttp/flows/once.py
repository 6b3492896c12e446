"""Requests that are sent again: the same Idempotency-Key, the same answer, and no second effect."""

import asyncio
import hashlib
import json
from collections.abc import Mapping

from attrs import frozen

from fiberq_core.errors import Fault, Invalid
from fiberq_core.policy import Actor
from fiberq_core.ports import Unit


@frozen
class Once:
    """What a request is known by: *key* as the store has it (None: it says nothing), *digest* of what it wants."""

    key: str | None
    digest: str = ""

    async def earlier(self, unit: Unit) -> Mapping[str, object] | None:
        """What was answered to it before. Raises: Invalid, where that was another request: this one would be lost."""
        answered = await unit.keyed_answer(self.key) if self.key else None
        if answered is None:
            return None
        answer = answered["answer"]
        if answered["digest"] != self.digest or not isinstance(answer, Mapping):
            reason = "was used for something else; send a new one with each"
            raise Invalid(f"The Idempotency-Key {reason}", [Fault("Idempotency-Key", reason)])
        return answer

    async def remember(self, unit: Unit, answer: Mapping[str, object]) -> None:
        """Keep *answer* for the next time."""
        if self.key:
            await unit.save_answer(self.key, {"digest": self.digest, "answer": answer})


async def once(actor: Actor, place: str, key: str | None, body: Mapping[str, object]) -> Once:
    """How a request of *actor* for something new at *place* (a layer) is known, by the *key* that it came with."""
    if key is None:
        return Once(None)
    return Once(json.dumps([actor.subject, place, key]), await asyncio.to_thread(_digest, body))


def _digest(body: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
