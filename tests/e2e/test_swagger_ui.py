"""The integration tester's way: everything in Swagger UI, in a real browser."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from playwright.async_api import ConsoleMessage, Locator, Page, Request, Response, async_playwright, expect

from factories import BERI, PAUL, Json, person
from registry_processes import Dev, run
from required_programs import need_program

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SERVICE = "oep-ekonomiskt-bistand"
PATIENCE_MS = 30_000


class SwaggerUi:
    """The page as a tester sees and uses it. `complaints` is what should never be."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        # A breach of the content security policy is an error here.
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.address}/", "data:", f"blob:{self.address}/")):
            self.complaints.append(f"a request to {request.url}")

    async def open(self) -> None:
        await self.page.goto(f"{self.address}/docs")
        await expect(self.page.locator(".opblock").first).to_be_visible()

    async def open_login(self) -> Locator:
        """Press Authorize; gives the dialog."""
        await self.page.locator(".scheme-container button.authorize").click()
        return self.page.locator(".modal-ux")

    async def log_in(self, dialog: Locator) -> Json:
        """Press Authorize in the dialog; gives what the token endpoint answered."""
        async with self.page.expect_response("**/oauth2/token") as response:
            await dialog.locator(".auth-btn-wrapper button.authorize").click()
        await expect(dialog).to_contain_text("Authorized")
        await dialog.get_by_role("button", name="Close").click()
        return await _json(await response.value)

    async def execute(
        self, method: str, path: str, body: Json | None = None, given: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Open an operation, fill it in, press Execute; gives what the page then shows."""
        operation = self.page.locator(f".opblock-{method}").filter(
            has=self.page.locator(f'.opblock-summary-path[data-path="{path}"]')
        )
        if not await operation.locator(".opblock-body").count():
            await operation.locator(".opblock-summary-control").click()
        for name, text in (given or {}).items():
            await operation.locator(f'tr[data-param-name="{name}"] input').fill(text)
        if body is not None:
            await operation.locator("textarea.body-param__text").fill(json.dumps(body))
        wanted = f"{self.address}{re.sub('{.*?}', '*', path)}*"
        async with self.page.expect_response(wanted) as response:
            await operation.locator("button.execute").click()
        shown = operation.locator(".live-responses-table .response").first
        await expect(shown.locator(".response-col_status")).to_contain_text(
            str((await response.value).status)
        )
        shown_text = await shown.locator(".response-col_description code").first.text_content()
        return (await response.value).status, json.loads(shown_text or "")


async def _json(response: Response) -> Json:
    document: Json = await response.json()
    return document


@pytest.fixture(scope="session")
def chromium() -> str:
    return need_program("chromium", to="use Swagger UI in a browser")


@pytest.fixture
async def swagger_ui(chromium: str, dev: Dev) -> AsyncIterator[SwaggerUi]:
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS) as browser,
    ):
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        await page.clock.install()
        ui = SwaggerUi(page, dev.address)
        await ui.open()
        yield ui
        assert ui.complaints == []


async def test_from_authorize_to_revocation(swagger_ui: SwaggerUi) -> None:
    ui = swagger_ui
    dialog = await ui.open_login()
    await expect(dialog.get_by_label("client_id")).to_have_value("demo-platform")
    await expect(dialog.get_by_label("client_secret")).to_have_value("demo")
    ticked = await dialog.locator(".scopes input:checked").evaluate_all(
        "boxes => boxes.map(box => box.dataset.value)"
    )
    granted = await ui.log_in(dialog)
    assert sorted(granted["scope"].split()) == sorted(ticked)

    template = await find_template(ui)
    permission = template["permissions"][0]["code"]
    mandate = await issue(ui, template, permission)
    question = {
        "principal": person(BERI, None),
        "representative": person(PAUL, None),
        "permissions": [permission],
        "purpose": "submission 2026-114",
    }
    status, answer = await ui.execute("post", "/v1/verifications", question)
    assert (status, answer["decision"]) == (200, "permit")
    assert answer["permissions"][0]["mandate_id"] == mandate["id"]

    async with ui.page.expect_response("**/oauth2/token") as renewed:
        await ui.page.clock.fast_forward(1000 * granted["expires_in"])
    assert (await renewed.value).status == 200
    reason = {"by": "third_party", "reason": "case closed"}
    status, event = await ui.execute(
        "post", "/v1/mandates/{mandate_id}/revocation", reason, {"mandate_id": mandate["id"]}
    )
    assert status == 201, event
    status, answer = await ui.execute("post", "/v1/verifications", question)
    assert (answer["decision"], answer["reasons"]) == ("deny", ["revoked"])


async def find_template(ui: SwaggerUi) -> Json:
    """Find the template of an e-service by its stable UID, which is all that is filled in."""
    status, found = await ui.execute("get", "/v1/templates", given={"service": SERVICE})
    assert (status, found["total"]) == (200, 1)
    template: Json = found["items"][0]
    assert template["services"] == [SERVICE]
    return template


async def issue(ui: SwaggerUi, template: Json, permission: str) -> Json:
    """Preview a mandate, sign it as a test person, issue it."""
    body: Json = {
        "template": {"id": template["id"], "version": template["version"]},
        "principal": person(BERI, "Beri Ylles"),
        "representatives": [person(PAUL, "Paul Ingemar Vall")],
        "permissions": [permission],
        "language": "sv",
    }
    status, preview = await ui.execute("post", "/v1/mandates/preview", body)
    assert status == 200, preview
    signed = await run("demo", "sign", "--person", BERI, data=preview["to_be_signed"].encode())
    assert signed.code == 0, signed.err
    evidence = {"format": "jws", "data": signed.out.strip()}
    body |= {name: preview["content"][name] for name in ("valid_from", "valid_until")}
    body["signatures"] = [{"capacity": preview["capacity"], "method": "jws", "evidence": evidence}]
    status, mandate = await ui.execute("post", "/v1/mandates", body)
    assert (status, mandate.get("status")) == (201, "active"), mandate
    issued: Json = mandate
    return issued
