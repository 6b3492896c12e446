"""A package back from the device: upload, undo."""

from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import Any, Final

from attrs import evolve, frozen

from fiberq_aiohttp.flows import writing
from fiberq_aiohttp.flows.access import NO_SYNC, actor_in, demand, writable
from fiberq_aiohttp.flows.aside import aside, both_sides
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.flows.inbox import answer_issues
from fiberq_aiohttp.flows.once import once
from fiberq_core.changes import Source
from fiberq_core.errors import NotFound, WrongProject
from fiberq_core.identity import name_rows
from fiberq_core.lineage import Lineage, trace
from fiberq_core.planning import Cause, ConflictPolicy, Held
from fiberq_core.policy import Action, Actor
from fiberq_core.ports import UNDO, Package, Project, Reader, Unit, Upload
from fiberq_core.proposals import Bases, Proposal, Proposals, naming, propose
from fiberq_core.questions import copy_or_undone, refused_layers
from fiberq_core.receipt import Circumstances, base_word, receipt
from fiberq_core.registry import LAYER
from fiberq_core.reversal import undone
from fiberq_core.rows import Key, Row, Stored
from fiberq_core.sent import Provenance, SentFile


@frozen
class _Origin:
    """Where a file comes from: the export that it is, and the package that this export delivered.

    *lost*: it says that it is an export of this project, and the store knows of none such. It is from a time
    before a backup was restored, and the numbers of its revisions mean something else by now.
    """

    provenance: Provenance | None
    package: Package | None
    revision: int | None
    lost: bool = False


NOWHERE: Final = _Origin(None, None, None)
LOST: Final = _Origin(None, None, None, lost=True)
LOST_NOTE: Final = (
    "This server does not know the export that the file comes from, perhaps since a backup was restored. "
    "Nothing in it replaces a newer value by itself: wherever it differs, somebody is asked."
)


@writing.persistent
async def upload(
    ports: Ports, actor: Actor, project_id: int, path: str, digest: str, *, dry_run: bool = False, adopt: bool = False
) -> Mapping[str, object]:
    """Merge the GeoPackage at *path* (sha256 *digest*) into a project; returns the receipt.

    *adopt*: the project is new, so a file of another one is taken in as if no export had made it (S31).
    Raises: NotFound, Forbidden, Conflict (archived), WrongProject, BadPackage, StoreUnavailable.
    """
    project, actor = await actor_in(ports, actor, project_id)
    demand(actor, Action.SYNC_PUSH)
    writable(project)
    async with ports.store.reading(project_id) as reader:
        repeated = await reader.receipt_of_digest(digest)
        extra = await reader.extra_columns()
    if repeated is not None:
        return repeated
    origin = NOWHERE if adopt else await _origin(ports, project, path)
    sent = await ports.packages.read(path, origin.package, extra)
    if not dry_run:
        await ports.uploads.keep(path, digest)
    async with ports.store.unit(project_id, rehearsal=dry_run) as unit:
        repeated = await unit.receipt_of_digest(digest)
        if repeated is not None:
            return repeated
        return await _merge(ports, actor, unit, sent, origin, digest, dry_run=dry_run)


async def _origin(ports: Ports, project: Project, path: str) -> _Origin:
    said = await ports.packages.provenance(path)
    if said is None:
        return NOWHERE
    if said.project != project.uuid:
        raise WrongProject("The file was exported from another project; nothing was applied. Send it to that project.")
    known = await ports.store.find_export(said.export_id)
    if known is None or known[0] != project.id:
        return LOST
    revision = known[1]
    return _Origin(evolve(said, revision=revision), await ports.packages.at(project.id, revision), revision)


