"""`camera_registry.yaml`: what it may say (model), where each word stands (source), and what is
wrong with it (check).
"""

from domain.registry.changes import CameraChange, Changes, changes_of, must_restart
from domain.registry.check import load_registry
from domain.registry.model import Camera, Registry
from domain.registry.networks import Networks
from domain.registry.secrets import Credentials, Secrets

__all__ = [
    "Camera",
    "CameraChange",
    "Changes",
    "Credentials",
    "Networks",
    "Registry",
    "Secrets",
    "changes_of",
    "load_registry",
    "must_restart",
]
