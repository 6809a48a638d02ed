"""Words that several messages of OCPP 1.6 share: identifiers, meter values, charging profiles."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from txocpp.messages.declaration import Datatype, datatype
from txocpp.messages.fields import (
    boolean,
    cistring,
    decimal,
    enumerated,
    id_token,
    instant,
    integer,
    many,
    nested,
    text,
)


def same_cistring(one: str, other: str) -> bool:
    """Whether two identifiers, configuration keys or other CiStrings are the same (A-04, K-03)."""
    return one.lower() == other.lower()


# Identifiers


class AuthorizationStatus(StrEnum):
    """What the central system thinks of an identifier (OCPP 1.6 §7.2, A-06)."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT_TX = "ConcurrentTx"


@datatype
class IdTagInfo(Datatype):
    """What is known about an identifier (OCPP 1.6 §7.27)."""

    expiry_date: datetime | None = instant("expiryDate", default=None)
    """Until when the status holds; without it there is no end."""
    parent_id_tag: str | None = id_token("parentIdTag", default=None)
    """Name of the group to which the identifier belongs (A-13)."""
    status: AuthorizationStatus = enumerated("status", AuthorizationStatus)
    """Whether it may charge."""


@datatype
class AuthorizationData(Datatype):
    """One line of a local authorization list (OCPP 1.6 §7.1)."""

    id_tag: str = id_token("idTag")
    """The identifier."""
    id_tag_info: IdTagInfo | None = nested("idTagInfo", IdTagInfo, default=None)
    """What to remember about it; left out in a differential update: forget it (L-05)."""


# Configuration


@datatype
class KeyValue(Datatype):
    """A configuration key and what it is set to (OCPP 1.6 §7.29)."""

    key: str = cistring("key", 50)
    """Name of the key."""
    readonly: bool = boolean("readonly")
    """The central system cannot change it."""
    value: str | None = cistring("value", 500, default=None)
    """The setting as text; left out when the key is known but not set."""


# Meter values


class ReadingContext(StrEnum):
    """On which occasion a value was measured (OCPP 1.6 §7.35)."""

    INTERRUPTION_BEGIN = "Interruption.Begin"
    INTERRUPTION_END = "Interruption.End"
    SAMPLE_CLOCK = "Sample.Clock"
    SAMPLE_PERIODIC = "Sample.Periodic"
    TRANSACTION_BEGIN = "Transaction.Begin"
    TRANSACTION_END = "Transaction.End"
    TRIGGER = "Trigger"
    OTHER = "Other"


class ValueFormat(StrEnum):
    """How the text of a value is to be read (OCPP 1.6 §7.49)."""

    RAW = "Raw"
    SIGNED_DATA = "SignedData"


class Measurand(StrEnum):
    """Which quantity was measured (OCPP 1.6 §7.31)."""

    ENERGY_ACTIVE_EXPORT_REGISTER = "Energy.Active.Export.Register"
    ENERGY_ACTIVE_IMPORT_REGISTER = "Energy.Active.Import.Register"
    ENERGY_REACTIVE_EXPORT_REGISTER = "Energy.Reactive.Export.Register"
    ENERGY_REACTIVE_IMPORT_REGISTER = "Energy.Reactive.Import.Register"
    ENERGY_ACTIVE_EXPORT_INTERVAL = "Energy.Active.Export.Interval"
    ENERGY_ACTIVE_IMPORT_INTERVAL = "Energy.Active.Import.Interval"
    ENERGY_REACTIVE_EXPORT_INTERVAL = "Energy.Reactive.Export.Interval"
    ENERGY_REACTIVE_IMPORT_INTERVAL = "Energy.Reactive.Import.Interval"
    POWER_ACTIVE_EXPORT = "Power.Active.Export"
    POWER_ACTIVE_IMPORT = "Power.Active.Import"
    POWER_OFFERED = "Power.Offered"
    POWER_REACTIVE_EXPORT = "Power.Reactive.Export"
    POWER_REACTIVE_IMPORT = "Power.Reactive.Import"
    POWER_FACTOR = "Power.Factor"
    CURRENT_IMPORT = "Current.Import"
    CURRENT_EXPORT = "Current.Export"
    CURRENT_OFFERED = "Current.Offered"
    VOLTAGE = "Voltage"
    FREQUENCY = "Frequency"
    TEMPERATURE = "Temperature"
    SOC = "SoC"
    RPM = "RPM"


