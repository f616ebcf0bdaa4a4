"""What Paintbox is deployed with: every file is parsed and compared with the others and with
settings.py, and what runs without the service it is for does run: nginx, the image's files.
"""

import ast
import asyncio
import configparser
import io
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from aiohttp import web
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from benchmarks.capacity import InRedis, measured, table
from benchmarks.servers import free_port
from local_chat.client import join
from settings import ROOT, Settings
from store import StoreError, open_store
from telegram_api.webhook import MAX_UPDATE_BYTES, WEBHOOK_PATH, make_app
from tests.conftest import PHOTOS, bot_in_chat, start_chat
from tests.test_conversation import choose_preset, result_in
from tests.test_documents import TRACKED, variables

KUBERNETES = ROOT / "deploy" / "kubernetes"
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
NGINX = ROOT / "deploy" / "nginx" / "paintbox.conf"
HOST = "bot.example.org"
SCALING = (ROOT / "docs" / "scaling.md").read_text("utf-8")
READ_BY_OTHERS = {"PATH", "PYTHONUNBUFFERED", "MALLOC_ARENA_MAX"}  # Python and the C library
SHUTDOWN_SECONDS = Settings.model_fields["shutdown_seconds"].default


def unknown(names: set[str]) -> set[str]:
    """Environment variables that nobody reads."""
    return names - set(variables()) - READ_BY_OTHERS


def health_routes() -> set[str]:
    return {resource.canonical for resource in make_app({}, False).router.resources()}


# Docker and compose


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's, one pair of name and arguments each."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.M)
    lines = filter(None, text.replace("\\\n", " ").splitlines())
    return [(name, " ".join(rest.split())) for name, rest in (line.split(" ", 1) for line in lines)]


def in_image() -> list[str]:
    """The tracked files that .dockerignore lets through: its last fitting line decides."""
    lines = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]

    def fits(file: str, pattern: str) -> bool:
        regex = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        return re.match(f"{regex}(/|$)", file) is not None

    def goes(file: str) -> bool:
        fitting = [line for line in lines if fits(file, line.removeprefix("!"))]
        return fitting[-1].startswith("!")

    assert lines[0] == "*"  # so that every file fits a line
    return [file for file in TRACKED if goes(file)]


def test_the_dockerfile_is_sound() -> None:
    steps = instructions()
    bases = {value.split()[0] for name, value in steps if name == "FROM"}
    version = (ROOT / ".python-version").read_text().strip()
    assert bases == {f"python:{version}-slim-bookworm"}
    copied = [value.split() for name, value in steps if name == "COPY"]
    from_context = {source for *sources, _ in copied for source in sources if source != "."}
    assert from_context - {"--from=packages", "/venv"} == {"requirements.lock"} <= set(in_image())
    last_stage = steps[[name for name, _ in steps].index("FROM", 1) :]
    of = dict(last_stage)
    assert int(of["USER"]) > 0
    assert unknown(set(re.findall(r"([A-Z_]+)=", of["ENV"]))) == set()
    assert f"{of['VOLUME']} " in of["ENV"].replace("DATA_DIR=", "") + " "
    path = re.search(rf"127\.0\.0\.1:{of['EXPOSE']}(/[a-z/]+)", of["HEALTHCHECK"])
    assert path
    assert path[1] in health_routes()
    assert f"HEALTH_PORT={of['EXPOSE']}" in of["ENV"]
    assert variables()["WEBAPP_PORT"] == of["EXPOSE"]
    assert json.loads(of["CMD"]) == ["python", "bot.py"]


def imported(file: str) -> set[str]:
    """The tracked files that may be meant by the imports of one of them, wherever they stand."""
    names: list[str] = []
    for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    paths = [name.replace(".", "/") for name in names]
    packages = [str(folder) for path in paths for folder in (path, *Path(path).parents)]
    files = {f"{path}.py" for path in paths} | {f"{folder}/__init__.py" for folder in packages}
    return files & set(TRACKED)


def reached_from(*files: str) -> set[str]:
    """These files, those that they import, and so on."""
    found: set[str] = set()
    waiting = set(files)
    while waiting:
        found |= waiting
        waiting = {name for file in waiting for name in imported(file)} - found
    return found


