"""May they? Questions to the policy, as tests: offline, with `fiberq_core` and its four packages alone.

Run them with `pytest examples/policy_offline.py`.
"""

from fiberq_core.policy import Action, Actor, Role, allows, project_role

FILIP = Actor("filip", frozenset({Role.FIELD_WORKER}), "Filip Field")
ELENA = Actor("elena", frozenset({Role.ENGINEER}), "Elena Engineer")
MEMBERS = [("elena", Role.FIELD_WORKER), ("*", Role.ENGINEER)]


def test_a_crew_works_on_its_own_orders():
    """Filip moves orders that are his, and nobody else's; writing orders is the office's."""
    assert allows(FILIP, Action.ORDER_ADVANCE, owner="filip")
    assert not allows(FILIP, Action.ORDER_ADVANCE, owner="frida")
    assert not allows(FILIP, Action.ORDER_WRITE, owner="filip")


def test_a_project_can_make_less_of_somebody():
    """Elena is an engineer, but here to lend a hand: the lesser of the two counts."""
    here = ELENA.within(project_role("elena", MEMBERS))

    assert allows(ELENA, Action.PROJECT_EDIT)
    assert not allows(here, Action.PROJECT_EDIT)


def test_a_project_makes_nobody_more_than_their_token_does():
    """Everyone is an engineer in this project; Filip's token says field worker, so he is one here too."""
    here = FILIP.within(project_role("filip", MEMBERS))

    assert here.role is Role.FIELD_WORKER


def test_without_a_role_nothing():
    """Signed in is not enough."""
    assert not any(allows(Actor("nino"), action, owner="nino") for action in Action)
