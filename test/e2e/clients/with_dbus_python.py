"""The API as programs on dbus-python call it."""

import dbus
import dbus.mainloop.glib
from gi.repository import GLib

import walk

TYPES = {"s": dbus.String, "u": dbus.UInt32, "t": dbus.UInt64}


class Client:
    Error = dbus.DBusException

    def __init__(self):
        dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
        self.bus = dbus.SystemBus()
        self.loop = GLib.MainLoop()
        self.unique_name = self.bus.get_unique_name()

    def proxy(self, path, interface, name=walk.NAME):
        return dbus.Interface(self.bus.get_object(name, path, follow_name_owner_changes=True), interface)

    def get(self, path, interface, name):
        return self.proxy(path, walk.PROPERTIES).Get(interface, name)

    def connect(self, proxy, signal, listener):
        proxy.connect_to_signal(signal, listener)

    def variant(self, signature, value):
        if signature.startswith("a"):
            return dbus.Array(value, signature=signature[1:], variant_level=1)
        return TYPES[signature](value, variant_level=1)

    def describe(self, variant):
        if isinstance(variant, dbus.Array):
            return f"a{variant.signature}", variant
        return next(code for code, known in TYPES.items() if isinstance(variant, known)), variant

    def error(self, error):
        return error.get_dbus_name(), error.get_dbus_message()


walk.main(Client())
