"""Settings: one table of names, and the pure way from an environment to a value or to every fault in it."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import field, frozen

from fiberq_aiohttp.addresses import is_loopback, issuer_url
from fiberq_core.errors import Fault, Invalid

MIN_SECRET = 32  # characters
PLACEHOLDERS = ("secret", "change", "example", "password", "placeholder", "replace", "0123456789")
LONGEST_ABSENCE = 366  # days
MEBIBYTE = 1024 * 1024
DATABASE_SCHEMES = ("postgres", "postgresql", "postgresql+asyncpg")
YES_OR_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}

OFF, LOCAL, TOKEN = METRICS = ("off", "local", "token")  # who may read the figures at /metrics

DEV_CLIENT: Final = "fiberq-dev"  # client and project of the development sign-in


@frozen
class Provider:
    """The identity provider that is trusted. *org_ids*: who may grant roles; empty for any organisation."""

    issuer: str
    client_ids: frozenset[str]
    project_id: str
    org_ids: frozenset[str] = frozenset()

    @property
    def audiences(self) -> frozenset[str]:
        """What the `aud` of a token may name."""
        return self.client_ids | {self.project_id}


@frozen
class Database:
    """A PostGIS database in place of the embedded store. *url* holds a password; times are seconds."""

    url: str = field(repr=False)
    schema: str
    pool_min: int
    pool_max: int
    statement_timeout: int
    lock_timeout: int
    pgbouncer: bool


@frozen
class Settings:
    """What an administrator decides. Sizes are bytes, times are seconds unless the name says otherwise."""

    dev: bool
    host: str
    port: int
    data: Path
    photos_dir: Path
    photo_bucket: str | None
    photos_accel: str
    photo_address: int
    gpkg_dir: Path
    provider: Provider
    secret_key: str | None = field(repr=False)
    log_level: str
    database: Database | None
    cors_origins: frozenset[str]
    metrics: str
    max_upload: int
    max_json: int
    max_photo: int
    keep_uploads_days: int
    keep_exports_days: int
    keep_exports: int
    token_absence_days: int

    @property
    def incoming(self) -> Path:
        """Folder of uploads while they are received and read."""
        return self.data / "incoming"


@frozen
class Setting:
    """One variable of the environment. *parse* raises ValueError with what is wrong; *default* None: there is none.

    *required* holds without `--dev`. With `--dev`, those with *dev* False are not looked at.
    """

    name: str
    what: str
    parse: Callable[[str], object]
    default: str | None = None
    required: bool = False
    dev: bool = True


def _text(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must have no control characters")
    return text


def _names(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in _text(text).split(",") if part.strip())


def _some_names(text: str) -> frozenset[str]:
    names = _names(text)
    if not names:
        raise ValueError("must name at least one")
    return names


def _secret(text: str) -> str:
    if len(text) < MIN_SECRET:
        raise ValueError(f"must have at least {MIN_SECRET} characters; `openssl rand -hex 32` makes one")
    if len(set(text)) < MIN_SECRET // 4 or any(word in text.lower() for word in PLACEHOLDERS):
        raise ValueError("looks like a placeholder; `openssl rand -hex 32` makes a good one")
    return text


def _level(text: str) -> str:
    if text.lower() not in ("debug", "info", "warning", "error", "critical"):
        raise ValueError("must be debug, info, warning, error or critical")
    return text.upper()


def _metrics(text: str) -> str:
    if text.lower() not in METRICS:
        raise ValueError(f"must be one of {', '.join(METRICS)}")
    return text.lower()


def _schema(text: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", text) or text.startswith("pg_"):
        raise ValueError("must be a plain name of lower-case letters, digits and underscores")
    return text


def _path(text: str) -> Path:
    return Path(_text(text))


def _whole(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,7}", text) or int(text) == 0:
        raise ValueError("must be a whole number from 1 to 9999999")
    return int(text)


def _mebibytes(text: str) -> int:
    return _whole(text) * MEBIBYTE


def _days(text: str) -> int:
    days = _whole(text)
    if days > LONGEST_ABSENCE:
        raise ValueError(f"must be at most {LONGEST_ABSENCE}")
    return days


def _minutes(text: str) -> int:
    return _whole(text) * 60


def _photo_store(text: str) -> str | None:
    if text == "folder":
        return None
    if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?", text):
        raise ValueError("must be folder, or like s3://bucket/prefix")
    return text


def _internal(text: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9._-]+)*/?", text):
        raise ValueError("must be like /internal/photos")
    return text.rstrip("/")


def _origins(text: str) -> frozenset[str]:
    for origin in (origins := _some_names(text)) - {"*"}:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}":
            raise ValueError("must be * or origins like https://map.example.org, without a path")
    return origins


def _database(text: str) -> str:
    try:
        parts = urlsplit(_text(text))
        known = parts.scheme in DATABASE_SCHEMES and parts.path not in ("", "/") and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise ValueError("must be like postgresql://user:password@host:5432/database")
    return text


def _yes(text: str) -> bool:
    if text.lower() not in YES_OR_NO:
        raise ValueError("must be yes or no")
    return YES_OR_NO[text.lower()]


SETTINGS: Final = (
    Setting("FIBERQ_DATA", "folder of the embedded store and all files", _path, "data"),
    Setting("DATABASE_URL", "PostgreSQL with PostGIS; absent: the embedded store", _database),
    Setting("DATABASE_SYNC_URL", "accepted for compatibility, not used", _text),
    Setting("DB_SCHEMA", "schema of the tables in PostgreSQL", _schema, "fiberq"),
    Setting("DB_POOL_MIN", "connections to PostgreSQL that are kept open", _whole, "2"),
    Setting("DB_POOL_MAX", "connections to PostgreSQL at the most, per server", _whole, "20"),
    Setting("DB_STATEMENT_TIMEOUT", "seconds that one statement may take in PostgreSQL", _whole, "300"),
    Setting("DB_LOCK_TIMEOUT", "seconds that a change waits for somebody else who writes to the project", _whole, "30"),
    Setting("DB_PGBOUNCER", "yes behind PgBouncer in transaction mode", _yes, "no"),
    Setting(
        "ZITADEL_DOMAIN",
        "domain (https) or whole issuer address of the identity provider",
        issuer_url,
        required=True,
        dev=False,
    ),
    Setting("ZITADEL_CLIENT_ID", "client ids whose tokens are taken, by commas", _some_names, required=True, dev=False),
    Setting("ZITADEL_PROJECT_ID", "project whose roles count", _text, required=True, dev=False),
    Setting("ZITADEL_ORG_IDS", "organisations that may grant roles, by commas; absent: any", _names, "", dev=False),
    Setting("API_SECRET_KEY", f"secret of this server, {MIN_SECRET} characters or more", _secret, required=True),
    Setting("LOG_LEVEL", "debug, info, warning, error or critical", _level, "info"),
    Setting("STORAGE_PHOTOS_DIR", "folder of the photos; absent: photos in the data folder", _path),
    Setting(
        "PHOTO_STORE",
        "folder, or s3://bucket/prefix; keys, region and address of a bucket are in AWS_…",
        _photo_store,
        "folder",
    ),
    Setting(
        "PHOTOS_ACCEL", "internal address under which nginx has the folder of the photos; absent: none", _internal, ""
    ),
    Setting("PHOTO_ADDRESS_MINUTES", "minutes that a photo's signed address is good for, at least", _minutes, "15"),
    Setting("STORAGE_GPKG_DIR", "folder of the exported packages; absent: gpkg_sync in the data folder", _path),
    Setting("CORS_ALLOW_ORIGINS", "origins whose pages may call, by commas, or *; never with cookies", _origins, "*"),
    Setting("METRICS", "who reads /metrics: off, local (private addresses, or a token) or token", _metrics, LOCAL),
    Setting("MAX_UPLOAD_MB", "largest GeoPackage that is taken, MiB", _mebibytes, "1024"),
    Setting("MAX_PHOTO_MB", "largest photo that is taken, MiB", _mebibytes, "32"),
    Setting("MAX_JSON_MB", "largest JSON body that is taken, MiB", _mebibytes, "8"),
    Setting("KEEP_UPLOADS_DAYS", "days that raw uploads are kept, so that anything can be rescued", _whole, "90"),
    Setting("KEEP_EXPORTS_DAYS", "days that exported packages are kept", _whole, "30"),
    Setting("KEEP_EXPORTS_MB", "MiB that exported packages may take together", _mebibytes, "4096"),
    Setting("TOKEN_ABSENCE_DAYS", "days without signing in after which somebody's access tokens rest", _days, "30"),
)


def from_env(
    env: Mapping[str, str], *, dev: bool, host: str = "127.0.0.1", port: int = 8080, data: Path | None = None
) -> Settings:
    """The settings that *env* and the command line say; *data* beats `FIBERQ_DATA`.

    Raises: Invalid, with every fault at once; no fault repeats a value, since some are secret.
    """
    values, faults = _read(env, dev=dev)
    if dev and not is_loopback(host):
        faults.append(Fault("--host", "development sign-in is for this machine only: use 127.0.0.1, or leave --dev"))
    if values["DB_POOL_MIN"] and values["DB_POOL_MAX"] and values["DB_POOL_MIN"] > values["DB_POOL_MAX"]:
        faults.append(Fault("DB_POOL_MIN", "must not be more than DB_POOL_MAX"))
    if values["PHOTO_STORE"] and values["PHOTOS_ACCEL"]:
        faults.append(Fault("PHOTOS_ACCEL", "is for photos in a folder; leave it out with a bucket"))
    if faults:
        raise Invalid(
            "Some settings are wrong or missing: " + "; ".join(f"{f.path} {f.message}" for f in faults), faults
        )
    folder = data or values["FIBERQ_DATA"]
    return Settings(
        dev=dev,
        host=host,
        port=port,
        data=folder,
        photos_dir=values["STORAGE_PHOTOS_DIR"] or folder / "photos",
        photo_bucket=values["PHOTO_STORE"],
        photos_accel=values["PHOTOS_ACCEL"] or "",
        photo_address=values["PHOTO_ADDRESS_MINUTES"],
        gpkg_dir=values["STORAGE_GPKG_DIR"] or folder / "gpkg_sync",
        provider=dev_provider(host, port) if dev else _provider(values),
        secret_key=values["API_SECRET_KEY"],
        log_level=values["LOG_LEVEL"],
        database=_database_of(values),
        cors_origins=values["CORS_ALLOW_ORIGINS"],
        metrics=values["METRICS"],
        max_upload=values["MAX_UPLOAD_MB"],
        max_json=values["MAX_JSON_MB"],
        max_photo=values["MAX_PHOTO_MB"],
        keep_uploads_days=values["KEEP_UPLOADS_DAYS"],
        keep_exports_days=values["KEEP_EXPORTS_DAYS"],
        keep_exports=values["KEEP_EXPORTS_MB"],
        token_absence_days=values["TOKEN_ABSENCE_DAYS"],
    )


def dev_provider(host: str, port: int) -> Provider:
    """The development sign-in that a server at *host* and *port* contains."""
    shown = f"[{host}]" if ":" in host else host
    return Provider(f"http://{shown}:{port}", frozenset({DEV_CLIENT}), DEV_CLIENT)


def _database_of(values: Mapping[str, Any]) -> Database | None:
    if values["DATABASE_URL"] is None:
        return None
    return Database(
        url=values["DATABASE_URL"],
        schema=values["DB_SCHEMA"],
        pool_min=values["DB_POOL_MIN"],
        pool_max=values["DB_POOL_MAX"],
        statement_timeout=values["DB_STATEMENT_TIMEOUT"],
        lock_timeout=values["DB_LOCK_TIMEOUT"],
        pgbouncer=values["DB_PGBOUNCER"],
    )


def _provider(values: Mapping[str, Any]) -> Provider:
    return Provider(
        values["ZITADEL_DOMAIN"], values["ZITADEL_CLIENT_ID"], values["ZITADEL_PROJECT_ID"], values["ZITADEL_ORG_IDS"]
    )


def _read(env: Mapping[str, str], *, dev: bool) -> tuple[dict[str, Any], list[Fault]]:
    """Every setting's value (None where there is none) and every fault. Empty means absent, as in Compose files."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for setting in SETTINGS:
        text = env.get(setting.name, "").strip() if setting.dev or not dev else ""
        values[setting.name] = None
        if not text and setting.required and not dev:
            faults.append(Fault(setting.name, f"is missing: {setting.what}"))
        elif text or setting.default is not None:
            try:
                values[setting.name] = setting.parse(text or setting.default or "")
            except ValueError as wrong:
                faults.append(Fault(setting.name, str(wrong)))
    return values, faults
