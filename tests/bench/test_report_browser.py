"""A report in a real browser: nothing on its console, nothing asked of a network, readable in both themes.

By hand and before a release: a browser takes seconds to start and is not on every machine.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from controller.bench.record import Verdict
from controller.bench.report import to_html
from controller.bench.report.yield_page import yield_page
from controller.shelf.index import Shelf
from controller.shelf.query import Query
from controller.shelf.yields import yields
from tests.synthetic_runs import FIRST_S
from tests.synthetic_verifications import put, verification

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: apt-get install chromium"),
    pytest.mark.skipif("CI" in os.environ, reason="a browser is started by hand, not by a build server"),
]
DARK, LIGHT = 0, 1
LEAST = 4.5  # WCAG 2.2, 1.4.3, text of usual size

# Contrast of every text against what is behind it, by the formula of WCAG 2.2.
MEASURE = """
<script>
const parse = c => c.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map(v => (v /= 255, v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4))
  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
const behind = e => {
  const svg = e.closest('svg'), rect = svg && svg.querySelector('rect[width="100%"]');
  if (rect) return parse(getComputedStyle(rect).fill);
  for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c;
  }
  return [255, 255, 255];
};
const found = [];
for (const e of document.querySelectorAll('body *')) {
  if (e.closest('desc, title, script, style')) continue;
  const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own) continue;
  const style = getComputedStyle(e), paint = e.namespaceURI.endsWith('svg') ? style.fill : style.color;
  if (paint === 'none') continue;
  found.push([ratio(parse(paint), behind(e)), e.textContent.trim().slice(0, 40)]);
}
found.sort((a, b) => a[0] - b[0]);
document.title = JSON.stringify({texts: found.length, worst: found[0],
  dark: matchMedia('(prefers-color-scheme: dark)').matches, wide: document.documentElement.scrollWidth});
</script>
"""


def browse(html: str, folder: Path, theme: int, width: int = 1100) -> tuple[str, list[str]]:
    """The page as the browser has it, and what it wrote on its console."""
    (folder / "page.html").write_text(html, "utf-8")
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={folder / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr",
        f"--blink-settings=preferredColorScheme={theme}", f"--window-size={width},2000", "--dump-dom",
        (folder / "page.html").as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


PAGES = {
    "failed": {"gain": 1.03, "late_ms": 40.0, "overdue": True, "simulated": True},
    "passed": {},
    "ended": {"metered": False, "ended": Verdict.TIMEOUT},
}


def measured(html: str, folder: Path, theme: int, width: int = 1100) -> str:
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html).replace("</body>", MEASURE + "</body>")
    page, console = browse(bare, folder, theme, width)
    assert console == []
    found = re.search(r"<title>(\{.*?\})</title>", page)
    assert found is not None
    return unescape(found[1])


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("kind", PAGES)
def test_a_report_is_readable_in_both_themes(kind, theme, tmp_path) -> None:
    said = json.loads(measured(to_html(verification(**PAGES[kind]), "1 1 = a note\n"), tmp_path, theme))
    assert said["texts"] > 150
    assert said["dark"] is (theme == DARK)
    assert said["worst"][0] >= LEAST, said["worst"]
    assert said["wide"] <= 1100, "nothing is to be scrolled sideways"


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_a_yield_is_readable_in_both_themes(theme, tmp_path) -> None:
    for n in range(12):
        late = 40.0 if n == 5 else 0.7 * n
        put(tmp_path / "runs", verification(serial=f"S{n}", gain=1 + n / 2000, late_ms=late, number=n, samples=2,
                                            started_s=FIRST_S + n))  # fmt: skip
    with Shelf.open(tmp_path / "runs") as shelf:
        page = yield_page(yields(shelf, Query()), "2026-10-01")
    said = json.loads(measured(page, tmp_path, theme))
    assert said["worst"][0] >= LEAST, said["worst"]
    assert said["wide"] <= 1100


def test_a_report_asks_nothing_and_a_page_that_asks_is_caught(tmp_path) -> None:
    """The page's own policy lets nothing through, and says so on the console when somebody tries."""
    html = to_html(verification(**PAGES["failed"]))
    assert browse(html, tmp_path, LIGHT)[1] == []
    asking = html.replace("</body>", '<img src="https://example.org/x.png"></body>')
    console = browse(asking, tmp_path, LIGHT)[1]
    assert "Content Security Policy" in " ".join(console)


def test_it_prints_to_a_pdf_of_a_few_pages(tmp_path) -> None:
    (tmp_path / "page.html").write_text(to_html(verification(**PAGES["failed"])), "utf-8")
    target = tmp_path / "page.pdf"
    subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         "--no-first-run", "--disable-background-networking", "--no-pdf-header-footer", f"--print-to-pdf={target}",
         (tmp_path / "page.html").as_uri()], capture_output=True, timeout=90, check=True,
    )  # fmt: skip
    pages = re.findall(rb"/Type\s*/Page\b", target.read_bytes())
    assert 2 <= len(pages) <= 8
