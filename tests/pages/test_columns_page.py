"""The page that says what each column means is made from the catalogue: whatever a file can hold stands on it."""

from __future__ import annotations

import re

from portal import audit
from portal.exports.catalogue import OFFERED
from portal.exports.masking import MaskingRules, Profile, Treatment
from portal.models import FieldTag, TagDataType, TagSource, write_session
from portal.people.organization_settings import change_settings
from tests.support.cast import LONG_AGO, Cast


def test_every_column_that_a_file_can_have_is_explained(page, cast: Cast) -> None:
    answer = page.otto.get("/columns")
    keys = {each.text for each in answer.find("//td/span[contains(@class, 'mono')]")}
    for offer in OFFERED.values():
        for column in offer.choosable():
            assert column.about, column.key
            key = re.sub(r"^inv_(?!\{)([0-9]+_)?", "inv_{n}_", column.key)
            assert key in keys
            assert column.about in answer.words
    assert "change" in keys
    assert "Board" not in "".join(answer.find("//tr[@id='change']")[0].itertext())
    status = answer.find("//tr[@id='case_status']")[0]
    assert "Flat file, Cases only, Custom" in " ".join("".join(status.itertext()).split())


def test_it_shows_tags_and_what_the_organization_masks(page, cast: Cast) -> None:
    with write_session() as session:
        session.add(
            FieldTag(
                organization_id=cast.lakeside,
                slot=1,
                source=TagSource.CASE,
                field_path="custom_fields.loss",
                column_name="loss",
                label="Loss <b>",
                data_type=TagDataType.CURRENCY,
                sensitivity="OPEN",
            )
        )
    rules = MaskingRules(columns={Profile.EXTERNAL: {"loss": Treatment.OMIT}})
    change_settings(cast.lakeside, "masking", {"masking": rules.to_json()}, now=LONG_AGO, actor=audit.operator)
    cells = ["".join(each.itertext()) for each in page.otto.get("/columns").find("//tr[@id='loss']/td")]
    assert cells[0] == "Loss <b>lossNumber"
    assert cells[-2:] == ["Shown", "Left out"]
    assert not page.stella.get("/columns").find("//tr[@id='loss']")
