"""Who may do what: one table, and the two questions asked of it.

A person has roles (from the token) and, in each project, at most one project role (from
membership). What somebody may do in a project is what the *lesser* of the two allows: the
company's sign-in caps the project, and the project caps the person.
No role, no right; no row in `POLICY`, no right.

A personal access token reaches less far than the person who made it: `REACHES` says how far each kind does.
"""

from collections.abc import Iterable, Mapping
from enum import Enum

from attrs import evolve, field, frozen

EVERYONE = "*"  # a membership of this subject stands for everybody who has a role


class Role(Enum):
    """Ordered from most to least powerful; the values are the names in the token."""

    ADMIN = "admin"
    ENGINEER = "engineer"
    FIELD_WORKER = "field_worker"


class Scope(Enum):
    """How far a right reaches: nowhere, one's own work, everything in the project."""

    NO = "no"
    OWN = "own"
    ANY = "any"


class Action(Enum):
    """Everything that somebody can want to do."""

    PROJECT_READ = "project.read"
    PROJECT_CREATE = "project.create"
    PROJECT_EDIT = "project.edit"
    PROJECT_ARCHIVE = "project.archive"
    MEMBERS_EDIT = "members.edit"
    SYNC_PULL = "sync.pull"
    SYNC_PUSH = "sync.push"
    SYNC_UNDO = "sync.undo"
    INBOX_DECIDE = "inbox.decide"
    NETWORK_WRITE = "network.write"
    NETWORK_DELETE = "network.delete"
    FIBRE_WRITE = "fibre.write"
    FIBRE_DELETE = "fibre.delete"
    ORDER_WRITE = "order.write"
    ORDER_DELETE = "order.delete"
    ORDER_ADVANCE = "order.advance"
    ORDER_REOPEN = "order.reopen"
    ITEM_COMPLETE = "item.complete"
    REPORT_WRITE = "report.write"
    REPORT_DELETE = "report.delete"
    PHOTO_WRITE = "photo.write"
    PHOTO_DELETE = "photo.delete"
    METADATA_WRITE = "metadata.write"
    SERVER_WATCH = "server.watch"
    PROJECT_PURGE = "project.purge"
    AUDIT_READ = "audit.read"
    AUDIT_ALL = "audit.all"
    PEOPLE_READ = "people.read"
    TOKENS_OVERSEE = "tokens.oversee"


class Reach(Enum):
    """How far a token reaches: looking, exchanging field work, all that its person may do."""

    READ = "read"
    SYNC = "sync"
    EVERYTHING = "everything"


NO, OWN, ANY = Scope.NO, Scope.OWN, Scope.ANY

POLICY = {
    #                       admin engineer field_worker
    Action.PROJECT_READ:    (ANY, ANY, ANY),
    Action.PROJECT_CREATE:  (ANY, ANY, NO),
    Action.PROJECT_EDIT:    (ANY, ANY, NO),
    Action.PROJECT_ARCHIVE: (ANY, NO, NO),
    Action.MEMBERS_EDIT:    (ANY, ANY, NO),
    Action.SYNC_PULL:       (ANY, ANY, ANY),
    Action.SYNC_PUSH:       (ANY, ANY, ANY),
    Action.SYNC_UNDO:       (ANY, ANY, OWN),
    Action.INBOX_DECIDE:    (ANY, ANY, OWN),
    Action.NETWORK_WRITE:   (ANY, ANY, ANY),
    Action.NETWORK_DELETE:  (ANY, ANY, ANY),
    Action.FIBRE_WRITE:     (ANY, ANY, ANY),
    Action.FIBRE_DELETE:    (ANY, ANY, ANY),
    Action.ORDER_WRITE:     (ANY, ANY, NO),
    Action.ORDER_DELETE:    (ANY, ANY, NO),
    Action.ORDER_ADVANCE:   (ANY, ANY, OWN),
    Action.ORDER_REOPEN:    (ANY, NO, NO),
    Action.ITEM_COMPLETE:   (ANY, ANY, OWN),
    Action.REPORT_WRITE:    (ANY, ANY, OWN),
    Action.REPORT_DELETE:   (ANY, ANY, OWN),
    Action.PHOTO_WRITE:     (ANY, ANY, OWN),
    Action.PHOTO_DELETE:    (ANY, ANY, OWN),
    Action.METADATA_WRITE:  (ANY, ANY, NO),
    Action.SERVER_WATCH:    (ANY, NO,  NO),
    Action.PROJECT_PURGE:   (ANY, NO, NO),
    Action.AUDIT_READ:      (ANY, ANY, NO),
    Action.AUDIT_ALL:       (ANY, NO, NO),
    Action.PEOPLE_READ:     (ANY, NO, NO),
    Action.TOKENS_OVERSEE:  (ANY, NO, NO),
}  # fmt: skip

