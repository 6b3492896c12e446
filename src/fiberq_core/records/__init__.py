"""The records that old clients call: rows of the registry's layers under the paths and names that they know.

`model` says how a record is written down, `bodies` reads what clients send, `showing` makes what they are shown.
"""

from fiberq_core.records.model import Record
from fiberq_core.records.plan import PLAN_RECORDS
from fiberq_core.records.work import ORDER_ITEMS, REPORTS, WORK_ORDERS, WORK_RECORDS

__all__ = ["ORDER_ITEMS", "RECORDS", "REPORTS", "WORK_ORDERS", "WORK_RECORDS", "Record"]

RECORDS: tuple[Record, ...] = (*WORK_RECORDS, *PLAN_RECORDS)
