"""The part of the story that happens over the network: a read with a key that the agent never sees, two ways inward, a payment.

The shop runs on this machine, which is the one address that the demonstration's configuration exempts from the guard.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aaf.domain.canonical import Json, canonical
from aaf.domain.redaction import MASK
from aaf.entrypoints.cli.demonstration.people import Agent, Person
from aaf.entrypoints.cli.demonstration.shop import METADATA, MOVED, ORDER, PAYMENTS, Shop
from aaf.entrypoints.cli.demonstration.transcript import Transcript, expect
from aaf.entrypoints.cli.terminal.reading import member, number, text

INVOICE: dict[str, Json] = {"to": "Printer's shop", "amount": "12.50", "currency": "EUR"}


@dataclass(frozen=True, slots=True)
class Shopping:
    """Plays once against the shop."""

    shop: Shop
    transcript: Transcript

    def play(self, agent: Agent, person: Person) -> dict[str, Mapping[str, Json]]:
        """Play every step; return the actions that packs are made of."""
        return {"order": self._reads(agent), **self._goes_inward(agent), "payment": self._pays(agent, person)}

    def _reads(self, agent: Agent) -> Mapping[str, Json]:
        self.transcript.step(
            "The agent reads an order from the shop: the firewall adds the key, and takes it out again"
        )
        action = agent.asks("http.get", {"url": self.shop.url(ORDER)}, wanted="allowed", because="see what is owed")
        result = member(agent.runs(action), "result")
        body = text(result, "body")
        expect("the shop's status", 200, number(result, "status"))
        expect("the key in what the agent got", False, self.shop.key in str(result))
        expect("the place where it was", True, MASK in body)
        self.transcript.quote(body)
        self.transcript.quote(
            "The shop repeated the key that it got; the agent sees that there was one, and not which."
        )
        return action

    def _goes_inward(self, agent: Agent) -> dict[str, Mapping[str, Json]]:
        self.transcript.step("The agent asks the cloud for credentials, straight and by a redirect: denied both times")
        straight = agent.asks("http.get", {"url": METADATA}, wanted="denied", because="find out more")
        expect("the code", "egress_address_refused", text(straight, "code"))
        around = agent.asks("http.get", {"url": self.shop.url(MOVED)}, wanted="allowed", because="see the next order")
        agent.fails(around, code="egress_address_refused")
        self.transcript.quote(f"{MOVED} is listed; it redirects to {METADATA}")
        self.transcript.quote("Each hop is judged again: nothing was sent there.")
        return {"metadata": straight, "redirect": around}

    def _pays(self, agent: Agent, person: Person) -> Mapping[str, Json]:
        self.transcript.step("The agent pays the order: held, shown with target and amount, run once when approved")
        wanted: dict[str, Json] = {"url": self.shop.url(PAYMENTS), "json": dict(INVOICE)}
        action = agent.asks("payments.post", wanted, wanted="pending_approval", because="pay what is owed")
        verdict = person.answers(action, verdict="approve")
        expect("payments before the run", 0, len(self.shop.payments))
        if verdict == "reject":
            return action
        result = member(agent.runs(action), "result")
        expect("the shop's status", 201, number(result, "status"))
        expect("what the shop got", [canonical(dict(INVOICE))], self.shop.payments)
        self.transcript.quote(text(result, "body"))
        agent.is_refused("pays again", action, digest=text(action, "digest"), wanted="already_consumed")
        expect("what the shop got", 1, len(self.shop.payments))
        return action
