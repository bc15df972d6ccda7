"""Fields that are sensitive by name: declared secret wherever a schema has them, and never what an approver has to see."""

import pytest

from aaf.domain.errors import ConfigurationInvalid
from aaf.domain.redaction import SENSITIVE
from aaf.policy.configuration import Configuration, load

ACTION = """
name: crm.update
class: external_api_call
risk: medium
input:
  type: object
  additionalProperties: false
  properties:
    to: {{type: string}}
    {name}: {{type: string}}
    login:
      type: object
      additionalProperties: false
      properties: {{{name}: {{type: string}}, user: {{type: string}}}}
targets: [params.to{also}]
effect: caller
"""


def configured(name: str, *, redact: str = "", also: str = "", rules: str = "") -> Configuration:
    main = f"version: 1\n{f'redact: [{redact}]' if redact else ''}\n{rules}"
    return load({"aaf.yaml": main.encode(), "actions/crm.update.yaml": ACTION.format(name=name, also=also).encode()})


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("name", [*SENSITIVE, "Api-Key", "creditCard", "PASSWORD"])
def test_the_names_that_everybody_knows_are_secret_without_being_asked(name: str) -> None:
    entry = configured(name).catalogue["crm.update"]
    assert entry.secret == (f"params.{name}", f"params.login.{name}")


@pytest.mark.requirement("R23")
def test_a_configuration_adds_names_of_its_own() -> None:
    assert configured("iban").catalogue["crm.update"].secret == ()
    found = configured("iban", redact="IBAN")
    assert found.catalogue["crm.update"].secret == ("params.iban", "params.login.iban")
    assert Configuration.from_stored(found.to_stored()).to_stored() == found.to_stored()


@pytest.mark.requirement("R23")
@pytest.mark.attack("G12", guard="aaf.policy.catalogue:touches", without="tests.attacks.without:returns_false")
def test_what_an_approver_has_to_see_is_not_hidden_by_its_name() -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        configured("iban", redact="iban, to")
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.column) == ("aaf.yaml", 2, 16)
    assert problem.message == "`to` would hide params.to of crm.update, which an approver must see"
    assert configured("token", also=", params.token").catalogue["crm.update"].secret == ("params.login.token",)


def test_names_of_every_alphabet_count_and_signs_alone_are_no_name() -> None:
    found = configured("\u0438\u043c\u044f", redact="\u0418\u043c\u044f")
    assert found.catalogue["crm.update"].secret == ("params.\u0438\u043c\u044f", "params.login.\u0438\u043c\u044f")
    with pytest.raises(ConfigurationInvalid) as caught:
        configured("iban", redact="'---'")
    assert [problem.message for problem in caught.value.problems] == ["`---` names no field"]
