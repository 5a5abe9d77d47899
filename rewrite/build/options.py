"""Command lines: options told from operands by a tool's own table; what is not in the table is not guessed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ..model import Declined


@dataclass(frozen=True, slots=True)
class Argument:
    """An option with its value ("" for a switch), or an operand (`option` is ""); `index` is the word's."""

    option: str
    value: str
    index: int


class UnknownOption(Declined):
    """A word that the table does not explain: an unknown option, or a word whose value is not known."""


def arguments(
    words: Sequence[str | None], start: int, switches: Collection[str], valued: Collection[str]
) -> list[Argument]:
    """Split `words[start:]` into arguments.

    Long options may use ``=``, short ones be glued to a value or to each other. Raises UnknownOption.
    """
    found: list[Argument] = []
    index = start
    while index < len(words):
        word = words[index]
        if word is None:
            raise UnknownOption("a word of the command depends on a variable that is not known")
        name, equals, value = word.partition("=")
        if word == "--":
            rest = words[index + 1 :]
            if None in rest:
                raise UnknownOption("a word of the command depends on a variable that is not known")
            return found + [Argument("", str(operand), index + 1 + at) for at, operand in enumerate(rest)]
        if not word.startswith("-") or word == "-":
            found.append(Argument("", word, index))
        elif name in valued and equals:
            found.append(Argument(name, value, index))
        elif word in valued:
            found.append(Argument(word, _following(words, index + 1, word), index))
            index += 1
        elif name in switches:
            found.append(Argument(name, value, index))
        elif not word.startswith("--"):
            *glued, last = _short(word, index, switches, valued)
            if last.option in valued and not last.value:
                index += 1
                last = replace(last, value=_following(words, index, last.option))
            found += [*glued, last]
        else:
            raise UnknownOption(f"the option {word} is not known")
        index += 1
    return found


def _following(words: Sequence[str | None], index: int, option: str) -> str:
    value = words[index] if index < len(words) else None
    if value is None:
        raise UnknownOption(f"the value of {option} is not known")
    return value


def _short(word: str, index: int, switches: Collection[str], valued: Collection[str]) -> list[Argument]:
    found: list[Argument] = []
    for at, letter in enumerate(word[1:], 1):
        option = f"-{letter}"
        if option in valued:
            return [*found, Argument(option, word[at + 1 :].removeprefix("="), index)]
        if option not in switches:
            raise UnknownOption(f"the option {word} is not known")
        found.append(Argument(option, "", index))
    return found
