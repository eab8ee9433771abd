"""What every benchmark ends with: one table, and with --csv FILE the same with machine, versions and date."""

import argparse
import datetime
import importlib.metadata
import os
import platform

import pandas as pd


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--data", help="solar (the default), clothing, or a folder; as in data.load()"
    )
    parser.add_argument("--csv", help="also write the table to this file")
    return parser


def report(rows: list[dict], csv: str | None = None) -> None:
    """Print one row a measurement; the CSV repeats machine, versions and date in every row."""
    table = pd.DataFrame(rows)
    print(table.to_string(index=False, float_format=lambda value: f"{value:.4g}"))
    if csv:
        versions = {
            name: importlib.metadata.version(name) for name in ("tensorflow", "keras", "numpy")
        }
        machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
        versions["python"] = platform.python_version()
        table.assign(machine=machine, date=f"{datetime.date.today()}", **versions).to_csv(
            csv, index=False
        )
        print(f"written to {csv}")
