#!/usr/bin/python3
"""Outlets of a PDU for snmpd's pass_persist: a file per outlet holds 1 (on) or 2 (off)."""
import sys

STATE, BASE, OUTLETS = "@STATE@", ".1.3.6.1.4.1.318.1.1.", 8
COMMAND, NAME, STATUS = "12.3.3.1.1.4.", "12.3.5.1.1.2.", "12.3.5.1.1.4."


def read(outlet):
    try:
        return int(open(f"{STATE}/outlet{outlet}").read())
    except (OSError, ValueError):
        return 1


def table():
    rows = {}
    for outlet in range(1, OUTLETS + 1):
        rows[f"{BASE}{COMMAND}{outlet}"] = ("integer", read(outlet))
        rows[f"{BASE}{NAME}{outlet}"] = ("string", f"Outlet {outlet}")
        rows[f"{BASE}{STATUS}{outlet}"] = ("integer", read(outlet))
    return rows


def numbers(oid):
    return [int(part) for part in oid.strip(".").split(".")]


def say(*lines):
    print(*lines, sep="\n", flush=True)


while line := sys.stdin.readline():
    word = line.strip()
    if word == "PING":
        say("PONG")
    elif word in ("get", "getnext"):
        oid, rows = sys.stdin.readline().strip(), table()
        if word == "getnext":
            oid = next((row for row in sorted(rows, key=numbers) if numbers(row) > numbers(oid)), None)
        say(oid, rows[oid][0], str(rows[oid][1])) if oid in rows else say("NONE")
    elif word == "set":
        oid, value = sys.stdin.readline().strip(), sys.stdin.readline().split()[-1]
        if oid.startswith(BASE + COMMAND) and value in ("1", "2"):
            open(f"{STATE}/outlet{oid.rsplit('.', 1)[1]}", "w").write(value)
            say("DONE")
        else:
            say("not-writable")
