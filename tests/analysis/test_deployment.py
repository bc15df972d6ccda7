"""Variables of a deployment are recognised where they would be read or set, and ordinary commands are left alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.analysis.deployment import VARIABLES, findings
from aaf.domain.errors import Code

ORDINARY = (Path(__file__).parent / "ordinary_commands.txt").read_text(encoding="utf-8").splitlines()

SHELL = [
    "docker exec -it web env",
    "kubectl exec web-1 -n shop -- printenv",
    "docker run -e PORT x",
    "docker run --rm --env WEB_UI_HOST x",
    "sh -c env",
    'bash -lc "export -p"',
    "cmd /c set",
    'cmd.exe /c "set PORT"',
    "echo !PORT!",
    "timeout -s KILL 5 env",
    "nice env",
    "nohup printenv",
    "command env",
    "busybox env",
    "xargs -n1 env",
    "{ env; }",
    "! env",
    "env 2>&1",
    "\\env",
    'e""nv | sort',
    "pri''ntenv",
    "declare",
    "typeset -p",
    "local -p",
    "readonly -p",
    "cat /proc/self/env*",
    "cd /proc/1 && cat environ",
    "ps -E",
    "p=PORT; echo ${!p}",
    "unset  PORT",
    "printenv\tPORT",
    "export 'PORT'=3",
    "Get-Item Env:PORT",
    "gc env:\\PORT",
    'node -p "process.env"',
    'ruby -e "p ENV"',
    "echo $PORT",
    'echo "$PORT"',
    "echo ${PORT}",
    "echo ${SEARXNG_URL:-none}",
    "echo ${#OPENAI_API_KEY}",
    "x=PORT; echo ${!PORT}",
    "curl $SEARXNG_URL/search?q=x",
    'curl -H "Authorization: Bearer $GITHUB_TOKEN" https://api.example.com',
    "printenv PORT",
    "printenv HOME WEB_UI_HOST",
    "printenv",
    "printenv | sort",
    "env",
    "env | grep -i key",
    "/usr/bin/env > out.txt",
    "cd /tmp && env",
    "sudo env",
    "true; set",
    "export -p",
    "export",
    "declare -x",
    "declare -p | grep URL",
    "compgen -e",
    "PORT=1 ./run",
    "export PORT=80",
    "export A=1 PORT=80",
    "export WEB_UI_HOST",
    "unset SEARXNG_URL",
    "env SEARXNG_URL=http://evil.example ./run",
    "env -u PORT ./run",
    "docker run -e PORT=1 app",
    "docker run --env=PORT=1 app",
    "docker build --build-arg OPENAI_API_KEY=x .",
    "make PORT=1",
    "setx PORT 1",
    "set -gx WEB_UI_HOST evil",
    "read PORT < /tmp/x",
    "launchctl getenv PORT",
    "cat /proc/self/environ",
    "cat /proc/1/environ | tr '\\0' '\\n'",
    "strings /proc/*/environ",
    "xxd /proc/$PID/environ",
    "ps eww",
    "ps auxe | grep aaf",
    "systemctl show-environment",
    "echo %PORT%",
    "echo %OpenAI_Api_Key%",
    "$env:PORT",
    "Write-Output ${env:SEARXNG_URL}",
    "Get-ChildItem env:",
    "pr'int'env PORT",
    'echo $"PORT"',
    "cat /proc/self/envi\\ron",
    "bash -c 'echo $AAF_DATA'",
    "FROM x\nENV PORT 80\n",
    "echo `printenv`",
]
CODE = [
    "for name in os.environ:\n    print(name)",
    "for name, value in sorted(os.environ.items()): print(name)",
    "for (const name in process.env) console.log(name)",
    'echo $_SERVER["PORT"];',
    "System.get_env()",
    'os.environ["PORT"]',
    "os.environ.get('SEARXNG_URL')",
    'os.getenv("OPENAI_API_KEY", "")',
    'os.environ["PORT"] = "1"',
    'os.putenv("PORT", "1")',
    'environ.setdefault("PORT", "1")',
    "print(os.environ)",
    "json.dumps(dict(os.environ))",
    "for k, v in os.environ.items(): print(k, v)",
    'f"{os.environ}"',
    "process.env.PORT",
    'process.env["WEB_UI_HOST"]',
    "const { PORT, HOST } = process.env",
    "console.log(process.env)",
    "JSON.stringify(process.env)",
    "import.meta.env.SEARXNG_URL",
    'Deno.env.get("PORT")',
    'System.getenv("PORT")',
    "System.getenv()",
    "getenv('PORT')",
    "$_ENV['PORT']",
    'ENV["PORT"]',
    "ENV.fetch('PORT')",
    "$ENV{PORT}",
    'os.Getenv("PORT")',
    'os.LookupEnv("PORT")',
    "os.Environ()",
    'env::var("PORT")',
    'env!("PORT")',
    'Environment.GetEnvironmentVariable("PORT")',
    '[Environment]::SetEnvironmentVariable("PORT", "1")',
    'open("/proc/self/environ").read()',
]
PLAIN_CODE = [
    "public int Size { get; set; }",
    "int Size { get;set; }",
    'if "HOME" in os.environ: pass',
    'run(env={**os.environ, "X": "1"})',
    "for name in environments: print(name)",
    'for part in os.environ["PATH"].split(":"): print(part)',
    "const seen = new Set()",
    "puts ENVELOPE",
    'node -e "process.env.NODE_ENV"',
    "port = 8080",
    "PORT = 8080",
    'os.environ["HOME"]',
    "os.environ.get('LANG')",
    "subprocess.run(cmd, env={**os.environ, 'LANG': 'C'})",
    "process.env.NODE_ENV === 'production'",
    "if PORT == 80: pass",
    "token = parse(text)",
    "const PORT = 3000;",
    "envelope(TOKEN)",
    "class Environment: pass",
    "print('set PORT in the file')",
    "settings.PORT",
]


def found(text: object, klass: str | None = "shell_command", *names: str) -> list[str]:
    return [one.field for one in findings(klass, {"command": text}, names)]  # type: ignore[dict-item]


@pytest.mark.requirement("R42")
@pytest.mark.parametrize("command", SHELL)
def test_a_command_that_reads_or_sets_one_is_found(command: str) -> None:
    assert found(command) == ["params.command"]
    assert found(command, "gui_control") == found(command, None) == ["params.command"]


@pytest.mark.requirement("R42")
@pytest.mark.parametrize("code", CODE)
def test_code_that_reads_or_sets_one_is_found(code: str) -> None:
    assert found(f"import os\n{code}\n", "code_execution") == ["params.command"]


@pytest.mark.parametrize("code", PLAIN_CODE)
def test_plain_code_is_left_alone(code: str) -> None:
    assert found(f"import os\n{code}\n", "code_execution") == []


def test_ordinary_commands_are_left_alone() -> None:
    wrongly = [command for command in ORDINARY if found(command)]
    assert wrongly == []
    page = (Path(__file__).parents[2] / "docs" / "threat-model.md").read_text(encoding="utf-8")
    assert f"of {len(ORDINARY)} ordinary commands none is denied" in page


@pytest.mark.requirement("R42")
@pytest.mark.parametrize(
    "params",
    [
        {"key": "PORT", "value": "81"},
        {"setting": "env.SEARXNG_URL"},
        {"path": "services/web/environment/WEB_UI_HOST"},
        {"set": {"web": {"port": 80, "PORT": 81}}},
        {"set": [{"name": "OPENAI_API_KEY"}]},
        {"value": "http://${WEB_UI_HOST}/"},
        {"key": "openai_api_key"},
    ],
)
def test_a_change_of_settings_that_names_one_is_found(params: dict[str, object]) -> None:
    assert findings("config_change", params)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "params", [{"key": "theme"}, {"key": "report"}, {"value": "the PORT of call"}, {"n": 5, "x": None}]
)
def test_other_settings_are_left_alone(params: dict[str, object]) -> None:
    assert findings("config_change", params) == ()  # type: ignore[arg-type]


def test_a_command_in_parts_is_read_as_one_too() -> None:
    assert found(["printenv", "PORT"]) == ["params.command"]
    assert found({"argv": ["sh", "-c", "echo $PORT"]}) == ["params.command"]
    assert found(["printenv"]) == ["params.command"]
    assert found(["ls", "-l"]) == found(["x", 5]) == found(5) == []


@pytest.mark.parametrize("klass", ["read", "file_write", "file_delete", "external_api_call", "payment", "other"])
def test_classes_that_run_type_and_set_nothing_are_passed_over(klass: str) -> None:
    assert found("echo $PORT", klass) == []


def test_names_can_be_added_and_never_taken_away() -> None:
    assert found("echo $INTERNAL_HOST") == []
    assert found("echo $INTERNAL_HOST", "shell_command", "INTERNAL_HOST") == ["params.command"]
    for name in VARIABLES:
        assert found(f"echo ${name}", "shell_command", "INTERNAL_HOST") == ["params.command"]


def test_a_finding_denies_and_quotes_nothing() -> None:
    (one,) = findings("shell_command", {"command": "echo $PORT KANARI"})
    assert (one.code, one.deny) == (str(Code.DEPLOYMENT_VARIABLE), Code.DEPLOYMENT_VARIABLE)
    assert "KANARI" not in one.note


@pytest.mark.parametrize(
    "piece",
    [
        "printenv ",
        "export a ",
        "/proc/",
        " ",
        "\n",
        "env",
        "e",
        "A_",
        "${A_",
        "{a,",
        "ps e",
        "set ",
        "process.env",
        "%A_",
        "=",
        "ENV{",
    ],
)
def test_a_long_text_takes_time_in_proportion(piece: str) -> None:
    # Were the search quadratic, these would take hours.
    found(piece * (400_000 // len(piece)))


@given(st.text())
def test_no_text_breaks_the_search(text: str) -> None:
    findings("config_change", {"command": [text, {text: text}]})
