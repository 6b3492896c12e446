"""Every address is served with and without a slash at its end. No redirects: behind a proxy they lead astray."""

from aiohttp import web
from attrs import evolve


def spelled(*routes: web.RouteDef) -> tuple[web.RouteDef, ...]:
    """*routes*, each in both spellings."""
    return tuple(spelling for route in routes for spelling in (route, evolve(route, path=f"{route.path}/")))
