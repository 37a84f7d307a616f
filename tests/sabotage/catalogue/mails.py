"""Handing over: the same bytes to everybody, told truly, tried again where that may help and nowhere else."""

from __future__ import annotations

from tests.sabotage.mutant import NONE, Change, Mutant, Promise

LEDGER = "portal/delivery/ledger.py"
BY_EMAIL = "portal/delivery/by_email.py"
SMTP = "portal/plumbing/smtp.py"
STORED = "portal/delivery/stored_file.py"
MADE = "tests/runs/test_make_run.py::"
LOST = "tests/runs/test_lost_and_stuck.py::"
DAMAGED = "tests/runs/test_changed_file.py::"
FOLDERS = "tests/runs/test_folder_delivery.py::"
TALKED = "tests/delivery/test_smtp_connection.py::"
AGAIN = "tests/runs/test_unknown_once.py::"
SCRIPTED = f"{TALKED}test_each_answer_at_each_stage_ends_in_the_state_of_the_protocol"

MUTANTS = (
    Mutant(
        "stored-file-not-compared",
        Promise.SAME_BYTES,
        "Whatever leaves the storage is compared with the hash that was taken when it was made",
        "a changed file is no longer refused with an alarm",
        [Change(STORED, "        if (size, sha256) != (file.bytes, file.sha256):\n", "        if False:\n")],
        [f"{DAMAGED}test_a_retry_mails_no_changed_file"],
    ),
    Mutant(
        "retry-renders-again",
        Promise.SAME_BYTES,
        "A run that has its file goes on to deliver it and never makes it again",
        "a retry makes the file anew and gets no further",
        [
            Change(
                "portal/runs/make.py",
                "            if state is RunState.RUNNING and not _render(lease, check):\n",
                "            if not _render(lease, check):\n",
            )
        ],
        [f"{MADE}test_a_busy_server_is_tried_again_with_the_same_message"],
    ),
    Mutant(
        "date-of-the-attempt",
        Promise.SAME_BYTES,
        "A mail carries the date on which its row was made, not that of the attempt",
        "a mail sent again differs from the first",
        [Change(BY_EMAIL, "        date=delivery.created_at,\n", "        date=clock.now(),\n")],
        [f"{LOST}test_a_mail_sent_again_is_the_same_to_the_byte"],
    ),
    Mutant(
        "message-id-of-the-attempt",
        Promise.SAME_BYTES,
        "A mail's Message-ID is fixed when its row is made",
        "a mail sent again is another mail to the recipient's server",
        [
            Change(
                BY_EMAIL,
                '        message_id=delivery.message_id or "",\n',
                '        message_id=f"<{uuid.uuid4()}@localhost>",\n',
            )
        ],
        [
            f"{LOST}test_a_mail_sent_again_is_the_same_to_the_byte",
            f"{MADE}test_a_busy_server_is_tried_again_with_the_same_message",
        ],
    ),
    Mutant(
        "any-2xx-is-accepted",
        Promise.ACCEPTED,
        "After the final dot 250 and nothing else is “accepted”",
        "251 is called accepted",
        [Change(SMTP, "Outcome.ACCEPTED if code == 250 else Outcome.UNKNOWN", "Outcome.ACCEPTED")],
        [f"{TALKED}test_only_250_is_accepted"],
        on=NONE,
    ),
    Mutant(
        "silence-is-accepted",
        Promise.ACCEPTED,
        "No answer after DATA is UNKNOWN",
        "a broken connection is called accepted",
        [
            Change(
                SMTP,
                "        return Outcome.UNKNOWN if stage in {Stage.DATA, Stage.END} else Outcome.TEMPORARY\n",
                "        return Outcome.ACCEPTED if stage in {Stage.DATA, Stage.END} else Outcome.TEMPORARY\n",
            )
        ],
        [SCRIPTED],
        on=NONE,
    ),
    Mutant(
        "silence-is-not-sent",
        Promise.SENT_ONCE,
        "No answer after DATA may be a mail that arrived",
        "a broken connection is called “nothing handed over”",
        [
            Change(
                SMTP,
                "        return Outcome.UNKNOWN if stage in {Stage.DATA, Stage.END} else Outcome.TEMPORARY\n",
                "        return Outcome.TEMPORARY\n",
            )
        ],
        [SCRIPTED],
        on=NONE,
    ),
    Mutant(
        "answer-given-ahead-is-believed",
        Promise.ACCEPTED,
        "An answer that came before the message is not its answer",
        "a 250 sent together with 354 is called accepted",
        [Change(SMTP, "            host.expect_silence()\n", "")],
        [f"{TALKED}test_an_answer_given_ahead_is_not_believed"],
        on=NONE,
    ),
    Mutant(
        "stored-in-a-folder-unread",
        Promise.ACCEPTED,
        "A file in a folder is accepted when what was read back has its size and hash",
        "a name that somebody else's file has is called stored",
        [
            Change(
                "portal/delivery/by_storage.py",
                "    if (stored.bytes, stored.sha256) == (file.artifact.bytes, file.artifact.sha256):\n",
                "    if stored:\n",
            )
        ],
        [f"{MADE}test_a_folder_never_loses_what_stands_there_already"],
    ),
    Mutant(
        "data-marked-after-sending",
        Promise.SENT_ONCE,
        "DATA is committed right before the message is sent",
        "a mail that was sent is called “nothing handed over” and sent again",
        [
            Change(
                BY_EMAIL,
                "        ledger.mark_data(self._lease, delivery, clock.now())\n        failpoints",
                "        failpoints",
            ),
            Change(
                BY_EMAIL,
                "        return _result(answer)\n",
                "        ledger.mark_data(self._lease, delivery, clock.now())\n        return _result(answer)\n",
            ),
        ],
        [f"{AGAIN}test_a_worker_lost_while_the_server_answers_leaves_data"],
    ),
    Mutant(
        "ledger-row-changed-blindly",
        Promise.SENT_ONCE,
        "A row of the ledger changes only from the state and the attempt that were read",
        "ACCEPTED is written over a row that another had moved on",
        [
            Change(
                LEDGER,
                ".where(Delivery.id == delivery_id, Delivery.state == before, Delivery.attempts == attempts)",
                ".where(Delivery.id == delivery_id)",
            )
        ],
        [f"{LOST}test_a_row_of_the_ledger_changes_only_from_where_it_was_read"],
    ),
    Mutant(
        "lost-deliveries-not-taken-up",
        Promise.SENT_ONCE,
        "The next worker tells of each row on its way what can be known",
        "those rows stay on their way for ever",
        [Change("portal/runs/make.py", "                ledger.recover_in_flight(session, run_id, clock.now())\n", "")],
        [
            f"{MADE}test_a_worker_lost_before_data_is_made_up_for",
            f"{MADE}test_a_worker_lost_after_data_leaves_it_unknown_and_says_so",
        ],
    ),
    Mutant(
        "lost-after-data-is-not-sent",
        Promise.SENT_ONCE,
        "A row that stood at DATA when its worker was lost is UNKNOWN",
        "a file that may have arrived is sent a second time",
        [
            Change(
                LEDGER,
                "        elif row.state is DeliveryState.SENDING:\n            result = Result(DeliveryState.PENDING",
                "        elif row.state in IN_FLIGHT:\n            result = Result(DeliveryState.PENDING",
            )
        ],
        [f"{MADE}test_a_worker_lost_after_data_leaves_it_unknown_and_says_so"],
    ),
    Mutant(
        "held-file-sent-again",
        Promise.SENT_ONCE,
        "A file that may have arrived is not sent a second time unasked (policy “hold”)",
        "it is sent again",
        [Change(LEDGER, "row.unknown_policy is UnknownPolicy.RESEND and not row.resent", "not row.resent")],
        [f"{MADE}test_a_worker_lost_after_data_leaves_it_unknown_and_says_so"],
    ),
    Mutant(
        "sent-again-and-again",
        Promise.SENT_ONCE,
        "A link mail that may have arrived is sent again once",
        "each lost worker sends it once more",
        [
            Change(
                LEDGER,
                "row.unknown_policy is UnknownPolicy.RESEND and not row.resent",
                "row.unknown_policy is UnknownPolicy.RESEND",
            )
        ],
        [f"{AGAIN}test_a_link_mail_that_may_have_arrived_is_sent_again_once"],
    ),
    Mutant(
        "no-back-off",
        Promise.RETRIES,
        "Between two tries lie 1, 5, 15, 60 minutes, then an hour each",
        "a busy server is asked without a pause",
        [
            Change(
                LEDGER,
                '        values["next_attempt_at"] = now + BACK_OFF[min(row.attempts, len(BACK_OFF)) - 1]\n',
                '        values["next_attempt_at"] = now + timedelta(seconds=1)\n',
            )
        ],
        [f"{MADE}test_a_busy_server_is_tried_again_with_the_same_message"],
    ),
    Mutant(
        "never-given-up",
        Promise.RETRIES,
        "After 24 hours of temporary failures the row is EXPIRED",
        "the run stays open for ever",
        [Change(LEDGER, "        _expire(db, lease.run_id, now)\n", "")],
        [f"{MADE}test_a_day_of_temporary_refusals_is_given_up"],
    ),
    Mutant(
        "given-up-untried",
        Promise.RETRIES,
        "A day in which nobody tried is none: it begins anew",
        "after two days without a worker everybody is given up without a try",
        [
            Change(
                LEDGER,
                "        if row.last_attempt_at is None or row.last_attempt_at < row.give_up_at - GIVE_UP_AFTER:\n",
                "        if False:\n",
            )
        ],
        [f"{LOST}test_nobody_is_given_up_without_a_try"],
    ),
    Mutant(
        "permanent-refusal-tried-again",
        Promise.RETRIES,
        "5xx is REJECTED",
        "an address that does not exist is tried for a day",
        [
            Change(
                SMTP,
                "        return Outcome.TEMPORARY if (stage, code) == (Stage.MAIL, 530) else Outcome.REJECTED\n",
                "        return Outcome.TEMPORARY\n",
            )
        ],
        [f"{MADE}test_two_people_get_the_same_bytes_and_the_third_is_refused"],
    ),
    Mutant(
        "temporary-refusal-final",
        Promise.RETRIES,
        "4xx, a server that is away and a connection that breaks before DATA are tried again",
        "a busy server ends the delivery",
        [
            Change(
                SMTP,
                "        return Outcome.ACCEPTED if code == 250 else Outcome.UNKNOWN\n    return Outcome.TEMPORARY\n",
                "        return Outcome.ACCEPTED if code == 250 else Outcome.UNKNOWN\n    return Outcome.REJECTED\n",
            )
        ],
        [f"{MADE}test_a_busy_server_is_tried_again_with_the_same_message"],
    ),
    Mutant(
        "retry-reaches-those-who-have-it",
        Promise.SENT_ONCE,
        "“Try again” leaves alone whoever was reached by any round",
        "a person who was refused once and reached later gets the file twice",
        [
            Change(
                "portal/delivery/by_hand.py",
                "for row in not_reached(rows) if row.state in states]",
                "for row in rows if row.state in states]",
            )
        ],
        ["tests/runs/test_send_again.py::test_one_who_was_refused_is_reached_by_a_later_round"],
    ),
)
