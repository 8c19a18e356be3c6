"""A run as one HTML file: to read, to print, to send. Nothing in it is fetched from elsewhere.

A pure function of the record and its plot. It says whether the files are what the record says they were, because a page
outlives the folder it was made from. No template engine: the page has one table and one list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from controller.journal import Record
from controller.journal.record import DISCLAIMER
from controller.shelf.traces import changed_files

_STYLE: Final = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,'Segoe UI',Helvetica,Arial,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0 0 .2rem}h2{font-size:1.1rem;margin:2rem 0 .4rem}
p.note{opacity:.75;margin:.2rem 0 1rem}section+section{border-top:1px solid #8886;margin-top:3rem;padding-top:1.5rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0;
border-bottom:1px solid #8883}th{font-weight:600;white-space:nowrap}td.n{font-variant-numeric:tabular-nums}
code{font-size:.8rem;overflow-wrap:anywhere}svg{max-width:100%;height:auto;margin-top:1rem}
@media print{section+section{break-before:page;border:0}body{margin:0;max-width:none}}
"""
_PHASE: Final = ("phase", "run", "outcome", "dose", "between", "peak", "duration", "reason")


def page(records: Sequence[Record]) -> str:
    """The HTML of one or several runs, one after the other."""
    names = dict.fromkeys(str(record.data["treatment"]["name"]) for record in records)
    body = "\n".join(_section(record) for record in records)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(', '.join(names))}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _section(record: Record) -> str:
    data = record.data
    warnings = "".join(f"<li>{escape(str(text))}</li>" for text in data["warnings"])
    parts = [
        f"<section>\n<h1>{escape(str(data['treatment']['name']))}</h1>\n<p class=note>{escape(DISCLAIMER)}</p>",
        _table(_facts(record)),
        f"<h2>Phases</h2>\n{_phases(data['runs'])}",
        f"<h2>Warnings</h2>\n<ul>{warnings}</ul>" if warnings else "",
        _plot(record),
        f"<h2>Files</h2>\n{_files(record)}\n</section>",
    ]
    return "\n".join(part for part in parts if part)


def _facts(record: Record) -> Iterable[tuple[str, str]]:
    data, unit, host = record.data, record.data["unit"], record.data["host"]
    low, high = record.dose_interval_ma_min
    yield "Outcome", record.outcome
    yield "Dose", f"{record.dose_ma_min:.3f} mA·min (between {low:.3f} and {high:.3f})"
    yield "Peak", f"{data['peak_ma']:.3f} mA"
    yield "Duration", f"{data['duration_s']:.1f} s"
    yield "Time", f"{data['started_utc']} to {data['ended_utc']}"
    yield "Unit", f"{unit['serial']} ({unit['model']}, firmware {unit['firmware']}) on {unit['port']}"
    if unit["simulated"]:
        yield "Simulated", f"scenario {data['scenario']}, seed {data['seed']}"
    yield "Operator", str(data["operator"] or "not named")
    if data["station"] is not None:
        yield "Station", str(data["station"])
    yield "Host", f"ionto {host['version']}, Python {host['python']}, {host['platform']}"
    yield "Run", str(data["run_set"])
    if not data["complete"]:
        yield "Record", "recovered from the wire log"


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = "\n".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<table>\n{cells}\n</table>"


def _phases(runs: Sequence[Mapping[str, Any]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in _PHASE)
    return f"<table>\n<tr>{head}</tr>\n" + "\n".join(map(_phase, runs)) + "\n</table>"


def _phase(run: Mapping[str, Any]) -> str:
    low, high = run["dose_interval_ma_min"]
    cells = (
        run["phase"], run["run"], run["outcome"], f"{run['dose_ma_min']:.3f} mA·min", f"{low:.2f} to {high:.2f}",
        f"{run['peak_ma']:.3f} mA", f"{run['duration_s']:.1f} s", run.get("reason", ""),
    )  # fmt: skip
    return "<tr>" + "".join(f"<td class=n>{escape(str(cell))}</td>" for cell in cells) + "</tr>"


def _plot(record: Record) -> str:
    if record.folder is None or "plot.svg" in changed_files(record):
        return ""
    try:
        return (record.folder / "plot.svg").read_text("utf-8")
    except OSError:
        return ""


def _files(record: Record) -> str:
    changed = changed_files(record)
    rows = "\n".join(
        f"<tr><th>{escape(name)}</th><td><code>{escape(str(digest))}</code></td>"
        f"<td>{'NOT as recorded' if name in changed else 'as recorded'}</td></tr>"
        for name, digest in record.data["files"].items()
    )
    return f"<table>\n{rows}\n</table>\n<p class=note>SHA-256 of each file when the record was made.</p>"
