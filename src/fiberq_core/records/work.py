"""Work orders, their items, and daily reports, as the old server and its clients know them."""

from fiberq_core.records.model import Field, Filled, Filter, Form, Parent, Place, Record, Span, field, numbered
from fiberq_core.registry import work
from fiberq_core.registry.model import GEOMETRY

ORDERS_PATH = "work-orders"

WORK_ORDERS = Record(
    "work order",
    work.WORK_ORDERS.name,
    (ORDERS_PATH,),
    (
        field("title"),
        field("description", default=""),
        field("order_type"),
        field("priority", default="medium"),
        field("status"),
        field("assigned_to_sub", "assignee"),
        field("assigned_by_sub", writable=False),
        field("due_date"),
        field("rejection_reason", "reason"),
        field("created_at", writable=False),
        field("started_at", writable=False),
        field("completed_at", writable=False),
        field("verified_at", writable=False),
        field("verified_by_sub", writable=False),
    ),
    place=Place("area", ("area_geom", GEOMETRY)),
    filters=(
        Filter("status", "status"),
        Filter("assigned_to_sub", "assigned_to_sub", alias="assignee"),
        Filter("order_type", "order_type"),
        Filter("priority", "priority"),
    ),
    span=Span("due_date", "due_from", "due_to"),
)
ORDER_ITEMS = Record(
    "item of this work order",
    work.ORDER_ITEMS.name,
    ("items",),
    (
        numbered("work_order_id", "work_order_uuid"),
        field("item_type"),
        field("description", default=""),
        field("target_uuid"),
        field("target_layer"),
        field("target_fid"),
        field("quantity"),
        field("unit"),
        field("status"),
        field("completed_at", writable=False),
        field("completed_by_sub", writable=False),
        field("notes"),
    ),
    parent=Parent(work.WORK_ORDERS.name, ORDERS_PATH, "work_order_uuid"),
    filters=(Filter("status", "status"),),
    newest_first=False,
    same_by=("item_type", "description", "target_uuid", "target_layer", "target_fid", "quantity", "unit"),
)
REPORTS = Record(
    "report",
    work.REPORTS.name,
    ("smr-reports", f"{ORDERS_PATH}/smr-reports"),
    (
        numbered("work_order_id", "work_order_uuid"),
        field("reported_by_sub", default=Filled.ACTOR, writable=False),
        field("report_date", default=Filled.TODAY),
        field("weather", default=""),
        field("crew_size", default=1),
        field("hours_worked", default=0.0),
        Field("activities", "activities", form=Form.LIST, default="[]"),
        Field("materials_used", "materials_used", ("materials",), Form.LIST, default="[]"),
        field("issues", default=""),
    ),
    place=Place(GEOMETRY, pair=("longitude", "latitude")),
    filters=(
        Filter("work_order_id", "work_order_uuid", form=Form.NUMBER),
        Filter("reported_by_sub", "reported_by_sub", alias="reporter"),
    ),
    span=Span("report_date", "from", "to"),
    same_by=(
        *("reported_by_sub", "report_date", "weather", "crew_size", "hours_worked"),
        *("activities", "materials_used", "issues", GEOMETRY),
    ),
)
WORK_RECORDS = (WORK_ORDERS, ORDER_ITEMS, REPORTS)