_LOOKING = frozenset({Action.PROJECT_READ, Action.SYNC_PULL})
# What a package that is sent back may bring in, row by row: forbidding the same rows by another address helps nobody.
_FIELD_WORK = frozenset({
    Action.SYNC_PUSH, Action.SYNC_UNDO, Action.NETWORK_WRITE, Action.NETWORK_DELETE, Action.FIBRE_WRITE,
    Action.FIBRE_DELETE, Action.ORDER_WRITE, Action.ORDER_DELETE, Action.ORDER_ADVANCE, Action.ITEM_COMPLETE,
    Action.REPORT_WRITE, Action.REPORT_DELETE, Action.PHOTO_WRITE, Action.PHOTO_DELETE, Action.METADATA_WRITE,
})  # fmt: skip

# What a token is good for, whatever its person may. What stands nowhere here takes a token for everything.
REACHES: Mapping[Reach, frozenset[Action]] = {
    Reach.READ: _LOOKING,
    Reach.SYNC: _LOOKING | _FIELD_WORK,
    Reach.EVERYTHING: frozenset(Action),
}


@frozen
class Actor:
    """Somebody who has signed in. *name* is for people; only *subject* identifies.

    *signed_in* is when, in seconds since the epoch: a sign-in made anew is the same person. *token* is the id of the
    personal access token that was sent in place of a sign-in, if one was; *reach* its own.
    """

    subject: str
    roles: frozenset[Role] = frozenset()
    name: str = ""
    email: str = field(default="", kw_only=True)
    reach: Reach = field(default=Reach.EVERYTHING, kw_only=True)
    token: str | None = field(default=None, kw_only=True)
    signed_in: float = field(default=0.0, kw_only=True, eq=False)

    @property
    def role(self) -> Role | None:
        """The most powerful role that the token grants."""
        return next((role for role in Role if role in self.roles), None)

    @property
    def needs_no_membership(self) -> bool:
        """Whether every project is open to this person: administrators belong everywhere."""
        return self.role is Role.ADMIN

    def within(self, project_role: Role | None) -> "Actor":
        """The same person, limited to what membership as *project_role* allows.

        An administrator needs no membership. Without one, nobody else has any right.
        """
        if self.role is None or self.needs_no_membership:
            return self
        if project_role is None:
            return evolve(self, roles=frozenset())
        lesser = max(self.role, project_role, key=list(Role).index)
        return evolve(self, roles=frozenset({lesser}))


def allows(actor: Actor, action: Action, *, owner: str | None = None) -> bool:
    """Whether *actor* may do *action* to a thing whose owner is *owner*. No role, no right; nor beyond a token's reach."""
    if action not in REACHES[actor.reach]:
        return False
    scopes = {scope for role, scope in zip(Role, POLICY[action], strict=True) if role in actor.roles}
    return ANY in scopes or (OWN in scopes and owner is not None and owner == actor.subject)


def project_role(subject: str, members: Iterable[tuple[str, Role]]) -> Role | None:
    """The role of *subject* among *members* (subject, role); a named membership beats the one for everyone."""
    roles = dict(members)
    return roles.get(subject, roles.get(EVERYONE))
