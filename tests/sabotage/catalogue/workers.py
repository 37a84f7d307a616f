"""Who works on a run: wake-ups, leases, the fence, the heartbeat and the sweep."""

from __future__ import annotations

from tests.sabotage.mutant import NONE, Change, Mutant, Promise

LEASES = "portal/leases.py"
RECOVER = "portal/runs/recover.py"
START_DUE = "portal/schedules/start_due.py"
RUN_NOW = "portal/schedules/run_now.py"
FIRST_TABLES = "portal/migrations/versions/0001_first_tables.py"
HELD = "tests/runs/test_leases.py::"
LOST = "tests/runs/test_lost_and_stuck.py::"
MADE = "tests/runs/test_make_run.py::"
SWEPT = "tests/runs/test_sweep.py::"
WOKEN = "tests/worker/test_wakeups.py::"
TRIES = "tests/runs/test_tries_and_leases.py::"
GIVEN_BACK = "tests/worker/test_given_back.py::"
WATCH = "tests/worker/test_watch.py::"
HAND_BACK = "portal/runs/hand_back.py"
GOING = "tests/worker/test_keep_going.py::"
COMMITTED = "tests/schedules/test_after_the_commit.py::"

MUTANTS = (
    Mutant(
        "tick-wakes-before-its-commit",
        Promise.REDIS,
        "The tick wakes workers after its commit",
        "a worker is woken for a run that it cannot see yet, and returns",
        [
            Change(
                START_DUE,
                "            queued = start(db, schedules, now, filter_words)\n",
                "            queued = start(db, schedules, now, filter_words)\n            wake(queued)\n",
            )
        ],
        [f"{COMMITTED}test_the_tick_wakes_for_runs_that_can_be_seen"],
    ),
    Mutant(
        "run-now-wakes-before-its-commit",
        Promise.REDIS,
        "Run now wakes a worker after its commit",
        "a worker is woken for a run that it cannot see yet, and returns",
        [
            Change(
                RUN_NOW,
                "        (run_id,) = insert_runs(db, [new], now=now, actor=actor)\n",
                "        (run_id,) = insert_runs(db, [new], now=now, actor=actor)\n"
                "        wakeups.wake_run(run_id, 1)\n",
            )
        ],
        [f"{COMMITTED}test_run_now_wakes_for_a_run_that_can_be_seen"],
    ),
    Mutant(
        "lost-wake-up-not-made-up-for",
        Promise.REDIS,
        "The sweep wakes what waits and was not taken, ever more rarely",
        "a run whose wake-up was flushed stays QUEUED for ever",
        [Change(RECOVER, "    for run_id in _to_wake(now):\n", "    for run_id in []:\n")],
        [f"{HELD}test_a_queued_run_whose_wake_up_was_lost_is_woken_again_and_ever_more_rarely"],
    ),
    Mutant(
        "redis-away-raises",
        Promise.REDIS,
        "A wake-up that Redis does not take is noted and raises nothing",
        "the page or the tick that wanted to wake fails",
        [
            Change(
                "portal/plumbing/wakeups.py",
                "    except (RedisError, OSError) as error:\n",
                "    except ZeroDivisionError as error:\n",
            )
        ],
        [f"{WOKEN}test_without_redis_the_wake_up_says_so_and_raises_nothing"],
        raises=("ConnectionError",),
    ),
    Mutant(
        "fixed-entries-not-put-back",
        Promise.REDIS,
        "The scheduler puts its entries back from code on every loop",
        "after a flush nothing ticks any more",
        [Change("worker/scheduler.py", "        put_back_entries(self)\n", "")],
        [f"{WOKEN}test_the_fixed_entries_come_back_after_a_flush"],
    ),
    Mutant(
        "stranger-in-the-entries",
        Promise.REDIS,
        "An entry that is none of ours is taken out before it can starve those behind it",
        "one unreadable entry stays and nothing is enqueued",
        [Change("worker/scheduler.py", "        scheduler.cancel(stranger)\n", "        pass\n")],
        [f"{WOKEN}test_an_entry_of_a_stranger_is_taken_out_and_starves_nothing"],
        raises=("TypeError", "ValueError", "DeserializationError", "InvalidJobOperation", "KeyError"),
    ),
    Mutant(
        "an-error-ends-the-process",
        Promise.REDIS,
        "A worker or scheduler whose work ends by an error begins it again",
        "the process is gone when Redis or the database comes back",
        [
            Change(
                "worker/keep_going.py",
                '            logger.exception("the work ended unforeseen; beginning it again")\n',
                "            raise\n",
            )
        ],
        [f"{GOING}test_no_error_ends_a_process"],
        on=NONE,
        raises=("OSError", "RuntimeError", "ValueError", "OperationalError", "ConnectionRefusedError"),
    ),
    Mutant(
        "a-process-that-spins",
        Promise.REDIS,
        "Before it is begun again it waits, longer each time",
        "a process takes a whole processor while Redis is away",
        [
            Change(
                "worker/keep_going.py",
                "FIRST_PAUSE_SECONDS if steady or not pause else min(pause * 2, LONGEST_PAUSE_SECONDS)",
                "0.0",
            )
        ],
        [f"{GOING}test_one_that_fails_at_once_waits_longer_each_time_and_so_does_not_spin"],
        on=NONE,
    ),
    Mutant(
        "lapsed-lease-not-found",
        Promise.DEAD_WORKER,
        "The sweep gives back runs whose lease has lapsed",
        "a run whose worker died stays RUNNING for ever",
        [Change(RECOVER, "    for run_id in _lapsed(now):\n", "    for run_id in []:\n")],
        [
            f"{HELD}test_a_lapsed_lease_is_found_and_the_run_made_by_another",
            f"{HELD}test_a_run_whose_worker_is_lost_each_time_is_given_up",
        ],
    ),
    Mutant(
        "lost-run-not-given-up",
        Promise.DEAD_WORKER,
        "A run whose worker is lost at its third try has FAILED",
        "a run that kills its worker is tried for ever",
        [
            Change(
                RECOVER,
                "        if failures >= settings().generation_attempts:\n",
                "        if False:\n",
            )
        ],
        [f"{HELD}test_a_run_whose_worker_is_lost_each_time_is_given_up"],
    ),
    Mutant(
        "take-leaves-an-old-wait",
        Promise.DEAD_WORKER,
        "A take for delivery has the sweep look as soon as the lease lapses, whatever the run waited before",
        "a worker lost while delivering is noticed after ten minutes instead of three",
        [Change(LEASES, "taken_at=now, wake_after=now)", "taken_at=now)")],
        [f"{LOST}test_a_worker_lost_while_delivering_is_noticed_within_three_minutes"],
    ),
    Mutant(
        "heartbeat-without-renewal",
        Promise.DEAD_WORKER,
        "A heartbeat thread renews the lease while the worker lives",
        "the lease of a healthy worker lapses under a long export",
        [Change(LEASES, "                    if not renew(lease, clock.now()):\n", "                    if False:\n")],
        ["tests/runs/test_heartbeat.py::test_a_beat_renews_the_lease"],
    ),
    Mutant(
        "one-run-in-trouble-ends-the-sweep",
        Promise.DEAD_WORKER,
        "The sweep takes care of each run alone",
        "one run that raises keeps all others from being found",
        [
            Change(
                RECOVER,
                '        logger.exception("a run could not be taken care of',
                '        raise\n        logger.exception("a run could not be taken care of',
            )
        ],
        [f"{SWEPT}test_a_run_that_makes_trouble_keeps_no_other_from_being_found"],
        raises=("RuntimeError",),
    ),
    Mutant(
        "sweep-reads-the-frozen-configuration",
        Promise.DEAD_WORKER,
        "The sweep does not read a run's frozen configuration, so that one that cannot be read can still end",
        "such a run stays RUNNING for ever",
        [
            Change(
                RECOVER,
                "            .where(Run.id == run_id, Run.state == RunState.RUNNING, Run.lease_until <= now)\n"
                "            .options(without_configuration())\n",
                "            .where(Run.id == run_id, Run.state == RunState.RUNNING, Run.lease_until <= now)\n",
            )
        ],
        [f"{LOST}test_a_run_that_cannot_be_read_holds_no_other_up"],
        on=("sqlite",),  # PostgreSQL keeps such a row out
    ),
    Mutant(
        "successor-not-woken",
        Promise.DEAD_WORKER,
        "When a run is given back or given up, the next one of its schedule is woken",
        "the run that waited behind it is not made before the sweep's long wait is over",
        [Change(RECOVER, "        wakeups.wake_run(waiting.id, waiting.wake_count)\n", "        pass\n")],
        [f"{LOST}test_the_run_that_waited_is_woken_when_the_one_before_is_given_up"],
    ),
    Mutant(
        "take-does-not-look-at-the-state",
        Promise.FROZEN_WORKER,
        "A run is taken by one UPDATE that finds it QUEUED",
        "four workers hold the same run",
        [Change(LEASES, "Run.state == RunState.QUEUED, ~in_the_way", "~in_the_way")],
        [f"{HELD}test_of_many_workers_one_takes_the_run", f"{MADE}test_a_run_that_is_over_is_not_made_again"],
    ),
    Mutant(
        "taken-while-in-other-hands",
        Promise.FROZEN_WORKER,
        "A run that is being delivered is taken only when its lease is free or has lapsed",
        "a second worker delivers the same run",
        [Change(LEASES, "        .where(sa.or_(Run.lease_until.is_(None), Run.lease_until <= now))\n", "")],
        [f"{HELD}test_a_run_being_delivered_is_in_one_workers_hands"],
    ),
    Mutant(
        "order-not-kept",
        Promise.FROZEN_WORKER,
        "A run is not taken while another of its schedule is being made, or an older one waits",
        "the newer run is made first",
        [Change(LEASES, "Run.state == RunState.QUEUED, ~in_the_way", "Run.state == RunState.QUEUED")],
        [f"{HELD}test_the_older_of_two_waiting_runs_is_taken_first"],
    ),
    Mutant(
        "two-running-runs-of-a-schedule",
        Promise.FROZEN_WORKER,
        "The database holds at most one RUNNING run of a schedule (partial unique index)",
        "two stand RUNNING",
        [
            Change(
                FIRST_TABLES,
                "op.create_index('uq_runs_one_running', 'runs', ['schedule_id'], unique=True",
                "op.create_index('uq_runs_one_running', 'runs', ['schedule_id'], unique=False",
            )
        ],
        [f"{HELD}test_the_database_holds_one_running_run_of_a_schedule"],
    ),
    Mutant(
        "fence-ignored",
        Promise.FROZEN_WORKER,
        "Every transaction of a worker begins with the fence",
        "a worker that slept writes over what its successor did",
        [
            Change(
                LEASES,
                "    if not _renew(db, lease, now):\n        raise LeaseLost",
                "    if False:\n        raise LeaseLost",
            )
        ],
        [
            f"{HELD}test_a_frozen_worker_does_not_pass_the_fence_while_its_successor_works",
            f"{MADE}test_a_frozen_worker_cannot_send_or_write_after_its_successor",
        ],
    ),
    Mutant(
        "fence-without-owner-and-attempt",
        Promise.FROZEN_WORKER,
        "The fence lets only the newest claim pass: owner and attempt",
        "an older claim is renewed",
        [
            Change(
                LEASES,
                "            Run.lease_owner == lease.owner,\n            Run.attempt == lease.attempt,\n",
                "",
            )
        ],
        [f"{HELD}test_a_frozen_worker_does_not_pass_the_fence_while_its_successor_works"],
    ),
    Mutant(
        "fence-without-attempt",
        Promise.FROZEN_WORKER,
        "An older claim of the same worker is an older claim too: the attempt counts",
        "a worker goes on under the claim it lost",
        [Change(LEASES, "            Run.attempt == lease.attempt,\n", "")],
        [f"{HELD}test_a_frozen_worker_does_not_pass_the_fence_while_its_successor_works"],
    ),
    Mutant(
        "fence-without-time",
        Promise.FROZEN_WORKER,
        "A lease that has lapsed is not renewed",
        "a worker that slept past its lease goes on while the sweep gives the run to another",
        [Change(LEASES, "            Run.lease_until > now,\n", "")],
        [f"{HELD}test_a_lapsed_lease_cannot_be_renewed"],
    ),
    Mutant(
        "loss-of-the-lease-unnoticed",
        Promise.FROZEN_WORKER,
        "A worker whose renewal failed stops at its next step",
        "it goes on working for nothing",
        [Change(LEASES, "                        lost.set()\n", "")],
        ["tests/runs/test_heartbeat.py::test_a_beat_that_comes_too_late_tells_that_the_lease_is_lost"],
    ),
    Mutant(
        "asked-to-end-and-goes-on",
        Promise.SIGTERM,
        "A process that was asked to end looks so between two steps and gives its run back",
        "it goes on until it is killed",
        [
            Change(
                "portal/runs/make.py",
                "            check = _both(still_ours, stopping.check)\n",
                "            check = still_ours\n",
            )
        ],
        [
            f"{TRIES}test_a_process_asked_to_end_while_it_makes_a_file_leaves_nothing_of_it",
            f"{TRIES}test_a_process_asked_to_end_begins_no_recipient",
        ],
    ),
    Mutant(
        "given-back-counts-as-a-try",
        Promise.SIGTERM,
        "A run that is given back counts no try",
        "three restarts of the workers fail it",
        [
            Change(
                HAND_BACK,
                '"wake_after": now, "wake_count": wake_count}\n',
                '"wake_after": now, "wake_count": wake_count}\n'
                '        columns["generation_failures"] = Run.generation_failures + 1\n',
            )
        ],
        [f"{TRIES}test_a_run_given_back_is_no_try_however_often"],
    ),
    Mutant(
        "given-back-and-nobody-woken",
        Promise.SIGTERM,
        "Whoever gives a run back wakes the next worker",
        "it waits for the sweep",
        [Change(HAND_BACK, "    wakeups.wake_run(lease.run_id, wake_count)\n", "")],
        [f"{GIVEN_BACK}test_a_run_being_made_is_given_back_and_made_by_the_next_worker"],
    ),
    Mutant(
        "given-back-by-a-stranger",
        Promise.SIGTERM,
        "A run is given back by its holder alone",
        "a worker that lost it takes it out of its successor's hands",
        [Change(HAND_BACK, "        fence(db, lease, now)\n", "")],
        [f"{TRIES}test_a_run_is_given_back_by_its_holder_alone"],
    ),
    Mutant(
        "signal-ends-the-child-at-once",
        Promise.SIGTERM,
        "SIGTERM to the whole group lets the child finish the recipient in hand",
        "the recipient in hand is lost",
        [
            Change(
                "worker/watched_worker.py",
                "        signal.signal(signal.SIGTERM, lambda *_: stopping.ask_to_stop())\n",
                "        signal.signal(signal.SIGTERM, signal.SIG_DFL)\n",
            )
        ],
        [f"{GIVEN_BACK}test_the_recipient_in_hand_is_finished_and_the_rest_goes_to_the_next_worker"],
    ),
    Mutant(
        "no-time-limit",
        Promise.LIMITS,
        "The parent kills a job that makes a file for longer than the limit",
        "a query that never returns holds the schedule for ever",
        [Change("worker/watch.py", "        if now - self.began > self._seconds:\n", "        if False:\n")],
        [f"{WATCH}test_the_time_limit_counts_while_the_file_is_made"],
    ),
    Mutant(
        "no-memory-limit",
        Promise.LIMITS,
        "The parent kills a job that takes more memory than the limit",
        "one export takes all the memory of the machine",
        [
            Change(
                "worker/watch.py",
                "        if memory_of(self.pid) > self._megabytes * MEGABYTE:\n",
                "        if False:\n",
            )
        ],
        [f"{WATCH}test_the_memory_limit_counts_always"],
    ),
    Mutant(
        "time-limit-while-delivering",
        Promise.LIMITS,
        "The time limit does not count while a file is handed over",
        "a run with many recipients is killed in the middle",
        [
            Change(
                "worker/watch.py",
                "        if held.state is not RunState.RUNNING:\n",
                "        if False:\n",
            )
        ],
        [f"{WATCH}test_the_time_limit_does_not_count_while_it_is_handed_over"],
    ),
    Mutant(
        "stray-goes-on",
        Promise.LIMITS,
        "A process whose run is no longer its own is killed",
        "it goes on working for nothing",
        [
            Change(
                "worker/watch.py",
                "            return Why.STRAY if self._strayed(now) else None\n",
                "            return None\n",
            )
        ],
        [f"{WATCH}test_a_process_whose_run_is_no_longer_its_own_is_killed_when_it_goes_on"],
    ),
    Mutant(
        "limit-written-over-a-successor",
        Promise.LIMITS,
        "What the parent writes of a killed job is written only while the run is that job's",
        "a run that went to another is called failed",
        [
            Change(
                "portal/runs/limits.py",
                "    return Run.id == lease.run_id, Run.lease_owner == lease.owner, Run.attempt == lease.attempt\n",
                "    return (Run.id == lease.run_id,)\n",
            )
        ],
        [f"{WATCH}test_the_run_of_another_attempt_is_not_written_over"],
    ),
    Mutant(
        "made-again-without-end",
        Promise.LIMITS,
        "Making the file is tried three times",
        "a run that cannot be made is tried for ever",
        [
            Change(
                "portal/runs/make.py",
                "        if permanent or failures >= settings().generation_attempts:\n",
                "        if permanent:\n",
            )
        ],
        [f"{MADE}test_an_error_while_making_the_file_is_tried_three_times_and_then_said"],
    ),
    Mutant(
        "made-again-at-once",
        Promise.LIMITS,
        "Between two tries to make the file lie one and five minutes",
        "a full disk is asked without a pause",
        [
            Change(
                "portal/runs/make.py",
                '            columns={**columns, "not_before": again, "wake_after": again},\n',
                "            columns=columns,\n",
            )
        ],
        [f"{MADE}test_an_error_while_making_the_file_is_tried_three_times_and_then_said"],
    ),
)
