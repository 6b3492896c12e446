"""How vocabularies are written down."""

from fiberq_core.registry.model import Labels, Term, Vocabulary


def term(code: str, en: str, sr: str, bg: str, *aliases: str) -> Term:
    """A term with its labels; *aliases* are other spellings met in files."""
    return Term(code, Labels(en, sr, bg), aliases)


def same(code: str) -> Term:
    """A term that is written alike in every language: a size, a model, an acronym."""
    return term(code, code, code, code)


def opened(name: str, *terms: Term) -> Vocabulary:
    """A vocabulary that describes: other values are stored as typed, and flagged."""
    return Vocabulary(name, terms)


def closed(name: str, *terms: Term) -> Vocabulary:
    """A vocabulary that the system works by: other values are held."""
    return Vocabulary(name, terms, closed=True)