def test_the_image_has_every_module_that_the_bot_may_import() -> None:
    reached = reached_from("bot.py", "image_processing.py")
    assert {"jobs/worker.py", "store/redis.py", "model_nst/__init__.py"} <= reached
    missing = sorted(reached - set(in_image()))
    assert missing == [], "a line in .dockerignore lets them into the image"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A folder with what the image has in /app."""
    for file in in_image():
        (tmp_path / "app" / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / "app" / file)
    return tmp_path / "app"


@pytest.mark.parametrize("wish", ["style", "summer2winter", "winter2summer"])
def test_the_image_s_files_are_enough_to_paint(image: Path, wish: str) -> None:
    photo = str(PHOTOS / "chelsea.jpg")
    command = [sys.executable, "image_processing.py", wish, photo, "-o", "out.jpg"]
    style = ["--style", "great_wave"] if wish == "style" else []
    environment = {"PATH": os.environ["PATH"]}
    subprocess.run([*command, "--size", "128", *style], cwd=image, env=environment, check=True)
    assert (image / "out.jpg").stat().st_size > 1000
    assert not (image / "tests").exists()


async def test_the_image_s_files_are_enough_to_talk_and_tell_their_health(image: Path) -> None:
    port = free_port()
    chat = await start_chat()
    given = {"PATH": os.environ["PATH"], "DATA_DIR": str(image.parent), "HEALTH_PORT": str(port)}
    bot = await asyncio.create_subprocess_exec(
        sys.executable,
        "bot.py",
        cwd=image,
        env={**given, "BOT_TOKEN": chat.token, "TELEGRAM_API_URL": chat.url},
    )
    async with join(chat.url, "Ann", "en") as ann:
        await until_ready(port)
        await ann.say("/start")
        assert "Hello, Ann!" in (await ann.next_message()).text
    bot.send_signal(signal.SIGTERM)
    assert await bot.wait() == 0
    await chat.close()


def compose() -> Any:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines)


def appended_always(command: list[str]) -> bool:
    options = dict(zip(command[1::2], command[2::2], strict=True))
    return (
        command[0] == "redis-server"
        and options["--appendonly"] == "yes"
        and options["--appendfsync"] == "always"
        and options["--maxmemory-policy"] == "noeviction"
    )


def test_compose_has_a_bot_two_workers_and_a_redis_that_forgets_nothing() -> None:
    services = compose()["services"]
    assert set(services) == {"bot", "worker", "redis"}
    for ours in (services["bot"], services["worker"]):
        assert ours["build"] == "."
        assert unknown(set(ours["environment"])) == set()
        assert ours["environment"]["REDIS_URL"].startswith("redis://redis:6379")
        assert ours["depends_on"]["redis"]["condition"] == "service_healthy"
        assert int(ours["stop_grace_period"].removesuffix("s")) > SHUTDOWN_SECONDS
    assert services["worker"]["deploy"]["replicas"] == 2
    assert " ".join(services["worker"]["command"]) in procfile()["worker"]
    assert services["bot"]["ports"] == [f"127.0.0.1:8080:{dict(instructions())['EXPOSE']}"]
    redis = services["redis"]
    assert appended_always(redis["command"].split())
    assert redis["volumes"] == ["redis:/data"]
    assert "redis" in compose()["volumes"]
    assert redis["healthcheck"]["test"]


# Kubernetes


def manifests() -> dict[tuple[str, str], Any]:
    """By kind and name."""
    files = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    assert {path.name for path in KUBERNETES.iterdir()} == {*files, "kustomization.yaml"}
    found = [doc for file in files for doc in yaml.safe_load_all((KUBERNETES / file).read_text())]
    return {(doc["kind"], doc["metadata"]["name"]): doc for doc in found}


def settings_in_kubernetes() -> dict[str, str]:
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    (generated,) = kustomization["configMapGenerator"]
    assert generated["name"] == "paintbox"
    return dict(literal.split("=", 1) for literal in generated["literals"])


@pytest.mark.filterwarnings("ignore::DeprecationWarning:kubernetes_validate")
def test_the_manifests_fit_kubernetes_own_schemas() -> None:
    kinds = [kind for kind, _ in manifests()]
    assert sorted(kinds) == [
        *("Deployment", "Deployment", "Ingress", "ScaledObject", "Service", "Service"),
        "StatefulSet",
    ]
    for (kind, _), manifest in manifests().items():
        if kind != "ScaledObject":  # KEDA's
            version = kubernetes_validate.latest_version()
            kubernetes_validate.validate(manifest, version, strict=True)


def test_the_manifests_agree_with_each_other() -> None:
    found = manifests()
    for name, kind in (("web", "Deployment"), ("worker", "Deployment"), ("redis", "StatefulSet")):
        spec = found[kind, name]["spec"]
        assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
        if service := found.get(("Service", name)):
            assert service["spec"]["selector"] == spec["template"]["metadata"]["labels"]
            (container,) = spec["template"]["spec"]["containers"]
            named = {port["name"] for port in container["ports"]}
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= named
    rule = found["Ingress", "web"]["spec"]["rules"][0]
    (path,) = rule["http"]["paths"]
    assert (path["path"], path["pathType"]) == (WEBHOOK_PATH, "Exact")
    backend = path["backend"]["service"]
    ports = [port["name"] for port in found["Service", backend["name"]]["spec"]["ports"]]
    assert backend["port"]["name"] in ports
    settings = settings_in_kubernetes()
    assert unknown(set(settings)) == set()
    assert settings["WEBHOOK_HOST"] == f"https://{rule['host']}"
    redis_port = found["Service", "redis"]["spec"]["ports"][0]["port"]
    assert settings["REDIS_URL"].startswith(f"redis://redis:{redis_port}")


@pytest.mark.parametrize("name", ["web", "worker"])
def test_the_pods_run_the_image_unprivileged_with_our_settings(name: str) -> None:
    pod = manifests()["Deployment", name]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    of = dict(instructions())
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] == int(of["USER"])
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert pod["terminationGracePeriodSeconds"] > SHUTDOWN_SECONDS
    sources = [source["name"] for entry in container["envFrom"] for source in entry.values()]
    assert sources == ["paintbox", "paintbox"]
    secret = re.search(r"kubectl .*create secret generic (\S+) .*?=?([A-Z_]+)=", SCALING)
    assert secret
    assert secret[1] == "paintbox"
    assert unknown({secret[2]}) == set()
    command = container.get("args", json.loads(of["CMD"]))
    assert " ".join(command) in procfile()[name]
    assert container["ports"] == [{"name": "http", "containerPort": int(of["EXPOSE"])}]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["path"] in health_routes()
        assert container[probe]["httpGet"]["port"] == "http"


def test_redis_in_kubernetes_forgets_nothing() -> None:
    found = manifests()["StatefulSet", "redis"]["spec"]
    (container,) = found["template"]["spec"]["containers"]
    assert appended_always(container["args"])
    (volume,) = container["volumeMounts"]
    assert volume["mountPath"] == "/data"
    assert volume["name"] == found["volumeClaimTemplates"][0]["metadata"]["name"]
    assert container["image"] == compose()["services"]["redis"]["image"]


def test_the_autoscaler_counts_docket_s_jobs() -> None:
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    spec = manifests()["ScaledObject", "worker"]["spec"]
    assert ("Deployment", spec["scaleTargetRef"]["name"]) in manifests()
    assert "replicas" not in manifests()["Deployment", "worker"]["spec"]
    (trigger,) = spec["triggers"]
    assert trigger["type"] == "redis-streams"
    host = f"redis.{kustomization['namespace']}.svc.cluster.local"
    assert trigger["metadata"]["address"] == f"{host}:6379"
    assert int(trigger["metadata"]["streamLength"]) >= 1


# A plain server


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_the_units_of_systemd(path: Path, tmp_path: Path) -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(path)
    service = unit["Service"]
    given = dict(pair.split("=", 1) for pair in service["Environment"].split())
    assert unknown(set(given)) == set()
    assert int(service["TimeoutStopSec"]) > SHUTDOWN_SECONDS
    assert service["Restart"] == "always"
    python, command = service["ExecStart"].split(" ", 1)
    assert Path(python).is_relative_to(service["WorkingDirectory"])
    assert command in procfile()["worker" if "worker" in path.stem else "web"]
    if "DATA_DIR" in given:
        assert given["DATA_DIR"] == f"/var/lib/{service['StateDirectory']}"
    if shutil.which("systemd-analyze"):
        name = path.name.replace("@", "@1")
        text = path.read_text().replace(python, sys.executable)
        (tmp_path / name).write_text(text.replace("/opt/paintbox", str(ROOT)))
        verify = ["systemd-analyze", "verify", str(tmp_path / name)]
        verdict = subprocess.run(verify, capture_output=True, text=True, check=False)
        assert (verdict.returncode, verdict.stderr) == (0, "")


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A new key and its certificate for `HOST`."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    name = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", *kind, "-days", "2", *name, *files]
    subprocess.run(command, check=True, capture_output=True)
    return key, certificate


@asynccontextmanager
async def nginx(folder: Path, webhook_port: int) -> AsyncIterator[tuple[int, int, Path]]:
    """nginx with the shipped file, its ports and paths replaced; yields its ports for TLS and for
    none, and its certificate."""
    program = shutil.which("nginx")
    if program is None:
        pytest.skip("there is no nginx")
    key, certificate = await asyncio.to_thread(self_signed, folder)
    tls_port, plain_port = free_port(), free_port()
    site = NGINX.read_text()
    for shipped, here in (
        (r"listen \[::\]:.*;\n", ""),  # not every machine has IPv6
        (r"listen 443 ", f"listen 127.0.0.1:{tls_port} "),
        (r"listen 80;", f"listen 127.0.0.1:{plain_port};"),
        (r"/\S+/fullchain\.pem", str(certificate)),
        (r"/\S+/privkey\.pem", str(key)),
        (r"127\.0\.0\.1:8080", f"127.0.0.1:{webhook_port}"),
    ):
        site, replaced = re.subn(shipped, here, site)
        assert replaced, shipped
    (folder / "site.conf").write_text(site)
    folders = "".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}"
        f"http {{ access_log off; {folders} include {folder}/site.conf; }}"
    )
    process = await asyncio.create_subprocess_exec(
        program, "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")
    )
    try:
        async with asyncio.timeout(10):
            while not (folder / "pid").exists():
                assert process.returncode is None, (folder / "error.log").read_text()
                await asyncio.sleep(0.05)
        yield tls_port, plain_port, certificate
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def telegram_s_way(port: int, nginx_port: int, trusted: Path) -> AsyncIterator[None]:
    """What the chat sends to `port` goes to nginx over TLS and by the host's name, as Telegram's
    would.
    """
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=trusted))
    async with aiohttp.ClientSession(connector=connector) as session:

        async def forward(request: web.Request) -> web.Response:
            secret = request.headers["X-Telegram-Bot-Api-Secret-Token"]
            async with session.post(
                f"https://127.0.0.1:{nginx_port}{request.path}",
                data=await request.read(),
                headers={
                    "Host": HOST,
                    "Content-Type": request.content_type,
                    "X-Telegram-Bot-Api-Secret-Token": secret,
                },
                server_hostname=HOST,
            ) as answer:
                return web.Response(status=answer.status, body=await answer.read())

        app = web.Application()
        app.router.add_post("/{path:.*}", forward)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield
        finally:
            await runner.cleanup()


async def test_updates_come_through_nginx_and_nothing_else_does(tmp_path: Path) -> None:
    chat = await start_chat(first_webhook_pause_s=0.1)
    webhook_port, relay_port = free_port(), free_port()
    async with (
        nginx(tmp_path, webhook_port) as (tls_port, plain_port, certificate),
        telegram_s_way(relay_port, tls_port, certificate),
        join(chat.url, "Ann", "en") as ann,
        bot_in_chat(
            chat,
            WEBHOOK_HOST=f"http://127.0.0.1:{relay_port}",
            WEBAPP_HOST="127.0.0.1",
            PORT=str(webhook_port),
        ),
    ):
        await ann.say("/start")
        assert "Hello, Ann!" in (await ann.next_message(30)).text

        trusted = ssl.create_default_context(cafile=certificate)
        connector = aiohttp.TCPConnector(ssl=trusted)
        async with aiohttp.ClientSession(connector=connector) as stranger:

            async def status(method: str, path: str, body: bytes = b"") -> tuple[int, bool]:
                """Of the answer, and whether nginx gave it by itself."""
                url = f"https://127.0.0.1:{tls_port}{path}"
                async with stranger.request(
                    method, url, data=io.BytesIO(body), headers={"Host": HOST}, server_hostname=HOST
                ) as answer:
                    return answer.status, b"<center>nginx" in await answer.read()

            assert await status("POST", WEBHOOK_PATH, b"{}") == (401, False)  # the bot's answer
            assert await status("GET", WEBHOOK_PATH) == (403, True)
            assert await status("POST", WEBHOOK_PATH, bytes(MAX_UPDATE_BYTES + 1)) == (413, True)
            for path in ("/", "/health/ready", "/metrics", f"{WEBHOOK_PATH}/more"):
                assert await status("POST", path) == (404, True)
            plain = f"http://127.0.0.1:{plain_port}/"
            async with stranger.get(plain, headers={"Host": HOST}, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (301, f"https://{HOST}/")
    await chat.close()


# Heroku


def test_heroku_s_files() -> None:
    app = json.loads((ROOT / "app.json").read_text())
    assert unknown(set(app["env"])) == set()
    for name, variable in app["env"].items():
        default = variables().get(name)
        assert variable["description"]
        assert "value" in variable or default is not None  # else the button could not ask for it
    assert set(app["formation"]) == set(procfile()) == {"web", "worker"}
    assert any(addon.startswith("heroku-redis") for addon in app["addons"])  # sets REDIS_URL
    assert "torch" not in (ROOT / "requirements.txt").read_text()
    for line in procfile().values():
        assert unknown(set(re.findall(r"\b([A-Z_]+)=", line))) == set()
        assert re.search(r" python bot\.py( worker)?$", line)


@asynccontextmanager
async def dyno(kind: str, cwd: Path, **variables: str) -> AsyncIterator[None]:
    """A line of the Procfile, run as Heroku does."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", procfile()[kind]),
        cwd=cwd,
        env={"PATH": path, "NST_SIZE": "128"} | variables,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


