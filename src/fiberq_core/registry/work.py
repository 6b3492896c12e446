"""The work itself: orders, their items, daily reports, photos."""

from fiberq_core.policy import Action
from fiberq_core.registry import vocabularies as v
from fiberq_core.registry.areas import AREA_LAYERS
from fiberq_core.registry.fibre import FIBRE_LAYERS
from fiberq_core.registry.model import Column, Kind, Labels, Layer, Reference, Rights, Shape, Term, Vocabulary
from fiberq_core.registry.network import NETWORK_LAYERS

_ORDERS = Rights(Action.ORDER_WRITE, Action.ORDER_DELETE)
_PLACES = (*NETWORK_LAYERS, *AREA_LAYERS, *FIBRE_LAYERS)
_ORDER_UUID = Column("work_order_uuid", Kind.UUID, Labels("Work order", "Radni nalog", "Работна поръчка"))
_ORDER_FID = Column(
    "work_order_fid",
    Kind.INTEGER,
    Labels("Number of the order in the file", "Broj naloga u fajlu", "Номер на поръчката във файла"),
)

WORK_ORDERS = Layer(
    "Work_orders",
    "work_orders",
    Labels("Work orders", "Radni nalozi", "Работни поръчки"),
    Shape.POLYGON,
    (
        Column("title", Kind.TEXT, Labels("Title", "Naslov", "Заглавие"), required=True),
        Column("description", Kind.TEXT, Labels("Description", "Opis", "Описание")),
        Column(
            "order_type",
            Kind.TEXT,
            Labels("Kind of work", "Vrsta radova", "Вид работа"),
            vocabulary=v.ORDER_TYPE,
            required=True,
        ),
        Column(
            "priority",
            Kind.TEXT,
            Labels("Priority", "Prioritet", "Приоритет"),
            vocabulary=v.PRIORITY,
            default="medium",
        ),
        Column(
            "status",
            Kind.TEXT,
            Labels("Status", "Status", "Статус"),
            vocabulary=v.ORDER_STATUS,
            default="created",
            action=Action.ORDER_ADVANCE,
        ),
        Column("assigned_to_sub", Kind.TEXT, Labels("Assigned to", "Dodeljeno", "Възложено на")),
        Column("assigned_by_sub", Kind.TEXT, Labels("Assigned by", "Dodelio", "Възложил")),
        Column("due_date", Kind.DATE, Labels("Due", "Rok", "Срок")),
        Column(
            "rejection_reason",
            Kind.TEXT,
            Labels("Reason of the rejection", "Razlog odbijanja", "Причина за отхвърлянето"),
            action=Action.ORDER_ADVANCE,
        ),
        Column("created_at", Kind.DATETIME, Labels("Created at", "Kreirano", "Създадено на")),
        Column(
            "started_at", Kind.DATETIME, Labels("Started at", "Početo", "Започнато на"), action=Action.ORDER_ADVANCE
        ),
        Column(
            "completed_at",
            Kind.DATETIME,
            Labels("Completed at", "Završeno", "Завършено на"),
            action=Action.ORDER_ADVANCE,
        ),
        Column("verified_at", Kind.DATETIME, Labels("Verified at", "Overeno", "Прието на"), action=Action.ORDER_REOPEN),
        Column("verified_by_sub", Kind.TEXT, Labels("Verified by", "Overio", "Приел"), action=Action.ORDER_REOPEN),
    ),
    _ORDERS,
    aliases=("work_order",),
    owner="assigned_to_sub",
    title="title",
    kind_column="order_type",
    by_number=True,
)
ORDER_ITEMS = Layer(
    "work_order_items",
    "work_order_items",
    Labels("Work order items", "Stavke naloga", "Позиции по поръчка"),
    Shape.NONE,
    (
        _ORDER_UUID,
        _ORDER_FID,
        Column(
            "item_type",
            Kind.TEXT,
            Labels("Kind of item", "Vrsta stavke", "Вид позиция"),
            vocabulary=v.ITEM_TYPE,
            required=True,
        ),
        Column("description", Kind.TEXT, Labels("Description", "Opis", "Описание")),
        Column("target_uuid", Kind.UUID, Labels("Target", "Cilj", "Цел")),
        Column("target_layer", Kind.TEXT, Labels("Layer of the target", "Sloj cilja", "Слой на целта")),
        Column(
            "target_fid",
            Kind.INTEGER,
            Labels("Number of the target in the file", "Broj cilja u fajlu", "Номер на целта във файла"),
        ),
        Column("quantity", Kind.REAL, Labels("Quantity", "Količina", "Количество"), minimum=0),
        Column("unit", Kind.TEXT, Labels("Unit of the quantity", "Jedinica mere", "Мерна единица")),
        Column(
            "status",
            Kind.TEXT,
            Labels("Status", "Status", "Статус"),
            vocabulary=v.ITEM_STATUS,
            default="pending",
            action=Action.ITEM_COMPLETE,
        ),
        Column(
            "completed_at",
            Kind.DATETIME,
            Labels("Completed at", "Završeno", "Завършено на"),
            action=Action.ITEM_COMPLETE,
        ),
        Column(
            "completed_by_sub", Kind.TEXT, Labels("Completed by", "Završio", "Завършил"), action=Action.ITEM_COMPLETE
        ),
        Column("notes", Kind.TEXT, Labels("Notes", "Napomene", "Бележки"), action=Action.ITEM_COMPLETE),
    ),
    _ORDERS,
    references=(
        Reference(
            "work_order_uuid",
            ("Work_orders",),
            local_fid="work_order_fid",
            legacy_id="work_order_id",
            owned=True,
            required=True,
        ),
        Reference(
            "target_uuid",
            tuple(layer.name for layer in _PLACES),
            local_fid="target_fid",
            local_layer="target_layer",
        ),
    ),
    aliases=("work_order_item",),
    owner_via="work_order_uuid",
    title="description",
    kind_column="item_type",
    by_number=True,
)
REPORTS = Layer(
    "SMR_reports",
    "smr_reports",
    Labels("Daily reports", "Dnevni izveštaji", "Дневни отчети"),
    Shape.POINT,
    (
        _ORDER_UUID,
        _ORDER_FID,
        Column("reported_by_sub", Kind.TEXT, Labels("Reported by", "Izveštaj podneo", "Отчел")),
        Column("report_date", Kind.DATE, Labels("Date", "Datum", "Дата")),
        Column("weather", Kind.TEXT, Labels("Weather", "Vremenski uslovi", "Време"), vocabulary=v.WEATHER),
        Column("crew_size", Kind.INTEGER, Labels("People", "Broj ljudi", "Брой хора"), minimum=0),
        Column(
            "hours_worked",
            Kind.REAL,
            Labels("Hours worked", "Radnih sati", "Отработени часове"),
            unit="h",
            minimum=0,
            maximum=24,
        ),
        Column("activities", Kind.JSON, Labels("Activities", "Aktivnosti", "Дейности")),
        Column("materials_used", Kind.JSON, Labels("Materials used", "Utrošen materijal", "Вложени материали")),
        Column("issues", Kind.TEXT, Labels("Problems", "Problemi", "Проблеми")),
    ),
    Rights(Action.REPORT_WRITE, Action.REPORT_DELETE),
    aliases=("smr_report",),
    references=(Reference("work_order_uuid", ("Work_orders",), local_fid="work_order_fid", legacy_id="work_order_id"),),
    owner="reported_by_sub",
    title="report_date",
    by_number=True,
)

