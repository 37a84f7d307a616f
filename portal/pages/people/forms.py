"""The forms of sign-in, invitation, account and people."""

from __future__ import annotations

from wtforms import (
    EmailField,
    Field,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    ValidationError,
)
from wtforms.validators import InputRequired, Length

from portal.models import Role
from portal.pages.hostile_input import PlainForm
from portal.people import passwords
from portal.people.addresses import AddressError, parse_address
from portal.people.invitations import LONGEST_NAME
from portal.people.rights import ROLE_WORDS
from portal.zones import zone_choices

ROLE_HINTS = {
    Role.ADMIN: "everything, and the people",
    Role.OFFICER: "builds schedules, sees runs and cases",
    Role.VIEWER: "sees schedules and runs, downloads files",
    Role.AUDITOR: "sees who received what, and the audit log",
}
ROLE_CHOICES = [SelectChoice(role.value, f"{ROLE_WORDS[role]} – {ROLE_HINTS[role]}") for role in Role]


def _name() -> StringField:
    rules = [InputRequired("Write the name."), Length(max=LONGEST_NAME, message=f"At most {LONGEST_NAME} characters.")]
    return StringField("Name", rules, render_kw={"autocomplete": "name"})


class SignInForm(PlainForm):
    email = EmailField("E-mail address", [InputRequired("Write your address.")], render_kw={"autocomplete": "username"})
    password = PasswordField(
        "Password", [InputRequired("Write your password.")], render_kw={"autocomplete": "current-password"}
    )


class AcceptForm(PlainForm):
    name = _name()
    password = PasswordField(
        "Password",
        [InputRequired("Choose a password.")],
        description=passwords.RULES,
        render_kw={"autocomplete": "new-password", "minlength": passwords.LEAST},
    )
    again = PasswordField(
        "Password once more",
        [InputRequired("Write the password once more.")],
        render_kw={"autocomplete": "new-password"},
    )

    def __init__(self, *args: object, invited_email: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.invited_email = invited_email

    def validate_password(self, field: Field) -> None:
        problem = passwords.problem_with(field.data or "", self.invited_email, self.name.data or "")
        if problem:
            raise ValidationError(problem)

    def validate_again(self, field: Field) -> None:
        if field.data != self.password.data:
            raise ValidationError("The two passwords differ; write them again.")


class InviteForm(PlainForm):
    email = EmailField("E-mail address", [InputRequired("Write an address.")], render_kw={"autocomplete": "off"})
    name = StringField(
        "Name",
        [Length(max=LONGEST_NAME, message=f"At most {LONGEST_NAME} characters.")],
        description="May be left empty; they can write it themselves.",
        render_kw={"autocomplete": "off"},
    )
    role = RadioField("Role", choices=ROLE_CHOICES, default=Role.OFFICER.value)

    def validate_email(self, field: Field) -> None:
        try:
            parse_address(field.data)
        except AddressError as problem:
            raise ValidationError(str(problem)) from problem


class RoleForm(PlainForm):
    role = RadioField("Role", choices=ROLE_CHOICES)


class AccountForm(PlainForm):
    name = _name()
    timezone = SelectField("Time zone", description="In which lists, the dashboard and the audit log show times.")

    def __init__(self, *args: object, organization_timezone: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        own = [SelectChoice(name, name.replace("_", " ")) for name in zone_choices()]
        as_organization = f"As the organization: {organization_timezone.replace('_', ' ')}"
        self.timezone.choices = [SelectChoice("", as_organization), *own]
