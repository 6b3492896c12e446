"""The columns that every row has and that the server owns (S29): never read from a device as an edit."""

from fiberq_core.registry.model import Column, Kind, Labels

UUID = "fiberq_uuid"
ID = "id"
REV = "fiberq_rev"
PROJECT = "project_id"
MODIFIED_BY = "_modified_by_sub"
MODIFIED_AT = "_modified_at"

SYSTEM = (
    Column(UUID, Kind.TEXT, Labels("Identity", "Identitet", "Идентификатор")),
    Column(ID, Kind.INTEGER, Labels("Number", "Broj", "Номер")),
    Column(REV, Kind.INTEGER, Labels("Revision", "Revizija", "Ревизия")),
    Column(PROJECT, Kind.INTEGER, Labels("Project", "Projekat", "Проект")),
    Column(MODIFIED_BY, Kind.TEXT, Labels("Modified by", "Izmenio", "Променено от")),
    Column(MODIFIED_AT, Kind.DATETIME, Labels("Modified at", "Izmenjeno", "Променено на")),
)

SYSTEM_NAMES = frozenset(column.name for column in SYSTEM)
