"""Whether an answer is one that the document promises: its status, its type, its body to the last member."""

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs
import orjson
from attrs import define, field

ALWAYS = {404: "no-such-path", 405: "method-not-allowed"}  # a made-up address may be another one, or none
FAULTY = 500


def strict(schema: Any) -> Any:
    """*schema*, where records have no other members than theirs: what is not described is not sent."""
    if isinstance(schema, Mapping):
        whole = "properties" in schema and set(schema["properties"]) == set(schema.get("required", ()))
        closed = {"additionalProperties": False} if whole else {}
        return {**closed, **{name: strict(member) for name, member in schema.items()}}
    return [strict(member) for member in schema] if isinstance(schema, list) else schema


@define
class Judge:
    """Knows the *document*."""

    document: Mapping[str, Any]
    _known: dict[str, Any] = field(factory=dict, init=False)

    def faults(self, method: str, path: str, status: int, media: str, body: bytes) -> Iterator[str]:
        """What of an answer to *method* and *path* (as the document spells it) nobody was promised."""
        if status >= FAULTY and status != 503:
            yield f"{status}: something broke"
            return
        if status == 400 and media.startswith("text/plain") and b"bytes when reading" in body:
            return  # a head that is too long is refused before anybody knows what it asks for
        promised = self.document["paths"][path][method.lower()]["responses"]
        if str(status) not in promised:
            if not self._elsewhere(status, body):
                yield f"{status} is not promised; there are {', '.join(promised)}"
            return
        yield from self._misfits(promised[str(status)], media.partition(";")[0], body)

    def _elsewhere(self, status: int, body: bytes) -> bool:
        """Whether a refusal says that there is nothing at the address at all."""
        return status in ALWAYS and orjson.loads(body)["code"] == ALWAYS[status]

    def _misfits(self, promised: Mapping[str, Any], media: str, body: bytes) -> Iterator[str]:
        if "$ref" in promised:
            promised = self.document["components"]["responses"][promised["$ref"].rpartition("/")[2]]
        content = promised.get("content", {})
        found = content.get(media) or content.get(f"{media.partition('/')[0]}/*")
        if not content and body:
            yield "it has a body, and none was promised"
        elif content and found is None:
            yield f"it is {media}, and {', '.join(content)} was promised"
        elif found is not None and "json" in media:
            yield from self._wrong(found["schema"], body)

    def _wrong(self, schema: Mapping[str, Any], body: bytes) -> Iterator[str]:
        key = repr(schema)
        known = self._known.get(key)
        if known is None:
            closed = {**strict(schema), "components": {"schemas": strict(self.document["components"]["schemas"])}}
            known = self._known[key] = jsonschema_rs.validator_for(closed)
        for error in known.iter_errors(orjson.loads(body)):
            yield f"{'/'.join(map(str, error.instance_path))}: {error.message[:300]}"
