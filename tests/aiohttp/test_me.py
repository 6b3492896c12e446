"""Who am I?"""

from tests.aiohttp.serving import Caller


async def test_me(engineer: Caller) -> None:
    """The token says who somebody is."""
    answer = await engineer("GET", "/api/auth/me")

    assert {"sub": "2", "email": "", "name": "Ema", "roles": ["engineer"]} == answer.json


async def test_roles(admin: Caller) -> None:
    """Each role also as one yes or no."""
    answer = await admin("GET", "/api/auth/roles/")

    assert {
        "sub": "1",
        "roles": ["admin"],
        "is_admin": True,
        "is_engineer": False,
        "is_field_worker": False,
    } == answer.json


async def test_without_a_role(nobody: Caller) -> None:
    """Somebody without a role may ask who they are, and nothing else."""
    assert [] == (await nobody("GET", "/api/auth/me")).json["roles"]
    assert 403 == (await nobody("GET", "/api/projects")).status


async def test_without_a_token(stranger: Caller) -> None:
    """Who sends no token is asked for one; who sends a bad one is told that it is bad."""
    unsaid = await stranger("GET", "/api/auth/me")
    bad = await stranger("GET", "/api/auth/me", headers={"Authorization": "Bearer nonsense"})

    assert (401, 'Bearer realm="fiberq"') == (unsaid.status, unsaid.headers["WWW-Authenticate"])
    assert (401, 'Bearer realm="fiberq", error="invalid_token"') == (bad.status, bad.headers["WWW-Authenticate"])
