"""Elixir files that mix runs (mix.exs, config/*.exs): do they look at anything but themselves?

They are programs. Calls of functions that only compute, and of those that read the environment, are known; a file is
read only where its name stands in the text. Anything else is declined, with its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..model import Declined, Place

# Comments, strings and sigils: what is in them is not called, once they hold no interpolation.
_QUIET = re.compile(
    r'#[^\n]*|"""(?:(?!""").)*"""|"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\''
    r"|~[a-zA-Z](?:\([^)]*\)|\[[^\]]*\]|\{[^}]*\}|/[^/\n]*/|\|[^|\n]*\||\"[^\"\n]*\")",
    re.DOTALL,
)
_SIMPLE = re.compile(r"#\{(?:@?[a-z_]\w*(?:\(\))?|Mix\.(?:env|target)(?:\(\))?|System\.get_env\(\"\w+\"\))\}")
_READ = re.compile(
    r'File\.read!\(\s*(?:Path\.(?:join|expand)\(\s*)?(?:__DIR__\s*,\s*)?"(?P<path>[\w./-]+)"(?P<rest>[^\n]*)'
)
# A call behind a dot, and the module that stands right before it; a range has two dots.
_CALL = re.compile(r"(?P<module>:?\b[A-Z]\w*(?:\.[A-Z]\w*)*|:\w+|)(?<!\.)\.(?!\.)(?P<name>\s*[a-z_]\w*[!?]?)")
_KNOWN = re.compile(
    r"(?:String|Enum|Keyword|List|Map|Integer|Float|Version|Tuple|Regex|Atom|Access|URI|Bitwise|Date|MapSet)\.\w+[!?]?"
    r"|Mix\.(?:env|target|compilers|raise|Project\.(?:config|deps_path|build_path|app_path))"
    r"|Path\.(?:join|expand|dirname|basename|extname|relative_to|rootname|absname)"
    r"|System\.(?:get_env|fetch_env!?|version|otp_release|build_info|schedulers_online)"
    r"|Application\.(?:get_env|fetch_env!?|compile_env!?)|Config\.\w+|Base\.\w+[!?]?|Logger\.\w+"
)
_WORDS = re.compile(
    r"\b(?:apply|spawn\w*|send|receive|eval_\w+|import_file\w*|alias|require|quote|unquote)\b"
    r"|\bimport\s+(?!Config\b)|\buse\s+(?!Mix\.(?:Project|Config)\b)|:\"|\?[\"']|#\{"
)
_ENVIRONMENT = re.compile(r"\bSystem\.(?:get_env|fetch_env)")


@dataclass(frozen=True, slots=True)
class ElixirSource:
    """What an Elixir file looks at: `files` by the names in its text; whether it reads the `environment`."""

    files: tuple[str, ...]
    environment: bool


def judge(text: str, place: Place) -> ElixirSource:
    """Return what the file with this `text` looks at; raises Declined where that is not known."""
    source = text
    files = tuple(match["path"] for match in _READ.finditer(text))
    text = _SIMPLE.sub("_", _READ.sub(lambda match: "_" + match["rest"], text))
    for match in _WORDS.finditer(text):
        if match[0] in (':"', "#{", "?'", '?"'):
            raise _unknown(match[0], text, match.start(), place)
    bare = _QUIET.sub(lambda match: '""' + "\n" * match[0].count("\n"), text)
    if word := _WORDS.search(bare):
        raise _unknown(word[0].strip(), bare, word.start(), place)
    for match in _CALL.finditer(bare):
        name = f"{match['module']}.{match['name']}"
        if not _KNOWN.fullmatch(name):
            raise _unknown(name.strip(), bare, match.start(), place)
    return ElixirSource(files, bool(_ENVIRONMENT.search(source)))


def _unknown(what: str, text: str, at: int, place: Place) -> Declined:
    where = Place(place.path, text.count("\n", 0, at) + 1)
    return Declined(f"what `{what}` in {place.path} looks at is not known", where)


def literal(text: str, key: str) -> str | None:
    """Return the string that a keyword has in `text`, None if it is not there; raises ValueError for more."""
    found = re.findall(rf'\b{key}:\s*("(?P<value>[^"#\\]*)")?', text)
    if not found:
        return None
    if len(found) > 1 or not found[0][0]:
        raise ValueError(key)
    return str(found[0][1])
