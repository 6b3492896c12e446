"""How commands end: every error has its exit code, its words and never a traceback."""

import click
import pytest
from click.testing import CliRunner

from fiberq_aiohttp.cli.exits import ENDINGS, MEANING, Exit, ending
from fiberq_aiohttp.cli.frame import Frame
from fiberq_core import errors as e

# written a second time by hand, so that one slip cannot pass twice
CODES = """
Unauthenticated       1
UnknownKey            1
Forbidden             1
Invalid               2
NotFound              3
Conflict              4
WrongProject          4
Stale                 4
PreconditionRequired  4
BadPackage            5
BadPhoto              5
TooLarge              5
StoreUnavailable      6
StoreMismatch         6
Busy                  7
GaveWay               7
KeysUnavailable       7
"""
EXPECTED = {name: int(code) for name, code in (line.split() for line in CODES.split("\n") if line)}


def every_error(of: type[e.FiberqError] = e.FiberqError) -> list[type[e.FiberqError]]:
    """The whole tree below *of*, as the core defines it."""
    children = [c for c in of.__subclasses__() if c.__module__ == e.__name__]
    return children + [grandchild for child in children for grandchild in every_error(child)]


def ending_with(error: Exception, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command that raises *error*."""

    @click.group(cls=Frame)
    def program() -> None: ...

    @program.command("work")
    def work() -> None:
        raise error

    result = CliRunner().invoke(program, ["work"], catch_exceptions=False, env={"FIBERQ_DEBUG": None, **(env or {})})
    return result.exit_code, result.stdout, result.stderr


def test_every_error_has_an_exit_code() -> None:
    assert {error.__name__ for error in every_error()} == EXPECTED.keys()
    assert set(every_error()) == set(ENDINGS)


@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.__name__)
def test_code(error: type[e.FiberqError]) -> None:
    assert EXPECTED[error.__name__] == ending(error)[0]


def test_an_error_that_is_new_ends_as_its_parent_does() -> None:
    class Newer(e.WrongProject):
        """Something that was added later."""

    assert ENDINGS[e.WrongProject] == ending(Newer)


def test_every_code_is_explained() -> None:
    assert set(Exit) == set(MEANING)


def test_words_and_faults_go_to_stderr() -> None:
    faults = [e.Fault("name", "must not be empty"), e.Fault("status", "must be one of a, b")]

    code, out, err = ending_with(e.Invalid("Nothing was changed; see the errors", faults))

    assert (Exit.USAGE, "") == (code, out)
    assert [
        "fiberq: Some values do not fit: Nothing was changed; see the errors",
        "  name: must not be empty",
        "  status: must be one of a, b",
    ] == err.splitlines()


def test_advice_follows() -> None:
    _, _, err = ending_with(e.StoreUnavailable("The disk is full"))

    assert "fiberq doctor" in err.splitlines()[-1]


def test_control_characters_do_not_reach_the_terminal() -> None:
    _, _, err = ending_with(e.Conflict("pole \x1b[2J\nfiberq: fine"))

    assert "\x1b" not in err and 1 == len(err.splitlines())


def test_a_fault_of_ours_is_told_without_a_traceback() -> None:
    code, out, err = ending_with(ZeroDivisionError("division by zero"))

    assert (Exit.BUG, "") == (code, out)
    assert "ZeroDivisionError" in err and "FIBERQ_DEBUG" in err and "Traceback" not in err


@pytest.mark.parametrize("error", [ZeroDivisionError("0"), e.NotFound("x")], ids=["ours", "theirs"])
def test_debug_shows_the_traceback(error: Exception) -> None:
    with pytest.raises(type(error)):
        ending_with(error, {"FIBERQ_DEBUG": "1"})


def test_ctrl_c_is_no_error() -> None:
    assert (Exit.STOPPED, "", "fiberq: stopped\n") == ending_with(KeyboardInterrupt())  # type: ignore[arg-type]
