"""What it costs to know a token again."""

import tempfile
import time
import timeit
from collections.abc import Callable
from pathlib import Path

import jwt

from bench.figures import Cost, Line, share
from fiberq_aiohttp.devkeys import issue_dev_token, load_signer
from fiberq_aiohttp.settings import DEV_CLIENT, dev_provider
from fiberq_core.claims import TokenRules
from fiberq_core.keyset import TokenVerifier

TIMES = 500


def known_token() -> Line:
    """A token that was verified before, beside PyJWT decoding it with the key at hand."""
    provider = dev_provider("127.0.0.1", 8080)
    with tempfile.TemporaryDirectory() as folder:
        now = time.time()
        token = issue_dev_token(Path(folder), provider.issuer, "engineer", "bench", "Bench", now)
        signer = load_signer(Path(folder))
    rules = TokenRules(provider.issuer, provider.audiences, provider.project_id)
    verifier = TokenVerifier(rules)
    verifier.keys_received(signer.jwks(), now=now)
    verifier.verify(token, now=now)
    key = jwt.PyJWK(signer.jwks()["keys"][0])
    mine = _seconds(lambda: verifier.verify(token, now=now))
    theirs = _seconds(lambda: jwt.decode(token, key, algorithms=["RS256"], audience=DEV_CLIENT))
    return Line("verifying a known token", "both", 0, Cost(mine), "PyJWT", theirs, share(1 / 20))


def _seconds(run: Callable[[], object]) -> float:
    """How long *run* takes when nothing comes between."""
    return min(timeit.repeat(run, number=TIMES, repeat=5)) / TIMES
