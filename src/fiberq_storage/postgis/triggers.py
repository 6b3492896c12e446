"""What the database itself does at every change, whoever makes it: revisions, history, places, refusals.

Everybody's changes pass the same statement triggers, which write history from the transition
tables and keep places unique. Who is not the server (QGIS, psql, COPY) also passes a row trigger
that stamps the row, and has its references checked here, since nobody else does; the server
says who it is by `fiberq.server` in its transactions, and what it stamps is verified.
"""

from collections.abc import Iterator

from fiberq_core.fibre import PLACES, SIDES
from fiberq_core.registry.model import Layer
from fiberq_storage.postgis.rooms import refusals
from fiberq_storage.postgis.tables import TABLES, Table
from fiberq_storage.sql import ident, idents, literal

CHANNEL = "fiberq"
PEOPLE = '{"people": true}'  # what is said when a token was ended or a person's roles have changed
# Anybody can set `fiberq.server`; it counts for those who may write revisions themselves (see `roles`).
OUTSIDE = (
    "(current_setting('fiberq.server', true) IS DISTINCT FROM 'on'"
    " OR NOT has_table_privilege(session_user, 'revisions'::regclass, 'INSERT'))"
)
_DEFINED = "LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS"

FUNCTIONS = f"""
CREATE OR REPLACE FUNCTION take_revision(
    project bigint, author_sub text, author_name text, made_at timestamptz, source text, sync_id text
) RETURNS bigint {_DEFINED} $$
DECLARE taken bigint;
BEGIN
    UPDATE projects SET revision = revision + 1 WHERE id = project RETURNING revision INTO taken;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no project %', project
            USING ERRCODE = 'foreign_key_violation', HINT = 'Give the row the id of a row in projects.';
    END IF;
    INSERT INTO revisions VALUES (project, taken, author_sub, author_name, made_at, source, sync_id);
    PERFORM set_config('fiberq.revision_' || project, taken::text, true);
    PERFORM pg_notify({literal(CHANNEL)}, json_build_object('project', project, 'revision', taken)::text);
    RETURN taken;
END $$;

CREATE OR REPLACE FUNCTION revision_taken(project bigint) RETURNS bigint {_DEFINED} $$
    -- the revision that this transaction took for the project, or takes now; marks set by hand do not count
DECLARE
    mark text := current_setting('fiberq.revision_' || project, true);
    who text := coalesce(nullif(current_setting('fiberq.actor', true), ''), session_user);
BEGIN
    IF mark ~ '^[0-9]{{1,18}}$' AND EXISTS (SELECT FROM revisions r
        WHERE r.project_id = project AND r.revision = mark::bigint AND r.xid = pg_current_xact_id())
    THEN
        RETURN mark;
    END IF;
    RETURN take_revision(project, who, who, clock_timestamp(), 'sql', NULL);
END $$;

CREATE OR REPLACE FUNCTION stamp_row() RETURNS trigger {_DEFINED} $$
DECLARE mark text := current_setting('fiberq.revision_' || NEW.project_id, true);
BEGIN
    IF NEW.project_id IS NULL THEN
        RAISE EXCEPTION 'project_id must be filled in'
            USING ERRCODE = 'not_null_violation', HINT = 'Every row belongs to one project: see the table projects.';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF NEW.project_id <> OLD.project_id THEN
            RAISE EXCEPTION 'A row stays in its project'
                USING ERRCODE = 'restrict_violation', HINT = 'Copy the row into the other project and delete it here.';
        END IF;
        IF NEW.fiberq_uuid IS DISTINCT FROM OLD.fiberq_uuid THEN
            RAISE EXCEPTION 'fiberq_uuid says which row this is and cannot be changed'
                USING ERRCODE = 'restrict_violation', HINT = 'Leave it, or add a new row.';
        END IF;
        NEW.id := OLD.id;
        NEW.fid := OLD.fid;
    ELSE
        IF NEW.fiberq_uuid IS NULL OR (NEW.fiberq_rev IS NOT NULL AND EXISTS (SELECT FROM identities i
            WHERE i.project_id = NEW.project_id AND i.uuid = NEW.fiberq_uuid))
        THEN
            NEW.fiberq_uuid := gen_random_uuid();  -- a copied row is another row
        END IF;
        NEW.fid := nextval(TG_ARGV[1]::regclass);
        IF NEW.id IS NULL THEN
            NEW.id := nextval(TG_ARGV[0]::regclass);
        ELSIF NEW.id > coalesce(pg_sequence_last_value(TG_ARGV[0]::regclass), 0) THEN
            PERFORM setval(TG_ARGV[0]::regclass, NEW.id);
        END IF;
    END IF;
    -- a mark may be forged by hand: the statement trigger verifies what stands here
    NEW.fiberq_rev := coalesce(nullif(mark, '')::bigint, revision_taken(NEW.project_id));
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION tell_of_member() RETURNS trigger {_DEFINED} $$
BEGIN
    PERFORM pg_notify({literal(CHANNEL)}, json_build_object('project', coalesce(NEW.project_id, OLD.project_id))::text);
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER fiberq_tell AFTER INSERT OR UPDATE OR DELETE ON members
    FOR EACH ROW EXECUTE FUNCTION tell_of_member();

CREATE OR REPLACE FUNCTION tell_of_people() RETURNS trigger {_DEFINED} $$
BEGIN
    PERFORM pg_notify({literal(CHANNEL)}, {literal(PEOPLE)});
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER fiberq_tell AFTER DELETE OR UPDATE OF roles, name, email ON people
    FOR EACH ROW EXECUTE FUNCTION tell_of_people();
CREATE OR REPLACE TRIGGER fiberq_tell AFTER DELETE OR UPDATE OF revoked_at, expires_at ON tokens
    FOR EACH ROW EXECUTE FUNCTION tell_of_people();

CREATE OR REPLACE FUNCTION refresh_statistics(tables text[], rows_added bigint[]) RETURNS void {_DEFINED} $$
    -- only owners of tables may do that; a table is looked at again when a tenth of it is new
DECLARE grown text;
BEGIN
    FOR grown IN SELECT c.relname FROM unnest(tables, rows_added) AS w (name, added)
        JOIN pg_class c ON c.oid = to_regclass(quote_ident(w.name)) WHERE w.added > 0.1 * c.reltuples
    LOOP
        EXECUTE format('ANALYZE (SKIP_LOCKED) %I', grown);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION refuse(words text, hint text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', words USING ERRCODE = 'restrict_violation', HINT = hint;
END $$;
"""


