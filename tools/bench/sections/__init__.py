"""The sections of the bench, in the order they run."""
from sections.catch_up import catch_up
from sections.failover import failover
from sections.store import growth, memory, restart
from sections.throughput import listing, single, three
from sections.vip import vip
from sections.watch import watch

SECTIONS = {"single": single, "three": three, "list": listing, "watch": watch, "memory": memory,
            "restart": restart, "failover": failover, "vip": vip, "growth": growth, "catch-up": catch_up}
