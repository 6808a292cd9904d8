"""Ids in paths: any text, also with `/`, which is then written `%2F`.

A server's decoded path cannot tell `/` in an id from one between parts. So routes are matched on a path in
which `%2F` and `%25` still stand, and the ids are read from what was matched. A `/` that was not escaped is
taken as part of the id where that is possible at all: some proxies decode paths.
"""

from urllib.parse import unquote_to_bytes

from starlette.convertors import Convertor, register_url_convertor


def routable(raw: bytes) -> str:
    """The path to match routes on: decoded, but for `%2F` and `%25`.

    Args:
        raw: the path as it was sent.

    Raises:
        UnicodeDecodeError: it is not UTF-8.
    """
    if b"%" not in raw:
        return raw.decode("utf-8")
    kept = raw.replace(b"%25", b"%2525").replace(b"%2F", b"%252F").replace(b"%2f", b"%252F")
    return unquote_to_bytes(kept).decode("utf-8")


class IdConvertor(Convertor[str]):
    """`{customer_id:id}` in a route."""

    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        """The id, from a part of a routable path."""
        return value.replace("%2F", "/").replace("%25", "%")

    def to_string(self, value: str) -> str:
        """The part of a routable path that means the id."""
        return value.replace("%", "%25").replace("/", "%2F")


register_url_convertor("id", IdConvertor())
CUSTOMER = "{customer_id:id}"
"""The part of a route that is a customer's id, whatever is in it."""
