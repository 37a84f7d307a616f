"""Who is told of what, once; and the clock, which everything hangs on."""

from __future__ import annotations

from tests.sabotage.mutant import Change, Mutant, Promise

STREAKS = "portal/runs/streaks.py"
SEND = "portal/notices/send.py"
TOLD = "tests/notices/test_failures.py::"
MISSED = "tests/notices/test_missed.py::"
SENT = "tests/notices/test_send.py::"
CLOCK = "tests/schedules/test_clock_watch.py::"
WATCHED = "tests/watchdog/test_alarms.py::"

MUTANTS = (
    Mutant(
        "told-of-every-failure",
        Promise.ALARMS,
        "Owner and admins are told of the first failure in a row",
        "each failure mails everybody",
        [
            Change(
                STREAKS,
                "        told_at = schedule.failure_told_at or now\n",
                "        told_at = now\n",
            )
        ],
        [f"{TOLD}test_owner_and_admins_are_told_once_of_a_streak_and_once_when_it_works_again"],
    ),
    Mutant(
        "recovery-not-told",
        Promise.ALARMS,
        "Whoever was told of trouble is told when it works again",
        "nobody hears of it",
        [
            Change(
                STREAKS,
                "            _tell_recovered(db, schedule, run, now)\n",
                "            pass\n",
            )
        ],
        [f"{TOLD}test_owner_and_admins_are_told_once_of_a_streak_and_once_when_it_works_again"],
    ),
    Mutant(
        "failing-for-ever",
        Promise.ALARMS,
        "A schedule that failed too many times in a row is paused and its people are told",
        "it goes on failing",
        [Change("portal/schedules/tick.py", "    pause_failing(now)\n", "")],
        [f"{TOLD}test_after_so_many_failures_in_a_row_the_schedule_is_paused_and_its_people_told"],
    ),
    Mutant(
        "same-notice-twice",
        Promise.ALARMS,
        "A notice has a key, and a key is told once (unique)",
        "the same thing is said twice",
        [
            Change(
                "portal/migrations/versions/0003_whole_life_of_a_run.py",
                '        sa.UniqueConstraint("key", name="uq_notices_key"),\n',
                "",
            ),
            Change("portal/notices/post.py", ".on_conflict_do_nothing(index_elements=[Notice.key])", ""),
        ],
        [f"{SENT}test_the_same_thing_is_said_once"],
    ),
    Mutant(
        "missed-told-again-and-again",
        Promise.ALARMS,
        "What was missed is marked as told in the transaction that tells it",
        "each sweep sends another summary",
        [
            Change(
                "portal/notices/missed.py", "            .values(told_at=now)\n", "            .values(told_at=None)\n"
            )
        ],
        [f"{MISSED}test_each_owner_gets_one_summary_and_admins_that_of_the_ownerless"],
    ),
    Mutant(
        "notice-not-marked-before-sending",
        Promise.ALARMS,
        "A notice is SENDING, committed, before the mail server is spoken to",
        "after a crash nobody knows that it was being sent, and two sweeps send it",
        [
            Change(
                SEND,
                "        notice.state, notice.attempts, notice.next_attempt_at = "
                "NoticeState.SENDING, notice.attempts + 1, now + IN_HAND\n"
                "        return _Letter(notice.id, notice.attempts,",
                "        return _Letter(notice.id, notice.attempts + 1,",
            )
        ],
        [
            f"{SENT}test_it_is_written_down_as_being_sent_before_the_server_is_spoken_to",
            f"{SENT}test_of_two_sweeps_one_takes_it",
        ],
    ),
    Mutant(
        "told-after-they-left",
        Promise.ALARMS,
        "Whoever can no longer sign in is not told any more",
        "a person who left gets the mail",
        [
            Change(
                SEND,
                "            problem = None if _still_here(db, notice) else LEFT\n",
                "            problem = None\n",
            )
        ],
        [f"{TOLD}test_whoever_left_is_neither_told_nor_sent_what_was_written_before"],
    ),
    Mutant(
        "ended-untold",
        Promise.ALARMS,
        "A run's end and the notice of it are one transaction",
        "a run has failed of which nobody is ever told",
        [
            Change(
                "portal/runs/settle.py",
                "    note_end(db, run, end, reason, now=now)\n",
                "    try:\n        note_end(db, run, end, reason, now=now)\n    except Exception:\n        pass\n",
            )
        ],
        [f"{TOLD}test_the_notice_and_the_end_of_the_run_are_one_transaction"],
    ),
    Mutant(
        "leaping-clock-believed",
        Promise.OCCURRENCE,
        "After the clock leapt ahead nothing is started until the new time has stood for ten minutes",
        "days that never were are called missed",
        [Change("portal/schedules/tick.py", "    if held_back(now):\n", "    if held_back(now) and False:\n")],
        [f"{CLOCK}test_ticks_are_held_back_and_go_on_when_the_clock_is_right_again"],
    ),
    Mutant(
        "silence-of-the-tick",
        Promise.ALARMS,
        "No tick or sweep for three minutes is an alarm",
        "nobody notices that nothing ticks",
        [
            Change(
                "portal/watchdog/alarms.py",
                "        elif now - beat.at > SILENT:\n",
                "        elif False:\n",
            )
        ],
        [f"{WATCHED}test_no_tick_or_sweep_for_three_minutes"],
    ),
    Mutant(
        "due-without-a-run-unnoticed",
        Promise.ALARMS,
        "A schedule that is due for three minutes and has no run is an alarm",
        "a tick that lives and starts nothing is not noticed",
        [
            Change(
                "portal/watchdog/alarms.py",
                "    if database.overdue.count:\n",
                "    if False:\n",
            )
        ],
        [f"{WATCHED}test_a_due_schedule_without_a_run"],
    ),
)
