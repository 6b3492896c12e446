"""People, access tokens and the audit: what every store remembers of them."""

import hashlib

import pytest
from attrs import evolve

from fiberq_core.changes import Source
from fiberq_core.errors import Conflict, Invalid, NotFound
from fiberq_core.people import Person
from fiberq_core.policy import Reach, Role
from fiberq_core.ports import AuditQuery, Changeset, Happening, Member, Project, Store, Upload
from fiberq_core.tokens import Token
from tests.contracts.builders import ANA, BOJAN, a_project, at
from tests.contracts.conftest import Opener

MIRA = Person("mira", "Mira Ž", "mira@example.org", frozenset({Role.ENGINEER}), at(1), at(1))


def a_token(number: int, sub: str = "ana", second: int = 1) -> Token:
    """A token that was never used."""
    return Token(f"t{number}", sub, f"Laptop {number}", Reach.SYNC, at(second), "2027-01-01T00:00:00.000Z")


def digest(number: int) -> str:
    """What the numbered token is known by."""
    return hashlib.sha256(str(number).encode()).hexdigest()


async def test_the_first_and_the_last_sign_in(store: Store) -> None:
    """Somebody is remembered once: as their last token says it, and since when."""
    await store.saw(MIRA)
    later = evolve(MIRA, roles=frozenset({Role.ADMIN, Role.FIELD_WORKER}), first_sign_in=at(9), last_sign_in=at(9))
    await store.saw(evolve(later, name="", email=""))

    known = {"mira": evolve(later, first_sign_in=at(1))}
    assert known == await store.known_people(["mira", "nobody"])


async def test_sign_ins_that_overtake_each_other(store: Store) -> None:
    """What is told late of an earlier sign-in changes nothing."""
    last = evolve(MIRA, roles=frozenset(), last_sign_in=at(9))
    await store.saw(last)
    await store.saw(MIRA)

    assert {"mira": last} == await store.known_people(["mira"])


async def test_people_in_pages(store: Store) -> None:
    """Everybody is listed once, in the order of their subjects, however odd these are."""
    subs = ["Ž", "a", "B", "auth0|1", "čika@selo"]
    for sub in subs:
        await store.saw(evolve(MIRA, sub=sub))
    first = await store.people(2, None)
    second = await store.people(2, first.next)
    third = await store.people(2, second.next)

    assert sorted(subs) == [person.sub for page in (first, second, third) for person in page.items]
    assert third.next is None
    with pytest.raises(Invalid):
        await store.people(2, "nonsense")


async def test_a_token_is_found_by_its_digest_alone(store: Store) -> None:
    """With its person, where they ever signed in; by nothing that is near it."""
    await store.save_token(a_token(1), digest(1), by=ANA, most=9)
    await store.save_token(a_token(2, "mira"), digest(2), by=ANA, most=9)
    await store.saw(MIRA)

    assert (a_token(1), None) == await store.token_behind(digest(1))
    assert (a_token(2, "mira"), MIRA) == await store.token_behind(digest(2))
    for wrong in (digest(3), digest(1)[:-1], digest(1).upper(), "", "t1", "%"):
        with pytest.raises(NotFound):
            await store.token_behind(wrong)


async def test_a_token_that_was_revoked_is_known_as_such_at_once(store: Store, reopen: Opener) -> None:
    """Also where it was in use a moment before; revoking again changes nothing; another server sees it too."""
    await store.save_token(a_token(1), digest(1), by=ANA, most=9)
    await store.token_behind(digest(1))
    await store.revoke_token("t1", by=BOJAN, at=at(5))
    await store.revoke_token("t1", by=ANA, at=at(6))

    revoked = evolve(a_token(1), revoked_at=at(5))
    assert (revoked, None) == await store.token_behind(digest(1))
    assert revoked == await store.token("t1") == await (await reopen()).token("t1")
    assert ["token.revoked", "token.made"] == [e.what for e in (await store.audit(AuditQuery(), 9, None)).items]
    with pytest.raises(NotFound):
        await store.revoke_token("t2", by=ANA, at=at(6))


async def test_use_of_a_token(store: Store) -> None:
    """When a token was used is noted."""
    await store.save_token(a_token(1), digest(1), by=ANA, most=9)
    await store.token_used("t1", at(7))

    assert evolve(a_token(1), last_used_at=at(7)) == await store.token("t1")


async def test_tokens_of_somebody_and_of_everybody(store: Store) -> None:
    """Newest first, in pages, each token once."""
    for number, sub, second in ((1, "ana", 1), (2, "ana", 3), (3, "ana", 3), (4, "mira", 2)):
        await store.save_token(a_token(number, sub, second), digest(number), by=ANA, most=9)
    first = await store.tokens("ana", 2, None)
    rest = await store.tokens("ana", 2, first.next)

    assert (["t3", "t2"], ["t1"], None) == ([t.id for t in first.items], [t.id for t in rest.items], rest.next)
    assert ["t3", "t2", "t4", "t1"] == [t.id for t in (await store.tokens(None, 9, None)).items]
    assert () == (await store.tokens("a%", 9, None)).items
    with pytest.raises(Invalid):
        await store.tokens("ana", 2, "nonsense")


