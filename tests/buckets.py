"""An S3 server on this machine, and buckets in it."""

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from moto.server import ThreadedMotoServer


@contextmanager
def s3_server() -> Iterator[str]:
    """The address of an S3 server without buckets."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def a_bucket(address: str, name: str, environment: pytest.MonkeyPatch) -> str:
    """Make a bucket, and let the environment say how it is reached; what PHOTO_STORE says of it."""
    known = {"ENDPOINT_URL": address, "ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret", "REGION": "eu-west-1"}
    for variable, value in known.items():
        environment.setenv(f"AWS_{variable}", value)
    request = urllib.request.Request(f"{address}/{name}", method="PUT")  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310 - our own server
        return f"s3://{name}/of/fiberq"
