"""Variables of the deployment, named where an action would read or set them: in a command, in code, in what is typed, in a setting.

Known by their usual spellings, in the shells and languages that are used most. It stops what is written plainly; somebody who puts a name together at
run time is not seen here, and is kept from the firewall's own variables by running elsewhere, without its environment. Names are never
values: nothing here knows what a variable holds.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from aaf.domain.canonical import Json
from aaf.domain.errors import Code
from aaf.domain.finding import Finding, Severity

VARIABLES = ("PORT", "SEARXNG_URL", "WEB_UI_HOST")
"""Variables of a deployment that are always protected. A configuration adds to them, and takes none away."""

SENSITIVE_NAME = re.compile(
    r"(?:^|_)(?:API_?KEY|CONNECTION_STRING|CREDENTIALS?|DSN|KEY|PASSPHRASE|PASSWORD|PASSWD|SECRET|TOKEN)$",
    re.IGNORECASE,
)
"""Variables that are likely to hold a secret, by how their names end."""

_LOOKED_AT = frozenset({"code_execution", "config_change", "gui_control", "shell_command"})
_NOTE = "A variable of a deployment is read or set here."
_SENSITIVE = (
    r"AAF_[A-Z0-9_]+|(?:[A-Z][A-Z0-9]*_)*(?:API_?KEY|CONNECTION_STRING|CREDENTIALS?|DSN|PASSPHRASE|PASSWORD|PASSWD|SECRET|TOKEN)"
    r"|(?:[A-Z][A-Z0-9]*_)+KEY"
)
_QUOTES = re.compile(r"""['"\\`]""")
_NO_LETTER = re.compile(r"""\"\"|''|\\(?=[a-z])""")
"""What stands inside a word for a shell and says nothing: empty quotes, a backslash before a letter."""

_COMMAND = (
    r"(?:^|[\n;&|(`]|\b(?:builtin|busybox|command|do|else|exec|nice|nohup|sudo|then|time|xargs)\s"
    r"|\b(?:nice|stdbuf|timeout|xargs)(?:\s[\w.=-]{1,20}){1,3}\s|\b(?:docker|kubectl|podman)\sexec(?:\s--?\w[\w=-]{0,30}(?:\s[\w:.]{1,30})?){0,5}\s[\w.$/-]{1,60}(?:\s-\w\s[\w-]{1,40})?(?:\s--)?\s)[ \t]{0,20}"
)
_GROUP = rf"(?:{_COMMAND}|[{{!][ \t]{{1,20}})"
_SHELL = r"""\s(?:-[a-z]{0,5}c|/[cC])\s{1,5}["']?"""
"""Where a shell is given a command as one argument."""
_END = r"""[ \t]{0,20}(?:$|[\n;&|>)`]|[012]>)"""
# Whatever repeats is bounded, so that no text makes the search slow.
_WHOLE = rf"""
    /proc/[^\n]{{0,100}}(?:\benviron\b|/env?\*)
  | {_GROUP}(?:/usr/bin/|/bin/)?(?:env|printenv)[ \t]{{0,20}}(?:-0|-v|--null)?{_END}
  | {_COMMAND}(?<!get;)(?<!get;\s)set{_END}
  | {_GROUP}(?:export(?:[ ]-p)?|declare(?:[ ]-[xp])?|typeset(?:[ ]-[xp])?|local[ ]-p|readonly[ ]-p|compgen[ ]-[ev]){_END}
  | {_SHELL}(?:/usr/bin/|/bin/)?(?:env|printenv|set|export|declare|typeset)(?:[ ]-[0px])?[ ]{{0,5}}(?:["']|{_END})
  | \bps[ ]{{1,5}}(?:[A-Za-z]{{0,8}}e[A-Za-z]{{0,8}}|-[A-Za-z]{{0,8}}E[A-Za-z]{{0,8}})(?=\s|$|[|;&])
  | \bfor\s\w{{1,40}}(?:,\s?\w{{1,40}})?\sin\s(?:sorted\()?(?:os\.)?environ\b(?![.\[])
  | \bfor\s?\([^()]{{1,60}}\s(?:in|of)\sprocess\.env\s?\)
  | \s-(?:p|pe|e)\s{{1,5}}["']?process\.env\b(?![.\[?])
  | \b(?:p|pp|print|puts)\s{{1,5}}ENV\b(?![.\[])
  | \bsystemctl[ ](?:--user[ ])?show-environment\b
  | (?i:\b(?:get-childitem|gci|dir|ls)[ ]{{1,5}}env:)
  | \b(?:print|dict|list|str|repr|dumps|pprint|vars|sorted)\(\s?(?:os\.)?environ\b\s?\)
  | \bos\.environ\.(?:items|values|copy)\b
  | \{{\s?os\.environ\s?\}}
  | (?:log|info|error|stringify|entries|values|keys|assign|inspect)\([^()]{{0,40}}\bprocess\.env\s?[,)]
  | \bos\.Environ\(\)
  | (?i:\bget_?env\(\s?\)|\bGetEnvironmentVariables\b|\benv::vars\b|\bENV\.(?:to_h|each|inspect)\b|\bDeno\.env\.toObject\b)
    """
"""All variables at once."""
_TRIGGERS: Mapping[str, str] = {
    **dict.fromkeys(("AAF_", "APIKEY", "API_KEY", "CONNECTION_STRING", "CREDENTIAL", "DSN", "PASSPHRASE", "PASSW"), ""),
    **dict.fromkeys(
        ("SECRET", "TOKEN", "_KEY", "env", "Env", "ENV", "/proc/", "compgen", "declare", "export", "typeset"), ""
    ),
    "%": r"%[A-Za-z_]{1,80}%",
    "local -p": "",
    "ps ": r"ps[ ]{1,5}-?[A-Za-z]",
    "readonly -p": "",
    "set": r"""set(?=[ \t]{0,20}(?:$|[\n;&|>)`"'0-2]))""",
}
"""What stands in every spelling, and what has to go on there; a text is looked at around these only."""
_REACH = 512
"""Characters before and after a trigger that a spelling may take."""
_MOST = 131_072
"""Characters around triggers that are looked at; of a text with more, nobody can say that it names none."""


def looks_at(klass: str | None) -> bool:
    """Whether actions of a class, or of a type that nobody declared, can read or set a variable."""
    return klass is None or klass in _LOOKED_AT


def findings(klass: str | None, params: Mapping[str, Json], names: Iterable[str] = ()) -> tuple[Finding, ...]:
    """A finding, which denies, for each parameter that names a deployment's variable where it would be read or set.

    Args:
        klass: the action's class, None for a type that nobody declared; classes that run, type or set nothing are passed over.
        params: the action's parameters.
        names: further names, in capitals.
    """
    if not looks_at(klass):
        return ()
    looked = _Patterns.of(tuple(sorted({*VARIABLES, *names})))
    setting = klass == "config_change"
    return tuple(
        Finding(str(Code.DEPLOYMENT_VARIABLE), Severity.HIGH, f"params.{name}", _NOTE, Code.DEPLOYMENT_VARIABLE)
        for name, value in params.items()
        if any(looked.named(text) for text in _texts(value)) or (setting and looked.set_by({name: value}))
    )


def _texts(value: Json) -> Iterator[str]:
    """Every text in a value; a list of texts also as the one command that it may be."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        if len(value) > 1 and all(isinstance(one, str) for one in value):
            yield " ".join(map(str, value))
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _texts(item)


class _Patterns:
    """The spellings of these names and of the sensitive ones."""

    def __init__(self, names: tuple[str, ...]) -> None:
        name = rf"(?:{'|'.join(map(re.escape, names))}|{_SENSITIVE})"
        self._whole = re.compile(_WHOLE, re.VERBOSE)
        self._spelled = re.compile(
            rf"""
            \$(?:{name})(?![A-Za-z0-9_])
          | \$\{{[!\#]?{name}(?![A-Za-z0-9_])
          | %(?i:{name})%|!(?i:{name})!
          | \$_SERVER\[["']{name}["']\]
          | (?<![\w.-])(?i:env:[\\/]?{name})(?![A-Za-z0-9_])
          | ={name}(?![A-Za-z0-9_])[\s\S]{{0,200}}\$\{{!
          | \b(?:docker|podman)\b[^;&|\n]{{0,200}}\s(?:-e|--env)[ =]{name}(?![A-Za-z0-9_])
          | (?:^|[\n;&|(]|{_SHELL})[ ]{{0,5}}set[ ]{{1,5}}{name}[ ]{{0,5}}(?:$|["'&|\n])
          | \bprintenv[ \t]{{1,5}}(?:[^;&|\n]{{0,100}}[ ])?{name}(?![A-Za-z0-9_])
          | (?<![\w.])(?:env[ ]-u|launchctl[ ](?:get|set|unset)env|setx|unset|export|readonly|read|declare[ ]-\w{{1,5}}|typeset[ ]-\w{{1,5}}|set[ ]-\w{{1,5}})
              [ \t]{{1,5}}(?:[\w=./:-]{{1,60}}[ ]){{0,8}}{name}(?![A-Za-z0-9_])
          | (?:^|(?<=[\s;&|(`]))(?:--env=|--build-arg=)?{name}\+?=(?![=\s~]|$)
          | (?:^|\n)[ \t]{{0,20}}(?:ENV|ARG)[ ]{name}[ ]
          | (?i:env(?:iron\w{{0,20}}|s)?)(?:\.|::){name}\b
          | (?i:env(?:iron\w{{0,20}})?!?)(?:(?:\.|::|->)\w{{1,20}}!?)?\s?[\[({{]\s?[frbu]?["'`]?{name}["'`]?\s?[\])}},]
          | (?i:env(?:iron\w{{0,20}})?)\(["'`]{name}["'`]\)
          | \{{[^{{}}]{{0,200}}\b{name}\b[^{{}}]{{0,200}}\}}\s?=\s?(?:process|import\.meta)\.env\b
            """,
            re.VERBOSE,
        )
        self._plain = re.compile(
            rf"\$(?:{name})(?![A-Za-z0-9_])|\$\{{[!#]?{name}(?![A-Za-z0-9_])|\b(?:export|printenv|unset)[ \t]{{1,5}}{name}(?!\w)|/proc/[^\s]{{0,100}}/environ"
        )
        self._name = re.compile(rf"(?:.*[./:]|)(?i:{name})")
        self._triggers = [
            (literal, re.compile(goes_on) if goes_on else None)
            for literal, goes_on in {**dict.fromkeys(names, ""), **_TRIGGERS}.items()
        ]

    @classmethod
    def of(cls, names: tuple[str, ...]) -> "_Patterns":
        """The patterns for these names, compiled once."""
        return _compiled(names)

    def named(self, text: str) -> bool:
        """Whether a text reads or sets one, as it stands or once a shell has taken the quotes away."""
        if self._found(text, self._whole, self._spelled):
            return True
        worded = _NO_LETTER.sub("", text)
        if worded != text and self._found(worded, self._whole):
            return True
        bare = _QUOTES.sub("", text)
        return bare != text and self._found(bare, self._plain)

    def _found(self, text: str, *patterns: re.Pattern[str]) -> bool:
        looked = 0
        for start, end in self._around(text):
            looked += end - start
            if looked > _MOST or any(pattern.search(text, start, end) for pattern in patterns):
                return True
        return False

    def _around(self, text: str) -> Iterator[tuple[int, int]]:
        """Where triggers stand, with what a spelling may reach; what overlaps is one."""
        start = end = 0
        for at in sorted(self._places(text)):
            if at - _REACH > end:
                if end:
                    yield start, end
                start = max(0, at - _REACH)
            end = min(len(text), at + _REACH)
        if end:
            yield start, end

    def _places(self, text: str) -> Iterator[int]:
        for literal, goes_on in self._triggers:
            at = text.find(literal)
            while at >= 0:
                if goes_on is None or goes_on.match(text, at):
                    yield at
                at = text.find(literal, at + 1)

    def set_by(self, value: Json) -> bool:
        """Whether a change of settings names one: as a key, or as a text that is nothing but the name."""
        if isinstance(value, str):
            return self._name.fullmatch(value) is not None
        if isinstance(value, list):
            return any(map(self.set_by, value))
        if isinstance(value, dict):
            return any(self._name.fullmatch(name) is not None or self.set_by(item) for name, item in value.items())
        return False


_compiled = lru_cache(maxsize=32)(_Patterns)
