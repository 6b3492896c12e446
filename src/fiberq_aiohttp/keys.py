"""Where handlers find things: typed keys of the application and of the request."""

import asyncio
from pathlib import Path
from weakref import WeakValueDictionary

from aiohttp import web

from fiberq_aiohttp.attendance import Attendance
from fiberq_aiohttp.bearer import Bearer
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.photoaddresses import PhotoAddresses
from fiberq_aiohttp.readiness import Readiness
from fiberq_aiohttp.settings import Settings
from fiberq_core.policy import Actor

SETTINGS = web.AppKey("settings", Settings)
BEARER = web.AppKey("bearer", Bearer)
SECRET = web.AppKey("secret", bytes)  # that codes and addresses of this server are signed with
ATTENDANCE = web.AppKey("attendance", Attendance)
PORTS = web.AppKey("ports", Ports)
READINESS = web.AppKey("readiness", Readiness)
ADDRESSES = web.AppKey("addresses", PhotoAddresses)
SPOOL = web.AppKey("spool", Path)  # where uploads land
UPLOAD_SLOTS = web.AppKey("upload_slots", asyncio.Semaphore)  # as many uploads are received at the same time
UPLOADERS = web.AppKey("uploaders", WeakValueDictionary)  # the same for each person, by subject

ACTOR = web.RequestKey("actor", Actor)  # set by guard.authenticate, on routes that are not public
REQUEST_ID = web.RequestKey("request_id", str)  # set by logs.request_ids
