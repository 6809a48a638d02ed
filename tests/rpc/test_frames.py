"""Frames of OCPP-J, from and to text."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txocpp.errors import CallRefused, InvalidMessage, PropertyConstraintViolation
from txocpp.rpc.frames import (
    DEEPEST_NESTING,
    DESCRIPTION_LENGTH,
    Call,
    CallError,
    CallResult,
    Malformed,
    MessageType,
    _look_closely,
    canonical_code,
    new_message_id,
    read_frame,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
message_ids = st.text(st.characters(exclude_categories=["Cs"]), max_size=36)
values = st.recursive(
    st.none() | st.booleans() | texts | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)  # fmt: skip
payloads = st.dictionaries(texts, values, max_size=4)


@pytest.mark.rule("J-01", "J-02")
def test_each_kind_of_frame_has_its_number_of_elements() -> None:
    """A CALL has four elements, a CALLRESULT three, a CALLERROR five."""
    assert Call("1", "Heartbeat", {}).to_text() == '[2,"1","Heartbeat",{}]'
    assert CallResult("1", {"a": 1}).to_text() == '[3,"1",{"a":1}]'
    assert CallError("1", "GenericError").to_text() == '[4,"1","GenericError","",{}]'


@pytest.mark.rule("J-02")
@given(message_ids, texts, payloads)
def test_what_is_written_reads_back_the_same(
    message_id: str, word: str, payload: dict[str, Any]
) -> None:
    """Any frame survives the way over the wire unchanged."""
    for frame in (
        Call(message_id, word, payload),
        CallResult(message_id, payload),
        CallError(message_id, word, word, payload),
    ):
        assert read_frame(frame.to_text()) == frame


@pytest.mark.rule("J-03")
@pytest.mark.parametrize("kind", ["1", "5", "-2", "2.0", '"2"', "true", "null", "[2]", "{}"])
def test_an_unknown_message_type_is_ignored(kind: str) -> None:
    """What is no CALL, CALLRESULT or CALLERROR gets no answer."""
    malformed = read_frame(f'[{kind},"id","Heartbeat",{{}}]')
    assert malformed == Malformed("unknown message type")
    assert malformed.answer() is None


@pytest.mark.rule("J-05")
def test_the_longest_message_id_has_36_characters() -> None:
    """A UUID fits; one character more cannot be answered."""
    assert read_frame(f'[2,"{"x" * 36}","Heartbeat",{{}}]') == Call("x" * 36, "Heartbeat", {})
    malformed = read_frame(f'[2,"{"x" * 37}","Heartbeat",{{}}]')
    assert isinstance(malformed, Malformed)
    assert malformed.answer() is None


@pytest.mark.rule("J-05")
@pytest.mark.parametrize("message_id", ["1", "null", "true", "1.5", "[]", '{"a":1}'])
def test_a_message_id_that_is_no_string_cannot_be_answered(message_id: str) -> None:
    """Nobody would recognise the answer."""
    malformed = read_frame(f'[2,{message_id},"Heartbeat",{{}}]')
    assert isinstance(malformed, Malformed)
    assert malformed.answer() is None


@pytest.mark.rule("J-06")
def test_message_ids_are_random_uuids() -> None:
    """A thousand ids differ, and each fits the wire."""
    ids = {new_message_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert {len(i) for i in ids} == {36}
    assert {i[14] for i in ids} == {"4"}


@pytest.mark.rule("J-11")
def test_null_is_an_empty_payload() -> None:
    """Some peers write null where nothing is to be said."""
    assert read_frame('[2,"1","Heartbeat",null]') == Call("1", "Heartbeat", {})
    assert read_frame('[3,"1",null]') == CallResult("1", {})


@pytest.mark.rule("J-13")
def test_an_error_without_words_has_an_empty_description_and_empty_details() -> None:
    """Never null, never left out."""
    assert CallError.refusing("1", CallRefused()).to_text() == '[4,"1","GenericError","",{}]'


@pytest.mark.rule("J-13")
def test_an_error_gets_through_whatever_its_words_are() -> None:
    """Details that are no JSON are left out, a long or broken description is made to fit."""
    refusal = PropertyConstraintViolation("\ud800" + "x" * 300, {"limit": Decimal(1)})
    kind, _, code, description, details = json.loads(CallError.refusing("1", refusal).to_text())
    assert (kind, code, details) == (4, "PropertyConstraintViolation", {})
    assert description == "?" + "x" * (DESCRIPTION_LENGTH - 1)


@pytest.mark.rule("J-13")
@pytest.mark.parametrize(
    "tail", ["", ',"words"', ",null,null", ',"words",null', ",7,[]", ',"words",{},"more"']
)
def test_a_sloppy_error_still_tells_that_the_call_failed(tail: str) -> None:
    """Everything behind the code may be missing or wrong."""
    error = read_frame(f'[4,"1","InternalError"{tail}]')
    assert isinstance(error, CallError)
    assert (error.message_id, error.code, error.details) == ("1", "InternalError", {})


@pytest.mark.rule("J-15")
def test_text_of_people_goes_out_as_utf_8() -> None:
    """Characters beyond ASCII need no escapes."""
    text = CallResult("1", {"note": "Größe"}).to_text()
    assert text == '[3,"1",{"note":"Größe"}]'


@pytest.mark.rule("J-17")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[2,"1","Heartbeat"]', "a CALL has 4 elements, not 3"),
        ('[2,"1"]', "a CALL has 4 elements, not 2"),
        ('[2,"1","Heartbeat",{},{}]', "a CALL has 4 elements, not 5"),
        ('[2,"1",{},{}]', "the action is not a string"),
        ('[2,"1",null,{}]', "the action is not a string"),
        ('[2,"1","Heartbeat",[]]', "the payload is not an object"),
        ('[2,"1","Heartbeat","{}"]', "the payload is not an object"),
        ('[2,"1","Heartbeat",{}', "not JSON"),
        ('[2,"1","Heartbeat",{"a":NaN}]', "not JSON: NaN is not JSON"),
        ('[2,"1","Heartbeat",{"a":-Infinity}]', "not JSON: -Infinity is not JSON"),
        ('[2,"1","Heartbeat",{"a":1e999}]', "not JSON: a number is too large"),
        ('[2,"1","Heartbeat",{"a":' + "9" * 9999 + "}]", "not JSON: "),
        ('[2,"1","Heartbeat",{"a":"\\ud800"}]', "not JSON: half a surrogate pair is not text"),
        ('[2,"1","Heartbeat",' + "[" * 100_000, "nested too deeply"),
        ('[2,"1","Heartbeat",' + '{"a":' * 50 + "1" + "}" * 50 + "]", "nested too deeply"),
    ],
)
def test_a_malformed_call_with_a_readable_id_is_answered(text: str, reason: str) -> None:
    """The peer learns by FormationViolation what is wrong with its frame."""
    malformed = read_frame(text)
    assert isinstance(malformed, Malformed)
    answer = malformed.answer()
    assert answer is not None
    assert (answer.message_id, answer.code) == ("1", "FormationViolation")
    assert answer.description.startswith(reason)


@pytest.mark.rule("J-17")
@pytest.mark.parametrize(
    "text",
    ["", " ", "null", "2", '"[2]"', "{}", "[]", "[2]", "[[2]]", "hello", "[2,", '[2,"1', "\ufeff[]",
     '{"2":"1"}', "\x00", "[" * 100_000, '[2,"\\ud800","Heartbeat",{}]'],
)  # fmt: skip
def test_text_without_a_readable_id_is_ignored(text: str) -> None:
    """There is nobody to answer to."""
    malformed = read_frame(text)
    assert isinstance(malformed, Malformed)
    assert malformed.answer() is None


@pytest.mark.rule("J-17")
@pytest.mark.parametrize(
    "text", ['[3,"1"]', '[3,"1",[]]', '[3,"1",{},{}]', '[3,"1",{"a":NaN}]', '[4,"1"]', '[4,"1",5]']
)
def test_a_malformed_answer_is_not_answered_but_names_its_call(text: str) -> None:
    """The caller shall not wait for an answer that has come already."""
    malformed = read_frame(text)
    assert isinstance(malformed, Malformed)
    assert malformed.message_type in (MessageType.CALLRESULT, MessageType.CALLERROR)
    assert (malformed.message_id, malformed.answer()) == ("1", None)


@pytest.mark.rule("J-19")
@pytest.mark.parametrize(
    ("wire", "canonical"),
    [
        ("FormationViolation", "FormationViolation"),
        ("FormatViolation", "FormationViolation"),
        ("OccurenceConstraintViolation", "OccurenceConstraintViolation"),
        ("OccurrenceConstraintViolation", "OccurenceConstraintViolation"),
        ("NotImplemented", "NotImplemented"),
        ("RpcFrameworkError", "GenericError"),
        ("", "GenericError"),
    ],
)
def test_known_slips_and_unknown_codes_have_one_spelling(wire: str, canonical: str) -> None:
    """Both spellings of the two slips are understood; what nobody knows is a GenericError."""
    assert canonical_code(wire) == canonical


@pytest.mark.rule("J-01")
@given(st.text(max_size=60) | values.map(json.dumps) | st.lists(values, max_size=6).map(json.dumps))
def test_nothing_that_comes_makes_reading_fail(text: str) -> None:
    """Any text is a frame or a reason why it is none."""
    read_frame(text)


odd_json = st.sampled_from(
    ["1e999", "NaN", "-Infinity", '"\\ud800"', '"\\ud83d\\ude00"', "[" * 2000, '{"a":1,"a":2}',
     "-0", "-0.0", "1E5", "01", "1.", "18446744073709551616", "-" + "9" * 40, "9" * 4301, "1e-400",
     '"\t"', '"\\u0000"', " 1 ", "\ufeff1", "2.0", "null", "true", "{}", "[]", '""'],
)  # fmt: skip
any_json = (
    values.map(json.dumps)
    | st.builds(lambda v, e: json.dumps(v, ensure_ascii=e), values, st.booleans())
    | st.text(max_size=40)
    | st.text('[]{},:"2ae.E-0\\ud8 ', max_size=20)
    | odd_json
)


def assert_both_ways_agree(text: str) -> None:
    """What is read at first sight, a closer look reads alike, to the type of every number."""
    seen = read_frame(text)
    looked = _look_closely(text)
    assert seen == looked
    assert repr(seen) == repr(looked)


@given(any_json)
def test_any_value_is_read_both_ways_alike(text: str) -> None:
    """Numbers of any size, characters, doubled names: the quick reader is no other reader."""
    for frame in (f'[3,"1",{{"a":{text}}}]', f'[2,"1","Reset",{{"a":[{text}]}}]', text):
        assert_both_ways_agree(frame)


@given(st.lists(any_json | st.sampled_from(["2", "3", "4", '"1"', '"Reset"']), max_size=6))
def test_any_form_is_read_both_ways_alike(elements: list[str]) -> None:
    """Elements missing, too many, of the wrong type."""
    assert_both_ways_agree(f"[{','.join(elements)}]")


@given(st.text(max_size=40), st.integers(0, 40))
def test_any_message_id_is_read_both_ways_alike(text: str, length: int) -> None:
    """Its length is counted in characters, not in bytes."""
    for message_id in (text, "ä" * length, "\U0001f600" * length):
        assert_both_ways_agree(json.dumps([2, message_id, "Reset", {}]))
        assert_both_ways_agree(json.dumps([2, message_id, "Reset", {}], ensure_ascii=False))


@given(message_ids, texts, payloads)
def test_what_is_plain_is_written_both_ways_alike(
    message_id: str, action: str, payload: dict[str, Any]
) -> None:
    """The quick writer says the same."""
    for frame in (Call(message_id, action, payload), CallResult(message_id, payload)):
        assert json.loads(frame.to_text(is_plain=True)) == json.loads(frame.to_text())


@given(st.integers(0, 3 * DEEPEST_NESTING), st.booleans())
def test_depth_is_limited_exactly(depth: int, objects: bool) -> None:
    """Frames as deep as allowed pass, deeper ones do not, lists and objects alike."""
    opening, closing = ('{"a":', "}") if objects else ("[", "]")
    payload = '{"a":' + opening * depth + "0" + closing * depth + "}"
    frame = read_frame(f'[2,"1","Heartbeat",{payload}]')
    assert isinstance(frame, Call) == (depth + 2 <= DEEPEST_NESTING)


@pytest.mark.parametrize(
    "payload", [{"a": Decimal(1)}, {"a": float("nan")}, {"a": "\ud800"}, {"a": {1, 2}}]
)
def test_what_is_no_json_is_not_written(payload: dict[str, Any]) -> None:
    """A payload that no strict reader would take is our own mistake."""
    with pytest.raises(InvalidMessage):
        Call("1", "Heartbeat", payload).to_text()
    with pytest.raises(InvalidMessage):
        CallResult("1", payload).to_text()


def test_numbers_keep_their_kind() -> None:
    """A JSON integer stays an int, a JSON fraction a float."""
    frame = read_frame('[3,"1",{"i":16,"f":16.1,"e":1e2,"z":0}]')
    assert isinstance(frame, CallResult)
    assert [type(v) for v in frame.payload.values()] == [int, float, float, int]
