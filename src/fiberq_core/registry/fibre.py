"""Inside the closures: trays, splices, and the patches at the ports."""

from fiberq_core.policy import Action
from fiberq_core.registry import vocabularies as v
from fiberq_core.registry.model import Column, Kind, Labels, Layer, Reference, Rights, Shape
from fiberq_core.registry.shared import CABLES, NAME, NOTE

_RIGHTS = Rights(Action.FIBRE_WRITE, Action.FIBRE_DELETE)


def _side(side: str) -> tuple[Column, ...]:
    """What a splice says of the fibre on one *side*, `a` or `b`."""
    x = side.upper()
    return (
        Column(f"cable_{side}_uuid", Kind.UUID, Labels(f"Cable {x}", f"Kabl {x}", f"Кабел {x}")),
        Column(
            f"cable_{side}_layer_id",
            Kind.TEXT,
            Labels(f"Layer of cable {x}", f"Sloj kabla {x}", f"Слой на кабел {x}"),
        ),
        Column(
            f"cable_{side}_fid",
            Kind.INTEGER,
            Labels(f"Number of cable {x} in the file", f"Broj kabla {x} u fajlu", f"Номер на кабел {x} във файла"),
        ),
        Column(
            f"cable_{side}_end",
            Kind.TEXT,
            Labels(f"End of cable {x}", f"Kraj kabla {x}", f"Край на кабел {x}"),
            vocabulary=v.CABLE_END,
        ),
        Column(f"tube_{side}_number", Kind.INTEGER, Labels(f"Tube {x}", f"Cevčica {x}", f"Тръбичка {x}"), minimum=1),
        Column(
            f"tube_{side}_color",
            Kind.TEXT,
            Labels(f"Tube colour {x}", f"Boja cevčice {x}", f"Цвят на тръбичка {x}"),
            vocabulary=v.FIBRE_COLOUR,
        ),
        Column(f"fiber_{side}_number", Kind.INTEGER, Labels(f"Fibre {x}", f"Vlakno {x}", f"Влакно {x}"), minimum=1),
        Column(
            f"fiber_{side}_color",
            Kind.TEXT,
            Labels(f"Fibre colour {x}", f"Boja vlakna {x}", f"Цвят на влакно {x}"),
            vocabulary=v.FIBRE_COLOUR,
        ),
    )


