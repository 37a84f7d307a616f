"""The made organization: its category tree, its units, its places, and how they lean on each other."""

from __future__ import annotations

from dataclasses import dataclass, field

from portal.models import Priority, SourceChannel


@dataclass(frozen=True)
class CategoryProfile:
    """A top category and what is typical of its cases. Shares are 0..1, durations days."""

    code: str
    name: str
    weight: float
    severity: float
    median_days: float
    substantiated: float
    anonymous: float
    money: float
    growth: float
    kinds: tuple[tuple[str, str, float], ...]
    investigation_types: tuple[str, ...]
    reporters: str = "staff"


CATEGORIES = (
    CategoryProfile(
        "HRW",
        "Workplace Conduct",
        31,
        0.42,
        34,
        0.42,
        0.9,
        0.04,
        0.10,
        (
            ("HRW-HAR", "Harassment", 8),
            ("HRW-DIS", "Discrimination", 6),
            ("HRW-RET", "Retaliation", 4),
            ("HRW-BUL", "Bullying and Incivility", 7),
            ("HRW-WAG", "Wage and Hour", 4),
        ),
        ("Interview-based review", "Formal investigation", "Preliminary inquiry"),
    ),
    CategoryProfile(
        "PRV",
        "Privacy and Information Security",
        15,
        0.45,
        24,
        0.58,
        0.5,
        0.05,
        0.35,
        (
            ("PRV-ACC", "Unauthorized Record Access", 7),
            ("PRV-DIS", "Misdirected Disclosure", 6),
            ("PRV-DEV", "Lost or Stolen Device", 2),
            ("PRV-SOC", "Social Media", 2),
        ),
        ("Access log review", "Digital forensics", "Preliminary inquiry"),
        "patients",
    ),
    CategoryProfile(
        "PAT",
        "Patient Care and Safety",
        14,
        0.55,
        30,
        0.44,
        0.6,
        0.03,
        0.05,
        (
            ("PAT-NEG", "Neglect or Abuse", 3),
            ("PAT-MED", "Medication Handling", 5),
            ("PAT-CON", "Informed Consent", 2),
            ("PAT-STA", "Staffing Levels", 4),
        ),
        ("Chart review", "Formal investigation", "Peer review"),
        "patients",
    ),
    CategoryProfile(
        "BIL",
        "Billing and Coding",
        10,
        0.58,
        68,
        0.36,
        0.8,
        0.75,
        0.12,
        (
            ("BIL-UPC", "Upcoding", 4),
            ("BIL-NOT", "Services Not Rendered", 3),
            ("BIL-DOC", "Missing Documentation", 4),
            ("BIL-REF", "Referral Payments", 1),
        ),
        ("Claims audit", "Formal investigation", "External counsel review"),
        "patients",
    ),
    CategoryProfile(
        "FRD",
        "Fraud and Theft",
        9,
        0.66,
        82,
        0.40,
        1.1,
        0.92,
        0.0,
        (
            ("FRD-EXP", "Expense Reports", 4),
            ("FRD-TIM", "Timekeeping", 5),
            ("FRD-VEN", "Vendor Fraud", 2),
            ("FRD-THE", "Theft of Property", 4),
            ("FRD-ACC", "Accounting Records", 1),
        ),
        ("Financial audit", "Digital forensics", "Formal investigation"),
    ),
    CategoryProfile(
        "EHS",
        "Environment, Health and Safety",
        8,
        0.48,
        20,
        0.55,
        0.5,
        0.08,
        -0.05,
        (
            ("EHS-INJ", "Unsafe Conditions", 5),
            ("EHS-WAS", "Clinical Waste", 2),
            ("EHS-VIO", "Threats and Violence", 3),
            ("EHS-SUB", "Substance Use", 2),
        ),
        ("Site inspection", "Preliminary inquiry", "Formal investigation"),
    ),
    CategoryProfile(
        "COI",
        "Conflicts of Interest",
        5,
        0.44,
        45,
        0.47,
        0.5,
        0.45,
        0.15,
        (
            ("COI-OUT", "Outside Employment", 3),
            ("COI-FAM", "Family and Personal Ties", 3),
            ("COI-GIF", "Gifts and Hospitality", 3),
            ("COI-IND", "Industry Payments", 2),
        ),
        ("Disclosure review", "Preliminary inquiry", "Formal investigation"),
    ),
    CategoryProfile(
        "BRB",
        "Bribery and Corruption",
        2,
        0.86,
        120,
        0.28,
        1.2,
        0.85,
        0.08,
        (("BRB-KIC", "Kickbacks", 3), ("BRB-PUB", "Public Officials", 1), ("BRB-TEN", "Rigged Tenders", 2)),
        ("External counsel review", "Digital forensics", "Financial audit"),
        "vendors",
    ),
    CategoryProfile(
        "RSH",
        "Research Integrity",
        2,
        0.60,
        95,
        0.34,
        0.7,
        0.25,
        0.0,
        (("RSH-DAT", "Data Fabrication", 2), ("RSH-GRA", "Grant Spending", 2), ("RSH-SUB", "Human Subjects", 2)),
        ("Research inquiry", "Formal investigation", "Peer review"),
    ),
    CategoryProfile(
        "QST",
        "Questions and Guidance",
        6,
        0.12,
        5,
        0.10,
        0.3,
        0.02,
        0.20,
        (("QST-POL", "Policy Question", 5), ("QST-OTH", "Other Question", 2)),
        ("Preliminary inquiry",),
    ),
)