@asynccontextmanager
async def redis_as_heroku_has_it(folder: Path) -> AsyncIterator[str]:
    """Over TLS alone, with a certificate that nobody vouches for; yields its URL."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server")
    key, certificate = await asyncio.to_thread(self_signed, folder)
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(program, "--port", "0", "--tls-port", f"{port}", "--bind", "127.0.0.1"),
        *("--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate),
        *("--tls-auth-clients", "no", "--save", "", "--loglevel", "warning"),
    )
    try:
        yield f"rediss://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def until_ready(port: int) -> None:
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        while True:
            with suppress(aiohttp.ClientConnectionError):
                async with session.get(f"http://127.0.0.1:{port}/health/ready") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)


async def test_heroku_s_processes_work_with_heroku_s_redis(tmp_path: Path) -> None:
    """Also: the stream that the autoscaler in Kubernetes looks at is the one that jobs wait in."""
    (trigger,) = manifests()["ScaledObject", "worker"]["spec"]["triggers"]
    stream = trigger["metadata"]["stream"]
    port = free_port()
    chat = await start_chat()
    async with redis_as_heroku_has_it(tmp_path) as url, join(chat.url, "Ann", "en") as ann:
        given = {"BOT_TOKEN": chat.token, "TELEGRAM_API_URL": chat.url, "REDIS_URL": url}
        retry = Retry(ConstantBackoff(0.1), 50)
        with pytest.raises(StoreError, match="CERTIFICATE_VERIFY_FAILED"):
            await open_store(url, None)
        async with (
            Redis.from_url(f"{url}?ssl_cert_reqs=none", retry=retry) as redis,
            dyno("web", ROOT, PORT=str(port), **given),
        ):
            await until_ready(port)
            await choose_preset(ann)
            assert await redis.xlen(stream) == 0
            await ann.send_photo((PHOTOS / "chelsea.jpg").read_bytes())
            status = await ann.next_message()
            assert await redis.xlen(stream) == 1
            async with dyno("worker", ROOT, **given):
                await result_in(ann, status)
            assert await redis.xlen(stream) == 0
    await chat.close()


# Documents


@pytest.mark.parametrize("name", ["architecture", "deploying", "scaling"])
def test_the_documents_name_variables_that_somebody_reads(name: str) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text("utf-8")
    assert unknown(set(re.findall(r"\b([A-Z]+_[A-Z_]+)\b", text))) == set()


def test_the_tables_of_capacity_follow_from_what_was_measured() -> None:
    lines = re.findall(r"^[\d.]+ s a photo on .* for a user$", SCALING, re.M)
    rows = re.findall(r"^\| (?:photos a day|[\d,]+000) \|.*$", SCALING, re.M)
    assert lines
    computed: list[str] = []
    for line in lines:
        seconds, *figures = re.findall(r"[\d.]+", line)
        _, waiting, finished, update, user = map(int, figures)
        each = InRedis(user=user, update=update, waiting=waiting, finished=finished)
        assert measured(float(seconds), each) == line
        header, _, *others = table(float(seconds), each)
        computed += [header, *others]
    assert rows == computed
