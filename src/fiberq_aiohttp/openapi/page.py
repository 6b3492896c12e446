"""The document as a page for people: what the template shows, worked out of the document and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import frozen

Json = Mapping[str, Any]

NAMED: Final = "#/components/schemas/"
ANYTHING: Final = "anything"
MANY: Final = 12  # words of a list that are shown


@frozen
class Line:
    """One member of an object: *kind* in words, with *shape* where it is one that has a name. *depth* counts levels."""

    depth: int
    name: str
    kind: str
    shape: str
    needed: bool
    what: str


@frozen
class Call:
    """One operation as it is shown."""

    method: str
    path: str
    said: Json
    bodies: tuple[tuple[str, tuple[Line, ...]], ...]
    answers: tuple[tuple[str, Json, str, tuple[Line, ...]], ...]
    problems: tuple[tuple[str, str], ...]

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return str(self.said["operationId"])

    @property
    def right(self) -> str:
        """Who may call it."""
        if not self.said["security"]:
            return "anybody"
        if self.said["x-fiberq-action"] is None:
            return "whoever is signed in"
        scopes = self.said["x-fiberq-roles"]
        who = [f"{role} (their own)" if scope == "own" else role for role, scope in scopes.items() if scope != "no"]
        return f"{self.said['x-fiberq-action']}: {', '.join(who)}"


def chapters(document: Json) -> Sequence[tuple[Json, tuple[Call, ...]]]:
    """The calls of each tag, in the order of the routes."""
    calls = list(_calls(document))
    return [(tag, tuple(c for c in calls if c.said["tags"] == [tag["name"]])) for tag in document["tags"]]


def shapes(document: Json) -> Sequence[tuple[str, tuple[Line, ...]]]:
    """The shapes by name, each with its lines."""
    return [(name, tuple(lines(schema))) for name, schema in document["components"]["schemas"].items()]


def _calls(document: Json) -> Iterator[Call]:
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            content = said.get("requestBody", {}).get("content", {})
            bodies = tuple((media, tuple(lines(taken["schema"]))) for media, taken in content.items())
            yield Call(method.upper(), path, said, bodies, tuple(_answers(said)), tuple(_problems(document, said)))


def _answers(said: Json) -> Iterator[tuple[str, Json, str, tuple[Line, ...]]]:
    for status, answer in said["responses"].items():
        if "$ref" not in answer:
            for media, given in answer.get("content", {"": {"schema": None}}).items():
                yield status, answer, media, tuple(lines(given["schema"])) if given["schema"] is not None else ()


def _problems(document: Json, said: Json) -> Iterator[tuple[str, str]]:
    known = document["components"]["responses"]
    for status, answer in said["responses"].items():
        if "$ref" in answer:
            yield status, known[answer["$ref"].rpartition("/")[2]]["description"]


def lines(schema: Json) -> Iterator[Line]:
    """A schema, line by line. One that is no object is one line without a name."""
    inner = _object_in(schema)
    if inner is None or inner is not schema:
        yield Line(0, "", *_kind(schema), needed=True, what=schema.get("description", ""))
    yield from _members(schema, 0 if inner is schema else 1)


def _members(schema: Json, depth: int) -> Iterator[Line]:
    for choice in _choices(schema):
        inner = _object_in(choice)
        needed = inner.get("required", ()) if inner else ()
        for name, member in (inner or {}).get("properties", {}).items():
            yield Line(depth, name, *_kind(member), needed=name in needed, what=_what(member))
            yield from _members(member, depth + 1)


def _choices(schema: Json) -> Sequence[Json]:
    choices: Sequence[Json] = schema.get("anyOf", (schema,))
    return choices


def _object_in(schema: Json) -> Json | None:
    """The object with members that *schema* is, or a list or map of."""
    if "properties" in schema:
        return schema
    inner = schema.get("items", schema.get("additionalProperties"))
    return _object_in(inner) if isinstance(inner, Mapping) else None


def _what(schema: Json) -> str:
    """What is said of a value beside its kind."""
    words = [str(word) for word in schema.get("enum", schema.get("examples", ())) if word is not None]
    shown = ", ".join(words[:MANY]) + (", …" if len(words) > MANY else "")
    listed = f"{'one of' if 'enum' in schema else 'such as'} {shown}" if words else ""
    return "; ".join(part for part in (schema.get("title", ""), schema.get("description", ""), listed) if part)


def _kind(schema: Json) -> tuple[str, str]:
    """What kind of value it is, in words, and the name of the shape in it."""
    if "$ref" in schema:
        return "", schema["$ref"].removeprefix(NAMED)
    if "anyOf" in schema:
        kinds = [_kind(choice) for choice in schema["anyOf"]]
        only = [shape for _, shape in kinds if shape]
        return _alternatives(kinds, only), only[0] if len(only) == 1 else ""
    if "const" in schema:
        return f"“{schema['const']}”", ""
    if schema.get("type") == "array":
        word, shape = _kind(schema.get("items", {}))
        return f"list of {word}".rstrip(), shape
    if isinstance(schema.get("additionalProperties"), Mapping):
        word, shape = _kind(schema["additionalProperties"])
        return f"by name: {word}".rstrip(), shape
    return _plain(schema), ""


def _alternatives(kinds: Sequence[tuple[str, str]], only: Sequence[str]) -> str:
    words = [word or shape for word, shape in kinds]
    if len(only) == 1:
        words = [word for word, shape in kinds if not shape]
        return f"or {' or '.join(words)}" if words else ""
    return " or ".join(dict.fromkeys(words))


def _plain(schema: Json) -> str:
    kind = schema.get("type", ANYTHING)
    kinds = [kind] if isinstance(kind, str) else list(kind)
    shown = schema.get("format", "")
    words = [shown if k == "string" and shown not in ("", "binary") else k for k in kinds]
    return " or ".join("file" if shown == "binary" and w == "string" else w for w in words)
