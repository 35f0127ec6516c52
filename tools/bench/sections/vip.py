"""VIP take-over against keepalived. The rig of namespaces is a module of its own beside this one; where it is
missing, or this user may not make namespaces, the section says so."""
import importlib.util
import os


def vip(bench):
    """Take-over of the virtual IP, next to keepalived (needs root)."""
    if os.geteuid() != 0:
        print("skipped: network namespaces need root")
        return
    if importlib.util.find_spec("sections.vip_rig") is None:
        print("skipped: this build has no rig for the virtual IP")
        return
    from sections import vip_rig
    vip_rig.run(bench)
