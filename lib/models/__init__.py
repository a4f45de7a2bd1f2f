"""Models on this machine: finding them, the starter, and loading them (only in processes that compute)."""

from lib.models.catalog import STARTER, ModelInfo, find, fingerprint, is_hub_id, list_models

__all__ = ["STARTER", "ModelInfo", "find", "fingerprint", "is_hub_id", "list_models"]