async def test_only_so_many_tokens_live(store: Store) -> None:
    """Those that were revoked or have expired make room; those of others take none."""
    expired = evolve(a_token(1), expires_at=at(2))
    await store.save_token(expired, digest(1), by=ANA, most=2)
    await store.save_token(a_token(2), digest(2), by=ANA, most=2)
    await store.save_token(a_token(3, second=3), digest(3), by=ANA, most=2)
    await store.save_token(a_token(4, "mira", 3), digest(4), by=ANA, most=2)
    with pytest.raises(Conflict):
        await store.save_token(a_token(5, second=3), digest(5), by=ANA, most=2)
    await store.revoke_token("t3", by=ANA, at=at(4))
    await store.save_token(a_token(6, second=4), digest(6), by=ANA, most=2)

    assert {"t1", "t2", "t3", "t6"} == {t.id for t in (await store.tokens("ana", 9, None)).items}


async def test_the_audit_by_what_is_asked_for(store: Store, project: Project) -> None:
    """Filters narrow it, each in its own way; it is newest first and in pages; what is said of it comes back whole."""
    other = await a_project(store, 902, "Other")
    await store.set_member(project.id, Member("vuk", Role.FIELD_WORKER), by=BOJAN, at=at(5))
    await store.save_token(a_token(1, second=6), digest(1), by=ANA, most=9)
    await store.remove_member(project.id, "vuk", by=ANA, at=at(7))

    async def found(**asked: object) -> list[str]:
        return [event.what for event in (await store.audit(AuditQuery(**asked), 9, None)).items]  # type: ignore[arg-type]

    assert ["member.removed", "token.made", "member.set", "project.created", "project.created"] == await found()
    assert ["member.removed", "member.set", "project.created"] == await found(project=project.id)
    assert ["project.created"] == await found(project=other.id)
    assert ["member.set"] == await found(person="bojan")
    assert ["member.removed", "member.set"] == await found(what="member.")
    assert ["member.set"] == await found(what="member.set")
    assert [] == await found(what="member") == await found(what="%.")
    assert ["token.made", "member.set"] == await found(since=at(5), until=at(7))
    first = await store.audit(AuditQuery(), 2, None)
    rest = await store.audit(AuditQuery(), 9, first.next)
    assert ["member.set", "project.created", "project.created"] == [event.what for event in rest.items]
    made = (await store.audit(AuditQuery(what="token.made"), 9, None)).items[0]
    assert (None, at(6), ANA, {"token": "t1", "sub": "ana", "label": "Laptop 1", "scope": "sync"}) == (
        made.project,
        made.at,
        made.by,
        made.detail,
    )
    with pytest.raises(Invalid):
        await store.audit(AuditQuery(), 2, "nonsense")


async def upload(store: Store, project: Project, name: str, second: int) -> None:
    """An upload that brought four rows, with a receipt that only just is JSON."""
    receipt = {"lone": "\ud800", "nul": "\0", "features_merged": 4, "x": '"features_merged":9'}
    async with store.unit(project.id) as unit:
        await unit.apply(Changeset(BOJAN, at(second), Source.UPLOAD, name))
        await unit.save_upload(Upload(name, name * 32, None, "copy", None, receipt), 0)


async def test_recent_activity(store: Store, project: Project) -> None:
    """Uploads and memberships of this project alone, newest first."""
    other = await a_project(store, 902, "Other")
    await upload(store, other, "o1", 9)
    await upload(store, project, "s1", 5)
    await store.set_member(project.id, Member("vuk", Role.FIELD_WORKER), by=BOJAN, at=at(6))
    found, more = await store.activity(project.id, None, 9)

    assert (["member.set", "sync.upload", "project.created"], False) == ([one.what for one in found], more)
    assert Happening("sync.upload", at(5), BOJAN, {"sync_id": "s1", "features": 4}) == found[1]


async def test_activity_is_walked_by_the_moment_of_its_last_entry(store: Store, project: Project) -> None:
    """Nothing is left out and nothing comes twice, also where much happened in the same moment."""
    for number, second in enumerate((3, 5, 5, 5, 7)):
        await upload(store, project, f"s{number}", second)
    seen, before, more = [], None, True
    while more:
        found, more = await store.activity(project.id, before, 2)
        seen += [one.detail.get("sync_id") for one in found]
        before = found[-1].at

    assert ["s4", "s3", "s2", "s1", "s0", None] == seen
    assert ([], False) == await store.activity(project.id, at(0), 2)
