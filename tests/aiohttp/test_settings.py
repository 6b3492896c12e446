"""Settings: what an environment says, and everything that can be wrong with it."""

from pathlib import Path

import pytest

from fiberq_aiohttp.addresses import is_loopback, issuer_url
from fiberq_aiohttp.settings import SETTINGS, from_env
from fiberq_core.errors import Invalid

SECRET = "3f9c1e7ab5d24f0896c7e1d2a4b8f05c"
GOOD = {
    "ZITADEL_DOMAIN": "id.example.org",
    "ZITADEL_CLIENT_ID": "101, 102",
    "ZITADEL_PROJECT_ID": "2700",
    "API_SECRET_KEY": SECRET,
}


def faults(env: dict[str, str], *, dev: bool = False, host: str = "127.0.0.1") -> list[str]:
    """The names of the settings that are found wrong."""
    with pytest.raises(Invalid) as caught:
        from_env(env, dev=dev, host=host)
    assert all(value not in str(caught.value) for name, value in env.items() if "SECRET" in name and value)
    return [fault.path for fault in caught.value.faults]


def test_the_least_that_production_needs() -> None:
    """Four settings are enough; the rest has defaults that are safe."""
    settings = from_env(GOOD, dev=False)

    assert "https://id.example.org" == settings.provider.issuer
    assert {"101", "102", "2700"} == settings.provider.audiences
    assert frozenset() == settings.provider.org_ids
    assert (Path("data"), Path("data/photos"), Path("data/gpkg_sync")) == (
        settings.data,
        settings.photos_dir,
        settings.gpkg_dir,
    )
    assert ("INFO", None, frozenset({"*"}), 2**30) == (
        settings.log_level,
        settings.database,
        settings.cors_origins,
        settings.max_upload,
    )


def test_production_without_settings_is_refused_with_all_that_is_missing() -> None:
    """Nothing insecure has a default: every missing setting is named at once."""
    assert sorted(GOOD) == sorted(faults({}))


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_a_database(scheme: str) -> None:
    """A database takes the place of the embedded store; its password is not shown."""
    settings = from_env({"DATABASE_URL": f"{scheme}://u:hunter2@db:5432/fiberq", "DB_PGBOUNCER": "yes"}, dev=True)

    assert settings.database is not None
    assert ("fiberq", 2, 20, True) == (
        settings.database.schema,
        settings.database.pool_min,
        settings.database.pool_max,
        settings.database.pgbouncer,
    )
    assert "hunter2" not in repr(settings)


def test_photos_in_a_bucket() -> None:
    """A folder by default; a bucket by its address, which nginx cannot give out."""
    plain = from_env({"PHOTOS_ACCEL": "/_photos/", "PHOTO_ADDRESS_MINUTES": "2"}, dev=True)
    assert (None, "/_photos", 120) == (plain.photo_bucket, plain.photos_accel, plain.photo_address)

    bucket = {"PHOTO_STORE": "s3://fiberq-photos/a/b"}
    assert "s3://fiberq-photos/a/b" == from_env(bucket, dev=True).photo_bucket
    assert ["PHOTOS_ACCEL"] == faults({**bucket, "PHOTOS_ACCEL": "/x"}, dev=True)


@pytest.mark.parametrize(
    "store", ["s3://", "s3://X/y", "http://bucket/x", "bucket", "s3://bucket/x?y=1", "file:///etc"]
)
def test_places_that_are_none(store: str) -> None:
    assert ["PHOTO_STORE"] == faults({"PHOTO_STORE": store}, dev=True)


@pytest.mark.parametrize("accel", ["photos", "/a b", "/a;b", "//", "/a//b", "https://x"])
def test_internal_addresses_that_are_none(accel: str) -> None:
    assert ["PHOTOS_ACCEL"] == faults({"PHOTOS_ACCEL": accel}, dev=True)


def test_development_needs_nothing() -> None:
    """With --dev the server is its own provider, at its own address."""
    settings = from_env({}, dev=True, port=8123, data=Path("/x"))

    assert "http://127.0.0.1:8123" == settings.provider.issuer
    assert settings.secret_key is None
    assert Path("/x/photos") == settings.photos_dir


def test_development_trusts_no_other_provider() -> None:
    """With --dev, Zitadel's settings do not count, not even wrong ones."""
    settings = from_env(GOOD | {"ZITADEL_DOMAIN": "http://evil.example.org"}, dev=True)

    assert "http://127.0.0.1:8080" == settings.provider.issuer


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "fiberq.example.org", ""])  # noqa: S104 (nothing is bound)
def test_development_is_for_this_machine(host: str) -> None:
    """--dev together with an address that others can reach is refused."""
    assert ["--host"] == faults({}, dev=True, host=host)


def test_everything_at_once() -> None:
    """Wrong settings are reported together with missing ones."""
    env = {"LOG_LEVEL": "loud", "MAX_UPLOAD_MB": "-1", "DB_SCHEMA": 'x"; drop', "ZITADEL_DOMAIN": "http://id.org"}

    assert {*GOOD, "LOG_LEVEL", "MAX_UPLOAD_MB", "DB_SCHEMA"} == set(faults(env))


def test_empty_means_absent() -> None:
    """Compose files pass unset variables as empty ones."""
    empty = {setting.name: " " for setting in SETTINGS if setting.name not in GOOD}

    assert from_env(GOOD, dev=False) == from_env(GOOD | empty, dev=False)