class Phase(StrEnum):
    """On which conductors it was measured, as the meter sees them (OCPP 1.6 §7.34)."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    N = "N"
    L1_N = "L1-N"
    L2_N = "L2-N"
    L3_N = "L3-N"
    L1_L2 = "L1-L2"
    L2_L3 = "L2-L3"
    L3_L1 = "L3-L1"


class Location(StrEnum):
    """Where it was measured (OCPP 1.6 §7.30)."""

    CABLE = "Cable"
    EV = "EV"
    INLET = "Inlet"
    OUTLET = "Outlet"
    BODY = "Body"


class UnitOfMeasure(StrEnum):
    """In which unit (OCPP 1.6 §7.45). A frequency has none on the wire; hertz is meant.

    The oldest schemas misspell Celsius, and stations are advised to go on so. Both spellings are
    read; `normalised` makes them one.
    """

    WH = "Wh"
    KWH = "kWh"
    VARH = "varh"
    KVARH = "kvarh"
    W = "W"
    KW = "kW"
    VA = "VA"
    KVA = "kVA"
    VAR = "var"
    KVAR = "kvar"
    A = "A"
    V = "V"
    K = "K"
    CELCIUS = "Celcius"
    CELSIUS = "Celsius"
    FAHRENHEIT = "Fahrenheit"
    PERCENT = "Percent"

    @property
    def normalised(self) -> UnitOfMeasure:
        """The unit, with Celsius in its right spelling."""
        return UnitOfMeasure.CELSIUS if self is UnitOfMeasure.CELCIUS else self


@datatype
class SampledValue(Datatype):
    """One measured value (OCPP 1.6 §7.43, M-13, M-14)."""

    value: str = text("value")
    """The value, always as text: a decimal number, or hexadecimal for signed data."""
    context: ReadingContext | None = enumerated("context", ReadingContext, default=None)
    """The occasion; without it: periodic sample."""
    format: ValueFormat | None = enumerated("format", ValueFormat, default=None)
    """How to read `value`; without it: raw."""
    measurand: Measurand | None = enumerated("measurand", Measurand, default=None)
    """The quantity; without it: the register of imported active energy."""
    phase: Phase | None = enumerated("phase", Phase, default=None)
    """The conductors; without it: all of them together."""
    location: Location | None = enumerated("location", Location, default=None)
    """The place; without it: the outlet."""
    unit: UnitOfMeasure | None = enumerated("unit", UnitOfMeasure, default=None)
    """The unit; without it: Wh for an energy."""


@datatype
class MeterValue(Datatype):
    """Everything that was measured at one instant (OCPP 1.6 §7.33, M-10)."""

    timestamp: datetime = instant("timestamp")
    """When."""
    sampled_value: tuple[SampledValue, ...] = many("sampledValue", SampledValue, at_least=1)
    """The values."""


# Charging profiles


class ChargingProfilePurposeType(StrEnum):
    """What a charging profile is for (OCPP 1.6 §7.10)."""

    CHARGE_POINT_MAX_PROFILE = "ChargePointMaxProfile"
    TX_DEFAULT_PROFILE = "TxDefaultProfile"
    TX_PROFILE = "TxProfile"


class ChargingProfileKindType(StrEnum):
    """From where a charging schedule is counted (OCPP 1.6 §7.9)."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"


class RecurrencyKindType(StrEnum):
    """After what time a recurring schedule begins again (OCPP 1.6 §7.37)."""

    DAILY = "Daily"
    WEEKLY = "Weekly"


class ChargingRateUnitType(StrEnum):
    """Amperes per phase, or watts over all phases together (OCPP 1.6 §7.12, SR-411)."""

    A = "A"
    W = "W"


ChargingRateUnit = ChargingRateUnitType
"""The shorter name, as the fields say it."""


@datatype
class ChargingSchedulePeriod(Datatype):
    """A limit from some moment of a schedule on (OCPP 1.6 §7.14).

    Negative starts and limits, and numbers of phases other than 1 to 3, are no fault of the
    message: a charge point answers them with the status Rejected (SR-613, SR-614).
    """

    start_period: int = integer("startPeriod")
    """Seconds from the start of the schedule; the first period starts at 0."""
    limit: Decimal = decimal("limit", step="0.1")
    """The limit, in the unit of the schedule."""
    number_phases: int | None = integer("numberPhases", default=None)
    """How many phases may be used; without it: 3."""


@datatype
class ChargingSchedule(Datatype):
    """Limits over time (OCPP 1.6 §7.13)."""

    duration: int | None = integer("duration", default=None)
    """Seconds; without it the last period goes on. Negative: Rejected by the station (SR-614)."""
    start_schedule: datetime | None = instant("startSchedule", default=None)
    """When an absolute schedule starts; without it: when charging starts."""
    charging_rate_unit: ChargingRateUnitType = enumerated("chargingRateUnit", ChargingRateUnitType)
    """Unit of all limits in the schedule."""
    charging_schedule_period: tuple[ChargingSchedulePeriod, ...] = many(
        "chargingSchedulePeriod", ChargingSchedulePeriod, at_least=1
    )
    """The periods, in the order of their starts."""
    min_charging_rate: Decimal | None = decimal("minChargingRate", step="0.1", default=None)
    """Below this rate charging would be inefficient: a hint for sharing power, no limit."""


@datatype
class ChargingProfile(Datatype):
    """A charging schedule, what it is for and when it counts (OCPP 1.6 §7.8)."""

    charging_profile_id: int = integer("chargingProfileId")
    """Unique in the station; a profile with the same id is replaced."""
    transaction_id: int | None = integer("transactionId", default=None)
    """The transaction it is for; only with purpose TxProfile."""
    stack_level: int = integer("stackLevel", minimum=0)
    """Among profiles of one purpose the highest level wins."""
    charging_profile_purpose: ChargingProfilePurposeType = enumerated(
        "chargingProfilePurpose", ChargingProfilePurposeType
    )
    """What the profile is for."""
    charging_profile_kind: ChargingProfileKindType = enumerated(
        "chargingProfileKind", ChargingProfileKindType
    )
    """From where its schedule is counted."""
    recurrency_kind: RecurrencyKindType | None = enumerated(
        "recurrencyKind", RecurrencyKindType, default=None
    )
    """When it begins again; only with kind Recurring."""
    valid_from: datetime | None = instant("validFrom", default=None)
    """From when it counts; without it: at once."""
    valid_to: datetime | None = instant("validTo", default=None)
    """Until when it counts; without it: until it is replaced or cleared."""
    charging_schedule: ChargingSchedule = nested("chargingSchedule", ChargingSchedule)
    """The limits."""
