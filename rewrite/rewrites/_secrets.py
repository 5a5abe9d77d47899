"""Files that look like secrets and that a COPY brings into the image. Their content never leaves this module."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..build.build import Build

_NAMES = re.compile(
    r"(?:\A|/)(?:\.env(?:\.[^/]+)?|id_(?:rsa|dsa|ecdsa|ed25519)|\.netrc|\.pypirc|\.pgpass|\.htpasswd|\.git-credentials"
    r"|[^/]+\.(?:p12|pfx|jks|keystore|kdbx|ppk)|kubeconfig|\.aws/credentials|\.docker/config\.json"
    r"|(?:service[-_]?account|credentials|client_secrets?)[^/]*\.json)\Z"
)
_PLACEHOLDERS = re.compile(
    r"\.(?:example|sample|template|dist|tmpl|defaults?|schema|test|ci)\Z|example|sample", re.IGNORECASE
)
_CONTENT = {
    re.compile(r"(?:\A|/)[^/]+\.(?:pem|key)\Z"): re.compile("PRIVATE KEY-----"),
    re.compile(r"(?:\A|/)\.(?:npmrc|yarnrc(?:\.yml)?)\Z"): re.compile(
        r"(?:_authToken|_auth|_password|npmAuthToken)\s*[=:]\s*[^$\s]"
    ),
    re.compile(r"(?:\A|/)pip\.conf\Z"): re.compile(r"://[^/\s:@$]+:[^/\s@$]+@"),
}


def secrets_in_reach(build: Build) -> Iterator[str]:
    """Yield a note for each file of the context that looks like a secret and that a COPY or ADD brings."""
    for path in (entry.path for entry in build.context.files() if _is_secret(build, entry.path)):
        for stage in build.stages:
            for instruction in stage.instructions:
                copy = build.copy(instruction)
                sources = [mapping.source for mapping in copy.mappings] if copy else []
                if any(source in ("", ".") or path == source or path.startswith(source + "/") for source in sources):
                    reach = f"{instruction.keyword} ({build.place(instruction)})"
                    yield f"a secret by its name or form is in reach of {reach}: {path}"
                    break
            else:
                continue
            break


def _is_secret(build: Build, path: str) -> bool:
    if _PLACEHOLDERS.search(path.rpartition("/")[2]):
        return False
    if _NAMES.search(path):
        return True
    return any(
        name.search(path) and content.search(build.context.read(path) or "") for name, content in _CONTENT.items()
    )
