"""The forms of credentials, as their issuers' own documentation has them in November 2026.

Each pattern is written for RE2. Its first group, or all of it, is the credential alone and consists only of characters that mean nothing
to a shell, a URL or a query: no host, path or command can be hidden in what looks like a password. What may be repeated without end, or
ends at a word's boundary, so that no tail of a credential is left.

Two things keep the time linear whatever is written: a lead has no repetition but a short one, so that the automaton of all leads stays small; and where
a form could begin anew at every few letters of a long run, it is bound to begin at an edge (`_EDGE`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aaf.analysis.secret_checks import (
    discord_token,
    generated,
    json_web_token,
    key_of_this_firewall,
    lines_of_a_key,
    login,
    password_of_an_address,
    private_key,
    unreadable,
    varied,
)
from aaf.domain.api_key import PREFIX


@dataclass(frozen=True, slots=True)
class Form:
    """What is always in a credential, the pattern whose group it is, and a check of what was found."""

    kind: str
    lead: str
    pattern: str
    """A group stands behind something, be it an edge; without one all of it is the credential, if no word goes on there."""
    check: Callable[[bytes], bool]
    certain: bool


_EDGE = r"(?:^|[^A-Za-z0-9_-]|\\[bfnrtv]|%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4})"
"""The beginning of a word, also behind an escape; what it takes up is no part of the credential."""
_QUOTE = r"(?:\\{0,3}[\"'`]|&quot;|%22)?"
"""A quotation mark, also in JSON that stands in JSON."""
_IS = r"\s{0,3}(?::=|=>|==|=|:|>)\s{0,3}"
_VALUE = r"[A-Za-z0-9+/_.-]"
"""What a password in an assignment may consist of; nothing else is hidden."""
_BREAK = r"(?:\\{1,4}[rn]|\s)"
"""The end of a line of a key, also in JSON that stands in JSON."""
_B64 = r"[A-Za-z0-9+/]"
_UUID = r"[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}"


def _of(kind: str, lead: str, rest: str, check: Callable[[bytes], bool] = unreadable) -> Form:
    """A form that begins with its lead."""
    return _with(kind, lead, lead + rest, check)


def _with(
    kind: str, lead: str, pattern: str, check: Callable[[bytes], bool] = unreadable, *, certain: bool = True
) -> Form:
    """A form in which its lead stands somewhere."""
    return Form(kind, lead, pattern, check, certain)


def _at_edge(kind: str, lead: str, pattern: str, check: Callable[[bytes], bool] = unreadable) -> Form:
    """A form that begins where a word does, and whose characters may be its lead again."""
    return _with(kind, lead, f"{_EDGE}({pattern})", check)


_CLOUDS: Sequence[Form] = (
    _of("an AWS access key", "(?:AKIA|ASIA|ABIA|ACCA)", r"[A-Z2-7]{16}\b", varied),
    _with(
        "an AWS secret key",
        "(?i:secret)",
        rf"(?i:secret_?access_?key){_QUOTE}{_IS}{_QUOTE}({_B64}{{40}})(?:[^A-Za-z0-9+/]|$)",
    ),
    _of("an AWS Bedrock key", "ABSK", r"[A-Za-z0-9+/]{100,}={0,2}"),
    _at_edge("a Google API key", "AIza", r"AIza[A-Za-z0-9_-]{35,}"),
    _at_edge("a Google API key", r"AQ\.Ab", r"AQ\.Ab[A-Za-z0-9_-]{40,}"),
    _of("a Google OAuth secret", "GOCSPX-", r"[A-Za-z0-9_-]{28,}"),
    _of("a Google access token", r"ya29\.", r"[A-Za-z0-9_.-]{30,}"),
    _of("a Google refresh token", "1//0", r"[A-Za-z0-9_-]{40,}"),
    _with("an Azure storage key", "(?i:AccountKey)", rf"(?i:AccountKey)=({_B64}{{86}}==)"),
    _with("an Azure access key", "(?i:SharedAccessKey)", rf"(?i:SharedAccessKey)=({_B64}{{43}}=)"),
    _with("an Azure shared access signature", "sig=", r"[?&;]sig=([A-Za-z0-9%/+]{40,80}(?:%3[Dd]|=))"),
    _at_edge("a Microsoft Entra client secret", "[0-9]Q~", r"[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,}"),
    _at_edge("an Azure DevOps token", "AZDO", r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}\b"),
    _at_edge(
        "an Azure service key",
        "JQQJ9",
        r"[A-Za-z0-9]{52}JQQJ9[9DH][A-Za-z0-9][A-L][A-Za-z0-9]{24}(?:[A-Za-z0-9]{2}==)?",
    ),
    _of("a DigitalOcean token", "do[opr]_v1_", r"[a-f0-9]{64}\b", varied),
    _at_edge("a Heroku key", "HRKU-", r"HRKU-[A-Za-z0-9_-]{36,}"),
    _of("a Fly.io token", "fm[12][ar]?_", r"[A-Za-z0-9+/]{60,}={0,3}"),
    _of("a Netlify token", "nfp_", r"[A-Za-z0-9]{36,}"),
    _of("a PlanetScale secret", "pscale_(?:tkn|pw|oauth)_", r"[A-Za-z0-9_.-]{32,}"),
    _of("a Supabase key", "sbp_", r"[a-f0-9]{40}\b", varied),
    _of("a Supabase key", "sb_secret_", r"[A-Za-z0-9_-]{20,}"),
    _of("a Databricks token", "dapi", r"[a-f0-9]{32}(?:-[0-9])?\b", varied),
    _of("a Pulumi token", "pul-", r"[a-f0-9]{40}\b", varied),
    _at_edge("a Terraform Cloud token", r"\.atlasv1\.", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}"),
    _of("an Alibaba access key", "LTAI", r"[A-Za-z0-9]{20}\b"),
    _of("a Tailscale key", "tskey-(?:auth|api|client|scim|webhook)-", r"[A-Za-z0-9]{10,}-[A-Za-z0-9]{20,}"),
)

_SOURCES: Sequence[Form] = (
    _of("a GitHub token", "gh[pousr]_", r"(?:[A-Za-z0-9]{36,}|[0-9]{1,20}_eyJ[A-Za-z0-9_.-]{40,})"),
    _of("a GitHub token", "github_pat_", r"[A-Za-z0-9_]{60,}"),
    _of("a GitLab token", "gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|oas|soat|ffct|wt)-", r"[A-Za-z0-9_.-]{20,}"),
    _of("a GitLab runner's token", "GR1348941", r"[A-Za-z0-9_-]{20,}"),
    _of("a Bitbucket or Atlassian token", "AT(?:ATT3|BB|CTT3)", r"[A-Za-z0-9_=-]{24,}"),
    _of("an npm token", "npm_", r"[A-Za-z0-9]{36}\b"),
    _at_edge("a PyPI token", "pypi-AgE", r"pypi-AgE[A-Za-z0-9_-]{50,}"),
    _of("a RubyGems key", "rubygems_", r"[a-f0-9]{48}\b", varied),
    _of("a NuGet key", "oy2[a-z0-9]{8}", r"[a-z0-9]{35}\b"),
    _of("a crates.io token", "cio[A-Za-z0-9]{8}", r"[A-Za-z0-9]{24}\b"),
    _of("a Docker Hub token", "dckr_[po]at_", r"[A-Za-z0-9_-]{27,}"),
    _of("a Sourcegraph token", "sgp_", r"(?:[a-f0-9]{16}_|local_)?[a-f0-9]{40}\b", varied),
    _of("a Buildkite token", "bk(?:ua|aj)_", r"[a-f0-9]{40}\b", varied),
    _of("a CircleCI token", "CCIPAT_", r"[A-Za-z0-9]{22}_[a-f0-9]{40}\b"),
    _of("a Postman key", "PMAK-", r"[a-f0-9]{24}-[a-f0-9]{34}\b", varied),
)

_MODELS: Sequence[Form] = (
    _of("an OpenAI key", "sk-(?:proj|svcacct|admin|None)-", r"[A-Za-z0-9_-]{20,}"),
    _of("an OpenAI or similar key", "sk-", r"[A-Za-z0-9]{32,}", generated),
    _at_edge("an Anthropic key", "sk-ant-", r"sk-ant-[a-z0-9]{3,8}-[A-Za-z0-9_-]{60,}"),
    _of("an OpenRouter key", "sk-or-v1-", r"[a-f0-9]{64}\b", varied),
    _of("a Hugging Face token", "(?:hf_|api_org_)", r"[A-Za-z0-9]{34}\b"),
    _of("a Groq key", "gsk_", r"[A-Za-z0-9]{52}\b"),
    _of("a Replicate token", "r8_", r"[A-Za-z0-9]{37}\b"),
    _of("a Perplexity key", "pplx-", r"[A-Za-z0-9]{48,}"),
    _of("an xAI key", "xai-", r"[A-Za-z0-9]{70,}"),
    _of("a Langfuse key", "sk-lf-", rf"{_UUID}\b", varied),
    _of("a LangSmith key", "lsv2_(?:pt|sk)_", r"[a-f0-9]{32}_[a-f0-9]{10}\b", varied),
)

_MESSAGES: Sequence[Form] = (
    _of("a Slack token", "xox[abeoprs]-", r"[A-Za-z0-9-]{20,}"),
    _of("a Slack token", "xapp-[0-9]-", r"[A-Za-z0-9-]{30,}"),
    _of("a Slack token", r"xoxe\.xox[bp]-[0-9]-", r"[A-Za-z0-9]{100,}"),
    _with(
        "a Slack webhook",
        r"hooks\.slack\.com",
        r"hooks\.slack\.com\\?/(?:services|workflows|triggers)\\?/([A-Za-z0-9+/]{40,})",
    ),
    _at_edge(
        "a Discord bot token",
        "[MNO][DTjz][AEIMQUYcgk][w-z0-5]",
        r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}",
        discord_token,
    ),
    _with(
        "a Discord webhook",
        r"/webhooks\\?/",
        r"discord(?:app)?\.com\\?/api\\?/webhooks\\?/[0-9]{17,20}\\?/([A-Za-z0-9_-]{60,})",
    ),
    _at_edge("a Telegram bot token", ":AA", r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33,}"),
    _with("a Teams webhook", "/IncomingWebhook/", rf"/IncomingWebhook/([a-f0-9]{{32}}/{_UUID})\b", varied),
    _of("a Twilio key", "SK[0-9a-f]{8}", r"[0-9a-f]{24}\b", varied),
    _of("a SendGrid key", r"SG\.", r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43,}"),
    _of("a Mailgun key", "key-", r"[a-f0-9]{32}\b", varied),
    _at_edge("a Mailchimp key", "-us[0-9]", r"[a-f0-9]{32}-us[0-9]{1,2}\b", varied),
    _of("a Brevo key", "xkeysib-", r"[a-f0-9]{64}-[A-Za-z0-9]{16}\b", varied),
)

_MONEY: Sequence[Form] = (
    _of("a Stripe key", "(?:sk|rk)_(?:live|test|prod)_", r"[A-Za-z0-9]{16,}"),
    _of("a Stripe webhook secret", "whsec_", r"[A-Za-z0-9+/]{32,}={0,2}"),
    _of("a Square token", "sq0(?:atp|csp|idp)-", r"[A-Za-z0-9_-]{22,}"),
    _at_edge("a Square token", "EAAA", r"EAAA[A-Za-z0-9_-]{60,}"),
    _of("a Shopify token", "shp(?:at|ca|pa|ss)_", r"[a-fA-F0-9]{32}\b", varied),
    _with(
        "a PayPal or Braintree token",
        r"access_token\$",
        r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$([a-f0-9]{32})\b",
        varied,
    ),
    _of("a Plaid token", "access-(?:sandbox|development|production)-", rf"{_UUID}\b", varied),
    _of("a Flutterwave key", "FLWSECK", r"(?:_TEST)?-[a-f0-9]{32}-X\b"),
)

_TOOLS: Sequence[Form] = (
    _of("a Notion token", "ntn_", r"[A-Za-z0-9]{40,}"),
    _of("a Notion token", "secret_", r"[A-Za-z0-9]{43}\b", generated),
    _of("a Linear key", "lin_(?:api|oauth)_", r"[A-Za-z0-9]{40,}"),
    _of("an Airtable token", r"pat[A-Za-z0-9]{14}\.", r"[a-f0-9]{64}\b", varied),
    _at_edge(
        "an Asana token",
        "[12]/[0-9][0-9][0-9][0-9][0-9][0-9]",
        r"[12]/[0-9]{10,}(?:/[0-9]{10,})?:[a-f0-9]{32}\b",
        varied,
    ),
    _at_edge("a Figma token", "fig[dor]_", r"fig[dor]_[A-Za-z0-9_-]{40,}"),
    _at_edge("a Dropbox token", r"sl\.", r"sl\.(?:u\.)?[A-Za-z0-9_-]{130,}"),
    _of("a HubSpot token", "pat-(?:na|eu)[0-9]-", rf"{_UUID}\b", varied),
    _at_edge("a Facebook token", "EAA", r"EAA[A-Za-z0-9]{80,}"),
    _of("a Doppler token", r"dp\.(?:pt|st|ct|sa|scim|audit)\.", r"(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,}"),
    _of("a Vault token", r"hv[sbr]\.", r"[A-Za-z0-9_-]{24,}"),
    _of("a 1Password token", "ops_eyJ", r"[A-Za-z0-9+/_-]{200,}={0,3}"),
    _of("a Grafana token", "glsa_", r"[A-Za-z0-9]{32}_[a-f0-9]{8}\b", varied),
    _of("a Grafana token", "glc_", r"[A-Za-z0-9+/]{32,}={0,3}"),
    _of("a New Relic key", "NRAK-", r"[A-Z0-9]{27}\b"),
    _of("a New Relic key", "NRII-", r"[A-Za-z0-9_-]{32,}"),
    _of("a Dynatrace token", r"dt0[a-z]01\.", r"[A-Z0-9]{24}\.[A-Z0-9]{64}\b"),
    _of("a Sentry token", "sntryu_", r"[a-f0-9]{64}\b", varied),
    _of("a Sentry token", "sntrys_eyJ", r"[A-Za-z0-9+/=_-]{60,}"),
    _of("a PostHog key", "phx_", r"[A-Za-z0-9]{43,}"),
    _of("a Sonar token", "sq[apu]_", r"[a-f0-9]{40}\b", varied),
    _of("an age key", "AGE-SECRET-KEY-1", r"[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}\b"),
)

_CALLED_SO = (
    r"(?:passw(?:or)?d|passphrase|passwd|pwd|secret|credentials?|(?:auth|access|api|refresh|bot|bearer|private|service|deploy|session|vault|"
    r"gitlab|github|npm|slack|personal|identity|id|security)[_.-]?token|(?:api|access|private|secret|signing|encryption|master|account)[_.-]?key)"
    r"(?:[_.-]?(?:access[_.-]?key|key|base|value|prod|dev|test|staging|live|[0-9]{1,3})){0,2}"
)
_SESSIONS = r"(?:j?session_?id|phpsessid|asp\.net_sessionid|connect\.sid|_session(?:_id)?)"

_ANYBODYS: Sequence[Form] = (
    _of("a key of this firewall", PREFIX, r"[0-9A-Za-z]{36}\b", key_of_this_firewall),
    _at_edge(
        "a JSON Web Token",
        "eyJ",
        r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*){0,2}",
        json_web_token,
    ),
    _of(
        "a private key",
        "-----BEGIN ",
        rf"[A-Z0-9 ]{{0,30}}PRIVATE KEY(?: BLOCK)?-----{_BREAK}{{0,6}}(?:[A-Za-z-]{{1,20}}: [A-Za-z0-9 ,.()-]{{1,90}}{_BREAK}+)*"
        rf"(?:{_B64}{{40,}}={{0,2}}{_BREAK}{{0,40}})+"
        rf"(?:(?:{_B64}+={{0,2}}{_BREAK}{{1,40}})?(?:={_B64}{{4}}{_BREAK}{{1,40}})?-----END [A-Z0-9 ]{{0,30}}PRIVATE KEY(?: BLOCK)?-----"
        rf"|{_B64}{{16,}}={{0,2}}|{_B64}+={{1,2}})?",
        private_key,
    ),
    _with(
        "a private key of PuTTY",
        "Private-Lines:",
        rf"Private-Lines: [0-9]{{1,3}}{_BREAK}{{1,2}}((?:{_B64}{{64}}{_BREAK}{{1,2}})*{_B64}{{1,64}}={{0,2}}){_BREAK}{{1,2}}Private-MAC",
        lines_of_a_key,
    ),
    _with(
        "the password of an address",
        r":(?://|\\/\\/)",
        r"[A-Za-z0-9]:(?://|\\/\\/)[A-Za-z0-9._~%!+=-]{0,80}:([A-Za-z0-9._~%!+=-]{4,})@[A-Za-z0-9\[]",
        password_of_an_address,
        certain=False,
    ),
    _with(
        "a bearer token",
        "(?i:bearer)",
        r"(?i:bearer)\s{1,3}(?:[0-9]{1,9}\|)?([A-Za-z0-9._~+/-]{16,}={0,3})",
        generated,
        certain=False,
    ),
    _with("a login", "(?i:basic)", r"(?i:basic)\s{1,3}([A-Za-z0-9+/]{8,}={0,2})", login, certain=False),
    _with(
        "a token of a request",
        "(?i:authorization)",
        rf"(?i:authorization){_QUOTE}{_IS}{_QUOTE}(?i:(?:token|key|apikey|api-key|bot|sso-key|pve-?api-?token)(?:\s|=){{1,3}})?({_VALUE}{{16,}}={{0,3}})",
        generated,
        certain=False,
    ),
    _with(
        "a password on a command line",
        r"(?:-u|--user)[ =]",
        rf"\B(?:-u|--user)[ =]{{1,2}}{_QUOTE}[A-Za-z0-9_.@+-]{{1,64}}:({_VALUE}{{8,}}={{0,3}})",
        generated,
        certain=False,
    ),
    _with(
        "a session's cookie",
        f"(?i:{_SESSIONS})=",
        rf"(?i:{_SESSIONS})=(?:s%3[Aa])?({_VALUE}{{20,}}={{0,3}})",
        generated,
        certain=False,
    ),
    _with(
        "a value that is called a secret",
        "(?i:pass|pwd|secret|credential|token|key)",
        rf"(?:(?i:{_CALLED_SO})|{_EDGE}(?i:token)){_QUOTE}(?:{_IS}|\s){_QUOTE}({_VALUE}{{12,}}={{0,3}})",
        generated,
        certain=False,
    ),
    _with(
        "the password of a connection",
        "(?i:password|pwd)",
        rf"\b(?i:password|pwd)=({_VALUE}{{8,11}}={{0,3}})(?:[;\"']|$)",
        generated,
        certain=False,
    ),
)

FORMS: Sequence[Form] = (*_CLOUDS, *_SOURCES, *_MODELS, *_MESSAGES, *_MONEY, *_TOOLS, *_ANYBODYS)
