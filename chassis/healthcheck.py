"""The image's health check, `python -m chassis.healthcheck`: status 0 where its service is ready and alive.

It asks this machine's own port, over TLS where that is served; whose certificate it is makes no difference there.
"""

import os
import ssl
import sys
from urllib.request import urlopen

_WITHIN_S = 2
_LOOKS = ("livez", "readyz")


def main() -> int:
    """Ask; the exit status."""
    scheme = "https" if os.environ.get("REKKU_TLS_CERT_FILE") else "http"
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for look in _LOOKS:
        url = f"{scheme}://127.0.0.1:{os.environ.get('REKKU_PORT', '8080')}/{look}"
        try:
            with urlopen(url, timeout=_WITHIN_S, context=context):  # noqa: S310 - of this machine
                pass
        except OSError as error:
            print(f"{look}: {error}", file=sys.stderr)  # noqa: T201 - the engine keeps it beside the status
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
