"""Offices and application numbers as WIPO's standards write them, checked for form only.

ST.3: two letters. "In the list" means ISO 3166-1 alpha-2, or a code that ST.3 gives an organisation; codes come and
go, so that one in neither is worth a warning and no refusal.

ST.13: the type of right in 2 digits, the year in 4, a serial number in 9; 15 digits together (WIPO ST.96, element
`ST13ApplicationNumber`). Databases put the office's ST.3 code in front, as TMview has `EM500000018797746`; both are
taken. Neither the type nor the year is looked at: Canada and the EUIPO write 0000 for the year.
"""

import re
from functools import lru_cache

from notary.core.strict_json import quoted
from notary.errors import FormatError

_CODE = re.compile("[A-Z]{2}")
_ST13 = re.compile("(?:[A-Z]{2})?[0-9]{15}")

_ISO_3166 = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA
    CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA
    GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
    KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS
    MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS
    RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW
    TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
ISO_3166 = frozenset(_CODE.findall(_ISO_3166))
"""ISO 3166-1 alpha-2."""

ORGANISATIONS = {
    "AP": "African Regional Intellectual Property Organization",
    "BX": "Benelux Office for Intellectual Property",
    "EA": "Eurasian Patent Organization",
    "EM": "European Union Intellectual Property Office",
    "EP": "European Patent Office",
    "EU": "European Union",
    "GC": "Patent Office of the Gulf Cooperation Council",
    "IB": "International Bureau of WIPO",
    "OA": "African Intellectual Property Organization",
    "QZ": "Community Plant Variety Office",
    "WO": "World Intellectual Property Organization",
    "XN": "Nordic Patent Institute",
    "XU": "International Union for the Protection of New Varieties of Plants",
    "XV": "Visegrad Patent Institute",
}
"""The codes that ST.3 gives to organisations."""


def check_office(text: object, what: str) -> str:
    """`text`, if it has the form of an ST.3 code: two capital letters. Raises FormatError."""
    if not (isinstance(text, str) and _CODE.fullmatch(text)):
        raise FormatError(f"{what} is no WIPO ST.3 code: {quoted(text)}", "two capital letters, such as EP or JP")
    return text


@lru_cache(maxsize=1024)
def office_warning(code: str) -> str | None:
    """What to say of a code that is in neither list; None of one that is."""
    if code in ISO_3166 or code in ORGANISATIONS:
        return None
    return f"the office {code} is neither in ISO 3166 nor an organisation's code in WIPO ST.3"


def check_st13(text: object, what: str) -> str:
    """`text`, if it has the form of an ST.13 number: 15 digits, an ST.3 code before them or not. Raises FormatError."""
    if not (isinstance(text, str) and _ST13.fullmatch(text)):
        raise FormatError(
            f"{what} is no WIPO ST.13 number: {quoted(text)}",
            "2 digits for the type, 4 for the year, 9 for the serial number; before them the office's code, or nothing",
        )
    return text
