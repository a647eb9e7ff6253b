"""Read `search_path` as the server reports it (Schema Search Path; varlena.c, SplitIdentifierString). Pure."""

from __future__ import annotations


def search_path_of(reported: str, user: str) -> tuple[str, ...] | None:
    """Give the schemas of a reported search_path in order, names as the catalog holds them, `$user` replaced by `user`.

    None where the text is no list of identifiers: then nothing is known of it.
    """
    names: list[str] = []
    rest = reported.strip()
    while rest:
        if rest.startswith('"'):
            name, rest = _quoted(rest)
            if name is None:
                return None
        else:
            end = rest.find(",")
            name, rest = (rest, "") if end < 0 else (rest[:end], rest[end:])
            name = name.strip().lower()
            if not name or '"' in name or any(character.isspace() for character in name):
                return None
        names.append(user if name == "$user" else name)
        rest = rest.lstrip()
        if rest:
            if not rest.startswith(","):
                return None
            rest = rest[1:].lstrip()
            if not rest:
                return None
    return tuple(names)


def _quoted(text: str) -> tuple[str | None, str]:
    """Split a quoted identifier, unquoted, from what follows it; None where its quote is not closed."""
    end = 1
    while True:
        end = text.find('"', end)
        if end < 0:
            return None, ""
        if text[end + 1 : end + 2] != '"':
            return text[1:end].replace('""', '"'), text[end + 1 :]
        end += 2