def table_triggers(table: Table) -> Iterator[str]:
    """The functions and triggers of a layer's table; what was there before is replaced."""
    name = table.layer.table
    yield _changed(table)
    yield _emptied(table)
    sequences = ", ".join(literal(f"{name}_{column}_seq") for column in ("id", "fid"))
    yield (
        f"CREATE OR REPLACE TRIGGER fiberq_stamp BEFORE INSERT OR UPDATE ON {table.name} FOR EACH ROW"
        f" WHEN ({OUTSIDE}) EXECUTE FUNCTION stamp_row({sequences})"
    )
    for event, tables in (
        ("INSERT", "NEW TABLE AS new_rows"),
        ("UPDATE", "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
        ("DELETE", "OLD TABLE AS old_rows"),
    ):
        yield (
            f"CREATE OR REPLACE TRIGGER fiberq_{event.lower()} AFTER {event} ON {table.name} REFERENCING {tables}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {ident(name + '_changed')}()"
        )
    yield (
        f"CREATE OR REPLACE TRIGGER fiberq_truncate BEFORE TRUNCATE ON {table.name}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {ident(name + '_emptied')}()"
    )


def _changed(table: Table) -> str:
    """The statement trigger of a table."""
    name, layer = ident(table.layer.table + "_changed"), literal(table.layer.name)
    kept = idents(table.kept)
    return f"""
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger {_DEFINED} $$
DECLARE
    project bigint;
    taken bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        FOR project IN SELECT DISTINCT project_id FROM new_rows LOOP
            taken := revision_taken(project);
            PERFORM refuse('fiberq_rev is the server''s', 'Leave it out.')
                FROM new_rows n WHERE n.project_id = project AND n.fiberq_rev <> taken LIMIT 1;
            IF {OUTSIDE} THEN  -- deleted and added in one transaction: changed
                UPDATE {table.past} h SET ended_by = 'update' FROM new_rows n
                    WHERE h.project_id = project AND h.fiberq_uuid = n.fiberq_uuid AND n.project_id = project
                    AND h.until = taken AND h.ended_by = 'delete';
            END IF;
        END LOOP;
        INSERT INTO identities SELECT project_id, fiberq_uuid, {layer} FROM new_rows ON CONFLICT DO NOTHING;{_take(table)}
    ELSIF TG_OP = 'UPDATE' THEN
        FOR project IN SELECT DISTINCT project_id FROM old_rows LOOP
            taken := revision_taken(project);
            PERFORM refuse('fiberq_rev is the server''s', 'Leave it out.')
                FROM new_rows n WHERE n.project_id = project AND n.fiberq_rev <> taken LIMIT 1;
            INSERT INTO {table.past} ({kept}, until, ended_by)
                SELECT {kept}, taken, 'update' FROM old_rows WHERE project_id = project AND fiberq_rev < taken;
        END LOOP;{_give_up(table)}{_take(table)}
    ELSE
        FOR project IN SELECT DISTINCT project_id FROM old_rows LOOP
            taken := revision_taken(project);
            INSERT INTO {table.past} ({kept}, until, ended_by)
                SELECT {kept}, taken, 'delete' FROM old_rows WHERE project_id = project AND fiberq_rev < taken;
        END LOOP;{_give_up(table)}
    END IF;
    IF {OUTSIDE} THEN{_check_outside(table)}
        NULL;
    END IF;
    RETURN NULL;
END $$"""


def _emptied(table: Table) -> str:
    """The trigger before a TRUNCATE, which has no transition tables: the table itself is what goes."""
    name, kept, layer = ident(table.layer.table + "_emptied"), idents(table.kept), literal(table.layer.name)
    refused = "".join(_refuse_referred(referrer, column, f"{table.name} o") for referrer, column in _referrers(table))
    return f"""
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger {_DEFINED} $$
DECLARE
    project bigint;
    taken bigint;
BEGIN{refused}
    FOR project IN SELECT DISTINCT project_id FROM {table.name} LOOP
        taken := revision_taken(project);
        INSERT INTO {table.past} ({kept}, until, ended_by)
            SELECT {kept}, taken, 'delete' FROM {table.name} WHERE project_id = project AND fiberq_rev < taken;
        DELETE FROM claims c WHERE c.project_id = project AND c.layer = {layer};
    END LOOP;
    RETURN NULL;
END $$"""


def claims_sql(layer: str, rows: str) -> str | None:
    """The places that *rows* take, as `fibre.claims_of` says them: project_id, claim, uuid. None: the layer has none."""
    parts: list[tuple[str, tuple[str, ...]]] = []
    if layer in PLACES:
        what, owner, number = PLACES[layer]
        parts.append((f"{literal(what + '|')} || {ident(owner)} || '|' || {ident(number)}", ()))
    for cable, fibre, end, _ in SIDES.get(layer, ()):
        claim = f"'fibre|' || {ident(cable)} || '|' || {ident(fibre)} || '|' || {ident(end)}"
        parts.append((claim, (f"{ident(end)} <> ''",)))
    if not parts:
        return None
    return " UNION ".join(
        f"SELECT project_id, {claim} AS claim, fiberq_uuid AS uuid FROM {rows}"
        f" WHERE {' AND '.join((f'({claim}) IS NOT NULL', *more))}"
        for claim, more in parts
    )


def _give_up(table: Table) -> str:
    old = claims_sql(table.layer.name, "old_rows")
    if old is None:
        return ""
    return f"""
        DELETE FROM claims c USING ({old}) o
            WHERE c.project_id = o.project_id AND c.claim = o.claim AND c.uuid = o.uuid;"""


def _take(table: Table) -> str:
    new = claims_sql(table.layer.name, "new_rows")
    if new is None:
        return ""
    return f"""
        INSERT INTO claims (project_id, claim, layer, uuid)
            SELECT project_id, claim, {literal(table.layer.name)}, uuid FROM ({new}) n;"""


def _check_outside(table: Table) -> str:
    """What the server decides before it writes, for those who did not ask it."""
    gone = "".join(_refuse_referred(referrer, column, "old_rows o") for referrer, column in _referrers(table))
    return f"""
        IF TG_OP <> 'DELETE' THEN{_refuse_taken(table)}{"".join((*_refuse_dangling(table), *refusals(table)))}
            NULL;
        ELSE{gone}
            NULL;
        END IF;"""


def _refuse_taken(table: Table) -> str:
    new = claims_sql(table.layer.name, "new_rows")
    if new is None:
        return ""
    words = (
        "'This place is taken already: ' || replace(c.claim, '|', ' ') || ' (by ' || c.layer || ' ' || c.uuid || ')'"
    )
    return f"""
            PERFORM refuse({words}, 'Choose another position, port, tray number or fibre end.')
                FROM ({new}) n JOIN claims c USING (project_id, claim) WHERE c.uuid <> n.uuid LIMIT 1;"""


def _refuse_dangling(table: Table) -> Iterator[str]:
    for reference in table.layer.references:
        column = ident(reference.column)
        missing = " AND ".join(
            f"NOT EXISTS (SELECT FROM {TABLES[target].name} t"
            f" WHERE t.project_id = n.project_id AND t.fiberq_uuid = n.{column})"
            for target in reference.targets
        )
        words = literal(f"{reference.column} does not name a row of this project that it may refer to: ")
        yield f"""
            PERFORM refuse({words} || n.{column}, 'Add the other row first, or leave this empty.')
                FROM new_rows n WHERE n.{column} IS NOT NULL AND {missing} LIMIT 1;"""


def _referrers(table: Table) -> Iterator[tuple[Table, str]]:
    """The tables and columns that may refer to rows of this one."""
    for other in TABLES.values():
        yield from ((other, r.column) for r in other.layer.references if table.layer.name in r.targets)


def _refuse_referred(referrer: Table, column: str, gone: str) -> str:
    words = literal(f"{_title(referrer.layer)} refer to a row that would go: ")
    return f"""
            PERFORM refuse({words} || o.fiberq_uuid, {literal(f"Change or delete them first ({referrer.layer.table}.{column}).")})
                FROM {gone} JOIN {referrer.name} r ON r.project_id = o.project_id AND r.{ident(column)} = o.fiberq_uuid LIMIT 1;"""


def _title(layer: Layer) -> str:
    return layer.labels.en
