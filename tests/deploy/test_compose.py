"""What is shipped for Docker says what the server knows: each setting, each secret, each folder, and nothing of its own."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from fiberq_aiohttp.settings import SETTINGS, from_env
from fiberq_core.errors import Invalid

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE, EXAMPLE, DOCKERFILE = ((DEPLOY / name).read_text() for name in ("compose.yaml", ".env.example", "Dockerfile"))
REQUIRED = {"POSTGRES_PASSWORD", "ZITADEL_DOMAIN", "ZITADEL_CLIENT_ID", "ZITADEL_PROJECT_ID", "API_SECRET_KEY"}
# The variables that the issue names, with the defaults that it gives them; None: there is none.
ASKED_FOR = {
    "POSTGRES_DB": "fiberq", "POSTGRES_USER": "fiberq", "POSTGRES_PASSWORD": None, "ZITADEL_DOMAIN": None,
    "ZITADEL_CLIENT_ID": None, "ZITADEL_PROJECT_ID": None, "API_SECRET_KEY": None, "LOG_LEVEL": "info",
    "FIBERQ_API_VERSION": "latest", "HTTP_PORT": "80", "HTTPS_PORT": "443", "CLOUDFLARE_TUNNEL_TOKEN": None,
    "SERVER_DOMAIN": "localhost",
}  # fmt: skip
SECRETS = ("POSTGRES_PASSWORD", "API_SECRET_KEY", "CLOUDFLARE_TUNNEL_TOKEN", "AWS_SECRET_ACCESS_KEY")
PLACES = {"FIBERQ_DATA", "STORAGE_PHOTOS_DIR", "STORAGE_GPKG_DIR"}  # set by compose.yaml itself
OTHERWISE = {"PHOTOS_ACCEL": "/_photos"}  # where compose.yaml has another default than the server alone
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?:(:\?|:-|-)((?:[^{}]|\$\{[^{}]*})*))?}")


def services() -> dict[str, Any]:
    """The services of compose.yaml."""
    found: dict[str, Any] = yaml.safe_load(COMPOSE)["services"]
    return found


def used() -> dict[str, tuple[str, str]]:
    """The variables of compose.yaml: what stands between name and words, and the words."""
    inner = (found for value in VARIABLE.findall(COMPOSE) for found in VARIABLE.findall(value[2]))
    passed = ((name, "", "") for name in re.findall(r"^    ([A-Z_]+):$", COMPOSE, re.MULTILINE))
    return {name: (how, words) for name, how, words in (*VARIABLE.findall(COMPOSE), *inner, *passed)}


def example() -> dict[str, str]:
    """The variables of .env.example; those with a default are commented out."""
    return dict(re.findall(r"^#?([A-Z][A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))


def test_the_example_has_every_variable() -> None:
    """Those of the settings, of compose.yaml and of the issue, and no other."""
    assert {setting.name for setting in SETTINGS} | used().keys() | ASKED_FOR.keys() == example().keys()


@pytest.mark.parametrize("name, default", ASKED_FOR.items())
def test_what_was_asked_for(name: str, default: str | None) -> None:
    assert (default or "") == example()[name]
    assert default is None or ("#" + name) in EXAMPLE
    assert default is None or (":-", default) == used()[name]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_the_server_gets_every_setting(setting: Any) -> None:
    """And .env.example names the default that the server has."""
    given = services()["api"]["environment"]

    assert setting.name in given
    assert setting.name in PLACES or f"${{{setting.name}" in given[setting.name]
    assert setting.name in PLACES or OTHERWISE.get(setting.name, setting.default or "") == example()[setting.name]


def test_what_is_missing_is_named_in_words() -> None:
    """Compose stops at a required variable and says what it is; there is no default for any secret."""
    assert REQUIRED == {name for name, (how, _) in used().items() if how == ":?"}
    assert all(len(words.split()) > 4 for how, words in used().values() if how == ":?")
    assert {setting.name for setting in SETTINGS if setting.required} <= REQUIRED
    assert [] == [name for name in SECRETS if example()[name] or (used()[name][0] == ":-" and used()[name][1])]


def test_the_example_as_it_is_starts_nothing() -> None:
    """Whoever fills nothing in is told everything that is missing."""
    with pytest.raises(Invalid) as refused:
        from_env({name: value for name, value in example().items() if f"#{name}=" not in EXAMPLE}, dev=False)

    assert {setting.name for setting in SETTINGS if setting.required} == {fault.path for fault in refused.value.faults}


def test_services_and_their_images() -> None:
    images = {name: service.get("image", "") for name, service in services().items()}

    assert {"postgis", "api", "nginx", "cloudflared", "backup"} == set(images)
    assert "postgis/postgis:16-3.4" == images["postgis"]
    assert images["api"] == images["backup"]
    assert "FROM nginx:alpine AS proxy" in DOCKERFILE
    assert ["tunnel"] == services()["cloudflared"]["profiles"]


def test_only_nginx_is_reached_from_outside() -> None:
    """The database stands in a network that leads nowhere."""
    compose = yaml.safe_load(COMPOSE)

    assert ["nginx"] == [name for name, service in compose["services"].items() if "ports" in service]
    assert ["database"] == compose["services"]["postgis"]["networks"]
    assert compose["networks"]["database"]["internal"]
    assert "database" not in compose["services"]["nginx"]["networks"]


def test_volumes() -> None:
    """Each place that the server writes to is a volume; nginx reads the photos where the server has them."""
    compose = yaml.safe_load(COMPOSE)
    api, given = compose["services"]["api"]["volumes"], compose["services"]["api"]["environment"]

    assert {"pgdata", "photos", "gpkg_sync"} <= compose["volumes"].keys()
    assert {given[name] for name in PLACES} == {volume.partition(":")[2] for volume in api}
    assert api == compose["services"]["backup"]["volumes"][: len(api)]
    assert "photos:/srv/photos:ro" in compose["services"]["nginx"]["volumes"]
    assert "/srv/photos" == compose["services"]["nginx"]["environment"]["FIBERQ_PHOTOS"]


def test_each_waits_until_the_other_is_well() -> None:
    """Health checks: our own are in the images, that of the database here."""
    waits = {name: service.get("depends_on", {}) for name, service in services().items()}

    assert {"postgis": {"condition": "service_healthy"}} == waits["api"]
    assert {"api": {"condition": "service_healthy"}} == waits["nginx"]
    assert {"nginx": {"condition": "service_healthy"}} == waits["cloudflared"]
    assert "healthcheck" in services()["postgis"]
    assert 2 == DOCKERFILE.count("HEALTHCHECK")


def test_ours_run_without_rights() -> None:
    ours = [service for name, service in services().items() if name != "postgis"]

    assert all(service["read_only"] and service["cap_drop"] == ["ALL"] for service in ours)
    assert 2 == DOCKERFILE.count("USER 10001:10001")


def test_templates_get_all_their_variables() -> None:
    """What nginx's templates ask for, compose.yaml gives; the filter lets it through and nothing of nginx's own."""
    given = services()["nginx"]["environment"]
    asked = {name for path in DEPLOY.glob("nginx/*/*.template") for name in re.findall(r"\$\{(\w+)}", path.read_text())}

    assert asked <= given.keys()
    assert all(re.match(given["NGINX_ENVSUBST_FILTER"], name) for name in asked)
    assert {"tunnel", "tls"} == {path.parent.name for path in DEPLOY.glob("nginx/*/*.template")}


def test_the_image_is_made_of_files_that_are_there() -> None:
    """And the builder sees them."""
    root = DEPLOY.parent
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(?:--chmod=\d+ )?(.+)$", DOCKERFILE, re.MULTILINE)
        for name in line.split()[:-1]
    ]
    seen = [line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")]

    assert [] == [name for name in copied if not (root / name).exists()]
    assert [] == [name for name in copied if not any(name == part or name.startswith(part + "/") for part in seen)]
