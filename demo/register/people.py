"""People who do not exist. Surnames are invented, addresses end in example.org, example.net or example.com."""

from __future__ import annotations

import re
import unicodedata
from random import Random
from typing import NamedTuple

from demo.register.chance import one_of

_FIRST = (
    "Ada", "Amara", "Anders", "Anjali", "Beatriz", "Benno", "Björn", "Camille", "Carys", "Chidi", "Clara", "Dario",
    "Delia", "Dušan", "Edda", "Eilís", "Elodie", "Emeka", "Esther", "Farid", "Fenna", "Fiona", "Gabor", "Greta",
    "Hana", "Hugo", "Idris", "Ines", "Iris", "Ivo", "Jarek", "Jonas", "Juno", "Kaia", "Kenji", "Khalid", "Lena",
    "Liesl", "Luca", "Łucja", "Mabel", "Malik", "Marta", "Milo", "Mireille", "Nadia", "Naoko", "Niamh", "Noor",
    "Olga", "Oskar", "Otis", "Paloma", "Pavel", "Priya", "Quentin", "Rafe", "Rosa", "Rune", "Saskia", "Selma",
    "Silas", "Søren", "Tamsin", "Teo", "Thandi", "Tilda", "Uma", "Vera", "Viggo", "Wanda", "Xenia", "Yara", "Zoë",
)  # fmt: skip
_LAST = (
    "Alderwick", "Amberfold", "Ashquill", "Barrowmoor", "Birchenway", "Bramblecote", "Brightmarrow", "Castlereed",
    "Cloverdyke", "Copperwhistle", "Dapplegrove", "Dunmarrow", "Eastermoss", "Elderfrith", "Fallowby", "Fennimarsh",
    "Foxglade", "Galewright", "Gildenbrook", "Greymantle", "Hallowfen", "Harrowmead", "Hazelrigg-Moor", "Inkpenny",
    "Ivorstone", "Jessamine-Oak", "Kestrelwood", "Kindlemere", "Larkenfield", "Lindenvale", "Loomweaver", "Marrowby",
    "Meadowlark", "Mirkwater", "Nettlecombe", "Nightingrove", "Oakenshaw-Reed", "O'Fennelly", "Oswinter", "Pebblewick",
    "Pennyroyal", "Quickbeam", "Quillander", "Ravenmoor", "Rookwillow", "Rushenden", "Sablethorn", "Saltmarsh-Grey",
    "Silverdown", "Sorrelgate", "Stormfield", "Tallowmere", "Thistlebank", "Thornaby-Finch", "Tidewater", "Umberleigh",
    "Underhollow", "Vanderfeld", "Violetmoor", "Wakerobin", "Weatherlight", "Whistledown", "Willowmarsh",
    "Winterbourne", "Wrenfield", "Yarrowgate", "Yewbarrow", "Zephyrine",
)  # fmt: skip
_OTHER_SCRIPTS = (
    "ليلى النهرية", "سامي أبو الورد", "נועה כרמל־שדה", "איתן יערי", "青葉 さくら", "山川 一歩", "梅林 小雨", "김하늘빛",
    "Зоя Березовская", "Θάλεια Ελαιώνα", "मीरा पुष्पवन", "Nguyễn Thị Mây Hồng", "Ögmundur Þórsnes", "Ṣadé Ọlọ́runwá",
)  # fmt: skip
_DOMAINS = {"staff": "lakeside.example.org", "vendor": "supplier.example.net", "public": "mail.example.com"}


class Person(NamedTuple):
    name: str
    email: str


def somebody(rng: Random, domain: str = "staff") -> Person:
    """A person; about one in forty has a name in another script."""
    if rng.random() < 0.025:
        name = one_of(rng, _OTHER_SCRIPTS)
        return Person(name, f"person{int(rng.random() * 9000) + 1000}@{_DOMAINS[domain]}")
    first, last = one_of(rng, _FIRST), one_of(rng, _LAST)
    return Person(f"{first} {last}", f"{_ASCII[first]}.{_ASCII[last]}@{_DOMAINS[domain]}")


def team(rng: Random, size: int) -> list[Person]:
    """So many different people, all staff."""
    firsts, lasts = rng.sample(_FIRST, size), rng.sample(_LAST, size)
    return [
        Person(f"{first} {last}", f"{_ASCII[first]}.{_ASCII[last]}@{_DOMAINS['staff']}")
        for first, last in zip(firsts, lasts, strict=True)
    ]


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name.translate({ord("ø"): "o", ord("Ł"): "L", ord("ł"): "l"}))
    return re.sub(r"[^a-z-]", "", folded.encode("ascii", "ignore").decode().lower())


_ASCII = {name: _plain(name) for name in (*_FIRST, *_LAST)}
