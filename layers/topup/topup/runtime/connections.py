"""AWS's connections, which know whom to trust before the first of them is opened.

botocore reads its bundle of certificate authorities again for every new connection: 2 ms of CPU time each.
"""

import ssl
from functools import cache
from typing import Any

from botocore import httpsession
from botocore.exceptions import SSLError

_Session: Any = httpsession.URLLib3Session


class Connections(_Session):  # type: ignore[misc]
    """botocore's own, whose certificate authorities are read once, as it is made. Raises SSLError if they cannot be.

    All share one context. A client that has a proxy or a certificate changes its context: it has its own, as ever.
    """

    def __init__(self, **options: Any) -> None:
        self._shares = not any(options.get(name) for name in ("client_cert", "proxies", "proxies_config"))
        super().__init__(**options)

    def _get_ssl_context(self) -> ssl.SSLContext:
        if self._shares and self._verify:
            return _trusting(httpsession.get_cert_path(self._verify))
        return super()._get_ssl_context()  # type: ignore[no-any-return]

    def _setup_ssl_cert(self, conn: Any, url: str, verify: str | bool) -> None:
        super()._setup_ssl_cert(conn, url, verify)
        if self._shares:
            conn.ca_certs = None


@cache
def _trusting(bundle: str) -> ssl.SSLContext:
    context: ssl.SSLContext = httpsession.create_urllib3_context()
    try:
        context.load_verify_locations(bundle)
    except OSError as error:  # ssl's own errors too
        raise SSLError(endpoint_url=bundle, error=error) from error
    return context
