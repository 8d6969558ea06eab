"""ST.3 codes against the time zone database's ISO 3166; ST.13 by its form."""

import importlib.resources

import pytest

from notary.errors import FormatError
from notary.registry.core.offices import ISO_3166, ORGANISATIONS, check_office, check_st13, office_warning


def test_iso_3166_is_what_the_time_zone_database_has() -> None:
    table = importlib.resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8")
    assert {line.split("\t")[0] for line in table.splitlines() if not line.startswith("#")} == ISO_3166


def test_codes_of_organisations_are_no_countries() -> None:
    assert not ISO_3166 & set(ORGANISATIONS)
    assert {"EP", "WO", "IB", "EM", "EA", "AP", "OA", "BX", "GC", "XN", "XV"} <= set(ORGANISATIONS)
    assert all(check_office(code, "it") == code for code in ISO_3166 | set(ORGANISATIONS))


@pytest.mark.parametrize("code", ["DE", "EP", "WO", "QZ", "XU"])
def test_a_known_office(code: str) -> None:
    assert office_warning(code) is None


@pytest.mark.parametrize("code", ["XX", "ZZ", "SU", "UK"])
def test_an_unknown_office_is_worth_a_warning(code: str) -> None:
    assert check_office(code, "it") == code
    assert code in str(office_warning(code))


@pytest.mark.parametrize("code", ["", "D", "DEU", "de", "D1", "DE\n", " DE", "\uff24\uff25", None, 12, ["DE"]])
def test_what_is_no_code(code: object) -> None:
    with pytest.raises(FormatError, match=r"no WIPO ST\.3 code"):
        check_office(code, "it")


@pytest.mark.parametrize("number", ["102015000123456", "EM500000018797746", "IT501999900797027", "300000010269700"])
def test_st13(number: str) -> None:
    assert check_st13(number, "it") == number


@pytest.mark.parametrize(
    "number",
    [
        "10201500012345",
        "1020150001234567",
        "EMX50000001879774",
        "em500000018797746",
        "10 2015 000123456",
        "10201500012345X",
        "١٠٢٠١٥٠٠٠١٢٣٤٥٦",
        "102015000123456\n",
        "",
        None,
        102015000123456,
    ],
)
def test_what_is_no_st13(number: object) -> None:
    with pytest.raises(FormatError, match=r"ST\.13"):
        check_st13(number, "it")