async def _merge(
    ports: Ports, actor: Actor, unit: Unit, sent: SentFile, origin: _Origin, digest: str, *, dry_run: bool
) -> Mapping[str, object]:
    """Everything that happens under the project's lock."""
    sync_id = ports.new_uuid()
    sent = sent if origin.provenance is not None else evolve(sent, provenance=None)
    sent = evolve(sent, notes=(*sent.notes, LOST_NOTE)) if origin.lost else sent
    lineage = await _lineage(unit, sent, origin, actor)
    copy = lineage.copy(sync_id)
    wanted = await _proposals(unit, sent, origin, lineage, copy)
    cause = Cause(actor, ports.now(), copy, sync_id, ConflictPolicy(unit.project.conflict_policy))
    before = unit.project.revision
    decisions = await answer_issues(unit, cause, wanted.issues)
    since = writing.Since(origin.revision, frozenset(lineage.deltas)) if origin.revision is not None else None
    plan = await writing.plan(unit, cause, wanted.rows, wanted.mass_deletions, since)
    plan = evolve(plan, held=(*plan.held, *refused_layers(sent), *await _questions(unit, origin, lineage)))
    current = await unit.rows({p.key for p in wanted.rows})
    applied, new_items = await writing.apply(unit, plan, Source.UPLOAD, extra_types=sent.extra_types)
    about = Circumstances(
        sync_id, origin.provenance.export_id if origin.provenance else None, base_word(sent, lineage),
        before, sent, dry_run,
    )  # fmt: skip
    shown = chain(_rows(sent, current), both_sides(c for held in plan.held for c in held.changes))
    answer = await aside(shown, receipt, plan, applied, new_items, current, about, decisions)
    parent = lineage.parent.sync_id if lineage.parent else None
    await unit.save_upload(
        Upload(sync_id, digest, about.export_id, copy, parent, answer, wanted.deltas, sent.writes), applied.revision
    )
    return answer


async def _lineage(unit: Reader, sent: SentFile, origin: _Origin, sender: Actor) -> Lineage:
    if origin.provenance is None or origin.revision is None:
        return Lineage(None)
    uploads = await unit.uploads_of(origin.provenance.export_id)
    keys = {d.key for u in uploads for d in u.deltas}
    delivered = await unit.versions(dict.fromkeys(keys, origin.revision)) if keys else {}
    rows = {k: s.row for k, s in delivered.items()}
    about = chain(_rows(sent, delivered), (d.row for u in uploads for d in u.deltas))
    return await aside(about, trace, sent, uploads, rows, sender=sender.subject)


async def _proposals(unit: Reader, sent: SentFile, origin: _Origin, lineage: Lineage, copy: str) -> Proposals:
    located = await _located(unit, sent)
    layers = {u: s.key.layer for u, s in located.items()}
    how = naming(unit.project.uuid, copy, sent, lineage)
    named = await aside(_rows(sent, located), name_rows, sent.layers, how, layers)
    keys = {n.key for found in named.values() for n in found if n.key.layer in LAYER}
    keys |= {Key(layer.layer, uuid) for layer in sent.layers for uuid in layer.gone} | set(lineage.deltas)
    revs = {n.key: n.sent.rev for found in named.values() for n in found if n.sent.rev is not None}
    bases = await _bases(unit, keys, revs, located, origin)
    return await aside(_rows(sent, bases.current), propose, sent, named, lineage, bases)


async def _located(unit: Reader, sent: SentFile) -> Mapping[str, Stored]:
    """The newest version of each uuid in the file. Most are where the file has them; others may be anywhere."""
    said = {Key(layer.layer, row.uuid) for layer in sent.layers for row in layer.rows if row.uuid}
    found = {stored.key.uuid: stored for stored in (await unit.rows(said)).values()} if said else {}
    elsewhere = {key.uuid for key in said} - found.keys()
    return {**found, **await unit.locate(elsewhere)} if elsewhere else found


