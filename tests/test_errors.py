"""The error tree."""

from txocpp import errors


def test_every_refusal_has_a_wire_code_of_its_own() -> None:
    """Each way to refuse a call is one CALLERROR code, and no two share one."""
    refusals = errors.CallRefused.__subclasses__()
    assert {r.code for r in refusals} == {
        "NotImplemented", "NotSupported", "InternalError", "ProtocolError", "SecurityError",
        "FormationViolation", "PropertyConstraintViolation", "OccurenceConstraintViolation",
        "TypeConstraintViolation", "GenericError",
    }  # fmt: skip
    assert len(refusals) == 10
