"""Every language says the same things, fills in the same details, and never fails a device."""

from __future__ import annotations

from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing_protocol.errors import MalformedDocument
from licensing_protocol.languages import ENGLISH, SHIPPED, Language, english, instant, placeholders
from licensing_protocol.reasons import SENTENCES, Reason

TRANSLATIONS = sorted(set(SHIPPED.values()) - {"english"})
DETAILS: dict[str, str | int] = {
    "limits": "telepathy",
    "problem": "n breaks the rule type",
    "distinct": 2,
    "max_age": 60,
}
NEXT_MORNING = 1_790_064_000


@pytest.mark.parametrize("name", TRANSLATIONS)
def test_a_language_has_every_sentence_and_every_phrase_with_the_same_details(name: str) -> None:
    module = import_module(f"licensing_protocol.languages.{name}")
    for own, known in ((module.SENTENCES, SENTENCES), (module.PHRASES, english.PHRASES)):
        assert list(own) == list(known)
        assert {code: placeholders(own[code]) for code in own} == {code: placeholders(known[code]) for code in known}
        assert [code for code in own if own[code] == known[code] and " " in own[code]] == []


@pytest.mark.parametrize("tag", sorted(SHIPPED))
@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_a_sentence_ends_and_is_filled_in(tag: str, code: str) -> None:
    sentence = Language.named(tag).sentence(Reason(code, DETAILS))
    assert sentence.endswith(".")
    assert not {"{", "…"} & set(sentence)


@pytest.mark.parametrize(
    ("tag", "found"),
    [("de", "de"), ("de-AT", "de"), ("de_DE.UTF-8", "de"), ("FR", "fr"), ("fr.UTF-8", "fr"), ("C", "en"), ("", "en")],
)
def test_a_language_is_found_by_its_tag_or_is_english(tag: str, found: str) -> None:
    assert Language.named(tag).tag == found


def test_when_and_where_it_may_be_otherwise_is_told_in_that_language() -> None:
    closed, outside = Reason("schedule.closed", retry_at=NEXT_MORNING), Reason("area.outside", zone="Square")
    assert ENGLISH.told(closed).endswith("asking again makes sense: 2026-09-22 08:00:00 UTC.")
    assert Language.named("de").told(closed).endswith("ein neuer Versuch: 2026-09-22 08:00:00 UTC.")
    assert Language.named("fr").told(outside).endswith("La zone la plus proche où c'est permis : Square.")
    assert ENGLISH.told(Reason("period.over")) == Reason("period.over").sentence


def test_a_product_brings_a_language_of_its_own_and_english_fills_its_gaps() -> None:
    dutch = Language("nl", {"status.invalid": "Deze toestemming is ingetrokken."})
    assert dutch.sentence(Reason("status.invalid")) == "Deze toestemming is ingetrokken."
    assert dutch.told(Reason("area.outside", zone="Square")) == ENGLISH.told(Reason("area.outside", zone="Square"))


@pytest.mark.parametrize("sentence", ["{secret}", "{problem.__class__}", "{problem:d}", "{problem!r}", "{}", "{0}"])
def test_a_sentence_that_fills_in_what_there_is_not_is_refused(sentence: str) -> None:
    with pytest.raises(MalformedDocument) as refused:
        Language("xx", {"parameters.refused": sentence})
    assert refused.value.code == "language.placeholder"
    with pytest.raises(MalformedDocument):
        Language("xx", {}, {"retry_at": sentence})


def test_a_detail_that_is_missing_fails_no_sentence() -> None:
    assert Reason("operators.too_few").sentence == "The grant asks for … different operators behind this use."


@given(st.integers(0, 2**53 - 1))
def test_every_instant_of_the_protocol_has_a_text_with_its_zone(seconds: int) -> None:
    assert " UTC" in instant(seconds)
