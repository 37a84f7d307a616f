"""Notices over SMTP: the same message at every try, for a day, and never at the cost of the sweep (B11)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.models import Notice, NoticeState, write_session
from portal.notices import owner_and_admins, post, send, send_due
from portal.plumbing.smtp import Outcome, SmtpReply, SmtpResult, Stage
from portal.plumbing.smtp_host import Patience
from portal.runs import recover
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.scripted_smtp import CLOSE, HANG, ScriptedSmtp, say

MakeApp = Callable[..., Flask]


@pytest.fixture
def write(app: Flask, cast: Cast, moved_clock: Clock) -> Callable[..., None]:
    """A notice to Otto, and to Ana where told."""

    def write(key: str = "key", *, to: tuple[str, ...] = ("otto",), text: str = "Something is wrong.\n") -> None:
        people = {"otto": (cast.otto, "otto@example.org"), "ana": (cast.ana, "ana@example.org")}
        with write_session() as db:
            post(
                db,
                organization_id=cast.lakeside,
                key=key,
                kind="FAILED",
                to=[people[each] for each in to],
                subject="Failed: Open cases",
                text=text,
                now=moved_clock.now(),
            )

    return write


def notices() -> list[Notice]:
    with write_session() as db:
        return list(db.scalars(sa.select(Notice).order_by(Notice.created_at, Notice.address)))


def one() -> Notice:
    (notice,) = notices()
    return notice


def test_the_same_thing_is_said_once(write: Callable[..., None]) -> None:
    write()
    write()
    write(to=("otto", "ana"))
    assert [notice.address for notice in notices()] == ["ana@example.org", "otto@example.org"]


def test_the_sweep_sends_it(write: Callable[..., None], mail_sink: Sink, moved_clock: Clock) -> None:
    write()
    recover.sweep(moved_clock.now())
    (message,) = mail_sink.messages()
    assert (message["To"], message["Message-ID"]) == ("otto@example.org", one().message_id)
    assert (one().state, one().sent_at) == (NoticeState.SENT, moved_clock.now())
    recover.sweep(moved_clock.forward(hours=1))
    assert len(mail_sink.messages()) == 1


def test_a_refusal_for_now_is_tried_again_for_a_day_with_the_same_bytes(
    make_app: MakeApp, write: Callable[..., None], moved_clock: Clock
) -> None:
    write()
    with ScriptedSmtp({"end": [say("451 4.3.0 later")] * 3}) as server, _with(make_app, server).app_context():
        waits = []
        while one().state is not NoticeState.SENT:
            before = moved_clock.now()
            send_due(before)
            if (due := one().next_attempt_at) is not None:
                waits.append((due - before).total_seconds() / 60)
                moved_clock.set(due)
    assert waits == [1, 5, 15]
    assert len({received.data for received in server.received}) == 1
    assert len(server.received) == 4


def test_after_a_day_it_is_given_up(make_app: MakeApp, write: Callable[..., None], moved_clock: Clock) -> None:
    write()
    began = moved_clock.now()
    with ScriptedSmtp({"rcpt": [say("450 4.2.0 later")] * 99}) as server, _with(make_app, server).app_context():
        while one().state is not NoticeState.GIVEN_UP:
            send_due(moved_clock.now())
            moved_clock.set(one().next_attempt_at or moved_clock.now())
    assert timedelta(hours=24) <= moved_clock.now() - began <= timedelta(hours=25)
    assert "later" in one().reason


def test_nobody_is_given_up_untried(
    make_app: MakeApp, write: Callable[..., None], mail_sink: Sink, moved_clock: Clock
) -> None:
    """Nothing ran for three days."""
    write()
    with ScriptedSmtp({"rcpt": say("450 4.2.0 later")}) as server, _with(make_app, server).app_context():
        send_due(moved_clock.forward(days=3))
    assert one().state is NoticeState.PENDING
    send_due(moved_clock.forward(minutes=1))
    assert one().state is NoticeState.SENT


def test_an_address_that_is_refused_is_given_up_at_once(
    make_app: MakeApp, write: Callable[..., None], moved_clock: Clock
) -> None:
    write(to=("otto", "ana"))
    script = {"rcpt:otto@example.org": say("550 5.1.1 nobody")}
    with ScriptedSmtp(script) as server, _with(make_app, server).app_context():
        assert send_due(moved_clock.now()) == 1
    assert {notice.address: notice.state for notice in notices()} == {
        "otto@example.org": NoticeState.GIVEN_UP,
        "ana@example.org": NoticeState.SENT,
    }


def test_one_that_died_while_sending_is_sent_again_under_the_same_id(
    write: Callable[..., None], mail_sink: Sink, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write()
    with monkeypatch.context() as patched:
        patched.setattr(send, "_conclude", _die)
        with pytest.raises(KeyboardInterrupt):
            send_due(moved_clock.now())
    assert one().state is NoticeState.SENDING
    send_due(moved_clock.forward(minutes=4))
    assert len(mail_sink.messages()) == 1  # it may be in somebody's hands
    send_due(moved_clock.forward(minutes=1))
    first, second = mail_sink.raw()
    assert first == second
    assert one().state is NoticeState.SENT


def test_it_is_written_down_as_being_sent_before_the_server_is_spoken_to(
    write: Callable[..., None], mail_sink: Sink, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write()
    seen = []

    def look(*_: object, **__: object) -> None:
        seen.append(one().state)
        raise KeyboardInterrupt

    monkeypatch.setattr("portal.plumbing.smtp.MailConnection.hand_over", look)
    with pytest.raises(KeyboardInterrupt):
        send_due(moved_clock.now())
    assert seen == [NoticeState.SENDING]


def test_whoever_was_thought_lost_changes_nothing(
    write: Callable[..., None], mail_sink: Sink, moved_clock: Clock
) -> None:
    write()
    old = send._take(one().id, moved_clock.now())
    new = send._take(one().id, moved_clock.forward(minutes=5))
    assert old is not None
    assert new is not None
    accepted = SmtpResult(Outcome.ACCEPTED, SmtpReply(Stage.END, 250, "ok"), connection_usable=True)
    send._conclude(old, accepted, moved_clock.now())
    assert one().state is NoticeState.SENDING
    send._conclude(new, accepted, moved_clock.now())
    assert one().state is NoticeState.SENT


def test_of_two_sweeps_one_takes_it(write: Callable[..., None], moved_clock: Clock) -> None:
    write()
    assert send._take(one().id, moved_clock.now()) is not None
    assert send._take(one().id, moved_clock.now()) is None


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "end"])
@pytest.mark.parametrize("step", [HANG, CLOSE])
def test_a_server_that_hangs_is_asked_once_a_sweep_and_again_in_a_minute(
    make_app: MakeApp,
    write: Callable[..., None],
    moved_clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    step: object,
) -> None:
    """The other notices do not wait for it too; whether it came through, nobody knows: it goes out once more."""
    monkeypatch.setattr(send, "BRIEF", Patience(connect=0.3, reply=0.3, end=0.3, quit=0.1, total=1))
    for number in range(20):
        write(f"key {number}")
    with ScriptedSmtp({stage: step}) as server, _with(make_app, server).app_context():  # type: ignore[dict-item]
        assert send_due(moved_clock.now()) == 0
        assert server.connections == 1
        assert send_due(moved_clock.forward(seconds=30)) == 0
        assert server.connections == 1
    with ScriptedSmtp() as server, _with(make_app, server).app_context():
        assert send_due(moved_clock.forward(seconds=31)) == 20
    assert {notice.state for notice in notices()} == {NoticeState.SENT}


def test_a_server_that_is_away_is_asked_once_a_sweep(
    make_app: MakeApp, write: Callable[..., None], moved_clock: Clock
) -> None:
    for number in range(5):
        write(f"key {number}")
    with make_app(MAIL_PORT="1").app_context():
        assert send_due(moved_clock.now()) == 0
    assert sorted(notice.attempts for notice in notices()) == [0, 0, 0, 0, 1]


def test_no_more_is_begun_when_the_time_is_used_up(
    write: Callable[..., None], mail_sink: Sink, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        write(f"key {number}")
    monkeypatch.setattr(send, "BUDGET_SECONDS", -1)
    assert send_due(moved_clock.now()) == 0
    monkeypatch.setattr(send, "BUDGET_SECONDS", 10)
    assert send_due(moved_clock.now()) == 5


def test_trouble_with_mails_is_none_of_the_sweeps(
    write: Callable[..., None], moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_now: datetime) -> int:
        raise RuntimeError("broken")

    monkeypatch.setattr("portal.notices.send_due", broken)
    assert recover.sweep(moved_clock.now()) == 0


def test_strange_addresses_and_texts_are_no_trouble(
    write: Callable[..., None], cast: Cast, mail_sink: Sink, moved_clock: Clock
) -> None:
    with write_session() as db:
        people = owner_and_admins(db, cast.lakeside, cast.otto)
        assert people == [(cast.ana, "ana@example.org"), (cast.otto, "otto@example.org")]
        post(
            db,
            organization_id=cast.lakeside,
            key="strange",
            kind="FAILED",
            to=[(cast.ana, "not an address"), (cast.otto, "otto@bücher.example")],
            subject="Fehler: Fälle " + "x" * 300,
            text="https://evil.example/phish\n\n- <script>alert(1)</script>\n- zwei\n",
            now=moved_clock.now(),
        )
    assert send_due(moved_clock.now()) == 1
    (message,) = mail_sink.messages()
    assert message["To"] == "otto@xn--bcher-kva.example"
    html = message.get_body(("html",)).get_content()
    assert "<script>" not in html
    assert "<a " not in html  # only addresses of this installation become links
    assert [notice.state for notice in notices()] == [NoticeState.GIVEN_UP, NoticeState.SENT]


@pytest.mark.parametrize(
    "address",
    [
        "jürgen@example.org",
        '"o t"@example.org',
        "a..b@example.org",
        "ab@[127.0.0.1]",
        # what the standard library stumbles over by errors of other kinds
        '"(].]"x@"@example.org',
        "a@[-",
    ],
)
def test_no_address_holds_up_the_others(
    write: Callable[..., None], cast: Cast, mail_sink: Sink, moved_clock: Clock, address: str
) -> None:
    with write_session() as db:
        post(
            db,
            organization_id=cast.lakeside,
            key="odd",
            kind="FAILED",
            to=[(cast.ana, address)],
            subject="s",
            text="t\n",
            now=moved_clock.now(),
        )
    write()
    send_due(moved_clock.now())
    assert "otto@example.org" in [message["To"] for message in mail_sink.messages()]
    assert {notice.state for notice in notices()} <= {NoticeState.SENT, NoticeState.GIVEN_UP}


def _with(make_app: MakeApp, server: ScriptedSmtp) -> Flask:
    return make_app(MAIL_PORT=str(server.port))


def _die(*_: object, **__: object) -> uuid.UUID:
    raise KeyboardInterrupt
