"""Areas, buildings and sketches: what the plugin knows and the old server had no table for."""

from fiberq_core.registry.model import Column, Kind, Labels, Layer, Shape
from fiberq_core.registry.shared import NAME, NETWORK, NOTE, TYPE

SERVICE_AREAS = Layer(
    "Service_Area",
    "ftth_rejoni",
    Labels("Service areas", "Rejoni", "Зони на обслужване"),
    Shape.POLYGON,
    (
        Column("name", Kind.TEXT, Labels("Name", "Naziv", "Име")),
        Column("created_at", Kind.TEXT, Labels("Created", "Kreirano", "Създадено")),  # local, as typed
        Column("area_m2", Kind.REAL, Labels("Area", "Površina", "Площ"), unit="m²", minimum=0),
        Column("perim_m", Kind.REAL, Labels("Perimeter", "Obim", "Периметър"), unit="m", minimum=0),
        Column("count", Kind.INTEGER, Labels("Features inside", "Broj objekata", "Брой обекти")),
    ),
    NETWORK,
    plugin="Service Area",
    aliases=("Rejon", "Zona opsluživanja"),
    title="name",
    geometry_required=True,
)
OBJECTS = Layer(
    "Objects",
    "ftth_objekti",
    Labels("Objects", "Objekti", "Обекти"),
    Shape.POLYGON,
    (
        TYPE,
        Column("spratova", Kind.INTEGER, Labels("Floors", "Spratova", "Етажи")),
        Column("podzemnih", Kind.INTEGER, Labels("Floors below ground", "Podzemnih etaža", "Подземни етажи")),
        Column("ulica", Kind.TEXT, Labels("Street", "Ulica", "Улица")),
        Column("broj", Kind.TEXT, Labels("Number", "Broj", "Номер")),
        NAME,
        NOTE,
    ),
    NETWORK,
    plugin="Objects",
    aliases=("Objekti",),
    title="naziv",
    kind_column="tip",
)
DRAWINGS = Layer(
    "Drawings",
    "ftth_crtezi",
    Labels("Drawings", "Crteži", "Чертежи"),
    Shape.ANY,
    (NAME, TYPE, NOTE),
    NETWORK,
    plugin="Drawings",
    aliases=("Crtezi",),
    title="naziv",
    kind_column="tip",
    geometry_required=True,
)

AREA_LAYERS = (SERVICE_AREAS, OBJECTS, DRAWINGS)
