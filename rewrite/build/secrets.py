"""Secrets: files of the build context, by name or form, and variables, by name. No content of a file is told."""

from __future__ import annotations

import re

from ..source.dockerfile import Dockerfile
from .context import Context

# BuildKit's SecretsUsedInArgOrEnv (frontend/dockerfile/dockerfile2llb/convert.go) asks for these words.
_VARIABLE = re.compile(r"(?i)(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)")
_PUBLIC = re.compile(r"(?i)(?:_|^)public(?:_|$)")
# What the last word says is known to all who may ask for the secret: `TOKEN_TTL`, `AUTH_TYPE`, `API_KEY_HEADER`.
_ABOUT = re.compile(
    r"(?i)_(?:alg|algorithm|enabled|expiry|header|host|length|mode|port|provider|realm|scheme|size|timeout|ttl|type|url)\Z"
)
# Fingerprints of the keys by which downloads are signed.
_SIGNER = re.compile(r"(?i)(?:_|^)(?:gpg|pgp)(?:_|$)")
_FINGERPRINTS = re.compile(r"(?i)(?:\s*(?:0x)?[0-9a-f]{8,40})+\s*")
# A switch, a path, or nothing at all.
_HARMLESS = re.compile(r"(?i)|\.?/.*|true|false|yes|no|on|off|none|null|\d")

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


def is_secret_name(variable: str) -> bool:
    """Tell whether a variable holds a secret, by its name."""
    return bool(_VARIABLE.search(variable)) and not _PUBLIC.search(variable)


def is_common_knowledge(variable: str, value: str | None) -> bool:
    """Tell whether a variable called like a secret holds none: it is about one, or names who has signed something."""
    signer = bool(_SIGNER.search(variable)) and bool(_FINGERPRINTS.fullmatch((value or "").strip("\"'")))
    return signer or (bool(_ABOUT.search(variable)) and "@" not in (value or ""))


def literal(value: str | None) -> str:
    """Return the secret in what a variable is given, "" if that is none: a path, a switch, another variable."""
    text = (value or "").strip("\"'")
    return "" if "$" in text or _HARMLESS.fullmatch(text) else text


def literals(dockerfile: Dockerfile) -> tuple[tuple[str, str], ...]:
    """Return the secrets that stand in a Dockerfile, each with its variable; nobody is to be shown them."""
    return tuple(
        dict.fromkeys(
            (pair.key, value)
            for line in dockerfile.instructions
            if line.keyword in ("ARG", "ENV")
            for pair in line.pairs
            if is_secret_name(pair.key) and not is_common_knowledge(pair.key, pair.value)
            if (value := literal(pair.value))
        )
    )
