"""`camera_registry.yaml`: what it may say (model), where each word stands (source), and what is wrong with it (check)."""

from domain.registry.check import load_registry
from domain.registry.model import Camera, Registry
from domain.registry.networks import Networks
from domain.registry.secrets import Credentials, Secrets

__all__ = ["Camera", "Credentials", "Networks", "Registry", "Secrets", "load_registry"]
