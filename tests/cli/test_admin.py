"""Tokens, audit, storage and the end of a project at the command line."""

import asyncio
from pathlib import Path

from fiberq_aiohttp.cli.exits import Exit
from fiberq_core.people import Person
from fiberq_core.policy import Role
from fiberq_storage import sqlite
from tests.cli.running import Terminal


def signed_in(data: Path) -> None:
    """Mira, an engineer, has signed in before."""
    moment = "2026-11-24T12:00:00.000Z"

    async def note() -> None:
        async with await sqlite.open_store(data) as store:
            await store.saw(Person("mira", "Mira", "", frozenset({Role.ENGINEER}), moment, moment))

    asyncio.run(note())


def test_tokens(fq: Terminal) -> None:
    """Made for somebody who has signed in, shown once, listed without it, revoked."""
    fq.ok("project", "create", "Selo")
    nobody = fq("tokens", "make", "mira", "Laptop")
    signed_in(fq.data)
    secret = fq.ok("tokens", "make", "mira", "Laptop", "--scope", "read", "--days", 7).strip()
    (listed,) = fq.get("tokens", "list")
    shown = fq.ok("tokens", "list", "--user", "mira")

    assert (Exit.NOT_FOUND, "") == (nobody.code, nobody.out)
    assert secret.startswith("fq_") and secret not in shown and listed["id"] in shown
    assert ("mira", "read", None) == (listed["user_sub"], listed["scope"], listed["revoked_at"])
    fq.ok("tokens", "revoke", listed["id"])
    assert fq.get("tokens", "list")[0]["revoked_at"]
    assert 0 != fq("tokens", "revoke", "none").code
    assert 0 != fq("tokens", "make", "mira", "x", "--role", "engineer").code
    assert ["token.revoked", "token.made"] == [event["what"] for event in fq.get("audit", "--what", "token.")]


def test_audit_and_storage(fq: Terminal) -> None:
    """As tables for people, as JSON for programs."""
    fq.ok("project", "create", "Selo")
    fq.ok("project", "add-member", 1, "vuk", "field_worker")

    assert "member.set" in fq.ok("audit") and "vuk" in fq.ok("audit", "--project", 1)
    assert [] == fq.get("audit", "--project", 2)
    assert "Selo" in fq.ok("storage")
    assert ["Selo"] == [project["name"] for project in fq.get("storage")["projects"]]
    assert 0 != fq("storage", "--role", "engineer").code


def test_the_end_of_a_project(fq: Terminal) -> None:
    """Archived first, its name typed, its backup there and good."""
    fq.ok("project", "create", "Selo")
    fq.ok("project", "create", "Other")
    alive = fq("project", "purge", "Selo", "--confirm", "Selo")
    fq.ok("project", "archive", "Selo")
    wrong = fq("project", "purge", "1", "--confirm", "selo")
    said = fq.ok("project", "purge", "Selo", "--confirm", "Selo")
    (backup,) = (fq.data / "purged").iterdir()

    assert alive.code != 0 and wrong.code != 0 and backup.name in said
    assert ["Other"] == [p["name"] for p in fq.get("project", "list", "--archived")]
    restored = Terminal(fq.data.parent / "restored")
    restored.ok("restore", backup, "--data", restored.data)
    assert ["Selo"] == [p["name"] for p in restored.get("project", "list", "--archived")]
