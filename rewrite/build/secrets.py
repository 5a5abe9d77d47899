"""Files of the build context that look like secrets, by name or form. Their content never leaves this module."""

from __future__ import annotations

import re

from .context import Context

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
    re.compile(r"(?i)(?:\A|/)nuget\.config\Z"): re.compile(r'(?i)key="(?:cleartext)?password"\s+value="[^%"]'),
    re.compile(r"(?:\A|/)settings\.xml\Z"): re.compile(r"<(?:password|passphrase)>\s*[^$<{\s]"),
}


def is_secret(context: Context, path: str) -> bool:
    """Tell whether a file of the context looks like a secret."""
    if _PLACEHOLDERS.search(path.rpartition("/")[2]):
        return False
    if _NAMES.search(path):
        return True
    return any(name.search(path) and content.search(context.read(path) or "") for name, content in _CONTENT.items())
