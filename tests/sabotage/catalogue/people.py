"""What people do to schedules and runs, and what they see while something is away."""

from __future__ import annotations

from tests.sabotage.mutant import Change, Mutant, Promise

LEDGER = "portal/delivery/ledger.py"
BY_HAND = "portal/delivery/by_hand.py"
TRANSITIONS = "portal/runs/transitions.py"
CANCEL = "portal/runs/cancel.py"
LEGAL = "tests/runs/test_legal_changes.py::"
CANCELLED = "tests/runs/test_cancel.py::"
UNCERTAIN = "tests/runs/test_settle_unknown.py::"
AGAIN = "tests/runs/test_send_again.py::"
PRODUCED = "tests/runs/test_produce_missed.py::"
WEATHER = "tests/pages/test_bad_weather.py::"

MUTANTS = (
    Mutant(
        "illegal-change-of-a-run",
        Promise.PEOPLE,
        "A run changes only along the table of legal changes; all else raises and changes nothing",
        "a run that is over is being made again",
        [Change(TRANSITIONS, "    if after not in LEGAL[before]:\n", "    if False:\n")],
        [f"{LEGAL}test_no_run_changes_along_a_way_that_is_not_in_the_table"],
    ),
    Mutant(
        "run-changed-blindly",
        Promise.PEOPLE,
        "A run changes only from the state in which it stands",
        "two acts at once both get their way",
        [Change(TRANSITIONS, ".where(Run.id == run_id, Run.state == before, *only_if)", ".where(Run.id == run_id)")],
        [f"{LEGAL}test_no_run_changes_from_where_it_no_longer_stands"],
    ),
    Mutant(
        "illegal-change-of-a-delivery",
        Promise.PEOPLE,
        "A row of the ledger changes only along the table of legal changes",
        "a mail that was accepted is pending again",
        [Change(LEDGER, "    if after not in LEGAL[before]:\n", "    if False:\n")],
        [f"{LEGAL}test_no_recipient_changes_along_a_way_that_is_not_in_the_table"],
    ),
    Mutant(
        "run-of-another-organization",
        Promise.PEOPLE,
        "What a person does to a run finds it only within their organization",
        "a stranger cancels it",
        [
            Change(
                TRANSITIONS,
                ".where(Run.id == run_id, Run.organization_id == organization_id)",
                ".where(Run.id == run_id)",
            )
        ],
        [f"{CANCELLED}test_a_stranger_cancels_nothing", f"{AGAIN}test_a_stranger_sends_nothing"],
    ),
    Mutant(
        "cancel-not-heeded-while-sending",
        Promise.PEOPLE,
        "A worker looks before each recipient whether a person has cancelled",
        "the rest still gets its mail",
        [
            Change(
                LEDGER,
                "        if db.scalar(sa.select(Run.cancel_requested_at).where(Run.id == lease.run_id)) is not None:\n",
                "        if False:\n",
            )
        ],
        [f"{CANCELLED}test_the_recipient_in_hand_is_finished_and_nobody_after_that"],
    ),
    Mutant(
        "cancel-does-not-wait-for-the-worker",
        Promise.PEOPLE,
        "A run whose worker has a recipient in hand is ended by that worker",
        "the recipient in hand is called lost although the worker is about to hear the answer",
        [
            Change(
                CANCEL,
                "        if before is RunState.DELIVERING and run.lease_until is not None and run.lease_until > now:\n",
                "        if False:\n",
            )
        ],
        [f"{CANCELLED}test_the_recipient_in_hand_is_finished_and_nobody_after_that"],
    ),
    Mutant(
        "cancel-left-by-a-lost-worker",
        Promise.PEOPLE,
        "The sweep ends a cancel whose worker was lost",
        "the run stays “being cancelled” for ever",
        [Change("portal/runs/recover.py", "    for run_id in _cancels_left(now):\n", "    for run_id in []:\n")],
        [f"{CANCELLED}test_the_sweep_ends_a_cancel_whose_worker_was_lost"],
    ),
    Mutant(
        "cancelled-though-it-may-have-arrived",
        Promise.PEOPLE,
        "A mail that may have arrived stays UNKNOWN when its run is cancelled",
        "it is called cancelled",
        [
            Change(
                BY_HAND,
                "        if row.resent or _left_in_a_folder(db, row):\n            after, reason",
                "        if False:\n            after, reason",
            )
        ],
        [f"{CANCELLED}test_a_link_mail_that_waits_to_be_sent_again_is_not_called_cancelled"],
    ),
    Mutant(
        "cancelled-run-in-old-hands",
        Promise.PEOPLE,
        "A run that is over lets nobody past the fence",
        "a worker goes on with a run that a person has cancelled",
        [
            Change(
                "portal/leases.py",
                "            Run.state.in_([RunState.RUNNING, RunState.DELIVERING]),\n            *only_if,\n",
                "            *only_if,\n",
            )
        ],
        ["tests/runs/test_tries_and_leases.py::test_a_run_that_is_in_nobodys_hands_lets_no_worker_past_the_fence"],
    ),
    Mutant(
        "deleted-schedule-goes-on",
        Promise.PEOPLE,
        "Deleting a schedule cancels its runs that wait",
        "a run of a deleted schedule is still made and sent",
        [
            Change(
                "portal/schedules/changes.py",
                "        cancel_waiting(db, schedule.id, reason, now=now, actor=actor)\n",
                "",
            ),
            Change(
                "portal/schedules/changes.py",
                "    cancel_still_waiting(schedule_id, reason, now=now, actor=actor)\n",
                "",
            ),
        ],
        [f"{CANCELLED}test_deleting_a_schedule_cancels_what_waits_and_leaves_what_is_in_hand"],
    ),
    Mutant(
        "they-have-it-does-not-count",
        Promise.PEOPLE,
        "A recipient of whom a person said “they have it” counts as reached",
        "the run stays partial for ever",
        [
            Change(
                "portal/runs/states.py",
                "        return self.settled or self.state is D.ACCEPTED\n",
                "        return self.state is D.ACCEPTED\n",
            )
        ],
        [f"{UNCERTAIN}test_they_have_it_counts_as_reached_and_is_not_called_accepted"],
    ),
    Mutant(
        "second-try-makes-the-first-certain",
        Promise.PEOPLE,
        "A refusal of the second try does not make certain what became of the first",
        "an uncertain mail that was sent again and refused is called refused",
        [Change(LEDGER, "(DeliveryState.REJECTED, DeliveryState.BLOCKED) and row.resent:", "() and row.resent:")],
        [f"{UNCERTAIN}test_a_refusal_of_the_second_try_does_not_make_the_first_certain"],
    ),
    Mutant(
        "form-sent-twice-sends-twice",
        Promise.PEOPLE,
        "A form of “send again” has a key of its own: sent twice, it sends once",
        "people get two mails from one form",
        [
            Change(
                "portal/runs/send_again.py",
                'uuid.uuid5(key, f"{run_id} {row.destination}")',
                "uuid.uuid4()",
            )
        ],
        [
            f"{AGAIN}test_the_same_form_sent_twice_sends_once",
            f"{AGAIN}test_the_same_form_sent_four_times_at_once_sends_once",
        ],
        raises=("Refused",),
    ),
    Mutant(
        "changed-file-promised-again",
        Promise.PEOPLE,
        "Before a file is promised again it is read and compared",
        "a file that was changed is promised to those chosen",
        [Change("portal/runs/send_again.py", "    _check_files(organization_id, run_id)\n", "")],
        [f"{AGAIN}test_a_file_that_is_not_what_was_made_is_not_sent"],
    ),
    Mutant(
        "produced-although-deleted",
        Promise.PEOPLE,
        "Nothing is produced after all of a schedule that was deleted",
        "it is",
        [
            Change(
                "portal/runs/produce.py",
                "        if schedule_state in REFUSALS:\n",
                "        if False:\n",
            )
        ],
        [f"{PRODUCED}test_nothing_is_produced_of_a_deleted_schedule"],
    ),
    Mutant(
        "redis-away-breaks-a-page",
        Promise.PORTAL,
        "Run now is kept by the database; that Redis does not take the wake-up is noted",
        "the page answers with an error",
        [
            Change(
                "portal/plumbing/wakeups.py",
                "    except (RedisError, OSError) as error:\n",
                "    except ZeroDivisionError as error:\n",
            )
        ],
        [f"{WEATHER}test_a_run_now_without_redis_is_kept_and_done_when_it_is_back"],
    ),
    Mutant(
        "invitation-lost-with-the-mail-server",
        Promise.PORTAL,
        "An invitation whose mail was not taken is saved, and the page says so",
        "the page says that it was sent",
        [
            Change(
                "portal/people/invitation_mail.py",
                "    return result.outcome is Outcome.ACCEPTED\n",
                "    return True\n",
            )
        ],
        [f"{WEATHER}test_an_invitation_without_a_mail_server_is_saved_and_says_so"],
    ),
    Mutant(
        "database-trouble-not-told",
        Promise.PORTAL,
        "A database that takes no changes is told from the driver's code, and said in a sentence",
        "the page speaks of a mistake of the program",
        [
            Change(
                "portal/pages/troubles.py",
                "    trouble = database_trouble(error)\n",
                "    trouble = None\n",
            )
        ],
        [
            f"{WEATHER}test_a_run_now_that_the_database_refused_is_not_there_and_can_be_pressed_again",
            f"{WEATHER}test_what_was_typed_comes_back_with_the_reason",
        ],
    ),
)
