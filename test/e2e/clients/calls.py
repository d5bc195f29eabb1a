"""Makes calls to the system bus, each given as a line of JSON on standard input, one after the other over one connection.

A line is [destination, path, interface, method, signature, arguments]. For each there is a line on standard output, with
"" for a call that was answered, and else with the error's name and text.
"""

import json
import sys

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
for line in sys.stdin:
    destination, path, interface, method, signature, arguments = json.loads(line)
    try:
        values = GLib.Variant(f"({signature})", arguments)
        bus.call_sync(destination, path, interface, method, values, None, Gio.DBusCallFlags.NONE, 30000)
        said = ""
    except GLib.Error as error:
        said = error.message.removeprefix("GDBus.Error:")
    print(json.dumps(said), flush=True)
