"""The Chromium of this machine, and the screens that the pages are looked at on."""

import shutil

from playwright.sync_api import ViewportSize

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# No sandbox, for containers; and no calls by the browser itself.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, DESKTOP = ViewportSize(width=390, height=844), ViewportSize(width=1280, height=900)  # CSS pixels
