"""What every flow is given: the outside, as ports."""

import secrets
from collections.abc import Callable

from attrs import frozen

from fiberq_core.ports import Holdings, Packages, PhotoVolume, Store, Uploads


@frozen
class Ports:
    """The outside. *now* gives UTC as ISO 8601 with milliseconds and Z; *new_uuid* a fresh random UUID.

    *random_bytes* gives as many bytes that nobody can guess.
    """

    store: Store
    packages: Packages
    uploads: Uploads
    photos: PhotoVolume
    holdings: Holdings
    now: Callable[[], str]
    new_uuid: Callable[[], str]
    random_bytes: Callable[[int], bytes] = secrets.token_bytes
