"""Reasons and explanations in the operator's language.

A language is data: a sentence for each code of a reason, and the phrases around them. English, German and French are
here, each read when it is first asked for; a product brings another by making a :class:`Language` of its own. What a
language lacks is said in English.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from string import Formatter
from typing import Final

from licensing_protocol.errors import MalformedDocument
from licensing_protocol.languages import english
from licensing_protocol.reasons import SENTENCES, Reason, filled

SHIPPED: Final[Mapping[str, str]] = {"de": "german", "en": "english", "fr": "french"}
_FORMATTER: Final = Formatter()


@dataclass(frozen=True, slots=True)
class Language:
    """``tag`` as in RFC 5646; ``sentences`` by the code of the reason, ``phrases`` by names as in ``ENGLISH.phrases``.

    Raises:
        MalformedDocument: ``language.placeholder`` for a sentence that fills in what the English one does not.
    """

    tag: str
    sentences: Mapping[str, str] = field(repr=False)
    phrases: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Refuse what could not be filled in."""
        for own, known in ((self.sentences, SENTENCES), (self.phrases, english.PHRASES)):
            for name in own.keys() & known.keys():
                if not placeholders(own[name]) <= placeholders(known[name]):
                    sentence = f"{self.tag}: {name} fills in something that the English sentence does not."
                    raise MalformedDocument(sentence, code="language.placeholder")

    @classmethod
    def named(cls, tag: str) -> Language:
        """Return the language that is here for a tag such as ``de``, ``de-AT`` or ``fr_CA.UTF-8``, else English."""
        primary = tag.replace("_", "-").partition("-")[0].partition(".")[0].lower()
        found = primary if primary in SHIPPED else "en"
        module = import_module(f"{__name__}.{SHIPPED[found]}")
        return cls(found, module.SENTENCES, module.PHRASES)

    def sentence(self, reason: Reason) -> str:
        """Return the sentence of a reason."""
        return filled(self.sentences.get(reason.code) or SENTENCES[reason.code], reason.details)

    def told(self, reason: Reason) -> str:
        """Return the sentence of a reason, and when and where the answer may be another, where that is known."""
        parts = [self.sentence(reason)]
        if reason.zone is not None:
            parts.append(self.phrase(f"zone.{reason.code}", zone=reason.zone))
        if reason.retry_at is not None:
            parts.append(self.phrase("retry_at", instant=instant(reason.retry_at)))
        return " ".join(parts)

    def phrase(self, name: str, **details: str | int) -> str:
        """Return one of the phrases around the reasons."""
        return filled(self.phrases.get(name) or english.PHRASES[name], details)


def instant(seconds: int) -> str:
    """Return an instant in UTC with its zone; beyond the calendar's last year, as a number."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"1970-01-01 00:00:00 UTC + {seconds} s"


def placeholders(sentence: str) -> set[str]:
    """Return what a sentence fills in; whatever formats it counts as part of the name."""
    fields = (
        (name, form or "", convert or "") for _, name, form, convert in _FORMATTER.parse(sentence) if name is not None
    )
    return {name + form + convert for name, form, convert in fields}


ENGLISH: Final = Language("en", SENTENCES, english.PHRASES)
