"""Who may do what: the table written a second time, by hand, so that one slip cannot pass twice."""

from itertools import product

import pytest

from fiberq_core.policy import EVERYONE, POLICY, Action, Actor, Reach, Role, allows, project_role

MATRIX = """
                 admin  engineer  field_worker
project.read     any    any       any
project.create   any    any       no
project.edit     any    any       no
project.archive  any    no        no
members.edit     any    any       no
sync.pull        any    any       any
sync.push        any    any       any
sync.undo        any    any       own
inbox.decide     any    any       own
network.write    any    any       any
network.delete   any    any       any
fibre.write      any    any       any
fibre.delete     any    any       any
order.write      any    any       no
order.delete     any    any       no
order.advance    any    any       own
order.reopen     any    no        no
item.complete    any    any       own
report.write     any    any       own
report.delete    any    any       own
photo.write      any    any       own
photo.delete     any    any       own
metadata.write   any    any       no
server.watch     any    no        no
project.purge    any    no        no
audit.read       any    any       no
audit.all        any    no        no
people.read      any    no        no
tokens.oversee   any    no        no
"""
HEAD, *LINES = [line.split() for line in MATRIX.strip().splitlines()]
CELLS = [(Action(name), Role(role), cell) for name, *cells in LINES for role, cell in zip(HEAD, cells, strict=True)]


@pytest.mark.parametrize("action, role, cell", CELLS, ids=lambda v: getattr(v, "value", v))
def test_policy(action: Action, role: Role, cell: str) -> None:
    """Each role may do to its own things and to others' things what the matrix says."""
    me = Actor("me", frozenset({role}))

    assert (cell == "any") == allows(me, action, owner="another")
    assert (cell == "any") == allows(me, action, owner=None)
    assert (cell != "no") == allows(me, action, owner="me")


def test_matrix_and_table_are_total() -> None:
    """Every action has a cell for every role, here and in the product."""
    assert set(product(Action, Role)) == {(action, role) for action, role, _ in CELLS}
    assert set(Action) == set(POLICY)
    assert {len(Role)} == {len(row) for row in POLICY.values()}


@pytest.mark.parametrize("action", Action)
def test_no_role_no_right(action: Action) -> None:
    """Somebody without a role may do nothing, not even to their own things."""
    assert not allows(Actor("me"), action, owner="me")


@pytest.mark.parametrize("action", Action)
def test_roles_add_up(action: Action) -> None:
    """Somebody with several roles may do what any of them may."""
    both = Actor("me", frozenset({Role.ENGINEER, Role.FIELD_WORKER}))
    each = [Actor("me", frozenset({role})) for role in both.roles]

    assert any(allows(actor, action) for actor in each) == allows(both, action)


@pytest.mark.parametrize("action", Action)
def test_roles_are_ordered(action: Action) -> None:
    """A more powerful role never has less right than a lesser one."""
    rights = [allows(Actor("me", frozenset({role})), action, owner="me") for role in Role]

    assert sorted(rights, reverse=True) == rights


READ = {"project.read", "sync.pull"}
SYNC = READ | {
    *("sync.push", "sync.undo", "network.write", "network.delete", "fibre.write", "fibre.delete", "order.write"),
    *("order.delete", "order.advance", "item.complete", "report.write", "report.delete", "photo.write", "photo.delete"),
    "metadata.write",
}


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("reach, good_for", [(Reach.READ, READ), (Reach.SYNC, SYNC)], ids=["read", "sync"])
def test_a_token_reaches_no_further_than_it_says(action: Action, role: Role, reach: Reach, good_for: set[str]) -> None:
    """And never further than its person, in a project as outside."""
    person = Actor("me", frozenset({role}))
    token = Actor("me", frozenset({role}), reach=reach, token="t")
    may = allows(person, action, owner="me")

    assert (may and action.value in good_for) == allows(token, action, owner="me")
    assert allows(token, action) <= allows(person, action)
    for inside in Role:
        assert allows(token.within(inside), action) <= allows(person.within(inside), action)
        assert (reach, "t") == (token.within(inside).reach, token.within(inside).token)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role)
def test_a_token_for_everything_is_its_person(action: Action, role: Role) -> None:
    """Neither more nor less."""
    roles = frozenset({role})

    assert allows(Actor("me", roles), action, owner="me") == allows(
        Actor("me", roles, reach=Reach.EVERYTHING, token="t"), action, owner="me"
    )


def test_nothing_is_owned_by_nobody() -> None:
    """A thing without an owner belongs to no one, so own work does not reach it."""
    assert not allows(Actor("", frozenset({Role.FIELD_WORKER})), Action.ORDER_ADVANCE, owner=None)


LESSER = [
    # the token   the project        what is left
    ("admin", None, "admin"),
    ("admin", "field_worker", "admin"),
    ("engineer", None, None),
    ("engineer", "admin", "engineer"),
    ("engineer", "engineer", "engineer"),
    ("engineer", "field_worker", "field_worker"),
    ("field_worker", None, None),
    ("field_worker", "admin", "field_worker"),
    ("field_worker", "field_worker", "field_worker"),
    (None, "admin", None),
    (None, None, None),
]


@pytest.mark.parametrize("token, project, left", LESSER)
def test_membership_caps_the_person_and_sign_in_caps_the_project(
    token: str | None, project: str | None, left: str | None
) -> None:
    """In a project counts the lesser of the two roles; only an administrator needs no membership."""
    actor = Actor("me", frozenset({Role(token)} if token else ()), "Me", email="me@example.org")
    inside = actor.within(Role(project) if project else None)

    assert (left and Role(left)) == inside.role
    assert ("me", "Me", "me@example.org") == (inside.subject, inside.name, inside.email)


def test_an_actor_with_two_roles_is_capped_as_a_whole() -> None:
    """Membership as a field worker takes the engineer's rights away, too."""
    actor = Actor("me", frozenset({Role.ENGINEER, Role.FIELD_WORKER}))

    assert frozenset({Role.FIELD_WORKER}) == actor.within(Role.FIELD_WORKER).roles


def test_a_named_membership_beats_the_one_for_everyone() -> None:
    """Somebody named has the role given to them, and everybody else that of everyone."""
    members = [(EVERYONE, Role.ENGINEER), ("me", Role.FIELD_WORKER)]

    assert Role.FIELD_WORKER is project_role("me", members)
    assert Role.ENGINEER is project_role("another", members)
    assert project_role("another", members[1:]) is None