_PHOTOGRAPHED = (*_PLACES, WORK_ORDERS, ORDER_ITEMS, REPORTS)


def _related(layer: Layer) -> Term:
    """The term of `related_type` for *layer*: its name, and whatever else that layer is called."""
    others = (layer.plugin, layer.table, *layer.aliases, *layer.variants)
    names = dict.fromkeys(n for name in others if name for n in (name, name.replace(" ", "_")))
    return Term(layer.name, layer.labels, tuple(n for n in names if n != layer.name))


RELATED_TYPE = Vocabulary("related_type", tuple(map(_related, _PHOTOGRAPHED)), closed=True)

PHOTOS = Layer(
    "field_photos",
    "field_photos",
    Labels("Field photos", "Fotografije sa terena", "Снимки от терен"),
    Shape.POINT,
    (
        Column("related_uuid", Kind.UUID, Labels("Shows", "Prikazuje", "Показва")),
        Column(
            "related_type",
            Kind.TEXT,
            Labels("Layer of what it shows", "Sloj onoga što prikazuje", "Слой на показаното"),
            vocabulary=RELATED_TYPE,
        ),
        Column(
            "related_fid",
            Kind.INTEGER,
            Labels(
                "Number in the file of what it shows",
                "Broj u fajlu onoga što prikazuje",
                "Номер на показаното във файла",
            ),
        ),
        Column("photo_path", Kind.TEXT, Labels("Photo", "Fotografija", "Снимка"), required=True),
        Column("caption", Kind.TEXT, Labels("Caption", "Opis slike", "Надпис")),
        Column("taken_at", Kind.DATETIME, Labels("Taken at", "Snimljeno", "Заснета на")),
        Column("taken_by_sub", Kind.TEXT, Labels("Taken by", "Snimio", "Заснел")),
    ),
    Rights(Action.PHOTO_WRITE, Action.PHOTO_DELETE),
    references=(
        Reference(
            "related_uuid",
            tuple(layer.name for layer in _PHOTOGRAPHED),
            local_fid="related_fid",
            local_layer="related_type",
            legacy_id="related_id",
        ),
    ),
    owner="taken_by_sub",
    title="caption",
    by_number=True,
)

WORK_LAYERS = (WORK_ORDERS, ORDER_ITEMS, REPORTS, PHOTOS)