SPLICE_CLOSURES = Layer(
    "Splice_closures",
    "fiber_splice_closures",
    Labels("Splice closures", "Spojne kutije", "Сплайс муфи"),
    Shape.POINT,
    (
        NAME,
        Column("muf_uuid", Kind.UUID, Labels("Joint closure", "Nastavak", "Муфа")),
        Column(
            "muf_fid",
            Kind.INTEGER,
            Labels("Number of the joint closure in the file", "Broj nastavka u fajlu", "Номер на муфата във файла"),
        ),
        Column("closure_type", Kind.TEXT, Labels("Closure type", "Tip kutije", "Тип муфа"), vocabulary=v.CLOSURE_TYPE),
        Column("closure_model", Kind.TEXT, Labels("Model", "Model", "Модел")),
        Column("tray_count", Kind.INTEGER, Labels("Trays at most", "Najviše kaseta", "Максимум касети"), minimum=0),
        Column("max_splices", Kind.INTEGER, Labels("Splices at most", "Najviše spojeva", "Максимум сплайсове")),
        NOTE,
    ),
    _RIGHTS,
    aliases=("closure",),
    references=(Reference("muf_uuid", ("Nastavci",), local_fid="muf_fid"),),
    title="naziv",
    kind_column="closure_type",
    by_number=True,
)
SPLICE_TRAYS = Layer(
    "fiber_splice_trays",
    "fiber_splice_trays",
    Labels("Splice trays", "Spojne kasete", "Сплайс касети"),
    Shape.NONE,
    (
        Column("closure_uuid", Kind.UUID, Labels("Splice closure", "Spojna kutija", "Сплайс муфа")),
        Column(
            "closure_fid",
            Kind.INTEGER,
            Labels("Number of the closure in the file", "Broj kutije u fajlu", "Номер на муфата във файла"),
        ),
        Column(
            "tray_number",
            Kind.INTEGER,
            Labels("Tray number", "Broj kasete", "Номер на касета"),
            required=True,
            minimum=1,
        ),
        Column("tray_type", Kind.TEXT, Labels("Tray type", "Tip kasete", "Тип касета"), vocabulary=v.TRAY_TYPE),
        Column("capacity", Kind.INTEGER, Labels("Capacity", "Kapacitet", "Капацитет"), minimum=1),
    ),
    _RIGHTS,
    references=(
        Reference(
            "closure_uuid",
            ("Splice_closures",),
            local_fid="closure_fid",
            legacy_id="closure_id",
            owned=True,
            required=True,
        ),
    ),
    aliases=("tray",),
    title="tray_number",
    kind_column="tray_type",
    by_number=True,
)
SPLICES = Layer(
    "fiber_splices",
    "fiber_splices",
    Labels("Splices", "Spojevi", "Сплайсове"),
    Shape.NONE,
    (
        Column("tray_uuid", Kind.UUID, Labels("Tray", "Kaseta", "Касета")),
        Column(
            "tray_fid",
            Kind.INTEGER,
            Labels("Number of the tray in the file", "Broj kasete u fajlu", "Номер на касетата във файла"),
        ),
        Column(
            "position_in_tray",
            Kind.INTEGER,
            Labels("Position in the tray", "Pozicija u kaseti", "Позиция в касетата"),
            required=True,
            minimum=1,
        ),
        *_side("a"),
        *_side("b"),
        Column(
            "splice_type",
            Kind.TEXT,
            Labels("Splice type", "Vrsta spoja", "Вид сплайс"),
            vocabulary=v.SPLICE_TYPE,
            default="fusion",
        ),
        Column("loss_db", Kind.REAL, Labels("Loss", "Gubitak", "Загуба"), unit="dB", minimum=0, maximum=10),
        Column(
            "status",
            Kind.TEXT,
            Labels("Status", "Status", "Статус"),
            vocabulary=v.SPLICE_STATUS,
            default="planned",
        ),
        Column("spliced_by_sub", Kind.TEXT, Labels("Spliced by", "Spojio", "Изпълнил")),
        Column("spliced_at", Kind.DATETIME, Labels("Spliced at", "Vreme spajanja", "Изпълнен на")),
        Column("photo_path", Kind.TEXT, Labels("Photo", "Fotografija", "Снимка")),
        Column("notes", Kind.TEXT, Labels("Notes", "Napomene", "Бележки")),
    ),
    _RIGHTS,
    references=(
        Reference(
            "tray_uuid",
            ("fiber_splice_trays",),
            local_fid="tray_fid",
            legacy_id="tray_id",
            owned=True,
            required=True,
        ),
        Reference("cable_a_uuid", CABLES, local_fid="cable_a_fid", local_layer="cable_a_layer_id"),
        Reference("cable_b_uuid", CABLES, local_fid="cable_b_fid", local_layer="cable_b_layer_id"),
    ),
    aliases=("splice",),
    title="position_in_tray",
    kind_column="splice_type",
    by_number=True,
)
PATCHES = Layer(
    "fiber_patch_connections",
    "fiber_patch_connections",
    Labels("Patches", "Prespajanja", "Пачове"),
    Shape.NONE,
    (
        Column("element_uuid", Kind.UUID, Labels("Element", "Element", "Елемент")),
        Column("element_layer_id", Kind.TEXT, Labels("Layer of the element", "Sloj elementa", "Слой на елемента")),
        Column(
            "element_fid",
            Kind.INTEGER,
            Labels("Number of the element in the file", "Broj elementa u fajlu", "Номер на елемента във файла"),
        ),
        Column("port_number", Kind.INTEGER, Labels("Port", "Port", "Порт"), required=True, minimum=1),
        Column("fiber_cable_uuid", Kind.UUID, Labels("Cable", "Kabl", "Кабел")),
        Column("fiber_cable_layer_id", Kind.TEXT, Labels("Layer of the cable", "Sloj kabla", "Слой на кабела")),
        Column(
            "fiber_cable_fid",
            Kind.INTEGER,
            Labels("Number of the cable in the file", "Broj kabla u fajlu", "Номер на кабела във файла"),
        ),
        Column(
            "fiber_cable_end",
            Kind.TEXT,
            Labels("End of the cable", "Kraj kabla", "Край на кабела"),
            vocabulary=v.CABLE_END,
        ),
        Column("fiber_number", Kind.INTEGER, Labels("Fibre", "Vlakno", "Влакно"), minimum=1),
        Column(
            "fiber_color", Kind.TEXT, Labels("Fibre colour", "Boja vlakna", "Цвят на влакно"), vocabulary=v.FIBRE_COLOUR
        ),
        Column(
            "connector_type",
            Kind.TEXT,
            Labels("Connector", "Konektor", "Конектор"),
            vocabulary=v.CONNECTOR_TYPE,
            default="SC/APC",
        ),
        Column("status", Kind.TEXT, Labels("Status", "Status", "Статус"), vocabulary=v.PATCH_STATUS, default="free"),
        Column("connected_to_uuid", Kind.UUID, Labels("Jumper to", "Prespojen na", "Свързан с")),
        Column(
            "connected_to_fid",
            Kind.INTEGER,
            Labels(
                "Number of the other patch in the file", "Broj drugog porta u fajlu", "Номер на другия порт във файла"
            ),
        ),
    ),
    _RIGHTS,
    references=(
        Reference("element_uuid", ("Elements",), local_fid="element_fid", local_layer="element_layer_id"),
        Reference("fiber_cable_uuid", CABLES, local_fid="fiber_cable_fid", local_layer="fiber_cable_layer_id"),
        Reference(
            "connected_to_uuid",
            ("fiber_patch_connections",),
            local_fid="connected_to_fid",
            legacy_id="connected_to_patch_id",
        ),
    ),
    aliases=("patch",),
    title="port_number",
    kind_column="connector_type",
    by_number=True,
)

FIBRE_LAYERS = (SPLICE_CLOSURES, SPLICE_TRAYS, SPLICES, PATCHES)
