"""What the tests do with the operator's page, in its own words."""

from playwright.sync_api import Locator, Page


def sign_in(page: Page, key: str, name: str = "Zoë") -> None:
    """Type name and key; whether they are taken is not waited for."""
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Admin key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def view(page: Page, name: str) -> None:
    """Go to a view, and wait until it shows what it has."""
    page.get_by_role("navigation").get_by_role("link", name=name).click()
    page.get_by_role("heading", level=1, name=name).wait_for()
    page.get_by_text("Asking the service").wait_for(state="detached")


def row(page: Page, text: str) -> Locator:
    """The row of a table that holds a text."""
    return page.get_by_role("row").filter(has_text=text)


def confirm(page: Page, verb: str) -> None:
    """Press the button of the dialog that does it, and wait until it is done."""
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=verb).click()
    dialog.wait_for(state="detached")