@dataclass(frozen=True)
class UnitProfile:
    """A unit with the places it works at (codes) and the categories it has more, or fewer, of than others."""

    code: str
    name: str
    weight: float
    places: tuple[str, ...]
    leans: dict[str, float] = field(default_factory=dict)


_CARE = {"PAT": 1.8, "PRV": 1.3, "FRD": 0.6, "RSH": 0.2}
_OFFICE = {"PAT": 0.05, "EHS": 0.4, "BIL": 0.5, "RSH": 0.1}

UNITS: tuple[tuple[str, str, tuple[UnitProfile, ...]], ...] = (
    (
        "HOS",
        "Hospitals",
        (
            UnitProfile("HOS-GEN", "Lakeside General", 20, ("US-HAV", "US-PIN"), _CARE),
            UnitProfile("HOS-CHI", "Lakeside Children's", 9, ("US-HAV",), {**_CARE, "PAT": 2.2}),
            UnitProfile("HOS-STA", "St. Alder Hospital", 10, ("US-ALD",), {**_CARE, "EHS": 1.7}),
            UnitProfile("HOS-EMG", "Emergency Services", 7, ("US-HAV", "US-ALD", "US-PIN"), {**_CARE, "EHS": 2.4}),
        ),
    ),
    (
        "AMB",
        "Ambulatory Care",
        (
            UnitProfile(
                "AMB-PRI", "Primary Care Clinics", 10, ("US-PIN", "US-COR", "CA-MAP"), {"BIL": 2.0, "PRV": 1.5}
            ),
            UnitProfile("AMB-SUR", "Day Surgery", 4, ("US-COR",), {"BIL": 2.4, "COI": 2.0}),
            UnitProfile("AMB-HOM", "Home Health", 6, ("US-PIN", "US-COR"), {"FRD": 1.9, "BIL": 2.2}),
        ),
    ),
    (
        "COR",
        "Corporate Services",
        (
            UnitProfile("COR-FIN", "Finance", 4, ("US-HAV",), {**_OFFICE, "FRD": 3.2, "BRB": 2.5}),
            UnitProfile("COR-REV", "Revenue Cycle", 5, ("US-COR", "IN-NAV"), {**_OFFICE, "BIL": 6.0}),
            UnitProfile("COR-ICT", "Information Technology", 3, ("US-HAV", "IN-NAV"), {**_OFFICE, "PRV": 3.5}),
            UnitProfile(
                "COR-SUP", "Supply Chain", 4, ("US-COR", "MX-VER"), {**_OFFICE, "FRD": 3.0, "BRB": 7.0, "COI": 2.5}
            ),
            UnitProfile("COR-PEO", "People and Culture", 2, ("US-HAV",), {**_OFFICE, "HRW": 1.8}),
        ),
    ),
    (
        "RES",
        "Research Institute",
        (
            UnitProfile("RES-CLI", "Clinical Trials", 2, ("US-HAV", "DE-LIN"), {"RSH": 18.0, "COI": 2.5}),
            UnitProfile("RES-LAB", "Laboratories", 2, ("US-ALD", "JP-AOB"), {"RSH": 12.0, "EHS": 2.5}),
        ),
    ),
    (
        "INT",
        "Lakeside International",
        (
            UnitProfile("INT-EUR", "Clinics Europe", 5, ("DE-LIN", "IE-KIL"), {"PRV": 2.2, "HRW": 1.2}),
            UnitProfile("INT-GUL", "Clinics Gulf", 2, ("AE-NAH",), {"BRB": 6.0, "COI": 2.0}),
            UnitProfile("INT-ASI", "Clinics Asia", 3, ("JP-AOB", "IN-NAV"), {"BRB": 3.0}),
        ),
    ),
)

