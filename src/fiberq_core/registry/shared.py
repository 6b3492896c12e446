"""Columns and rights that several layers share."""

from fiberq_core.policy import Action
from fiberq_core.registry import vocabularies as v
from fiberq_core.registry.model import Column, Kind, Labels, Rights

NETWORK = Rights(Action.NETWORK_WRITE, Action.NETWORK_DELETE)

NAME = Column("naziv", Kind.TEXT, Labels("Name", "Naziv", "Име"))
TYPE = Column("tip", Kind.TEXT, Labels("Type", "Tip", "Тип"))
STATE = Column("stanje", Kind.TEXT, Labels("State", "Stanje", "Състояние"), vocabulary=v.STATE)
YEAR = Column(  # 0 means unknown
    "godina_ugradnje", Kind.INTEGER, Labels("Year of installation", "Godina ugradnje", "Година на монтаж")
)
NOTE = Column("napomena", Kind.TEXT, Labels("Note", "Napomena", "Бележка"))
LENGTH = Column("duzina_m", Kind.REAL, Labels("Length", "Dužina", "Дължина"), unit="m", minimum=0)
STREET = Column("adresa_ulica", Kind.TEXT, Labels("Street", "Ulica", "Улица"))
HOUSE_NUMBER = Column("adresa_broj", Kind.TEXT, Labels("House number", "Kućni broj", "Номер"))
FROM = Column("od", Kind.TEXT, Labels("From", "Od", "От"))
CABLES = ("Kablovi_podzemni", "Kablovi_vazdusni")

CABLE_UUID = Column("kabl_uuid", Kind.UUID, Labels("Cable", "Kabl", "Кабел"))
CABLE_LAYER = Column(
    "kabl_layer_id",
    Kind.TEXT,
    Labels("Layer of the cable", "Sloj kabla", "Слой на кабела"),
    aliases=("cable_layer_id",),
)
CABLE_FID = Column(  # the plugin writes -1 where it does not know
    "kabl_fid",
    Kind.INTEGER,
    Labels("Number of the cable in the file", "Broj kabla u fajlu", "Номер на кабела във файла"),
    aliases=("cable_fid",),
)
