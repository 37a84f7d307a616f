"""How each figure of the board report is computed, in words: shown beside the figures and in docs/figures.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Definition:
    """`counted`, of `out_of` (None for what is no share), and what stands there where there is nothing to count."""

    key: str
    label: str
    counted: str
    out_of: str | None
    empty: str

    @property
    def words(self) -> str:
        """In one paragraph."""
        return " ".join([self.counted, *([f"Out of: {self.out_of}"] if self.out_of else []), f"If none: {self.empty}"])


_ALL = (
    Definition("opened", "Cases opened", "Cases whose opening lies in the period.", None, "0."),
    Definition(
        "closed",
        "Cases closed",
        "Cases with status Closed whose closing lies in the period, whenever they were opened.",
        None,
        "0.",
    ),
    Definition(
        "open_at_end",
        "Open at the end",
        "Cases opened before the end of the period that were not closed by then. A case that is not Closed today "
        "counts as open ever since it was opened; one that is Closed without a closing date is not counted.",
        None,
        "0.",
    ),
    Definition(
        "median_days",
        "Median days to close",
        "Over the cases closed in the period, the middle one of the local calendar days from opening to closing; "
        "closed on the day it was opened is 0 days. Of an even number of cases, half way between the two in the "
        "middle. Cases that were closed before they were opened are left out.",
        None,
        "a dash.",
    ),
    Definition(
        "substantiated",
        "Substantiation rate",
        "Cases closed in the period with outcome Substantiated or Partly substantiated.",
        "cases closed in the period with outcome Substantiated, Partly substantiated, Unsubstantiated or Insufficient.",
        "a dash.",
    ),
    Definition(
        "anonymous",
        "Anonymous share",
        "Cases opened in the period whose earliest intake report is anonymous.",
        "cases opened in the period whose earliest intake report says whether it is.",
        "a dash. It is hidden where filters leave fewer than 5 anonymous cases in the report, or out of it, and where "
        "there are fewer than 5 in a period of less than a month.",
    ),
    Definition(
        "sla_met",
        "SLA met",
        "Cases whose due date lies in the period and that were closed by then.",
        "cases whose due date lies in the period; without those that are Closed without a closing date.",
        "a dash.",
    ),
    Definition(
        "reports",
        "Reports received",
        "Intake reports received in the period, whatever case they belong to; a case may have several.",
        None,
        "0.",
    ),
    Definition(
        "investigations",
        "Investigations completed",
        "Investigations whose completion lies in the period; a case may have several.",
        None,
        "0.",
    ),
    Definition(
        "before",
        "Compared with the period before",
        "Where the period is whole calendar months, as many months right before it: a month is compared with the month "
        "before, a quarter with the quarter, a year with the year. Else as many days right before it, or as long a "
        "time where it does not begin and end at midnight. The change of a count is in cases, and in percent of the "
        "earlier count if that is at least 10; of a share in percentage points; of a median in days. Shares and "
        "medians of fewer than 10 cases are not compared. A period that is not over ends at the moment that the "
        "report is made for.",
        None,
        "a dash. A period that reaches back to the first case has none before it.",
    ),
    Definition(
        "trend",
        "Opened and closed by month",
        "Cases opened, and cases closed, in each of the last twelve local calendar months, the last being that in "
        "which the period ends, up to that end.",
        None,
        "0.",
    ),
    Definition(
        "breakdown_category",
        "By category",
        "Cases opened in the period by their top category, the ten with the most cases; all others are one row.",
        "all cases opened in the period.",
        "no rows.",
    ),
    Definition(
        "breakdown_business_unit",
        "By business unit",
        "Cases opened in the period by their business unit, the ten with the most cases; all others are one row. Where "
        "units have parts, a unit stands for all of its parts: the level of the tree is the highest on which the "
        "report's cases belong to more than one.",
        "all cases opened in the period.",
        "no rows.",
    ),
    Definition(
        "breakdown_location",
        "By location",
        "Cases opened in the period by their location, the ten with the most cases; all others are one row.",
        "all cases opened in the period.",
        "no rows.",
    ),
    Definition(
        "breakdown_channel",
        "By channel",
        "Cases opened in the period by the channel of their earliest intake report.",
        "all cases opened in the period.",
        "no rows.",
    ),
    Definition(
        "breakdown_priority",
        "By priority",
        "Cases opened in the period by their priority today.",
        "all cases opened in the period.",
        "no rows.",
    ),
    Definition(
        "breakdown_outcome",
        "By outcome",
        "Cases closed in the period by their outcome.",
        "all cases closed in the period.",
        "no rows.",
    ),
    Definition(
        "anonymous_counts",
        "Anonymous cases in a breakdown",
        "Cases of the row whose earliest intake report is anonymous. Fewer than 5, none included, are hidden; and so "
        "are as many more, the smallest first, as it takes to keep a hidden number of 1 to 4 from being worked out "
        "from the total. Two reports can still be compared: a hidden number of one may follow from another of nearly "
        "the same cases. A board report cannot be filtered by anonymity.",
        None,
        "hidden.",
    ),
    Definition(
        "aging",
        "Age of open cases",
        "Cases open at the end of the period by the local calendar days from their opening to the period's last day.",
        "all cases open at the end of the period.",
        "0 in every band.",
    ),
    Definition(
        "service_levels",
        "SLA by priority",
        "Cases whose due date lies in the period, by priority: closed by then, closed later (but before the period's "
        "end), and not closed.",
        "cases whose due date lies in the period; without those that are Closed without a closing date.",
        "a dash; priorities of which nothing fell due have no row.",
    ),
    Definition(
        "acknowledged",
        "Acknowledged within 7 days",
        "Cases acknowledged on the seventh local calendar day after their earliest intake report was received, or "
        "before (Directive (EU) 2019/1937, article 9). A case without a report counts from its opening.",
        "cases whose seventh day ended in the period.",
        "a dash; left out where the register holds no such date.",
    ),
    Definition(
        "feedback",
        "Feedback within 3 months",
        "Cases with feedback on the day three calendar months after their acknowledgement, or before (Directive (EU) "
        "2019/1937, article 9). Where there was no acknowledgement, three months after the seventh day. A month "
        "without such a day counts to its last.",
        "cases for which that day ended in the period.",
        "a dash; left out where the register holds no such date.",
    ),
    Definition(
        "rising",
        "Categories rising most",
        "Top categories with at least 5 cases more than in the period before and at least 25% more, the greatest rise "
        "first, five at most.",
        None,
        "none is named.",
    ),
    Definition(
        "units_above",
        "Units above the organization's rate",
        "Business units, of the level of the breakdown, whose substantiation rate in the period is above that of all "
        "the report's cases, of at least 10 cases, the highest first, five at most.",
        None,
        "none is named.",
    ),
    Definition(
        "overdue",
        "High-priority cases past due",
        "Cases of priority Critical or High that are open at the end of the period and whose due date was before it; "
        "and the local calendar days from the earliest of those dates to the period's last day.",
        None,
        "none is named.",
    ),
)

DEFINITIONS = {each.key: each for each in _ALL}
"""By key, in the order of the report."""
