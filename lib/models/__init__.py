"""Models on this machine and on the Hub; loading them is for processes that compute only.

catalog        where a name leads; the list
details        what a folder says about its model, and what is wrong with it
weights        safetensors files: which count, whether they are whole, their hash
ids            owner/name@revision
hub            a model on the Hub, looked at before it is fetched
hub_errors     what went wrong there, with what to do
job            the job `download`
download       what it does: fetches one, and goes on after a kill
fetching       one file of it
removal        deleting one
architectures  which kinds the installed transformers can load
starter        the starter model
loading        into memory (imports torch)
"""

from lib.models.catalog import STARTER, find, is_hub_id, list_models
from lib.models.details import ModelInfo
from lib.models.weights import fingerprint

__all__ = ["STARTER", "ModelInfo", "find", "fingerprint", "is_hub_id", "list_models"]
