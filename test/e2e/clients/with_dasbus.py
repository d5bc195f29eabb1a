"""The API as BlueChi's own bindings call it: each proxy introspects its object first and calls by what it finds."""

from dasbus.connection import SystemMessageBus
from dasbus.error import DBusError
from dasbus.loop import EventLoop
from dasbus.typing import Variant, get_native

import walk


class Client:
    Error = DBusError

    def __init__(self):
        self.bus = SystemMessageBus()
        self.loop = EventLoop()
        self.unique_name = self.bus.connection.get_unique_name()

    def proxy(self, path, interface, name=walk.NAME):
        return self.bus.get_proxy(name, path, interface_name=interface)

    def get(self, path, interface, name):
        return getattr(self.proxy(path, interface), name)

    def connect(self, proxy, signal, listener):
        getattr(proxy, signal).connect(listener)

    def variant(self, signature, value):
        return Variant(signature, value)

    def describe(self, variant):
        return variant.get_type_string(), get_native(variant)

    def error(self, error):
        return error.dbus_name, str(error)


walk.main(Client())