BAD = [
    ("DATABASE_URL", "mysql://fiberq@db/fiberq"),
    ("DATABASE_URL", "postgresql://fiberq@db"),
    ("DATABASE_URL", "postgresql://fiberq@db:abc/fiberq"),
    ("DB_PGBOUNCER", "perhaps"),
    ("DB_POOL_MIN", "21"),
    ("API_SECRET_KEY", "dev-secret-key"),
    ("API_SECRET_KEY", SECRET[1:]),
    ("API_SECRET_KEY", "x" * 64),
    ("API_SECRET_KEY", "change-me-to-something-with-32-characters"),
    ("ZITADEL_DOMAIN", "http://id.example.org"),
    ("ZITADEL_DOMAIN", "https://user@id.example.org"),
    ("ZITADEL_DOMAIN", "https://id.example.org?x=1"),
    ("ZITADEL_DOMAIN", "https://id.example.org:nine"),
    ("ZITADEL_DOMAIN", "id example.org"),
    ("ZITADEL_DOMAIN", "https://"),
    ("ZITADEL_DOMAIN", "https://[::1"),
    ("ZITADEL_DOMAIN", "ftp://id.example.org"),
    ("ZITADEL_CLIENT_ID", " , "),
    ("ZITADEL_PROJECT_ID", "a\nb"),
    ("LOG_LEVEL", "trace"),
    ("DB_SCHEMA", "Fiberq"),
    ("DB_SCHEMA", "pg_catalog"),
    ("CORS_ALLOW_ORIGINS", "https://map.example.org/path"),
    ("CORS_ALLOW_ORIGINS", "map.example.org"),
    ("CORS_ALLOW_ORIGINS", "null"),
    ("METRICS", "everybody"),
    ("MAX_UPLOAD_MB", "0"),
    ("MAX_UPLOAD_MB", "1.5"),
    ("MAX_UPLOAD_MB", "99999999"),
    ("MAX_JSON_MB", "eight"),
    ("KEEP_UPLOADS_DAYS", "0"),
    ("FIBERQ_DATA", "a\0b"),
]


@pytest.mark.parametrize("name, value", BAD)
def test_wrong_values(name: str, value: str) -> None:
    """A value that does not fit is refused, under its name."""
    assert [name] == faults(GOOD | {name: value})


FITTING = [
    ("ZITADEL_ORG_IDS", "501,502", lambda s: s.provider.org_ids, {"501", "502"}),
    ("ZITADEL_DOMAIN", "http://localhost:8081/", lambda s: s.provider.issuer, "http://localhost:8081"),
    (
        "ZITADEL_DOMAIN",
        "https://id.example.org:8443/realm",
        lambda s: s.provider.issuer,
        "https://id.example.org:8443/realm",
    ),
    ("LOG_LEVEL", "Debug", lambda s: s.log_level, "DEBUG"),
    ("DATABASE_SYNC_URL", "postgresql://db/x", lambda s: s.dev, False),
    (
        "CORS_ALLOW_ORIGINS",
        "https://a.org, http://b.org:81",
        lambda s: s.cors_origins,
        {"https://a.org", "http://b.org:81"},
    ),
    ("STORAGE_PHOTOS_DIR", "/srv/photos", lambda s: s.photos_dir, Path("/srv/photos")),
    ("STORAGE_GPKG_DIR", "/srv/gpkg", lambda s: s.gpkg_dir, Path("/srv/gpkg")),
    ("MAX_PHOTO_MB", "2", lambda s: s.max_photo, 2 * 2**20),
    ("METRICS", "Token", lambda s: s.metrics, "token"),
    ("KEEP_EXPORTS_MB", "1", lambda s: s.keep_exports, 2**20),
]


@pytest.mark.parametrize("name, value, read, expected", FITTING)
def test_fitting_values(name: str, value: str, read: object, expected: object) -> None:
    """A value that fits arrives as what it means."""
    assert expected == read(from_env(GOOD | {name: value}, dev=False))  # type: ignore[operator]


def test_the_secret_is_not_shown() -> None:
    """Settings can be logged without giving the secret away."""
    assert SECRET not in repr(from_env(GOOD, dev=False))


def test_the_command_line_beats_the_environment() -> None:
    """--data wins over FIBERQ_DATA."""
    assert Path("/b") == from_env(GOOD | {"FIBERQ_DATA": "/a"}, dev=False, data=Path("/b")).data


def test_every_setting_is_explained() -> None:
    """Names are unique, and each has a sentence for the documentation."""
    assert len(SETTINGS) == len({setting.name for setting in SETTINGS})
    assert all(setting.what for setting in SETTINGS)


LOOPBACK = ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LOCALHOST"]
ELSEWHERE = ["", "0.0.0.0", "10.0.0.1", "localhost.example.org", "127.0.0.1.example.org", "127.1", "2130706433"]  # noqa: S104


@pytest.mark.parametrize("host", LOOPBACK + ELSEWHERE)
def test_loopback(host: str) -> None:
    """Only names and addresses that cannot be anybody else are this machine."""
    assert (host in LOOPBACK) == is_loopback(host)


@pytest.mark.parametrize(
    "domain", ["http://localhost.example.org", "http://127.0.0.1@evil.org", "javascript://x", "//x"]
)
def test_tricky_issuers(domain: str) -> None:
    """Addresses that only look like this machine are refused."""
    with pytest.raises(ValueError):
        issuer_url(domain)
