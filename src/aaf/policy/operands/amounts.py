"""`amount`: how the declared amount of an action compares with one in the same currency, in exact decimals.

Nothing is converted: of an amount in another currency, or one that can't be read, the answer is unknown. So it is of one with a sign, as
for limits: what a negative payment does is not what a small one does.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias

from aaf.domain.canonical import Json
from aaf.policy.operands.answers import Answer, Misfit
from aaf.policy.reading import did_you_mean

Amount: TypeAlias = tuple[Decimal, str]
DECIMAL = re.compile(r"-?[0-9]{1,64}(\.[0-9]{1,64})?")

CURRENCIES = frozenset(
    [
        "AED",
        "AFN",
        "ALL",
        "AMD",
        "AOA",
        "ARS",
        "AUD",
        "AWG",
        "AZN",
        "BAM",
        "BBD",
        "BDT",
        "BGN",
        "BHD",
        "BIF",
        "BMD",
        "BND",
        "BOB",
        "BOV",
        "BRL",
        "BSD",
        "BTN",
        "BWP",
        "BYN",
        "BZD",
        "CAD",
        "CDF",
        "CHE",
        "CHF",
        "CHW",
        "CLF",
        "CLP",
        "CNY",
        "COP",
        "COU",
        "CRC",
        "CUP",
        "CVE",
        "CZK",
        "DJF",
        "DKK",
        "DOP",
        "DZD",
        "EGP",
        "ERN",
        "ETB",
        "EUR",
        "FJD",
        "FKP",
        "GBP",
        "GEL",
        "GHS",
        "GIP",
        "GMD",
        "GNF",
        "GTQ",
        "GYD",
        "HKD",
        "HNL",
        "HTG",
        "HUF",
        "IDR",
        "ILS",
        "INR",
        "IQD",
        "IRR",
        "ISK",
        "JMD",
        "JOD",
        "JPY",
        "KES",
        "KGS",
        "KHR",
        "KMF",
        "KPW",
        "KRW",
        "KWD",
        "KYD",
        "KZT",
        "LAK",
        "LBP",
        "LKR",
        "LRD",
        "LSL",
        "LYD",
        "MAD",
        "MDL",
        "MGA",
        "MKD",
        "MMK",
        "MNT",
        "MOP",
        "MRU",
        "MUR",
        "MVR",
        "MWK",
        "MXN",
        "MXV",
        "MYR",
        "MZN",
        "NAD",
        "NGN",
        "NIO",
        "NOK",
        "NPR",
        "NZD",
        "OMR",
        "PAB",
        "PEN",
        "PGK",
        "PHP",
        "PKR",
        "PLN",
        "PYG",
        "QAR",
        "RON",
        "RSD",
        "RUB",
        "RWF",
        "SAR",
        "SBD",
        "SCR",
        "SDG",
        "SEK",
        "SGD",
        "SHP",
        "SLE",
        "SOS",
        "SRD",
        "SSP",
        "STN",
        "SVC",
        "SYP",
        "SZL",
        "THB",
        "TJS",
        "TMT",
        "TND",
        "TOP",
        "TRY",
        "TTD",
        "TWD",
        "TZS",
        "UAH",
        "UGX",
        "USD",
        "USN",
        "UYI",
        "UYU",
        "UYW",
        "UZS",
        "VED",
        "VES",
        "VND",
        "VUV",
        "WST",
        "XAF",
        "XAG",
        "XAU",
        "XCD",
        "XCG",
        "XDR",
        "XOF",
        "XPD",
        "XPF",
        "XPT",
        "XSU",
        "XTS",
        "XUA",
        "XXX",
        "YER",
        "ZAR",
        "ZMW",
        "ZWG",
    ]
)
"""ISO 4217, list one."""


def misfit(operand: Json) -> Misfit | None:
    """What is wrong with a value and its currency."""
    if not isinstance(operand, dict):
        return Misfit("`amount` takes a mapping", 'such as {gt: "100.00", currency: EUR}')
    value, currency = operand.get("value"), operand.get("currency")
    if not isinstance(value, str) or not DECIMAL.fullmatch(value):
        return Misfit("an amount is a decimal number in quotes", 'such as "100.00"', ("value",))
    if value.startswith("-"):
        return Misfit(
            "an amount has no sign",
            "one below nothing is unknown, which a deny and a hold meet and an allow does not",
            ("value",),
        )
    if not isinstance(currency, str) or currency not in CURRENCIES:
        said = currency[:16] if isinstance(currency, str) else "this"
        hint = _nearest(said)
        return Misfit(f"`{said}` is no currency of ISO 4217", hint, ("currency",))
    return None


def _nearest(said: str) -> str:
    return f"did you mean `{said.upper()}`?" if said.upper() in CURRENCIES else did_you_mean(said, CURRENCIES)


def bound(operand: Any) -> Amount:  # noqa: ANN401 - `misfit` has checked it
    """The amount that an operand is."""
    return Decimal(operand["value"]), operand["currency"]


def asked(compare: Callable[[Decimal, Decimal], bool], operand: Json) -> Callable[[Amount | None], Answer]:
    """What a comparison with the operand says of an amount that was read."""
    limit, wanted = bound(operand)

    def answer(seen: Amount | None) -> Answer:
        if seen is None or seen[1] != wanted:
            return None
        return compare(seen[0], limit)

    return answer


def read(pair: Any) -> Amount | None:  # noqa: ANN401 - a value and a currency, each a JSON value
    """The amount that a value and a currency are; None where they are none."""
    value, currency = pair
    if not isinstance(currency, str) or currency not in CURRENCIES:
        return None
    number = decimal(value)
    return None if number is None or number.is_signed() else (number, currency)


def decimal(text: Any) -> Decimal | None:  # noqa: ANN401 - a JSON value
    """Exact, without exponents, so that a comparison costs what the text is long; None for what is no such text."""
    return _decimal(text) if isinstance(text, str) else None


@lru_cache(maxsize=64)
def _decimal(text: str) -> Decimal | None:
    """Kept, because many rules ask about one amount."""
    return Decimal(text) if DECIMAL.fullmatch(text) else None