async def _bases(
    unit: Reader, keys: Collection[Key], revs: Mapping[Key, int], located: Mapping[str, Stored], origin: _Origin
) -> Bases:
    current = await unit.rows(keys)
    last = {s.key: s for s in located.values() if s.key not in current}
    if origin.lost:
        return Bases(last, {}, current, last)
    exported = origin.revision is not None
    delivered = dict.fromkeys(keys, origin.revision) if origin.revision is not None else {}
    versions = await _versions(unit, delivered, current)
    own = await _versions(unit, {k: rev for k, rev in revs.items() if rev <= unit.project.revision}, current)
    referred = _referred(stored for found in (versions, own, current, last) for stored in found.values())
    fids = {uuid: s.fid for uuid, s in (await unit.locate(referred)).items()} if referred else {}
    return Bases(versions, own, current, last, fids, exported)


async def _versions(unit: Reader, wanted: Mapping[Key, int], current: Mapping[Key, Stored]) -> Mapping[Key, Stored]:
    """Each key's version at the wanted revision: a *current* one that was there then already, else one of the past."""
    known = {key: current[key] for key, rev in wanted.items() if key in current and current[key].rev <= rev}
    past = {key: rev for key, rev in wanted.items() if key not in known}
    return {**known, **await unit.versions(past)} if past else known


def _rows(sent: SentFile, beside: Mapping[Any, Stored]) -> Iterable[Row]:
    """The rows of a file that may have been edited, and those of the store *beside* them."""
    return chain((row.row for layer in sent.layers for row in layer.rows), (stored.row for stored in beside.values()))


def _referred(rows: Iterable[Stored]) -> set[str]:
    pairs = ((stored.row, reference) for stored in rows for reference in LAYER[stored.key.layer].references)
    return {uuid for row, reference in pairs if isinstance(uuid := row.get(reference.column), str)}


async def _questions(unit: Reader, origin: _Origin, lineage: Lineage) -> list[Held]:
    questions = []
    for earlier in lineage.unseen if origin.revision is not None else ():
        keys = {d.key for d in earlier.deltas} | set(lineage.deltas)
        found = (await unit.versions(dict.fromkeys(keys, origin.revision or 0)), await unit.rows(keys))
        delivered, now = ({k: s.row for k, s in rows.items()} for rows in found)
        questions.append(copy_or_undone(earlier, lineage, delivered, now))
    return [question for question in questions if question is not None]


@writing.persistent
async def undo(ports: Ports, actor: Actor, sync_id: str, *, idempotency_key: str | None = None) -> Mapping[str, object]:
    """Take an upload back, as a merge against today's data. Raises: NotFound, Forbidden, Invalid (the key), Conflict."""
    try:
        project_id, author, _, revision = await ports.store.find_receipt(sync_id)
        project, actor = await actor_in(ports, actor, project_id)
    except NotFound:
        raise NotFound(NO_SYNC) from None
    demand(actor, Action.SYNC_UNDO, owner=author.sub)
    writable(project)
    request = await once(actor, f"undo/{sync_id}", idempotency_key, {})
    async with ports.store.unit(project_id) as unit:
        answered = await request.earlier(unit)
        if answered is not None:
            return answered
        made = (await unit.revisions([revision])).get(revision)
        if made is None or made.sync_id != sync_id:
            raise NotFound("That upload changed nothing, so there is nothing to take back.")
        before, undo_id = unit.project.revision, ports.new_uuid()
        cause = Cause(actor, ports.now(), undo_id, undo_id)
        changes = undone(await unit.written_at(revision))
        proposals = [Proposal(change) for change in changes]
        plan = await writing.plan(unit, cause, proposals)
        current = await unit.rows({p.key for p in proposals})
        applied, new_items = await writing.apply(unit, plan, Source.UNDO)
        about = Circumstances(undo_id, None, "row", before, SentFile(None, ()))
        said = await aside(both_sides(changes), receipt, plan, applied, new_items, current, about)
        answer = {**said, "undoes": sync_id}
        await unit.save_upload(Upload(undo_id, f"{UNDO}{undo_id}", None, undo_id, None, answer), applied.revision)
        await request.remember(unit, answer)
        return answer
