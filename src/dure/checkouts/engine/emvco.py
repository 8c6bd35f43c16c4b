"""EMVCo merchant-presented QR (EMV QRCPS-MPM 1.1): tag, length, value, and a CRC over all of it.

Lengths count characters, not bytes; the CRC (CRC-16/CCITT-FALSE) runs over the UTF-8 bytes up to and including `6304`.
The parser is strict: whatever a builder of the standard could not have written is refused with `ValueError`.
"""

import re

LENGTH_MAX = 512
GUID = "kr.dure.pay"
KOREA, WON, VERSION = "KR", "410", "01"
STATIC, DYNAMIC = "11", "12"
_HEAD = re.compile(r"([0-9]{2})([0-9]{2})")
_AMOUNT = re.compile(r"[0-9]{1,13}(\.[0-9]{0,2})?")
_HEX = re.compile(r"[0-9A-F]{4}")
_TEMPLATES = {*(f"{tag:02d}" for tag in range(26, 52)), "62", "64", *(f"{tag:02d}" for tag in range(80, 100))}
_SURROGATE = re.compile("[\ud800-\udfff]")


def crc(text: str) -> str:
    """CRC-16/CCITT-FALSE of the text's UTF-8 bytes: polynomial 0x1021, from 0xFFFF, nothing reflected. `123456789` is 29B1."""
    value = 0xFFFF
    for byte in text.encode():
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return f"{value:04X}"


def field(tag: str, value: str) -> str:
    """One data object. ValueError for an empty value or one of more than 99 characters."""
    if not re.fullmatch("[0-9]{2}", tag) or not 1 <= len(value) <= 99:
        raise ValueError(f"tag {tag} with {len(value)} characters")
    return f"{tag}{len(value):02d}{value}"


def fields_of(text: str) -> dict[str, str]:
    """The data objects of a payload or template, in order. ValueError for a wrong length, an empty value, a tag twice."""
    found: dict[str, str] = {}
    place = 0
    while place < len(text):
        head = _HEAD.match(text, place)
        if head is None:
            raise ValueError(f"no tag and length at {place}")
        tag, length = head[1], int(head[2])
        value = text[place + 4 : place + 4 + length]
        if not length or len(value) != length or tag in found:
            raise ValueError(f"tag {tag} at {place}")
        found[tag] = value
        place += 4 + length
    return found


def parse(payload: str) -> dict[str, str]:
    """The fields of a whole payload, its checksum checked. ValueError for anything that is not one."""
    if not 20 <= len(payload) <= LENGTH_MAX or _SURROGATE.search(payload):
        raise ValueError("not a payload")
    body, mark = payload[:-4], payload[-4:]
    if body[-4:] != "6304" or not _HEX.fullmatch(mark) or crc(body) != mark:
        raise ValueError("the checksum is wrong")
    found = fields_of(payload)
    tags = list(found)
    if tags[0] != "00" or found["00"] != VERSION or tags[-1] != "63":
        raise ValueError("not version 01, or something behind the checksum")
    if found.get("01", STATIC) not in (STATIC, DYNAMIC):
        raise ValueError("neither static nor dynamic")
    for tag, longest in (("52", 4), ("53", 3), ("54", 13), ("58", 2), ("59", 25), ("60", 15)):
        if len(found.get(tag, "")) > longest:
            raise ValueError(f"tag {tag} is too long")
    if any(not re.fullmatch("[0-9]+", found.get(tag, "0")) for tag in ("52", "53")):
        raise ValueError("category and currency are numbers")
    if "54" in found and not _AMOUNT.fullmatch(found["54"]):
        raise ValueError("not an amount")
    if not {"52", "53", "58", "59", "60"} <= set(tags) or not any("02" <= tag <= "51" for tag in tags):
        raise ValueError("something that every payload has is missing")
    for tag in _TEMPLATES & set(tags):
        fields_of(found[tag])
    return found


def build(
    *,
    template: dict[str, str],
    name: str,
    city: str,
    local: str = "",
    local_city: str = "",
    amount: int | None,
    bill: str,
) -> str:
    """A payload of ours. `template` goes under our GUID (tag 26); `name` and `city` in Latin letters, `local` in Korean;
    `amount` in whole won, None for a sticker; `bill` (up to 25 characters) into tag 62."""
    parts = [
        field("00", VERSION),
        field("01", STATIC if amount is None else DYNAMIC),
        field("26", field("00", GUID) + "".join(field(tag, value) for tag, value in sorted(template.items()))),
        field("52", "5812"),
        field("53", WON),
        *([field("54", str(amount))] if amount is not None else []),
        field("58", KOREA),
        field("59", name[:25].strip() or "DURE"),
        field("60", city[:15].strip() or "KR"),
        *([field("62", field("01", bill))] if bill else []),
    ]
    body = "".join(parts)
    second = ""
    if local:
        second = field(
            "64", field("00", "ko") + field("01", local[:25]) + (field("02", local_city[:15]) if local_city else "")
        )
    # The checksum is the last object; the local-language template stands before it.
    whole = f"{body}{second}6304"
    if len(whole) + 4 > LENGTH_MAX:
        raise ValueError("too long for one code")
    return whole + crc(whole)