# code, name, country, region; none of them is on a map
LOCATIONS = (
    ("US-HAV", "Haven Campus", "United States", "Northeast"),
    ("US-PIN", "Pinewater", "United States", "Northeast"),
    ("US-ALD", "Alder Falls", "United States", "Midwest"),
    ("US-COR", "Cormorant Bay", "United States", "South"),
    ("CA-MAP", "Maple Narrows", "Canada", "Ontario"),
    ("MX-VER", "Verdemar", "Mexico", "Jalisco"),
    ("IE-KIL", "Kilbrannoch", "Ireland", "Munster"),
    ("DE-LIN", "Lindenau am See", "Germany", "Süd"),
    ("AE-NAH", "Al Nahr (النهر)", "United Arab Emirates", "Gulf"),
    ("IN-NAV", "Navapur Park", "India", "Karnataka"),
    ("JP-AOB", "Aobadai (青葉台)", "Japan", "Kantō"),
)
CURRENCIES = {"CA": "CAD", "MX": "MXN", "IE": "EUR", "DE": "EUR", "AE": "AED", "IN": "INR", "JP": "JPY"}
LANGUAGES = {"MX": "es", "DE": "de", "AE": "ar", "IN": "hi", "JP": "ja"}

SLA_DAYS = {Priority.CRITICAL: 30, Priority.HIGH: 60, Priority.MEDIUM: 75, Priority.LOW: 90}

# how often each channel is used by day and by night, and how often its reports come without a name
BY_DAY = (
    (SourceChannel.HOTLINE, 30),
    (SourceChannel.WEB_FORM, 28),
    (SourceChannel.EMAIL, 18),
    (SourceChannel.WALK_IN, 12),
    (SourceChannel.LETTER, 3),
    (SourceChannel.PROXY, 6),
    (SourceChannel.OTHER, 3),
)
BY_NIGHT = (
    (SourceChannel.HOTLINE, 52),
    (SourceChannel.WEB_FORM, 40),
    (SourceChannel.EMAIL, 7),
    (SourceChannel.OTHER, 1),
)
ANONYMOUS = {
    SourceChannel.HOTLINE: 0.58, SourceChannel.WEB_FORM: 0.52, SourceChannel.LETTER: 0.66, SourceChannel.EMAIL: 0.07,
    SourceChannel.WALK_IN: 0.02, SourceChannel.PROXY: 0.22, SourceChannel.OTHER: 0.15,
}  # fmt: skip

REPORTERS = {
    "staff": (
        ("Employee", 58),
        ("Former employee", 10),
        ("Manager", 12),
        ("Contractor", 8),
        ("Vendor", 4),
        ("Student", 3),
        ("Volunteer", 2),
        ("Patient", 3),
    ),
    "patients": (
        ("Employee", 42),
        ("Patient", 26),
        ("Family of a patient", 14),
        ("Manager", 7),
        ("Former employee", 5),
        ("Contractor", 4),
        ("Payer", 2),
    ),
    "vendors": (("Vendor", 34), ("Employee", 38), ("Former employee", 14), ("Contractor", 8), ("Public body", 6)),
}
UNKNOWN_REPORTER = "Unknown"

SUBJECT_ROLES = (
    ("Nurse", 18),
    ("Physician", 12),
    ("Supervisor", 16),
    ("Department head", 6),
    ("Billing clerk", 7),
    ("Technician", 9),
    ("Pharmacist", 4),
    ("Administrator", 9),
    ("Purchasing agent", 4),
    ("Researcher", 4),
    ("Security officer", 3),
    ("Vendor representative", 4),
    ("Executive", 2),
    ("Other", 2),
)
SUBJECT_RELATIONSHIPS = (
    ("Reporter's manager", 24),
    ("Coworker", 34),
    ("Other department", 20),
    ("Direct report", 6),
    ("Vendor", 7),
    ("Former employee", 5),
    ("Unknown", 4),
)
