"""The integration tester's way: everything in Swagger UI, in a real browser."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

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

    async def execute(self, method: str, path: str, body: Json | None = None, **given: str) -> tuple[int, Any]:
        """Open an operation, fill it in, press Execute; gives what the page then shows."""
        operation = self.page.locator(f".opblock-{method}").filter(
            has=self.page.locator(f'.opblock-summary-path[data-path="{path}"]')
        )
        if not await operation.locator(".opblock-body").count():
            await operation.locator(".opblock-summary-control").click()
        for name, text in given.items():
            await operation.locator(f'tr[data-param-name="{name.replace("_", "-")}"] input').fill(text)
        if body is not None:
            await operation.locator("textarea.body-param__text").fill(json.dumps(body))
        wanted = f"{self.address}{re.sub('{.*?}', '*', path)}*"
        async with self.page.expect_response(wanted) as response:
            await operation.locator("button.execute").click()
        shown = operation.locator(".live-responses-table .response").first
        await expect(shown.locator(".response-col_status")).to_contain_text(str((await response.value).status))
        text = await shown.locator(".response-col_description code").first.inner_text()
        await operation.locator(".opblock-summary-control").click()
        return (await response.value).status, json.loads(text)


async def _json(response: Response) -> Json:
    document: Json = await response.json()
    return document


@pytest.fixture
async def swagger_ui(dev: Dev) -> AsyncIterator[SwaggerUi]:
    chromium = need_program("chromium", to="use Swagger UI in a browser")
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS) as browser,
    ):
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        ui = SwaggerUi(page, dev.address)
        await ui.open()
        yield ui
        assert ui.complaints == []


async def test_from_authorize_to_revocation(swagger_ui: SwaggerUi, tmp_path: Path) -> None:
    ui = swagger_ui
    await ui.page.screenshot(path=tmp_path / "page.png", full_page=True)
    dialog = await ui.open_login()
    assert (await ui.log_in(dialog))["token_type"] == "Bearer"

    status, found = await ui.execute("get", "/v1/templates", service=SERVICE)
    assert (status, found["total"]) == (200, 1)
    template = found["items"][0]
    assert template["services"] == [SERVICE]

    permission = template["permissions"][0]["code"]
    body = {
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
    body |= {name: preview["content"][name] for name in ("valid_from", "valid_until")}
    body["signatures"] = [
        {
            "capacity": preview["capacity"],
            "method": "jws",
            "evidence": {"format": "jws", "data": signed.out.strip()},
        }
    ]
    status, mandate = await ui.execute("post", "/v1/mandates", body, Idempotency_Key=str(uuid4()))
    assert (status, mandate.get("status")) == (201, "active"), mandate

    question = {
        "principal": person(BERI, None),
        "representative": person(PAUL, None),
        "permissions": [permission],
        "purpose": "submission 2026-114",
    }
    status, answer = await ui.execute("post", "/v1/verifications", question)
    assert (status, answer["decision"]) == (200, "permit")
    assert answer["permissions"][0]["mandate_id"] == mandate["id"]

    status, event = await ui.execute(
        "post",
        "/v1/mandates/{mandate_id}/revocation",
        {"by": "third_party", "reason": "case closed"},
        mandate_id=mandate["id"],
    )
    assert status == 201, event
    status, answer = await ui.execute("post", "/v1/verifications", question)
    assert (answer["decision"], answer["reasons"]) == ("deny", ["revoked"])
